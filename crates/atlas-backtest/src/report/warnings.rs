//! What a reader ought to know before believing a result.

use std::collections::BTreeMap;

use atlas_core::Side;
use atlas_data::{MarketData, Series};
use atlas_venue::{CostModel, FeeKind};

use super::BacktestReport;
use crate::Error;
use crate::config::Config;
use crate::sight;

/// Sentences about data and simulation, each with its numbers.
pub(crate) fn of(
    report: &BacktestReport,
    market: &MarketData,
    config: &Config,
) -> Result<Vec<String>, Error> {
    let mut all = Vec::new();
    if !report.header.costs.on {
        all.push("costs are off: nobody trades for nothing".to_owned());
    }
    survivors(market, config, &mut all)?;
    absent_members(market, config, &mut all);
    let adjusted = market.series.values().filter(|s| matches!(s, Series::Adjusted(_))).count();
    if adjusted > 0 {
        all.push(format!(
            "prices of {adjusted} symbols are adjusted and traded as total-return units: share \
             counts, dollar rules and fees a share are not those of the day"
        ));
    }
    unpriced_fees(report, config, &mut all);
    without_vix(report, &mut all);
    denials(report, &mut all);
    if report.benchmark.is_none() {
        all.push("the index lacks a session of the period: there is no benchmark".to_owned());
    }
    Ok(all)
}

/// A universe in which nobody ever fails is one chosen with hindsight.
fn survivors(market: &MarketData, config: &Config, all: &mut Vec<String>) -> Result<(), Error> {
    let end = sight::last_session(market)?;
    let alive = market.series.values().all(|series| series.view().last_date() == Some(end));
    if config.members.is_none() && alive {
        let count = market.series.len();
        all.push(format!(
            "all {count} symbols of the universe have prices to the end of the data, {end}: only \
             survivors, chosen with hindsight, which flatters every figure"
        ));
    }
    Ok(())
}

/// A universe by date is one of survivors still, if nobody has the prices of those that left.
fn absent_members(market: &MarketData, config: &Config, all: &mut Vec<String>) {
    let Some(members) = &config.members else { return };
    let (mut known, mut absent) = (0_usize, Vec::new());
    for symbol in members.during(config.from, config.to) {
        if market.series.contains_key(symbol) {
            known += 1;
        } else {
            absent.push(symbol.as_str());
        }
    }
    if !absent.is_empty() {
        let first = absent.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
        let more = if absent.len() > NAMED { ", …" } else { "" };
        all.push(format!(
            "{} of {} members of the period have no prices in the data ({first}{more}): what they \
             would have done is not in any figure",
            absent.len(),
            known + absent.len()
        ));
    }
}

/// Absent members that are named.
const NAMED: usize = 5;

/// Fees that existed at a rate nobody could evidence were charged nothing.
fn unpriced_fees(report: &BacktestReport, config: &Config, all: &mut Vec<String>) {
    if !config.costs.regulatory {
        return;
    }
    let unknown = |date, kind| CostModel::evidence(kind, date).is_none();
    let sales = report.trades.iter().filter(|trade| trade.side == Side::Sell);
    let unpriced = sales.filter(|trade| unknown(trade.date, FeeKind::Sec31)).count();
    if unpriced > 0 {
        all.push(format!(
            "{unpriced} sales were charged no Section 31 fee, since no rate of their day is \
             evidenced"
        ));
    }
}

fn without_vix(report: &BacktestReport, all: &mut Vec<String>) {
    let missing = |decision: &&super::DecisionRecord| {
        decision.evidence.as_ref().is_none_or(|evidence| {
            matches!(evidence.vix, atlas_regime::VixEvidence::Missing { .. })
        })
    };
    let count = report.decisions.iter().filter(missing).count();
    if count > 0 {
        all.push(format!(
            "{count} of {} decisions were made without a VIX: no new shock could be seen",
            report.decisions.len()
        ));
    }
}

fn denials(report: &BacktestReport, all: &mut Vec<String>) {
    let mut by_gate = BTreeMap::new();
    for denied in report.decisions.iter().flat_map(|decision| &decision.denied) {
        if let Some(gate) = denied.gates.first() {
            *by_gate.entry(*gate).or_insert(0_usize) += 1;
        }
    }
    for (gate, count) in by_gate {
        all.push(format!("gate {gate} denied {count} planned orders"));
    }
}
