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

    /// The one of the process that keeps the account's schedule: it holds the account only now and
    /// then.
    #[must_use]
    pub fn of_schedule(folder: &AccountFolder) -> Self {
        Self { path: folder.root().join("schedule") }
    }

    /// Takes the sign away: its process has ended as it was meant to.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be removed.
    pub fn end(&self) -> Result<(), Error> {
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::io("remove", &self.path)(error))
            }
            Ok(()) | Err(_) => Ok(()),
        }
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
