//! The incident log: one JSON line for whatever a person should look at.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Something a person should look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// When it was noticed, by the run's clock.
    pub at: Timestamp,
    /// How bad it is.
    pub severity: Severity,
    /// What happened, in one sentence.
    pub cause: String,
    /// What Atlas did about it, in one sentence.
    pub action: String,
}

/// How bad an incident is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Warning,
    /// Something did not happen that should have.
    Error,
    /// Trading has stopped.
    Critical,
}

/// Appends an incident to `<folder>/incidents.jsonl`, durably.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn append(folder: &Path, incident: &Incident) -> Result<(), Error> {
    let path = folder.join("incidents.jsonl");
    let mut line = serde_json::to_vec(incident).map_err(Error::Json)?;
    line.push(b'\n');
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&line).and_then(|()| file.sync_all()))
        .map_err(|source| Error::Io { path, source })
}
