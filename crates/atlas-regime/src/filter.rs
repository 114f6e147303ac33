//! The online filter: the state of the newest observation, one observation at a time.

use serde::{Deserialize, Serialize};

use crate::discrete::estep::{advance_values, first_smallest, loss};
use crate::model::{defined, named_centers};
use crate::stored::{Buffer, Format, Range, restored, take_off};
use crate::{Error, JumpModel};

/// What the filter says after one observation.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StateEstimate {
    /// The last state of the cheapest path through everything pushed so far.
    pub state: u8,
    /// How much costlier the cheapest path into any other state is; infinite with one state, or
    /// where all others are too far away to be squared; that is `null` in JSON.
    #[serde(with = "crate::stored::maybe_infinite")]
    pub margin: f64,
}

/// Runs the forward recursion of a fitted model; equal to the reference's `predict_online` over
/// all rows pushed since it was made.
///
/// # Examples
/// ```
/// use atlas_regime::{Filter, JumpParams, Rows};
/// let data = [0.0, 0.1, -0.1, 5.0, 5.1, 4.9];
/// let returns = [0.01, 0.02, 0.01, -0.03, -0.01, -0.02];
/// let fit = JumpParams::new(2, 1.0).check()?.fit(Rows::new(&data, 1)?, Some(&returns))?;
/// let mut filter = Filter::new(&fit.model)?;
/// assert_eq!(filter.push(&[0.2])?.state, 0);
/// assert_eq!(filter.push(&[4.0])?.state, 1);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Filter {
    centers: Vec<f64>,
    features: usize,
    penalty: f64,
    weights: Option<Vec<f64>>,
    /// The weighted row.
    weighted: Buffer<Vec<f64>>,
    values: Vec<f64>,
    /// The values to be, until they are known to be usable.
    next: Buffer<Vec<f64>>,
    pushed: u64,
    /// How far away a row may be, and how much the best path may cost.
    range: Range,
}

impl Filter {
    /// Starts cold: before the first observation every state costs nothing.
    ///
    /// # Errors
    /// Those of [`JumpModel::check`].
    pub fn new(model: &JumpModel) -> Result<Self, Error> {
        model.check()?;
        Ok(Self {
            weighted: Buffer(vec![0.0; model.features]),
            next: Buffer(vec![0.0; model.states()]),
            weights: model.feature_weights.clone(),
            centers: model.flat_centers(),
            features: model.features,
            penalty: model.penalty,
            values: vec![0.0; model.states()],
            pushed: 0,
            range: Range::of(model),
        })
    }

    /// Takes one observation in; O(K·D), without allocation.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, [`Error::NotFinite`] for NaN or infinite
    /// numbers, [`Error::Overflow`] for a row so far from every centre that no state has a finite
    /// cost any more, [`Error::TooFar`] for one beside whose costs neither what they differ by, nor
    /// the penalty, nor the distance of the centres would count any more; the filter is then as it
    /// was. No other.
    #[inline]
    pub fn push(&mut self, row: &[f64]) -> Result<StateEstimate, Error> {
        let number = usize::try_from(self.pushed).unwrap_or(usize::MAX);
        let weighted = self.weights.is_some();
        if weighted || self.values.len() != 2 || row.len() != self.features {
            check_row(row, self.features, number)?;
        }
        let row = match &self.weights {
            None => row,
            Some(weights) => {
                for ((slot, x), w) in self.weighted.0.iter_mut().zip(row).zip(weights) {
                    *slot = x * w;
                }
                &self.weighted.0
            }
        };
        if let [bull, bear] = self.values.as_mut_slice() {
            let losses = both_losses(row, self.centers.split_at(self.features));
            let (to_bull, to_bear) = (*bear + self.penalty, *bull + self.penalty);
            let (in_bull, in_bear) = if self.pushed == 0 {
                (0.0, 0.0)
            } else {
                (
                    if *bull < to_bull { *bull } else { to_bull },
                    if *bear < to_bear { *bear } else { to_bear },
                )
            };
            let mut costs = [losses.0 + in_bull, losses.1 + in_bear];
            let smallest = if costs[1] < costs[0] { costs[1] } else { costs[0] };
            // A number that is not finite, or too large, shows in both, and is then looked for.
            if smallest >= self.range.ceiling {
                let losses = [losses.0, losses.1].into_iter();
                settle(self.range, (row, weighted), number, losses, &mut costs)?;
            }
            [*bull, *bear] = costs;
        } else {
            let next = self.next.0.as_mut_slice();
            if self.pushed == 0 {
                for (v, c) in next.iter_mut().zip(self.centers.chunks_exact(self.features)) {
                    *v = loss(row, c);
                }
            } else {
                next.copy_from_slice(&self.values);
                advance_values(next, self.penalty, row, &self.centers);
            }
            let (_, smallest) = first_smallest(next);
            if smallest >= self.range.ceiling {
                let losses = self.centers.chunks_exact(self.features).map(|c| loss(row, c));
                settle(self.range, (row, weighted), number, losses, next)?;
            }
            self.values.copy_from_slice(next);
        }
        self.pushed += 1;
        Ok(self.estimate())
    }

