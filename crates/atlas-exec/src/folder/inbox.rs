//! Commands for a running Atlas, left as files by other processes.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use atlas_core::OrderRequest;
use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use super::{AccountFolder, sync_folder, write_durably};
use crate::error::Error;

/// What an operator can ask of a running Atlas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Command {
    /// Enter PAUSED.
    Pause {
        /// Who asks.
        by: String,
        /// Why.
        why: String,
    },
    /// Enter REDUCING.
    Reduce {
        /// Who asks.
        by: String,
        /// Why.
        why: String,
    },
    /// Take note of sells that a person sends past a process that may hang: left before the first
    /// of them goes out, so that the journal learns of every one whatever happens.
    Flatten {
        /// Who asks.
        by: String,
        /// Why.
        why: String,
        /// Exactly what is sent.
        orders: Vec<OrderRequest>,
    },
    /// Leave what an operator may leave; needs a clean reconciliation after the cause.
    Resume {
        /// Who asks.
        by: String,
        /// Why.
        why: String,
    },
}

/// A command and the file it lies in until it is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// The file's name.
    pub file: String,
    /// What is asked.
    pub command: Command,
}

/// The folder of commands. Leaving one takes no lock and is durable; the running Atlas takes them
/// in the order of their names, which begin with the instant they were left at.
#[derive(Debug, Clone)]
pub struct Inbox(Place);

#[derive(Debug, Clone)]
enum Place {
    Folder(PathBuf),
    Memory(Arc<Mutex<Commands>>),
}

/// Commands by the names their files would have, and how many were left so far.
#[derive(Debug, Default)]
struct Commands {
    left: u64,
    waiting: std::collections::BTreeMap<String, Command>,
}

fn locked(commands: &Mutex<Commands>) -> MutexGuard<'_, Commands> {
    commands.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inbox {
    /// The inbox of an account's folder.
    #[must_use]
    pub fn of(folder: &AccountFolder) -> Self {
        Self(Place::Folder(folder.inbox()))
    }

    /// An inbox that lives in memory, for simulations; clones share it.
    #[must_use]
    pub fn in_memory() -> Self {
        Self(Place::Memory(Arc::default()))
    }

    /// Leaves a command; returns its file's name.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be written.
    pub fn leave(&self, command: &Command, now: Timestamp) -> Result<String, Error> {
        let stamp = now.format("%Y%m%dT%H%M%S%.9fZ");
        let folder = match &self.0 {
            Place::Folder(folder) => folder,
            Place::Memory(commands) => {
                let mut commands = locked(commands);
                commands.left += 1;
                let name = format!("{stamp}-{}.json", commands.left);
                commands.waiting.insert(name.clone(), command.clone());
                return Ok(name);
            }
        };
        // A name is taken once for ever, so what is asked is part of it.
        let text = serde_json::to_vec(command).unwrap_or_default();
        let digest = Hash::of(&text).short();
        let pid = std::process::id();
        let mut number = 0_u32;
        loop {
            let name = format!("{stamp}-{pid}-{digest}-{number}.json");
            let path = folder.join(&name);
            if path.exists() {
                number += 1;
                continue;
            }
            write_durably(&path, &text)?;
            return Ok(name);
        }
    }

    /// The oldest command. One that cannot be read is renamed to `*.bad` and reported, once.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read, [`Error::Command`] for a file set aside.
    pub fn next(&self) -> Result<Option<Received>, Error> {
        let folder = match &self.0 {
            Place::Folder(folder) => folder,
            Place::Memory(commands) => {
                let commands = locked(commands);
                let first = commands.waiting.iter().next();
                return Ok(first.map(|(file, command)| Received {
                    file: file.clone(),
                    command: command.clone(),
                }));
            }
        };
        let Some(file) = names(folder)?.into_iter().min() else { return Ok(None) };
        let path = folder.join(&file);
        match read(&path) {
            Ok(command) => Ok(Some(Received { file, command })),
            Err(problem) => {
                fs::rename(&path, path.with_extension("bad"))
                    .map_err(Error::io("rename", &path))?;
                Err(Error::Command { path, problem })
            }
        }
    }

    /// Every command that nobody has taken yet and that can be read, oldest first; takes none.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn look(&self) -> Result<Vec<Received>, Error> {
        let folder = match &self.0 {
            Place::Folder(folder) => folder,
            Place::Memory(commands) => {
                let commands = locked(commands);
                let waiting = commands.waiting.iter();
                return Ok(waiting
                    .map(|(file, command)| Received {
                        file: file.clone(),
                        command: command.clone(),
                    })
                    .collect());
            }
        };
        let mut files = names(folder)?;
        files.sort();
        let read = |file: String| {
            let command = read(&folder.join(&file)).ok()?;
            Some(Received { file, command })
        };
        Ok(files.into_iter().filter_map(read).collect())
    }

    /// How many commands nobody has taken yet.
    ///
    /// # Errors
    /// [`Error::Io`] if the folder cannot be read.
    pub fn waiting(&self) -> Result<usize, Error> {
        match &self.0 {
            Place::Folder(folder) => Ok(names(folder)?.len()),
            Place::Memory(commands) => Ok(locked(commands).waiting.len()),
        }
    }

    /// Removes a command that was journaled and carried out.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be removed.
    pub fn done(&self, file: &str) -> Result<(), Error> {
        let folder = match &self.0 {
            Place::Folder(folder) => folder,
            Place::Memory(commands) => {
                locked(commands).waiting.remove(file);
                return Ok(());
            }
        };
        let path = folder.join(file);
        fs::remove_file(&path).map_err(Error::io("remove", &path))?;
        sync_folder(folder)
    }
}

