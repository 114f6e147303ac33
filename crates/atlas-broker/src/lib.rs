//! The Broker contract and a careful Alpaca client.

pub mod activity;
pub mod broker;
pub mod error;

pub use activity::{Activity, ActivityId, CashEntry, CashKind, Entry};
pub use broker::{Broker, BrokerOrder, MarketClock, Submission, UnknownOutcome};
pub use error::Error;
