//! Clipping and scaling of feature columns with bounds learnt on past rows.

use serde::{Deserialize, Serialize};

use crate::count::float;
use crate::stored::Format;
use crate::{Error, Rows};

/// Clips each column to mean ± `mul` population standard deviations of the rows it was fitted on.
///
/// # Examples
/// ```
/// use atlas_regime::{Clipper, Rows};
/// let data = [0.0, 1.0, 2.0, 3.0, 100.0];
/// let clipper = Clipper::fit(Rows::new(&data, 1)?, 1.0)?;
/// let mut row = [100.0];
/// clipper.apply(&mut row)?;
/// assert!(row[0] < 62.0);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredClipper")]
pub struct Clipper {
    format: Format<1>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl Clipper {
    /// Learns the bounds of each column.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `mul` is not positive and finite, [`Error::TooFewRows`] without
    /// rows, [`Error::NotFinite`] for NaN or infinite numbers; no other.
    pub fn fit(rows: Rows<'_>, mul: f64) -> Result<Self, Error> {
        if !(mul.is_finite() && mul > 0.0) {
            return Err(Error::Parameter {
                name: "clip",
                value: mul.to_string(),
                rule: "a positive number of standard deviations",
            });
        }
        let moments = Moments::of(rows)?;
        let bound = |sign: f64| {
            let pairs = moments.mean.iter().zip(&moments.variance);
            pairs.map(|(m, v)| m + sign * mul * v.sqrt()).collect()
        };
        Ok(Self { format: Format, lower: bound(-1.0), upper: bound(1.0) })
    }

    /// Clips one row in place.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, which is then as it was; no other.
    pub fn apply(&self, row: &mut [f64]) -> Result<(), Error> {
        check_width(row, self.lower.len())?;
        for ((x, &low), &high) in row.iter_mut().zip(&self.lower).zip(&self.upper) {
            *x = if *x < low {
                low
            } else if *x > high {
                high
            } else {
                *x
            };
        }
        Ok(())
    }

    /// Refuses restored bounds of another width, or that no fit gives.
    pub(crate) fn check(&self, cols: usize) -> Result<(), Error> {
        check_width(&self.lower, cols)?;
        check_width(&self.upper, cols)?;
        let pairs = || self.lower.iter().zip(&self.upper);
        match pairs().position(|(low, high)| !(low.is_finite() && high.is_finite() && low <= high))
        {
            None => Ok(()),
            Some(column) => Err(out_of_range("clipper", column)),
        }
    }

    /// Lower bound per column.
    #[must_use]
    pub fn lower(&self) -> &[f64] {
        &self.lower
    }

    /// Upper bound per column.
    #[must_use]
    pub fn upper(&self) -> &[f64] {
        &self.upper
    }
}

/// Subtracts the mean and divides by the population standard deviation of the rows it was fitted
/// on; a column that does not vary is only centred.
///
/// # Examples
/// ```
/// use atlas_regime::{Rows, Scaler};
/// let data = [1.0, 7.0, 3.0, 7.0];
/// let scaler = Scaler::fit(Rows::new(&data, 2)?)?;
/// let mut row = [3.0, 7.5];
/// scaler.apply(&mut row)?;
/// assert_eq!(row, [1.0, 0.5]);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StoredScaler")]
pub struct Scaler {
    format: Format<1>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaler {
    /// Learns mean and scale of each column.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] without rows, [`Error::NotFinite`] for NaN or infinite numbers; no
    /// other.
    pub fn fit(rows: Rows<'_>) -> Result<Self, Error> {
        let Moments { mean, variance } = Moments::of(rows)?;
        let n = float(rows.len());
        let pairs = mean.iter().zip(&variance);
        let scale = pairs.map(|(&m, &v)| if is_constant(n, m, v) { 1.0 } else { v.sqrt() });
        let scale = scale.collect();
        Ok(Self { format: Format, mean, variance, scale })
    }

    /// Scales one row in place.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, which is then as it was; no other.
    pub fn apply(&self, row: &mut [f64]) -> Result<(), Error> {
        check_width(row, self.mean.len())?;
        for ((x, mean), scale) in row.iter_mut().zip(&self.mean).zip(&self.scale) {
            *x = (*x - mean) / scale;
        }
        Ok(())
    }

    /// Refuses a restored scale of another width, or that no fit gives.
    pub(crate) fn check(&self, cols: usize) -> Result<(), Error> {
        for list in [&self.mean, &self.variance, &self.scale] {
            check_width(list, cols)?;
            if let Some(column) = list.iter().position(|x| !x.is_finite()) {
                return Err(out_of_range("scaler", column));
            }
        }
        match self.scale.iter().position(|scale| *scale <= 0.0) {
            None => Ok(()),
            Some(column) => Err(out_of_range("scaler", column)),
        }
    }

    /// Mean per column.
    #[must_use]
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Population variance per column.
    #[must_use]
    pub fn variance(&self) -> &[f64] {
        &self.variance
    }

    /// Divisor per column: the standard deviation, or 1 where the column does not vary.
    #[must_use]
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }
}

/// A clipper as it was filed away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredClipper {
    format: Format<1>,
    lower: Vec<f64>,
    upper: Vec<f64>,
}

impl TryFrom<StoredClipper> for Clipper {
    type Error = Error;

