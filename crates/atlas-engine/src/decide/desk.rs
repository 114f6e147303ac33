//! What the desk's gates look at, from what a decision sees: stops, correlations, volumes, sectors,
//! losses.

use std::collections::BTreeSet;

use atlas_core::{Price, Symbol};
use atlas_risk::Correlations;
use atlas_strategy::alike::correlation;

use super::desire::Desires;
use super::{Frame, heat};
use crate::Error;
use crate::falls::Falls;
use crate::plan::PlannedDesk;
use crate::policy::DeskPolicy;
use crate::view::PriceSeries;

/// What is known of all that is held, being bought or wanted.
pub(super) fn plan(
    frame: &Frame<'_>,
    desires: &Desires,
    falls: &Falls,
    policy: &DeskPolicy,
) -> Result<PlannedDesk, Error> {
    let snapshot = frame.book.snapshot;
    let mut desk = heat::desk(frame, falls)?;
    desk.day_trades = snapshot.day_trades;
    let opening = snapshot.open_orders.iter().map(|order| order.symbol.clone());
    let mut symbols: BTreeSet<Symbol> = snapshot.positions.keys().cloned().chain(opening).collect();
    symbols.extend(desires.wanted.iter().cloned());
    let series: Vec<&PriceSeries<'_>> = frame
        .view
        .universe
        .iter()
        .chain(&frame.view.others)
        .filter(|series| symbols.contains(series.symbol()))
        .collect();
    for symbol in &symbols {
        let known = desk.symbols.entry(symbol.clone()).or_default();
        known.sector = policy.sectors.get(symbol).cloned();
        known.last_loss = snapshot.last_losses.get(symbol).copied();
    }
    for one in &series {
        if let Some(known) = desk.symbols.get_mut(one.symbol()) {
            known.mean_volume = mean_volume(one, policy.volume_sessions.into());
            known.raw_price = raw_price(one);
        }
    }
    desk.correlations = correlations(&series, &symbols, policy);
    Ok(PlannedDesk { rules: policy.rules.clone(), desk })
}

/// Correlations of every pair whose closes are known for the same sessions.
fn correlations(
    series: &[&PriceSeries<'_>],
    symbols: &BTreeSet<Symbol>,
    policy: &DeskPolicy,
) -> Correlations {
    let mut alike = Correlations::among(symbols.iter().cloned());
    let sessions = usize::from(policy.correlation_sessions);
    for (at, one) in series.iter().enumerate() {
        for other in &series[..at] {
            let (a, b) = (one.history(), other.history());
            let (first, second) = ((one.dates(), a.closes()), (other.dates(), b.closes()));
            if let Some(value) = correlation(first, second, sessions) {
                alike.set(one.symbol(), other.symbol(), value);
            }
        }
    }
    alike
}

/// The mean over so many sessions; `None` if one of them has no volume.
fn mean_volume(series: &PriceSeries<'_>, sessions: usize) -> Option<f64> {
    let volume = series.history().volume()?;
    let from = volume.len().checked_sub(sessions)?;
    let last = volume.get(from..)?;
    if !last.iter().all(|shares| shares.is_finite() && *shares >= 0.0) {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of sessions is far below 2^52")]
    let count = last.len() as f64;
    Some(last.iter().sum::<f64>() / count)
}

/// The last close as printed at the exchange; nobody knows it of an adjusted series.
fn raw_price(series: &PriceSeries<'_>) -> Option<Price> {
    match series {
        PriceSeries::Raw(view) => view.last_price(),
        PriceSeries::Adjusted(_) => None,
    }
}
