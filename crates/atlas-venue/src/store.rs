//! The account on disk: an order is durable before it is acknowledged.
//!
//! One `SQLite` file holds the state (one row), every order, every ledger entry and the newest
//! messages about orders. A request, or
//! several that came while the ones before were being written, are one transaction, synced to disk, so
//! that after a crash the file holds all of a request or nothing of it. Prices are not kept: they are
//! handed in again.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, params};

use crate::Error;
use crate::core::{Activity, Changes, Exchange, Money, OrderRecord, State, Update};
use crate::told::KEPT as UPDATES_KEPT;

/// The open file; no other process can open it meanwhile.
#[derive(Debug)]
pub(crate) struct Store {
    path: PathBuf,
    connection: Connection,
    /// Whether there are no tables yet: they are made together with the first account.
    is_new: bool,
}

/// What a file holds of an account.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) state: State,
    pub(crate) orders: Vec<OrderRecord>,
    pub(crate) activities: Vec<Activity>,
}

/// What changed, as it will be written: taken from the exchange in a moment, so that it can go on
/// while the disk is waited for.
#[derive(Debug)]
pub(crate) struct Batch {
    state: String,
    /// Number, name, sender's name and body of each order.
    orders: Vec<(i64, String, String, String)>,
    /// Number, name and body of each ledger entry.
    activities: Vec<(i64, String, String)>,
}

impl Store {
    /// Opens the file in `dir`, or makes it and the directory. A file that a creation left half
    /// done holds nothing yet, and counts as new.
    pub(crate) fn open(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        // To SQLite a log without its file is rubbish to be removed; here it is what is left of
        // an account.
        if length(&path) == 0 && length(&dir.join(LOG)) > 0 {
            return Err(Error::Missing { path });
        }
        std::fs::create_dir_all(dir)
            .map_err(|error| Error::Store { path: dir.to_owned(), problem: error.to_string() })?;
        Self::connect(path, OpenFlags::default())
    }

    /// Opens the file in `dir`, which must hold an account; makes nothing.
    pub(crate) fn reopen(dir: &Path) -> Result<Self, Error> {
        let path = dir.join(FILE);
        if length(&path) == 0 {
            return Err(Error::Missing { path });
        }
        let flags = OpenFlags::default().difference(OpenFlags::SQLITE_OPEN_CREATE);
        let store = Self::connect(path, flags)?;
        if store.is_new {
            return Err(store.missing());
        }
        Ok(store)
    }

    fn connect(path: PathBuf, flags: OpenFlags) -> Result<Self, Error> {
        let wrong = |error: rusqlite::Error| failure(&path, &error);
        let connection = Connection::open_with_flags(&path, flags).map_err(wrong)?;
        connection.execute_batch(PRAGMAS).map_err(wrong)?;
        let format: i64 =
            connection.query_row("PRAGMA user_version", [], |row| row.get(0)).map_err(wrong)?;
        if format > FORMAT {
            return Err(Error::NewerFormat { path, found: format, supported: FORMAT });
        }
        if format == 0 {
            let tables = "SELECT count(*) FROM sqlite_master";
            let tables: i64 = connection.query_row(tables, [], |row| row.get(0)).map_err(wrong)?;
            if tables > 0 {
                let problem = "it is a database of something else".to_owned();
                return Err(Error::Damaged { path, problem });
            }
        }
        if format > 0 {
            // Files of the first versions have none yet.
            connection.execute_batch(LATER_TABLES).map_err(wrong)?;
        }
        Ok(Self { path, connection, is_new: format == 0 })
    }

    /// Reads the account, unless the file is new, and checks that it adds up.
    pub(crate) fn load(&self) -> Result<Option<Kept>, Error> {
        if self.is_new {
            return Ok(None);
        }
        let wrong = |error: rusqlite::Error| failure(&self.path, &error);
        let state: Option<String> = self
            .connection
            .query_row("SELECT body FROM state WHERE id = 1", [], |row| row.get(0))
            .optional()
            .map_err(wrong)?;
        // Tables and account are made in one transaction.
        let state = state.ok_or_else(|| self.damaged("the account is not in it".to_owned()))?;
        let mut state: State = self.parse("the account", &state)?;
        let last = "SELECT coalesce(max(seq), 0) FROM updates";
        let last: i64 = self.connection.query_row(last, [], |row| row.get(0)).map_err(wrong)?;
        // An account that is older than its messages has had some that nobody kept.
        state.updates = state.updates.max(last.unsigned_abs()).max(state.orders.min(1));
        let kept =
            Kept { state, orders: self.rows("orders")?, activities: self.rows("activities")? };
        self.check(&kept)?;
        Ok(Some(kept))
    }

