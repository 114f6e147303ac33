//! Records in an `SQLite` file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use atlas_core::DecisionId;
use atlas_core::journal::{Hash, Record};
use chrono::DateTime;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Row};

use super::durable_head::{DurableHead, Head};
use super::log::{log_of, set_aside_torn};
use super::{Storage, migrate};
use crate::error::Error;

/// The schema this program writes, and the newest it reads.
pub const SCHEMA_VERSION: i64 = 2;

/// Marks a database as an Atlas journal: `ATLJ` in ASCII.
pub(super) const APPLICATION_ID: i64 = 0x4154_4c4a;

/// Version 1, on which every later one is built by its migration. Triggers make the table
/// append-only even for a person with a shell.
pub(super) const SCHEMA: &str = "
CREATE TABLE record (
    seq         INTEGER PRIMARY KEY,
    ts_event    INTEGER NOT NULL, -- nanoseconds since 1970 in UTC
    ts_init     INTEGER NOT NULL,
    decision_id INTEGER,
    kind        TEXT NOT NULL,
    version     INTEGER NOT NULL,
    payload     TEXT NOT NULL,    -- JSON; the bytes are part of the hash
    prev_hash   TEXT NOT NULL,
    hash        TEXT NOT NULL
) STRICT;
CREATE TRIGGER record_is_never_changed BEFORE UPDATE ON record
BEGIN SELECT RAISE(ABORT, 'journal records are never changed'); END;
CREATE TRIGGER record_is_never_deleted BEFORE DELETE ON record
BEGIN SELECT RAISE(ABORT, 'journal records are never deleted'); END;
";

/// The longest write-ahead log a creation can leave unfinished, in bytes: it writes two pages of
/// 4 KiB, and one more would have been a record.
const LOG_OF_CREATION: u64 = 12 * 1024;

/// How long a reader waits for a writer that is opening or closing the file.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a writer waits for readers that are opening or closing the file.
const BRIEFLY: Duration = Duration::from_secs(1);

/// A journal file: `SQLite` with a write-ahead log and a sync at every commit.
#[derive(Debug)]
pub struct SqliteStorage {
    path: PathBuf,
    connection: Connection,
    /// Where the last durable record is noted; `None` for a file that is only read.
    head: Option<DurableHead>,
    /// Whether the end of the log was torn when the file was opened.
    torn: bool,
}

impl SqliteStorage {
    /// Opens a journal file, or makes one where there is none. A file that a creation left half
    /// done holds nothing yet, and is completed. A torn end of its write-ahead log is copied to
    /// `set-aside/` before anything else.
    ///
    /// # Errors
    /// [`Error::LostJournal`] if the file is gone and its write-ahead log is not;
    /// [`Error::NotAJournal`], [`Error::NewerSchema`], [`Error::Corrupt`] or [`Error::Sqlite`];
    /// an existing file is not changed then.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let traces = "its write-ahead log is not";
        if length(path) == 0 && length(&log_of(path)) > 0 {
            return Err(Error::LostJournal { path: path.to_owned(), traces });
        }
        let torn = set_aside_torn(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let storage = Self::connect(path, flags)?.for_writing(torn);
        if storage.is_blank()? {
            if length(&log_of(path)) > LOG_OF_CREATION {
                return Err(Error::LostJournal { path: path.to_owned(), traces });
            }
            storage.create()?;
        }
        storage.check()?;
        storage.configure()?;
        Ok(storage)
    }

