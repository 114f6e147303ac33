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
    /// A file could not be written.
    #[error("{path} cannot be written ({source}): make its folder writable, with space left", path = path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A day has more artifacts than can be right.
    #[error("{folder} has a thousand artifacts of {day}: something writes them in a loop", folder = folder.display())]
    Revisions {
        /// The artifacts' folder.
        folder: PathBuf,
        /// The day.
        day: NaiveDate,
    },
}
