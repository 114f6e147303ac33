//! Run reports, artifacts, metrics and the incident log; backtests as pages, charts and tables.
//!
//! A [`RunReport`] is both what `--json` prints and what the day's artifact holds;
//! [`artifact::write`] keeps it for good, [`history`] reads all of them back, [`daily`] makes a row
//! of figures from each, [`dashboard`] shows the account as pages, and [`audit`] asks of a stretch of days whether it ran as it was meant to.
//! [`metrics`] are the figures of an equity curve.
//! [`tear_sheet`] shows a backtest on one page of HTML that needs nothing else; [`equity_csv`] and
//! [`trades_csv`] are for whoever goes on with the numbers.
//!
//! **Invariants.** Nothing here decides or trades; an artifact is never overwritten; undefined
//! figures are `None`; the same input gives the same bytes.

pub mod artifact;
pub mod audit;
pub mod daily;
pub mod dashboard;
pub mod error;
pub mod history;
pub mod incident;
pub mod metrics;
pub mod run;
mod sheet;
mod tables;

pub use error::Error;
pub use run::RunReport;
pub use sheet::compare::{Compared, comparison_csv, comparison_page, curves_csv};
pub use sheet::search::{search_csv, search_page};
pub use sheet::tear_sheet;
pub use tables::{equity_csv, trades_csv};
