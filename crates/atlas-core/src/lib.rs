//! Values, orders, bars, regimes, clock and exchange calendar: the vocabulary of Atlas, without I/O.

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
