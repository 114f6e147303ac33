//! `atlas parity`: where two accounts part ways.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_backtest::BacktestReport;
use atlas_backtest::parity::{Course, GAP_MAX, Parity};
use atlas_core::DecisionId;
use atlas_core::journal::{Hash, Record};
use atlas_core::time::Timestamp;
use atlas_exec::folder::AccountFolder;
use atlas_exec::journal::{SqliteStorage, Storage as _};
use chrono::NaiveDate;
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::told;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// What to compare.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// A backtest's result (`atlas backtest --json`), a journal or its export, or the folder of an
    /// account or a rehearsal.
    #[arg(value_name = "A")]
    left: PathBuf,
    /// What it is held against: the same choice.
    #[arg(value_name = "B")]
    right: PathBuf,
    /// Compare from this day on.
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<NaiveDate>,
    /// Compare up to this day.
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<NaiveDate>,
    /// Refuse any difference, not only a gap of equity beyond the limit.
    #[arg(long)]
    strict: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    left: &'a Path,
    right: &'a Path,
    identical: bool,
    /// The first event that differs, in words.
    sentence: Option<String>,
    gap_limit: f64,
    notes: &'a [String],
    #[serde(flatten)]
    parity: &'a Parity,
}

pub(super) fn run(job: &Job, flags: &Flags) -> Result<()> {
    let (from, to) = (flags.from.unwrap_or(NaiveDate::MIN), flags.to.unwrap_or(NaiveDate::MAX));
    let mut notes = Vec::new();
    let [left, right] = [&flags.left, &flags.right].map(|path| -> Result<Course> {
        let Found { course, note } = read(job, path)?;
        notes.extend(note);
        Ok(course.between(from, to))
    });
    let parity = left?.compare(&right?).map_err(told)?;
    let document = Document {
        left: &flags.left,
        right: &flags.right,
        identical: parity.first.is_none(),
        sentence: parity.first.as_ref().map(ToString::to_string),
        gap_limit: GAP_MAX,
        notes: &notes,
        parity: &parity,
    };
    let lines: Vec<String> = notes.iter().cloned().chain([in_words(&parity)]).collect();
    tell(job, &document, &lines.join("\n"))?;
    judge(&parity, flags.strict)
}

/// What was found in a file.
struct Found {
    course: Course,
    /// What is odd about it.
    note: Option<String>,
}

/// Parity in words.
pub(super) fn in_words(parity: &Parity) -> String {
    let gap = match parity.gap {
        Some(gap) => format!(
            "Equity on {} common closes differs by at most {:.4} % of the initial one (limit {:.0} \
             %).",
            parity.common_days,
            gap * 100.0,
            GAP_MAX * 100.0
        ),
        None => "They have no close in common, so equity cannot be compared.".to_owned(),
    };
    match &parity.first {
        None => format!("Every order and fill is the same. {gap}"),
        Some(first) => format!("The first event that differs: {first}. {gap}"),
    }
}

/// Whether that passes.
///
/// # Errors
/// [`Exit::Differs`] if equity is too far apart or cannot be compared, or anything differs where
/// nothing may.
pub(super) fn judge(parity: &Parity, strict: bool) -> Result<()> {
    let differs = |sentence: String| Err(Failure::error(Exit::Differs, sentence));
    match &parity.first {
        Some(first) if strict => differs(format!("the two are not the same: {first}")),
        Some(_) | None if !parity.within => differs(match parity.gap {
            Some(gap) => format!(
                "equity differs by {:.2} % of the initial one, more than {:.0} %",
                gap * 100.0,
                GAP_MAX * 100.0
            ),
            None => "the two have no close in common: give dates that both know".to_owned(),
        }),
        Some(_) | None => Ok(()),
    }
}

/// Reads whatever the path leads to.
fn read(job: &Job, path: &Path) -> Result<Found> {
    if path.is_dir() {
        let inside = AccountFolder::new(path, &job.account).journal();
        let journal = [path.join("journal.sqlite"), inside].into_iter().find(|path| path.exists());
        let journal = journal.ok_or_else(|| {
            Failure::error(
                Exit::Data,
                format!(
                    "{} holds no journal of account {}: name the folder of an account or a \
                     rehearsal",
                    path.display(),
                    job.account
                ),
            )
        })?;
        return of_journal(&journal);
    }
    let unread = |error: std::io::Error| unreadable(path, &error.to_string());
    let mut start = Vec::new();
    File::open(path).and_then(|f| f.take(16).read_to_end(&mut start)).map_err(unread)?;
    if start.starts_with(b"SQLite format 3") {
        return of_journal(path);
    }
    of_text(path)
}

