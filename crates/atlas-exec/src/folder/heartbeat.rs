//! The sign of life of the process that holds an account.

use std::fs;
use std::path::PathBuf;

use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::AccountFolder;
use crate::error::Error;

/// A sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beat {
    /// When, by the clock of the process.
    pub at: Timestamp,
    /// The process.
    pub pid: u32,
}

/// The file of an account's sign of life. It is no record: it is written over, and not synced.
#[derive(Debug, Clone)]
pub struct Heartbeat {
    path: PathBuf,
}

impl Heartbeat {
    /// The one of an account's folder.
    #[must_use]
    pub fn of(folder: &AccountFolder) -> Self {
        Self { path: folder.root().join("heartbeat") }
    }

    /// Gives a sign of life.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn beat(&self, at: Timestamp) -> Result<(), Error> {
        let beat = Beat { at, pid: std::process::id() };
        let text = serde_json::to_vec(&beat).unwrap_or_default();
        // Renamed into place, so that a reader finds the old sign or the new one.
        let draft = self.path.with_extension(format!("{}.tmp", beat.pid));
        fs::write(&draft, text).map_err(Error::io("write", &draft))?;
        fs::rename(&draft, &self.path).map_err(Error::io("rename to", &self.path))
    }

    /// The last sign of life; `None` if there is none that can be read.
    #[must_use]
    pub fn last(&self) -> Option<Beat> {
        serde_json::from_slice(&fs::read(&self.path).ok()?).ok()
    }
}
