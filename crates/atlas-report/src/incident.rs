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

impl Severity {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

/// Every incident in `<folder>/incidents.jsonl`, oldest first; none if there is no such file.
///
/// # Errors
/// [`Error::Io`] if it cannot be read, [`Error::NotAnIncident`] naming the line that is none.
pub fn read_all(folder: &Path) -> Result<Vec<Incident>, Error> {
    let path = folder.join("incidents.jsonl");
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(&path)
        .map_err(|source| Error::Io { path: path.clone(), source })?;
    let read = |(line, text): (usize, &str)| {
        serde_json::from_str(text).map_err(|source| Error::NotAnIncident {
            path: path.clone(),
            line: line + 1,
            source,
        })
    };
    text.lines().enumerate().map(read).collect()
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
