//! Putting a damaged journal aside, by an operator's explicit command.
//!
//! Nothing is repaired: the damaged files are moved as they are, and what takes their place is
//! either a backup or the records before the damage, copied with their hashes. The note of the last
//! durable record stays, so the next session misses what is missing and is PAUSED.

use std::fs;
use std::path::{Path, PathBuf};

use atlas_core::journal::{Hash, Record};
use atlas_core::time::Timestamp;
use serde::Serialize;

use super::{Journal, SqliteStorage, Storage};
use crate::error::Error;
use crate::folder::{AccountFolder, AccountLock, sync_folder};

/// What was put aside, and what is in its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Replaced {
    /// The folder the old files were moved to.
    pub moved_to: PathBuf,
    /// Records of the journal that is there now; 0 if there is none.
    pub records: u64,
}

/// Records copied in one transaction.
const BATCH: usize = 1_000;

/// Moves an account's journal to `set-aside/` and puts a backup in its place, or the records before
/// the first broken one where there is no backup.
///
/// # Errors
/// [`Error::Locked`]; [`Error::Corrupt`] and its kin for a backup that is not whole;
/// [`Error::Io`]. The old journal is untouched then, unless it was moved already.
pub fn replace_journal(
    folder: &AccountFolder,
    backup: Option<&Path>,
    now: Timestamp,
) -> Result<Replaced, Error> {
    let _lock = AccountLock::acquire(folder, now)?;
    let moved_to = folder.set_aside().join(now.format("journal-%Y%m%dT%H%M%S%3fZ").to_string());
    fs::create_dir_all(&moved_to).map_err(Error::io("create", &moved_to))?;
    let draft = moved_to.join("draft");
    fs::create_dir_all(&draft).map_err(Error::io("create", &draft))?;
    let fresh = draft.join("journal.sqlite");
    let records = match backup {
        Some(backup) => copy_whole(backup, &fresh)?,
        None => copy_before_damage(&folder.journal(), &fresh)?,
    };
    for suffix in ["", "-wal", "-shm"] {
        let name = format!("journal.sqlite{suffix}");
        let (from, to) = (folder.root().join(&name), moved_to.join(&name));
        if from.exists() {
            fs::rename(&from, &to).map_err(Error::io("move", &from))?;
        }
    }
    sync_folder(&moved_to)?;
    if records > 0 {
        fs::rename(&fresh, folder.journal()).map_err(Error::io("rename to", folder.journal()))?;
    }
    sync_folder(folder.root())?;
    fs::remove_dir_all(&draft).map_err(Error::io("remove", &draft))?;
    Ok(Replaced { moved_to, records })
}

/// Copies a journal that has to be whole.
fn copy_whole(backup: &Path, to: &Path) -> Result<u64, Error> {
    let mut source = Journal::open(Box::new(SqliteStorage::open_read_only(backup)?))?;
    let mut copy = Copy::to(to)?;
    source.replay(&mut |record, hash| copy.take(record, hash))?;
    copy.finish()
}

/// Copies the records of a damaged journal up to the first that cannot be trusted.
fn copy_before_damage(damaged: &Path, to: &Path) -> Result<u64, Error> {
    let mut copy = Copy::to(to)?;
    let mut state = crate::state::State::new();
    let mut refused = None;
    let read = SqliteStorage::open_read_only(damaged).and_then(|mut source| {
        source.replay(&mut |record, hash| {
            state.apply(&record)?;
            let content = Error::Corrupt {
                path: damaged.to_owned(),
                seq: record.seq,
                problem: "its content is not what its stored hash says".to_owned(),
            };
            if state.head() != hash {
                return Err(content);
            }
            copy.take(record, hash).inspect_err(|_| refused = Some(()))
        })
    });
    match read {
        // Where the copy could not be written, nothing is known of the journal.
        Err(error) if refused.is_some() => Err(error),
        Err(error @ Error::UnknownEvent { .. }) => Err(error),
        Ok(()) | Err(_) => copy.finish(),
    }
}

/// A copy in the making.
struct Copy {
    storage: SqliteStorage,
    batch: Vec<(Record, Hash)>,
    records: u64,
}

impl Copy {
    fn to(path: &Path) -> Result<Self, Error> {
        let mut storage = SqliteStorage::open(path)?;
        storage.trust()?;
        Ok(Self { storage, batch: Vec::new(), records: 0 })
    }

    fn take(&mut self, record: Record, hash: Hash) -> Result<(), Error> {
        self.records = record.seq;
        self.batch.push((record, hash));
        if self.batch.len() < BATCH { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), Error> {
        let batch = std::mem::take(&mut self.batch);
        if batch.is_empty() { Ok(()) } else { self.storage.append(&batch) }
    }

    /// Closing folds the log into the file.
    fn finish(mut self) -> Result<u64, Error> {
        self.flush()?;
        Ok(self.records)
    }
}
