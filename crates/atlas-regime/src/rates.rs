//! Returns in excess of a Treasury bill.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How a bill rate is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateQuote {
    /// Simple interest over 365 days, such as the Treasury's constant-maturity series.
    #[default]
    BondEquivalent,
    /// Discount from face value over 360 days, such as FRED's `DTB3`.
    Discount,
}

impl RateQuote {
    /// The bond-equivalent yield in percent per year of a three-month bill (91 days).
    ///
    /// A discount `d` (as a fraction) becomes `365 d / (360 − 91 d)`. Source: US Treasury, 31 CFR
    /// 356 appendix B, investment yield of bills of up to half a year.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::RateQuote;
    /// let yield_pct = RateQuote::Discount.bond_equivalent_pct(5.0);
    /// assert!((yield_pct - 5.1343).abs() < 1e-4);
    /// assert_eq!(RateQuote::BondEquivalent.bond_equivalent_pct(5.0), 5.0);
    /// ```
    #[must_use]
    pub fn bond_equivalent_pct(self, rate_pct: f64) -> f64 {
        match self {
            Self::BondEquivalent => rate_pct,
            Self::Discount => {
                let discount = rate_pct / 100.0;
                100.0 * 365.0 * discount / (360.0 - 91.0 * discount)
            }
        }
    }
}

/// Longest time a rate is carried forward, in calendar days.
pub const RATE_CARRY_DAYS_MAX: u32 = 10;

/// Simple returns per session; entry `t` is the return from session `t − 1` to `t`, entry 0 is 0.
///
/// A return to or from a close that is not a positive finite number is NaN, which everything that
/// takes returns refuses.
#[must_use]
pub fn simple_returns(closes: &[f64]) -> Vec<f64> {
    let usable = |close: f64| close.is_finite() && close > 0.0;
    let one = |pair: &[f64]| {
        let (before, now) = (pair[0], pair[1]);
        if usable(before) && usable(now) { now / before - 1.0 } else { f64::NAN }
    };
    let mut returns = Vec::with_capacity(closes.len());
    returns.extend(closes.first().map(|_| 0.0));
    returns.extend(closes.windows(2).map(one));
    returns
}

/// Interest each session's return is measured against: the rate of the session before (or the
/// last one known then), accrued over the calendar days between the two; entry 0 is 0.
///
/// Dates strictly increase in both series; rates are in percent per year.
///
/// # Errors
/// [`Error::RateStartsLate`] if the first rate comes after the first session,
/// [`Error::RateGap`] if a rate would have to be carried more than [`RATE_CARRY_DAYS_MAX`] days,
/// [`Error::Shape`] if dates and rates differ in number, [`Error::TooFewRows`] without rates,
/// [`Error::DatesNotIncreasing`] for dates out of order, [`Error::NotFinite`] for a rate that is
/// NaN or infinite, or whose bond-equivalent yield is; no other.
///
/// # Examples
/// ```
/// use atlas_regime::{RateQuote, accrued_interest};
/// use chrono::NaiveDate;
/// let day = |d| NaiveDate::from_ymd_opt(2020, 1, d).unwrap_or_default();
/// let sessions = [day(2), day(3), day(6)]; // a weekend between the last two
/// let interest = accrued_interest(&sessions, &[day(2)], &[3.65], RateQuote::BondEquivalent)?;
/// assert!((interest[1] - 0.0001).abs() < 1e-15);
/// assert!((interest[2] - 0.0003).abs() < 1e-15);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
pub fn accrued_interest(
    sessions: &[NaiveDate],
    rate_dates: &[NaiveDate],
    rates_pct: &[f64],
    quote: RateQuote,
) -> Result<Vec<f64>, Error> {
    if rate_dates.len() != rates_pct.len() {
        let (found, expected) = (rates_pct.len(), rate_dates.len());
        return Err(Error::Shape { what: "the rate series", found, expected });
    }
    check_increasing("index", sessions)?;
    check_increasing("rate", rate_dates)?;
    let yields = rates_pct.iter().map(|&rate| quote.bond_equivalent_pct(rate));
    if let Some(row) = yields.into_iter().position(|rate| !rate.is_finite()) {
        let (what, value) = ("the rate series", rates_pct[row]);
        return Err(Error::NotFinite { what, row, column: 0, value });
    }
    let Some(&index) = sessions.first() else { return Ok(Vec::new()) };
    match rate_dates.first() {
        Some(&rate) if rate > index => return Err(Error::RateStartsLate { rate, index }),
        Some(_) => {}
        None => return Err(Error::TooFewRows { what: "the rate series", have: 0, need: 1 }),
    }
    let mut interest = Vec::with_capacity(sessions.len());
    interest.push(0.0);
    let mut known = 0;
    for pair in sessions.windows(2) {
        let (before, now) = (pair[0], pair[1]);
        while rate_dates.get(known + 1).is_some_and(|&d| d <= before) {
            known += 1;
        }
        let last = rate_dates[known];
        if days(last, before) > f64::from(RATE_CARRY_DAYS_MAX) {
            return Err(Error::RateGap { session: now, last, days: RATE_CARRY_DAYS_MAX });
        }
        interest.push(interest_between(quote, rates_pct[known], before, now));
    }
    Ok(interest)
}

