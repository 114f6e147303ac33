//! A hidden Markov model and what it says about observations.

use serde::{Deserialize, Serialize};

use crate::filter::check_row;
use crate::model::defined;
use crate::sliding::COUNT_MAX;
use crate::stored::{Buffer, FAR, Format, restored};
use crate::{Error, Rows};

/// The format of serialized hidden Markov models this version writes and reads.
pub const HMM_FORMAT: u32 = 1;

/// A Gaussian hidden Markov model with independent columns; it cannot be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HmmModel {
    pub(super) format: u32,
    pub(super) initial: Vec<f64>,
    pub(super) transitions: Vec<Vec<f64>>,
    pub(super) means: Vec<Vec<f64>>,
    pub(super) variances: Vec<Vec<f64>>,
}

impl HmmModel {
    /// A model with parameters from elsewhere, such as the truth of a simulation: the probability
    /// of each state before the first observation, of going from each state (row) to each state
    /// (column), and mean and variance of each state, column by column.
    ///
    /// # Errors
    /// [`Error::Shape`] for parameters of differing sizes, [`Error::Parameter`] for probabilities
    /// that do not add up, means that are not finite or variances that are not positive; no other.
    pub fn from_parameters(
        initial: Vec<f64>,
        transitions: Vec<Vec<f64>>,
        means: Vec<Vec<f64>>,
        variances: Vec<Vec<f64>>,
    ) -> Result<Self, Error> {
        let model = Self { format: HMM_FORMAT, initial, transitions, means, variances };
        model.check()?;
        Ok(model)
    }

    /// Probability of each state before the first observation.
    #[must_use]
    pub fn initial(&self) -> &[f64] {
        &self.initial
    }

    /// Probability of going from each state (row) to each state (column).
    #[must_use]
    pub fn transitions(&self) -> &[Vec<f64>] {
        &self.transitions
    }

    /// Mean of each state, column by column.
    #[must_use]
    pub fn means(&self) -> &[Vec<f64>] {
        &self.means
    }

    /// Variance of each state, column by column, positive.
    #[must_use]
    pub fn variances(&self) -> &[Vec<f64>] {
        &self.variances
    }

    /// Number of states.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.initial.len()
    }

    /// Refuses another format, parameters of differing sizes, probabilities that do not add up,
    /// variances that are not positive.
    ///
    /// # Errors
    /// [`Error::Format`], [`Error::Shape`] or [`Error::Parameter`]; no other.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != HMM_FORMAT {
            let (found, expected) = (self.format, HMM_FORMAT);
            return Err(Error::Format { what: "the hidden Markov model", found, expected });
        }
        let k = self.states();
        let cols = self.means.first().map_or(0, Vec::len);
        let shape = |what, found| Err(Error::Shape { what, found, expected: k });
        if self.transitions.len() != k || self.transitions.iter().any(|r| r.len() != k) {
            return shape("the transition matrix", self.transitions.len());
        }
        if k == 0 || self.means.len() != k || self.variances.len() != k {
            return shape("the list of means or variances", self.means.len());
        }
        let widths = self.means.iter().chain(&self.variances).map(Vec::len);
        if let Some(found) = widths.into_iter().find(|w| *w != cols || cols == 0) {
            return Err(Error::Shape { what: "a mean or variance", found, expected: cols.max(1) });
        }
        let fault =
            |name, value: f64, rule| Err(Error::Parameter { name, value: value.to_string(), rule });
        for row in self.transitions.iter().chain([&self.initial]) {
            check_probabilities(row)?;
        }
        if let Some(v) = self.variances.iter().flatten().find(|v| !(v.is_finite() && **v > 0.0)) {
            return fault("variances", *v, "positive and finite");
        }
        if let Some(m) = self.means.iter().flatten().find(|m| !m.is_finite()) {
            return fault("means", *m, "finite");
        }
        Ok(())
    }

    /// Sum over the columns of `ln(2πv)` in each state: what a density needs besides the row.
    pub(crate) fn log_volumes(&self, out: &mut [f64]) {
        for (slot, variance) in out.iter_mut().zip(&self.variances) {
            *slot = variance.iter().map(|v| libm::log(std::f64::consts::TAU * v)).sum();
        }
    }

    /// Logarithm of the density of a row in each state, given [`log_volumes`](Self::log_volumes).
    pub(crate) fn log_densities(&self, row: &[f64], volumes: &[f64], out: &mut [f64]) {
        let states = self.means.iter().zip(&self.variances).zip(volumes);
        for (slot, ((mean, variance), volume)) in out.iter_mut().zip(states) {
            let mut sum = 0.0;
            for ((x, m), v) in row.iter().zip(mean).zip(variance) {
                sum += (x - m) * (x - m) / v;
            }
            *slot = -0.5 * (volume + sum);
        }
    }

    /// States of the most likely path through all rows: **smoothed**, each one depends on later
    /// rows too. Never for decisions; the first state on a tie.
    ///
    /// # Errors
    /// Those of [`check`](Self::check) and [`HmmFilter::push`]; no other.
    pub fn viterbi(&self, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        let mut filter = HmmFilter::new(self)?;
        let k = self.states();
        let mut from = vec![0_u32; rows.len() * k];
        for (row, back) in rows.iter().zip(from.chunks_exact_mut(k)) {
            filter.push_path(row, |to, from| back[to] = from)?;
        }
        let mut path = vec![0; rows.len()];
        let mut state = first_largest(&filter.path);
        for (slot, back) in path.iter_mut().zip(from.chunks_exact(k)).rev() {
            *slot = u32::try_from(state).unwrap_or(u32::MAX);
            state = back[state] as usize;
        }
        Ok(path)
    }
}

