//! The continuous jump model: every observation in a mixture of states.

mod charges;
pub(crate) mod estep;
mod fit;
mod grid;
mod model;
mod params;
mod restarts;
pub(crate) mod rings;

pub use fit::ContinuousFit;
pub use grid::{Grid, VERTICES_MAX};
pub use model::{CONTINUOUS_FORMAT, ContinuousFilter, ContinuousModel, MixedEstimate};
pub use params::{CheckedContinuousParams, ContinuousParams};
pub(crate) use restarts::{BYTES_MAX, Share};
