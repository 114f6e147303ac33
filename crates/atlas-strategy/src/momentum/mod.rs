//! Momentum over a universe: symbols near their 52-week high, and the strongest that beat cash.

mod cadence;
mod dual;
mod high52;

pub use cadence::Cadence;
pub use dual::{DualMomentum, DualMomentumParams, DualRow, DualScan, DualSelection};
pub use high52::{
    High52, High52Params, High52Stream, Proximity, Scan, Scanned, Selection, Thresholds,
    VolumeRule, Warming,
};
