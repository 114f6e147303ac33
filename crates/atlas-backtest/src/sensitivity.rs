//! The same strategy at other costs and delays.

use atlas_core::{Bps, Usd};
use atlas_venue::{CostModel, Slippage};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::config::Config;
use crate::metrics::Metrics;
use crate::report::BacktestReport;
use crate::run::Backtest;

/// The same strategy under one other assumption.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// What was assumed.
    pub assumption: Assumption,
    /// Equity at the end.
    pub final_equity: Usd,
    /// What trading cost in all.
    pub costs: Usd,
    /// What the daily returns amount to.
    pub metrics: Metrics,
}

/// What was assumed; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Assumption {
    /// As configured.
    AsConfigured,
    /// No costs at all.
    NoCosts,
    /// Slippage of this many basis points; fees as configured.
    Slippage {
        /// Basis points.
        bps: Bps,
    },
    /// Decisions act this many sessions later.
    Delay {
        /// Sessions.
        sessions: u8,
    },
}

/// Runs a backtest as configured, without costs, at slippages of 1, 10, 20 and 50 bps, and at
/// delays of 5 and 10 sessions where the schedule has room for them.
///
/// # Errors
/// As [`Backtest::run`], for the first run that fails.
pub fn sensitivity(backtest: &Backtest<'_>, config: &Config) -> Result<Vec<Variant>, Error> {
    let mut all = vec![
        variant(Assumption::AsConfigured, &backtest.run(config)?)?,
        variant(Assumption::NoCosts, &backtest.run(&config.clone().without_costs())?)?,
    ];
    for bps in SLIPPAGES {
        let bps = Bps::new(Decimal::from(bps))?;
        let costs = CostModel { slippage: Slippage::Fixed(bps), ..config.costs.clone() };
        let report = backtest.run(&config.clone().at_costs(costs))?;
        all.push(variant(Assumption::Slippage { bps }, &report)?);
    }
    for sessions in DELAYS {
        let delayed = Config { delay_sessions: sessions, ..config.clone() };
        let delay = usize::from(sessions);
        if config.schedule.slots(config.from, config.to, delay).is_ok_and(|s| !s.is_empty()) {
            all.push(variant(Assumption::Delay { sessions }, &backtest.run(&delayed)?)?);
        }
    }
    Ok(all)
}

fn variant(assumption: Assumption, report: &BacktestReport) -> Result<Variant, Error> {
    let last = report.days.last().map(|day| day.equity);
    let final_equity = last.ok_or(Error::Empty {
        schedule: report.header.schedule,
        from: report.header.from,
        to: report.header.to,
    })?;
    let metrics = report.metrics.clone();
    Ok(Variant { assumption, final_equity, costs: report.costs.total, metrics })
}

/// Slippages that are tried, in basis points.
const SLIPPAGES: [u8; 4] = [1, 10, 20, 50];
/// Delays that are tried, in sessions.
const DELAYS: [u8; 2] = [5, 10];
