//! The one trait of strategies that watch a symbol bar by bar.
//!
//! Writing your own takes five steps:
//!
//! 1. a struct with the indicators it needs, made by a constructor that refuses bad parameters;
//! 2. [`Strategy::name`], a lower-case word that signals will carry;
//! 3. [`Strategy::warm_up`], the bars it needs before it can have an opinion;
//! 4. [`Strategy::push`], which takes in one closed bar and says what it thinks, with its evidence;
//! 5. a test that runs it through [`opinions`] on a prefix and on the whole, and finds the same.
//!
//! ```
//! use atlas_core::signal::Direction;
//! use atlas_strategy::indicator::{Indicator, Ohlcv, Sma};
//! use atlas_strategy::{Error, Opinion, Strategy, opinions};
//!
//! /// Long above the mean of the last closes, out below.
//! struct AboveMean {
//!     n: usize,
//!     mean: Sma,
//! }
//!
//! impl AboveMean {
//!     fn new(n: usize) -> Result<Self, Error> {
//!         Ok(Self { n, mean: Sma::new(n)? })
//!     }
//! }
//!
//! impl Strategy for AboveMean {
//!     fn name(&self) -> &'static str {
//!         "above-mean"
//!     }
//!
//!     fn warm_up(&self) -> usize {
//!         self.n
//!     }
//!
//!     fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
//!         let mean = self.mean.push(bar.close)?;
//!         let gap = bar.close / mean - 1.0;
//!         let direction = if gap > 0.0 { Direction::Long } else { Direction::Exit };
//!         Some(Opinion {
//!             direction,
//!             strength: gap.abs(),
//!             confidence: 0.5,
//!             horizon: 20,
//!             stop: Some(mean).filter(|_| gap > 0.0),
//!             target: None,
//!             evidence: [("close", bar.close), ("mean", mean)].into(),
//!         })
//!     }
//! }
//!
//! let bar = |close: f64| Ohlcv { open: close, high: close, low: close, close, volume: 1.0 };
//! let bars = [bar(1.0), bar(2.0), bar(3.0)];
//! let seen = opinions(&mut AboveMean::new(2)?, &bars);
//! assert!(seen[0].is_none());
//! assert_eq!(seen[1].as_ref().map(|opinion| opinion.direction), Some(Direction::Long));
//! assert_eq!(opinions(&mut AboveMean::new(2)?, &bars[..2]), seen[..2]);
//! # Ok::<(), Error>(())
//! ```

use atlas_core::signal::Direction;
use atlas_core::{DecisionId, Signal, SignalId, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::indicator::Ohlcv;
use crate::{Error, Evidence};

/// What a strategy thinks of its symbol after a bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opinion {
    /// Hold it, or do not.
    pub direction: Direction,
    /// How strong, for ranking among opinions of one strategy; dimensionless, zero or more.
    pub strength: f64,
    /// How sure, 0 to 1, for weighing among strategies.
    pub confidence: f64,
    /// For how many bars it is meant.
    pub horizon: u32,
    /// The price at which the idea is wrong; `None` for an exit.
    pub stop: Option<f64>,
    /// The price the idea aims at, if it aims at one.
    pub target: Option<f64>,
    /// The numbers it rests on, by name, in the order they matter.
    pub evidence: Evidence,
}

impl Opinion {
    /// The opinion as a signal about `symbol`.
    ///
    /// # Errors
    /// [`Error::Name`] if the parts of its id together are too long.
    pub fn signal(
        &self,
        strategy: &str,
        symbol: &Symbol,
        decision: DecisionId,
        as_of: NaiveDate,
    ) -> Result<Signal, Error> {
        let mut evidence: Vec<(String, f64)> = self.evidence.clone().into();
        evidence.push(("confidence".to_owned(), self.confidence));
        let levels = [("stop", self.stop), ("target", self.target)];
        evidence.extend(levels.iter().filter_map(|(name, at)| Some(((*name).to_owned(), (*at)?))));
        Ok(Signal {
            id: SignalId::new(&format!("{decision}-{strategy}-{symbol}"))?,
            strategy: strategy.to_owned(),
            symbol: symbol.clone(),
            direction: self.direction,
            strength: self.strength,
            as_of,
            evidence,
        })
    }
}

/// The moment a bar closes in, beyond its prices.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moment {
    /// Minutes since the session opened.
    pub minutes_open: u32,
    /// Minutes until the session closes.
    pub minutes_left: u32,
    /// Best bid and best ask, USD a share, if there are both.
    pub quote: Option<(f64, f64)>,
}

/// Where a strategy may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Anywhere.
    Production,
    /// To try out the machinery: never with real money.
    TestOnly,
}

/// A strategy that watches one symbol, bar by bar; it sees no account and cannot send.
pub trait Strategy {
    /// The lower-case word its signals carry.
    fn name(&self) -> &'static str;

    /// Bars before the first opinion can come.
    fn warm_up(&self) -> usize;

    /// Bars after which every part of it can have an opinion; more than [`warm_up`](Self::warm_up)
    /// where parts begin before others.
    fn steady(&self) -> usize {
        self.warm_up()
    }

    /// Takes in the next closed bar; `None` while undefined, or without an opinion.
    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion>;

    /// Is told about the moment the next bar closes in, where that is known; most need no more than
    /// the bar. What is not told is not known, and confirms nothing.
    fn observe(&mut self, _moment: &Moment) {}

    /// Where it may be used.
    fn stage(&self) -> Stage {
        Stage::Production
    }
}

impl<S: Strategy + ?Sized> Strategy for Box<S> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn warm_up(&self) -> usize {
        (**self).warm_up()
    }

    fn steady(&self) -> usize {
        (**self).steady()
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        (**self).push(bar)
    }

    fn observe(&mut self, moment: &Moment) {
        (**self).observe(moment);
    }

    fn stage(&self) -> Stage {
        (**self).stage()
    }
}

/// One opinion a bar.
pub fn opinions(strategy: &mut (impl Strategy + ?Sized), bars: &[Ohlcv]) -> Vec<Option<Opinion>> {
    bars.iter().map(|bar| strategy.push(bar)).collect()
}

/// Buys on every other bar and sells on the next: exercises the machinery, and may never go live.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EveryOther {
    bars: u64,
}

impl Strategy for EveryOther {
    fn name(&self) -> &'static str {
        "every-other"
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        self.bars += 1;
        let long = self.bars % 2 == 1;
        Some(Opinion {
            direction: if long { Direction::Long } else { Direction::Exit },
            strength: 1.0,
            confidence: 0.0,
            horizon: 1,
            stop: long.then_some(bar.low),
            target: None,
            evidence: [("close", bar.close)].into(),
        })
    }

    fn stage(&self) -> Stage {
        Stage::TestOnly
    }
}