    /// Cost of the cheapest path into each state, since the filter was made, or since the best one
    /// came to 2³² times the distance of the nearest two centres and was taken off all of them:
    /// only what they differ by matters, and would be lost beside ever higher costs.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of observations taken in.
    #[must_use]
    pub const fn pushed(&self) -> u64 {
        self.pushed
    }

    #[inline]
    fn estimate(&self) -> StateEstimate {
        if let [bull, bear] = *self.values.as_slice() {
            let bears = bear < bull;
            let margin = if bears { bull - bear } else { bear - bull };
            return StateEstimate { state: u8::from(bears), margin };
        }
        let (state, smallest) = first_smallest(&self.values);
        let mut next = f64::INFINITY;
        for (k, &v) in self.values.iter().enumerate() {
            next = if v < next && k != usize::from(state) { v } else { next };
        }
        StateEstimate { state, margin: next - smallest }
    }
}

/// [`loss`] to each of two centres, in one pass.
#[inline]
fn both_losses(row: &[f64], (first, second): (&[f64], &[f64])) -> (f64, f64) {
    let mut sums = (0.0, 0.0);
    for ((x, a), b) in row.iter().zip(first).zip(second) {
        let gaps = (x - a, x - b);
        sums.0 += gaps.0 * gaps.0;
        sums.1 += gaps.1 * gaps.1;
    }
    let half = |sum: f64| if sum.is_nan() { f64::INFINITY } else { 0.5 * sum };
    (half(sums.0), half(sums.1))
}

/// Refuses a row too far away to tell anything by, and takes off what has added up to too much.
/// A weighted row was looked at before it was weighted.
#[cold]
#[inline(never)]
fn settle(
    range: Range,
    (row, weighted): (&[f64], bool),
    number: usize,
    losses: impl Iterator<Item = f64>,
    costs: &mut [f64],
) -> Result<(), Error> {
    if !weighted {
        check_row(row, row.len(), number)?;
    }
    let (_, smallest) = first_smallest(costs);
    if !smallest.is_finite() {
        return Err(Error::Overflow { what: "online filter" });
    }
    if range.drowns(losses) {
        return Err(Error::TooFar { what: "online filter", row: number });
    }
    take_off(smallest, costs);
    Ok(())
}

/// A filter as it is filed away; infinite costs are absent, as are the centres of empty states.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: Format<1>,
    features: usize,
    centers: Vec<Option<Vec<f64>>>,
    penalty: f64,
    weights: Option<Vec<f64>>,
    values: Vec<Option<f64>>,
    pushed: u64,
}

impl From<Filter> for Stored {
    fn from(filter: Filter) -> Self {
        Self {
            format: Format,
            features: filter.features,
            centers: named_centers(&filter.centers, filter.features),
            penalty: filter.penalty,
            weights: filter.weights,
            values: defined(&filter.values),
            pushed: filter.pushed,
        }
    }
}

