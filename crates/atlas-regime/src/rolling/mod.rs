//! A detector that rolls with the market: refits, choices of the penalty, checkpoints.

pub(crate) mod contest;
mod detector;
mod evidence;
mod params;
mod refit;
mod restore;

pub use detector::{CHECKPOINT_FORMAT, Checkpoint, RollingDetector};
pub use evidence::{RollingEstimate, RollingEvidence, RollingRule};
pub use params::{CheckedRollingParams, RollingParams};
pub use refit::Renaming;
