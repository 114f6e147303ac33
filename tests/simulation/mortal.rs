//! Processes that end in the middle of something.

use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
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

/// A journal whose process dies at its k-th write: before or after it is durable.
pub(crate) struct Mortal {
    pub(crate) inner: MemoryStorage,
    /// Writes left to live for; 0 is for ever.
    pub(crate) left: Arc<AtomicU64>,
    pub(crate) durable: bool,
    /// Told what buys are fitted to.
    pub(crate) wire: Lossy,
}

impl Storage for Mortal {
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        for (record, _) in records.iter().filter(|(record, _)| record.kind == "funds_asked") {
            self.wire.wire().fitted(&record.payload);
        }
        match self.left.load(Ordering::Relaxed) {
            0 => return self.inner.append(records),
            1 => {}
            left => {
                self.left.store(left - 1, Ordering::Relaxed);
                return self.inner.append(records);
            }
        }
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
        PathBuf::from("simulation")
    }
}