/// The model run forward, one observation at a time: filtered probabilities and the last state of
/// the most likely path. Both use the past only.
///
/// # Examples
/// ```
/// use atlas_regime::hmm::{HmmFilter, HmmModel};
/// let moves = vec![vec![0.9, 0.1], vec![0.1, 0.9]];
/// let (means, variances) = (vec![vec![0.0], vec![4.0]], vec![vec![1.0], vec![1.0]]);
/// let model = HmmModel::from_parameters(vec![0.5, 0.5], moves, means, variances)?;
/// let mut filter = HmmFilter::new(&model)?;
/// filter.push(&[3.9])?;
/// assert!(filter.probabilities()[1] > 0.99);
/// assert_eq!(filter.viterbi_state(), 1);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct HmmFilter {
    model: HmmModel,
    log_initial: Vec<f64>,
    log_transitions: Vec<Vec<f64>>,
    probabilities: Vec<f64>,
    /// Logarithm of the likelihood of the best path into each state.
    path: Vec<f64>,
    log_volumes: Vec<f64>,
    densities: Buffer<Vec<f64>>,
    /// Path and probabilities to be, until they are known to be usable.
    next: Buffer<Vec<f64>>,
    filtered: Buffer<Vec<f64>>,
    priors: Buffer<Vec<f64>>,
    pushed: usize,
}

impl HmmFilter {
    /// Starts before the first observation.
    ///
    /// # Errors
    /// Those of [`HmmModel::check`].
    pub fn new(model: &HmmModel) -> Result<Self, Error> {
        model.check()?;
        let k = model.states();
        let mut log_volumes = vec![0.0; k];
        model.log_volumes(&mut log_volumes);
        let logs = |row: &Vec<f64>| row.iter().map(|p| libm::log(*p)).collect::<Vec<f64>>();
        Ok(Self {
            log_initial: logs(&model.initial),
            log_transitions: model.transitions.iter().map(logs).collect(),
            probabilities: model.initial.clone(),
            path: vec![0.0; k],
            log_volumes,
            densities: Buffer(vec![0.0; k]),
            next: Buffer(vec![0.0; k]),
            filtered: Buffer(vec![0.0; k]),
            priors: Buffer(vec![0.0; k]),
            pushed: 0,
            model: model.clone(),
        })
    }

