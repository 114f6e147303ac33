//! One process per account.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::AccountFolder;
use crate::error::Error;

/// Who holds an account, as written into the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process id.
    pub pid: u32,
    /// Name of the machine; empty where it cannot be told.
    pub host: String,
    /// Since when, by that process's clock.
    pub since: Timestamp,
}

impl Holder {
    /// This process, holding since `now`.
    #[must_use]
    pub fn this_process(now: Timestamp) -> Self {
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        Self { pid: std::process::id(), host: host.trim().to_owned(), since: now }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {}", self.pid)?;
        if !self.host.is_empty() {
            write!(f, " on {}", self.host)?;
        }
        write!(f, " since {}", self.since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true))
    }
}

/// How often a lock that is taken is tried again at once.
const LOOKS: u32 = 1_000;

/// The exclusive right to work on an account; given back when dropped, or when the process ends.
///
/// The lock is the operating system's advisory lock on the file, so that a dead process never
/// leaves one behind; the text in the file only says who holds it.
#[derive(Debug)]
pub struct AccountLock {
    _file: File,
}

impl AccountLock {
    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    /// [`Error::Locked`] naming the holder; [`Error::Io`] if the file cannot be made or written.
    pub fn acquire(folder: &AccountFolder, now: Timestamp) -> Result<Self, Error> {
        Self::take(folder, folder.lock(), now)
    }

    /// Takes the lock of flattening, which is another one: whoever flattens need not hold the
    /// account, and two at once would each sell what is there.
    ///
    /// # Errors
    /// As [`AccountLock::acquire`].
    pub fn flattening(folder: &AccountFolder, now: Timestamp) -> Result<Self, Error> {
        Self::take(folder, folder.flatten_lock(), now)
    }

    fn take(folder: &AccountFolder, path: PathBuf, now: Timestamp) -> Result<Self, Error> {
        let mut file = OpenOptions::new()
            .create(true)
            .read(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .map_err(Error::io("open", &path))?;
        let mut looks = LOOKS;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Somebody who only looks who holds it lets go at once.
                Err(TryLockError::WouldBlock) if looks > 0 => {
                    looks -= 1;
                    std::thread::yield_now();
                }
                Err(TryLockError::WouldBlock) => return Err(locked(folder, &path)),
                Err(TryLockError::Error(source)) => {
                    return Err(Error::Io { doing: "lock", path, source });
                }
            }
        }
        let text = serde_json::to_vec(&Holder::this_process(now)).unwrap_or_default();
        file.set_len(0)
            .and_then(|()| file.seek(SeekFrom::Start(0)))
            .and_then(|_| file.write_all(&text))
            .map_err(Error::io("write", &path))?;
        Ok(Self { _file: file })
    }

    /// Who holds the account at this moment, `None` if nobody does; takes nothing and writes
    /// nothing.
    ///
    /// # Errors
    /// [`Error::Io`] if nobody can tell.
    pub fn holder(folder: &AccountFolder) -> Result<Option<Holder>, Error> {
        match Self::shared(&folder.lock()) {
            Ok(_) => Ok(None),
            // One that has just come has not written its name yet; the file says since when.
            Err(Error::Locked { .. }) => {
                Ok(Some(read_holder(&folder.lock()).unwrap_or_else(|| Holder {
                    pid: 0,
                    host: String::new(),
                    since: changed(folder).unwrap_or_default(),
                })))
            }
            Err(error) => Err(error),
        }
    }

    /// Holds off every writer while it lives, without writing a byte; `None` if there is no lock
    /// file, hence no writer so far.
    pub(super) fn shared(path: &Path) -> Result<Option<File>, Error> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::io("open", path)(source)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => {
                let root = path.parent().unwrap_or(path).to_owned();
                Err(locked(&AccountFolder { root }, path))
            }
            Err(TryLockError::Error(source)) => Err(Error::io("lock", path)(source)),
        }
    }
}

fn read_holder(lock: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(lock).ok()?).ok()
}

/// When the lock's file was written last.
fn changed(folder: &AccountFolder) -> Option<Timestamp> {
    Some(fs::metadata(folder.lock()).ok()?.modified().ok()?.into())
}

fn locked(folder: &AccountFolder, lock: &Path) -> Error {
    let holder =
        read_holder(lock).map_or_else(|| "another process".to_owned(), |holder| holder.to_string());
    Error::Locked { folder: folder.root().to_owned(), holder }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_holder_is_told_who_the_first_is() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let now = "2019-01-03T14:35:00Z".parse().unwrap();
        let held = AccountLock::acquire(&folder, now).unwrap();
        let message = AccountLock::acquire(&folder, now).unwrap_err().to_string();
        assert!(message.contains(&format!("process {}", std::process::id())), "{message}");
        assert!(message.contains("since 2019-01-03T14:35:00Z"), "{message}");
        let _flattening = AccountLock::flattening(&folder, now).unwrap();
        assert!(matches!(AccountLock::flattening(&folder, now), Err(Error::Locked { .. })));
        drop(held);
        let _again = AccountLock::acquire(&folder, now).unwrap();
    }

    #[test]
    fn a_holder_that_has_not_written_its_name_yet_has_just_come() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let held = AccountLock::acquire(&folder, Timestamp::default()).unwrap();
        fs::write(folder.lock(), b"").unwrap();
        let holder = AccountLock::holder(&folder).unwrap().unwrap();
        assert!(holder.pid == 0 && holder.since > Timestamp::default(), "{holder:?}");
        drop(held);
    }
}
