//! Evidence for going live, from the journal alone.
//!
//! An account earns the right to trade real money on paper: by consecutive trading days, by books
//! that agree, by fills close to the market, by a drawdown that stayed small and by drills that were
//! passed. What a result says can be overridden by a person, by name and on the record; whether the
//! journal can be trusted and the account is free to trade cannot.

use std::collections::BTreeSet;

use atlas_core::calendar::Calendar;
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_risk::TradingState;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use crate::drill::Drill;
use crate::quality::{Sample, samples, summarize};
use crate::reconcile::Severity;
use crate::state::{State, trading_day};

/// Consecutive trading days on paper that are asked for.
pub const DAYS_MIN: usize = 20;
/// Mean slippage that is too much, in basis points.
pub const SLIPPAGE_MAX_BPS: f64 = 15.0;
/// Days after which a drill has to be walked again.
pub const DRILL_AGE_MAX_DAYS: i64 = 30;
/// Days for which a person's word about a result holds.
pub const OVERRIDE_AGE_MAX_DAYS: i64 = 30;
/// Drawdown that is too much, in per cent of the peak.
pub const DRAWDOWN_MAX_PERCENT: u32 = 10;

/// What one gate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// Consecutive exchange sessions that were closed on a paper account with books that agree.
    PaperDays,
    /// Books and broker agree, and nothing odd is open.
    NoMismatch,
    /// Fills against the market at the send.
    Slippage,
    /// The fall from the highest equity.
    Drawdown,
    /// Recovery and switchover were rehearsed.
    Drills,
    /// The account is ACTIVE.
    Active,
}

impl Gate {
    /// Every gate, in the order in which they speak.
    pub const ALL: [Self; 6] = [
        Self::PaperDays,
        Self::NoMismatch,
        Self::Slippage,
        Self::Drawdown,
        Self::Drills,
        Self::Active,
    ];

    /// Whether it guards safety rather than asking for a result; such a gate is never overridden.
    #[must_use]
    pub const fn is_safety(self) -> bool {
        matches!(self, Self::NoMismatch | Self::Active)
    }

    /// The name under which an override of it is recorded.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaperDays => "live-gate-paper-days",
            Self::NoMismatch => "live-gate-no-mismatch",
            Self::Slippage => "live-gate-slippage",
            Self::Drawdown => "live-gate-drawdown",
            Self::Drills => "live-gate-drills",
            Self::Active => "live-gate-active",
        }
    }
}

/// What one gate found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Heard {
    /// Which.
    pub gate: Gate,
    /// Whether the evidence is there.
    pub passed: bool,
    /// Who put it aside, if somebody did and may.
    pub overridden_by: Option<String>,
    /// What was found, in one sentence.
    pub sentence: String,
}

impl Heard {
    /// Whether it lets through.
    #[must_use]
    pub const fn lets_through(&self) -> bool {
        self.passed || (self.overridden_by.is_some() && !self.gate.is_safety())
    }
}

/// Hears every gate, as of a day and for a configuration. A person's word counts for the
/// configuration it was given under, and for [`OVERRIDE_AGE_MAX_DAYS`].
#[must_use]
pub fn hear(state: &State, today: NaiveDate, config: Hash) -> Vec<Heard> {
    [
        (Gate::PaperDays, paper_days(state, today)),
        (Gate::NoMismatch, no_mismatch(state)),
        (Gate::Slippage, slippage(state)),
        (Gate::Drawdown, drawdown(state)),
        (Gate::Drills, drills(state, today)),
        (Gate::Active, active(state)),
    ]
    .into_iter()
    .map(|(gate, (passed, sentence))| {
        let word = state.overrides().get(gate.as_str()).filter(|word| {
            let age = (today - trading_day(word.at)).num_days();
            !gate.is_safety() && word.config == Some(config) && age <= OVERRIDE_AGE_MAX_DAYS
        });
        Heard { gate, passed, overridden_by: word.map(|word| word.by.clone()), sentence }
    })
    .collect()
}

fn paper_days(state: &State, today: NaiveDate) -> (bool, String) {
    let closed = state.days().values();
    let clean = closed.filter(|closed| closed.mode == Mode::Paper && closed.counts());
    let days = consecutive(&clean.map(|closed| closed.day).collect(), today);
    let sentence = format!(
        "{days} consecutive trading days on paper closed with books that agree, never PAUSED and with \
         what was due done, of {DAYS_MIN} asked for"
    );
    (days >= DAYS_MIN, sentence)
}

/// Sessions in a row, up to the last one that is over, that are among the days; `today` counts once
/// it is closed itself.
pub(crate) fn consecutive(days: &BTreeSet<NaiveDate>, today: NaiveDate) -> usize {
    let mut count = usize::from(days.contains(&today));
    let mut day = today;
    while let Ok(session) = Calendar::nyse().previous_session(day) {
        if !days.contains(&session.date) {
            break;
        }
        count += 1;
        day = session.date;
    }
    count
}

fn no_mismatch(state: &State) -> (bool, String) {
    let Some(last) = state.reconciled() else {
        return (false, "books and broker were never compared".to_owned());
    };
    let found = &last.result.discrepancies;
    let grave = found.iter().filter(|found| found.severity() == Severity::Mismatch).count();
    let odd = state.anomalies().len();
    let sentence =
        format!("{grave} differences at the last comparison, {odd} oddities unexplained");
    (grave == 0 && odd == 0, sentence)
}