/// The longest command, in bytes: one that flattens a thousand positions has room.
const LONGEST: u64 = 1024 * 1024;

/// Reads a command; a pipe, a folder or a file of any length may hold nobody up.
fn read(path: &Path) -> Result<Command, String> {
    let told = fs::symlink_metadata(path).map_err(|error| error.to_string())?;
    if !told.is_file() {
        return Err("it is no file".to_owned());
    }
    if told.len() > LONGEST {
        return Err(format!("it has {} bytes, and {LONGEST} are the most", told.len()));
    }
    let text = fs::read(path).map_err(|error| error.to_string())?;
    serde_json::from_slice(&text).map_err(|error| error.to_string())
}

/// The commands that wait in a folder, by the names of their files.
fn names(folder: &Path) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let entries = fs::read_dir(folder).map_err(Error::io("read", folder))?;
    for entry in entries {
        let entry = entry.map_err(Error::io("read", folder))?;
        if let Ok(name) = entry.file_name().into_string()
            && Path::new(&name).extension().is_some_and(|extension| extension == "json")
        {
            names.push(name);
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_come_in_order_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let inbox = Inbox::of(&folder);
        let pause = Command::Pause { by: "me".into(), why: "lunch".into() };
        let resume = Command::Resume { by: "me".into(), why: "coffee".into() };
        let noon: Timestamp = "2019-01-03T17:00:00Z".parse().unwrap();
        inbox.leave(&resume, noon + chrono::TimeDelta::hours(1)).unwrap();
        inbox.leave(&pause, noon).unwrap();
        inbox.leave(&pause, noon).unwrap();
        fs::write(folder.inbox().join("0.json"), "{").unwrap();
        // What is no file, or none that anybody wrote as a command, is set aside unread.
        fs::create_dir(folder.inbox().join("1.json")).unwrap();
        let long = fs::File::create(folder.inbox().join("2.json")).unwrap();
        long.set_len(LONGEST + 1).unwrap();
        if cfg!(unix) {
            let pipe = folder.inbox().join("00.json");
            assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        }
        assert_eq!(inbox.look().unwrap().len(), 3);
        for _ in 0..if cfg!(unix) { 4 } else { 3 } {
            assert!(matches!(inbox.next(), Err(Error::Command { .. })));
        }
        let mut seen = Vec::new();
        while let Some(received) = inbox.next().unwrap() {
            inbox.done(&received.file).unwrap();
            seen.push(received.command);
        }
        assert_eq!(seen, [pause.clone(), pause, resume]);
    }
}
