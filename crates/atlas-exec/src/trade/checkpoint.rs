//! The engine on disk, so that a killed process goes on where it was.
//!
//! The order of things makes it safe to be killed anywhere. A step is first kept here, with what it
//! wants done; then that is journaled; then it is done, each order with an intent of its own before
//! it is sent. On a restart, what is kept and not journaled is journaled; an order the journal has no
//! intent of was not sent, and the engine is told so; everything else the journal and the broker know.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;

use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use atlas_core::{Qty, Symbol};
use atlas_engine::{Action, Engine};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bars::Aggregator;
use crate::error::Error;
use crate::folder::{AccountFolder, write_durably};

/// Where one checkpoint is kept; a new one takes the place of the old one, whole or not at all.
pub trait CheckpointStore {
    /// What was kept last, `None` if nothing ever was.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn load(&mut self) -> Result<Option<Vec<u8>>, Error>;

    /// Keeps it, durably.
    ///
    /// # Errors
    /// [`Error::Io`].
    fn save(&mut self, bytes: &[u8]) -> Result<(), Error>;
}

/// A file in the account's folder.
#[derive(Debug, Clone)]
pub struct FileStore(PathBuf);

impl FileStore {
    /// The one of an account.
    #[must_use]
    pub fn of(folder: &AccountFolder) -> Self {
        Self(folder.engine())
    }
}

impl CheckpointStore for FileStore {
    fn load(&mut self) -> Result<Option<Vec<u8>>, Error> {
        match fs::read(&self.0) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("read", &self.0)(error)),
        }
    }

    fn save(&mut self, bytes: &[u8]) -> Result<(), Error> {
        write_durably(&self.0, bytes)
    }
}

/// Memory, for backtests, benches and tests.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore(pub Option<Vec<u8>>);

impl CheckpointStore for MemoryStore {
    fn load(&mut self) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.clone())
    }

    fn save(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0 = Some(bytes.to_vec());
        Ok(())
    }
}

/// What the shell keeps beside the engine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// Steps that led to something, over all runs.
    pub(super) step: u64,
    /// What the last of them wants done, and when it was decided.
    pub(super) acts: Vec<Action>,
    pub(super) at: Timestamp,
    /// Coins taken by fees that the engine was told of, by symbol.
    pub(super) charged: BTreeMap<Symbol, Qty>,
    /// When the engine wants to be woken.
    pub(super) wakes: BTreeSet<Timestamp>,
    /// Bars that are not complete yet.
    pub(super) bars: Aggregator,
}

#[derive(Serialize)]
struct Written<'a, S> {
    version: u16,
    kept: &'a Kept,
    engine: &'a Engine<S>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Read<S> {
    version: u16,
    kept: Kept,
    engine: Engine<S>,
}

/// The form of a checkpoint this program writes.
const VERSION: u16 = 1;

/// A checkpoint: the digest of what follows, a line break, JSON.
pub(super) fn write<S: Serialize>(engine: &Engine<S>, kept: &Kept) -> Result<Vec<u8>, String> {
    let body = serde_json::to_vec(&Written { version: VERSION, kept, engine })
        .map_err(|error| error.to_string())?;
    let mut bytes = Hash::of(&body).to_string().into_bytes();
    bytes.push(b'\n');
    bytes.extend(body);
    Ok(bytes)
}

/// Reads a checkpoint.
///
/// # Errors
/// [`Error::Trade`] for one that is damaged or of another program: it is never guessed at.
pub(super) fn read<S: DeserializeOwned>(bytes: &[u8]) -> Result<(Engine<S>, Kept), Error> {
    let bad = |problem: String| Error::Trade {
        what: "the engine's checkpoint cannot be used",
        problem: format!(
            "{problem}; bring it back from a backup, or sell what the account holds and remove it"
        ),
    };
    let middle = bytes.iter().position(|byte| *byte == b'\n');
    let parts = middle.map(|at| (&bytes[..at], &bytes[at + 1..]));
    let Some((digest, body)) =
        parts.filter(|(digest, body)| Hash::of(body).to_string().as_bytes() == *digest)
    else {
        return Err(bad("it is not what was written".to_owned()));
    };
    let _ = digest;
    let read: Read<S> = serde_json::from_slice(body).map_err(|error| bad(error.to_string()))?;
    if read.version != VERSION {
        return Err(bad(format!("it has form {}, this program reads {VERSION}", read.version)));
    }
    Ok((read.engine, read.kept))
}