impl TryFrom<Stored> for Filter {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let mut model = JumpModel::from_centers(stored.centers, stored.penalty)?;
        if model.features != stored.features {
            let (found, expected) = (model.features, stored.features);
            return Err(Error::Shape { what: "a centre of the filter", found, expected });
        }
        model.feature_weights = stored.weights;
        let mut filter = Self::new(&model)?;
        let states = filter.values.len();
        filter.values = restored(&stored.values, "the costs", states, f64::INFINITY)?;
        if stored.pushed >= u64::MAX / 2 {
            let value = stored.pushed.to_string();
            return Err(Error::Parameter { name: "pushed", value, rule: "a count of rows" });
        }
        filter.pushed = stored.pushed;
        Ok(filter)
    }
}

/// Refuses a row of another length or with a number that is not finite.
#[inline(never)]
pub(crate) fn check_row(row: &[f64], features: usize, number: usize) -> Result<(), Error> {
    if row.len() != features {
        let (found, expected) = (row.len(), features);
        return Err(Error::Shape { what: "the observation", found, expected });
    }
    match row.iter().position(|x| !x.is_finite()) {
        None => Ok(()),
        Some(column) => {
            let (row, value) = (number, row[column]);
            Err(Error::NotFinite { what: "the observation", row, column, value })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{JumpParams, Rows};

    fn filter() -> Filter {
        let data = [0.0, 0.1, -0.1, 5.0, 5.1, 4.9];
        let params = JumpParams::new(2, 3.0).check().unwrap();
        Filter::new(&params.fit(Rows::new(&data, 1).unwrap(), None).unwrap().model).unwrap()
    }

    #[test]
    fn a_bad_row_is_refused_and_changes_nothing() {
        let mut f = filter();
        f.push(&[0.0]).unwrap();
        let before = f.clone();
        assert!(matches!(f.push(&[f64::NAN]), Err(Error::NotFinite { row: 1, column: 0, .. })));
        assert!(matches!(f.push(&[0.0, 1.0]), Err(Error::Shape { found: 2, expected: 1, .. })));
        assert_eq!(f, before);
    }

    #[test]
    fn an_infinite_number_is_refused_by_two_states_and_by_more() {
        for states in [2, 3] {
            let data = [0.0, 0.1, -0.1, 5.0, 5.1, 4.9, 9.0];
            let params = JumpParams::new(states, 0.5).check().unwrap();
            let fit = params.fit(Rows::new(&data, 1).unwrap(), None).unwrap();
            let mut f = Filter::new(&fit.model).unwrap();
            for bad in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
                let before = f.clone();
                assert!(matches!(f.push(&[bad]), Err(Error::NotFinite { column: 0, .. })));
                assert_eq!(f, before);
            }
            for pushes in 0..3 {
                // So far away that its distance overflows, but finite.
                let before = f.clone();
                assert_eq!(f.push(&[1e200]), Err(Error::Overflow { what: "online filter" }));
                // And so far away that it would drown all that comes before and after.
                let drowned = Error::TooFar { what: "online filter", row: pushes };
                assert_eq!(f.push(&[1e150]), Err(drowned));
                assert_eq!(f, before);
                assert!(f.push(&[5.0]).unwrap().margin.is_finite(), "after {pushes} rows");
            }
        }
    }

    /// Rows in which the states differ, however far away they are and however close the centres.
    #[test]
    fn what_can_be_told_apart_is_not_refused() {
        for third in [None, Some(vec![2e-7])] {
            let mut centers = vec![Some(vec![0.0]), Some(vec![1e-7])];
            centers.extend(third.map(Some));
            let mut f = Filter::new(&JumpModel::from_centers(centers, 0.0).unwrap()).unwrap();
            let last = u8::try_from(f.values().len() - 1).unwrap();
            for x in [0.1, 0.5, 0.0, 700.0, -3.0, 1.0] {
                let expected = if x > 0.0 { last } else { 0 };
                assert_eq!(f.push(&[x]).unwrap().state, expected, "{x}");
            }
            assert_eq!(f.push(&[1e-7]).unwrap().state, 1);
        }
    }

    #[test]
    fn costs_that_add_up_do_not_drown_what_comes_after() {
        for third in [None, Some(vec![5e3])] {
            let mut centers = vec![Some(vec![0.0]), Some(vec![1.0])];
            centers.extend(third.map(Some));
            let model = JumpModel::from_centers(centers, 1.0).unwrap();
            let mut f = Filter::new(&model).unwrap();
            for _ in 0..5000 {
                assert_eq!(f.push(&[-2.9e6]).unwrap().state, 0);
            }
            let mut restored: Filter =
                serde_json::from_value(serde_json::to_value(&f).unwrap()).unwrap();
            assert_eq!(restored, f);
            let states: Vec<u8> = (0..4).map(|_| f.push(&[1.0]).unwrap().state).collect();
            assert_eq!(states, [0, 0, 1, 1]);
            for expected in states {
                assert_eq!(restored.push(&[1.0]).unwrap().state, expected);
            }
        }
    }

    #[test]
    fn a_weighted_row_that_overflows_is_not_said_to_be_infinite() {
        for states in [2, 3] {
            let centers = (0..states).map(|k| Some(vec![f64::from(k)])).collect();
            let mut model = JumpModel::from_centers(centers, 1.0).unwrap();
            model.feature_weights = Some(vec![1e10]);
            let mut f = Filter::new(&model).unwrap();
            assert_eq!(f.push(&[1e300]), Err(Error::Overflow { what: "online filter" }));
            assert!(matches!(f.push(&[f64::INFINITY]), Err(Error::NotFinite { column: 0, .. })));
        }
    }

    #[test]
    fn a_state_too_far_away_to_be_squared_comes_back() {
        let centers = vec![Some(vec![1e154]), Some(vec![-1e154])];
        let mut f = Filter::new(&JumpModel::from_centers(centers, 3.0).unwrap()).unwrap();
        let estimate = f.push(&[-1e154]).unwrap();
        assert_eq!((estimate.state, estimate.margin), (1, f64::INFINITY));
        let said = serde_json::to_string(&estimate).unwrap();
        assert_eq!(serde_json::from_str::<StateEstimate>(&said).unwrap(), estimate);
        assert!(serde_json::from_str::<StateEstimate>(r#"{"state":1,"margin":-1.0}"#).is_err());
        let json = serde_json::to_string(&f).unwrap();
        assert_eq!(serde_json::from_str::<Filter>(&json).unwrap(), f);
        assert_eq!(f.push(&[1e154]).unwrap().state, 0);
    }

    #[test]
    fn a_stored_filter_goes_on_and_a_damaged_one_is_refused() {
        let mut f = filter();
        f.push(&[0.3]).unwrap();
        let json = serde_json::to_value(&f).unwrap();
        let mut restored: Filter = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(restored, f);
        assert_eq!(restored.push(&[4.0]), f.push(&[4.0]));
        let broken = [
            ("format", serde_json::json!(2)),
            ("features", serde_json::json!(2)),
            ("centers", serde_json::json!([])),
            ("centers", serde_json::json!([null, null])),
            ("penalty", serde_json::json!(-1.0)),
            ("weights", serde_json::json!([1.0, 1.0])),
            ("values", serde_json::json!([1.0])),
            ("values", serde_json::json!([null, null])),
        ];
        for (field, value) in broken {
            let mut json = json.clone();
            json[field] = value;
            assert!(serde_json::from_value::<Filter>(json).is_err(), "{field}");
        }
    }

    #[test]
    fn the_margin_is_the_gap_to_the_next_best() {
        let mut f = filter();
        let estimate = f.push(&[0.0]).unwrap();
        let values = f.values();
        assert!((estimate.margin - (values[0] - values[1]).abs()).abs() < 1e-12);
    }
}
