//! `atlas journal`: proving the journal offline, and writing it out.

use std::fs::OpenOptions;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::Path;

use anyhow::{Context as _, Result};
use atlas_core::Clock as _;
use atlas_exec::Error;
use atlas_exec::event::OverrideRecorded;
use atlas_exec::folder::AccountFolder;
use atlas_exec::journal::{Finding, export, replace_journal, verify_account};
use serde::Serialize;

use crate::accounts::{self, SystemClock};
use crate::cli::{Journal, Word};
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat;

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
        Journal::SetAside { restore, word } => set_aside(job, &folder, restore.as_deref(), word),
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

/// Moves a damaged journal away and puts in its place what can be trusted.
fn set_aside(job: &Job, folder: &AccountFolder, restore: Option<&Path>, word: &Word) -> Result<()> {
    let damage = match verify_account(folder) {
        Ok(found) => {
            let mut found = found.journal.findings.into_iter();
            let grave = |finding: &Finding| {
                matches!(finding, Finding::Broken { .. } | Finding::RecordsLost { .. })
            };
            found.find(grave).map(|finding| finding.to_string())
        }
        Err(error) => Some(error.to_string()),
    };
    let Some(damage) = damage else {
        return Err(Failure::error(
            Exit::Refused,
            format!("the journal of account {} is whole: nothing was set aside", job.account),
        ));
    };
    let replaced = replace_journal(folder, restore, SystemClock.now())?;
    let place = replaced.moved_to.display();
    if replaced.records == 0 {
        return Err(Failure::error(
            Exit::State,
            format!(
                "the journal of account {} was moved to {place}, and no record of it could be kept \
                 ({damage}): put a backup in with --restore, or use another --account",
                job.account
            ),
        ));
    }
    let clock = accounts::journal_clock(job, folder)?;
    let mut session = seat::open(job, clock)?;
    session.record_override(
        None,
        OverrideRecorded {
            what: "journal".to_owned(),
            from: damage,
            to: format!("{} records, the old file in {place}", replaced.records),
            by: word.by.clone(),
            why: word.why.clone(),
            config: None,
        },
    )?;
    let state = session.trading_state();
    let text = format!(
        "The journal of account {} was moved to {place}; {} records are in its place, and the \
         account is {state}.",
        job.account, replaced.records
    );
    tell(job, &serde_json::json!({ "replaced": replaced, "state": state }), &text)
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
