//! The fence: a file that stops every send, raised without taking any lock.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use atlas_broker::Gate;
use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountFolder, sync_folder, write_durably};
use crate::error::Error;
use crate::states::Cause;

/// Who raised the fence, when and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FenceNote {
    /// What the account is HALTED for.
    pub cause: Cause,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why, in one sentence.
    pub why: String,
}

/// One word that put the fence up, and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Raised {
    /// Who, when and why.
    pub note: FenceNote,
    /// The file and its bytes; `None` in memory.
    file: Option<(PathBuf, Vec<u8>)>,
}

/// The fence of one account. While it is up, nothing is sent: the sender looks before every send.
///
/// Raising takes no lock, so that a second process can raise it while the first hangs. Everybody
/// who raises it leaves a note of his own, and only notes that were read are taken away: a word
/// that comes while the fence is being lowered is never lost.
#[derive(Debug, Clone)]
pub struct Fence(Place);

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Memory(Arc<Mutex<Vec<FenceNote>>>),
}

impl Fence {
    /// The fence of an account's folder.
    #[must_use]
    pub fn of(folder: &AccountFolder) -> Self {
        Self(Place::File(folder.fence()))
    }

    /// A fence that lives in memory, for simulations; clones share it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Place::Memory(Arc::default()))
    }

    /// Whether the fence is up, and who raised it first. A fence whose note cannot be read is up.
    ///
    /// # Errors
    /// [`Error::Io`] if nobody can tell whether it is up; the caller must send nothing then.
    pub fn check(&self) -> Result<Option<FenceNote>, Error> {
        Ok(self.raised()?.into_iter().next().map(|raised| raised.note))
    }

    /// Every note that holds the fence up, none if it is down.
    ///
    /// # Errors
    /// As [`Fence::check`].
    pub fn raised(&self) -> Result<Vec<Raised>, Error> {
        let path = match &self.0 {
            Place::Memory(notes) => {
                let notes = notes.lock().unwrap_or_else(PoisonError::into_inner);
                return Ok(notes.iter().cloned().map(|note| Raised { note, file: None }).collect());
            }
            Place::File(path) => path,
        };
        let mut raised: Vec<Raised> = read(path)?.into_iter().collect();
        for path in further(path)? {
            raised.extend(read(&path)?);
        }
        Ok(raised)
    }

    /// Puts the fence up, durably; one that is up already gets a further note.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn raise(&self, note: &FenceNote) -> Result<(), Error> {
        let path = match &self.0 {
            Place::Memory(place) => {
                let mut notes = place.lock().unwrap_or_else(PoisonError::into_inner);
                if !notes.contains(note) {
                    notes.push(note.clone());
                }
                return Ok(());
            }
            Place::File(path) => path,
        };
        if self.raised().is_ok_and(|raised| raised.iter().any(|one| one.note == *note)) {
            return Ok(());
        }
        // A note appears complete and never takes another one's place, also of two that come at
        // once: it is written under a name of its own, then linked to be the first if there is none.
        let folder = path.with_file_name(FURTHER);
        fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        let stamp = note.at.format("%Y%m%dT%H%M%S%.9fZ");
        let text = serde_json::to_vec(note).unwrap_or_default();
        let digest = Hash::of(&text).short();
        let own = folder.join(format!("{stamp}-{}-{digest}", std::process::id()));
        write_durably(&own, &text)?;
        if fs::hard_link(&own, path).is_ok() {
            // The first note is one file; without its second name it is lowered at once.
            fs::remove_file(&own).map_err(Error::io("remove", &own))?;
        }
        path.parent().map_or(Ok(()), sync_folder)
    }

    /// Takes away the notes that were read, and no other: the fence is down only if nobody has
    /// raised it since. Only what follows a reconciliation and an operator's word calls it.
    ///
    /// # Errors
    /// [`Error::Io`] if a file cannot be removed.
    pub(crate) fn lower(&self, seen: &[Raised]) -> Result<(), Error> {
        if let Place::Memory(place) = &self.0 {
            let mut notes = place.lock().unwrap_or_else(PoisonError::into_inner);
            notes.retain(|note| !seen.iter().any(|raised| raised.note == *note));
            return Ok(());
        }
        for (path, text) in seen.iter().filter_map(|raised| raised.file.as_ref()) {
            if read(path)?.and_then(|now| now.file).is_some_and(|(_, now)| now == *text) {
                fs::remove_file(path).map_err(Error::io("remove", path))?;
                path.parent().map_or(Ok(()), sync_folder)?;
            }
        }
        Ok(())
    }
}

impl Gate for Fence {
    fn check(&self) -> Result<(), String> {
        match Self::check(self) {
            Ok(None) => Ok(()),
            Ok(Some(note)) => Err(format!("the fence is up, raised by {}: {}", note.by, note.why)),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// The folder of the notes beside the first one.
const FURTHER: &str = "fence.d";

/// The note in a file, `None` if there is no such file.
fn read(path: &Path) -> Result<Option<Raised>, Error> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(Error::io("read", path)(source)),
    };
    let note = serde_json::from_slice(&text).unwrap_or_else(|_| FenceNote {
        cause: Cause::Kill,
        by: "unknown".to_owned(),
        at: Timestamp::default(),
        why: format!("{} exists, though its note is not readable", path.display()),
    });
    Ok(Some(Raised { note, file: Some((path.to_owned(), text)) }))
}

/// The files of further notes, in the order in which they were left.
fn further(fence: &Path) -> Result<Vec<PathBuf>, Error> {
    let folder = fence.with_file_name(FURTHER);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::io("read", &folder)(source)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(Error::io("read", &folder))?.path();
        // What is still being written is nobody's word yet.
        if path.extension().is_none_or(|extension| extension != "tmp") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fence_stands_until_it_is_lowered() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let note = FenceNote {
            cause: Cause::Kill,
            by: "me".into(),
            at: Timestamp::default(),
            why: "a rehearsal".into(),
        };
        for fence in [Fence::of(&folder), Fence::in_memory()] {
            assert_eq!(fence.check().unwrap(), None);
            fence.raise(&note).unwrap();
            fence.raise(&FenceNote { by: "another".into(), ..note.clone() }).unwrap();
            assert_eq!(fence.check().unwrap().as_ref(), Some(&note));
            // Whoever raises it while it is lowered is not overheard.
            let seen = fence.raised().unwrap();
            assert_eq!(seen.len(), 2);
            let third = FenceNote { by: "a third".into(), ..note.clone() };
            fence.raise(&third).unwrap();
            fence.raise(&third).unwrap();
            fence.lower(&seen).unwrap();
            fence.lower(&seen).unwrap();
            assert_eq!(fence.check().unwrap(), Some(third));
            fence.lower(&fence.raised().unwrap()).unwrap();
            assert_eq!(fence.check().unwrap(), None);
        }
        fs::write(folder.fence(), "stop").unwrap();
        assert!(Fence::of(&folder).check().unwrap().is_some(), "an unreadable note still fences");
    }
}
