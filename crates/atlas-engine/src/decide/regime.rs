//! The regime a plan rests on.

use atlas_regime::{Detector, Inputs, RegimeEstimate};

use crate::Error;
use crate::plan::RegimeDecision;
use crate::policy::Policy;
use crate::view::MarketView;

/// What the detector says, or why it says nothing.
pub(super) type Detected = Result<RegimeEstimate, atlas_regime::Error>;

/// Asks the detector.
pub(super) fn detect(view: &MarketView<'_>, policy: &Policy) -> Result<Detected, Error> {
    let params = policy.detector.clone().check().map_err(Error::Detector)?;
    let (index, vix, rate, as_of) = (view.index, view.vix, view.rate, view.as_of);
    Ok(Detector::new(params).detect(&Inputs { index, vix, rate, as_of }))
}

/// Takes what was detected, or the regime that a person put in its place.
pub(super) fn decide(
    view: &MarketView<'_>,
    policy: &Policy,
    detected: Detected,
    notes: &mut Vec<String>,
) -> Result<RegimeDecision, Error> {
    let as_of = view.as_of;
    let Some(regime) = policy.regime_override else {
        let estimate = detected.map_err(|source| Error::Regime { as_of, source })?;
        let regime = estimate.regime;
        let allocation = policy.allocations.of(regime);
        return Ok(RegimeDecision {
            regime,
            allocation,
            overridden: false,
            estimate: Some(estimate),
        });
    };
    let estimate = match detected {
        Ok(estimate) => {
            let said = estimate.regime;
            notes.push(format!("a person set the regime to {regime}; the detector says {said}"));
            Some(estimate)
        }
        Err(error) => {
            notes.push(format!("a person set the regime to {regime}; the detector says: {error}"));
            None
        }
    };
    let allocation = policy.allocations.of(regime);
    Ok(RegimeDecision { regime, allocation, overridden: true, estimate })
}
