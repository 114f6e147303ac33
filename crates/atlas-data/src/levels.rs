//! Dated numbers that nobody trades: a volatility index, an interest rate.

use chrono::{NaiveDate, TimeDelta};

use crate::Error;

/// A series of dated numbers, such as the VIX in points or a rate in per cent per year.
///
/// Dates strictly increase, values are finite; their unit is the one of the series.
///
/// # Examples
///
/// ```
/// use atlas_data::Levels;
/// use chrono::NaiveDate;
///
/// let day = |d| NaiveDate::from_ymd_opt(2018, 2, d).unwrap();
/// let vix = Levels::new("VIX", vec![day(2), day(5)], vec![17.31, 37.32])?;
/// assert_eq!(vix.as_of(day(4)).last(), Some((day(2), 17.31)));
/// assert_eq!(vix.view().on(day(5)), Some(37.32));
/// # Ok::<(), atlas_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Levels {
    name: String,
    dates: Vec<NaiveDate>,
    values: Vec<f64>,
}

impl Levels {
    /// Checks dates and values and makes them a series.
    ///
    /// # Errors
    /// [`Error::BadFile`] carrying `name` when lengths differ, dates do not strictly increase or
    /// a value is not finite.
    pub fn new(name: &str, dates: Vec<NaiveDate>, values: Vec<f64>) -> Result<Self, Error> {
        let refuse = |problem| Error::BadFile { file: name.to_owned(), problem };
        if dates.len() != values.len() {
            let (found, expected) = (values.len(), dates.len());
            return Err(refuse(format!("{found} values for {expected} dates")));
        }
        if let Some([one, next]) = dates.array_windows().find(|[one, next]| next <= one) {
            return Err(refuse(format!(
                "{next} stands after {one}; dates must increase without repeats"
            )));
        }
        if let Some(row) = values.iter().position(|value| !value.is_finite()) {
            return Err(refuse(format!("{}: {} is not a number", dates[row], values[row])));
        }
        Ok(Self { name: name.to_owned(), dates, values })
    }

    /// Reads VIX closes, in points, from comma-separated text with the columns `date` and `close`:
    /// a file of one's own, Cboe's daily history or FRED's `VIXCLS` as they are published.
    ///
    /// # Errors
    /// [`Error`] naming `file`, the line and what is wrong there.
    ///
    /// # Examples
    /// ```
    /// let cboe = b"DATE,OPEN,HIGH,LOW,CLOSE\n01/02/2019,27.5,28.5,23.1,23.22\n";
    /// let vix = atlas_data::Levels::vix_from_csv("VIX_History.csv", cboe)?;
    /// assert_eq!(vix.view().last().map(|(_, close)| close), Some(23.22));
    /// # Ok::<(), atlas_data::Error>(())
    /// ```
    pub fn vix_from_csv(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        crate::csv_source::parse_vix(file, bytes).map(|parsed| parsed.value)
    }

    /// Reads a short rate, in per cent per year, from comma-separated text with the columns `date`
    /// and `rate_pct`: a file of one's own, or FRED's `DTB3` as it is published.
    ///
    /// # Errors
    /// As [`Levels::vix_from_csv`].
    ///
    /// # Examples
    /// ```
    /// let fred = b"observation_date,DTB3\n2018-12-31,2.40\n2019-01-01,\n2019-01-02,2.37\n";
    /// let rate = atlas_data::Levels::rate_from_csv("DTB3.csv", fred)?;
    /// assert_eq!(rate.view().len(), 2);
    /// # Ok::<(), atlas_data::Error>(())
    /// ```
    pub fn rate_from_csv(file: &str, bytes: &[u8]) -> Result<Self, Error> {
        crate::csv_source::parse_rate(file, bytes).map(|parsed| parsed.value)
    }

    /// What the series is called in messages.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All rows.
    #[must_use]
    pub const fn view(&self) -> LevelsView<'_> {
        LevelsView { levels: self, len: self.dates.len() }
    }

    /// The rows whose date is not after `as_of`.
    #[must_use]
    pub fn as_of(&self, as_of: NaiveDate) -> LevelsView<'_> {
        LevelsView { levels: self, len: self.dates.partition_point(|date| *date <= as_of) }
    }
}

/// The first rows of a series of numbers; whatever comes later does not exist here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LevelsView<'a> {
    levels: &'a Levels,
    len: usize,
}

impl<'a> LevelsView<'a> {
    /// What the series is called in messages.
    #[must_use]
    pub fn name(&self) -> &'a str {
        &self.levels.name
    }

    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Dates, strictly increasing.
    #[must_use]
    pub fn dates(&self) -> &'a [NaiveDate] {
        &self.levels.dates[..self.len]
    }

    /// Values, one a date.
    #[must_use]
    pub fn values(&self) -> &'a [f64] {
        &self.levels.values[..self.len]
    }

    /// The last row.
    #[must_use]
    pub fn last(&self) -> Option<(NaiveDate, f64)> {
        Some((*self.dates().last()?, *self.values().last()?))
    }

    /// The value of exactly `date`.
    #[must_use]
    pub fn on(&self, date: NaiveDate) -> Option<f64> {
        let row = self.dates().binary_search(&date).ok()?;
        self.values().get(row).copied()
    }

    /// The newest value that is at most `max_age_days` calendar days older than `date`.
    ///
    /// For rates, which have no row on bond holidays.
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_data::Levels;
    /// use chrono::NaiveDate;
    ///
    /// let day = |d| NaiveDate::from_ymd_opt(2016, 10, d).unwrap();
    /// // Columbus Day, 2016-10-10: stocks trade, Treasury bills do not.
    /// let rate = Levels::new("rate", vec![day(7), day(11)], vec![0.31, 0.34])?;
    /// assert_eq!(rate.view().carried(day(10), 7), Some(0.31));
    /// assert_eq!(rate.view().carried(day(31), 7), None);
    /// # Ok::<(), atlas_data::Error>(())
    /// ```
    #[must_use]
    pub fn carried(&self, date: NaiveDate, max_age_days: u32) -> Option<f64> {
        let row = self.dates().partition_point(|day| *day <= date).checked_sub(1)?;
        let age = date.signed_duration_since(*self.dates().get(row)?);
        let fresh = age <= TimeDelta::days(i64::from(max_age_days));
        self.values().get(row).copied().filter(|_| fresh)
    }
}
