//! `atlas audit` and `atlas artifacts`: what the account has left behind, looked at as a whole.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use atlas_core::calendar::Calendar;
use atlas_exec::folder::AccountFolder;
use atlas_exec::journal::{Finding, verify_account};
use atlas_report::audit::{Audit, Evidence, Material, Verdict};
use atlas_report::history::{Day, executed, read_all};
use atlas_report::{daily, incident};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::operate::existing;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// Which days to look at, and where the report goes.
#[derive(Debug, Args)]
pub(crate) struct AuditFlags {
    /// Exchange sessions to look back on from the last artifact.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u16).range(1..=2_600))]
    days: u16,
    /// Write the report to this new file, as Markdown (`.md`) or as a page (`.html`).
    #[arg(long, value_name = "FILE")]
    out: Option<std::path::PathBuf>,
}

/// The permanent records of trading days.
#[derive(Debug, Subcommand)]
pub(crate) enum Artifacts {
    /// Prove offline that every artifact is there as it was written, and that the journal agrees.
    Verify,
    /// Write `metrics.csv` anew from the artifacts.
    Metrics,
}

/// Carries `atlas audit` out.
pub(super) fn audit(job: &Job, flags: &AuditFlags) -> Result<()> {
    let folder = existing(job, "to audit")?;
    let artifacts = read_all(&folder.artifacts())?;
    let last = artifacts.last().map(|day| day.date).ok_or_else(|| {
        let account = &job.account;
        let nothing = format!("account {account} has no artifact yet: carry a plan out first");
        Failure::error(Exit::Refused, nothing)
    })?;
    let sessions = sessions_until(last, flags.days.into())?;
    let mut scheduled = BTreeSet::new();
    for session in &sessions {
        let decided_on = Calendar::nyse().previous_session(*session)?.date;
        if job.check_schedule(decided_on, false).is_ok() {
            scheduled.insert(*session);
        }
    }
    let findings = verify_account(&folder)?.journal.findings;
    let told = |f: &Finding| f.to_string();
    let changed = |f: &&Finding| matches!(f, Finding::ArtifactChanged { .. });
    let audit = Audit::of(&Material {
        account: job.account.clone(),
        sessions,
        scheduled,
        artifacts: &artifacts,
        evidence: &Evidence::gather(&folder)?,
        incidents: &incident::read_all(folder.root())?,
        damage: findings.iter().filter(|f| !changed(f)).map(told).collect(),
        altered: findings.iter().filter(changed).map(told).collect(),
        heat_deny: Some(job.limits()?.get().heat_deny),
    });
    let text = match flags.out.as_deref() {
        Some(path) => {
            write_new(path, &page_for(path, &audit)?)?;
            let verdict = audit.verdict.as_str();
            format!("Verdict: {verdict}. The report is at {}.", path.display())
        }
        None => audit.markdown()?,
    };
    tell(job, &audit, &text)?;
    if audit.verdict == Verdict::Sound {
        return Ok(());
    }
    let failed = audit.criteria.iter().filter(|criterion| !criterion.holds);
    let failed: Vec<&str> = failed.map(|criterion| criterion.question.statement()).collect();
    Err(Failure::error(
        Exit::Refused,
        format!(
            "the audit of account {} ends with \"{}\" (not so: {}): the report says what to look at",
            job.account,
            audit.verdict.as_str(),
            failed.join("; ")
        ),
    ))
}

/// The last `count` sessions up to and with `last`.
fn sessions_until(last: NaiveDate, count: usize) -> Result<Vec<NaiveDate>> {
    let nyse = Calendar::nyse();
    let mut sessions = vec![nyse.session(last)?.date];
    while sessions.len() < count {
        let Some(first) = sessions.last() else { break };
        sessions.push(nyse.previous_session(*first)?.date);
    }
    sessions.reverse();
    Ok(sessions)
}

fn page_for(path: &Path, audit: &Audit) -> Result<String> {
    match path.extension().and_then(OsStr::to_str) {
        Some("md") => Ok(audit.markdown()?),
        Some("html") => Ok(audit.html()?),
        _ => Err(Failure::error(
            Exit::Usage,
            format!("--out {} is neither .md nor .html: name the form so", path.display()),
        )),
    }
}

fn write_new(path: &Path, text: &str) -> Result<()> {
    let made = OpenOptions::new().create_new(true).write(true).open(path);
    made.and_then(|mut file| file.write_all(text.as_bytes())).map_err(|error| {
        let place = path.display();
        let sentence = format!("{place} cannot be made ({error}): name a new file");
        Failure::error(Exit::Refused, sentence)
    })
}

/// Carries `atlas artifacts` out.
pub(super) fn artifacts(job: &Job, what: &Artifacts) -> Result<()> {
    let folder = existing(job, "to look at")?;
    match what {
        Artifacts::Verify => verify(job, &folder),
        Artifacts::Metrics => {
            let rows = write_metrics(&folder)?;
            let text =
                format!("Wrote {rows} rows to {}.", folder.root().join("metrics.csv").display());
            tell(job, &serde_json::json!({ "rows": rows }), &text)
        }
    }
}

/// The document of `atlas artifacts verify`.
#[derive(Serialize)]
struct Proof {
    whole: bool,
    artifacts: usize,
    first: Option<NaiveDate>,
    last: Option<NaiveDate>,
    problems: Vec<String>,
}

fn verify(job: &Job, folder: &AccountFolder) -> Result<()> {
    let found = verify_account(folder)?;
    let mut problems: Vec<String> = found.journal.findings.iter().map(Finding::to_string).collect();
    let days = match read_all(&folder.artifacts()) {
        Ok(days) => days,
        Err(error) => {
            problems.push(error.to_string());
            Vec::new()
        }
    };
    let bound = |day: Option<&Day>| day.map(|day| day.date);
    let proof = Proof {
        whole: problems.is_empty(),
        artifacts: found.artifacts,
        first: bound(days.first()),
        last: bound(days.last()),
        problems,
    };
    let text = if proof.whole {
        format!(
            "The {} artifacts of account {} are as they were written, and each names a head of its \
             journal, which is whole.",
            proof.artifacts, job.account
        )
    } else {
        proof.problems.join("\n")
    };
    tell(job, &proof, &text)?;
    match proof.problems.first() {
        None => Ok(()),
        Some(first) => Err(Failure::error(
            Exit::State,
            format!(
                "the artifacts of account {} are not whole ({first}): restore them from a backup",
                job.account
            ),
        )),
    }
}

/// Writes `metrics.csv` anew; returns how many rows it has.
///
/// # Errors
/// [`Exit::State`] if journal or artifacts cannot be read, or the file cannot be written.
pub(super) fn write_metrics(folder: &AccountFolder) -> Result<usize> {
    let days = read_all(&folder.artifacts())?;
    let flows = Evidence::gather(folder)?.flows;
    let rows = daily::figures(&executed(&days), &flows);
    daily::write_metrics(folder.root(), &rows)?;
    Ok(rows.len())
}