    /// Opens the journal of an account that has a history, for which an empty file is a loss and
    /// no beginning. `traces` says what shows the history, as in "artifacts/ is not".
    ///
    /// # Errors
    /// [`Error::LostJournal`] if there is no file, or one that never held a journal; as
    /// [`SqliteStorage::open`].
    pub fn open_existing(path: &Path, traces: &'static str) -> Result<Self, Error> {
        let lost = || Error::LostJournal { path: path.to_owned(), traces };
        if length(path) == 0 {
            return Err(lost());
        }
        let torn = set_aside_torn(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let storage = Self::connect(path, flags)?.for_writing(torn);
        if storage.is_blank()? {
            return Err(lost());
        }
        storage.check()?;
        storage.configure()?;
        Ok(storage)
    }

    /// Opens an existing journal file for reading alone.
    ///
    /// # Errors
    /// As [`SqliteStorage::open`], and [`Error::Sqlite`] if there is no file.
    pub fn open_read_only(path: &Path) -> Result<Self, Error> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let storage = Self::connect(path, flags)?;
        // A writer that closes holds everybody off for a moment.
        storage.connection.busy_timeout(PATIENCE).map_err(|cause| storage.fail("open", cause))?;
        storage.check()?;
        Ok(storage)
    }

    fn connect(path: &Path, flags: OpenFlags) -> Result<Self, Error> {
        let fail = |cause| Error::Sqlite { doing: "open", path: path.to_owned(), cause };
        let connection = Connection::open_with_flags(path, flags).map_err(fail)?;
        // Other writers are held off by the account's lock, so whoever is in the way only reads.
        connection.busy_timeout(BRIEFLY).map_err(fail)?;
        // Until the chain is checked, closing must not fold the write-ahead log into the file.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(fail)?;
        Ok(Self { path: path.to_owned(), connection, head: None, torn: false })
    }

    fn for_writing(self, torn: bool) -> Self {
        Self { head: Some(DurableHead::beside(&self.path)), torn, ..self }
    }

    /// Makes the tables. Everything is one transaction but for the mode, which is written to the
    /// file first: whoever is killed in between leaves a blank file.
    fn create(&self) -> Result<(), Error> {
        let text = format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
             BEGIN IMMEDIATE; {SCHEMA} {}
             PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {SCHEMA_VERSION};
             COMMIT;",
            migrate::MIGRATIONS.concat()
        );
        self.connection.execute_batch(&text).map_err(|error| self.fail("create", error))
    }

    /// Whether nothing was ever put into the file: nobody's mark, no table, and no page where one
    /// might have been.
    fn is_blank(&self) -> Result<bool, Error> {
        let marks = self.number("PRAGMA application_id")? | self.number("PRAGMA user_version")?;
        Ok(marks == 0
            && self.number("PRAGMA page_count")? <= 1
            && self.number("SELECT count(*) FROM sqlite_master")? == 0)
    }

    fn number(&self, query: &str) -> Result<i64, Error> {
        self.connection
            .query_row(query, [], |row| row.get(0))
            .map_err(|error| self.fail("read", error))
    }

    /// Reads who wrote the file, and in which version.
    fn check(&self) -> Result<(), Error> {
        let application = self.number("PRAGMA application_id")?;
        let version = self.number("PRAGMA user_version")?;
        if application != APPLICATION_ID {
            return Err(Error::NotAJournal {
                path: self.path.clone(),
                problem: format!("its application id is {application}"),
            });
        }
        if version < 1 {
            return Err(Error::NotAJournal {
                path: self.path.clone(),
                problem: format!("its schema version is {version}, which no Atlas wrote"),
            });
        }
        if version > SCHEMA_VERSION {
            return Err(Error::NewerSchema {
                path: self.path.clone(),
                found: version,
                known: SCHEMA_VERSION,
            });
        }
        Ok(())
    }

    fn configure(&self) -> Result<(), Error> {
        self.connection
            .execute_batch("PRAGMA synchronous = FULL; PRAGMA fullfsync = ON;")
            .map_err(|error| self.fail("configure", error))
    }

    /// Folds what is whole of the log into the file and begins an empty one, so that nothing torn
    /// is left behind the records to come.
    fn empty_log(&self) -> Result<(), Error> {
        let busy = self.number("PRAGMA wal_checkpoint(TRUNCATE)")?;
        if busy == 0 {
            return Ok(());
        }
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY);
        Err(self.fail("empty the log of", rusqlite::Error::SqliteFailure(code, None)))
    }

    /// Sorts `SQLite`'s errors: damage is told apart from everything else.
    fn fail(&self, doing: &'static str, cause: rusqlite::Error) -> Error {
        let path = self.path.clone();
        match cause.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => {
                Error::NotAJournal { path, problem: cause.to_string() }
            }
            Some(ErrorCode::DatabaseCorrupt) => {
                Error::Corrupt { path, seq: 1, problem: cause.to_string() }
            }
            _ => Error::Sqlite { doing, path, cause },
        }
    }
}

