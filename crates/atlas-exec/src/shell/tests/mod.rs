//! The shell against a world that fails in every way it can.

mod bench;
mod crash;
mod days;
mod flatten;
mod operator;
mod protect;
mod stream;
mod world;

use atlas_core::{Qty, Side, SignalOutcome, Usd};
use atlas_risk::TradingState;
use bench::{Disk, own, plan, rebalance};
use world::{Fault, Habit, Seen, World};

use super::ExecutionReport;
use crate::error::Error;
use crate::folder::FenceNote;
use crate::sequencer::Finish;
use crate::states::Cause;

/// An account that owns AAPL and IBM, and a second plan: sell both, buy MSFT and GOOG.
fn rotation() -> (World, Disk, atlas_engine::plan::RebalancePlan) {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100"), ("IBM", 50, "100")]);
    world.price("MSFT", "100");
    world.price("GOOG", "200");
    let plan = plan(
        2,
        &[
            (Side::Sell, "AAPL", 50, "100"),
            (Side::Sell, "IBM", 50, "100"),
            (Side::Buy, "MSFT", 100, "100"),
            (Side::Buy, "GOOG", 50, "200"),
        ],
    );
    (world, disk, plan)
}

fn outcomes(report: &ExecutionReport) -> Vec<SignalOutcome> {
    report.signals.iter().filter_map(|signal| signal.outcome).collect()
}

use SignalOutcome::{
    Executed, ExpiredUnfilled, PartiallyExecuted, RejectedByBroker, RejectedByBuyingPower,
};

#[test]
fn a_quiet_day() {
    let (world, disk, plan) = rotation();
    let mut session = disk.session(&world);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert_eq!(report.finish, Finish::Complete);
    assert_eq!(outcomes(&report), [Executed; 4]);
    assert!(report.reconciliation.is_clean());
    assert_eq!(report.account_after.cash, Usd::ZERO);
    let seen = world.inner().seen.clone();
    let side = |seen: &Seen| match seen {
        Seen::Submit(request) => Some(request.side),
        Seen::Cancel(_) | Seen::Account => None,
    };
    let sides: Vec<Side> = seen.iter().filter_map(side).collect();
    assert_eq!(sides, [Side::Sell, Side::Sell, Side::Buy, Side::Buy]);
    // Between the last sell and the first buy the account was asked again.
    let last_sell = seen.iter().rposition(|s| side(s) == Some(Side::Sell)).unwrap();
    let first_buy = seen.iter().position(|s| side(s) == Some(Side::Buy)).unwrap();
    assert!(seen[last_sell..first_buy].contains(&Seen::Account));

    // Again: nothing is sent, and the report says the same.
    let before = world.submits();
    let again = rebalance(&mut session, &world, &plan).unwrap();
    assert!(!again.acted);
    assert_eq!(again.signals, report.signals);
    assert_eq!(world.submits(), before);
    drop(session);
    let again = rebalance(&mut disk.session(&world), &world, &plan).unwrap();
    assert_eq!((again.orders, world.submits()), (report.orders, before));
}

#[test]
fn what_does_not_fill_is_canceled_and_buys_come_down() {
    for (habit, sold, aapl) in [
        (Habit::Hang, 0, ExpiredUnfilled),
        (Habit::Half, 25, PartiallyExecuted),
        (Habit::FillOnCancel, 50, Executed),
        (Habit::Reject, 0, RejectedByBroker),
        (Habit::Refuse, 0, RejectedByBroker),
        (Habit::Later(120), 50, Executed),
    ] {
        let (world, disk, plan) = rotation();
        world.habit("AAPL", habit);
        let mut session = disk.session(&world);
        let report = rebalance(&mut session, &world, &plan).unwrap();
        assert_eq!(report.finish, Finish::Complete, "{habit:?}");
        assert_eq!(outcomes(&report)[0], aapl, "{habit:?}");
        let left = Qty::from_shares(50 - sold);
        assert_eq!(session.state().books().owned(&"AAPL".parse().unwrap()), left, "{habit:?}");
        // 10 000 in cash, 5 000 from IBM, the rest from AAPL; 20 000 were wanted.
        let fitted = |full: u32| Qty::from_shares(full * (15_000 + sold * 100) / 20_000);
        let bought: Vec<Qty> = report.orders[2..].iter().map(|order| order.filled_qty).collect();
        assert_eq!(bought, [fitted(100), fitted(50)], "{habit:?}");
        assert!(report.reconciliation.is_clean(), "{habit:?}: {:?}", report.reconciliation);
        assert_eq!(session.trading_state(), TradingState::Active, "{habit:?}");
    }
}

