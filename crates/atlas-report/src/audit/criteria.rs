//! The criteria of an audit, one by one.

use std::collections::BTreeSet;

use atlas_core::Weight;
use chrono::NaiveDate;
use serde::Serialize;

use super::{Material, Verdict};
use crate::daily::DayFigures;
use crate::history::Day;
use crate::run::RunStatus;

/// What an audit asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Every scheduled day has been run.
    RanEverySchedule,
    /// No day that was decided on was left without being carried out.
    NoSkippedDay,
    /// Books and broker agree, and every mismatch was resolved.
    NoUnresolvedMismatch,
    /// Every signal has an end.
    NoSilentSignal,
    /// Heat never exceeded what the profile allows.
    HeatWithinLimits,
    /// Nothing was bought while something held trading back.
    BreakersRespected,
    /// Journal, artifacts and inputs are whole, and each day tells of its comparison and controls.
    ArtifactsComplete,
    /// One configuration throughout.
    NoParameterChange,
    /// At least one change of regime was seen.
    RegimeTransition,
    /// No artifact was changed after it was written.
    ResultsUnchanged,
}

impl Question {
    /// The question as a statement that should hold.
    #[must_use]
    pub const fn statement(self) -> &'static str {
        match self {
            Self::RanEverySchedule => "ran every scheduled day",
            Self::NoSkippedDay => "no skipped day",
            Self::NoUnresolvedMismatch => "no unresolved mismatch",
            Self::NoSilentSignal => "no silent signal loss",
            Self::HeatWithinLimits => "heat within limits",
            Self::BreakersRespected => "breakers and halts respected",
            Self::ArtifactsComplete => "artifacts complete",
            Self::NoParameterChange => "no parameter change",
            Self::RegimeTransition => "at least one regime transition observed",
            Self::ResultsUnchanged => "results reported unchanged, negative ones included",
        }
    }

    /// Whether a "no" means that trading itself went wrong, not only its record.
    const fn is_about_trading(self) -> bool {
        match self {
            Self::NoUnresolvedMismatch
            | Self::NoSilentSignal
            | Self::HeatWithinLimits
            | Self::BreakersRespected
            | Self::ResultsUnchanged => true,
            Self::RanEverySchedule
            | Self::NoSkippedDay
            | Self::ArtifactsComplete
            | Self::NoParameterChange
            | Self::RegimeTransition => false,
        }
    }
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Criterion {
    /// What was asked.
    pub question: Question,
    /// Whether it holds.
    pub holds: bool,
    /// What was found, in one sentence.
    pub finding: String,
}

/// Sound if all hold; unstable if trading itself went wrong.
pub(super) fn verdict(criteria: &[Criterion]) -> Verdict {
    let mut failed = criteria.iter().filter(|criterion| !criterion.holds).peekable();
    if failed.peek().is_none() {
        return Verdict::Sound;
    }
    if failed.any(|criterion| criterion.question.is_about_trading()) {
        return Verdict::Unstable;
    }
    Verdict::FixAndRerun
}

/// Asks every question of the days that were carried out.
pub(super) fn look(
    material: &Material<'_>,
    done: &[&Day],
    days: &[DayFigures],
    inside: &dyn Fn(NaiveDate) -> bool,
) -> Vec<Criterion> {
    let answers = [
        (Question::RanEverySchedule, schedule(material, inside)),
        (Question::NoSkippedDay, skipped(material, done, inside)),
        (Question::NoUnresolvedMismatch, mismatches(material, done)),
        (Question::NoSilentSignal, silent(material, done)),
        (Question::HeatWithinLimits, heat(material, days)),
        (Question::BreakersRespected, held(material, inside)),
        (Question::ArtifactsComplete, complete(material, done)),
        (Question::NoParameterChange, parameters(done)),
        (Question::RegimeTransition, transitions(days)),
        (Question::ResultsUnchanged, unchanged(material, done)),
    ];
    let criterion = |(question, answer): (Question, Answer)| Criterion {
        question,
        holds: answer.is_ok(),
        finding: answer.unwrap_or_else(|problem| problem),
    };
    answers.into_iter().map(criterion).collect()
}

/// What was found; as an error if it is not as it should be.
type Answer = Result<String, String>;

fn schedule(material: &Material<'_>, inside: &dyn Fn(NaiveDate) -> bool) -> Answer {
    let told: BTreeSet<NaiveDate> = material.artifacts.iter().map(|day| day.date).collect();
    let due = material.scheduled.iter().filter(|date| inside(**date));
    let (ran, missed): (Vec<&NaiveDate>, Vec<&NaiveDate>) = due.partition(|d| told.contains(*d));
    match (ran.len(), missed.as_slice()) {
        (0, []) => Err("nothing was scheduled in this stretch, so nothing is shown".to_owned()),
        (ran, []) => Ok(format!("{ran} scheduled days, each with an artifact")),
        (ran, missed) => Err(format!(
            "{} of {} scheduled days have no artifact, the first of them {}",
            missed.len(),
            ran + missed.len(),
            missed[0]
        )),
    }
}

fn skipped(material: &Material<'_>, done: &[&Day], inside: &dyn Fn(NaiveDate) -> bool) -> Answer {
    let carried_out: BTreeSet<NaiveDate> = done.iter().map(|day| day.date).collect();
    let decided = material
        .artifacts
        .iter()
        .filter(|day| inside(day.date) && !matches!(day.report.status, RunStatus::DryRun));
    let decided: BTreeSet<NaiveDate> = decided.map(|day| day.date).collect();
    let left: Vec<&NaiveDate> = decided.difference(&carried_out).collect();
    match left.as_slice() {
        [] if carried_out.is_empty() => Err("no day was carried out".to_owned()),
        [] => Ok(format!("{} days, each carried out to the end", carried_out.len())),
        [first, ..] => Err(format!(
            "{} days were decided on and not carried out, the first of them {first}",
            left.len()
        )),
    }
}

