//! Proving a journal whole without trusting anything in it, and writing it out for others.

use std::fmt;
use std::io::Write;
use std::path::Path;

use atlas_core::journal::Hash;
use serde::Serialize;

use super::{Head, SqliteStorage, Storage};
use crate::error::Error;

/// What is wrong with a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Finding {
    /// The first record that is broken; nothing after it can be trusted.
    Broken {
        /// Its number.
        seq: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The write-ahead log ends in bytes that are no complete write: a process died while it wrote,
    /// or the end was lost. The next command that takes hold of the account sets it aside.
    TornTail {
        /// How many bytes.
        bytes: u64,
    },
    /// The journal does not have a record that was durable, or did not have it when the account was
    /// opened.
    RecordsLost {
        /// The last record it had.
        last: u64,
        /// The record that was durable; `None` if the note of it cannot be read.
        durable: Option<Head>,
    },
    /// An artifact names a head that the journal does not contain: records were cut off or
    /// replaced since it was written.
    HeadMissing {
        /// The head it names.
        head: Hash,
        /// The artifact.
        artifact: String,
    },
    /// An artifact whose head cannot be read, so that nobody can tell whether it is in the journal.
    ArtifactUnreadable {
        /// The artifact.
        artifact: String,
    },
    /// An artifact the journal has a record of is gone, or its bytes are others.
    ArtifactChanged {
        /// The artifact.
        artifact: String,
    },
    /// What a decision was made from is gone, or its bytes are others.
    InputDamaged {
        /// The record of the decision.
        seq: u64,
        /// What is wrong.
        problem: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Broken { seq, problem } => {
                write!(f, "journal record {seq} is the first that is broken: {problem}")
            }
            Self::TornTail { bytes } => write!(
                f,
                "the journal's write-ahead log ends in {bytes} bytes that are no complete write"
            ),
            Self::RecordsLost { last, durable: Some(head) } => write!(
                f,
                "record {} with hash {} was durable, and the journal, which ended at record {last}, \
                 does not have it",
                head.seq,
                head.hash.short()
            ),
            Self::RecordsLost { last, durable: None } => write!(
                f,
                "the note of the last durable record was damaged when the journal ended at record \
                 {last}"
            ),
            Self::HeadMissing { head, artifact } => write!(
                f,
                "{artifact} names the journal's head {}, which is not in the journal: records were \
                 cut off or replaced since",
                head.short()
            ),
            Self::ArtifactUnreadable { artifact } => {
                write!(f, "{artifact} cannot be read as an artifact")
            }
            Self::ArtifactChanged { artifact } => {
                write!(f, "{artifact} is not what the journal says was written")
            }
            Self::InputDamaged { seq, problem } => write!(f, "journal record {seq}: {problem}"),
        }
    }
}

/// The result of [`verify`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Records that are whole, from the first one on.
    pub records: u64,
    /// Hash of the last of them.
    pub head: Hash,
    /// What is wrong; empty if nothing is.
    pub findings: Vec<Finding>,
}

impl Verification {
    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.findings.is_empty()
    }
}

/// Proves the hash chain of a journal file offline, and that every head an artifact names (by the
/// artifact's name) is part of it. The file is only read.
///
/// # Errors
/// [`Error`] if the file cannot be opened at all; damage within it is a [`Finding`].
pub fn verify(path: &Path, artifacts: &[(String, Hash)]) -> Result<Verification, Error> {
    let mut storage = SqliteStorage::open_read_only(path)?;
    let mut whole = Verification { records: 0, head: Hash::ZERO, findings: Vec::new() };
    let mut missing: Vec<&(String, Hash)> =
        artifacts.iter().filter(|(_, head)| *head != Hash::ZERO).collect();
    let result = storage.replay(&mut |record, stored| {
        record.follows(whole.records, whole.head)?;
        let hash = record.hash();
        if hash != stored {
            let problem = format!("its content hashes to {hash}, and {stored} is stored");
            return Err(atlas_core::Error::Chain { seq: record.seq, problem }.into());
        }
        missing.retain(|(_, head)| *head != hash);
        (whole.records, whole.head) = (record.seq, hash);
        Ok(())
    });
    match result {
        Ok(()) => {}
        Err(
            Error::Core(atlas_core::Error::Chain { seq, problem })
            | Error::Corrupt { seq, problem, .. },
        ) => whole.findings.push(Finding::Broken { seq, problem }),
        Err(error) => return Err(error),
    }
    for (artifact, head) in missing {
        whole.findings.push(Finding::HeadMissing { head: *head, artifact: artifact.clone() });
    }
    Ok(whole)
}

/// Writes every record as one line of JSON, with its payload as JSON rather than as text, and its
/// own hash beside it. Returns how many were written.
///
/// # Errors
/// As [`verify`], [`Error::Corrupt`] at the first record that cannot be read, and [`Error::Io`]
/// if `out` refuses.
pub fn export(path: &Path, out: &mut dyn Write) -> Result<u64, Error> {
    let mut storage = SqliteStorage::open_read_only(path)?;
    let mut count = 0;
    storage.replay(&mut |record, hash| {
        let unreadable =
            |source| Error::Payload { seq: record.seq, kind: record.kind.clone(), source };
        let payload: &serde_json::value::RawValue =
            serde_json::from_str(&record.payload).map_err(unreadable)?;
        let line = serde_json::json!({
            "seq": record.seq,
            "ts_event": record.ts_event,
            "ts_init": record.ts_init,
            "decision_id": record.decision_id,
            "kind": record.kind,
            "version": record.version,
            "payload": payload,
            "prev_hash": record.prev_hash,
            "hash": hash,
        });
        writeln!(out, "{line}").map_err(Error::io("export", path))?;
        count += 1;
        Ok(())
    })?;
    Ok(count)
}
