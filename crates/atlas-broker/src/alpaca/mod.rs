//! A careful client of Alpaca's trading and market data APIs.
//!
//! Start at [`Session`], which keeps the contracts [`Broker`](crate::Broker) and
//! [`MarketData`](crate::market_data::MarketData).
//!
//! - **Did it reach the venue?** Every outcome of a submit says so; nothing is sent twice, and a
//!   duplicate client order id is answered with the order that exists.
//! - **Tolerant in, strict out.** Unknown fields and descriptive words pass; an unknown order state
//!   is an error. Amounts are decimals from the wire on, never floats.
//! - **Paper and live are different types.** Live exists only behind the cargo feature `live`.

mod books;
mod credentials;
mod data_stream;
mod endpoint;
pub(crate) mod http;
mod increments;
mod ledger;
#[cfg(feature = "live")]
pub mod live;
mod lookup;
mod market;
pub(crate) mod mode;
mod options;
mod orders;
mod pace;
mod pages;
mod place;
mod portfolio;
mod quote_queue;
mod reading;
mod recovery;
mod reference;
mod reply;
mod secret;
mod session;
mod socket;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod tls;
mod trade_updates;
mod trading;
mod wire;

pub use credentials::Credentials;
pub use endpoint::Endpoint;
pub use ledger::ActivityFilter;
pub use mode::{Mode, Paper};
pub use options::{Feed, Options};
pub use orders::{AssetClass, Direction, OrderFilter, Which};
pub use portfolio::{
    EquityPoint, HistoryRequest, Period, PortfolioHistory, ReportedHours, Resolution,
};
#[cfg(any(test, feature = "fuzzing"))]
pub use reading::read_everything;
pub use reading::read_order;
pub use reference::{Asset, Configuration};
pub use secret::Secret;
pub use session::Session;