    /// Writes everything a new account starts with.
    pub(crate) fn create(&mut self, exchange: &mut Exchange) -> Result<(), Error> {
        let mut changes = exchange.take_changes();
        changes.activities_before = 0;
        let batch = self.batch(exchange, &changes)?;
        self.write(batch, &changes.updates)
    }

    /// The newest messages, oldest first.
    pub(crate) fn updates(&self) -> Result<Vec<Update>, Error> {
        self.rows("updates")
    }

    /// What changed, as it will be written.
    pub(crate) fn batch(&self, exchange: &Exchange, changes: &Changes) -> Result<Batch, Error> {
        let wrong = |error: serde_json::Error| Error::Store {
            path: self.path.clone(),
            problem: error.to_string(),
        };
        let mut batch = Batch {
            state: serde_json::to_string(exchange.state()).map_err(wrong)?,
            orders: Vec::with_capacity(changes.orders.len()),
            activities: Vec::new(),
        };
        for order in changes.orders.iter().filter_map(|seq| exchange.order(*seq)) {
            let body = serde_json::to_string(order).map_err(wrong)?;
            let id = order.id.to_string();
            batch.orders.push((order.seq.cast_signed(), id, order.client_order_id.clone(), body));
        }
        let new = exchange.activities().get(changes.activities_before..).unwrap_or_default();
        for activity in new {
            let body = serde_json::to_string(activity).map_err(wrong)?;
            batch.activities.push((activity.seq.cast_signed(), activity.id.clone(), body));
        }
        Ok(batch)
    }

    /// Writes a batch and what is told of it, and waits until it is on disk. Of what was told the
    /// newest is kept.
    pub(crate) fn write(&mut self, batch: Batch, updates: &[Update]) -> Result<(), Error> {
        let path = self.path.clone();
        let mut told = Vec::with_capacity(updates.len());
        for update in updates {
            let body = serde_json::to_string(update)
                .map_err(|error| Error::Store { path: path.clone(), problem: error.to_string() })?;
            told.push((update.seq.cast_signed(), body));
        }
        let write = || -> rusqlite::Result<()> {
            let transaction = self.connection.transaction()?;
            if self.is_new {
                transaction.execute_batch(SCHEMA)?;
                transaction.execute_batch(LATER_TABLES)?;
            }
            for (seq, id, name, body) in batch.orders {
                transaction.prepare_cached(PUT_ORDER)?.execute(params![seq, id, name, body])?;
            }
            for (seq, id, body) in batch.activities {
                transaction.prepare_cached(PUT_ACTIVITY)?.execute(params![seq, id, body])?;
            }
            if let Some((last, _)) = told.last() {
                let old = last.saturating_sub(i64::from(UPDATES_KEPT));
                transaction.prepare_cached(DROP_UPDATES)?.execute(params![old])?;
            }
            for (seq, body) in told {
                transaction.prepare_cached(PUT_UPDATE)?.execute(params![seq, body])?;
            }
            transaction.prepare_cached(PUT_STATE)?.execute(params![batch.state])?;
            transaction.commit()
        };
        write().map_err(|error| failure(&path, &error))?;
        self.is_new = false;
        Ok(())
    }

    /// What is kept beside the account, by name.
    pub(crate) fn notes(&self) -> Result<BTreeMap<String, String>, Error> {
        let wrong = |error: rusqlite::Error| failure(&self.path, &error);
        let mut statement = self.connection.prepare(GET_NOTES).map_err(wrong)?;
        let notes = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(wrong)?;
        notes.collect::<rusqlite::Result<_>>().map_err(wrong)
    }

    /// Keeps a text beside the account, and waits until it is on disk.
    pub(crate) fn set_note(&mut self, name: &str, text: &str) -> Result<(), Error> {
        let put = self.connection.execute(PUT_NOTE, params![name, text]);
        put.map(|_| ()).map_err(|error| failure(&self.path, &error))
    }

