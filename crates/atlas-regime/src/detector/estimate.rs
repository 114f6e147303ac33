//! The evidence put together.

use atlas_core::Regime;

use super::course::{Found, Place};
use super::evidence::{
    DecidedBy, Evidence, FeatureReading, RegimeEstimate, ReturnBasis, VixEvidence,
};
use crate::{Feature, VixReading};

/// What is said about a session, the shock override included.
pub(crate) fn estimate(
    place: Place,
    found: Found<'_>,
    returns: ReturnBasis,
    (vix, vix_unseen): (VixEvidence, usize),
) -> RegimeEstimate {
    let Found { block, judged, naming, raw, expanding_z, penalty, chosen_session } = found;
    let shocked = match &vix {
        VixEvidence::Read(VixReading { shock, .. }) | VixEvidence::Missing { shock, .. } => {
            shock.is_some()
        }
    };
    let decided_by = match (shocked, judged.rungs) {
        (true, _) => DecidedBy::VixShock,
        (false, Some(_)) => DecidedBy::Ladder,
        (false, None) => DecidedBy::ZScores,
    };
    let features = Feature::PAPER.iter().enumerate().map(|(j, feature)| FeatureReading {
        name: feature.name(),
        value: raw[j],
        scaled: judged.scaled[j],
        expanding_z: expanding_z[j],
    });
    let refit_session = block.sample.end;
    let evidence = Evidence {
        session: place.session,
        refit_session,
        refit_date: place.refit_date,
        model_age: place.session - refit_session,
        sample_rows: block.sample.len(),
        penalty: Some(penalty),
        chosen_session,
        objective: block.model.objective,
        returns,
        features: features.collect(),
        state: judged.state,
        distances: judged.distances,
        state_margin: judged.state_margin,
        stress: judged.stress,
        rungs: judged.rungs,
        label_margin: judged.label_margin,
        model_regime: judged.regime,
        vix,
        vix_unseen,
        decided_by,
        z_branch: judged.z_branch,
        naming,
    };
    let regime = if shocked { Regime::Crash } else { judged.regime };
    RegimeEstimate { as_of: place.date, regime, evidence }
}
