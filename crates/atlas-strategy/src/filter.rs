//! Filters that confirm the entries of any strategy. Exits always pass.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Indicator, Ohlcv, Roc, Sma};
use crate::strategy::{Moment, Opinion, Stage, Strategy};

/// Something that must hold for an entry.
pub trait Filter {
    /// Bars before it can confirm anything.
    fn warm_up(&self) -> usize;

    /// Takes in the next bar; whether it confirms an entry. What is not known confirms nothing.
    fn confirms(&mut self, bar: &Ohlcv) -> bool;

    /// Is told about the moment the next bar closes in.
    fn observe(&mut self, _moment: &Moment) {}
}

/// A strategy whose entries need a filter's word.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filtered<S, F> {
    strategy: S,
    filter: F,
}

impl<S: Strategy, F: Filter> Filtered<S, F> {
    /// The strategy with the filter around it.
    pub const fn new(strategy: S, filter: F) -> Self {
        Self { strategy, filter }
    }
}

impl<S: Strategy, F: Filter> Strategy for Filtered<S, F> {
    fn name(&self) -> &'static str {
        self.strategy.name()
    }

    fn warm_up(&self) -> usize {
        self.strategy.warm_up()
    }

    fn steady(&self) -> usize {
        self.strategy.steady().max(self.filter.warm_up())
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        // Both see every bar.
        let (opinion, confirmed) = (self.strategy.push(bar), self.filter.confirms(bar));
        opinion.filter(|opinion| confirmed || opinion.direction == Direction::Exit)
    }

    fn observe(&mut self, moment: &Moment) {
        self.strategy.observe(moment);
        self.filter.observe(moment);
    }

    fn stage(&self) -> Stage {
        self.strategy.stage()
    }
}

/// Volume of at least `ratio` times the mean of the `n` bars before; the field uses 1.25 and 20.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct VolumeFilter {
    n: usize,
    ratio: f64,
    mean: Sma,
    before: Option<f64>,
}

impl VolumeFilter {
    /// One of a window and a ratio.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a window of 0 or a ratio that is not finite and above 0.
    pub fn new(n: usize, ratio: f64) -> Result<Self, Error> {
        if !(ratio.is_finite() && ratio > 0.0) {
            return Err(Error::Parameter {
                owner: "volume filter",
                name: "ratio",
                value: ratio.to_string(),
                rule: "finite and above 0",
            });
        }
        Ok(Self { n, ratio, mean: Sma::new(n)?, before: None })
    }
}

impl Filter for VolumeFilter {
    fn warm_up(&self) -> usize {
        self.n + 1
    }

    fn confirms(&mut self, bar: &Ohlcv) -> bool {
        let before = self.before;
        self.before = self.mean.push(bar.volume);
        before.is_some_and(|mean| bar.volume >= self.ratio * mean)
    }
}

/// A close above the one `n` bars before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MomentumFilter {
    n: usize,
    change: Roc,
}

impl MomentumFilter {
    /// One over `n` bars.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { n, change: Roc::new(n)? })
    }
}

impl Filter for MomentumFilter {
    fn warm_up(&self) -> usize {
        self.n + 1
    }

    fn confirms(&mut self, bar: &Ohlcv) -> bool {
        self.change.push(bar.close).is_some_and(|change| change > 0.0)
    }
}

/// A time of day away from opening and close; the field keeps 30 and 15 minutes clear.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeFilter {
    after_open: u32,
    before_close: u32,
    clear: Option<bool>,
}

impl TimeFilter {
    /// One that keeps so many minutes clear after the opening and before the close.
    #[must_use]
    pub const fn new(after_open: u32, before_close: u32) -> Self {
        Self { after_open, before_close, clear: None }
    }
}

impl Filter for TimeFilter {
    fn warm_up(&self) -> usize {
        1
    }

