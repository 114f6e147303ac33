//! Risk parity: every candidate adds the same risk.

use rust_decimal::Decimal;

use super::method::proportions;
use crate::Error;

/// Proportions under which every candidate contributes the same risk, adding up to one or a little
/// less; each rounded down at nine decimals.
///
/// `covariance` is the square matrix of covariances of returns, row by row. Solved by cyclical
/// coordinate descent on ½ wᵀΣw − Σ ln wᵢ / n, whose only minimum has equal contributions. Source:
/// T. Griveau-Billion, J.-C. Richard, T. Roncalli, "A Fast Algorithm for Computing High-dimensional
/// Risk Parity Portfolios" (2013), section 3.
///
/// # Errors
/// [`Error::Sizing`] unless the matrix is square, symmetric, finite, with a diagonal above zero; or
/// if the descent does not settle within 1000 rounds, as happens for a matrix that is no covariance.
///
/// # Examples
/// ```
/// // Without correlation it is inverse volatility.
/// let parts = atlas_risk::sizing::risk_parity(&[0.01, 0.0, 0.0, 0.09])?;
/// assert_eq!(parts[0].round_dp(6), "0.75".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn risk_parity(covariance: &[f64]) -> Result<Vec<Decimal>, Error> {
    let size = side(covariance)?;
    if size == 0 {
        return Ok(Vec::new());
    }
    // A sizing has at most a few hundred candidates: exact as f64.
    #[expect(clippy::cast_precision_loss, reason = "a number of candidates is far below 2^52")]
    let budget = 1.0 / size as f64;
    let mut weights: Vec<f64> =
        (0..size).map(|at| 1.0 / covariance[at * size + at].sqrt()).collect();
    for _ in 0..ROUNDS {
        let mut moved = 0.0_f64;
        for at in 0..size {
            let row = &covariance[at * size..(at + 1) * size];
            let own = row[at];
            let others: f64 =
                row.iter().zip(&weights).map(|(c, w)| c * w).sum::<f64>() - own * weights[at];
            // The positive root of own·w² + others·w − budget = 0.
            let root = (others.mul_add(others, 4.0 * own * budget)).sqrt();
            let weight = (root - others) / (2.0 * own);
            moved = moved.max((weight - weights[at]).abs() / weight);
            weights[at] = weight;
        }
        if moved < TOLERANCE {
            return proportions(&weights);
        }
    }
    Err(refused("rounds", ROUNDS.to_string(), "enough to settle; check the covariances"))
}

/// The side of a square matrix that can be one of covariances.
fn side(covariance: &[f64]) -> Result<usize, Error> {
    let size = covariance.len().isqrt();
    if size * size != covariance.len() {
        return Err(refused("matrix size", covariance.len().to_string(), "a square number"));
    }
    for row in 0..size {
        for column in 0..size {
            let (value, twin) = (covariance[row * size + column], covariance[column * size + row]);
            let scale = value.abs().max(twin.abs());
            if !value.is_finite() || (value - twin).abs() > 1e-9 * scale {
                return Err(refused("covariance", value.to_string(), "finite and symmetric"));
            }
        }
        let variance = covariance[row * size + row];
        if variance <= 0.0 {
            return Err(refused("variance", variance.to_string(), "above 0"));
        }
    }
    Ok(size)
}

const fn refused(name: &'static str, value: String, rule: &'static str) -> Error {
    Error::Sizing { method: "risk parity", name, value, rule }
}

const ROUNDS: u32 = 1000;
const TOLERANCE: f64 = 1e-12;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rust_decimal::prelude::ToPrimitive;

    use super::*;

    proptest! {
        /// Of any covariance (a random matrix times its transpose, plus a diagonal) all
        /// contributions w·(Σw) come out equal.
        #[test]
        fn contributions_are_equal(seed in prop::collection::vec(-1.0_f64..1.0, 16)) {
            let size = 4;
            let mut covariance = vec![0.0; 16];
            for row in 0..size {
                for column in 0..size {
                    covariance[row * size + column] = (0..size)
                        .map(|k| seed[row * size + k] * seed[column * size + k])
                        .sum::<f64>() * 0.01;
                }
                covariance[row * size + row] += 0.001;
            }
            let weights: Vec<f64> = risk_parity(&covariance)
                .unwrap()
                .iter()
                .map(|weight| weight.to_f64().unwrap())
                .collect();
            let risk = |at: usize| -> f64 {
                weights[at] * (0..size).map(|k| covariance[at * size + k] * weights[k]).sum::<f64>()
            };
            let total: f64 = (0..size).map(risk).sum();
            for at in 0..size {
                prop_assert!((risk(at) / total - 0.25).abs() < 1e-5, "{at}: {}", risk(at) / total);
            }
        }
    }

    /// Covariances of any size give the same proportions: how far the descent has to go does not
    /// depend on the size of the weights.
    #[test]
    fn scale_does_not_matter() {
        let matrix = [0.04, 0.01, 0.0, 0.01, 0.09, 0.03, 0.0, 0.03, 0.25];
        let rounded = |scale: f64| -> Vec<Decimal> {
            let parts = risk_parity(&matrix.map(|covariance| covariance * scale)).unwrap();
            parts.iter().map(|part| part.round_dp(7)).collect()
        };
        let plain = rounded(1.0);
        assert!(plain[0] > plain[1] && plain[1] > plain[2]);
        for scale in [1e-24, 1e24] {
            assert_eq!(rounded(scale), plain, "{scale:e}");
        }
    }

    #[test]
    fn what_is_no_covariance_is_refused() {
        for matrix in [
            &[1.0, 2.0][..],
            &[1.0, 0.5, 0.4, 1.0],
            &[0.01, 1e-5, 1.001e-5, 0.01],
            &[1.0, f64::NAN, f64::NAN, 1.0],
            &[0.0, 0.0, 0.0, 1.0],
        ] {
            assert!(risk_parity(matrix).is_err(), "{matrix:?}");
        }
        assert!(risk_parity(&[]).unwrap().is_empty());
    }
}