fn mismatches(material: &Material<'_>, done: &[&Day]) -> Answer {
    let evidence = material.evidence;
    let differs = |day: &&&Day| day.report.reconciliation.as_ref().is_none_or(|c| !c.clean);
    if let Some(day) = done.iter().rev().find(differs) {
        let said = day.report.reconciliation.as_ref().and_then(|c| c.sentences.first());
        let said = said.map_or("it was not compared", String::as_str);
        return Err(format!("{} ended with books that differ: {said}", day.date));
    }
    match (evidence.agrees, evidence.mismatches.as_slice()) {
        (None, _) => Err("books and broker were never compared".to_owned()),
        (Some(false), [.., (at, what)]) => Err(format!("since {at} books differ: {what}")),
        (Some(false), []) => Err("the last comparison found a mismatch".to_owned()),
        (Some(true), []) => Ok("books and broker agreed at every comparison".to_owned()),
        (Some(true), [.., (at, what)]) => Ok(format!(
            "{} comparisons found a mismatch, all resolved; the last at {at}: {what}",
            evidence.mismatches.len()
        )),
    }
}

fn silent(material: &Material<'_>, done: &[&Day]) -> Answer {
    let without_end = |day: &Day| {
        let mut signals = day.report.signals.iter();
        signals.find(|s| s.outcome.is_none()).map(|s| s.signal.id.to_string())
    };
    if let Some((date, id)) = done.iter().find_map(|day| Some((day.date, without_end(day)?))) {
        return Err(format!("signal {id} of {date} has no end"));
    }
    if let Some(id) = material.evidence.silent.first() {
        return Err(format!("signal {id} was left without an end by a completed decision"));
    }
    let signals: usize = done.iter().map(|day| day.report.signals.len()).sum();
    Ok(format!("{signals} signals, each with one end"))
}

fn heat(material: &Material<'_>, days: &[DayFigures]) -> Answer {
    // The limit stops entries; what is held may drift above it as prices move.
    let bought = days.iter().filter(|day| day.bought);
    let hottest = bought.filter_map(|day| Some((day.heat?, day.date)));
    let Some((heat, date)) = hottest.max_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Ok("nothing was at risk".to_owned());
    };
    let found = format!("at most {:.2} % of equity at risk ({date})", heat * 100.0);
    match material.heat_deny.map(Weight::to_f64) {
        None => Ok(format!("{found}; no gate of this configuration limits it")),
        Some(limit) if heat > limit => Err(format!("{found}, {:.2} % allowed", limit * 100.0)),
        Some(limit) => Ok(format!("{found}, {:.2} % allowed", limit * 100.0)),
    }
}

fn held(material: &Material<'_>, inside: &dyn Fn(NaiveDate) -> bool) -> Answer {
    let evidence = material.evidence;
    let mut sent = evidence.sent_while_held.iter();
    if let Some((at, what)) = sent.find(|(at, _)| inside(at.date_naive())) {
        return Err(format!("at {at} {what}"));
    }
    match evidence.breaker_openings.len() {
        0 => {
            Ok("nothing was bought while held back; the breaker did not fire: not observed"
                .to_owned())
        }
        n => Ok(format!("the breaker opened {n} times, and nothing was bought meanwhile")),
    }
}

fn complete(material: &Material<'_>, done: &[&Day]) -> Answer {
    if let Some(problem) = material.damage.iter().chain(&material.altered).next() {
        return Err(problem.clone());
    }
    let broken = |day: &&&Day| day.report.controls.as_ref().is_none_or(|c| !c.broken.is_empty());
    if let Some(day) = done.iter().find(broken) {
        let said = day.report.controls.as_ref().and_then(|c| c.broken.first());
        let said = said.map_or("it does not tell of the controls' own test", String::as_str);
        return Err(format!("the artifact of {}: {said}", day.date));
    }
    match done.len() {
        0 => Err("there is no artifact of a day that was carried out".to_owned()),
        n => Ok(format!("{n} days; journal, artifacts and stored inputs agree to the byte")),
    }
}

fn parameters(done: &[&Day]) -> Answer {
    let changed = done.windows(2).find(|pair| {
        let (a, b) = (&pair[0].report, &pair[1].report);
        a.config_hash != b.config_hash || a.version != b.version
    });
    match (changed, done.last()) {
        (Some(pair), _) => Err(format!(
            "configuration or program changed between {} and {}",
            pair[0].date, pair[1].date
        )),
        (None, Some(day)) => Ok(format!(
            "configuration {} and program {} throughout",
            day.report.config_hash.short(),
            day.report.version
        )),
        (None, None) => Err("there is no day to tell by".to_owned()),
    }
}

fn transitions(days: &[DayFigures]) -> Answer {
    let mut changes = days.windows(2).filter(|pair| pair[0].regime != pair[1].regime);
    let count = changes.clone().count();
    changes.next().map_or_else(
        || Err("one regime throughout: how Atlas takes a change was not observed".to_owned()),
        |pair| {
            Ok(format!(
                "{count} changes, the first from {} to {} on {}",
                pair[0].regime, pair[1].regime, pair[1].date
            ))
        },
    )
}

fn unchanged(material: &Material<'_>, done: &[&Day]) -> Answer {
    material.altered.first().map_or_else(
        || Ok(format!("{} days, each as the journal says it was written", done.len())),
        |problem| Err(problem.clone()),
    )
}
