//! Backtests that can be believed: the engine and sequencer of paper and live, driven over history
//! on the simulated venue.
//!
//! [`Backtest::run`] takes a market and a [`Config`] and gives a [`BacktestReport`]. Each decision
//! sees the data up to its session and nothing later; it acts in the session after, through the
//! very code that `atlas rebalance` runs: [`atlas_engine`] decides, [`atlas_exec`] sequences over a
//! journal in memory, [`atlas_risk`] approves each order on fresh quotes, [`atlas_venue`] fills.
//!
//! - [`Config`], [`Schedule`], [`Members`]: what is tried, when is decided, who belonged when.
//! - [`report`]: trades with the decision behind each, curves, costs, attribution, warnings.
//! - [`metrics`]: figures with stated conventions; undefined is `None`.
//!
//! **Invariants.** Costs are on unless asked otherwise, and the report's header says which. The
//! same data and choices give the same bytes. Nothing after a session changes a decision made
//! after its close. Nothing here opens a socket or a file, or reads a clock.

mod block_on;
mod config;
pub mod critique;
mod desk;
mod error;
pub mod fast;
pub mod honesty;
mod members;
pub mod metrics;
mod regimes;
pub mod report;
mod run;
mod schedule;
mod sight;

pub use config::{Config, Finally};
pub use error::Error;
pub use members::{Members, Stay};
pub use report::BacktestReport;
pub use run::Backtest;
pub use schedule::Schedule;
