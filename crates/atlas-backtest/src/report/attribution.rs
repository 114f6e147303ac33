//! What each regime and each symbol brought in.

use std::collections::BTreeMap;

use atlas_core::{Regime, Symbol, Usd};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::metrics::{Conventions, Metrics};
use crate::report::{Day, DecisionRecord, RoundTrip};

/// The sessions in which decisions of one regime were in force.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegimeShare {
    /// The regime.
    pub regime: Regime,
    /// Decisions made under it.
    pub decisions: usize,
    /// What the returns of those sessions amount to, put end to end.
    pub metrics: Metrics,
}

/// What one symbol brought in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolShare {
    /// The symbol.
    pub symbol: Symbol,
    /// Round trips.
    pub round_trips: usize,
    /// Profit after slippage and before fees, those marked at the end included.
    pub profit: Usd,
}

/// A session's return belongs to the latest decision that had acted by its close.
pub(crate) fn by_regime(
    days: &[Day],
    decisions: &[DecisionRecord],
) -> Result<Vec<RegimeShare>, Error> {
    let mut returns: BTreeMap<Regime, Vec<f64>> = BTreeMap::new();
    let mut in_force = decisions.iter().peekable();
    let mut regime = None;
    for day in days {
        while let Some(next) = in_force.next_if(|next| next.execute_on <= day.date) {
            regime = Some(next.regime);
        }
        if let (Some(regime), Some(r)) = (regime, day.simple_return) {
            returns.entry(regime).or_default().push(r);
        }
    }
    let share = |(regime, returns): (Regime, Vec<f64>)| {
        let decisions = decisions.iter().filter(|decision| decision.regime == regime).count();
        let metrics = Metrics::of(&returns, Conventions::SESSIONS)?;
        Ok(RegimeShare { regime, decisions, metrics })
    };
    returns.into_iter().map(share).collect()
}

/// Symbols by name.
pub(crate) fn by_symbol(trips: &[RoundTrip]) -> Result<Vec<SymbolShare>, Error> {
    let mut shares: BTreeMap<Symbol, (usize, Usd)> = BTreeMap::new();
    for trip in trips {
        let (count, profit) = shares.entry(trip.symbol.clone()).or_default();
        *count += 1;
        *profit = profit.checked_add(trip.profit)?;
    }
    let share = |(symbol, (round_trips, profit))| SymbolShare { symbol, round_trips, profit };
    Ok(shares.into_iter().map(share).collect())
}
