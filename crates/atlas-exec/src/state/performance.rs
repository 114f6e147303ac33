//! How the account has done, deposits and withdrawals excluded; kept across restarts by the fold.

use std::collections::BTreeMap;

use atlas_core::Usd;
use atlas_core::calendar::Calendar;
use atlas_risk::Performance;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Equity less what was paid in since the baseline, as the reconciliations saw it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Track {
    peak: Option<Usd>,
    last: Option<(NaiveDate, Usd)>,
    /// What the last day is measured from.
    base: Option<Usd>,
    /// The deepest fall from a peak so far, as a share of it.
    deepest: Option<Decimal>,
    /// The deepest fall seen on each day.
    falls: BTreeMap<NaiveDate, Decimal>,
}

impl Track {
    /// Takes in what a reconciliation saw on a day.
    pub(super) fn see(&mut self, day: NaiveDate, net: Usd) {
        self.base = Some(self.base_of(day, net));
        self.last = Some((day, net));
        let peak = self.peak.map_or(net, |peak| peak.max(net));
        self.peak = Some(peak);
        // What cannot be told, from a peak of nothing, counts as having lost everything.
        let fall = change(peak, net).map_or(Decimal::ONE, |change| -change);
        self.deepest = Some(self.deepest.map_or(fall, |deepest| deepest.max(fall)));
        let of_day = self.falls.entry(day).or_insert(fall);
        *of_day = fall.max(*of_day);
    }

    /// Takes what was seen last for the peak.
    pub(super) fn begin_anew(&mut self) {
        self.peak = self.last.map(|(_, net)| net);
    }

    /// The deepest fall from a peak, as a share of it; `None` if nothing was seen yet.
    #[must_use]
    pub const fn deepest(&self) -> Option<Decimal> {
        self.deepest
    }

    /// The deepest fall that was seen on days of a kind; `None` if nothing was seen on any.
    #[must_use]
    pub fn deepest_since(&self, of: impl Fn(NaiveDate) -> bool) -> Option<Decimal> {
        self.falls.iter().filter(|(day, _)| of(**day)).map(|(_, fall)| *fall).max()
    }

    /// The highest equity seen, less what was paid in; `None` before the first look.
    #[must_use]
    pub const fn peak(&self) -> Option<Usd> {
        self.peak
    }

    /// What a day's return is measured from: what the session before it ended at, if that was
    /// seen; otherwise what was seen of the day first, since older figures are not this day's.
    fn base_of(&self, day: NaiveDate, net: Usd) -> Usd {
        match (self.last, self.base) {
            (Some((last, _)), Some(base)) if last == day => base,
            (Some((last, seen)), _) if follows(last, day) => seen,
            _ => net,
        }
    }

    /// The day's return and the fall from the peak, were `net` the equity on `day`. Without a past
    /// both are zero; where the base is not above zero they are unknown, which denies entries.
    #[must_use]
    pub fn performance(&self, day: NaiveDate, net: Usd) -> Performance {
        let peak = self.peak.map_or(net, |peak| peak.max(net));
        Performance {
            day_return: change(self.base_of(day, net), net),
            drawdown: change(peak, net).map(|change| (-change).normalize()),
        }
    }
}

/// Whether `day` is the next session after `last`, or no session lies between the two.
fn follows(last: NaiveDate, day: NaiveDate) -> bool {
    last < day && Calendar::nyse().previous_session(day).is_ok_and(|session| session.date <= last)
}

/// `to / from − 1`, unknown from nothing or less.
fn change(from: Usd, to: Usd) -> Option<Decimal> {
    if from <= Usd::ZERO {
        return None;
    }
    to.value().checked_div(from.value()).map(|ratio| ratio - Decimal::ONE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 3, day).unwrap()
    }

    fn usd(amount: u32) -> Usd {
        Usd::new(amount.into()).unwrap()
    }

    fn check(track: &Track, on: u32, net: u32, day_return: &str, drawdown: &str) {
        let found = track.performance(day(on), usd(net));
        let known = |text: &str| Some(text.parse::<Decimal>().unwrap());
        assert_eq!(found.day_return, known(day_return), "return on {on} at {net}");
        assert_eq!(found.drawdown, known(drawdown), "drawdown on {on} at {net}");
    }

    #[test]
    fn a_day_is_measured_from_the_day_before_and_a_fall_from_the_peak() {
        let mut track = Track::default();
        check(&track, 2, 100, "0", "0");
        track.see(day(2), usd(100));
        track.see(day(3), usd(120));
        check(&track, 3, 90, "-0.1", "0.25");
        track.see(day(3), usd(90));
        // Later on the same day the base is still the day before.
        check(&track, 3, 110, "0.1", "0.0833333333333333333333333333");
        check(&track, 4, 81, "-0.1", "0.325");
        // Two sessions later nobody knows what the day began with: what is seen first counts.
        check(&track, 5, 45, "0", "0.625");
        track.see(day(5), usd(60));
        check(&track, 5, 45, "-0.25", "0.625");
    }

    #[test]
    fn nothing_is_known_from_nothing() {
        let mut track = Track::default();
        track.see(day(2), Usd::ZERO);
        let found = track.performance(day(3), Usd::ZERO);
        assert_eq!((found.day_return, found.drawdown), (None, None));
    }
}
