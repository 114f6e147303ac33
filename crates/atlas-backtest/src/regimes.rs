//! What the detector says on every decision's session, at one fit per refit.

use std::collections::BTreeMap;

use atlas_data::MarketData;
use atlas_regime::{CheckedDetectorParams, Detector, Inputs, RegimeEstimate};
use chrono::NaiveDate;

use crate::Error;
use crate::config::Config;
use crate::schedule::Slot;
use crate::sight;

/// What the detector says, or why it says nothing.
pub(crate) type Detected = Result<RegimeEstimate, atlas_regime::Error>;

/// Asks the detector about every decision's session; each answer equals what it says when asked
/// about that session alone with that decision's view.
///
/// # Errors
/// [`Error::Data`] for the first session that cannot be decided on; [`Error::Plan`] for detector
/// parameters that cannot be used. What the detector itself refuses is among the answers.
pub(crate) fn detect_all(
    market: &MarketData,
    config: &Config,
    slots: &[Slot],
) -> Result<BTreeMap<NaiveDate, Detected>, Error> {
    let Some(first) = slots.first() else { return Ok(BTreeMap::new()) };
    let checked = config.policy.detector.clone().check().map_err(|problem| Error::Plan {
        as_of: first.as_of.date,
        source: Box::new(atlas_engine::Error::Detector(problem)),
    })?;
    let mut all = BTreeMap::new();
    let mut batch: Vec<Inputs<'_>> = Vec::new();
    for slot in slots {
        let inputs = sight::look_at_index(market, config, slot)?;
        let fits = batch.last().is_none_or(|last| same_kind(last, &inputs, checked.params()));
        if !fits {
            judge(&checked, &batch, &mut all);
            batch.clear();
        }
        batch.push(inputs);
    }
    judge(&checked, &batch, &mut all);
    Ok(all)
}

/// Whether two sessions are under the same refit and judged from the same kinds of series.
fn same_kind(a: &Inputs<'_>, b: &Inputs<'_>, params: &atlas_regime::DetectorParams) -> bool {
    let refit = |of: &Inputs<'_>| of.index.dates.len().saturating_sub(1) / params.refit_every;
    let kinds = |of: &Inputs<'_>| (of.vix.is_some(), of.rate.is_some());
    refit(a) == refit(b) && kinds(a) == kinds(b)
}

/// Judges a batch at once. What is asked of the sessions in between may be refused where the
/// decisions' own would not be: then each is judged by itself.
fn judge(
    checked: &CheckedDetectorParams,
    batch: &[Inputs<'_>],
    all: &mut BTreeMap<NaiveDate, Detected>,
) {
    let (Some(first), Some(last)) = (batch.first(), batch.last()) else { return };
    let detector = Detector::new(checked.clone());
    if batch.len() > 1
        && let Ok(history) = detector.history(last, first.as_of)
    {
        let mut history: BTreeMap<NaiveDate, RegimeEstimate> =
            history.into_iter().map(|estimate| (estimate.as_of, estimate)).collect();
        let asked = batch.iter().map(|inputs| inputs.as_of);
        let found: Vec<_> =
            asked.filter_map(|date| Some((date, Ok(history.remove(&date)?)))).collect();
        if found.len() == batch.len() {
            all.extend(found);
            return;
        }
    }
    all.extend(batch.iter().map(|inputs| (inputs.as_of, detector.detect(inputs))));
}
