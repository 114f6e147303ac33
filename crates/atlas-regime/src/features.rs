//! The features of the jump-model papers: downside deviation and Sortino ratios.

use serde::{Deserialize, Serialize};

use crate::stored::Format;
use crate::{Error, Ewm};

/// One feature of a return series, by exponentially weighted means with one half-life in sessions.
///
/// Source: Shu, Yu and Mulvey 2024, "Downside risk reduction using regime-switching signals",
/// Table 2 (raw downside deviation), and the example of their package (log form, mean return).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Feature {
    /// Mean return, per session.
    Return {
        /// Half-life in sessions.
        halflife: f64,
    },
    /// Downside deviation `√(mean of min(r, 0)²)` over all sessions, per session, not annualised.
    Downside {
        /// Half-life in sessions.
        halflife: f64,
    },
    /// Natural logarithm of the downside deviation; −∞ until the first negative return.
    LogDownside {
        /// Half-life in sessions.
        halflife: f64,
    },
    /// Mean return over downside deviation, same half-life in both; undefined until the first
    /// negative return.
    Sortino {
        /// Half-life in sessions.
        halflife: f64,
    },
}

impl Feature {
    /// The three of the paper: downside deviation 10, Sortino 20, Sortino 60.
    pub const PAPER: [Self; 3] = [
        Self::Downside { halflife: 10.0 },
        Self::Sortino { halflife: 20.0 },
        Self::Sortino { halflife: 60.0 },
    ];

    /// The nine of the package's example: mean return, log downside deviation and Sortino ratio
    /// for the half-lives 5, 20 and 60.
    pub const PACKAGE: [Self; 9] = [
        Self::Return { halflife: 5.0 },
        Self::LogDownside { halflife: 5.0 },
        Self::Sortino { halflife: 5.0 },
        Self::Return { halflife: 20.0 },
        Self::LogDownside { halflife: 20.0 },
        Self::Sortino { halflife: 20.0 },
        Self::Return { halflife: 60.0 },
        Self::LogDownside { halflife: 60.0 },
        Self::Sortino { halflife: 60.0 },
    ];

    /// Half-life in sessions.
    #[must_use]
    pub const fn halflife(self) -> f64 {
        match self {
            Self::Return { halflife }
            | Self::Downside { halflife }
            | Self::LogDownside { halflife }
            | Self::Sortino { halflife } => halflife,
        }
    }

    /// A short name such as `sortino_20`, used in evidence and reports.
    #[must_use]
    pub fn name(self) -> String {
        let kind = match self {
            Self::Return { .. } => "ret",
            Self::Downside { .. } => "dd",
            Self::LogDownside { .. } => "log_dd",
            Self::Sortino { .. } => "sortino",
        };
        format!("{kind}_{}", self.halflife())
    }
}

/// Computes a list of features, one return at a time; row `t` depends on returns up to `t` only.
///
/// # Examples
/// ```
/// use atlas_regime::{Feature, FeatureStream};
/// let mut stream = FeatureStream::new(&Feature::PAPER)?;
/// let mut row = [0.0; 3];
/// stream.push(-0.01, &mut row)?;
/// assert!((row[0] - 0.01).abs() < 1e-15); // downside deviation of a single loss of 1 %
/// assert!((row[1] + 1.0).abs() < 1e-12); // mean over deviation
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct FeatureStream {
    format: Format<1>,
    features: Vec<Feature>,
    pairs: Vec<Pair>,
    pair_of: Vec<usize>,
    /// Returns taken in, which names the row of a bad one.
    pushed: usize,
}

/// The two means every feature of one half-life is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pair {
    halflife: f64,
    mean: Ewm,
    downside: Ewm,
}

impl Pair {
    /// Takes a return in; gives mean and downside deviation.
    fn take(&mut self, simple_return: f64) -> (f64, f64) {
        let loss = if simple_return < 0.0 { simple_return } else { 0.0 };
        (self.mean.add(simple_return), self.downside.add(loss * loss).sqrt())
    }
}

