//! Values, orders, bars, regimes, clock and exchange calendar: the vocabulary of Atlas, without I/O.
//!
//! ```
//! use atlas_core::calendar::Calendar;
//! use atlas_core::{Price, Qty, Usd};
//! use chrono::NaiveDate;
//!
//! // A plan made after this close …
//! let as_of = NaiveDate::from_ymd_opt(2019, 1, 2).expect("a date");
//! // … acts in the session that follows.
//! let session = Calendar::nyse().next_session(as_of)?;
//! assert_eq!(session.date.to_string(), "2019-01-03");
//!
//! let price: Price = "157.92".parse()?;
//! let cost: Usd = price.notional(Qty::from_shares(10))?;
//! assert_eq!(cost.to_string(), "1579.2");
//! # Ok::<(), atlas_core::Error>(())
//! ```
//!
//! - [`money`]: [`Price`], [`Qty`], [`Usd`], [`Weight`], [`Bps`], exact, with named [`Rounding`];
//! - [`order`]: [`OrderRequest`], [`Order`] and the one table of states; [`Fill`];
//! - [`bars`]: [`Bars`], columnar, [`Raw`] or [`Adjusted`] by type, and views that end at a date;
//! - [`calendar`]: the NYSE sessions of 1990 to 2030; [`time`]: [`Clock`] and the modes;
//! - [`signal`], [`regime`], [`account`], [`quote`]: what strategies want and brokers tell;
//! - [`journal`]: the record type of the hash-chained journal.
//!
//! **Invariants.** Nothing here reads a clock, the environment or a file; nothing panics on input;
//! arithmetic on money is exact or an error.

pub mod account;
pub mod bars;
pub mod calendar;
pub mod error;
pub mod fill;
pub mod id;
pub mod journal;
pub mod money;
pub mod order;
pub mod quote;
pub mod regime;
pub mod signal;
pub mod symbol;
pub mod time;

pub use account::{Account, Position};
pub use bars::{Adjusted, Bar, Bars, Basis, Raw};
pub use error::Error;
pub use fill::Fill;
pub use id::{AccountName, ClientOrderId, DecisionId, ExecutionId, SignalId, VenueOrderId};
pub use money::{Bps, Price, Qty, Rounding, Usd, Weight};
pub use order::{Order, OrderEvent, OrderRequest, OrderStatus, OrderType, Side, TimeInForce};
pub use quote::Quote;
pub use regime::Regime;
pub use signal::{Signal, SignalOutcome};
pub use symbol::Symbol;
pub use time::Clock;
