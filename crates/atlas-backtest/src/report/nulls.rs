//! What somebody without the strategy could have had.

use atlas_core::Adjusted;
use atlas_core::bars::BarsView;
use serde::{Deserialize, Serialize};

use super::{Day, DecisionRecord};
use crate::Error;
use crate::honesty::Random;
use crate::metrics::stats::{deviation, float, mean};
use crate::metrics::{Conventions, Metrics};

/// A rule on the index that knows nothing of the strategy, without costs, acting like the strategy
/// on the close after the decision's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NullModel {
    /// Which rule.
    pub rule: NullRule,
    /// What its daily returns amount to.
    pub metrics: Metrics,
}

/// The rules; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NullRule {
    /// The index, always at the account's mean exposure.
    ConstantExposure,
    /// The index while it closes above its mean of 200 closes, else nothing.
    TwoHundredDays,
    /// The index at the exposure that brings the volatility of its last 20 returns to the
    /// account's own, at most 1.
    VolatilityTarget,
}

impl NullRule {
    /// The rule in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ConstantExposure => "index at constant exposure",
            Self::TwoHundredDays => "index above its 200-day mean",
            Self::VolatilityTarget => "index at the same volatility",
        }
    }
}

/// The account's exposures held against themselves in another order.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PermutedSpells {
    /// Stretches of sessions under one regime.
    pub spells: usize,
    /// Sharpe ratio a year of the index at the account's exposures, in their own order.
    pub own: f64,
    /// Share of [`PERMUTATIONS`] other orders of the spells with a ratio at least as high.
    pub as_good: f64,
}

/// What somebody without the strategy could have had; nothing where the index lacks a session.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Nulls {
    /// Rules on the index.
    pub models: Vec<NullModel>,
    /// The account's exposures in another order; `None` without two spells.
    pub permuted: Option<PermutedSpells>,
}

impl Nulls {
    pub(crate) fn of(
        days: &[Day],
        decisions: &[DecisionRecord],
        index: BarsView<'_, Adjusted>,
        own: &Metrics,
        seed: u64,
    ) -> Result<Self, Error> {
        let (Some(first), Some(last)) = (days.first(), days.last()) else {
            return Ok(Self::default());
        };
        let dates = index.dates();
        let (from, to) = (dates.binary_search(&first.date), dates.binary_search(&last.date));
        let (Ok(from), Ok(to)) = (from, to) else { return Ok(Self::default()) };
        let same = dates.get(from..=to).unwrap_or_default();
        if same.len() != days.len() || same.iter().zip(days).any(|(date, day)| *date != day.date) {
            return Ok(Self::default());
        }
        let closes = index.close();
        let exposures: Option<Vec<f64>> = days.iter().map(|day| day.exposure).collect();
        let Some(exposures) = exposures else { return Ok(Self::default()) };
        let past = Past { closes, from, to };
        let constant = mean(&exposures).unwrap_or(0.0);
        let target = own.annual_volatility.unwrap_or(0.0);
        let models = [
            (NullRule::ConstantExposure, past.returns(|_| Some(constant))),
            (NullRule::TwoHundredDays, past.returns(above_mean)),
            (NullRule::VolatilityTarget, past.returns(|known| at_volatility(known, target))),
        ];
        let models = models.into_iter().filter_map(|(rule, returns)| Some((rule, returns?)));
        let models = models.map(|(rule, returns)| {
            Ok(NullModel { rule, metrics: Metrics::of(&returns, Conventions::SESSIONS)? })
        });
        let held = exposures.get(..exposures.len() - 1).unwrap_or_default();
        Ok(Self {
            models: models.collect::<Result<_, Error>>()?,
            permuted: permuted(held, &past.index_returns(), &spells(days, decisions), seed),
        })
    }
}

/// The index up to the last day; rows `from` to `to` are the days of the account.
struct Past<'a> {
    closes: &'a [f64],
    from: usize,
    to: usize,
}

impl Past<'_> {
    fn simple_return(&self, row: usize) -> Option<f64> {
        Some(self.closes.get(row)? / self.closes.get(row.checked_sub(1)?)? - 1.0)
    }

    fn index_returns(&self) -> Vec<f64> {
        (self.from + 1..=self.to).filter_map(|row| self.simple_return(row)).collect()
    }

    /// Daily returns of holding what the rule wanted two closes before, since it acts one close
    /// after it has decided; `None` if the rule lacks history.
    fn returns(&self, rule: impl Fn(&[f64]) -> Option<f64>) -> Option<Vec<f64>> {
        let one = |row: usize| {
            let known = self.closes.get(..row.checked_sub(1)?)?;
            Some(rule(known)? * self.simple_return(row)?)
        };
        (self.from + 1..=self.to).map(one).collect()
    }
}

