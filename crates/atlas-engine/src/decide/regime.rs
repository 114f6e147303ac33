//! The regime a plan rests on.

use atlas_regime::{Detector, Inputs};

use crate::Error;
use crate::plan::RegimeDecision;
use crate::policy::Policy;
use crate::view::MarketView;

/// Detects the regime, or takes the one a person put in its place.
pub(super) fn decide(
    view: &MarketView<'_>,
    policy: &Policy,
    notes: &mut Vec<String>,
) -> Result<RegimeDecision, Error> {
    let as_of = view.as_of;
    let params = policy.detector.clone().check().map_err(Error::Detector)?;
    let inputs = Inputs { index: view.index, vix: view.vix, rate: view.rate, as_of };
    let detected = Detector::new(params).detect(&inputs);
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