    /// Takes one observation in, without allocation.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, [`Error::NotFinite`] for NaN or infinite
    /// numbers, [`Error::Overflow`] for a row that has no likelihood in any state that can be
    /// reached, [`Error::TooFar`] for one beside whose likelihood no other row would count any
    /// more; the filter is then as it was. No other.
    pub fn push(&mut self, row: &[f64]) -> Result<(), Error> {
        self.push_path(row, |_, _| {})
    }

    /// Probability of each state given everything pushed so far.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Last state of the most likely path through everything pushed so far.
    #[must_use]
    pub fn viterbi_state(&self) -> usize {
        first_largest(&self.path)
    }

    /// Calls `back(k, i)` with the predecessor `i` of each state `k` on its best path.
    fn push_path(&mut self, row: &[f64], mut back: impl FnMut(usize, u32)) -> Result<(), Error> {
        check_row(row, self.model.means[0].len(), self.pushed)?;
        self.model.log_densities(row, &self.log_volumes, &mut self.densities.0);
        let mut top = f64::NEG_INFINITY;
        for (to, (slot, density)) in self.next.0.iter_mut().zip(&self.densities.0).enumerate() {
            let mut best = (0_u32, self.log_initial[to]);
            if self.pushed > 0 {
                best = (0, f64::NEG_INFINITY);
                for (from, value) in (0_u32..).zip(&self.path) {
                    let value = value + self.log_transitions[from as usize][to];
                    if value > best.1 {
                        best = (from, value);
                    }
                }
            }
            back(to, best.0);
            *slot = best.1 + density;
            top = top.max(*slot);
        }
        if !(top.is_finite() && self.filter()) {
            return Err(Error::Overflow { what: "hidden Markov filter" });
        }
        let before = self.path.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if top < before - FAR {
            return Err(Error::TooFar { what: "hidden Markov filter", row: self.pushed });
        }
        std::mem::swap(&mut self.path, &mut self.next.0);
        std::mem::swap(&mut self.probabilities, &mut self.filtered.0);
        self.pushed += 1;
        Ok(())
    }

    /// Works out the filtered probabilities from the densities; false where none is left.
    fn filter(&mut self) -> bool {
        for (to, slot) in self.priors.0.iter_mut().enumerate() {
            *slot = if self.pushed == 0 {
                self.model.initial[to]
            } else {
                let pairs = self.probabilities.iter().zip(&self.model.transitions);
                pairs.map(|(p, row)| p * row[to]).sum()
            };
        }
        if self.weigh(|_| true) {
            return true;
        }
        // The likeliest state is out of reach: compare those that can be reached.
        self.weigh(|prior| prior > 0.0)
    }

    /// Prior times density relative to the largest density of the states to compare, adding up to
    /// 1; false where nothing is left.
    fn weigh(&mut self, compared: impl Fn(f64) -> bool) -> bool {
        let pairs = || self.priors.0.iter().zip(&self.densities.0);
        let considered = pairs().filter(|(prior, _)| compared(**prior)).map(|(_, d)| *d);
        let top = considered.fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for (slot, (prior, density)) in self.filtered.0.iter_mut().zip(pairs()) {
            // Out of reach stays so, however far the density is above those compared.
            *slot = if *prior > 0.0 { prior * libm::exp(density - top) } else { 0.0 };
            total += *slot;
        }
        for slot in &mut self.filtered.0 {
            *slot /= total;
        }
        total.is_finite() && total > 0.0
    }
}

/// A filter as it is filed away; a path that is impossible is absent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: Format<1>,
    model: HmmModel,
    probabilities: Vec<f64>,
    path: Vec<Option<f64>>,
    pushed: usize,
}

impl From<HmmFilter> for Stored {
    fn from(filter: HmmFilter) -> Self {
        let HmmFilter { model, probabilities, path, pushed, .. } = filter;
        Self { format: Format, model, probabilities, path: defined(&path), pushed }
    }
}

