//! The ledger of everything that was tried, kept in the state directory.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use atlas_backtest::honesty::TrialLedger;

use super::place;
use crate::exit::{Exit, Failure};

/// Reads the ledger, lets it be changed, and writes it back; nobody else does so meanwhile.
///
/// # Errors
/// [`Exit::State`] if it cannot be read or written.
pub(super) fn with<T>(
    state_dir: &Path,
    change: impl FnOnce(&mut TrialLedger) -> Result<T>,
) -> Result<T> {
    let folder = state_dir.join("research");
    let path = folder.join("trials.json");
    let state = |error: std::io::Error, path: &PathBuf| {
        Failure::error(
            Exit::State,
            format!("{} cannot be used ({error}): its folder must be writable", path.display()),
        )
    };
    fs::create_dir_all(&folder).map_err(|error| state(error, &folder))?;
    let lock_path = folder.join("trials.lock");
    let lock = File::create(&lock_path).map_err(|error| state(error, &lock_path))?;
    // Held until it is dropped.
    lock.lock().map_err(|error| state(error, &lock_path))?;
    let mut ledger = match fs::read(&path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
            Failure::error(
                Exit::State,
                format!(
                    "{} is no trial ledger ({error}): restore it from a backup, or move it away and \
                     begin to count anew",
                    path.display()
                ),
            )
        })?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => TrialLedger::default(),
        Err(error) => return Err(state(error, &path)),
    };
    let result = change(&mut ledger)?;
    let text = serde_json::to_string(&ledger).context("the trial ledger cannot be written")?;
    place::write(&path, &text)?;
    Ok(result)
}