/// Interest at a rate in percent per year from one session to the next.
pub(crate) fn interest_between(
    quote: RateQuote,
    rate_pct: f64,
    before: NaiveDate,
    now: NaiveDate,
) -> f64 {
    quote.bond_equivalent_pct(rate_pct) / 100.0 * days(before, now) / 365.0
}

fn check_increasing(series: &'static str, dates: &[NaiveDate]) -> Result<(), Error> {
    match dates.windows(2).position(|pair| pair[0] >= pair[1]) {
        None => Ok(()),
        Some(at) => {
            let (previous, date) = (dates[at], dates[at + 1]);
            Err(Error::DatesNotIncreasing { series, row: at + 1, previous, date })
        }
    }
}

/// Calendar days from one date to a later one.
fn days(from: NaiveDate, to: NaiveDate) -> f64 {
    let days = to.signed_duration_since(from).num_days();
    i32::try_from(days).map_or(f64::INFINITY, f64::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(m: u32, d: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, m, d).unwrap()
    }

    #[test]
    fn late_starts_and_wide_gaps_are_errors() {
        let sessions = [day(1, 2), day(1, 3), day(2, 3), day(2, 4)];
        let late = accrued_interest(&sessions, &[day(1, 3)], &[1.0], RateQuote::BondEquivalent);
        assert!(matches!(late, Err(Error::RateStartsLate { .. })));
        let gap = accrued_interest(&sessions, &[day(1, 2)], &[1.0], RateQuote::BondEquivalent);
        let expected =
            Error::RateGap { session: day(2, 4), last: day(1, 2), days: RATE_CARRY_DAYS_MAX };
        assert_eq!(gap, Err(expected));
    }

    #[test]
    fn the_rate_of_the_session_itself_is_not_used() {
        let sessions = [day(1, 2), day(1, 3)];
        let rates = [day(1, 2), day(1, 3)];
        let found =
            accrued_interest(&sessions, &rates, &[0.0, 50.0], RateQuote::BondEquivalent).unwrap();
        assert_eq!(found, [0.0, 0.0]);
    }

    #[test]
    fn dates_out_of_order_and_rates_that_are_no_numbers_are_refused() {
        let (ordered, mixed) = ([day(1, 2), day(1, 3)], [day(1, 3), day(1, 2)]);
        let rates = [1.0, 2.0];
        let quote = RateQuote::Discount;
        for (sessions, dates, series) in [(mixed, ordered, "index"), (ordered, mixed, "rate")] {
            let found = accrued_interest(&sessions, &dates, &rates, quote).unwrap_err();
            let expected = (1, day(1, 3), day(1, 2));
            let (row, previous, date) = expected;
            assert_eq!(found, Error::DatesNotIncreasing { series, row, previous, date });
        }
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let found = accrued_interest(&ordered, &ordered, &[1.0, bad], quote);
            assert!(matches!(found, Err(Error::NotFinite { row: 1, .. })));
        }
    }

    #[test]
    fn a_close_that_is_no_price_gives_no_return() {
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let found = simple_returns(&[1.0, 2.0, bad, 3.0, 6.0]);
            assert!(found[2].is_nan() && found[3].is_nan());
            assert_eq!((found[1], found[4]), (1.0, 1.0));
        }
    }
}
