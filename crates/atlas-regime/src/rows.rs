//! A borrowed table of observations, row after row.

use crate::Error;

/// A view of `len` rows with `cols` columns each, stored row after row in one slice.
///
/// Row `t` is the observation at time `t`; a view of a window costs nothing.
///
/// # Examples
/// ```
/// use atlas_regime::Rows;
/// let data = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
/// let rows = Rows::new(&data, 2)?;
/// assert_eq!(rows.len(), 3);
/// assert_eq!(rows.row(1), [3.0, 4.0]);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rows<'a> {
    data: &'a [f64],
    cols: usize,
}

impl<'a> Rows<'a> {
    /// Views a slice as rows of `cols` numbers.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `cols` is 0, [`Error::Shape`] if the slice is not a whole number of
    /// rows; no other.
    pub fn new(data: &'a [f64], cols: usize) -> Result<Self, Error> {
        if cols == 0 {
            return Err(Error::Parameter {
                name: "cols",
                value: "0".to_owned(),
                rule: "at least 1",
            });
        }
        if !data.len().is_multiple_of(cols) {
            return Err(Error::Shape {
                what: "the last row",
                found: data.len() % cols,
                expected: cols,
            });
        }
        Ok(Self { data, cols })
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.data.len() / self.cols
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Number of columns, at least 1.
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// Row `t`, counted from 0.
    ///
    /// # Panics
    /// If `t` is not below [`len`](Self::len).
    #[must_use]
    pub fn row(&self, t: usize) -> &'a [f64] {
        &self.data[t * self.cols..(t + 1) * self.cols]
    }

    /// All numbers, row after row.
    #[must_use]
    pub const fn as_slice(&self) -> &'a [f64] {
        self.data
    }

    /// The rows in order.
    pub fn iter(&self) -> std::slice::ChunksExact<'a, f64> {
        self.data.chunks_exact(self.cols)
    }

    /// Refuses NaN and infinite numbers, naming the first.
    ///
    /// # Errors
    /// [`Error::NotFinite`] with row and column; no other.
    pub fn check_finite(&self, what: &'static str) -> Result<(), Error> {
        match self.data.iter().position(|x| !x.is_finite()) {
            None => Ok(()),
            Some(i) => Err(Error::NotFinite {
                what,
                row: i / self.cols,
                column: i % self.cols,
                value: self.data[i],
            }),
        }
    }
}

impl<'a> IntoIterator for &Rows<'a> {
    type Item = &'a [f64];
    type IntoIter = std::slice::ChunksExact<'a, f64>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        assert!(Rows::new(&[1.0; 6], 3).is_ok_and(|r| r.len() == 2));
        assert!(matches!(Rows::new(&[1.0; 5], 3), Err(Error::Shape { found: 2, expected: 3, .. })));
        assert!(matches!(Rows::new(&[], 0), Err(Error::Parameter { .. })));
    }

    #[test]
    fn the_first_bad_number_is_named() {
        let data = [1.0, 2.0, 3.0, f64::NAN, f64::INFINITY, 0.0];
        let bad = Rows::new(&data, 2).unwrap().check_finite("x").unwrap_err();
        assert!(matches!(bad, Error::NotFinite { row: 1, column: 1, .. }));
    }
}
