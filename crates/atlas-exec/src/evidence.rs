//! Evidence for going live, from the journal alone: what an account has shown, for the gates of
//! [`atlas_risk::evidence`] to judge.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::AccountName;
use atlas_core::calendar::Calendar;
use atlas_core::journal::Hash;
use atlas_core::time::{Mode, Timestamp};
pub use atlas_risk::evidence::{
    DAYS_MIN, DRAWDOWN_MAX_PERCENT, DRILL_AGE_MAX_DAYS, Evidence, Gate, Heard,
    OVERRIDE_AGE_MAX_DAYS, SLIPPAGE_MAX_BPS,
};
use atlas_risk::evidence::{DrillShown, Shown, Word};
use chrono::NaiveDate;

use crate::drill::Drill;
use crate::quality::{Sample, samples, summarize};
use crate::reconcile::Severity;
use crate::state::{State, trading_day};

/// Hears every gate, as of a day and for a configuration.
#[must_use]
pub fn hear(state: &State, today: NaiveDate, config: Hash) -> Vec<Heard> {
    shown(state, today).hear(today, config)
}

/// The proof that every gate lets an account through at an instant, which opens a live session.
///
/// # Errors
/// What every gate found, if one of them holds back.
pub fn prove(
    state: &State,
    account: AccountName,
    config: Hash,
    now: Timestamp,
) -> Result<Evidence, Vec<Heard>> {
    let today = trading_day(now);
    Evidence::of(&shown(state, today), account, config, (today, now))
}

/// What an account has shown up to a day.
#[must_use]
pub fn shown(state: &State, today: NaiveDate) -> Shown {
    let quality = summarize(&on_real_quotes(state)).all;
    let drills = Drill::ALL.map(|drill| {
        let walked = state
            .drills()
            .get(&drill)
            .map(|last| DrillShown { on: trading_day(last.at), passed: last.walked.passed() });
        (drill.as_str().to_owned(), walked)
    });
    let words = Gate::ALL.into_iter().filter_map(|gate| {
        let word = state.overrides().get(gate.as_str())?;
        let (by, on) = (word.by.clone(), trading_day(word.at));
        Some((gate, Word { by, on, config: word.config }))
    });
    Shown {
        paper_days: paper_days(state, today),
        differences: differences(state),
        slippage: quality
            .slippage_bps
            .map(|bps| (bps, usize::try_from(quality.fills).unwrap_or(usize::MAX))),
        drawdown: state.track().deepest(),
        drills: BTreeMap::from(drills),
        state: state.trading().state(),
        words: words.collect(),
    }
}

fn paper_days(state: &State, today: NaiveDate) -> usize {
    let closed = state.days().values();
    let clean = closed.filter(|closed| closed.mode == Mode::Paper && closed.counts());
    consecutive(&clean.map(|closed| closed.day).collect(), today)
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

/// Differences at the last comparison, and oddities; `None` before the first.
fn differences(state: &State) -> Option<(usize, usize)> {
    let found = &state.reconciled()?.result.discrepancies;
    let grave = found.iter().filter(|found| found.severity() == Severity::Mismatch).count();
    Some((grave, state.anomalies().len()))
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
}
