//! Statistical jump models and the four-regime detector: exact, causal, incremental.
//!
//! A jump model assigns every session to a state so that observations lie close to their state's
//! centre while each change of state costs a penalty; it is a hidden Markov model's robust cousin.
//! [`Detector`] turns one into four market regimes, for one session from data up to that session:
//!
//! ```
//! use atlas_regime::{Detector, DetectorParams, Error, Inputs, Series, VixPolicy};
//! use chrono::{Days, NaiveDate};
//!
//! // 2 500 made-up sessions: 400 calm ones, then 100 falling and wild, over and over.
//! let first = NaiveDate::from_ymd_opt(2000, 1, 3).unwrap();
//! let dates: Vec<NaiveDate> = (0..2500).map(|t| first + Days::new(t)).collect();
//! let mut close = 100.0;
//! let closes: Vec<f64> = (0..2500)
//!     .map(|t| {
//!         let wave = [0.4, -0.9, 1.1, -0.6, 0.2, -0.3, 0.8, -0.8][t % 8];
//!         close *= if t % 500 < 400 { 1.0005 + 0.004 * wave } else { 0.997 + 0.02 * wave };
//!         close
//!     })
//!     .collect();
//! let index = Series { dates: &dates, values: &closes };
//!
//! let params = DetectorParams { vix_missing: VixPolicy::CarryOn, ..DetectorParams::calibrated() };
//! let detector = Detector::new(params.check()?);
//! let as_of = dates[2499]; // the last session of a wild stretch
//! let estimate = detector.detect(&Inputs { index, vix: None, rate: None, as_of })?;
//! assert!(estimate.regime.as_str() == "bear" || estimate.regime.as_str() == "crash");
//! assert_eq!(estimate.evidence.refit_session, 2394); // the last multiple of 126
//!
//! // Without a VIX the default policy refuses rather than guesses.
//! let strict = Detector::new(DetectorParams::calibrated().check()?);
//! let refused = strict.detect(&Inputs { index, vix: None, rate: None, as_of });
//! assert_eq!(refused, Err(Error::VixMissing { as_of, last: None }));
//! # Ok::<(), Error>(())
//! ```
//!
//! | wanted | where |
//! | --- | --- |
//! | a regime for a session, or for every session of a span | [`Detector::detect`], [`Detector::history`] |
//! | the same session by session, with checkpoints | [`DetectorStream`] |
//! | a two-state detector session by session, with a chosen penalty and checkpoints | [`rolling`] |
//! | a discrete jump model: fit, file away, run online | [`JumpParams`], [`JumpModel`], [`Filter`], [`SlidingFilter`] |
//! | mixed states, feature selection | [`continuous`], [`sparse`] |
//! | the baseline | [`hmm`] |
//! | features, clipping, scaling, excess returns | [`FeatureStream`], [`Clipper`], [`Scaler`], [`accrued_interest`] |
//! | volatility shock, trend or range | [`VixRule`], [`Trend`] |
//!
//! Fits equal those of the Python package `jumpmodels` 0.1.1, label for label (test target
//! `golden`); where that package crashes or answers nonsense this one has a typed [`Error`].
//! Whatever is called *smoothed* looks into the future of its rows; nothing else does.
//!
//! The crate is pure: no I/O, no clock, no environment; the only randomness is drawn from the seed
//! in the parameters. Everything that is decided for a session reads that session and its past.

pub mod continuous;
mod count;
mod descent;
mod detector;
mod discrete;
pub mod dp;
mod error;
mod ewm;
mod features;
mod filter;
pub mod hmm;
mod kmeanspp;
mod model;
mod order;
mod parallel;
mod partition;
mod rates;
mod rng;
pub mod rolling;
mod rows;
mod scaler;
mod sliding;
pub mod sparse;
mod stored;
mod trend;
mod vix;
mod wide;

pub use descent::{Restart, Stop};
pub use detector::{
    CheckedDetectorParams, DETECTOR_CHECKPOINT_FORMAT, Dated, DecidedBy, Detector,
    DetectorCheckpoint, DetectorParams, DetectorStream, Evidence, FeatureReading, Inputs,
    LadderParams, MarketState, Naming, PenaltyChoice, RegimeEstimate, RegimeRule, ReturnBasis,
    Series, SessionClose, VixEvidence, VixPolicy, ZScoreBranch, ZScoreParams,
};
pub use discrete::{CheckedJumpParams, Fit, FitOptions, JumpParams};
pub use error::Error;
pub use ewm::Ewm;
pub use features::{Feature, FeatureStream};
pub use filter::{Filter, StateEstimate};
pub use kmeanspp::kmeanspp_rows;
pub use model::{JumpModel, MODEL_FORMAT};
pub use order::{SortBy, returns_by_state};
pub use rates::{RATE_CARRY_DAYS_MAX, RateQuote, accrued_interest, simple_returns};
pub use rng::Mt19937;
pub use rows::Rows;
pub use scaler::{Clipper, Scaler};
pub use sliding::SlidingFilter;
pub use trend::{Movement, Trend, TrendReading};
pub use vix::{CheckedVixParams, VixParams, VixReading, VixRule, VixShock, VixTrigger};
#[doc(hidden)]
pub use wide::without_avx512;
