//! A copy of a state directory to try things on.

use std::fs;
use std::path::Path;

use super::AccountLock;
use crate::error::Error;

/// Copies a state directory so that a dry run can work on the copy, and changes no byte of the
/// source: no file is opened for writing there, no lock text is written, and `SQLite` is not asked
/// to open anything in place (the copies of database and write-ahead log belong together because
/// the account's lock is held shared meanwhile, which keeps writers out).
///
/// Left out are `lock`, `flatten.lock`, `heartbeat`, shared-memory files (`*-shm`, rebuilt by
/// `SQLite`), unfinished temporary files, `artifacts` and `set-aside`. A source that does not exist
/// gives an empty copy.
///
/// # Errors
/// [`Error::Locked`] if a process works on an account in there; [`Error::Io`] otherwise, also
/// for a target within the source.
pub fn copy_state(from: &Path, to: &Path) -> Result<(), Error> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(Error::io("find", path));
    if absolute(to)?.starts_with(absolute(from)?) {
        let within = std::io::Error::other("the copy would lie within the source");
        return Err(Error::io("copy to", to)(within));
    }
    copy_folder(from, to)
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to).map_err(Error::io("create", to))?;
    if !from.exists() {
        return Ok(());
    }
    // Held until the copy is done.
    let _lock = AccountLock::shared(&from.join("lock"))?;
    for entry in fs::read_dir(from).map_err(Error::io("read", from))? {
        let entry = entry.map_err(Error::io("read", from))?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        let name = entry.file_name().to_string_lossy().into_owned();
        if source.is_dir() {
            if matches!(name.as_str(), "artifacts" | "set-aside") {
                fs::create_dir_all(&target).map_err(Error::io("create", &target))?;
            } else {
                copy_folder(&source, &target)?;
            }
        } else if is_wanted(&name, &source) {
            fs::copy(&source, &target).map_err(Error::io("copy", &source))?;
        }
    }
    Ok(())
}

fn is_wanted(name: &str, path: &Path) -> bool {
    let unfinished = path.extension().is_some_and(|extension| extension == "tmp");
    !matches!(name, "lock" | "flatten.lock" | "heartbeat") && !name.ends_with("-shm") && !unfinished
}
