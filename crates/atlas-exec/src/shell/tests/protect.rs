//! Positions with stops at the broker: placed, replaced, fired while nobody looks, and after every
//! crash.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use atlas_core::time::Mode;
use atlas_core::{OrderStatus, Qty, Side, SignalOutcome, Symbol};
use atlas_risk::{LimitsSpec, Profile};

use super::bench::{Disk, block_on, plan, rebalance_with, settings};
use super::crash::Mortal;
use super::outcomes;
use super::world::{Fault, Seen, World};
use crate::error::Error;
use crate::folder::Fence;
use crate::guard_approver::GuardApprover;
use crate::protection::{Cover, Protection, cover};
use crate::reconcile::Policy;
use crate::session::Session;
use crate::shell::{Restored, Settings, bare, restore_protection};
use crate::states::Cause;

fn protecting() -> Settings {
    let stop_below = "2000".parse().unwrap();
    Settings { protection: Some(Protection { stop_below }), ..settings() }
}

fn covers(session: &Session) -> BTreeMap<String, (Qty, Qty, String)> {
    let shown = |(symbol, cover): (Symbol, Cover)| {
        let stop = cover.stop_price.map_or_else(String::new, |price| price.to_string());
        (symbol.to_string(), (cover.owned, cover.protected, stop))
    };
    cover(session.state()).into_iter().map(shown).collect()
}

fn covered(symbol: &str, shares: u32, stop: &str) -> (String, (Qty, Qty, String)) {
    let qty = Qty::from_shares(shares);
    (symbol.to_owned(), (qty, qty, stop.to_owned()))
}

/// Owns AAPL and IBM, both protected, on the day after.
fn protected() -> (World, Disk) {
    let (world, disk) = (World::new("20000"), Disk::new());
    world.price("AAPL", "100");
    world.price("IBM", "100");
    let plan = plan(1, &[(Side::Buy, "AAPL", 50, "100"), (Side::Buy, "IBM", 50, "100")]);
    let mut session = disk.session(&world);
    let report = rebalance_with(&mut session, &world, &plan, &protecting()).unwrap();
    assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
    assert_eq!(covers(&session), [covered("AAPL", 50, "80"), covered("IBM", 50, "80")].into());
    world.inner().now += chrono::TimeDelta::days(1);
    world.inner().seen.clear();
    (world, disk)
}

#[test]
fn a_stop_gives_way_to_the_sale_and_what_is_held_in_the_end_is_protected() {
    let (world, disk) = protected();
    world.price("MSFT", "100");
    let plan = plan(
        2,
        &[
            (Side::Sell, "AAPL", 20, "100"),
            (Side::Sell, "IBM", 50, "100"),
            (Side::Buy, "MSFT", 30, "100"),
        ],
    );
    let mut session = disk.session(&world);
    let report = rebalance_with(&mut session, &world, &plan, &protecting()).unwrap();
    assert_eq!(outcomes(&report), [SignalOutcome::Executed; 3]);
    assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
    assert_eq!(covers(&session), [covered("AAPL", 30, "80"), covered("MSFT", 30, "80")].into());
    let names: Vec<String> = world
        .inner()
        .seen
        .iter()
        .filter_map(|seen| match seen {
            Seen::Submit(request) => Some(format!("+{}", request.client_order_id)),
            Seen::Cancel(id) => Some(format!("-{id}")),
            Seen::Account => None,
        })
        .collect();
    assert_eq!(
        names,
        [
            "-atlas-test-1-guard-AAPL-0",
            "-atlas-test-1-guard-IBM-0",
            "+atlas-test-2-sell-AAPL-0",
            "+atlas-test-2-sell-IBM-0",
            "+atlas-test-2-buy-MSFT-0",
            "+atlas-test-2-guard-AAPL-0",
            "+atlas-test-2-guard-MSFT-0",
        ]
    );
}