#[test]
fn too_little_money_drops_what_is_too_small() {
    let (world, disk) = (World::new("700"), Disk::new());
    world.price("MSFT", "100");
    world.price("GOOG", "200");
    let plan = plan(1, &[(Side::Buy, "MSFT", 10, "100"), (Side::Buy, "GOOG", 1, "200")]);
    let mut session = disk.session(&world);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert_eq!(outcomes(&report), [PartiallyExecuted, RejectedByBuyingPower]);
    assert_eq!(report.orders.len(), 1);
    assert_eq!(report.orders[0].filled_qty, Qty::from_shares(5));
}

#[test]
fn whatever_the_network_does_there_is_one_order_a_leg() {
    for faults in [
        vec![Some(Fault::RequestLost)],
        vec![Some(Fault::AnswerLost)],
        vec![Some(Fault::NotReached), Some(Fault::NotReached)],
        vec![Some(Fault::RequestLost), Some(Fault::RequestLost)],
        vec![Some(Fault::RequestLost), Some(Fault::AnswerLost)],
        vec![Some(Fault::RequestLost), Some(Fault::NotReached)],
        vec![Some(Fault::NotReached), Some(Fault::AnswerLost)],
        vec![Some(Fault::Late(2))],
        vec![Some(Fault::Late(4)), None, Some(Fault::AnswerLost)],
        // Arrives after the look-ups are over: the resend meets it at the venue.
        vec![Some(Fault::Late(5)), Some(Fault::RequestLost)],
        vec![None, None, Some(Fault::RequestLost), None, Some(Fault::AnswerLost)],
    ] {
        let (world, disk, plan) = rotation();
        world.inner().submit_faults.clone_from(&faults);
        let report = rebalance(&mut disk.session(&world), &world, &plan).unwrap();
        assert_eq!(report.finish, Finish::Complete, "{faults:?}");
        assert_eq!(outcomes(&report), [Executed; 4], "{faults:?}");
        assert_eq!(world.submits().len(), 4, "{faults:?}");
        assert!(report.reconciliation.is_clean(), "{faults:?}");
    }
}

#[test]
fn a_leg_that_never_reaches_the_broker_ends_and_the_plan_goes_on() {
    let (world, disk, plan) = rotation();
    world.inner().submit_faults = vec![Some(Fault::NotReached); 4];
    let report = rebalance(&mut disk.session(&world), &world, &plan).unwrap();
    assert_eq!(outcomes(&report)[..2], [ExpiredUnfilled, Executed]);
    assert!(report.signals[0].reason.contains("never reached the broker"));
}

#[test]
fn an_order_nobody_knows_of_pauses_until_somebody_does() {
    let (world, disk, plan) = rotation();
    world.inner().submit_faults = vec![Some(Fault::RequestLost); 3];
    let mut session = disk.session(&world);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert!(matches!(report.finish, Finish::Stopped { unresolved: true, .. }));
    assert_eq!(session.trading_state(), TradingState::Paused);
    assert!(world.submits().is_empty());
    assert!(report.signals.iter().all(|signal| signal.outcome.is_none()));
    drop(session);

    // The pause survives the restart, and holds until an operator resumes.
    let mut session = disk.session(&world);
    assert!(session.state().trading().causes().contains_key(&Cause::UnknownOrder));
    let refused = rebalance(&mut session, &world, &plan).unwrap_err();
    assert!(matches!(refused, Error::NotPermitted { .. }), "{refused}");
    assert_eq!(session.resume("me", "the network is back").unwrap(), TradingState::Active);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert_eq!(outcomes(&report), [Executed; 4]);
    assert_eq!(world.submits().len(), 4);
}

#[test]
fn a_cancel_that_is_not_confirmed_pauses() {
    let (world, disk, plan) = rotation();
    world.habit("IBM", Habit::Deaf);
    let mut session = disk.session(&world);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert!(matches!(report.finish, Finish::Stopped { unresolved: true, .. }));
    assert_eq!(session.trading_state(), TradingState::Paused);
    let cancels = world.inner().seen.iter().filter(|s| matches!(s, Seen::Cancel(_))).count();
    assert_eq!(cancels, 3);
    assert_eq!(world.submits().len(), 2, "no buy may go out");
}

