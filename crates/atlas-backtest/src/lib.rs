//! Backtests that can be believed: the engine and sequencer of paper and live, driven over history
//! on the simulated venue.
//!
//! [`Backtest::run`] takes a market and a [`Config`] and gives a [`BacktestReport`]. Each decision
//! sees the data up to its session and nothing later; it acts in the session after, through the
//! very code that `atlas rebalance` runs: [`atlas_engine`] decides, [`atlas_exec`] sequences over a
//! journal in memory, [`atlas_risk`] approves each order on fresh quotes, [`atlas_venue`] fills.
//!
//! - [`Config`], [`Schedule`], [`Members`]: what is tried, when is decided, who belonged when.
//! - [`strategies`]: the strategies that can be named, and how they meet the engine.
//! - [`report`]: trades with the decision behind each, curves, costs, attribution, warnings.
//! - [`metrics`]: figures with stated conventions; undefined is `None`.
//! - [`critique`]: what speaks against a result, with numbers.
//! - [`honesty`]: trials counted, ratios deflated, walk-forward, cross-validation, bootstrap.
//! - [`lookahead`]: whether a decision knows what it cannot know.
//! - [`search`]: grids and random search on many threads, plateau maps.
//! - [`sensitivity`]: the same at other costs and delays.
//! - [`parity`]: where two accounts part ways.
//! - [`fast`]: one instrument in fixed point at the speed of memory, equal to the venue's path.
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
pub mod lookahead;
mod members;
pub mod metrics;
pub mod parity;
mod period;
mod regimes;
pub mod report;
mod run;
mod schedule;
pub mod search;
pub mod sensitivity;
mod sight;
pub mod strategies;

pub use config::{Config, Finally};
pub use error::Error;
pub use members::{Members, Stay};
pub use period::Period;
pub use report::BacktestReport;
pub use run::Backtest;
pub use schedule::Schedule;
pub use strategies::StrategySpec;
