//! The state at the end of a lookback window that slides with every session.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::discrete::estep::loss;
use crate::filter::check_row;
use crate::stored::{Buffer, Format, Range};
use crate::{Error, JumpModel, StateEstimate};

/// The last state of the cheapest path through the last `lookback` observations, for two states.
///
/// With two states only the difference d of the two path costs matters:
/// `d_t = Δ_t + clamp(d_{t−1}, −λ, λ)` with `Δ_t` the difference of the losses, and the state is 1
/// where `d_t < 0`. A chain that starts at any row with any difference in [−λ, λ] is squeezed
/// between the ones that start at −λ and at +λ; once those two have met, everything before is
/// forgotten and a window that starts anywhere before gives the same answer as the whole past.
/// Only while they have not met within the window is the window run through again.
///
/// # Examples
/// ```
/// use atlas_regime::{JumpModel, SlidingFilter};
/// let model = JumpModel::from_centers(vec![Some(vec![0.0]), Some(vec![4.0])], 3.0)?;
/// let mut filter = SlidingFilter::new(&model, 100)?;
/// assert_eq!(filter.push(&[0.1])?.state, 0);
/// assert_eq!(filter.push(&[3.9])?.state, 1);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct SlidingFilter {
    format: Format<1>,
    model: JumpModel,
    #[serde(skip_serializing)]
    centers: [Vec<f64>; 2],
    #[serde(skip_serializing)]
    weighted: Buffer<Vec<f64>>,
    #[serde(skip_serializing)]
    range: Range,
    lookback: usize,
    /// Differences of losses in the window, oldest first.
    gaps: VecDeque<f64>,
    /// Observations taken in.
    pushed: usize,
    /// Difference of path costs over the whole past.
    expanding: f64,
    /// The squeezing pair and the row it started at.
    pair: (f64, f64),
    pair_start: usize,
    /// The latest row a pair that has met started at.
    forgotten: Option<usize>,
}

impl SlidingFilter {
    /// Starts cold.
    ///
    /// # Errors
    /// Those of [`JumpModel::check`]; [`Error::Parameter`] for a lookback of 0 or another number
    /// of states than two, [`Error::TooFewRows`] for a model with an empty state; no other.
    pub fn new(model: &JumpModel, lookback: usize) -> Result<Self, Error> {
        model.check()?;
        if lookback == 0 {
            let value = "0".to_owned();
            return Err(Error::Parameter { name: "lookback", value, rule: "at least 1" });
        }
        let [first, second] = model.centers.as_slice() else {
            let value = model.states().to_string();
            return Err(Error::Parameter { name: "states", value, rule: "2 for this filter" });
        };
        let (Some(first), Some(second)) = (first, second) else {
            return Err(Error::TooFewRows { what: "a state of the model", have: 0, need: 1 });
        };
        Ok(Self {
            format: Format,
            range: Range::of(model),
            centers: [first.clone(), second.clone()],
            weighted: Buffer(vec![0.0; model.features]),
            model: model.clone(),
            lookback,
            gaps: VecDeque::with_capacity(lookback.min(RESERVED)),
            pushed: 0,
            expanding: 0.0,
            pair: (model.penalty, -model.penalty),
            pair_start: 0,
            forgotten: None,
        })
    }

    /// Whether this is a filter of that model and length.
    pub(crate) fn runs_on(&self, model: &JumpModel, lookback: usize) -> bool {
        self.model == *model && self.lookback == lookback
    }

    /// Takes one observation in and gives the state and the gap to the other one; O(D), or
    /// O(D + lookback) where nothing has been forgotten within the window.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, [`Error::NotFinite`] for NaN or infinite
    /// numbers, [`Error::Overflow`] for a row too far from both centres to be squared,
    /// [`Error::TooFar`] for one beside whose costs neither what they differ by, nor the penalty,
    /// nor the distance of the centres counts; the filter is then as it was. No other.
    pub fn push(&mut self, row: &[f64]) -> Result<StateEstimate, Error> {
        let gap = self.gap(row)?;
        Ok(self.take(gap))
    }

    /// What a row would be taken in as: the difference of its losses; changes nothing.
    pub(crate) fn gap(&mut self, row: &[f64]) -> Result<f64, Error> {
        check_row(row, self.model.features, self.pushed)?;
        self.model.weigh(row, &mut self.weighted.0);
        let [first, second] = &self.centers;
        let losses = (loss(&self.weighted.0, first), loss(&self.weighted.0, second));
        let gap = losses.1 - losses.0;
        if gap.is_nan() {
            return Err(Error::Overflow { what: "sliding filter" });
        }
        if self.range.drowns([losses.0, losses.1].into_iter()) {
            return Err(Error::TooFar { what: "sliding filter", row: self.pushed });
        }
        // One centre may be infinitely far away; no gap beyond the penalty matters.
        Ok(gap.clamp(-GAP_MAX, GAP_MAX))
    }

