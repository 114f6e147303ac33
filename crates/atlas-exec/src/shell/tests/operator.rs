//! An operator's words, which a crash or another word may not lose.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use atlas_core::SignalOutcome::ExpiredUnfilled;
use atlas_core::journal::{Hash, Record};
use atlas_risk::TradingState;

use super::bench::{self, Disk, Wide, leave_hanging, own};
use super::crash::Mortal;
use super::rotation;
use super::world::{Seen, World};
use crate::error::Error;
use crate::event::Reference;
use crate::folder::{Command, Fence, FenceNote, Inbox};
use crate::journal::{MemoryStorage, Storage};
use crate::reconcile::Policy;
use crate::shell::{Approval, Settings, execute, reference_now};
use crate::states::Cause;

fn owned() -> (World, Disk) {
    let (world, disk) = (World::new("20000"), Disk::new());
    own(&mut disk.session(&world), &world, &[("AAPL", 50, "100")]);
    (world, disk)
}

#[test]
fn a_crash_never_comes_between_a_command_and_what_it_does() {
    let (by, why) = (|| "ann".to_owned(), || "a test".to_owned());
    let words = [
        (Command::Pause { by: by(), why: why() }, TradingState::Paused),
        (Command::Reduce { by: by(), why: why() }, TradingState::Reducing),
    ];
    for (word, state) in words {
        for (k, durable) in [(1, false), (1, true), (2, false), (2, true)] {
            let (world, disk) = owned();
            let inbox = Inbox::in_memory();
            inbox.leave(&word, world.inner().now).unwrap();
            let left = Arc::new(AtomicUsize::new(k));
            let storage = Mortal { inner: disk.storage.clone(), left, durable };
            let mortal = Disk { fence: Fence::in_memory(), ..disk.clone() };
            let mut dying =
                mortal.session_over(&world, Box::new(storage)).with_inbox(inbox.clone());
            drop(dying.take_commands());
            drop(dying);
            let mut next = disk.session(&world).with_inbox(inbox.clone());
            next.take_commands().unwrap();
            assert_eq!(next.trading_state(), state, "dies at {k}, durable: {durable}");
            assert_eq!(inbox.waiting().unwrap(), 0);
        }
    }
}

/// Raises the fence in the very moment in which a cause is put on record as left.
struct Interrupted {
    inner: MemoryStorage,
    fence: Fence,
    note: FenceNote,
}

impl Storage for Interrupted {
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        if records.iter().any(|(record, _)| record.kind == "state_left") {
            self.fence.raise(&self.note)?;
        }
        self.inner.append(records)
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

#[test]
fn a_kill_during_a_resume_is_not_lost() {
    let (world, disk) = owned();
    let note = |why: &str| FenceNote {
        cause: Cause::Kill,
        by: "ann".into(),
        at: world.inner().now,
        why: why.into(),
    };
    disk.fence.raise(&note("the first")).unwrap();
    let (inner, fence) = (disk.storage.clone(), disk.fence.clone());
    let storage = Interrupted { inner, fence, note: note("the second") };
    let mut session = disk.session_over(&world, Box::new(storage));
    bench::block_on(session.reconcile(&world, &Policy::default())).unwrap();
    let error = session.resume("bob", "clear").unwrap_err().to_string();
    assert!(error.contains("HALTED") && error.contains("the second"), "{error}");
    assert_eq!(disk.fence.check().unwrap(), Some(note("the second")));
    drop(session);
    // What was raised meanwhile needs a comparison, and is on record.
    let mut session = disk.session(&world);
    assert_eq!(session.trading_state(), TradingState::Halted);
    assert!(session.resume("bob", "clear").is_err());
    bench::block_on(session.reconcile(&world, &Policy::default())).unwrap();
    assert_eq!(session.resume("bob", "clear").unwrap(), TradingState::Active);
    assert_eq!(disk.fence.check().unwrap(), None);
}

#[test]
fn what_happens_while_a_cause_holds_needs_a_comparison_of_its_own() {
    for cause in [Cause::UnknownOrder, Cause::ConservationBreach, Cause::Kill] {
        let (world, disk) = owned();
        let mut session = disk.session(&world);
        session.enter(cause, "the first".into()).unwrap();
        bench::block_on(session.reconcile(&world, &Policy::default())).unwrap();
        session.enter(cause, "the second".into()).unwrap();
        assert!(session.resume("ann", "clear").is_err(), "{cause}");
        bench::block_on(session.reconcile(&world, &Policy::default())).unwrap();
        // What was told already is not told again.
        let seq = session.state().seq();
        session.enter(cause, "the first".into()).unwrap();
        assert_eq!(session.state().seq(), seq);
        assert_eq!(session.resume("ann", "clear").unwrap(), TradingState::Active);
    }
}

#[test]
fn an_approval_is_checked_again_until_something_was_sent() {
    let begun = (1..40).find_map(|k| {
        let (world, disk, plan) = rotation();
        let id = plan.decision_id;
        let mut session = disk.session(&world);
        bench::block_on(session.reconcile(&world, &Policy::default())).unwrap();
        session.record_plan(&plan, std::collections::BTreeMap::new()).unwrap();
        let decision = session.decision(id).unwrap().planned.clone();
        let reference: Reference = bench::block_on(reference_now(&world, &decision.legs)).unwrap();
        session.approve(&decision.plan_hash.to_string(), "ann", reference).unwrap();
        drop(session);
        let settings = Settings { approval: Approval::Required, ..bench::settings() };
        let run = |session: &mut crate::Session| {
            bench::block_on(execute(session, id, &world, &Wide::new(), &world, &settings))
        };
        let left = Arc::new(AtomicUsize::new(k));
        let storage = Mortal { inner: disk.storage.clone(), left, durable: true };
        let mortal = Disk { fence: Fence::in_memory(), ..disk.clone() };
        drop(run(&mut mortal.session_over(&world, Box::new(storage))));
        let mut session = disk.session(&world);
        let begun = session.decision(id).unwrap().started.is_some();
        if !begun || session.has_sent(id).unwrap() {
            return None;
        }
        world.price("MSFT", "110");
        Some(run(&mut session).unwrap_err().to_string())
    });
    let error = begun.unwrap();
    assert!(error.contains("MSFT"), "{error}");
}

#[test]
fn what_is_left_of_a_plan_is_not_canceled_while_halted() {
    let (world, disk, plan) = rotation();
    world.habit("MSFT", super::world::Habit::Hang);
    let mut hanging = disk.session(&world);
    leave_hanging(&mut hanging, &world, &plan, "MSFT");
    drop(hanging);
    let mut session = disk.session(&world);
    session.enter(Cause::ConservationBreach, "a test".into()).unwrap();
    let (settings, end) = (bench::settings(), (ExpiredUnfilled, "its session is over"));
    let id = plan.decision_id;
    let retire = super::super::retire(&mut session, id, &world, &world, &settings, end);
    let error = bench::block_on(retire).unwrap_err();
    assert!(matches!(error, Error::NotPermitted { .. }), "{error}");
    assert!(!world.inner().seen.iter().any(|seen| matches!(seen, Seen::Cancel(_))));
}
