//! Records in memory: for backtests and simulations.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use atlas_core::journal::{Hash, Record};

use super::Storage;
use crate::error::Error;

/// Records in memory. Clones share them, so that a simulation can drop a session as a crash would
/// and open another one over what was written.
#[derive(Debug, Clone, Default)]
pub struct MemoryStorage(Arc<Mutex<Vec<(Record, Hash)>>>);

impl MemoryStorage {
    /// An empty storage.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A copy of every record.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        records.iter().map(|(record, _)| record.clone()).collect()
    }
}

impl Storage for MemoryStorage {
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(records);
        Ok(())
    }

    fn replay(
        &mut self,
        each: &mut dyn FnMut(Record, Hash) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let records = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        records.into_iter().try_for_each(|(record, hash)| each(record, hash))
    }

    fn place(&self) -> PathBuf {
        PathBuf::from("memory")
    }
}