    fn try_from(stored: StoredClipper) -> Result<Self, Error> {
        let StoredClipper { format, lower, upper } = stored;
        let clipper = Self { format, lower, upper };
        clipper.check(clipper.lower.len())?;
        Ok(clipper)
    }
}

/// A scaler as it was filed away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredScaler {
    format: Format<1>,
    mean: Vec<f64>,
    variance: Vec<f64>,
    scale: Vec<f64>,
}

impl TryFrom<StoredScaler> for Scaler {
    type Error = Error;

    fn try_from(stored: StoredScaler) -> Result<Self, Error> {
        let StoredScaler { format, mean, variance, scale } = stored;
        let scaler = Self { format, mean, variance, scale };
        scaler.check(scaler.mean.len())?;
        Ok(scaler)
    }
}

fn check_width(row: &[f64], expected: usize) -> Result<(), Error> {
    if row.len() == expected {
        return Ok(());
    }
    Err(Error::Shape { what: "the row", found: row.len(), expected })
}

fn out_of_range(name: &'static str, column: usize) -> Error {
    let value = format!("bad in column {column}");
    Error::Parameter { name, value, rule: "finite, in order and with a positive scale" }
}

/// Whether a variance is nothing but rounding noise of the mean (scikit-learn's rule).
fn is_constant(n: f64, mean: f64, variance: f64) -> bool {
    let noise = n * mean * f64::EPSILON;
    variance <= n * f64::EPSILON * variance + noise * noise
}

/// Mean and population variance of each column, two passes with a correction.
struct Moments {
    mean: Vec<f64>,
    variance: Vec<f64>,
}

impl Moments {
    fn of(rows: Rows<'_>) -> Result<Self, Error> {
        if rows.is_empty() {
            return Err(Error::TooFewRows { what: "the data", have: 0, need: 1 });
        }
        rows.check_finite("the data")?;
        let n = float(rows.len());
        let mut mean = vec![0.0; rows.cols()];
        for row in &rows {
            for (m, x) in mean.iter_mut().zip(row) {
                *m += x;
            }
        }
        for m in &mut mean {
            *m /= n;
        }
        let mut variance = vec![0.0; rows.cols()];
        let mut drift = vec![0.0; rows.cols()];
        for row in &rows {
            for (((x, m), v), d) in row.iter().zip(&mean).zip(&mut variance).zip(&mut drift) {
                let gap = x - m;
                *d += gap;
                *v += gap * gap;
            }
        }
        for (v, d) in variance.iter_mut().zip(&drift) {
            *v = (*v - d * d / n) / n;
        }
        if variance.iter().any(|v| !v.is_finite()) {
            return Err(Error::Overflow { what: "scaling" });
        }
        Ok(Self { mean, variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_column_is_only_centred() {
        let data = [0.1; 7];
        let scaler = Scaler::fit(Rows::new(&data, 1).unwrap()).unwrap();
        assert_eq!(scaler.scale(), [1.0]);
    }

    #[test]
    fn a_row_of_another_width_is_refused_and_left_alone() {
        let data = [0.0, 1.0, 2.0, 5.0];
        let rows = Rows::new(&data, 2).unwrap();
        let (clipper, scaler) = (Clipper::fit(rows, 1.0).unwrap(), Scaler::fit(rows).unwrap());
        for mut row in [vec![], vec![9.0], vec![9.0; 3]] {
            let before = row.clone();
            assert!(matches!(clipper.apply(&mut row), Err(Error::Shape { expected: 2, .. })));
            assert!(matches!(scaler.apply(&mut row), Err(Error::Shape { expected: 2, .. })));
            assert_eq!(row, before);
        }
    }

    #[test]
    fn what_was_filed_away_comes_back_and_what_is_damaged_does_not() {
        let data = [0.0, 1.0, 2.0, 5.0];
        let rows = Rows::new(&data, 2).unwrap();
        let clipper = serde_json::to_value(Clipper::fit(rows, 1.0).unwrap()).unwrap();
        let scaler = serde_json::to_value(Scaler::fit(rows).unwrap()).unwrap();
        assert!(serde_json::from_value::<Clipper>(clipper.clone()).is_ok());
        assert!(serde_json::from_value::<Scaler>(scaler.clone()).is_ok());
        let damages = [
            ("format", serde_json::json!(0)),
            ("upper", serde_json::json!([-9.0, 9.0])),
            ("upper", serde_json::json!([9.0])),
            ("scale", serde_json::json!([0.0, 1.0])),
            ("scale", serde_json::json!([1.0])),
        ];
        for (field, value) in damages {
            let put = |mut json: serde_json::Value| {
                json[field] = value.clone();
                json
            };
            assert!(serde_json::from_value::<Clipper>(put(clipper.clone())).is_err(), "{field}");
            assert!(serde_json::from_value::<Scaler>(put(scaler.clone())).is_err(), "{field}");
        }
    }

    #[test]
    fn no_rows_and_bad_multiples_are_refused() {
        let rows = Rows::new(&[], 2).unwrap();
        assert!(matches!(Scaler::fit(rows), Err(Error::TooFewRows { .. })));
        let data = [1.0];
        for mul in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let rows = Rows::new(&data, 1).unwrap();
            assert!(matches!(Clipper::fit(rows, mul), Err(Error::Parameter { .. })));
        }
    }
}
