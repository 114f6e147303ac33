//! What an account remembers across restarts, and how its days end.

use atlas_core::SignalOutcome::{Executed, RejectedByCircuitBreaker, RejectedByLimit};
use atlas_core::time::Mode;
use atlas_core::{Qty, Regime, Side, Symbol};
use atlas_risk::{BreakerRules, BreakerStance, LimitsSpec, Profile, TradingState};
use chrono::TimeDelta;

use super::bench::{Disk, Wide, block_on, own, plan, rebalance, rebalance_with, settings};
use super::outcomes;
use super::world::{Habit, World};
use crate::day::{BreakerSeen, Losses};
use crate::quality::samples;
use crate::reconcile::Policy;
use crate::session::Session;
use crate::shell::{Settings, execute};
use crate::states::Cause;

const RULES: BreakerRules =
    BreakerRules { failures: 2, window_seconds: 600, losses: 2, cooldown_seconds: 600, trials: 1 };

fn limits() -> LimitsSpec {
    Profile::Standard.limits()
}

fn compare(session: &mut Session, world: &World) {
    let found = block_on(session.reconcile(world, &Policy::default())).unwrap();
    assert!(found.is_clean(), "{found:?}");
}

fn symbol(name: &str) -> Symbol {
    name.parse().unwrap()
}

fn to(world: &World, instant: &str) {
    world.inner().now = instant.parse().unwrap();
}

/// An account after a day with a loss, a refusal and a word, and the world it lives in.
fn lived() -> (World, Disk) {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100"), ("IBM", 50, "100")]);
    world.price("MSFT", "100");
    world.habit("MSFT", Habit::Refuse);
    let second = plan(2, &[(Side::Sell, "AAPL", 50, "100"), (Side::Buy, "MSFT", 10, "100")]);
    world.price("AAPL", "95");
    let breaking = Settings { breaker: Some(RULES), ..settings() };
    let mut session = disk.session(&world);
    rebalance_with(&mut session, &world, &second, &breaking).unwrap();
    session.heed_limits(&limits(), RULES).unwrap();
    session.enter(Cause::OperatorReduce, "ann: a test".to_owned()).unwrap();
    let before = (session.state().clone(), session.recent().unwrap());
    drop(session);
    let after = disk.session(&world);
    assert_eq!((after.state().clone(), after.recent().unwrap()), before);
    (world, disk)
}

/// What the desk's gates are told comes from the journal: the loss in AAPL, and no day trade until
/// what was bought in the day is sold in it.
#[test]
fn losses_and_day_trades_are_counted_from_the_journal() {
    let (world, disk) = lived();
    let mut session = disk.session(&world);
    let past = session.past();
    assert_eq!(past.last_losses.keys().collect::<Vec<_>>(), [&symbol("AAPL")]);
    assert_eq!(past.last_losses[&symbol("AAPL")], world.inner().now);
    assert_eq!(past.day_trades, Some(0));
    session.resume("ann", "a test").unwrap();
    world.habit("MSFT", Habit::Fill);
    let bought = plan(3, &[(Side::Buy, "MSFT", 10, "100")]);
    rebalance(&mut session, &world, &bought).unwrap();
    assert_eq!(session.past().day_trades, Some(0));
    let sold = plan(4, &[(Side::Sell, "MSFT", 10, "100")]);
    rebalance(&mut session, &world, &sold).unwrap();
    assert_eq!(session.past().day_trades, Some(1));
    // Five sessions later it is forgotten; the loss is not.
    to(&world, "2019-01-10T15:00:00Z");
    assert_eq!(session.past().day_trades, Some(1));
    to(&world, "2019-01-11T15:00:00Z");
    assert_eq!(session.past().day_trades, Some(0));
    assert_eq!(session.past().last_losses.len(), 1);
}

#[test]
fn limits_of_the_day_outlive_the_process() {
    let (world, disk) = lived();
    let session = disk.session(&world);
    let state = session.state();
    let (_, activity) = session.recent().unwrap();
    // Circuit breaker: one refusal and one loss of two each.
    assert_eq!(state.breaker(session.now()), BreakerStance::Closed);
    assert_eq!(state.unjudged_trades().count(), 0, "each trade is judged once");
    // The day's gains and losses, its orders and its turnover.
    assert_eq!(state.books().realised(), "-250".parse().unwrap());
    let day = state.day().unwrap();
    assert_eq!((day.day.to_string(), day.fills), ("2019-01-04".to_owned(), 1));
    assert_eq!((activity.orders_today, activity.traded_today), (2, "4750".parse().unwrap()));
    assert!(state.track().peak().is_some());
}

