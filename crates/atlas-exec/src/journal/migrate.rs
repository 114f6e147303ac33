//! Bringing journals of older versions up to date.
//!
//! A journal is migrated once its chain is proven, all in one transaction, and after a copy of it
//! was made beside it. Records are never changed: a migration is about what stands around them.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};

use crate::error::Error;
use crate::folder::sync_folder;

/// What makes version n + 2 out of version n + 1.
pub(super) const MIGRATIONS: [&str; 1] = [
    // Version 2: a second writer that got past the lock cannot fork the chain.
    "
CREATE TRIGGER record_follows_the_last BEFORE INSERT ON record
WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM record)
  OR NEW.prev_hash IS NOT coalesce(
      (SELECT hash FROM record WHERE seq = NEW.seq - 1), printf('%064d', 0))
BEGIN SELECT RAISE(ABORT, 'a journal record follows the last one'); END;
",
];

/// Why a migration failed; the journal is as it was then.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Atlas(Error),
}

impl Failure {
    pub(super) fn into_error(self, of: impl FnOnce(rusqlite::Error) -> Error) -> Error {
        match self {
            Self::Sqlite(cause) => of(cause),
            Self::Atlas(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Atlas(error)
    }
}

/// Brings a journal of an older version up to date; does nothing to one that is.
pub(super) fn migrate(db: &mut Connection, path: &Path, version: i64) -> Result<(), Failure> {
    let done = usize::try_from(version - 1).unwrap_or(usize::MAX);
    let Some(due @ [_, ..]) = MIGRATIONS.get(done..) else { return Ok(()) };
    let kept = back_up(db, path, version)?;
    let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for migration in due {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(None, "user_version", super::SCHEMA_VERSION)?;
    transaction.commit()?;
    let to = super::SCHEMA_VERSION;
    tracing::info!(from = version, to, copy = %kept.display(), "the journal was migrated");
    Ok(())
}

/// The copy that is made of a journal before it is migrated from a version.
pub(super) fn copy_of(path: &Path, version: i64) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".v{version}"));
    name.into()
}

/// Copies the journal, its log included, durably. A copy made by a migration that was killed is
/// made again: the journal may have grown since, if an older program was used meanwhile.
fn back_up(db: &Connection, path: &Path, version: i64) -> Result<PathBuf, Failure> {
    let copy = copy_of(path, version);
    let mut draft = copy.as_os_str().to_owned();
    draft.push(".tmp");
    let draft = PathBuf::from(draft);
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", draft)(error).into());
        }
        Ok(()) | Err(_) => {}
    }
    db.execute("VACUUM INTO ?1", [draft.to_string_lossy()])?;
    File::open(&draft).and_then(|file| file.sync_all()).map_err(Error::io("write", &draft))?;
    fs::rename(&draft, &copy).map_err(Error::io("rename to", &copy))?;
    sync_folder(path.parent().unwrap_or_else(|| Path::new(".")))?;
    Ok(copy)
}