/// The course of a journal file, which is only read.
pub(super) fn course_of_journal(path: &Path) -> Result<Course> {
    Ok(of_journal(path)?.course)
}

fn of_journal(path: &Path) -> Result<Found> {
    let mut records = Vec::new();
    let mut chain = Chain::begin();
    SqliteStorage::open_read_only(path)?.replay(&mut |record, hash| {
        chain.follow(&record, hash, Content::Original);
        records.push(record);
        Ok(())
    })?;
    found(path, &records, &chain)
}

/// An export has a record a line; a result is one document.
fn of_text(path: &Path) -> Result<Found> {
    let unread = |error: std::io::Error| unreadable(path, &error.to_string());
    let mut lines = BufReader::new(File::open(path).map_err(unread)?).lines();
    let first = lines.next().transpose().map_err(unread)?.unwrap_or_default();
    if serde_json::from_str::<Line<'_>>(&first).is_err() {
        let text = fs::read_to_string(path).map_err(unread)?;
        return of_result(path, &text);
    }
    let mut records = Vec::new();
    let mut chain = Chain::begin();
    for (number, line) in std::iter::once(Ok(first)).chain(lines).enumerate() {
        let line = line.map_err(unread)?;
        let (record, hash) = serde_json::from_str::<Line<'_>>(&line)
            .map_err(|error| unreadable(path, &format!("line {}: {error}", number + 1)))?
            .into_record();
        chain.follow(&record, hash, Content::Rewritten);
        records.push(record);
    }
    found(path, &records, &chain)
}

fn found(path: &Path, records: &[Record], chain: &Chain) -> Result<Found> {
    let course = Course::of_records(records).map_err(told)?;
    let note = chain.broken.map(|seq| {
        format!("{}: record {seq} is not what its hash says; it was changed", path.display())
    });
    Ok(Found { course, note })
}

fn of_result(path: &Path, text: &str) -> Result<Found> {
    /// What `atlas backtest --json` prints.
    #[derive(Deserialize)]
    struct Whole {
        result: BacktestReport,
    }
    let whole = serde_json::from_str(text).map(|whole: Whole| whole.result);
    let report = whole.or_else(|_| serde_json::from_str::<BacktestReport>(text));
    let report = report.map_err(|error| unreadable(path, &error.to_string()))?;
    Ok(Found { course: Course::of(&report), note: None })
}

fn unreadable(path: &Path, problem: &str) -> anyhow::Error {
    Failure::error(
        Exit::Data,
        format!(
            "{} is neither a journal, nor its export, nor a backtest's result ({problem}): name one \
             of those",
            path.display()
        ),
    )
}

/// One line of `atlas journal export`.
#[derive(Deserialize)]
struct Line<'a> {
    seq: u64,
    ts_event: Timestamp,
    ts_init: Timestamp,
    decision_id: Option<DecisionId>,
    kind: String,
    version: u16,
    #[serde(borrow)]
    payload: &'a RawValue,
    prev_hash: Hash,
    hash: Hash,
}

impl Line<'_> {
    fn into_record(self) -> (Record, Hash) {
        let Self { seq, ts_event, ts_init, decision_id, kind, version, payload, prev_hash, hash } =
            self;
        let payload = payload.get().to_owned();
        let record =
            Record { seq, ts_event, ts_init, decision_id, kind, version, payload, prev_hash };
        (record, hash)
    }
}

/// Whether the records still are what was written.
struct Chain {
    last: (u64, Hash),
    broken: Option<u64>,
}

impl Chain {
    const fn begin() -> Self {
        Self { last: (0, Hash::ZERO), broken: None }
    }

    /// Takes in a record with the hash that stands beside it.
    fn follow(&mut self, record: &Record, hash: Hash, content: Content) {
        let (seq, head) = self.last;
        let same = content == Content::Rewritten || record.hash() == hash;
        if !(same && record.follows(seq, head).is_ok()) && self.broken.is_none() {
            self.broken = Some(record.seq);
        }
        self.last = (record.seq, hash);
    }
}

/// Whether a record's bytes are those its hash was taken of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Content {
    Original,
    /// An export writes the same fields in another order.
    Rewritten,
}
