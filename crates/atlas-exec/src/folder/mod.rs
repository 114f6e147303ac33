//! What lies on disk for one account, and who may touch it.

mod copy;
mod fence;
mod heartbeat;
mod inbox;
mod inputs;
mod lock;

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use atlas_core::AccountName;

pub use copy::copy_state;
pub use fence::{Fence, FenceNote, Raised};
pub use heartbeat::{Beat, Heartbeat};
pub use inbox::{Command, Inbox, Received};
pub use inputs::InputStore;
pub use lock::{AccountLock, Holder};

use crate::error::Error;

/// The folder of one account: `<state>/accounts/<name>/`.
///
/// ```text
/// journal.sqlite    the journal (with -wal and -shm beside it while it is open)
/// lock              held by the one process that works on the account; says which
/// fence             while it exists, nothing is sent
/// fence.d/          who raised it besides; holds it up as well
/// flatten.lock      held by the one process that flattens
/// heartbeat         the last sign of life of the process that holds the account
/// schedule          the last sign of life of the process that keeps the schedule
/// engine            the checkpoint of continuous trading
/// inbox/            commands for a running Atlas, one file each
/// inputs/           what decisions were made from, <sha256>.zst
/// artifacts/        <trading-day>[-rN].json, never overwritten
/// head              the last durable record, so that a lost one is missed
/// set-aside/        ends of the journal that were torn, journals that were damaged
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountFolder {
    root: PathBuf,
}

impl AccountFolder {
    /// The folder of an account, whether it exists or not.
    #[must_use]
    pub fn new(state_dir: &Path, account: &AccountName) -> Self {
        Self { root: state_dir.join("accounts").join(account.as_str()) }
    }

    /// Makes the folder and those within it.
    ///
    /// # Errors
    /// [`Error::Io`] naming the folder that could not be made.
    pub fn create(&self) -> Result<(), Error> {
        for folder in [self.root.clone(), self.inbox(), self.inputs(), self.artifacts()] {
            fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
        }
        Ok(())
    }

    /// The folder itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The journal's file.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.root.join("journal.sqlite")
    }

    /// The lock's file.
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.root.join("lock")
    }

    /// The file of the lock of flattening.
    #[must_use]
    pub fn flatten_lock(&self) -> PathBuf {
        self.root.join("flatten.lock")
    }

    /// The fence's file.
    #[must_use]
    pub fn fence(&self) -> PathBuf {
        self.root.join("fence")
    }

    /// The folder of commands.
    #[must_use]
    pub fn inbox(&self) -> PathBuf {
        self.root.join("inbox")
    }

    /// The folder of stored inputs.
    #[must_use]
    pub fn inputs(&self) -> PathBuf {
        self.root.join("inputs")
    }

    /// The engine's checkpoint, where the account trades continuously.
    #[must_use]
    pub fn engine(&self) -> PathBuf {
        self.root.join("engine")
    }

    /// The folder of artifacts.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.root.join("artifacts")
    }

    /// The note of the last durable record.
    #[must_use]
    pub fn head(&self) -> PathBuf {
        self.root.join("head")
    }

    /// The folder of what was set aside; made when something is.
    #[must_use]
    pub fn set_aside(&self) -> PathBuf {
        self.root.join(crate::journal::log::ASIDE)
    }
}

/// Writes a file so that after a crash it is there completely or not at all: a temporary file in
/// the same folder, synced, renamed, and the folder synced.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(name);
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&temporary)
        .map_err(Error::io("create", &temporary))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(Error::io("write", &temporary))?;
    fs::rename(&temporary, path).map_err(Error::io("rename to", path))?;
    sync_folder(folder)
}

/// Makes the names in a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), Error> {
    // Only Unix can sync a folder; elsewhere the rename itself has to do.
    if cfg!(unix) {
        File::open(folder).and_then(|dir| dir.sync_all()).map_err(Error::io("sync", folder))?;
    }
    Ok(())
}
