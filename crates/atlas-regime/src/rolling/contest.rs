//! Candidates compared by what their states, as they were emitted, would have earned.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::count::float;

/// On what terms candidates are compared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Terms {
    /// Sessions between choices, counted from the series' start.
    pub(crate) choose_every: usize,
    /// Sessions compared.
    pub(crate) validation: usize,
    /// A state of session t is acted on from session t + `delay`.
    pub(crate) delay: usize,
    /// Cost of changing the position by its whole, one way.
    pub(crate) cost: f64,
}

impl Terms {
    /// Emitted states kept per candidate.
    const fn emitted_max(self) -> usize {
        self.validation + self.delay + 1
    }
}

/// States as the fits then in force emitted them, and the choice among the candidates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contest {
    /// Emitted states per candidate, newest last: 0 bull, 1 bear.
    emitted: Vec<VecDeque<u8>>,
    /// Excess returns of the last `validation` sessions whose position is known.
    returns: VecDeque<f64>,
    /// The candidate in force.
    chosen: Option<usize>,
    /// Session of the last choice.
    chosen_session: Option<usize>,
}

impl Contest {
    pub(crate) fn new(candidates: usize, chosen: Option<usize>) -> Self {
        let emitted = vec![VecDeque::new(); candidates];
        Self { emitted, returns: VecDeque::new(), chosen, chosen_session: None }
    }

    /// The candidate in force.
    pub(crate) const fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// Session of the last choice.
    pub(crate) const fn chosen_session(&self) -> Option<usize> {
        self.chosen_session
    }

    /// Remembers a session's states, one per candidate, and its excess return; a single candidate
    /// has nothing to be compared with.
    pub(crate) fn emit(&mut self, states: impl Iterator<Item = u8>, excess: f64, terms: Terms) {
        if self.emitted.len() < 2 {
            return;
        }
        for (emitted, state) in self.emitted.iter_mut().zip(states) {
            if emitted.len() == terms.emitted_max() {
                emitted.pop_front();
            }
            emitted.push_back(state);
        }
        // Returns count from the first session whose position is known.
        let known = self.emitted.first().is_some_and(|e| e.len() > terms.delay);
        if self.returns.len() == terms.validation {
            self.returns.pop_front();
        }
        if known {
            self.returns.push_back(excess);
        }
    }

    /// Where a choice is due, takes the candidate with the largest Sharpe ratio: the larger
    /// penalty on a tie, the old one where no ratio is defined.
    pub(crate) fn choose(
        &mut self,
        session: usize,
        terms: Terms,
        eligible: impl Fn(usize) -> bool,
    ) {
        let due = session.is_multiple_of(terms.choose_every);
        if self.emitted.len() < 2 || !due || self.returns.len() < terms.validation {
            return;
        }
        let mut best: Option<(usize, f64)> = None;
        for (i, states) in self.emitted.iter().enumerate().filter(|(i, _)| eligible(*i)) {
            let Some(ratio) = sharpe(states, &self.returns, terms) else { continue };
            if best.is_none_or(|(_, largest)| ratio >= largest) {
                best = Some((i, ratio));
            }
        }
        if let Some((i, _)) = best {
            self.chosen = Some(i);
            self.chosen_session = Some(session);
        }
    }

    /// Refuses what sessions under these terms cannot have led to.
    pub(crate) fn check(
        &self,
        candidates: usize,
        terms: Terms,
        sessions: usize,
    ) -> Result<(), Error> {
        let (found, expected) = (self.emitted.len(), candidates);
        if found != expected {
            return Err(Error::Shape { what: "the list of candidates", found, expected });
        }
        if self.chosen.is_some_and(|i| i >= candidates)
            || (candidates == 1 && self.chosen.is_none())
        {
            let value = format!("{:?}", self.chosen);
            return Err(Error::Parameter { name: "chosen", value, rule: "one of the candidates" });
        }
        if let Some(at) = self.chosen_session
            && (at >= sessions || !at.is_multiple_of(terms.choose_every) || self.chosen.is_none())
        {
            let (name, value) = ("chosen_session", at.to_string());
            return Err(Error::Parameter { name, value, rule: "a session a choice was due on" });
        }
        if let Some(row) = self.returns.iter().position(|x| !x.is_finite()) {
            let (what, value) = ("the returns compared", self.returns[row]);
            return Err(Error::NotFinite { what, row, column: 0, value });
        }
        let expected = self.emitted.first().map_or(0, VecDeque::len);
        for states in &self.emitted {
            if states.len() != expected || states.len() > terms.emitted_max() {
                let (what, found) = ("the list of emitted states", states.len());
                let expected = expected.min(terms.emitted_max());
                return Err(Error::Shape { what, found, expected });
            }
            if let Some(state) = states.iter().find(|state| **state > 1) {
                let (name, value) = ("emitted", state.to_string());
                return Err(Error::Parameter { name, value, rule: "0 for bull or 1 for bear" });
            }
        }
        let (found, known) = (self.returns.len(), expected.saturating_sub(terms.delay));
        let expected = known.min(terms.validation);
        if found != expected {
            return Err(Error::Shape { what: "the returns compared", found, expected });
        }
        Ok(())
    }
}