    fn rows<T: serde::de::DeserializeOwned>(&self, table: &'static str) -> Result<Vec<T>, Error> {
        let wrong = |error: rusqlite::Error| failure(&self.path, &error);
        let query = format!("SELECT body FROM {table} ORDER BY seq");
        let mut statement = self.connection.prepare(&query).map_err(wrong)?;
        let mut rows = statement.query([]).map_err(wrong)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(wrong)? {
            let body = row.get_ref(0).map_err(wrong)?;
            let body = body.as_str().map_err(|error| self.damaged(error.to_string()))?;
            all.push(self.parse(table, body)?);
        }
        Ok(all)
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, what: &str, body: &str) -> Result<T, Error> {
        serde_json::from_str(body).map_err(|error| self.damaged(format!("{what}: {error}")))
    }

    /// Whether the parts of the account belong together: numbers without gaps, cash and holdings
    /// equal to the sum of the ledger.
    fn check(&self, kept: &Kept) -> Result<(), Error> {
        let Kept { state, orders, activities } = kept;
        let orders_whole = (1..).zip(orders).all(|(seq, order)| order.seq == seq);
        let ledger_whole = (1..).zip(activities).all(|(seq, entry)| entry.seq == seq);
        let counts = (orders.len() as u64, activities.len() as u64);
        if !orders_whole || !ledger_whole || counts != (state.orders, state.activities) {
            return Err(self.damaged(format!(
                "{} orders and {} ledger entries where {} and {} are expected",
                counts.0, counts.1, state.orders, state.activities
            )));
        }
        let mut cash = Money::ZERO;
        for entry in activities {
            cash = cash.plus(entry.entry.cash_effect())?;
        }
        if cash != state.ledger.cash {
            let kept = state.ledger.cash;
            return Err(self.damaged(format!("cash is {kept}, its ledger comes to {cash}")));
        }
        Ok(())
    }

    /// That there is no account in the file.
    pub(crate) fn missing(&self) -> Error {
        Error::Missing { path: self.path.clone() }
    }

    fn damaged(&self, problem: String) -> Error {
        Error::Damaged { path: self.path.clone(), problem }
    }
}

/// The length of a file in bytes, zero if there is none.
fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// What the storage's own error means.
fn failure(path: &Path, error: &rusqlite::Error) -> Error {
    let path = path.to_owned();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Error::InUse { path },
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            Error::Damaged { path, problem: error.to_string() }
        }
        _ => Error::Store { path, problem: error.to_string() },
    }
}

/// The file's name within the venue's directory.
const FILE: &str = "venue.sqlite";
/// The name of its write-ahead log.
const LOG: &str = "venue.sqlite-wal";
/// The newest format this version reads and writes.
const FORMAT: i64 = 1;
/// An exclusive lock from the first access on; synced to disk at every commit.
const PRAGMAS: &str = "
    PRAGMA busy_timeout = 0;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    BEGIN IMMEDIATE; COMMIT;
";
const SCHEMA: &str = "
    CREATE TABLE state (id INTEGER PRIMARY KEY CHECK (id = 1), body TEXT NOT NULL) STRICT;
    CREATE TABLE orders (
        seq INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE,
        client_order_id TEXT NOT NULL UNIQUE,
        body TEXT NOT NULL
    ) STRICT;
    CREATE TABLE activities (seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL)
        STRICT;
    PRAGMA user_version = 1;
";
const LATER_TABLES: &str = "
    CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS updates (seq INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
";
const GET_NOTES: &str = "SELECT name, body FROM notes";
const PUT_NOTE: &str = "
    INSERT INTO notes (name, body) VALUES (?1, ?2)
    ON CONFLICT (name) DO UPDATE SET body = excluded.body";
const PUT_ORDER: &str = "
    INSERT INTO orders (seq, id, client_order_id, body) VALUES (?1, ?2, ?3, ?4)
    ON CONFLICT (seq) DO UPDATE SET body = excluded.body";
const PUT_ACTIVITY: &str = "INSERT INTO activities (seq, id, body) VALUES (?1, ?2, ?3)";
const PUT_UPDATE: &str = "INSERT INTO updates (seq, body) VALUES (?1, ?2)";
const DROP_UPDATES: &str = "DELETE FROM updates WHERE seq <= ?1";
const PUT_STATE: &str = "
    INSERT INTO state (id, body) VALUES (1, ?1) ON CONFLICT (id) DO UPDATE SET body = excluded.body";
