//! What trading cost.

use std::collections::BTreeMap;

use atlas_core::Usd;
use atlas_venue::FeeKind;
use atlas_venue::core::{Activity, Entry};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::report::Trade;

/// What trading cost, by kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CostsPaid {
    /// Price differences to one's disadvantage; already in the fill prices.
    pub slippage: Usd,
    /// Fees posted by the venue.
    pub fees: BTreeMap<FeeKind, Usd>,
    /// All of it.
    pub total: Usd,
    /// All of it as a fraction of the dollars traded.
    pub of_traded: Option<f64>,
}

impl CostsPaid {
    pub(crate) fn of(trades: &[Trade], activities: &[Activity]) -> Result<Self, Error> {
        let slippage = Usd::sum(trades.iter().map(|trade| trade.slippage))?;
        let traded = Usd::sum(trades.iter().map(|trade| trade.notional))?.to_f64();
        let mut fees: BTreeMap<FeeKind, Usd> = BTreeMap::new();
        for activity in activities {
            if let Entry::Fee { kind, amount, .. } = &activity.entry {
                let sum = fees.entry(*kind).or_insert(Usd::ZERO);
                *sum = sum.checked_add(amount.to_usd()?)?;
            }
        }
        let total = Usd::sum(fees.values().copied())?.checked_add(slippage)?;
        let of_traded = (traded > 0.0).then(|| total.to_f64() / traded);
        Ok(Self { slippage, fees, total, of_traded })
    }
}
