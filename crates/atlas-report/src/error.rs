//! What can go wrong with a report.

use std::path::PathBuf;

use chrono::NaiveDate;

/// Why a report could not be made or kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The report holds something JSON has no form for.
    #[error("the run report cannot be written as JSON")]
    Json(#[source] serde_json::Error),
    /// A file could not be written or read.
    #[error("{path} cannot be used ({source}): its folder must be writable, with space left", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is no artifact.
    #[error("{path} is no artifact of this version of Atlas ({source}): restore it from a backup", path = path.display())]
    NotAnArtifact {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// A line of the incident log that is none.
    #[error("{path}, line {line} is no incident ({source}): set the line aside", path = path.display())]
    NotAnIncident {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// An artifact under a name that is not its day's.
    #[error("{path} tells of {day}, which is not the day it is named after: restore it from a backup", path = path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// The day it is about.
        day: NaiveDate,
    },
    /// The journal could not be read.
    #[error(transparent)]
    Journal(#[from] Box<atlas_exec::Error>),
    /// A day has more artifacts than can be right.
    #[error("{folder} has a thousand artifacts of {day}: something writes them in a loop", folder = folder.display())]
    Revisions {
        /// The artifacts' folder.
        folder: PathBuf,
        /// The day.
        day: NaiveDate,
    },
}
