//! The [`Broker`] contract, the market data contract, and a careful Alpaca client that keeps both.
//!
//! With the cargo feature `mock`, `MockBroker` and `MockMarketData` (module `mock`) stand in
//! for either contract, and `FakeUpdates` for a stream, in the tests of crates that use them. The feature `live` adds the way to real
//! money; see [`alpaca`].

pub mod activity;
pub mod alpaca;
pub mod beacon;
pub mod broker;
mod daily;
pub mod error;
pub mod history;
pub mod market_data;
#[cfg(any(test, feature = "mock"))]
pub mod mock;
pub mod terms;
pub mod updates;

pub use activity::{Activity, ActivityId, CashEntry, CashKind, Entry, SharesEntry, SharesKind};
pub use broker::{Broker, BrokerOrder, MarketClock, Sent, Submission, UnknownOutcome};
pub use daily::daily_bars;
pub use error::Error;
pub use market_data::MarketData;
#[cfg(any(test, feature = "mock"))]
pub use mock::{FakeUpdates, MockBroker, MockMarketData, UpdateFeed};
pub use terms::{StopLoss, Terms, Trail};
pub use updates::{OrderNews, OrderUpdate, Update, UpdateStream};