#[test]
fn the_fence_stops_every_send() {
    let (world, disk, plan) = rotation();
    let note = FenceNote {
        cause: Cause::Kill,
        by: "me".into(),
        at: world.inner().now,
        why: "a rehearsal".into(),
    };
    disk.fence.raise(&note).unwrap();
    let mut session = disk.session(&world);
    let error = rebalance(&mut session, &world, &plan).unwrap_err();
    assert!(error.to_string().contains("HALTED (kill switch: fence raised by me at "), "{error}");
    assert!(world.submits().is_empty());
    // After a clean reconciliation an operator lifts it.
    session.resume("me", "over").unwrap();
    assert_eq!(disk.fence.check().unwrap(), None);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert_eq!(outcomes(&report), [Executed; 4]);
}

#[test]
fn reducing_sells_and_does_not_buy() {
    let (world, disk, plan) = rotation();
    let mut session = disk.session(&world);
    session.enter(Cause::DailyLoss, "2.1 % of 2 %".into()).unwrap();
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert_eq!(report.finish, Finish::Complete);
    let limit = SignalOutcome::RejectedByLimit;
    assert_eq!(outcomes(&report), [Executed, Executed, limit, limit]);
    assert_eq!(world.submits().len(), 2);
    // It ends with the next trading day, not by an operator.
    assert_eq!(session.resume("me", "please").unwrap(), TradingState::Reducing);
    let tomorrow = world.inner().now + chrono::TimeDelta::days(1);
    session.begin_trading_day(tomorrow).unwrap();
    assert_eq!(session.trading_state(), TradingState::Active);
}

#[test]
fn the_table_of_states_is_what_the_shell_goes_by() {
    use crate::states::{Permission, Row, TABLE};
    const NO_ENTRIES: [Row; 4] = {
        let mut table = TABLE;
        table[TradingState::Active as usize].entries.0 = Permission::No;
        table
    };
    const NO_EXITS: [Row; 4] = {
        let mut table = TABLE;
        table[TradingState::Active as usize].reducing.0 = Permission::Operator;
        table
    };
    // One cell, and the buys stay at home; another one, and nothing begins.
    let (world, disk, plan) = rotation();
    let mut session = disk.session(&world);
    session.ruled_by(&NO_ENTRIES);
    let report = rebalance(&mut session, &world, &plan).unwrap();
    let kept = SignalOutcome::RejectedByOperator;
    assert_eq!(outcomes(&report), [Executed, Executed, kept, kept]);
    assert_eq!(world.submits().len(), 2);
    let (world, disk, plan) = rotation();
    let mut session = disk.session(&world);
    session.ruled_by(&NO_EXITS);
    assert!(matches!(rebalance(&mut session, &world, &plan), Err(Error::NotPermitted { .. })));
    assert!(world.submits().is_empty());
}

#[test]
fn nothing_is_bought_in_the_last_minutes_and_exits_go_on() {
    let late = SignalOutcome::RejectedByMarketHours;
    // A sell that takes longer than what is left, and a buy that is under way by then.
    let cases = [
        ("AAPL", Habit::Later(240), [Executed, Executed, late, late], 2),
        ("MSFT", Habit::Hang, [Executed, Executed, ExpiredUnfilled, Executed], 4),
    ];
    for (symbol, habit, expected, sent) in cases {
        let (world, disk, plan) = rotation();
        world.habit(symbol, habit);
        let until = world.inner().now + chrono::TimeDelta::minutes(3);
        let settings = crate::shell::Settings { entries_until: Some(until), ..bench::settings() };
        let mut session = disk.session(&world);
        let report = bench::rebalance_with(&mut session, &world, &plan, &settings).unwrap();
        assert_eq!(outcomes(&report), expected, "{symbol}");
        assert_eq!(world.submits().len(), sent, "{symbol}");
        let now = world.inner().now;
        assert!(now - until <= chrono::TimeDelta::seconds(120), "{symbol}: {now}");
    }
}

#[test]
fn a_broker_that_does_not_answer_for_a_while_is_waited_for() {
    // Every single read that is made, failing once.
    let reads = {
        let (world, disk, plan) = rotation();
        rebalance(&mut disk.session(&world), &world, &plan).unwrap();
        world.inner().reads
    };
    for number in 1..=reads {
        let (world, disk, plan) = rotation();
        let start = world.inner().reads;
        world.inner().read_faults.insert(start + number);
        let mut session = disk.session(&world);
        let mut tries = 0;
        let report = loop {
            match rebalance(&mut session, &world, &plan) {
                Ok(report) => break report,
                Err(Error::Broker { .. }) => tries += 1,
                Err(error) => panic!("read {number}: {error}"),
            }
            assert!(tries < 2, "read {number}");
        };
        assert_eq!(outcomes(&report), [Executed; 4], "read {number}");
        assert_eq!(world.submits().len(), 4, "read {number}");
    }
}

