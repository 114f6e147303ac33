//! `atlas journal`: proving the journal offline, and writing it out.

use std::fs::OpenOptions;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use atlas_exec::Error;
use atlas_exec::folder::AccountFolder;
use atlas_exec::journal::{export, verify_account};
use serde::Serialize;

use crate::cli::Journal;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// Carries the command out.
pub(super) fn journal(job: &Job, what: &Journal) -> Result<()> {
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    if !folder.journal().exists() {
        let account = &job.account;
        return Err(Failure::error(
            Exit::State,
            format!(
                "account {account} has no journal at {}: name its state directory and account",
                folder.journal().display()
            ),
        ));
    }
    match what {
        Journal::Verify => verify(job, &folder),
        Journal::Export { out } => write_out(job, &folder, out.as_deref()),
    }
}

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    whole: bool,
    #[serde(flatten)]
    found: &'a atlas_exec::journal::AccountVerification,
    sentences: &'a [String],
}

fn verify(job: &Job, folder: &AccountFolder) -> Result<()> {
    let found = verify_account(folder)?;
    let journal = &found.journal;
    let sentences: Vec<String> = journal.findings.iter().map(ToString::to_string).collect();
    let body = Body { whole: journal.is_whole(), found: &found, sentences: &sentences };
    let text = if journal.is_whole() {
        format!(
            "The journal of account {} is whole: {} records up to {}, {} artifacts and {} stored \
             inputs agree with it.",
            job.account, journal.records, journal.head, found.artifacts, found.inputs
        )
    } else {
        format!(
            "{} records are whole, up to {}.\n{}",
            journal.records,
            journal.head,
            sentences.join("\n")
        )
    };
    tell(job, &body, &text)?;
    if journal.is_whole() {
        return Ok(());
    }
    Err(Failure::error(
        Exit::State,
        format!(
            "the journal of account {} is not whole ({}): restore it from a backup",
            job.account, sentences[0]
        ),
    ))
}

fn write_out(job: &Job, folder: &AccountFolder, out: Option<&Path>) -> Result<()> {
    let Some(path) = out else {
        let stdout = std::io::stdout().lock();
        let mut lines = BufWriter::new(stdout);
        let told = export(&folder.journal(), &mut lines).and_then(|_| {
            let failed = |source| Error::Io { doing: "export", path: folder.journal(), source };
            lines.flush().map_err(failed)
        });
        return match told {
            // Whoever reads has had enough, as `head` has: that is no failure.
            Err(Error::Io { source, .. }) if source.kind() == ErrorKind::BrokenPipe => Ok(()),
            told => Ok(told?),
        };
    };
    // A file that is there is somebody's; nothing is ever overwritten.
    let file = OpenOptions::new().create_new(true).write(true).open(path).map_err(|error| {
        Failure::error(
            Exit::Refused,
            format!("{} cannot be made ({error}): name a new file", path.display()),
        )
    })?;
    let mut lines = BufWriter::new(file);
    let records = export(&folder.journal(), &mut lines)?;
    lines.flush().and_then(|()| lines.get_ref().sync_all()).context("the export was not kept")?;
    let text = format!("Wrote {records} records to {}.", path.display());
    tell(job, &serde_json::json!({ "records": records, "path": path }), &text)
}