    fn confirms(&mut self, _bar: &Ohlcv) -> bool {
        // A moment counts for one bar: the next one's has to be told.
        self.clear.take().unwrap_or(false)
    }

    fn observe(&mut self, moment: &Moment) {
        let opened = moment.minutes_open >= self.after_open;
        self.clear = Some(opened && moment.minutes_left >= self.before_close);
    }
}

/// A spread of at most a share of the mid price; the field uses 0.5 %. A quote that is crossed or
/// has one side only confirms nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpreadFilter {
    most: f64,
    tight: Option<bool>,
}

impl SpreadFilter {
    /// One of a largest spread, such as 0.005.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a spread that is not finite and above 0.
    pub fn new(most: f64) -> Result<Self, Error> {
        if most.is_finite() && most > 0.0 {
            return Ok(Self { most, tight: None });
        }
        Err(Error::Parameter {
            owner: "spread filter",
            name: "most",
            value: most.to_string(),
            rule: "finite and above 0",
        })
    }
}

impl Filter for SpreadFilter {
    fn warm_up(&self) -> usize {
        1
    }

    fn confirms(&mut self, _bar: &Ohlcv) -> bool {
        self.tight.take().unwrap_or(false)
    }

    fn observe(&mut self, moment: &Moment) {
        let spread = moment.quote.map(|(bid, ask)| (ask - bid) / f64::midpoint(bid, ask));
        self.tight = Some(spread.is_some_and(|spread| (0.0..=self.most).contains(&spread)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::strategy::EveryOther;

    const BAR: Ohlcv = Ohlcv { open: 1.0, high: 1.0, low: 1.0, close: 1.0, volume: 1.0 };

    fn moment(minutes_open: u32, minutes_left: u32, quote: Option<(f64, f64)>) -> Moment {
        Moment { minutes_open, minutes_left, quote }
    }

    fn confirms(mut filter: impl Filter, moment: &Moment) -> bool {
        filter.observe(moment);
        let first = filter.confirms(&BAR);
        assert!(!filter.confirms(&BAR), "a moment counts once");
        first
    }

    #[test]
    fn time_of_day_keeps_opening_and_close_clear() {
        let at = |open, left| confirms(TimeFilter::new(30, 15), &moment(open, left, None));
        assert!(at(30, 360) && at(375, 15));
        assert!(!at(29, 361) && !at(376, 14));
        assert!(!TimeFilter::new(0, 0).confirms(&BAR), "an unknown moment confirms nothing");
    }

    #[test]
    fn spreads_are_taken_up_to_their_bound() {
        let with = |quote| confirms(SpreadFilter::new(0.005).unwrap(), &moment(60, 60, quote));
        assert!(with(Some((100.0, 100.0))) && with(Some((99.8, 100.2))));
        assert!(!with(Some((99.7, 100.3))) && !with(Some((100.1, 100.0))) && !with(None));
        assert!(!with(Some((f64::NAN, 100.0))) && !with(Some((0.0, 0.0))));
        for nonsense in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(SpreadFilter::new(nonsense).is_err());
        }
    }

    #[test]
    fn filters_compose_and_let_exits_pass() {
        let inner = Filtered::new(EveryOther::default(), TimeFilter::new(30, 15));
        let mut both = Filtered::new(inner, SpreadFilter::new(0.005).unwrap());
        both.observe(&moment(60, 60, Some((10.0, 10.01))));
        assert_eq!(both.push(&BAR).map(|o| o.direction), Some(Direction::Long));
        // Nothing was told about this bar, and it is an exit.
        assert_eq!(both.push(&BAR).map(|o| o.direction), Some(Direction::Exit));
        both.observe(&moment(5, 60, Some((10.0, 10.01))));
        assert_eq!(both.push(&BAR), None, "too early");
        assert!(both.push(&BAR).is_some());
        both.observe(&moment(60, 60, Some((10.0, 11.0))));
        assert_eq!(both.push(&BAR), None, "too wide");
    }
}