#[test]
fn strangers_on_the_account_pause_it_unless_they_are_ignored() {
    use crate::reconcile::{Discrepancy, Policy, Unmanaged};
    let (world, disk, _) = rotation();
    let mut session = disk.session(&world);
    world.price("TSLA", "50");
    world.stranger_buys("TSLA", 3);
    let ignore = Policy { unmanaged: Unmanaged::Ignore, ..Policy::default() };
    let found = bench::block_on(session.reconcile(&world, &ignore)).unwrap();
    assert!(found.is_clean(), "{found:?}");
    let found = bench::block_on(session.reconcile(&world, &Policy::default())).unwrap();
    let [Discrepancy::Unmanaged { qty, .. }] = &found.discrepancies[..] else {
        panic!("{found:?}")
    };
    assert_eq!(*qty, Qty::from_shares(3));
    assert_eq!(session.trading_state(), TradingState::Paused);
    assert!(session.resume("me", "no").is_err(), "not while it differs");
    let subject = crate::event::Subject::Position {
        symbol: "TSLA".parse().unwrap(),
        qty: Qty::from_shares(3),
        price: "50".parse().unwrap(),
    };
    session.adopt(subject, "me", "mine after all").unwrap();
    assert!(bench::block_on(session.reconcile(&world, &Policy::default())).unwrap().is_clean());
    assert_eq!(session.resume("me", "adopted").unwrap(), TradingState::Active);
}

#[test]
fn the_kill_switch_works_while_another_process_holds_the_account() {
    use crate::kill::{Scope, Suspension, kill};
    for (scope, canceled) in [(Scope::Entries, 1), (Scope::All, 2)] {
        let (world, disk, _) = rotation();
        let plan = plan(2, &[(Side::Sell, "AAPL", 50, "100"), (Side::Buy, "MSFT", 100, "100")]);
        world.habit("AAPL", Habit::Half);
        world.habit("MSFT", Habit::Hang);
        // The first process hangs in the middle of its work: its future is never polled again.
        let mut hanging = disk.session(&world);
        bench::leave_hanging(&mut hanging, &world, &plan, "MSFT");
        assert_eq!(world.submits().len(), 2);
        // An order of the sells that is left open, as a protective one would be.
        world.reopen("AAPL");
        let now = world.inner().now;
        let killed = bench::block_on(kill(&disk.fence, &world, scope, "me", "smoke", now)).unwrap();
        assert_eq!((killed.canceled.len(), killed.failed.len()), (canceled, 0), "{scope:?}");
        assert_eq!(killed.suspension, Suspension::NotSet);
        assert!(disk.fence.check().unwrap().is_some());
        drop(hanging);
        let error = rebalance(&mut disk.session(&world), &world, &plan).unwrap_err();
        assert!(error.to_string().contains("HALTED (kill switch"), "{error}");
    }
}

#[test]
fn what_fills_cost_is_in_the_journal() {
    let (world, disk, plan) = rotation();
    let mut session = disk.session(&world);
    world.price("MSFT", "101");
    rebalance(&mut session, &world, &plan).unwrap();
    let samples = crate::quality::samples(session.state());
    let msft = samples.iter().find(|sample| sample.symbol.as_str() == "MSFT").unwrap();
    assert_eq!((msft.slippage_bps, msft.spread_bps), (Some(0.0), Some(0.0)));
    assert!((msft.shortfall_bps.unwrap() - 100.0).abs() < 1e-9, "{msft:?}");
    assert_eq!(crate::quality::summarize(&samples).all.fills, 6);
}