/// Sharpe ratio per session of the strategy that holds the index while the state was bull `delay`
/// sessions before, in excess of cash and after costs; `None` where returns do not vary by more
/// than rounding.
///
/// `states` and `returns` end with the same session; states reach `delay + 1` sessions further
/// back, as far as there are any.
fn sharpe(states: &VecDeque<u8>, returns: &VecDeque<f64>, terms: Terms) -> Option<f64> {
    let extra = states.len().checked_sub(returns.len())?;
    let first = extra.checked_sub(terms.delay)?;
    let mut held = match first.checked_sub(1) {
        Some(before) => states[before] == 0,
        None => states[first] == 0,
    };
    let mut all = Vec::with_capacity(returns.len());
    for (state, r) in states.iter().skip(first).zip(returns) {
        let hold = *state == 0;
        let cost = if hold == held { 0.0 } else { terms.cost };
        all.push(if hold { r - cost } else { -cost });
        held = hold;
    }
    let n = float(returns.len());
    let mean = all.iter().sum::<f64>() / n;
    let variance = all.iter().map(|earned| (earned - mean) * (earned - mean)).sum::<f64>() / n;
    let noise = n * f64::EPSILON * mean * mean;
    (variance > noise).then(|| mean / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Terms = Terms { choose_every: 1, validation: 4, delay: 2, cost: 0.001 };

    fn pick(candidates: [u8; 2], old: Option<usize>, eligible: [bool; 2]) -> Option<usize> {
        let mut contest = Contest::new(2, old);
        for r in [0.0, 0.0, 0.01, -0.01, 0.02, 0.01] {
            contest.emit(candidates.into_iter(), r, TERMS);
        }
        contest.choose(5, TERMS, |i| eligible[i]);
        contest.check(2, TERMS, 6).unwrap();
        contest.chosen()
    }

    #[test]
    fn a_choice_on_a_session_that_cannot_have_made_it_is_refused() {
        let terms = Terms { choose_every: 5, ..TERMS };
        let contest =
            |chosen, chosen_session| Contest { chosen_session, ..Contest::new(2, chosen) };
        assert_eq!(contest(Some(1), Some(10)).check(2, terms, 11), Ok(()));
        for (chosen, session) in [(Some(1), 11), (Some(1), 15), (None, 10), (Some(1), 9)] {
            let found = contest(chosen, Some(session)).check(2, terms, 11);
            assert!(matches!(found, Err(Error::Parameter { name: "chosen_session", .. })));
        }
    }

    #[test]
    fn ties_take_the_larger_penalty_and_nothing_defined_keeps_the_old() {
        assert_eq!(pick([0, 0], None, [true; 2]), Some(1));
        assert_eq!(pick([0, 1], None, [true; 2]), Some(0));
        assert_eq!(pick([1, 1], Some(0), [true; 2]), Some(0));
    }

    #[test]
    fn returns_that_do_not_vary_have_no_ratio() {
        for r in [0.0, 0.1, 0.001, -0.0003, 1e-9, 7.3] {
            for n in [3, 10, 2016] {
                let terms = Terms { validation: n, ..TERMS };
                let states = VecDeque::from(vec![0; n + 3]);
                let returns = VecDeque::from(vec![r; n]);
                assert_eq!(sharpe(&states, &returns, terms), None, "{r} {n}");
            }
        }
    }

    #[test]
    fn what_cannot_be_used_is_not_chosen() {
        assert_eq!(pick([0, 0], None, [true, false]), Some(0));
        assert_eq!(pick([0, 0], Some(1), [false; 2]), Some(1));
    }

    #[test]
    fn the_state_of_two_sessions_ago_is_held_and_changes_cost() {
        let terms = Terms { cost: 0.5, ..TERMS };
        // States of sessions 0 to 4; the last two sessions are compared, holding states 1 and 2.
        let states = VecDeque::from(vec![0, 0, 1, 0, 0]);
        let returns = VecDeque::from(vec![0.1, 9.0]);
        let earned = [0.1, -0.5];
        let mean: f64 = earned.iter().sum::<f64>() / 2.0;
        let sd = (earned.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / 2.0).sqrt();
        let found = sharpe(&states, &returns, terms).unwrap();
        assert!((found - mean / sd).abs() < 1e-12);
    }
}
