//! What the detector is handed, and the checks it must pass.

use chrono::NaiveDate;

use crate::Error;

/// Dated values; dates strictly increase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Series<'a> {
    /// Sessions, strictly increasing.
    pub dates: &'a [NaiveDate],
    /// One value per date.
    pub values: &'a [f64],
}

impl Series<'_> {
    /// The part with dates up to and including `as_of`, checked: lengths, order, finiteness, and
    /// positive values where asked. Later rows are not looked at.
    pub(crate) fn up_to(
        self,
        series: &'static str,
        as_of: NaiveDate,
        positive: bool,
    ) -> Result<Self, Error> {
        if self.dates.len() != self.values.len() {
            let (found, expected) = (self.values.len(), self.dates.len());
            return Err(Error::Shape { what: series, found, expected });
        }
        let end = self.dates.iter().position(|&d| d > as_of).unwrap_or(self.dates.len());
        let (dates, values) = (&self.dates[..end], &self.values[..end]);
        if let Some(i) = dates.windows(2).position(|pair| pair[0] >= pair[1]) {
            let (previous, date) = (dates[i], dates[i + 1]);
            return Err(Error::DatesNotIncreasing { series, row: i + 1, previous, date });
        }
        let bad = |v: &f64| !v.is_finite() || (positive && *v <= 0.0);
        if let Some(row) = values.iter().position(bad) {
            return Err(Error::BadValue { series, row, date: dates[row], value: values[row] });
        }
        Ok(Self { dates, values })
    }
}

/// Everything a detection sees. Rows after `as_of` never matter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Inputs<'a> {
    /// Daily closes of the index, positive. Its first session is session 0: refits are counted
    /// from it, so it is part of the detector's identity.
    pub index: Series<'a>,
    /// Daily closes of the VIX in index points, positive.
    pub vix: Option<Series<'a>>,
    /// Three-month Treasury rate in percent per year; used if it reaches from the index's first
    /// session to the one before `as_of`.
    pub rate: Option<Series<'a>>,
    /// The session to judge, after its close.
    pub as_of: NaiveDate,
}