impl TryFrom<Stored> for HmmFilter {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let mut filter = Self::new(&stored.model)?;
        let (found, expected) = (stored.probabilities.len(), stored.model.states());
        if found != expected {
            return Err(Error::Shape { what: "the list of probabilities", found, expected });
        }
        check_probabilities(&stored.probabilities)?;
        if stored.pushed >= COUNT_MAX {
            let value = stored.pushed.to_string();
            return Err(Error::Parameter { name: "pushed", value, rule: "a count of rows" });
        }
        filter.path = restored(&stored.path, "the best paths", expected, f64::NEG_INFINITY)?;
        filter.probabilities = stored.probabilities;
        filter.pushed = stored.pushed;
        Ok(filter)
    }
}

/// Refuses probabilities that are negative or do not add up to 1.
fn check_probabilities(row: &[f64]) -> Result<(), Error> {
    let sum: f64 = row.iter().sum();
    let off = (sum - 1.0).abs();
    if row.iter().any(|p| p.is_nan() || *p < 0.0) || off.is_nan() || off > 1e-6 {
        let (value, rule) = (sum.to_string(), "not negative, adding up to 1");
        return Err(Error::Parameter { name: "probabilities", value, rule });
    }
    Ok(())
}

fn first_largest(values: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &v) in values.iter().enumerate() {
        if v > best.1 {
            best = (i, v);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filter(transitions: [[f64; 2]; 2], initial: [f64; 2]) -> HmmFilter {
        let model = HmmModel {
            format: HMM_FORMAT,
            initial: initial.to_vec(),
            transitions: transitions.map(|row| row.to_vec()).to_vec(),
            means: vec![vec![0.0], vec![4.0]],
            variances: vec![vec![1.0], vec![1.0]],
        };
        HmmFilter::new(&model).unwrap()
    }

    #[test]
    fn a_row_without_likelihood_is_refused_and_changes_nothing() {
        let mut f = filter([[0.9, 0.1], [0.1, 0.9]], [0.5, 0.5]);
        for row in [0.2, 4.1, 3.8] {
            let before = f.clone();
            let expected = Err(Error::Overflow { what: "hidden Markov filter" });
            assert_eq!(f.push(&[1e200]), expected);
            assert!(matches!(f.push(&[1e150]), Err(Error::TooFar { .. })));
            assert_eq!(f, before);
            f.push(&[row]).unwrap();
        }
        assert_eq!(f.viterbi_state(), 1);
        assert!(f.probabilities()[1] > 0.9);
    }

    #[test]
    fn the_likeliest_state_may_be_out_of_reach() {
        let mut f = filter([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0]);
        f.push(&[400.0]).unwrap();
        assert_eq!(f.probabilities(), [1.0, 0.0]);
        let json = serde_json::to_string(&f).unwrap();
        let restored: HmmFilter = serde_json::from_str(&json).unwrap();
        assert_eq!(restored, f);
    }

    #[test]
    fn a_damaged_filter_is_refused() {
        let json = serde_json::to_value(filter([[0.9, 0.1], [0.1, 0.9]], [0.5, 0.5])).unwrap();
        let broken = [
            ("format", serde_json::json!(0)),
            ("probabilities", serde_json::json!([1.0])),
            ("probabilities", serde_json::json!([1.0, 1.0])),
            ("path", serde_json::json!([null, null])),
            ("path", serde_json::json!([0.0])),
            ("pushed", serde_json::json!(u64::MAX)),
        ];
        for (field, value) in broken {
            let mut json = json.clone();
            json[field] = value;
            assert!(serde_json::from_value::<HmmFilter>(json).is_err(), "{field}");
        }
    }

    #[test]
    fn another_format_is_refused() {
        let model = HmmModel {
            format: HMM_FORMAT,
            initial: vec![1.0],
            transitions: vec![vec![1.0]],
            means: vec![vec![0.0]],
            variances: vec![vec![1.0]],
        };
        assert_eq!(model.check(), Ok(()));
        let json = serde_json::to_string(&model).unwrap();
        assert_eq!(serde_json::from_str::<HmmModel>(&json).unwrap(), model);
        let refused =
            Error::Format { what: "the hidden Markov model", found: 9, expected: HMM_FORMAT };
        assert_eq!(HmmModel { format: 9, ..model }.check(), Err(refused));
    }
}
