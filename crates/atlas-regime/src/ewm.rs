//! Exponentially weighted mean, one observation at a time.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::stored::Format;

/// The mean of all observations so far, with weights that halve every `halflife` observations.
///
/// `y_t = Σ_i q^i x_{t−i} / Σ_i q^i` with `q = 2^(−1/halflife)`; the weights are normalised over
/// what has been seen, so the first value is the first observation. The order of operations is
/// that of pandas' `ewm(halflife=h).mean()` with `adjust=True`.
///
/// # Examples
/// ```
/// use atlas_regime::Ewm;
/// let mut mean = Ewm::new(1.0)?;
/// assert_eq!(mean.push(3.0)?, 3.0);
/// assert!((mean.push(0.0)? - 1.0).abs() < 1e-15); // weights 1 and 1/2
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct Ewm {
    format: Format<1>,
    q: f64,
    weight: f64,
    mean: Option<f64>,
    /// Observations pushed, which names the row of a bad one.
    pushed: usize,
}

impl Ewm {
    /// Starts without observations; `halflife` is in observations.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless the half-life is positive and finite; no other.
    pub fn new(halflife: f64) -> Result<Self, Error> {
        if !(halflife.is_finite() && halflife > 0.0) {
            return Err(Error::Parameter {
                name: "halflife",
                value: halflife.to_string(),
                rule: "a positive number of observations",
            });
        }
        let decay = 1.0 - libm::exp(-std::f64::consts::LN_2 / halflife);
        let com = 1.0 / decay - 1.0;
        let alpha = 1.0 / (1.0 + com);
        Ok(Self { format: Format, q: 1.0 - alpha, weight: 1.0, mean: None, pushed: 0 })
    }

    /// Takes one observation in and gives the mean up to and including it.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for NaN or infinity, its row the number of observations before it;
    /// [`Error::Overflow`] where the weighted sum overflows; the mean is then as it was. No other.
    pub fn push(&mut self, x: f64) -> Result<f64, Error> {
        if !x.is_finite() {
            let what = "the observation";
            return Err(Error::NotFinite { what, row: self.pushed, column: 0, value: x });
        }
        let mut next = self.clone();
        let mean = next.add(x);
        if !mean.is_finite() {
            return Err(Error::Overflow { what: "weighted mean" });
        }
        next.pushed = next.pushed.saturating_add(1);
        *self = next;
        Ok(mean)
    }

    /// [`push`](Self::push) for what is known to be finite and far from the largest number.
    #[expect(clippy::float_cmp, reason = "the reference skips the update on exact equality")]
    pub(crate) fn add(&mut self, x: f64) -> f64 {
        let mean = match self.mean {
            None => x,
            Some(mut mean) => {
                self.weight *= self.q;
                if mean != x {
                    mean = (self.weight * mean + x) / (self.weight + 1.0);
                }
                self.weight += 1.0;
                mean
            }
        };
        self.mean = Some(mean);
        mean
    }

    /// Whether a restored mean is one that observations can have led to.
    pub(crate) fn is_sound(&self, fresh: &Self) -> bool {
        self.q.to_bits() == fresh.q.to_bits()
            && (1.0..COUNT_MAX).contains(&self.weight)
            && self.mean.is_none_or(|mean| mean.abs() <= MEAN_MAX)
    }

    /// Whether the mean is one of numbers that are not negative.
    pub(crate) fn is_not_negative(&self) -> bool {
        self.mean.is_none_or(|mean| mean >= 0.0)
    }
}

/// A mean as it was filed away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: Format<1>,
    q: f64,
    weight: f64,
    mean: Option<f64>,
    pushed: usize,
}

impl TryFrom<Stored> for Ewm {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { format, q, weight, mean, pushed } = stored;
        let sound = (0.0..=1.0).contains(&q)
            && (1.0..COUNT_MAX).contains(&weight)
            && mean.is_none_or(f64::is_finite);
        if sound {
            return Ok(Self { format, q, weight, mean, pushed });
        }
        let value = format!("{mean:?} with weights {q} and {weight}");
        Err(Error::Parameter { name: "mean", value, rule: "one that observations can lead to" })
    }
}

/// More weight than observations there ever are.
const COUNT_MAX: f64 = 1e12;

/// Larger than any mean of returns or of their squares, and far from overflow.
pub(crate) const MEAN_MAX: f64 = 1e200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_weighted_sum() {
        let xs = [0.3, -1.2, 0.0, 4.0, -0.7, 0.7];
        let mut ewm = Ewm::new(2.5).unwrap();
        let q = 0.5_f64.powf(1.0 / 2.5);
        for t in 0..xs.len() {
            let found = ewm.push(xs[t]).unwrap();
            let (mut top, mut bottom, mut w) = (0.0, 0.0, 1.0);
            for x in xs[..=t].iter().rev() {
                top += w * x;
                bottom += w;
                w *= q;
            }
            assert!((found - top / bottom).abs() < 1e-14);
        }
    }

    #[test]
    fn bad_half_lives_are_refused() {
        for h in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Ewm::new(h).is_err());
        }
    }

    #[test]
    fn a_mean_comes_back_and_a_damaged_one_does_not() {
        let mut ewm = Ewm::new(3.0).unwrap();
        for x in [0.3, -1.2, 0.4] {
            ewm.push(x).unwrap();
        }
        let json = serde_json::to_value(&ewm).unwrap();
        assert_eq!(serde_json::from_value::<Ewm>(json.clone()).unwrap(), ewm);
        for (field, value) in [("format", 2.0), ("q", 1.5), ("weight", 0.0), ("pushed", -1.0)] {
            let mut bad = json.clone();
            bad[field] = value.into();
            assert!(serde_json::from_value::<Ewm>(bad).is_err(), "{field}");
        }
    }

    #[test]
    fn what_is_no_number_or_too_large_is_refused_and_changes_nothing() {
        let mut ewm = Ewm::new(2.0).unwrap();
        ewm.push(f64::MAX).unwrap();
        let before = ewm.clone();
        for x in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(matches!(ewm.push(x), Err(Error::NotFinite { row: 1, .. })));
        }
        assert_eq!(ewm.push(f64::MAX / 1.1), Err(Error::Overflow { what: "weighted mean" }));
        assert_eq!(ewm, before);
    }
}
