//! Proving everything an account has written down: journal, artifacts and stored inputs.

use std::fs;

use atlas_core::journal::Hash;
use serde::Serialize;

use super::log::torn_log;
use super::{
    Finding, Headed, LastHead, SqliteStorage, Storage, Verification, artifact_heads, last_head,
    verify,
};
use crate::error::Error;
use crate::event::Event;
use crate::folder::{AccountFolder, AccountLock, InputStore};

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
    /// Torn ends that were set aside earlier, on record: no damage any more.
    pub set_aside: Vec<String>,
}

/// Proves the journal of an account offline: its hash chain, that every head an artifact names is
/// part of it, that every artifact it has a record of is there with its bytes, and every input of
/// every decision. Nothing is written.
///
/// # Errors
/// [`Error`] if the journal cannot be opened at all; damage is a [`Finding`].
pub fn verify_account(folder: &AccountFolder) -> Result<AccountVerification, Error> {
    // Read before the journal, which is never behind it; and no end is torn while it is written.
    let durable = last_head(&folder.head())?;
    let torn = match AccountLock::holder(folder)? {
        Some(_) => None,
        None => torn_log(&folder.journal())?,
    };
    let artifacts = artifact_heads(folder, |_| true)?;
    let mut heads: Vec<(String, Hash)> = artifacts
        .iter()
        .filter_map(|Headed { path, head }| Some((path.clone(), (*head)?)))
        .collect();
    if let LastHead::At(head) = durable {
        heads.push((HEAD.to_owned(), head.hash));
    }
    let mut journal = verify(&folder.journal(), &heads)?;
    if let Some((torn, _)) = torn {
        journal.findings.push(Finding::TornTail { bytes: torn.torn as u64 });
    }
    tell_of_the_head(&mut journal, durable);
    let unreadable = artifacts.iter().filter(|found| found.head.is_none());
    journal.findings.extend(
        unreadable.map(|found| Finding::ArtifactUnreadable { artifact: found.path.clone() }),
    );
    let (mut inputs, mut set_aside) = (0, Vec::new());
    if journal.is_whole() || !matches!(journal.findings.first(), Some(Finding::Broken { .. })) {
        let store = InputStore::of(folder);
        let mut storage = SqliteStorage::open_read_only(&folder.journal())?;
        storage.replay(&mut |record, _| {
            let event = Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
            if let Event::TailSetAside(aside) = &event {
                set_aside.push(aside.path.clone());
            }
            let found = follow(folder, &store, record.seq, &event, &mut inputs);
            journal.findings.extend(found);
            Ok(())
        })?;
    }
    Ok(AccountVerification { journal, artifacts: artifacts.len(), inputs, set_aside })
}

/// The name under which the note of the last durable record is looked for among the heads.
const HEAD: &str = "head";

/// Says of a missing head what it means.
fn tell_of_the_head(journal: &mut Verification, durable: LastHead) {
    let records = journal.records;
    for finding in &mut journal.findings {
        if let (Finding::HeadMissing { artifact, .. }, LastHead::At(head)) = (&*finding, durable)
            && artifact == HEAD
        {
            *finding = Finding::RecordsLost { last: records, durable: Some(head) };
        }
    }
    if durable == LastHead::Unreadable {
        journal.findings.push(Finding::RecordsLost { last: records, durable: None });
    }
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
    if let Event::RecordsLost(lost) = event {
        return vec![Finding::RecordsLost { last: lost.last, durable: lost.durable }];
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
