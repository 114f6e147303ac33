//! Proving everything an account has written down: journal, artifacts and stored inputs.

use std::fs;

use atlas_core::journal::Hash;
use serde::Serialize;

use super::{Finding, Headed, SqliteStorage, Storage, Verification, artifact_heads, verify};
use crate::error::Error;
use crate::event::Event;
use crate::folder::{AccountFolder, InputStore};

/// The result of [`verify_account`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AccountVerification {
    /// The journal and everything found.
    #[serde(flatten)]
    pub journal: Verification,
    /// Artifacts that were looked at.
    pub artifacts: usize,
    /// Inputs that were read and checked.
    pub inputs: usize,
}

/// Proves the journal of an account offline: its hash chain, that every head an artifact names is
/// part of it, that every artifact it has a record of is there with its bytes, and every input of
/// every decision. Nothing is written.
///
/// # Errors
/// [`Error`] if the journal cannot be opened at all; damage is a [`Finding`].
pub fn verify_account(folder: &AccountFolder) -> Result<AccountVerification, Error> {
    let artifacts = artifact_heads(folder, |_| true)?;
    let heads: Vec<(String, Hash)> = artifacts
        .iter()
        .filter_map(|Headed { path, head }| Some((path.clone(), (*head)?)))
        .collect();
    let mut journal = verify(&folder.journal(), &heads)?;
    let unreadable = artifacts.iter().filter(|found| found.head.is_none());
    journal.findings.extend(
        unreadable.map(|found| Finding::ArtifactUnreadable { artifact: found.path.clone() }),
    );
    let mut inputs = 0;
    if journal.is_whole() || !matches!(journal.findings.first(), Some(Finding::Broken { .. })) {
        let store = InputStore::of(folder);
        let mut storage = SqliteStorage::open_read_only(&folder.journal())?;
        storage.replay(&mut |record, _| {
            let event = Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
            let found = follow(folder, &store, record.seq, &event, &mut inputs);
            journal.findings.extend(found);
            Ok(())
        })?;
    }
    Ok(AccountVerification { journal, artifacts: artifacts.len(), inputs })
}

/// What is wrong with what a record names.
fn follow(
    folder: &AccountFolder,
    store: &InputStore,
    seq: u64,
    event: &Event,
    inputs: &mut usize,
) -> Vec<Finding> {
    if let Event::ArtifactWritten(written) = event {
        let bytes = fs::read(folder.root().join(&written.path)).ok();
        if bytes.is_none_or(|bytes| Hash::of(&bytes) != written.hash) {
            return vec![Finding::ArtifactChanged { artifact: written.path.clone() }];
        }
    }
    let mut found = Vec::new();
    if let Event::DecisionPlanned(planned) = event {
        for hash in planned.inputs.values().chain([&planned.plan_hash]) {
            *inputs += 1;
            if let Err(error) = store.get(*hash) {
                found.push(Finding::InputDamaged { seq, problem: error.to_string() });
            }
        }
    }
    found
}