    /// Takes a row in whose [`gap`](Self::gap) is known.
    #[expect(clippy::float_cmp, reason = "chains that were clamped alike are equal to the bit")]
    pub(crate) fn take(&mut self, gap: f64) -> StateEstimate {
        if self.gaps.len() == self.lookback {
            self.gaps.pop_front();
        }
        self.gaps.push_back(gap);
        let penalty = self.model.penalty;
        self.expanding = gap + self.expanding.clamp(-penalty, penalty);
        let (upper, lower) = self.pair;
        let pair = (gap + upper.clamp(-penalty, penalty), gap + lower.clamp(-penalty, penalty));
        self.pair = pair;
        if pair.0.clamp(-penalty, penalty) == pair.1.clamp(-penalty, penalty) {
            self.forgotten = Some(self.pair_start);
            self.pair = (penalty, -penalty);
            self.pair_start = self.pushed + 1;
        }
        self.pushed += 1;
        let start = self.pushed - self.gaps.len();
        let d = if start == 0 || self.forgotten.is_some_and(|from| from >= start) {
            self.expanding
        } else {
            self.gaps.iter().fold(0.0_f64, |d, gap| gap + d.clamp(-penalty, penalty))
        };
        StateEstimate { state: u8::from(d < 0.0), margin: d.abs() }
    }
}

/// Entries room is made for at once.
const RESERVED: usize = 4096;

/// As good as infinite, yet a penalty can be added to it.
const GAP_MAX: f64 = f64::MAX / 4.0;

/// A filter as it was filed away; what follows from the model is worked out again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "format")]
    _format: Format<1>,
    model: JumpModel,
    lookback: usize,
    gaps: VecDeque<f64>,
    pushed: usize,
    expanding: f64,
    pair: (f64, f64),
    pair_start: usize,
    forgotten: Option<usize>,
}

impl TryFrom<Stored> for SlidingFilter {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let mut filter = Self::new(&stored.model, stored.lookback)?;
        let (found, expected) = (stored.gaps.len(), stored.pushed.min(stored.lookback));
        if found != expected {
            return Err(Error::Shape { what: "the window of the filter", found, expected });
        }
        let sums = [stored.expanding, stored.pair.0, stored.pair.1];
        for (column, &value) in sums.iter().chain(&stored.gaps).enumerate() {
            if !value.is_finite() {
                let what = "the stored filter";
                return Err(Error::NotFinite { what, row: 0, column, value });
            }
        }
        let counted = stored.pushed < COUNT_MAX && stored.pair_start <= stored.pushed;
        if !counted || stored.forgotten.is_some_and(|from| from >= stored.pushed) {
            let value = format!("{} of {}", stored.pair_start, stored.pushed);
            return Err(Error::Parameter {
                name: "pair_start",
                value,
                rule: "a row pushed before",
            });
        }
        filter.gaps = stored.gaps;
        filter.pushed = stored.pushed;
        filter.expanding = stored.expanding;
        filter.pair = stored.pair;
        filter.pair_start = stored.pair_start;
        filter.forgotten = stored.forgotten;
        Ok(filter)
    }
}

/// More observations than anybody pushes; a count beyond is damaged.
pub(crate) const COUNT_MAX: usize = 1 << 40;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Filter, Mt19937};

    #[test]
    fn equals_running_the_window_from_scratch() {
        let centers = vec![Some(vec![-0.5]), Some(vec![0.5])];
        for (penalty, lookback) in [(0.0, 3), (0.5, 7), (2.0, 30), (8.0, 40), (50.0, 25)] {
            let model = JumpModel::from_centers(centers.clone(), penalty).unwrap();
            let mut sliding = SlidingFilter::new(&model, lookback).unwrap();
            let mut rng = Mt19937::new(7);
            let data: Vec<[f64; 1]> = (0..400).map(|_| [3.0 * rng.next_f64() - 1.5]).collect();
            for t in 0..data.len() {
                let found = sliding.push(&data[t]).unwrap().state;
                let mut fresh = Filter::new(&model).unwrap();
                let window = &data[(t + 1).saturating_sub(lookback)..=t];
                let expected = window.iter().map(|x| fresh.push(x).unwrap().state).last();
                assert_eq!(Some(found), expected, "penalty {penalty}, row {t}");
            }
        }
    }

    #[test]
    fn a_row_too_far_away_is_refused_and_changes_nothing() {
        let centers = vec![Some(vec![0.0]), Some(vec![4.0])];
        let model = JumpModel::from_centers(centers, 3.0).unwrap();
        let mut filter = SlidingFilter::new(&model, 10).unwrap();
        for row in [0.1, 3.9, 4.2] {
            let before = filter.clone();
            assert_eq!(filter.push(&[1e200]), Err(Error::Overflow { what: "sliding filter" }));
            assert!(matches!(filter.push(&[1e150]), Err(Error::TooFar { .. })));
            assert_eq!(filter, before);
            filter.push(&[row]).unwrap();
        }
        assert_eq!(filter.push(&[4.0]).unwrap().state, 1);
    }

    #[test]
    fn one_centre_may_be_too_far_away_and_the_filter_still_be_stored() {
        let centers = vec![Some(vec![1e154]), Some(vec![-1e154])];
        let model = JumpModel::from_centers(centers, 3.0).unwrap();
        let mut filter = SlidingFilter::new(&model, 10).unwrap();
        assert_eq!(filter.push(&[-1e154]).unwrap().state, 1);
        let json = serde_json::to_value(&filter).unwrap();
        assert_eq!(serde_json::from_value::<SlidingFilter>(json.clone()).unwrap(), filter);
        let other = serde_json::json!({ "format": 2 });
        for change in [other["format"].clone(), serde_json::Value::Null] {
            let mut json = json.clone();
            json["format"] = change;
            assert!(serde_json::from_value::<SlidingFilter>(json).is_err());
        }
        assert_eq!(filter.push(&[1e154]).unwrap().state, 0);
    }
}
