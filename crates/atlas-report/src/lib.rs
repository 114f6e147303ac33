//! Run reports, artifacts, metrics and the incident log.
//!
//! A [`RunReport`] is both what `--json` prints and what the day's artifact holds;
//! [`artifact::write`] keeps it for good. [`metrics`] are the figures of an equity curve.
//!
//! **Invariants.** Nothing here decides or trades; an artifact is never overwritten; undefined
//! figures are `None`.

pub mod artifact;
pub mod error;
pub mod incident;
pub mod metrics;
pub mod run;

pub use error::Error;
pub use run::RunReport;
