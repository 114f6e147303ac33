//! How the account has done, deposits and withdrawals excluded; kept across restarts by the fold.

use atlas_core::Usd;
use atlas_risk::Performance;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Equity less what was paid in since the baseline, as the reconciliations saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Track {
    peak: Option<Usd>,
    last: Option<(NaiveDate, Usd)>,
    before: Option<Usd>,
}

impl Track {
    /// Takes in what a reconciliation saw on a day.
    pub(super) fn see(&mut self, day: NaiveDate, net: Usd) {
        if let Some((last_day, last_net)) = self.last
            && last_day < day
        {
            self.before = Some(last_net);
        }
        self.last = Some((day, net));
        self.peak = Some(self.peak.map_or(net, |peak| peak.max(net)));
    }

    /// The day's return and the fall from the peak, were `net` the equity on `day`. Without a past
    /// both are zero; where the base is not above zero they are unknown, which denies entries.
    #[must_use]
    pub fn performance(&self, day: NaiveDate, net: Usd) -> Performance {
        let base = match self.last {
            Some((last_day, last_net)) if last_day < day => Some(last_net),
            Some(_) => self.before,
            None => None,
        };
        let peak = self.peak.map_or(net, |peak| peak.max(net));
        Performance {
            day_return: base.map_or(Some(Decimal::ZERO), |base| change(base, net)),
            drawdown: change(peak, net).map(|change| (-change).normalize()),
        }
    }
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
        check(&track, 1, 100, "0", "0");
        track.see(day(1), usd(100));
        track.see(day(2), usd(120));
        check(&track, 2, 90, "-0.1", "0.25");
        track.see(day(2), usd(90));
        // Later on the same day the base is still the day before.
        check(&track, 2, 110, "0.1", "0.0833333333333333333333333333");
        check(&track, 3, 81, "-0.1", "0.325");
    }

    #[test]
    fn nothing_is_known_from_nothing() {
        let mut track = Track::default();
        track.see(day(1), Usd::ZERO);
        let found = track.performance(day(2), Usd::ZERO);
        assert_eq!((found.day_return, found.drawdown), (None, None));
    }
}
