//! Processes that end in the middle of something, and journals that fail under them.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use atlas_core::journal::{Hash, Record};
use atlas_exec::Error;
use atlas_exec::journal::{MemoryStorage, Storage};

use crate::lossy::Lossy;

/// Runs a process to its end; `None` if it was killed. Nothing in a simulation ever has to wait,
/// so whatever is not ready will never be.
pub(crate) fn process<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// What happens at a process's k-th write to its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blow {
    /// It dies before the write is durable.
    DiesBefore,
    /// It dies once the write is durable.
    DiesAfter,
    /// It lives on, and the disk refuses the write.
    DiskFails,
}

/// A journal that deals a blow at its k-th write.
pub(crate) struct Mortal {
    pub(crate) inner: MemoryStorage,
    /// Writes left until the blow; 0 is for ever.
    pub(crate) left: u64,
    pub(crate) blow: Blow,
    /// Told what is on record.
    pub(crate) wire: Lossy,
}

impl Mortal {
    fn keep(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        self.inner.append(records)?;
        self.wire.on_record(records.iter().map(|(record, _)| record));
        Ok(())
    }
}

impl Storage for Mortal {
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        let struck = self.left == 1;
        // After a blow no write comes through any more.
        self.left = if self.left > 1 { self.left - 1 } else { self.left };
        if !struck {
            return self.keep(records);
        }
        match self.blow {
            Blow::DiesBefore => self.wire.die(),
            Blow::DiesAfter => {
                self.keep(records)?;
                self.wire.die();
            }
            Blow::DiskFails => self.wire.wire().journal_failed = true,
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
        PathBuf::from("simulation")
    }
}