#[test]
fn a_stop_that_fires_while_nobody_looks_is_a_trade_like_any_other() {
    let (world, disk) = protected();
    let plan = plan(2, &[(Side::Sell, "AAPL", 50, "100"), (Side::Buy, "IBM", 10, "100")]);
    let mut session = disk.session(&world);
    block_on(session.reconcile(&world, &Policy::default())).unwrap();
    session.record_plan(&plan, BTreeMap::new()).unwrap();
    drop(session);
    // It fires after the plan was made: nothing is left to be sold.
    world.inner().now += chrono::TimeDelta::minutes(10);
    world.moves("AAPL", "79");
    let mut session = disk.session(&world);
    let report = rebalance_with(&mut session, &world, &plan, &protecting()).unwrap();
    assert_eq!(outcomes(&report), [SignalOutcome::AlreadyAtTarget, SignalOutcome::Executed]);
    assert!(report.reconciliation.is_clean(), "{:?}", report.reconciliation);
    assert_eq!(covers(&session), [covered("IBM", 60, "80")].into());
    assert_eq!(session.state().books().realised(), "-1050".parse().unwrap());
}

#[test]
fn a_stop_that_is_right_stays_and_without_protection_none_is_placed() {
    let (world, disk) = protected();
    let nothing = plan(2, &[]);
    rebalance_with(&mut disk.session(&world), &world, &nothing, &protecting()).unwrap();
    assert!(world.submits().is_empty());
    let sale = plan(3, &[(Side::Sell, "AAPL", 20, "100")]);
    let mut session = disk.session(&world);
    let report = rebalance_with(&mut session, &world, &sale, &settings()).unwrap();
    assert_eq!(outcomes(&report), [SignalOutcome::Executed]);
    let bare = (Qty::from_shares(30), Qty::ZERO, String::new());
    assert_eq!(covers(&session), [("AAPL".to_owned(), bare), covered("IBM", 50, "80")].into());
}

#[test]
fn after_a_crash_at_any_write_every_share_is_protected_once() {
    let (mut deaths, mut k) = (0, 0);
    loop {
        k += 1;
        let durable = k % 2 == 0;
        let (world, disk) = protected();
        world.price("MSFT", "100");
        world.inner().submit_faults =
            vec![None, Some(Fault::AnswerLost), None, Some(Fault::AnswerLost)];
        let plan = plan(
            2,
            &[
                (Side::Sell, "AAPL", 20, "100"),
                (Side::Sell, "IBM", 50, "100"),
                (Side::Buy, "MSFT", 30, "100"),
            ],
        );
        let left = Arc::new(AtomicUsize::new(k));
        let storage = Mortal { inner: disk.storage.clone(), left, durable };
        let mortal = Disk { fence: Fence::in_memory(), ..disk.clone() };
        let mut session = mortal.session_over(&world, Box::new(storage));
        let died = match rebalance_with(&mut session, &world, &plan, &protecting()) {
            Err(Error::JournalFault) => true,
            Ok(_) => false,
            Err(error) => panic!("append {k}: {error}"),
        };
        drop(session);
        let mut session = disk.session(&world);
        let report = rebalance_with(&mut session, &world, &plan, &protecting()).unwrap();
        assert!(report.reconciliation.is_clean(), "append {k}: {:?}", report.reconciliation);
        let expected = [covered("AAPL", 30, "80"), covered("MSFT", 30, "80")];
        assert_eq!(covers(&session), expected.into(), "append {k}");
        let open = world.inner().orders.values().filter(|o| o.status.is_open()).count();
        assert_eq!(open, 2, "append {k}");
        deaths += usize::from(died);
        if !died {
            break;
        }
    }
    assert!(deaths > 20, "only {deaths} deaths");
}

fn look(session: &mut Session, world: &World) -> Restored {
    let limits = LimitsSpec {
        max_order_notional: "100000000".parse().unwrap(),
        quote_max_age_seconds: 100_000,
        ..Profile::Standard.limits()
    };
    let gates = GuardApprover::new(&limits.check().unwrap(), Mode::Paper);
    let settings = protecting();
    block_on(restore_protection(session, world, &gates, world, &settings)).unwrap()
}

