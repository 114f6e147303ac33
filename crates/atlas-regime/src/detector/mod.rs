//! The four-regime detector.

mod block;
mod detect;
mod evidence;
mod expanding;
mod inputs;
mod ladder;
mod params;
mod prepared;
mod vix_track;

pub use detect::Detector;
pub use evidence::{
    DecidedBy, Evidence, FeatureReading, MarketState, Naming, RegimeEstimate, ReturnBasis,
    VixEvidence, ZScoreBranch,
};
pub use inputs::{Inputs, Series};
pub use params::{
    CheckedDetectorParams, DetectorParams, LadderParams, RegimeRule, VixPolicy, ZScoreParams,
};
