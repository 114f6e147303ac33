//! Momentum: symbols near their 52-week high.

mod cadence;
mod high52;

pub use cadence::Cadence;
pub use high52::{
    High52, High52Params, High52Stream, Proximity, Scan, Scanned, Selection, Thresholds,
    VolumeRule, Warming,
};
