//! The four-regime detector.

mod block;
mod detect;
mod evidence;
mod expanding;
mod inputs;
mod ladder;
mod params;
mod prepared;

pub use detect::Detector;
pub use evidence::{
    DecidedBy, Evidence, FeatureReading, MarketState, RegimeEstimate, ReturnBasis, VixEvidence,
};
pub use inputs::{Inputs, Series};
pub use params::{
    CheckedDetectorParams, DetectorParams, LadderParams, RegimeRule, VixPolicy, ZScoreParams,
};
