//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::exit::{Exit, Failure};

/// Writes a file beside its place and moves it there once it is on disk.
///
/// # Errors
/// [`Exit::State`] naming the file.
pub(super) fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |error: std::io::Error| {
        Failure::error(
            Exit::State,
            format!(
                "{} cannot be written ({error}): its folder must be writable, with space left",
                path.display()
            ),
        )
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    let mut draft: PathBuf = path.to_owned();
    draft.set_file_name(format!(
        ".{}.draft",
        path.file_name().unwrap_or_default().to_string_lossy()
    ));
    let mut file = File::create(&draft).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&draft, path).map_err(failed)
}

/// Bytes of memory that are free, where the system says so.
pub(super) fn available_memory() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
    let kib: usize = line.split_whitespace().nth(1)?.parse().ok()?;
    kib.checked_mul(1_024)
}
