//! A process that dies at any write of the journal, and the one that comes after it.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atlas_core::SignalOutcome::Executed;
use atlas_core::journal::{Hash, Record};

use super::bench::{Disk, rebalance};
use super::world::{Fault, Habit, World};
use super::{outcomes, rotation};
use crate::error::Error;
use crate::folder::Fence;
use crate::journal::{MemoryStorage, Storage};
use crate::sequencer::Finish;

/// Dies at the k-th append: before or after it is durable.
pub(super) struct Mortal {
    pub(super) inner: MemoryStorage,
    pub(super) left: Arc<AtomicUsize>,
    pub(super) durable: bool,
}

impl Storage for Mortal {
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        if self.left.fetch_sub(1, Ordering::Relaxed) > 1 {
            return self.inner.append(records);
        }
        self.left.store(1, Ordering::Relaxed);
        if self.durable {
            self.inner.append(records)?;
        }
        Err(Error::JournalFault)
    }

    fn replay(
        &mut self,
        each: &mut dyn FnMut(Record, Hash) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.inner.replay(each)
    }

    fn place(&self) -> PathBuf {
        self.inner.place()
    }
}

/// Lets one process die at its k-th append; true if it lived that long. A death, unlike a fault
/// of the journal, leaves no fence behind.
fn die_at(
    k: usize,
    durable: bool,
    world: &World,
    disk: &Disk,
    plan: &atlas_engine::plan::RebalancePlan,
) -> bool {
    let left = Arc::new(AtomicUsize::new(k));
    let storage = Mortal { inner: disk.storage.clone(), left, durable };
    let mortal = Disk { fence: Fence::in_memory(), ..disk.clone() };
    let mut session = mortal.session_over(world, Box::new(storage));
    match rebalance(&mut session, world, plan) {
        Err(Error::JournalFault) => true,
        Ok(_) => false,
        Err(error) => panic!("append {k}: {error}"),
    }
}

fn check(prepare: fn(&World)) {
    let (uncut, disk, plan) = rotation();
    prepare(&uncut);
    let expected = rebalance(&mut disk.session(&uncut), &uncut, &plan).unwrap();
    for durable in [false, true] {
        for k in 1.. {
            let (world, disk, plan) = rotation();
            prepare(&world);
            let died = die_at(k, durable, &world, &disk, &plan);
            // The next one dies as well, a little later; the third one lives.
            let _ = die_at(3, durable, &world, &disk, &plan);
            let mut session = disk.session(&world);
            let report = rebalance(&mut session, &world, &plan).unwrap();
            let place = format!("append {k}, durable {durable}");
            assert_eq!(report.finish, Finish::Complete, "{place}");
            assert_eq!(outcomes(&report), outcomes(&expected), "{place}");
            assert!(report.reconciliation.is_clean(), "{place}: {:?}", report.reconciliation);
            assert_eq!(world.submits(), uncut.submits(), "{place}");
            let (one, other) = (world.inner(), uncut.inner());
            assert_eq!((&one.cash, &one.held), (&other.cash, &other.held), "{place}");
            assert_eq!(session.state().books().cash(), one.cash, "{place}");
            if !died {
                assert!(k > 10, "the journal is written to more often than that");
                break;
            }
        }
    }
}

#[test]
fn dying_at_any_write_leaves_one_order_a_leg() {
    check(|_| {});
}

#[test]
fn dying_among_hanging_and_partial_orders_too() {
    check(|world| {
        world.habit("AAPL", Habit::Half);
        world.habit("MSFT", Habit::Later(40));
        world.habit("GOOG", Habit::FillOnCancel);
    });
}

#[test]
fn dying_while_the_network_lies_too() {
    let faults = [Some(Fault::AnswerLost), Some(Fault::RequestLost), None, Some(Fault::Late(3))];
    for durable in [false, true] {
        for k in 1..60 {
            let (world, disk, plan) = rotation();
            world.inner().submit_faults = faults.to_vec();
            let _ = die_at(k, durable, &world, &disk, &plan);
            let report = rebalance(&mut disk.session(&world), &world, &plan).unwrap();
            assert_eq!(outcomes(&report), [Executed; 4], "append {k}");
            assert_eq!(world.submits().len(), 4, "append {k}");
            assert!(report.reconciliation.is_clean(), "append {k}");
        }
    }
}

#[test]
fn a_fault_of_the_journal_raises_the_fence() {
    let (world, disk, plan) = rotation();
    let left = Arc::new(AtomicUsize::new(5));
    let storage = Mortal { inner: disk.storage.clone(), left, durable: false };
    let mut session = disk.session_over(&world, Box::new(storage));
    assert!(rebalance(&mut session, &world, &plan).is_err());
    assert_eq!(session.trading_state(), atlas_risk::TradingState::Halted);
    drop(session);
    let error = rebalance(&mut disk.session(&world), &world, &plan).unwrap_err();
    assert!(error.to_string().contains("HALTED (journal fault"), "{error}");
}
