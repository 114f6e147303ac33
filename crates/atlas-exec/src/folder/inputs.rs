//! What decisions were made from, stored under its own digest.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use atlas_core::journal::Hash;

use super::{AccountFolder, write_durably};
use crate::error::Error;

/// A content-addressed store: `inputs/<sha256>.zst`, the digest being that of the plain bytes.
///
/// Something stored twice is stored once. A file is durable before [`put`](Self::put) returns, so
/// that a record naming it never names what is not there.
#[derive(Debug, Clone)]
pub struct InputStore(Place);

#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Memory(Arc<Mutex<BTreeMap<Hash, Vec<u8>>>>),
}

/// zstd's own default: a fifth of the size at a few hundred megabytes per second.
const LEVEL: i32 = 3;

impl InputStore {
    /// The store of an account's folder.
    #[must_use]
    pub fn of(folder: &AccountFolder) -> Self {
        Self(Place::Folder(folder.inputs()))
    }

    /// A store that lives in memory, for simulations; clones share it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Place::Memory(Arc::default()))
    }

    /// Stores bytes durably and returns their digest.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Hash, Error> {
        let hash = Hash::of(bytes);
        let folder = match &self.0 {
            Place::Memory(map) => {
                map.lock().unwrap_or_else(PoisonError::into_inner).insert(hash, bytes.to_vec());
                return Ok(hash);
            }
            Place::Folder(folder) => folder,
        };
        let path = folder.join(format!("{hash}.zst"));
        // The name appears only by a rename after a sync, so a file that is there is complete.
        if !path.exists() {
            let packed =
                zstd::bulk::compress(bytes, LEVEL).map_err(Error::io("compress", &path))?;
            write_durably(&path, &packed)?;
        }
        Ok(hash)
    }

    /// The bytes stored under a digest, checked against it.
    ///
    /// # Errors
    /// [`Error::Input`] if there is nothing under the digest or something else.
    pub fn get(&self, hash: Hash) -> Result<Vec<u8>, Error> {
        let (path, bytes) = match &self.0 {
            Place::Memory(map) => {
                let map = map.lock().unwrap_or_else(PoisonError::into_inner);
                (PathBuf::from("memory"), map.get(&hash).cloned())
            }
            Place::Folder(folder) => {
                let path = folder.join(format!("{hash}.zst"));
                let bytes = fs::read(&path)
                    .ok()
                    .map(|packed| zstd::stream::decode_all(packed.as_slice()))
                    .transpose()
                    .map_err(|error| Error::Input {
                        hash,
                        path: path.clone(),
                        problem: format!("cannot be decompressed: {error}"),
                    })?;
                (path, bytes)
            }
        };
        let bytes = bytes.ok_or_else(|| Error::Input {
            hash,
            path: path.clone(),
            problem: "is missing or not readable: restore it from a copy".to_owned(),
        })?;
        if Hash::of(&bytes) != hash {
            let problem = "holds other bytes than its name says: restore it from a copy".to_owned();
            return Err(Error::Input { hash, path, problem });
        }
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_is_what_one_gets() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        for store in [InputStore::of(&folder), InputStore::in_memory()] {
            let hash = store.put(b"bars").unwrap();
            assert_eq!(store.put(b"bars").unwrap(), hash);
            assert_eq!(store.get(hash).unwrap(), b"bars");
            assert!(store.get(Hash::of(b"other")).is_err());
        }
        let hash = Hash::of(b"bars");
        let path = folder.inputs().join(format!("{hash}.zst"));
        fs::write(&path, zstd::bulk::compress(b"beer", 3).unwrap()).unwrap();
        let message = InputStore::of(&folder).get(hash).unwrap_err().to_string();
        assert!(message.contains("holds other bytes"), "{message}");
    }
}