impl Storage for SqliteStorage {
    fn append(&mut self, records: &[(Record, Hash)]) -> Result<(), Error> {
        let insert = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            {
                let mut statement = transaction.prepare_cached(
                    "INSERT INTO record VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?;
                for (record, hash) in records {
                    statement.execute((
                        signed(record.seq),
                        record.ts_event.timestamp_nanos_opt(),
                        record.ts_init.timestamp_nanos_opt(),
                        record.decision_id.map(|id| signed(id.0)),
                        &record.kind,
                        record.version,
                        &record.payload,
                        record.prev_hash.to_string(),
                        hash.to_string(),
                    ))?;
                }
            }
            transaction.commit()
        };
        insert(&mut self.connection).map_err(|error| self.fail("append to", error))?;
        let last = records.last().map(|(record, hash)| Head { seq: record.seq, hash: *hash });
        // Only what is durable is noted: a head that is ahead of the journal is proof of a loss.
        match (&mut self.head, last) {
            (Some(head), Some(last)) => head.put(last),
            _ => Ok(()),
        }
    }

    fn replay(
        &mut self,
        each: &mut dyn FnMut(Record, Hash) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut next = 1;
        let damaged = |seq: u64, error: &rusqlite::Error| Error::Corrupt {
            path: self.path.clone(),
            seq,
            problem: error.to_string(),
        };
        let mut statement = self
            .connection
            .prepare("SELECT * FROM record ORDER BY seq")
            .map_err(|error| self.fail("read", error))?;
        let mut rows = statement.query([]).map_err(|error| self.fail("read", error))?;
        while let Some(row) = rows.next().map_err(|error| damaged(next, &error))? {
            let (record, hash) = read(row).map_err(|error| damaged(next, &error))?;
            next = record.seq + 1;
            each(record, hash)?;
        }
        Ok(())
    }

    fn trust(&mut self) -> Result<(), Error> {
        self.connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)
            .map_err(|error| self.fail("configure", error))?;
        if self.head.is_none() {
            return Ok(());
        }
        if self.torn {
            self.empty_log()?;
        }
        let version = self.number("PRAGMA user_version")?;
        migrate::migrate(&mut self.connection, &self.path, version)
            .map_err(|error| error.into_error(|cause| self.fail("migrate", cause)))
    }

    fn place(&self) -> PathBuf {
        self.path.clone()
    }
}

/// The length of a file in bytes, zero if there is none.
fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Record, Hash)> {
    let hash = |column: usize| -> rusqlite::Result<Hash> {
        let text = row.get_ref(column)?.as_str().map_err(|error| refuse(column, error))?;
        text.parse().map_err(|error: atlas_core::Error| refuse(column, error))
    };
    let record = Record {
        seq: row.get::<_, i64>(0)?.unsigned_abs(),
        ts_event: DateTime::from_timestamp_nanos(row.get(1)?),
        ts_init: DateTime::from_timestamp_nanos(row.get(2)?),
        decision_id: row.get::<_, Option<i64>>(3)?.map(|id| DecisionId(id.unsigned_abs())),
        kind: row.get(4)?,
        version: row.get(5)?,
        payload: row.get(6)?,
        prev_hash: hash(7)?,
    };
    Ok((record, hash(8)?))
}

/// `SQLite`'s integers have a sign; a number too large for them breaks the chain when read.
fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn refuse(column: usize, error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
}
