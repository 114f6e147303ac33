//! The fence: a file that stops every send, raised without taking any lock.

use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

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

/// The fence of one account. While it is up, nothing is sent: the sender looks before every send.
///
/// Raising takes no lock, so that a second process can raise it while the first hangs.
#[derive(Debug, Clone)]
pub struct Fence(Place);

#[derive(Debug, Clone)]
enum Place {
    File(PathBuf),
    Memory(Arc<Mutex<Option<FenceNote>>>),
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

    /// Whether the fence is up, and who raised it. A fence whose note cannot be read is up.
    ///
    /// # Errors
    /// [`Error::Io`] if nobody can tell whether it is up; the caller must send nothing then.
    pub fn check(&self) -> Result<Option<FenceNote>, Error> {
        let path = match &self.0 {
            Place::Memory(note) => {
                return Ok(note.lock().unwrap_or_else(PoisonError::into_inner).clone());
            }
            Place::File(path) => path,
        };
        match fs::read(path) {
            Ok(text) => Ok(Some(serde_json::from_slice(&text).unwrap_or_else(|_| FenceNote {
                cause: Cause::Kill,
                by: "unknown".to_owned(),
                at: Timestamp::default(),
                why: format!("{} exists, though its note is not readable", path.display()),
            }))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(source) => Err(Error::io("read", path)(source)),
        }
    }

    /// Puts the fence up, durably; a fence that is up already keeps its note.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn raise(&self, note: &FenceNote) -> Result<(), Error> {
        match &self.0 {
            Place::Memory(place) => {
                place
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert_with(|| note.clone());
                Ok(())
            }
            Place::File(path) if path.exists() => Ok(()),
            Place::File(path) => write_durably(path, &serde_json::to_vec(note).unwrap_or_default()),
        }
    }

    /// Takes the fence down. Only what follows a reconciliation and an operator's word calls it.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be removed.
    pub(crate) fn lower(&self) -> Result<(), Error> {
        match &self.0 {
            Place::Memory(place) => {
                *place.lock().unwrap_or_else(PoisonError::into_inner) = None;
                Ok(())
            }
            Place::File(path) => match fs::remove_file(path) {
                Ok(()) => path.parent().map_or(Ok(()), sync_folder),
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
                Err(source) => Err(Error::io("remove", path)(source)),
            },
        }
    }
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
            fence.lower().unwrap();
            fence.lower().unwrap();
            assert_eq!(fence.check().unwrap(), None);
        }
        fs::write(folder.fence(), "stop").unwrap();
        assert!(Fence::of(&folder).check().unwrap().is_some(), "an unreadable note still fences");
    }
}
