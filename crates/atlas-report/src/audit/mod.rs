//! The audit of a stretch of paper trading: did it run as it was meant to, every day?
//!
//! Criteria are looked at one by one, and all must hold: there is no partial pass. What the account
//! earned is told as it is and is no criterion.

mod criteria;
mod evidence;
mod page;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use atlas_core::{AccountName, Weight};
use chrono::NaiveDate;
use serde::Serialize;

pub use criteria::{Criterion, Question};
pub use evidence::{Evidence, Spell};

use crate::daily::{DayFigures, figures};
use crate::history::{Day, executed};
use crate::incident::Incident;

/// What an audit is made from.
#[derive(Debug)]
pub struct Material<'a> {
    /// The account.
    pub account: AccountName,
    /// Every session of the stretch, in order.
    pub sessions: Vec<NaiveDate>,
    /// Those of them whose close a decision was scheduled for, by the session it was to be carried
    /// out in.
    pub scheduled: BTreeSet<NaiveDate>,
    /// Every artifact of the account, by day and revision.
    pub artifacts: &'a [Day],
    /// What the journal says.
    pub evidence: &'a Evidence,
    /// Every incident of the account.
    pub incidents: &'a [Incident],
    /// What is wrong with journal, artifacts and stored inputs, one sentence each.
    pub damage: Vec<String>,
    /// Artifacts that are gone or not as the journal says they were written, one sentence each.
    pub altered: Vec<String>,
    /// Portfolio heat above which entries are denied, as a share of equity; `None` where no gate
    /// looks at it.
    pub heat_deny: Option<Weight>,
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Audit {
    /// The account.
    pub account: AccountName,
    /// First and last session of the stretch; `None` without any.
    pub stretch: Option<(NaiveDate, NaiveDate)>,
    /// Sessions of the stretch.
    pub sessions: usize,
    /// Each question and its answer.
    pub criteria: Vec<Criterion>,
    /// What follows from the answers.
    pub verdict: Verdict,
    /// One row for each day that was carried out.
    pub days: Vec<DayFigures>,
    /// Days in each regime.
    pub regimes: BTreeMap<String, usize>,
    /// What held trading back in the stretch.
    pub risk_events: Vec<Spell>,
    /// Incidents of the stretch.
    pub incidents: Vec<Incident>,
    /// What persons did, with the moment.
    pub interventions: Vec<String>,
}

/// The verdict of an audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every criterion holds.
    Sound,
    /// Something was left out or changed; the stretch has to be run again.
    FixAndRerun,
    /// Something happened that must never happen with money.
    Unstable,
}

impl Verdict {
    /// The verdict in words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sound => "sound",
            Self::FixAndRerun => "fix and re-run",
            Self::Unstable => "unstable",
        }
    }
}

impl Audit {
    /// Looks at a stretch.
    #[must_use]
    pub fn of(material: &Material<'_>) -> Self {
        let stretch = material.sessions.first().copied().zip(material.sessions.last().copied());
        let inside = |date: NaiveDate| stretch.is_some_and(|(a, b)| (a..=b).contains(&date));
        let done = executed(material.artifacts);
        let done: Vec<&Day> = done.into_iter().filter(|day| inside(day.date)).collect();
        let days = figures(&done, &material.evidence.flows);
        let criteria = criteria::look(material, &done, &days, &inside);
        let mut regimes = BTreeMap::new();
        for day in &days {
            *regimes.entry(day.regime.clone()).or_insert(0) += 1;
        }
        let evidence = material.evidence;
        let spells = evidence.spells.iter().filter(|spell| {
            let end = spell.ended.as_ref().map(|(at, _)| at.date_naive());
            stretch.is_some_and(|(from, to)| {
                spell.since.date_naive() <= to && end.is_none_or(|end| end >= from)
            })
        });
        let interventions = evidence.interventions.iter().filter(|i| inside(i.0.date_naive()));
        Self {
            account: material.account.clone(),
            stretch,
            sessions: material.sessions.len(),
            verdict: criteria::verdict(&criteria),
            criteria,
            days,
            regimes,
            risk_events: spells.cloned().collect(),
            incidents: (material.incidents.iter())
                .filter(|incident| inside(incident.at.date_naive()))
                .cloned()
                .collect(),
            interventions: interventions.map(|(at, what)| format!("{at}: {what}")).collect(),
        }
    }

    /// The report as Markdown.
    ///
    /// # Errors
    /// None in fact: writing to memory does not fail.
    pub fn markdown(&self) -> Result<String, fmt::Error> {
        text::markdown(self)
    }

    /// The report as one page of HTML that needs nothing else.
    ///
    /// # Errors
    /// None in fact: writing to memory does not fail.
    pub fn html(&self) -> Result<String, fmt::Error> {
        page::html(self)
    }
}
