//! The artifacts of an account, read back in order.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use atlas_core::journal::Hash;
use chrono::NaiveDate;

use crate::artifact::read;
use crate::error::Error;
use crate::run::{RunReport, RunStatus};

/// One artifact as it was found.
#[derive(Debug, Clone)]
pub struct Day {
    /// The trading day it is about.
    pub date: NaiveDate,
    /// How many artifacts of the same day were written before it.
    pub revision: u32,
    /// Its file.
    pub path: PathBuf,
    /// Digest of its bytes.
    pub hash: Hash,
    /// What it says.
    pub report: RunReport,
}

/// Every artifact in `folder`, by day and revision; none if there is no such folder.
///
/// # Errors
/// [`Error::Io`] if one cannot be read, [`Error::NotAnArtifact`] for a file of another form,
/// [`Error::Misnamed`] for one whose name is not that of the day it is about.
pub fn read_all(folder: &Path) -> Result<Vec<Day>, Error> {
    let io = |source| Error::Io { path: folder.to_owned(), source };
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let mut days = Vec::new();
    for entry in fs::read_dir(folder).map_err(io)? {
        let path = entry.map_err(io)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        // What begins with a dot is a draft that never became an artifact.
        let Some(stem) = name.strip_suffix(".json").filter(|stem| !stem.starts_with('.')) else {
            continue;
        };
        let report = read(&path)?;
        let (date, revision) = named(stem)
            .filter(|(date, _)| *date == report.execute_on)
            .ok_or_else(|| Error::Misnamed { path: path.clone(), day: report.execute_on })?;
        let bytes = fs::read(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        days.push(Day { date, revision, hash: Hash::of(&bytes), path, report });
    }
    days.sort_by_key(|day| (day.date, day.revision));
    Ok(days)
}

/// Of each day the last artifact that tells of an execution, in order: what the day came to.
#[must_use]
pub fn executed(days: &[Day]) -> Vec<&Day> {
    let done = days.iter().filter(|day| {
        day.report.status == RunStatus::Executed && day.report.account_after.is_some()
    });
    let last: BTreeMap<NaiveDate, &Day> = done.map(|day| (day.date, day)).collect();
    last.into_values().collect()
}

/// Day and revision of a file name without its ending, such as `2019-01-03-r2`.
fn named(stem: &str) -> Option<(NaiveDate, u32)> {
    let date = stem.get(..10)?.parse().ok()?;
    match stem.get(10..)? {
        "" => Some((date, 0)),
        rest => {
            let revision = rest.strip_prefix("-r")?.parse().ok().filter(|r| *r > 0)?;
            Some((date, revision))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_day_and_revision() {
        let day: NaiveDate = "2019-01-03".parse().unwrap();
        assert_eq!(named("2019-01-03"), Some((day, 0)));
        assert_eq!(named("2019-01-03-r12"), Some((day, 12)));
        for bad in ["2019-01-03-r0", "2019-01-03r1", "2019-13-03", "notes", "2019-01-03-r"] {
            assert_eq!(named(bad), None, "{bad}");
        }
    }
}
