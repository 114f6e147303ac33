//! What has to be right before a plan is carried out.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use atlas_broker::Broker;
use atlas_core::calendar::Calendar;
use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

/// One check and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is right.
    pub passed: bool,
    /// What was found, in one sentence; where it is wrong, what to do about it.
    pub sentence: String,
}

impl Check {
    fn of(name: &'static str, found: Result<String, String>) -> Self {
        let passed = found.is_ok();
        Self { name, passed, sentence: found.unwrap_or_else(|problem| problem) }
    }
}

/// Largest difference between the computer's clock and the broker's that is no trouble.
pub const SKEW_MAX: TimeDelta = TimeDelta::seconds(5);

/// Bytes that must fit on the disk: many days of journal, inputs and artifacts.
const ROOM: usize = 8 << 20;

/// Whether a plan's data are of the session right before the one it is executed in.
#[must_use]
pub fn data_fresh(as_of: NaiveDate, execute_on: NaiveDate) -> Check {
    let found = match Calendar::nyse().previous_session(execute_on) {
        Ok(last) if last.date == as_of => Ok(format!("the plan saw everything up to {as_of}")),
        Ok(last) => Err(format!(
            "the plan saw nothing after {as_of}, and {} lies between: make a new one",
            last.date
        )),
        Err(error) => Err(format!("nobody can tell how old the plan's data are: {error}")),
    };
    Check::of("data", found)
}

/// Whether what was approved is what is running.
#[must_use]
pub fn unchanged(name: &'static str, approved: Option<Hash>, running: Option<Hash>) -> Check {
    let found = match (approved, running) {
        (Some(approved), Some(running)) if approved == running => {
            Ok(format!("the {name} is the one the plan was made with ({})", approved.short()))
        }
        (Some(_), Some(_)) => Err(format!(
            "the {name} is not the one the plan was made with: make and approve a new plan"
        )),
        _ => Err(format!("nobody can tell whether the {name} is the one the plan was made with")),
    };
    Check::of(name, found)
}

/// Whether the broker answers for the account, and lets it trade.
pub async fn account_reachable(broker: &dyn Broker) -> Check {
    let found = match broker.account().await {
        Ok(account) if account.trading_blocked => Err(format!(
            "the broker lets account {} not trade: lift that at the broker",
            account.account_number
        )),
        Ok(account) => Ok(format!("account {} answers and may trade", account.account_number)),
        Err(error) => Err(format!("the broker does not answer for the account: {error}")),
    };
    Check::of("account", found)
}

/// Whether the computer's clock is the broker's.
pub async fn clock_skew(broker: &dyn Broker, now: Timestamp) -> Check {
    let found = match broker.clock().await {
        Ok(clock) if (clock.timestamp - now).abs() <= SKEW_MAX => Ok(format!(
            "the computer's clock and the broker's differ by {} ms",
            (clock.timestamp - now).num_milliseconds().abs()
        )),
        Ok(clock) => Err(format!(
            "the computer's clock says {now}, the broker's {}: set the computer's",
            clock.timestamp
        )),
        Err(error) => Err(format!("the broker does not tell the time: {error}")),
    };
    Check::of("clock", found)
}

/// Whether the account's folder takes what a day writes; writes a file and removes it again.
#[must_use]
pub fn disk_room(folder: &Path) -> Check {
    let path = folder.join(format!(".room-{}.tmp", std::process::id()));
    let written = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&path)
        .and_then(|mut file| file.write_all(&vec![0x5A; ROOM]).and_then(|()| file.sync_all()));
    drop(fs::remove_file(&path));
    let found = match written {
        Ok(()) => Ok(format!("{} takes at least 8 MiB more", folder.display())),
        Err(error) => {
            Err(format!("{} takes no 8 MiB more ({error}): free space", folder.display()))
        }
    };
    Check::of("disk", found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_are_fresh_across_a_weekend_and_stale_after_a_session() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert!(data_fresh(day("2019-01-04"), day("2019-01-07")).passed);
        let stale = data_fresh(day("2019-01-04"), day("2019-01-08"));
        assert!(!stale.passed && stale.sentence.contains("2019-01-07"), "{stale:?}");
    }

    #[test]
    fn what_is_not_known_is_not_unchanged() {
        let (one, other) = (Hash::of(b"one"), Hash::of(b"other"));
        assert!(unchanged("program", Some(one), Some(one)).passed);
        for (approved, running) in [(Some(one), Some(other)), (None, Some(one)), (Some(one), None)]
        {
            assert!(!unchanged("program", approved, running).passed);
        }
    }

    #[test]
    fn a_folder_that_is_not_there_has_no_room() {
        let dir = tempfile::tempdir().unwrap();
        assert!(disk_room(dir.path()).passed);
        assert!(fs::read_dir(dir.path()).unwrap().next().is_none(), "nothing is left behind");
        assert!(!disk_room(&dir.path().join("none")).passed);
    }
}
