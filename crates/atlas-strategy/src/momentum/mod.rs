//! Momentum: symbols near their 52-week high.

mod high52;

pub use high52::{
    High52, High52Params, High52Stream, Proximity, Scan, Scanned, Selection, VolumeRule, Warming,
};
