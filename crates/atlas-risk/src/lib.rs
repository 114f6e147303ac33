//! Pre-trade gates, the validator, sizing, limits and the only way to an approved order.
//!
//! Limits are written down ([`LimitsSpec`], or a [`Profile`] by name), checked ([`Limits`]) and
//! made into a [`Validator`], whose gates all speak on every order:
//!
//! - [`Validator::judge`] weighs the orders of a plan, as a batch, net;
//! - [`Validator::approve`] weighs one order on fresh data and gives the [`Approved`] that a
//!   broker's `submit` consumes. Nothing else makes one.
//!
//! An order that reduces can be denied only for its symbol, a halt, a duplicate, its quantity or
//! the hard message rate; every other gate warns. What is missing denies an opening order.
//!
//! The crate is pure: no I/O, no clock, no environment. It does not know how signals arise nor how
//! orders travel.

pub mod approved;
mod breaker;
mod context;
pub mod controls;
mod correlations;
mod desk;
mod error;
pub mod evidence;
mod exits;
mod gate;
mod gates;
mod ledger;
mod limits;
mod profile;
pub mod sizing;
mod validator;
mod verdict;

pub use approved::{Approved, ApprovedOrder};
pub use breaker::{BreakerEvent, BreakerRules, BreakerStance, CircuitBreaker};
pub use context::{
    Activity, Authority, Context, Entries, Hours, OpenOrder, Performance, Phase, RecentOrder,
    SymbolMarket, Tradability, TradingState,
};
pub use correlations::Correlations;
pub use desk::{DayTradeRule, Desk, DeskRules, SymbolDesk};
pub use error::Error;
pub use exits::{ExitIntent, ExitReason, ExitRules, Holding, TimeExit};
pub use gate::{Case, Gate};
pub use limits::{Limits, LimitsSpec, Shares};
pub use profile::{DESK_FILE, Profile};
pub use validator::{Denial, Judgement, Validator};
pub use verdict::{Effect, Finding, GateName, Verdict, VerdictKind};
