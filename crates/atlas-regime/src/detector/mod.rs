//! The four-regime detector.

mod block;
mod course;
mod detect;
mod estimate;
mod evidence;
mod expanding;
mod inputs;
mod ladder;
mod newest;
mod params;
mod rate_track;
mod session;
mod stream;
mod vix_track;
mod window;

pub use detect::Detector;
pub use evidence::{
    DecidedBy, Evidence, FeatureReading, MarketState, Naming, RegimeEstimate, ReturnBasis,
    VixEvidence, ZScoreBranch,
};
pub(crate) use expanding::Expanding;
pub use inputs::{Inputs, Series};
pub use params::{
    CheckedDetectorParams, DetectorParams, LadderParams, PenaltyChoice, RegimeRule, VixPolicy,
    ZScoreParams,
};
pub use session::{Dated, SessionClose};
pub use stream::{DETECTOR_CHECKPOINT_FORMAT, DetectorCheckpoint, DetectorStream};