fn slippage(state: &State) -> (bool, String) {
    let quality = summarize(&on_real_quotes(state));
    match quality.all.slippage_bps {
        Some(bps) => (
            bps < SLIPPAGE_MAX_BPS,
            format!(
                "{bps:.2} bps mean slippage over {} fills, below 15 asked for",
                quality.all.fills
            ),
        ),
        None => (false, "no fill was ever measured against the market".to_owned()),
    }
}

/// Fills of accounts in real time: a replay quotes the close before, so what its fills cost against
/// that says nothing.
pub(crate) fn on_real_quotes(state: &State) -> Vec<Sample> {
    let mut found = samples(state);
    found.retain(|sample| {
        let tracked = state.orders().get(&sample.client_order_id);
        let decision = tracked.and_then(|tracked| state.decisions().get(&tracked.decision_id?));
        decision.is_none_or(|decision| decision.planned.mode != Mode::Replay)
    });
    found
}

fn drawdown(state: &State) -> (bool, String) {
    match state.track().deepest() {
        Some(deepest) => {
            let percent = deepest * Decimal::ONE_HUNDRED;
            let sentence = format!("{percent:.2} % deepest drawdown, below 10 asked for");
            (percent < Decimal::from(DRAWDOWN_MAX_PERCENT), sentence)
        }
        None => (false, "no equity was ever seen".to_owned()),
    }
}

/// Each drill passed, and not too long ago.
fn drills(state: &State, today: NaiveDate) -> (bool, String) {
    let mut sentences = Vec::new();
    let mut all = true;
    for drill in Drill::ALL {
        let (passed, sentence) = match state.drills().get(&drill) {
            None => (false, format!("no {drill} drill is on record")),
            Some(last) if !last.walked.passed() => {
                (false, format!("the {drill} drill of {} failed", last.at.date_naive()))
            }
            Some(last) if (today - last.at.date_naive()).num_days() > DRILL_AGE_MAX_DAYS => {
                (false, format!("the {drill} drill of {} is too old", last.at.date_naive()))
            }
            Some(last) => (true, format!("{drill} drill passed on {}", last.at.date_naive())),
        };
        all &= passed;
        sentences.push(sentence);
    }
    (all, sentences.join("; "))
}

fn active(state: &State) -> (bool, String) {
    let trading = state.trading();
    (trading.state() == TradingState::Active, format!("the account is {}", trading.state()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_count_back_over_weekends_and_holidays_until_one_is_missing() {
        let days = ["2018-12-31", "2019-01-02", "2019-01-03", "2019-01-04"].map(day);
        let all: BTreeSet<NaiveDate> = days.into_iter().collect();
        assert_eq!(consecutive(&all, day("2019-01-07")), 4);
        // Today counts once it is closed; a session nobody closed begins the count anew.
        assert_eq!(consecutive(&all, day("2019-01-04")), 4);
        assert_eq!(consecutive(&all, day("2019-01-08")), 0);
        let mut gap = all;
        gap.remove(&day("2019-01-02"));
        assert_eq!(consecutive(&gap, day("2019-01-07")), 2);
    }

    #[test]
    fn nothing_known_lets_nothing_through_but_the_state() {
        let found = hear(&State::new(), day("2019-01-07"), Hash::ZERO);
        let passed: Vec<Gate> = found.iter().filter(|r| r.lets_through()).map(|r| r.gate).collect();
        assert_eq!(passed, [Gate::Active]);
    }

    #[test]
    fn a_word_holds_for_its_configuration_and_for_a_month() {
        use crate::event::{Event, OverrideRecorded};
        use crate::journal::{Draft, Journal, MemoryStorage};
        let (config, other) = (Hash::of(b"one"), Hash::of(b"another"));
        let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
        let mut put_aside = |gate: Gate, config: Option<Hash>| {
            let event = Event::OverrideRecorded(OverrideRecorded {
                what: gate.as_str().to_owned(),
                from: "holds back".to_owned(),
                to: "put aside".to_owned(),
                by: "ann".to_owned(),
                why: "a test".to_owned(),
                config,
            });
            let at = "2019-01-07T15:00:00Z".parse().unwrap();
            journal.append(at, vec![Draft { ts_event: at, decision_id: None, event }]).unwrap();
        };
        put_aside(Gate::Slippage, Some(config));
        put_aside(Gate::Drawdown, None);
        let let_through = |on: &str, config| {
            let found = hear(journal.state(), day(on), config);
            let passed: Vec<Gate> =
                found.iter().filter(|heard| heard.lets_through()).map(|heard| heard.gate).collect();
            passed
        };
        assert_eq!(let_through("2019-02-06", config), [Gate::Slippage, Gate::Active]);
        assert_eq!(let_through("2019-02-07", config), [Gate::Active]);
        assert_eq!(let_through("2019-01-08", other), [Gate::Active]);
    }

    #[test]
    fn a_word_counts_for_a_result_and_never_for_safety() {
        let result = |gate| Heard {
            gate,
            passed: false,
            overridden_by: Some("ann".to_owned()),
            sentence: String::new(),
        };
        for gate in [Gate::PaperDays, Gate::Slippage, Gate::Drawdown, Gate::Drills] {
            assert!(result(gate).lets_through(), "{gate:?}");
        }
        for gate in [Gate::NoMismatch, Gate::Active] {
            assert!(!result(gate).lets_through(), "{gate:?}");
        }
    }
}
