//! Continuous trading: the pure engine driven by a data stream, a broker, a clock and a timer.
//!
//! [`trade()`] is generic over where data come from ([`DataStream`], [`MarketData`]) and where orders go
//! ([`Broker`]), so that the very same shell runs against Alpaca, against the simulated venue behind
//! its server, and against the venue in process.
//!
//! **Start.** Fence and state are looked at, doubtful orders are looked up, books and broker compared.
//! The engine is taken up from its checkpoint, told what the journal learned since, warmed up from
//! history where it is new, and caught up on the bars it missed, on which it opens nothing.
//!
//! **Running.** One thing after the other: what the broker told, what the clock brings, then market
//! data. A step is kept, journaled, and only then carried out; see [`checkpoint`](self::CheckpointStore).
//! Strategies think on a thread of their own: while one is slow, news of orders is journaled, and the
//! fence of a kill holds for whatever it then wants.
//!
//! **Gaps.** A stream that is lost or silent, a clock that jumps, a machine that slept, a day that
//! changed meanwhile: each is an incident on the record, and ends with a look at the broker and the
//! missing minutes from history. A broker that does not answer stops the engine from sending
//! until it does.
//!
//! **Stop.** What is under way is finished, resting orders stay or are canceled as told, books are
//! compared once more, and the [`Report`] says what rests.

mod agenda;
mod bars;
mod catch_up;
mod checkpoint;
mod news;
mod orders;
mod queue;
mod report;
mod run;
mod settings;
mod start;
mod stop;
#[cfg(test)]
mod tests;

use async_trait::async_trait;
use atlas_broker::market_data::DataStream;
use atlas_broker::{Broker, MarketData};
use atlas_core::Regime;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_risk::Limits;

pub use bars::{Aggregator, Taken, ohlcv};
pub use checkpoint::{CheckpointStore, FileStore, MemoryStore};
pub use report::{Incident, Report, Resting};
pub use run::{Brain, trade};
pub use settings::{AtStop, Settings};
pub use start::last_decision;

use crate::timer::Timer;

/// Says which regime the market is in.
#[async_trait(?Send)]
pub trait RegimeSource {
    /// The regime by what was known at an instant.
    ///
    /// # Errors
    /// Why there is none, in one sentence; nothing is opened until there is.
    async fn regime(&self, now: Timestamp) -> Result<Regime, String>;
}

/// What continuous trading stands on.
pub struct Ground<'a> {
    /// Where orders go.
    pub broker: &'a dyn Broker,
    /// Where bars and quotes come from.
    pub data: &'a mut (dyn DataStream + 'a),
    /// Where bars of the past come from.
    pub history: &'a dyn MarketData,
    /// Where the regime comes from.
    pub regimes: &'a dyn RegimeSource,
    /// What waits.
    pub timer: &'a dyn Timer,
    /// Where the engine is kept.
    pub store: &'a mut (dyn CheckpointStore + Send),
    /// The sessions of the stock exchange.
    pub calendar: Calendar,
    /// What orders are held to.
    pub limits: &'a Limits,
    /// How all of it is carried out.
    pub settings: &'a Settings,
}

impl std::fmt::Debug for Ground<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ground").field("settings", self.settings).finish_non_exhaustive()
    }
}