impl FeatureStream {
    /// Starts without returns.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an empty list, one of more than 32, or a half-life that is not
    /// positive and finite; no other.
    #[expect(clippy::float_cmp, reason = "features share state only on the very same half-life")]
    pub fn new(features: &[Feature]) -> Result<Self, Error> {
        if features.is_empty() || features.len() > MAX_HALFLIVES {
            return Err(Error::Parameter {
                name: "features",
                value: format!("a list of {}", features.len()),
                rule: "1 to 32 features",
            });
        }
        let mut pairs: Vec<Pair> = Vec::new();
        let mut pair_of = Vec::with_capacity(features.len());
        for feature in features {
            let halflife = feature.halflife();
            let known = pairs.iter().position(|p| p.halflife == halflife);
            pair_of.push(known.unwrap_or(pairs.len()));
            if known.is_none() {
                let ewm = Ewm::new(halflife)?;
                pairs.push(Pair { halflife, mean: ewm.clone(), downside: ewm });
            }
        }
        Ok(Self { format: Format, features: features.to_vec(), pairs, pair_of, pushed: 0 })
    }

    /// The features, in the order of the columns.
    #[must_use]
    pub fn features(&self) -> &[Feature] {
        &self.features
    }

    /// Takes one simple return in and writes the features up to and including it.
    ///
    /// Until the first negative return Sortino ratios are infinite or NaN and log deviations −∞.
    ///
    /// # Errors
    /// [`Error::Shape`] if `out` has another length than the list of features,
    /// [`Error::NotFinite`] for NaN or infinity, its row the number of returns before it;
    /// [`Error::Overflow`] for a return too large to be squared and averaged; the stream is then
    /// as it was. No other.
    pub fn push(&mut self, simple_return: f64, out: &mut [f64]) -> Result<(), Error> {
        self.take(simple_return, self.pushed, out)
    }

    /// What [`push`](Self::push) would write, without taking the return in.
    pub(crate) fn peek(&self, simple_return: f64, out: &mut [f64]) -> Result<(), Error> {
        self.check(simple_return, self.pushed, out)?;
        let mut values = [(0.0, 0.0); MAX_HALFLIVES];
        for (pair, value) in self.pairs.iter().zip(&mut values) {
            *value = pair.clone().take(simple_return);
        }
        self.write(&values, out);
        Ok(())
    }

    /// [`push`](Self::push), with the row number an error shall name.
    fn take(&mut self, simple_return: f64, row: usize, out: &mut [f64]) -> Result<(), Error> {
        self.check(simple_return, row, out)?;
        let mut values = [(0.0, 0.0); MAX_HALFLIVES];
        for (pair, value) in self.pairs.iter_mut().zip(&mut values) {
            *value = pair.take(simple_return);
        }
        self.write(&values, out);
        self.pushed = self.pushed.saturating_add(1);
        Ok(())
    }

    fn check(&self, simple_return: f64, row: usize, out: &[f64]) -> Result<(), Error> {
        if out.len() != self.features.len() {
            let (found, expected) = (out.len(), self.features.len());
            return Err(Error::Shape { what: "the row of features", found, expected });
        }
        check_return(simple_return, row)
    }

    /// The features of means and deviations by half-life.
    fn write(&self, values: &[(f64, f64); MAX_HALFLIVES], out: &mut [f64]) {
        for ((feature, &pair), slot) in self.features.iter().zip(&self.pair_of).zip(out) {
            let (mean, deviation) = values[pair];
            *slot = match feature {
                Feature::Return { .. } => mean,
                Feature::Downside { .. } => deviation,
                Feature::LogDownside { .. } => libm::log(deviation),
                Feature::Sortino { .. } => mean / deviation,
            };
        }
    }

    /// Features of a whole series of returns, row after row.
    ///
    /// # Errors
    /// Those of [`push`](Self::push); the row is counted from the start of `simple_returns`.
    pub fn batch(mut self, simple_returns: &[f64]) -> Result<Vec<f64>, Error> {
        let cols = self.features.len();
        let mut out = vec![0.0; cols * simple_returns.len()];
        for (t, (row, &r)) in out.chunks_exact_mut(cols).zip(simple_returns).enumerate() {
            self.take(r, t, row)?;
        }
        Ok(out)
    }
}