#[test]
fn what_is_remembered_outlives_the_process() {
    let (world, disk) = lived();
    let session = disk.session(&world);
    let state = session.state();
    // The last signal of each symbol, entry dates, state and cause, the regime.
    let signal = &state.last_signals()[&symbol("AAPL")];
    assert_eq!(signal.id.as_str(), "2-sell-AAPL");
    assert_eq!(state.last_signals()[&symbol("IBM")].id.as_str(), "1-buy-IBM");
    let opened = state.books().lots()[&symbol("IBM")].opened.unwrap();
    assert_eq!(opened.date_naive().to_string(), "2019-01-03");
    assert_eq!(state.trading().state(), TradingState::Reducing);
    assert!(state.trading().causes().contains_key(&Cause::OperatorReduce));
    assert_eq!(state.regime().unwrap().regime, Regime::Bull);
    // Samples of execution quality, with what the venue was like.
    let samples = samples(state);
    assert_eq!(samples.len(), 3);
    assert!(samples.iter().all(|sample| sample.conditions.is_some_and(|c| c.open)));
}

#[test]
fn counts_of_the_day_begin_anew_with_a_session_and_not_at_a_weekend() {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100")]);
    to(&world, "2019-01-04T20:00:00Z");
    let mut session = disk.session(&world);
    rebalance(&mut session, &world, &plan(2, &[(Side::Sell, "AAPL", 20, "100")])).unwrap();
    drop(session);
    for (now, orders) in [
        ("2019-01-04T21:00:00Z", 1),
        // Saturday by UTC, Friday evening in New York; then Sunday.
        ("2019-01-05T01:00:00Z", 1),
        ("2019-01-06T18:00:00Z", 1),
        // Monday.
        ("2019-01-07T13:00:00Z", 0),
    ] {
        to(&world, now);
        let (_, activity) = disk.session(&world).recent().unwrap();
        assert_eq!(activity.orders_today, orders, "{now}");
    }
}

#[test]
fn losses_open_the_breaker_until_it_has_cooled() {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100"), ("IBM", 50, "100")]);
    world.price("AAPL", "99");
    world.price("IBM", "99");
    let mut session = disk.session(&world);
    let sales = plan(2, &[(Side::Sell, "AAPL", 50, "100"), (Side::Sell, "IBM", 50, "100")]);
    rebalance(&mut session, &world, &sales).unwrap();
    session.heed_limits(&limits(), RULES).unwrap();
    assert_eq!(session.state().breaker(session.now()), BreakerStance::Open);
    assert_eq!(session.trading_state(), TradingState::Reducing);
    drop(session);
    let mut session = disk.session(&world);
    assert!(session.state().trading().causes().contains_key(&Cause::Breaker));
    // Entries are kept back, by the state and by every gate.
    let entry = plan(3, &[(Side::Buy, "AAPL", 10, "99")]);
    let report = rebalance(&mut session, &world, &entry).unwrap();
    assert_eq!(outcomes(&report), [RejectedByCircuitBreaker]);
    world.inner().now += TimeDelta::seconds(600);
    session.heed_limits(&limits(), RULES).unwrap();
    assert_eq!(session.trading_state(), TradingState::Active);
    assert_eq!(session.state().breaker(session.now()), BreakerStance::HalfOpen);
    to(&world, "2019-01-04T21:10:00Z");
    compare(&mut session, &world);
    let closed = session.close_day(Mode::Paper, |_| false).unwrap().unwrap();
    assert_eq!(closed.breaker, BreakerSeen::Fired);
    assert_eq!(closed.realised, "-100".parse().unwrap());
}

#[test]
fn a_loss_of_the_day_ends_with_the_next_session_and_a_drawdown_with_a_word() {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 100, "100")]);
    let mut session = disk.session(&world);
    compare(&mut session, &world);
    world.price("AAPL", "50");
    compare(&mut session, &world);
    session.heed_limits(&limits(), RULES).unwrap();
    let causes = |session: &Session| -> Vec<Cause> {
        session.state().trading().causes().keys().copied().collect()
    };
    assert_eq!(causes(&session), [Cause::DailyLoss, Cause::Drawdown]);
    for (now, left) in [
        ("2019-01-06T15:00:00Z", vec![Cause::DailyLoss, Cause::Drawdown]),
        ("2019-01-07T14:00:00Z", vec![Cause::Drawdown]),
    ] {
        to(&world, now);
        session = disk.session(&world);
        session.heed_limits(&limits(), RULES).unwrap();
        assert_eq!(causes(&session), left, "{now}");
    }
    compare(&mut session, &world);
    session.resume("ann", "the loss was looked at").unwrap();
    session.heed_limits(&limits(), RULES).unwrap();
    assert_eq!(causes(&session), []);
    assert_eq!(session.state().track().peak(), Some("15000".parse().unwrap()));
}

