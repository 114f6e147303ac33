//! The journal: append-only, hash-chained, durable before anything goes out.

mod account;
mod audit;
mod durable_head;
mod heads;
pub(crate) mod log;
mod memory;
mod migrate;
mod replace;
mod sqlite;
#[cfg(test)]
mod tests;

use atlas_core::DecisionId;
use atlas_core::journal::{Hash, Record};
use atlas_core::time::Timestamp;

pub use account::{AccountVerification, verify_account};
pub use audit::{Finding, Verification, export, verify};
pub use durable_head::{Head, LastHead, last_head};
pub use heads::{Headed, artifact_heads};
pub use memory::MemoryStorage;
pub use replace::{Replaced, replace_journal};
pub use sqlite::{SCHEMA_VERSION, SqliteStorage};

use crate::error::Error;
use crate::event::Event;
use crate::state::State;

/// Where records are kept. [`SqliteStorage`] keeps them on disk, [`MemoryStorage`] in memory.
///
/// What any implementation must keep: `append` returns only when the records are durable, writes
/// all of them or none, and never changes what was written before; `replay` hands out every
/// record in order.
pub trait Storage: Send {
    /// Writes records durably, all or none.
    ///
    /// # Errors
    /// Any [`Error`]; nothing of the batch may be assumed to be written or not written then.
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error>;

    /// Hands out every record with the hash it was stored with, oldest first, until `each` fails.
    ///
    /// # Errors
    /// [`Error::Corrupt`] naming the first record that cannot be read, or what `each` returned.
    fn replay(
        &mut self,
        each: &mut dyn FnMut(Record, Hash) -> Result<(), Error>,
    ) -> Result<(), Error>;

    /// Says that what was replayed is whole, so that housekeeping in the file is safe from now on.
    ///
    /// # Errors
    /// As [`Storage::append`].
    fn trust(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// For messages: where the records are.
    fn place(&self) -> std::path::PathBuf;
}

/// An event to be journaled.
#[derive(Debug, Clone, PartialEq)]
pub struct Draft {
    /// When it happened, by the clock of where it happened.
    pub ts_event: Timestamp,
    /// The decision it belongs to, if it belongs to one.
    pub decision_id: Option<DecisionId>,
    /// What happened.
    pub event: Event,
}

/// The journal and the state it amounts to; the two never differ.
pub struct Journal {
    storage: Box<dyn Storage>,
    state: State,
    failed: bool,
}

impl Journal {
    /// Reads a whole journal, checking chain and fold record by record.
    ///
    /// # Errors
    /// [`Error::Corrupt`] naming the first record that cannot be trusted; [`Error::UnknownEvent`]
    /// for one of a newer Atlas. What is stored was not touched then.
    pub fn open(mut storage: Box<dyn Storage>) -> Result<Self, Error> {
        let mut state = State::new();
        let path = storage.place();
        storage.replay(&mut |record, stored| {
            let seq = record.seq;
            let corrupt = |problem: String| Error::Corrupt { path: path.clone(), seq, problem };
            match state.apply(&record) {
                Ok(()) => {}
                Err(error @ Error::UnknownEvent { .. }) => return Err(error),
                Err(error) => return Err(corrupt(error.to_string())),
            }
            if state.head() != stored {
                return Err(corrupt("its content is not what its stored hash says".to_owned()));
            }
            Ok(())
        })?;
        storage.trust()?;
        Ok(Self { storage, state, failed: false })
    }

    /// What the records amount to.
    #[must_use]
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The same, without the journal.
    #[must_use]
    pub fn into_state(self) -> State {
        self.state
    }

    /// Whether a write has failed; nothing can be appended any more then.
    #[must_use]
    pub const fn has_failed(&self) -> bool {
        self.failed
    }

    /// Writes events durably, all or none, and takes them into the state.
    ///
    /// # Errors
    /// [`Error::Fold`] if the first event cannot have happened: nothing has changed. Any error
    /// after that, in the batch or of the storage: the state may be ahead of what is durable, so
    /// the journal counts as failed, and every later call gives [`Error::JournalFault`].
    pub fn append(&mut self, now: Timestamp, drafts: Vec<Draft>) -> Result<(), Error> {
        if self.failed {
            return Err(Error::JournalFault);
        }
        let before = self.state.seq();
        let result = self.try_append(now, drafts);
        if result.is_err() {
            self.failed = self.state.seq() != before || self.fold_anew().is_err();
        }
        result
    }

    /// An event that cannot have happened may have changed a part of the state before that was
    /// noticed: the state is what the records amount to, and nothing else.
    fn fold_anew(&mut self) -> Result<(), Error> {
        let mut state = State::new();
        self.storage.replay(&mut |record, _| state.apply(&record))?;
        if (state.seq(), state.head()) != (self.state.seq(), self.state.head()) {
            return Err(Error::JournalFault);
        }
        self.state = state;
        Ok(())
    }

    fn try_append(&mut self, now: Timestamp, drafts: Vec<Draft>) -> Result<(), Error> {
        let mut batch = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let (kind, version) = (draft.event.kind(), draft.event.version());
            let seq = self.state.seq() + 1;
            let payload = draft.event.payload().map_err(|source| Error::Payload {
                seq,
                kind: kind.to_owned(),
                source,
            })?;
            let record = Record {
                seq,
                ts_event: draft.ts_event,
                ts_init: now,
                decision_id: draft.decision_id,
                kind: kind.to_owned(),
                version,
                payload,
                prev_hash: self.state.head(),
            };
            self.state.apply_event(&record, draft.event)?;
            batch.push((record, self.state.head()));
        }
        self.storage.append(&batch)
    }

    /// Hands out every record, oldest first.
    ///
    /// # Errors
    /// As [`Storage::replay`].
    pub fn replay(
        &mut self,
        each: &mut dyn FnMut(Record, Hash) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.storage.replay(each)
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("place", &self.storage.place())
            .field("seq", &self.state.seq())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
