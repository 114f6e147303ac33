//! The same strategy at other costs and delays.

use std::fmt;

use atlas_core::{Bps, Usd};
use atlas_venue::{CostModel, Slippage};
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

impl Assumption {
    /// Everything that is tried of a backtest: as configured, without costs, slippages of 1, 10, 20
    /// and 50 bps, and delays of 5 and 10 sessions where the schedule has room for them.
    #[must_use]
    pub fn all(config: &Config) -> Vec<Self> {
        let mut all = vec![Self::AsConfigured, Self::NoCosts];
        all.extend(SLIPPAGES.map(|bps| Self::Slippage { bps: Bps::from_int(bps) }));
        let fits = |sessions: u8| {
            let slots = config.schedule.slots(config.from, config.to, sessions.into());
            slots.is_ok_and(|slots| !slots.is_empty())
        };
        all.extend(
            DELAYS
                .into_iter()
                .filter(|sessions| fits(*sessions))
                .map(|sessions| Self::Delay { sessions }),
        );
        all
    }

    /// The backtest under it.
    fn of(self, config: &Config) -> Config {
        match self {
            Self::AsConfigured => config.clone(),
            Self::NoCosts => config.clone().without_costs(),
            Self::Slippage { bps } => {
                let costs = CostModel { slippage: Slippage::Fixed(bps), ..config.costs.clone() };
                config.clone().at_costs(costs)
            }
            Self::Delay { sessions } => Config { delay_sessions: sessions, ..config.clone() },
        }
    }
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsConfigured => f.write_str("as configured"),
            Self::NoCosts => f.write_str("no costs"),
            Self::Slippage { bps } => write!(f, "slippage {bps} bps"),
            Self::Delay { sessions } => write!(f, "{sessions} sessions later"),
        }
    }
}

/// Runs a backtest under [every assumption](Assumption::all).
///
/// # Errors
/// As [`Backtest::run`], for the first run that fails.
pub fn sensitivity(backtest: &Backtest<'_>, config: &Config) -> Result<Vec<Variant>, Error> {
    sensitivity_watched(backtest, config, &|_| true)
}

/// The same, while somebody watches: hears after each run how many are done and says whether to go
/// on; what was run until then is kept.
///
/// # Errors
/// As [`sensitivity`].
pub fn sensitivity_watched(
    backtest: &Backtest<'_>,
    config: &Config,
    watch: &dyn Fn(usize) -> bool,
) -> Result<Vec<Variant>, Error> {
    let mut all = Vec::new();
    for assumption in Assumption::all(config) {
        all.push(variant(assumption, &backtest.run(&assumption.of(config))?)?);
        if !watch(all.len()) {
            break;
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
const SLIPPAGES: [i16; 4] = [1, 10, 20, 50];
/// Delays that are tried, in sessions.
const DELAYS: [u8; 2] = [5, 10];
