//! What the market of a kept account was made of: the same data, universe, made stocks and seed make
//! the same past.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use super::made::Made;
use crate::exit::{Exit, Failure};

/// Data, universe, made stocks and seed, kept beside the books.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    data: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    universe: Option<String>,
    /// As the flag names them; of accounts that were kept before there were such, nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made: Option<String>,
    seed: u64,
}

impl Source {
    /// What the flags name; a path by its place on this machine.
    pub(super) fn of(data: &str, universe: Option<&str>, made: &Made, seed: u64) -> Self {
        let place = Path::new(data).canonicalize().ok().filter(|_| data != "sample");
        let data = place.map_or_else(|| data.to_owned(), |place| place.display().to_string());
        let file = |name: &str| Path::new(name).canonicalize().ok().filter(|path| path.is_file());
        let universe = universe.map(|name| {
            file(name).map_or_else(|| name.to_owned(), |path| path.display().to_string())
        });
        Self { data, universe, made: Some(made.told()), seed }
    }

    /// Refuses to go on with an account whose market was another: its positions and fills would
    /// stand in prices that never were.
    ///
    /// # Errors
    /// [`Exit::State`] naming what differs, or a file that cannot be read.
    pub(super) fn check(&self, dir: &Path) -> Result<()> {
        let Some(kept) = Self::kept(dir)? else { return Ok(()) };
        // What it was made of says nothing of made stocks: it had none, and nobody held any.
        let made = kept.made.clone().or_else(|| self.made.clone());
        if (Self { made, ..kept.clone() }) == *self {
            return Ok(());
        }
        let words = |source: &Self| {
            let universe = source.universe.as_ref();
            let universe = universe.map_or_else(
                || "no --universe".to_owned(),
                |universe| format!("--universe {universe}"),
            );
            let made = source.made.as_deref().unwrap_or("off");
            format!("--data {} --seed {} --made {made} and {universe}", source.data, source.seed)
        };
        Err(Failure::error(
            Exit::State,
            format!(
                "{} holds an account that trades in the market of {}, not of {}: give those, or \
                 another --state-dir",
                dir.display(),
                words(&kept),
                words(self)
            ),
        ))
    }

    /// What is kept, if anything.
    fn kept(dir: &Path) -> Result<Option<Self>> {
        let path = file(dir);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(unusable(&path, &error)),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| unusable(&path, &error))
    }

    /// Keeps it beside the books, whole or not at all.
    ///
    /// # Errors
    /// [`Exit::State`] if it cannot be written.
    pub(super) fn keep(&self, dir: &Path) -> Result<()> {
        let path = file(dir);
        if Self::kept(dir)?.as_ref() == Some(self) {
            return Ok(());
        }
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.as_file().sync_all()?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(|error| unusable(&path, &error))
    }
}

fn file(dir: &Path) -> PathBuf {
    dir.join("source.json")
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> anyhow::Error {
    Failure::error(
        Exit::State,
        format!("{} cannot be used ({error}): check it, permissions and the disk", path.display()),
    )
}
