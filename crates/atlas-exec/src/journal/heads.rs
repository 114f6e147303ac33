//! The heads of the journal that artifacts name: what a tail that was cut off is found by.

use std::fs;

use atlas_core::journal::Hash;
use serde::Deserialize;

use crate::error::Error;
use crate::folder::AccountFolder;

/// An artifact and the head of the journal it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headed {
    /// Its path within the account's folder, such as `artifacts/2019-01-03.json`.
    pub path: String,
    /// The head; `None` if the file cannot be read or names none.
    pub head: Option<Hash>,
}

/// All that is read of an artifact here; the rest is its writer's business.
#[derive(Deserialize)]
struct Artifact {
    journal_head: Hash,
}

/// The artifacts of an account that `wanted` asks for by their path, in the order of their names.
///
/// # Errors
/// [`Error::Io`] if the folder cannot be read; an artifact that cannot be read has no head.
pub fn artifact_heads(
    folder: &AccountFolder,
    wanted: impl Fn(&str) -> bool,
) -> Result<Vec<Headed>, Error> {
    let place = folder.artifacts();
    if !place.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&place).map_err(Error::io("read", &place))? {
        let file = entry.map_err(Error::io("read", &place))?;
        let name = file.file_name().to_string_lossy().into_owned();
        let path = format!("artifacts/{name}");
        // What begins with a dot is a draft that never became an artifact.
        let json = file.path().extension().is_some_and(|extension| extension == "json");
        let artifact = !name.starts_with('.') && json && file.path().is_file();
        if artifact && wanted(&path) {
            let read = fs::read(file.path()).ok();
            let artifact = read.and_then(|text| serde_json::from_slice::<Artifact>(&text).ok());
            found.push(Headed { path, head: artifact.map(|artifact| artifact.journal_head) });
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}
