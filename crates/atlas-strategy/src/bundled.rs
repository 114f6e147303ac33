//! Every strategy of this crate that watches one symbol, as one type that can be kept and taken up.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::ensemble::{Conflict, Ensemble, Vote};
use crate::filter::{Filtered, MomentumFilter, VolumeFilter};
use crate::indicator::Ohlcv;
use crate::reversion::{RsiReversion, ZScoreReversion};
use crate::strat::Strat;
use crate::strategy::{EveryOther, Moment, Opinion, Stage, Strategy};
use crate::trend::{AdaptiveSma, MacdTrend, SmaCross, TimeSeriesMomentum};

/// A strategy of this crate.
///
/// Serializing it is a checkpoint: going on from it equals never having stopped.
///
/// # Examples
/// ```
/// use atlas_strategy::trend::{SmaCross, SmaSet};
/// use atlas_strategy::{Bundled, Strategy};
///
/// let strategy = Bundled::from(SmaCross::new(SmaSet::FAST)?);
/// assert_eq!(strategy.name(), "sma-cross");
/// # Ok::<(), atlas_strategy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Bundled {
    /// Two averages that cross.
    Sma(SmaCross),
    /// Three crossovers, chosen by the strength of the trend.
    AdaptiveSma(Box<AdaptiveSma>),
    /// MACD above its signal line.
    Macd(MacdTrend),
    /// The own past return.
    TsMomentum(TimeSeriesMomentum),
    /// A low RSI.
    Rsi(RsiReversion),
    /// A close far below its mean.
    ZScore(ZScoreReversion),
    /// STRAT bar patterns.
    Strat(Box<Strat>),
    /// Buys and sells by turns; a test.
    EveryOther(EveryOther),
    /// Strategies that vote.
    Ensemble(Box<Ensemble<Self>>),
    /// A strategy whose entries need rising prices.
    Rising(Box<Filtered<Self, MomentumFilter>>),
    /// A strategy whose entries need volume.
    Busy(Box<Filtered<Self, VolumeFilter>>),
}

impl Bundled {
    /// An ensemble of bundled strategies.
    ///
    /// # Errors
    /// As [`Ensemble::new`].
    pub fn ensemble(members: Vec<Self>, vote: Vote, conflict: Conflict) -> Result<Self, Error> {
        Ok(Self::Ensemble(Box::new(Ensemble::new(members, vote, conflict)?)))
    }

    fn inner(&self) -> &dyn Strategy {
        match self {
            Self::Sma(inner) => inner,
            Self::AdaptiveSma(inner) => inner,
            Self::Macd(inner) => inner,
            Self::TsMomentum(inner) => inner,
            Self::Rsi(inner) => inner,
            Self::ZScore(inner) => inner,
            Self::Strat(inner) => inner,
            Self::EveryOther(inner) => inner,
            Self::Ensemble(inner) => inner,
            Self::Rising(inner) => inner,
            Self::Busy(inner) => inner,
        }
    }
}

/// One arm a variant, so that each push is a direct call.
macro_rules! each {
    ($self:ident, $inner:ident => $call:expr) => {
        match $self {
            Self::Sma($inner) => $call,
            Self::AdaptiveSma($inner) => $call,
            Self::Macd($inner) => $call,
            Self::TsMomentum($inner) => $call,
            Self::Rsi($inner) => $call,
            Self::ZScore($inner) => $call,
            Self::Strat($inner) => $call,
            Self::EveryOther($inner) => $call,
            Self::Ensemble($inner) => $call,
            Self::Rising($inner) => $call,
            Self::Busy($inner) => $call,
        }
    };
}

impl Strategy for Bundled {
    fn name(&self) -> &'static str {
        self.inner().name()
    }

    fn warm_up(&self) -> usize {
        self.inner().warm_up()
    }

    fn steady(&self) -> usize {
        self.inner().steady()
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        each!(self, inner => inner.push(bar))
    }

    fn observe(&mut self, moment: &Moment) {
        each!(self, inner => inner.observe(moment));
    }

    fn stage(&self) -> Stage {
        self.inner().stage()
    }
}

macro_rules! from {
    ($($inner:ty => $variant:ident($value:ident => $kept:expr);)*) => {
        $(impl From<$inner> for Bundled {
            fn from($value: $inner) -> Self {
                Self::$variant($kept)
            }
        })*
    };
}

from! {
    SmaCross => Sma(value => value);
    AdaptiveSma => AdaptiveSma(value => Box::new(value));
    MacdTrend => Macd(value => value);
    TimeSeriesMomentum => TsMomentum(value => value);
    RsiReversion => Rsi(value => value);
    ZScoreReversion => ZScore(value => value);
    Strat => Strat(value => Box::new(value));
    EveryOther => EveryOther(value => value);
    Filtered<Bundled, MomentumFilter> => Rising(value => Box::new(value));
    Filtered<Bundled, VolumeFilter> => Busy(value => Box::new(value));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::strategy::Strategy;
    use crate::trend::SmaSet;

    fn all() -> Vec<Bundled> {
        let sma = || Bundled::from(SmaCross::new(SmaSet { fast: 2, slow: 5 }).unwrap());
        let macd = || Bundled::from(MacdTrend::new(3, 6, 2).unwrap());
        let rsi = || Bundled::from(RsiReversion::new(3, 40.0, 55.0).unwrap());
        let members = vec![sma(), macd(), rsi()];
        let vote = Vote::Consensus { needed: 2 };
        vec![
            sma(),
            macd(),
            rsi(),
            AdaptiveSma::new().unwrap().into(),
            TimeSeriesMomentum::new(6, 1).unwrap().into(),
            ZScoreReversion::new(5, -1.0, 0.0).unwrap().into(),
            Strat::default().into(),
            EveryOther::default().into(),
            Bundled::ensemble(members, vote, Conflict::Reduce).unwrap(),
            Filtered::new(sma(), MomentumFilter::new(2).unwrap()).into(),
            Filtered::new(sma(), VolumeFilter::new(3, 1.1).unwrap()).into(),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// Kept and taken up after any bar, each goes on as if it had never stopped.
        #[test]
        fn a_checkpoint_changes_nothing(
            changes in proptest::collection::vec(-0.05_f64..0.05, 1..60),
            stop in 0_usize..60,
        ) {
            for strategy in all() {
                let (mut through, mut kept, mut close) = (strategy.clone(), strategy, 100.0);
                for (n, change) in changes.iter().enumerate() {
                    let open = close;
                    close *= 1.0 + change;
                    let (high, low) = (open.max(close) * 1.001, open.min(close) * 0.999);
                    let bar = Ohlcv { open, high, low, close, volume: 1e3 + 1e5 * change.abs() };
                    if n == stop || n == stop / 2 {
                        let text = serde_json::to_string(&kept).unwrap();
                        kept = serde_json::from_str(&text).unwrap();
                    }
                    prop_assert_eq!(kept.push(&bar), through.push(&bar));
                    prop_assert_eq!(&kept, &through);
                }
            }
        }
    }
}
