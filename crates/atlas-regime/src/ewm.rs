//! Exponentially weighted mean, one observation at a time.

use serde::{Deserialize, Serialize};

use crate::Error;

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
/// assert_eq!(mean.push(3.0), 3.0);
/// assert!((mean.push(0.0) - 1.0).abs() < 1e-15); // weights 1 and 1/2
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ewm {
    q: f64,
    weight: f64,
    mean: Option<f64>,
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
        Ok(Self { q: 1.0 - alpha, weight: 1.0, mean: None })
    }

    /// Takes one observation in and gives the mean up to and including it.
    #[expect(clippy::float_cmp, reason = "the reference skips the update on exact equality")]
    pub fn push(&mut self, x: f64) -> f64 {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equals_the_weighted_sum() {
        let xs = [0.3, -1.2, 0.0, 4.0, -0.7, 0.7];
        let mut ewm = Ewm::new(2.5).unwrap();
        let q = 0.5_f64.powf(1.0 / 2.5);
        for t in 0..xs.len() {
            let found = ewm.push(xs[t]);
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
}
