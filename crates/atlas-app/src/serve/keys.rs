//! The keys of a served venue: drawn once, kept beside the books.

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use atlas_venue::{Credentials, Secret};
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};
use crate::random::random_hex;

/// What clients and administrators show to get in: drawn once, kept beside the books.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    key_id: String,
    secret_key: String,
    pub(super) admin_token: String,
}

impl Keys {
    /// The keys kept in `dir`, or fresh ones, which are kept there; without a directory they are
    /// good for this run alone.
    pub(super) fn take(dir: Option<&Path>) -> Result<Self> {
        let Some(path) = dir.map(|dir| dir.join("keys.json")) else { return Self::draw() };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let why = format!("{} cannot be read ({error}): remove it", path.display());
                Failure::error(Exit::State, format!("{why}, and new keys are drawn"))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let keys = Self::draw()?;
                keys.keep(&path)?;
                Ok(keys)
            }
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    fn draw() -> Result<Self> {
        let key_id = format!("PK{}", &random_hex()?[..18]).to_ascii_uppercase();
        let secret_key = random_hex()?[..40].to_owned();
        Ok(Self { key_id, secret_key, admin_token: random_hex()?[..40].to_owned() })
    }

    /// Writes the file for the eyes of its owner alone, whole or not at all.
    fn keep(&self, path: &Path) -> Result<()> {
        let dir = path.parent().unwrap_or_else(|| Path::new("."));
        let write = || -> std::io::Result<()> {
            // A temporary file is readable by its owner alone.
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| unusable(path, &error))
    }

    pub(super) fn credentials(&self) -> Credentials {
        Credentials { key_id: self.key_id.clone(), secret: Secret::new(&self.secret_key) }
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Failure::error(
        Exit::State,
        format!("{} cannot be used ({error}): check permissions and the disk", path.display()),
    )
}
