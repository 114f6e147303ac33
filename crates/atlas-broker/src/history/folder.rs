//! The folder downloads are kept in: whole files, each with its digest in a manifest.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use atlas_core::journal::Hash;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The folder and what is known to be whole in it.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    manifest: Manifest,
}

/// What the manifest says.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    version: u8,
    files: BTreeMap<String, Entry>,
}

/// One whole file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// What it holds: a symbol, or the address it came from.
    of: String,
    /// Its last session.
    last: NaiveDate,
    /// Digest of its bytes.
    sha256: Hash,
}

impl Entry {
    pub(super) fn new(of: &str, last: NaiveDate, text: &str) -> Self {
        Self { of: of.to_owned(), last, sha256: Hash::of(text.as_bytes()) }
    }
}

const MANIFEST: &str = "manifest.json";
const VERSION: u8 = 1;

impl Folder {
    /// Opens or makes the folder. A file that is not the one the manifest tells of is forgotten,
    /// and so downloaded again.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        for part in ["prices", "levels"] {
            let part = path.join(part);
            fs::create_dir_all(&part).map_err(|error| cache(&part, &error))?;
        }
        let mut folder = Self {
            path: path.to_owned(),
            manifest: Manifest { version: VERSION, ..Manifest::default() },
        };
        let place = folder.path.join(MANIFEST);
        match fs::read(&place) {
            Ok(bytes) => {
                folder.manifest =
                    serde_json::from_slice(&bytes).map_err(|error| cache(&place, &error))?;
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(cache(&place, &error)),
        }
        if folder.manifest.version != VERSION {
            let version = folder.manifest.version;
            return Err(cache(&place, &format!("it is of version {version}, not {VERSION}")));
        }
        let root = folder.path.clone();
        folder.manifest.files.retain(|file, entry| {
            let whole = fs::read(root.join(file)).is_ok_and(|text| Hash::of(&text) == entry.sha256);
            if !whole {
                tracing::warn!(file, "a downloaded file is not whole and is downloaded again");
            }
            whole
        });
        Ok(folder)
    }

    /// The last session of a whole file, if it holds what is asked for.
    pub(super) fn last(&self, file: &str, of: &str) -> Option<NaiveDate> {
        self.manifest.files.get(file).filter(|entry| entry.of == of).map(|entry| entry.last)
    }

    /// The text of a file.
    pub(super) fn read(&self, file: &str) -> Result<String, Error> {
        let path = self.path.join(file);
        fs::read_to_string(&path).map_err(|error| cache(&path, &error))
    }

    /// Keeps a file: written aside, brought to the disk, put in its place, and only then told of.
    pub(super) fn keep(&mut self, file: &str, text: &str, entry: Entry) -> Result<(), Error> {
        self.put(file, text.as_bytes())?;
        self.manifest.files.insert(file.to_owned(), entry);
        let manifest = serde_json::to_vec_pretty(&self.manifest)
            .map_err(|error| cache(&self.path.join(MANIFEST), &error))?;
        self.put(MANIFEST, &manifest)
    }

    fn put(&self, file: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.path.join(file);
        let aside = path.with_extension("part");
        let write = || -> std::io::Result<()> {
            let mut open = File::create(&aside)?;
            open.write_all(bytes)?;
            open.sync_all()?;
            fs::rename(&aside, &path)
        };
        write().map_err(|error| cache(&path, &error))
    }
}

fn cache(path: &Path, problem: &dyn std::fmt::Display) -> Error {
    Error::Cache { path: path.to_owned(), problem: problem.to_string() }
}