#[test]
fn a_stop_that_could_not_be_placed_is_placed_by_the_next_look() {
    let (world, disk) = (World::new("20000"), Disk::new());
    world.price("AAPL", "100");
    let lost = Some(Fault::NotReached);
    world.inner().submit_faults = vec![None, lost, lost, lost, lost];
    let mut session = disk.session(&world);
    let bought = plan(1, &[(Side::Buy, "AAPL", 50, "100")]);
    rebalance_with(&mut session, &world, &bought, &protecting()).unwrap();
    assert_eq!(bare(session.state()).len(), 1);
    let restored = look(&mut session, &world);
    assert!(restored.acted && restored.bare.is_empty(), "{restored:?}");
    assert_eq!(covers(&session), [covered("AAPL", 50, "80")].into());
    assert_eq!(world.submits().last().unwrap(), "atlas-test-20190103-guard-AAPL-0");
    // What is right is left alone; the broker is not even asked.
    let reads = world.inner().reads;
    let again = look(&mut session, &world);
    assert!(!again.acted && again.held_back.is_none(), "{again:?}");
    assert_eq!(world.inner().reads, reads);
    // One that somebody has canceled or that has expired is missed, and placed once more.
    let id = "atlas-test-20190103-guard-AAPL-0".parse().unwrap();
    world.inner().orders.get_mut(&id).unwrap().status = OrderStatus::Expired;
    block_on(session.reconcile(&world, &Policy::default())).unwrap();
    assert_eq!(bare(session.state()).len(), 1);
    assert!(look(&mut session, &world).acted);
    assert_eq!(world.submits().last().unwrap(), "atlas-test-20190103-guard-AAPL-1");
    assert_eq!(covers(&session), [covered("AAPL", 50, "80")].into());
}

#[test]
fn nobody_protects_what_a_pause_left_bare_until_it_is_over() {
    let (world, disk) = protected();
    let mut session = disk.session(&world);
    let id = "atlas-test-1-guard-AAPL-0".parse().unwrap();
    world.inner().orders.get_mut(&id).unwrap().status = OrderStatus::Canceled;
    session.enter(Cause::OperatorPause, "ann: a test".to_owned()).unwrap();
    block_on(session.reconcile(&world, &Policy::default())).unwrap();
    let paused = look(&mut session, &world);
    assert!(!paused.acted && paused.bare.len() == 1, "{paused:?}");
    assert!(paused.held_back.unwrap().contains("PAUSED"));
    session.resume("ann", "enough").unwrap();
    // It reduces, so an account that may only reduce does it, too.
    session.enter(Cause::OperatorReduce, "ann: a test".to_owned()).unwrap();
    assert!(look(&mut session, &world).bare.is_empty());
    assert_eq!(covers(&session), [covered("AAPL", 50, "80"), covered("IBM", 50, "80")].into());
}

#[test]
fn after_a_crash_in_a_look_every_share_is_protected_once() {
    for k in 1.. {
        let (world, disk) = protected();
        for order in world.inner().orders.values_mut().filter(|order| order.status.is_open()) {
            order.status = OrderStatus::Expired;
        }
        world.inner().submit_faults = vec![Some(Fault::AnswerLost), None, Some(Fault::RequestLost)];
        let left = Arc::new(AtomicUsize::new(k));
        let storage = Mortal { inner: disk.storage.clone(), left, durable: k % 2 == 0 };
        let mortal = Disk { fence: Fence::in_memory(), ..disk.clone() };
        let mut session = mortal.session_over(&world, Box::new(storage));
        let limits = Profile::Standard.limits().check().unwrap();
        let gates = GuardApprover::new(&limits, Mode::Paper);
        let settings = protecting();
        let died = block_on(async {
            session.reconcile(&world, &Policy::default()).await?;
            restore_protection(&mut session, &world, &gates, &world, &settings).await
        });
        drop(session);
        let mut session = disk.session(&world);
        block_on(session.reconcile(&world, &Policy::default())).unwrap();
        look(&mut session, &world);
        let expected = [covered("AAPL", 50, "80"), covered("IBM", 50, "80")];
        assert_eq!(covers(&session), expected.into(), "append {k}");
        let open = world.inner().orders.values().filter(|o| o.status.is_open()).count();
        assert_eq!(open, 2, "append {k}");
        if died.is_ok() {
            assert!(k > 6, "only {k} places");
            break;
        }
    }
}
