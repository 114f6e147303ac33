//! Filters that confirm the entries of any strategy. Exits always pass.

use atlas_core::signal::Direction;

use crate::Error;
use crate::indicator::{Indicator, Ohlcv, Roc, Sma};
use crate::strategy::{Opinion, Stage, Strategy};

/// Something that must hold for an entry.
pub trait Filter {
    /// Bars before it can confirm anything.
    fn warm_up(&self) -> usize;

    /// Takes in the next bar; whether it confirms an entry. What is not known confirms nothing.
    fn confirms(&mut self, bar: &Ohlcv) -> bool;
}

/// A strategy whose entries need a filter's word.
#[derive(Debug, Clone, PartialEq)]
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

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        // Both see every bar.
        let (opinion, confirmed) = (self.strategy.push(bar), self.filter.confirms(bar));
        opinion.filter(|opinion| confirmed || opinion.direction == Direction::Exit)
    }

    fn stage(&self) -> Stage {
        self.strategy.stage()
    }
}

/// Volume of at least `ratio` times the mean of the `n` bars before; the field uses 1.25 and 20.
#[derive(Debug, Clone, PartialEq)]
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
#[derive(Debug, Clone, PartialEq)]
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