/// Refuses a return that no feature can be made of, naming its row.
pub(crate) fn check_return(simple_return: f64, row: usize) -> Result<(), Error> {
    if !simple_return.is_finite() {
        let (what, value) = ("the return", simple_return);
        return Err(Error::NotFinite { what, row, column: 0, value });
    }
    if simple_return.abs() > RETURN_MAX {
        return Err(Error::Overflow { what: "features" });
    }
    Ok(())
}

/// A stream as it was filed away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "format")]
    _format: Format<1>,
    features: Vec<Feature>,
    pairs: Vec<Pair>,
    pair_of: Vec<usize>,
    pushed: usize,
}

impl TryFrom<Stored> for FeatureStream {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let fresh = Self::new(&stored.features)?;
        let fits = |(pair, fresh): (&Pair, &Pair)| {
            pair.halflife.to_bits() == fresh.halflife.to_bits()
                && pair.mean.is_sound(&fresh.mean)
                && pair.downside.is_sound(&fresh.downside)
                && pair.downside.is_not_negative()
        };
        let same = stored.pair_of == fresh.pair_of && stored.pairs.len() == fresh.pairs.len();
        if !same || !stored.pairs.iter().zip(&fresh.pairs).all(fits) {
            return Err(Error::Parameter {
                name: "pairs",
                value: format!("a list of {}", stored.pairs.len()),
                rule: "the means of the half-lives of the features",
            });
        }
        Ok(Self { pairs: stored.pairs, pushed: stored.pushed, ..fresh })
    }
}

/// The largest return whose square can be averaged.
const RETURN_MAX: f64 = 1e90;

/// More half-lives than anybody has features for.
const MAX_HALFLIVES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_undefined_before_the_first_loss() {
        let mut stream = FeatureStream::new(&Feature::PACKAGE[..3]).unwrap();
        let mut row = [0.0; 3];
        stream.push(0.01, &mut row).unwrap();
        assert!((row[0] - 0.01).abs() < 1e-15);
        assert!(row[1].is_infinite() && row[1] < 0.0);
        assert!(row[2].is_infinite() && row[2] > 0.0);
    }

    #[test]
    fn bad_returns_and_rows_are_refused_and_change_nothing() {
        let mut stream = FeatureStream::new(&Feature::PAPER).unwrap();
        let mut row = [0.0; 3];
        stream.push(-0.01, &mut row).unwrap();
        let before = stream.clone();
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(stream.push(x, &mut row), Err(Error::NotFinite { .. })));
        }
        assert_eq!(stream.push(-1e160, &mut row), Err(Error::Overflow { what: "features" }));
        for len in [0, 2, 4] {
            let found = stream.push(0.01, &mut vec![0.0; len]);
            assert!(matches!(found, Err(Error::Shape { expected: 3, .. })));
        }
        assert_eq!(stream, before);
        assert!(stream.batch(&[0.01, f64::NAN]).is_err());
    }

    #[test]
    fn a_bad_return_is_named_by_its_row() {
        let mut returns = vec![0.01; 80];
        returns[57] = f64::NAN;
        let stream = FeatureStream::new(&Feature::PAPER).unwrap();
        let row_of = |found: Error| {
            let Error::NotFinite { row, .. } = found else { panic!("{found}") };
            row
        };
        assert_eq!(row_of(stream.clone().batch(&returns).unwrap_err()), 57);
        let (mut one_by_one, mut row) = (stream, [0.0; 3]);
        let bad = returns.iter().find_map(|r| one_by_one.push(*r, &mut row).err());
        assert_eq!(row_of(bad.unwrap()), 57);
        let again: FeatureStream =
            serde_json::from_str(&serde_json::to_string(&one_by_one).unwrap()).unwrap();
        assert_eq!(again, one_by_one);
        // A slice has rows of its own, whatever came before it.
        assert_eq!(row_of(one_by_one.batch(&[0.0, f64::INFINITY]).unwrap_err()), 1);
    }

    #[test]
    fn names_tell_kind_and_half_life() {
        let names: Vec<_> = Feature::PAPER.iter().map(|f| f.name()).collect();
        assert_eq!(names, ["dd_10", "sortino_20", "sortino_60"]);
    }
}
