//! The discrete jump model: every observation in exactly one state.

pub(crate) mod estep;
mod fit;
mod general;
mod lanes;
mod lockstep;
pub(crate) mod params;
mod prepare;
mod runs;

pub use fit::Fit;
pub use params::{CheckedJumpParams, JumpParams};
pub use prepare::FitOptions;
pub(crate) use prepare::Prepared;
