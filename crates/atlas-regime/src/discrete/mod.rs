//! The discrete jump model: every observation in exactly one state.

pub(crate) mod estep;
mod fit;
mod params;

pub use fit::{Fit, Starts};
pub use params::{CheckedJumpParams, JumpParams};