#[test]
fn a_plan_whose_time_is_over_leaves_nothing_behind() {
    let (world, disk, plan) = rotation();
    world.habit("AAPL", Habit::FillOnCancel);
    world.habit("MSFT", Habit::Half);
    let mut hanging = disk.session(&world);
    bench::leave_hanging(&mut hanging, &world, &plan, "GOOG");
    drop(hanging);
    let mut session = disk.session(&world);
    let retire = async |session: &mut crate::Session| {
        let end = (ExpiredUnfilled, "its session is over");
        session.reconcile(&world, &crate::reconcile::Policy::default()).await.unwrap();
        let settings = bench::settings();
        super::retire(session, plan.decision_id, &world, &world, &settings, end).await
    };
    bench::block_on(retire(&mut session)).unwrap();
    let decision = session.decision(plan.decision_id).unwrap();
    assert!(!decision.is_pending());
    let ends: Vec<SignalOutcome> = session
        .signal_reports(plan.decision_id)
        .unwrap()
        .iter()
        .map(|s| s.outcome.unwrap())
        .collect();
    assert_eq!(ends, [Executed, Executed, PartiallyExecuted, Executed]);
    assert_eq!(world.inner().orders.values().filter(|o| o.status.is_open()).count(), 0);

    // One that nobody has seen is closed as not placed.
    let (world, disk, plan) = rotation();
    world.inner().submit_faults = vec![Some(Fault::RequestLost); 3];
    let mut session = disk.session(&world);
    rebalance(&mut session, &world, &plan).unwrap();
    let settings = bench::settings();
    let end = (ExpiredUnfilled, "its session is over");
    let id = plan.decision_id;
    bench::block_on(super::retire(&mut session, id, &world, &world, &settings, end)).unwrap();
    assert!(session.signal_reports(id).unwrap().iter().all(|s| s.outcome == Some(ExpiredUnfilled)));
    assert!(session.state().pending().is_none());
}

#[test]
fn the_breaker_opens_on_refusals_and_stays_open_over_a_restart() {
    use atlas_risk::{BreakerRules, BreakerStance};
    let rules = BreakerRules {
        failures: 2,
        window_seconds: 600,
        losses: 5,
        cooldown_seconds: 3600,
        trials: 1,
    };
    let (world, disk, plan) = rotation();
    world.habit("AAPL", Habit::Refuse);
    world.habit("IBM", Habit::Refuse);
    let mut session = disk.session(&world);
    let settings = super::Settings { breaker: Some(rules), ..bench::settings() };
    let report = bench::rebalance_with(&mut session, &world, &plan, &settings).unwrap();
    let stopped = SignalOutcome::RejectedByCircuitBreaker;
    assert_eq!(outcomes(&report), [RejectedByBroker, RejectedByBroker, stopped, stopped]);
    let now = world.inner().now;
    assert_eq!(disk.session(&world).state().breaker(now), BreakerStance::Open);
    let later = now + chrono::TimeDelta::hours(2);
    assert_eq!(disk.session(&world).state().breaker(later), BreakerStance::HalfOpen);
    session.tell_breaker(rules, None, "looked into").unwrap();
    assert_eq!(disk.session(&world).state().breaker(now), BreakerStance::Closed);
}

#[test]
fn on_disk_commands_reach_a_session_by_the_inbox_and_what_is_done_stays_done() {
    use crate::folder::{Command, Inbox};
    let dir = tempfile::tempdir().unwrap();
    let world = World::new("20000");
    world.price("MSFT", "100");
    let open = || {
        let clock = std::sync::Arc::new(world.clone());
        crate::Session::open(dir.path(), &bench::account(), clock).unwrap()
    };
    let plan = plan(1, &[(Side::Buy, "MSFT", 100, "100")]);
    let mut session = open();
    let inbox = Inbox::of(session.folder().unwrap());
    let now = world.inner().now;
    let (by, why) = ("me".to_owned(), "a rehearsal".to_owned());
    inbox.leave(&Command::Pause { by: by.clone(), why: why.clone() }, now).unwrap();
    let refused = rebalance(&mut session, &world, &plan).unwrap_err().to_string();
    assert!(refused.contains("PAUSED (operator asked to pause: me: a rehearsal)"), "{refused}");
    drop(session);

    // The plan was journaled; after a restart, a reconciliation and a resume it is executed.
    let mut session = open();
    inbox.leave(&Command::Resume { by, why }, now).unwrap();
    let report = rebalance(&mut session, &world, &plan).unwrap();
    assert_eq!(outcomes(&report), [Executed]);
    assert_eq!(session.plan(plan.decision_id).unwrap(), plan);
    let head = session.state().head();
    let journal = session.folder().unwrap().journal();
    drop(session);
    let heads = [("artifact".to_owned(), head)];
    assert!(crate::journal::verify(&journal, &heads).unwrap().is_whole());
    assert!(!rebalance(&mut open(), &world, &plan).unwrap().acted);
    assert_eq!(world.submits().len(), 1);
}
