//! The shell around the sequencer: broker, journal, clock and timer.

mod context;
pub(crate) mod listen;
pub(crate) mod look_up;
mod open_time;
mod protect;
mod report;
mod restore;
mod retire;
mod run;
pub(crate) mod send;
mod settings;
#[cfg(test)]
mod tests;

pub use context::reference_now;
pub use open_time::open_time;
pub use report::{ExecutionReport, OrderReport, SignalReport};
pub use restore::{Restored, bare, restore_protection};
pub use retire::retire;
pub use run::execute;
pub use settings::{Approval, News, Ramp, Settings};
