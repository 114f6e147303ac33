//! The [`Broker`] contract, the market data contract, and a careful Alpaca client that keeps both.
//!
//! # Where to start
//!
//! | for | start at |
//! | --- | --- |
//! | trading: account, positions, orders, the ledger | the trait [`Broker`] |
//! | what happens to orders, as it happens, without gaps | [`Broker::updates`], [`UpdateStream`] |
//! | prices: bars, quotes, trades, snapshots, hours | the trait [`MarketData`] |
//! | prices as they come | [`DataStream`](market_data::DataStream) |
//! | brackets, trailing stops, amounts of money | [`Terms`] |
//! | the Alpaca client, and what it can beyond the contracts | [`alpaca::Session`] |
//! | daily series in a folder, downloaded and kept up to date | [`history`] |
//!
//! # What becomes of an order
//!
//! Only an [approved](atlas_risk::Approved) order can be sent, once, and every [`Submission`] says
//! whether it reached the broker. An order of unknown outcome is looked up by its client order id
//! before anything else; its [`UnknownOutcome`] permits no more than that, and sending the very
//! same order again.
//!
//! ```
//! use atlas_broker::{Broker, Error, Submission};
//! use atlas_risk::ApprovedOrder;
//!
//! async fn send(broker: &dyn Broker, order: ApprovedOrder) -> Result<String, Error> {
//!     let id = order.get().client_order_id.clone();
//!     Ok(match broker.submit(order).await {
//!         Submission::Accepted(order) => format!("{id} is {:?}", order.status),
//!         Submission::Refused { code, reason } => format!("{id} is refused: {reason} ({code:?})"),
//!         Submission::NotReached { error, .. } => format!("{id} was not sent, send it later: {error}"),
//!         Submission::Unknown(unknown) => match broker.order(&id).await? {
//!             Some(order) => format!("{id} arrived after all, and is {:?}", order.status),
//!             None => match broker.resend(unknown).await {
//!                 Submission::Accepted(order) => format!("{id} arrived now: {:?}", order.status),
//!                 later => format!("{id} is still in doubt: {later:?}"),
//!             },
//!         },
//!     })
//! }
//! ```
//!
//! # Cargo features
//!
//! - `mock`: `MockBroker` and `MockMarketData` (module `mock`) stand in for either contract, and
//!   `FakeUpdates` for a stream, in the tests of crates that use them;
//! - `live`: the way to real money, see [`alpaca`];
//! - `fuzzing`: what the long runs of fuzzing call.

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
pub use broker::{Broker, BrokerOrder, Gate, MarketClock, Sent, Submission, UnknownOutcome};
pub use daily::daily_bars;
pub use error::Error;
pub use market_data::MarketData;
#[cfg(any(test, feature = "mock"))]
pub use mock::{FakeUpdates, MockBroker, MockMarketData, UpdateFeed};
pub use terms::{StopLoss, Terms, Trail};
pub use updates::{OrderNews, OrderUpdate, Update, UpdateStream};