fn above_mean(known: &[f64]) -> Option<f64> {
    let window = known.get(known.len().checked_sub(200)?..)?;
    Some(if *known.last()? > mean(window)? { 1.0 } else { 0.0 })
}

fn at_volatility(known: &[f64], target: f64) -> Option<f64> {
    let window = known.get(known.len().checked_sub(21)?..)?;
    let returns = window.windows(2).filter_map(|pair| match pair {
        [before, after] => Some(after / before - 1.0),
        _ => None,
    });
    let returns: Vec<f64> = returns.collect();
    let realized = deviation(&returns)? * Conventions::SESSIONS.periods_per_year.sqrt();
    Some((target / realized).min(1.0))
}

/// Lengths of the stretches of returns under one regime.
fn spells(days: &[Day], decisions: &[DecisionRecord]) -> Vec<usize> {
    let mut lengths: Vec<usize> = Vec::new();
    let mut next = decisions.iter().peekable();
    let mut regime = None;
    for day in days.iter().skip(1) {
        let mut changed = lengths.is_empty();
        while let Some(decision) = next.next_if(|decision| decision.execute_on <= day.date) {
            changed |= regime.replace(decision.regime) != Some(decision.regime);
        }
        match lengths.last_mut().filter(|_| !changed) {
            Some(length) => *length += 1,
            None => lengths.push(1),
        }
    }
    lengths
}

/// Deals the stretches of exposures in other orders over the same index returns.
fn permuted(
    exposures: &[f64],
    index: &[f64],
    lengths: &[usize],
    seed: u64,
) -> Option<PermutedSpells> {
    if lengths.len() < 2 || exposures.len() != index.len() {
        return None;
    }
    let mut pieces: Vec<&[f64]> = Vec::new();
    let mut rest = exposures;
    for length in lengths {
        let (piece, others) = rest.split_at_checked(*length)?;
        pieces.push(piece);
        rest = others;
    }
    let year = Conventions::SESSIONS.periods_per_year.sqrt();
    let sharpe = |pieces: &[&[f64]]| {
        let held = pieces.iter().copied().flatten().zip(index);
        let returns: Vec<f64> = held.map(|(exposure, r)| exposure * r).collect();
        Some(mean(&returns)? / deviation(&returns)? * year)
    };
    let own = sharpe(&pieces)?;
    let mut random = Random::seeded(seed);
    let mut as_good = 0_usize;
    for _ in 0..PERMUTATIONS {
        // Fisher and Yates.
        for last in (1..pieces.len()).rev() {
            pieces.swap(last, random.below(last + 1));
        }
        as_good += usize::from(sharpe(&pieces).is_some_and(|other| other >= own));
    }
    let as_good = float(as_good) / float(PERMUTATIONS);
    Some(PermutedSpells { spells: lengths.len(), own, as_good })
}

/// Orders that are tried.
pub const PERMUTATIONS: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_acts_one_close_after_it_has_decided() {
        let closes: Vec<f64> = (0..210).map(|row| if row < 205 { 100.0 } else { 110.0 }).collect();
        let past = Past { closes: &closes, from: 203, to: 209 };
        // Row 205 closes above its mean; that acts at the close of 206 and earns from 207 on.
        let wanted: Vec<bool> =
            (204..=209).map(|row| above_mean(&closes[..row - 1]) == Some(1.0)).collect();
        assert_eq!(wanted, [false, false, false, true, true, true]);
        assert!(past.returns(above_mean).unwrap().iter().all(|r| *r == 0.0));
        let early = Past { closes: &closes, from: 100, to: 150 };
        assert_eq!(early.returns(above_mean), None, "no history, no rule");
    }

    #[test]
    fn good_timing_is_rarely_met_by_chance() {
        let mut random = Random::seeded(2);
        let lengths = vec![10; 40];
        let rises: Vec<bool> = (0..40).map(|_| random.below(2) == 1).collect();
        let day = |up: bool| if up { 0.01 } else { -0.01 };
        let index: Vec<f64> = rises
            .iter()
            .flat_map(|up| {
                (0..10).map(|_| day(*up) + random.fraction() * 0.001).collect::<Vec<_>>()
            })
            .collect();
        let knowing: Vec<f64> =
            rises.iter().flat_map(|up| vec![if *up { 1.0 } else { 0.0 }; 10]).collect();
        let found = permuted(&knowing, &index, &lengths, 1).unwrap();
        assert_eq!((found.spells, found.as_good), (40, 0.0));
        let always = vec![0.5; 400];
        assert_eq!(permuted(&always, &index, &lengths, 1).map(|p| p.as_good), Some(1.0));
        assert_eq!(permuted(&always, &index, &[400], 1), None);
    }
}