#[test]
fn a_day_is_closed_once_with_a_reason_and_a_proof() {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100")]);
    let mut session = disk.session(&world);
    compare(&mut session, &world);
    assert_eq!(session.close_day(Mode::Paper, |_| false).unwrap(), None, "the session goes on");
    to(&world, "2019-01-04T21:00:00Z");
    assert_eq!(
        session.close_day(Mode::Paper, |_| false).unwrap(),
        None,
        "nothing was compared since"
    );
    compare(&mut session, &world);
    let closed = session.close_day(Mode::Paper, |_| false).unwrap().unwrap();
    assert!(closed.clean && closed.fills == 0, "{closed:?}");
    assert_eq!(closed.breaker, BreakerSeen::NotObserved);
    let quiet = closed.quiet.unwrap();
    assert!(quiet.holds());
    assert_eq!(quiet.reason, "no plan was made for it");
    compare(&mut session, &world);
    assert_eq!(session.close_day(Mode::Paper, |_| false).unwrap(), None, "it is closed");
    // Past midnight the day that is over can still be told, by what it began with.
    to(&world, "2019-01-07T20:00:00Z");
    rebalance(&mut session, &world, &plan(2, &[(Side::Sell, "AAPL", 20, "100")])).unwrap();
    to(&world, "2019-01-08T06:00:00Z");
    compare(&mut session, &world);
    let closed = session.close_day(Mode::Paper, |_| false).unwrap().unwrap();
    assert_eq!((closed.day.to_string(), closed.fills), ("2019-01-07".to_owned(), 1));
    assert_eq!((closed.orders, closed.quiet), (1, None));
}

#[test]
fn a_day_counts_if_it_was_free_and_what_was_due_was_done() {
    use crate::day::Schedule;
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100")]);
    let mut session = disk.session(&world);
    let mut close = |world: &World, at: &str, due: bool, paused: bool| {
        to(world, at);
        if paused {
            session.enter(Cause::OperatorPause, "lunch".into()).unwrap();
            compare(&mut session, world);
            session.resume("me", "over").unwrap();
        }
        compare(&mut session, world);
        let closed = session.close_day(Mode::Paper, |_| due).unwrap().unwrap();
        assert!(closed.clean, "{closed:?}");
        (closed.schedule.unwrap(), closed.counts())
    };
    // Bought on the 3rd, which is closed after midnight of the 4th.
    assert_eq!(close(&world, "2019-01-04T05:30:00Z", true, false), (Schedule::CarriedOut, true));
    assert_eq!(close(&world, "2019-01-04T21:01:00Z", false, false), (Schedule::NothingDue, true));
    assert_eq!(close(&world, "2019-01-07T21:01:00Z", true, false), (Schedule::Missed, false));
    assert_eq!(close(&world, "2019-01-08T21:01:00Z", false, true), (Schedule::NothingDue, false));
    assert_eq!(close(&world, "2019-01-09T21:01:00Z", false, false), (Schedule::NothingDue, true));
    // A record of an older program says nothing of it, and does not count.
    let mut old = session.state().days().values().next().unwrap().clone();
    (old.strictest, old.schedule) = (None, None);
    assert!(!old.counts());
}

#[test]
fn real_money_is_held_to_the_ramp_whatever_the_settings_say() {
    let (world, disk) = (World::new("200000"), Disk::new());
    for name in ["AAPL", "IBM", "MSFT", "GOOG", "AMZN"] {
        world.price(name, "40");
    }
    world.price("GOOG", "400");
    let orders = [
        (Side::Buy, "AAPL", 101, "40"),
        (Side::Buy, "IBM", 100, "40"),
        (Side::Buy, "GOOG", 13, "400"),
        (Side::Buy, "MSFT", 100, "40"),
        (Side::Buy, "AMZN", 100, "40"),
    ];
    let mut live = plan(1, &orders);
    live.mode = Mode::Live;
    let mut session = disk.session(&world);
    let report = rebalance(&mut session, &world, &live).unwrap();
    // More than 100 shares, more than 5 000 USD, more than 5 % of 200 000 USD together.
    assert_eq!(
        outcomes(&report),
        [RejectedByLimit, Executed, RejectedByLimit, Executed, RejectedByLimit]
    );
    assert!(report.signals[0].reason.contains("ramp"), "{:?}", report.signals[0]);
    assert_eq!(session.state().books().owned(&symbol("IBM")), Qty::from_shares(100));
    // The same on paper is held to nothing of it.
    let disk = Disk::new();
    let (world, paper) = (World::new("200000"), plan(1, &orders));
    for (_, name, _, price) in orders {
        world.price(name, price);
    }
    let report = rebalance(&mut disk.session(&world), &world, &paper).unwrap();
    assert_eq!(outcomes(&report), [Executed; 5]);
}

#[test]
fn what_is_lost_while_a_plan_is_carried_out_stops_its_entries() {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 100, "100")]);
    world.price("IBM", "100");
    let mut session = disk.session(&world);
    compare(&mut session, &world);
    session.heed_limits(&limits(), RULES).unwrap();
    let buys = plan(2, &[(Side::Sell, "AAPL", 10, "100"), (Side::Buy, "IBM", 10, "100")]);
    let id = session.record_plan(&buys, std::collections::BTreeMap::new()).unwrap();
    // 5 % of what the account is worth, after it was compared.
    world.price("AAPL", "90");
    let losses = Losses { daily: limits().daily_loss, drawdown: limits().drawdown_deny };
    let watchful = Settings { losses: Some(losses), ..settings() };
    let wide = Wide::new();
    let done = execute(&mut session, id, &world, &wide, &world, &watchful);
    let report = block_on(done).unwrap();
    assert_eq!(outcomes(&report), [Executed, RejectedByLimit]);
    assert_eq!(session.trading_state(), TradingState::Reducing);
    assert!(session.state().trading().describe().starts_with("daily loss limit"));
}
