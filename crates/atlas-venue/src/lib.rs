//! A deterministic simulated exchange with an Alpaca-compatible server.
//!
//! One matching and accounting core, three doors:
//!
//! - [`Exchange`]: the core itself, pure and synchronous; for backtests at full speed;
//! - [`Venue`]: the core as a handle for many threads, with its account on disk, and
//!   [`InProcess`], which makes a [`Broker`](atlas_broker::Broker) of it;
//! - [`server`]: Alpaca's own HTTP and WebSocket interface in front of a venue, so that any Alpaca
//!   client can trade without an account, keys or the internet.
//!
//! ```
//! use atlas_core::bars::{Bars, Columns};
//! use atlas_core::Side;
//! use atlas_venue::core::{Class, Kind, NewOrder, Size, Tif};
//! use atlas_venue::{Listing, Venue, VenueConfig};
//!
//! let bars = Bars::new("AAPL".parse()?, Columns {
//!     dates: vec!["2019-01-02".parse().unwrap(), "2019-01-03".parse().unwrap()],
//!     open: vec![154.89, 143.98],
//!     high: vec![158.85, 145.72],
//!     low: vec![154.23, 142.0],
//!     close: vec![157.92, 142.19],
//!     ..Columns::default()
//! })?;
//! // Five minutes into the session of the third of January.
//! let config = VenueConfig::realistic("2019-01-03T14:35:00Z".parse().unwrap());
//! let venue = Venue::open(None, config, [Listing::raw(bars)])?;
//! let taken = venue.submit(NewOrder {
//!     client_order_id: Some("first".into()),
//!     symbol: "AAPL".parse()?,
//!     side: Side::Buy,
//!     size: Size::Shares("10".parse()?),
//!     kind: Kind::Market,
//!     tif: Tif::Day,
//!     extended_hours: false,
//!     class: Class::Simple,
//!     take_profit: None,
//!     stop_loss: None,
//! }).expect("the account has the money");
//! let price = venue.inspect(|exchange| exchange.order(taken.order.seq)?.avg_price());
//! assert_eq!(price.unwrap().to_string(), "144.052"); // the open, 5 bps worse
//! # Ok::<(), atlas_venue::Error>(())
//! ```
//!
//! # What is simulated
//!
//! Where only daily bars are known, the way of the price through a session follows one stated rule
//! (first the nearer extreme of the bar's direction, then the other, in straight lines; a series of
//! closes stands still). Where there are bars within the day ([`Listing::with_intraday`]), the price
//! goes through each of them, and what is traded outside of regular hours is traded here too; with
//! [`VenueConfig::made_extended_hours`] prices are made there where the data have none.
//!
//! The clock is set from outside and only moves forward. While it stands in a session's opening phase,
//! the first half hour unless configured otherwise, orders trade at the open of a daily bar; a series
//! of closes trades at its close all day, and never shows that close before the session has ended.
//!
//! The venue itself stands on the other side of every order. It quotes the price made worse by the
//! slippage, and an order fills when that quote reaches it: at once at the quote, or later at its
//! limit, never better. All fills of a session come to at most a share of the bar's volume. The
//! slippage can depend on the size of the order ([`Slippage`]).
//!
//! Instead of bars, quotes can come in ([`Exchange::take_quote`]): orders then trade against them.
//!
//! Crypto pairs trade around the clock, a bar for each UTC day, and pay their fee from what a trade
//! credits. Trading in a symbol can be halted. Splits, dividends, symbol changes and delistings are
//! handed in with the [`Listing`] and applied to positions and open orders at the opening.
//!
//! The account is a cash account unless [`AccountRules`] say otherwise: on a margin account equity
//! counts twice or four times, what can be borrowed can be sold short, interest and borrow fees are
//! charged ([`Carry`]), and an account below its maintenance margin is closed out at the next
//! opening. An order that opens a position reserves what it may cost; cash of a cash account never
//! goes below zero. Fees are added up over the day, rounded up to the cent for each kind, held back
//! from buying power at once and posted at the close, interest at the end of the month, so that at
//! any moment cash is the exact sum of the ledger.
//!
//! # What is not
//!
//! Options, leverage in crypto, and brokers' locates of hard-to-borrow shares. Requests for them are
//! refused, and endpoints that do not exist answer 404.
//!
//! The overnight session from 20:00 to 04:00: orders for extended hours wait for its end.

mod config;
pub mod core;
pub mod costs;
mod credentials;
mod error;
mod faults;
mod in_process;
pub mod server;
mod settlement;
mod store;
pub mod synth;
mod tape;
mod told;
mod venue;

pub use config::{AccountRules, VenueConfig};
pub use core::{Carry, Exchange, Listing, Multiplier, Refusal};
pub use costs::{CostEstimate, CostModel, FeeKind, Slippage};
pub use credentials::{Credentials, Secret};
pub use error::Error;
pub use faults::{Fault, Faults, Rule, Target};
pub use in_process::InProcess;
pub use venue::{Hours, Venue};
