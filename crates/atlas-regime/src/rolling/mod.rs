//! A detector that rolls with the market: refits, choices of the penalty, checkpoints.

mod choice;
mod detector;
mod params;
mod refit;
mod restore;

pub use detector::{CHECKPOINT_FORMAT, Checkpoint, RollingDetector, RollingEstimate};
pub use params::{CheckedRollingParams, RollingParams};
pub use refit::Renaming;
