//! What trading cost.

use std::collections::BTreeMap;

use atlas_core::Usd;
use atlas_venue::FeeKind;
use atlas_venue::core::{Activity, Entry, PostingKind};
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
    /// What came without a trade, by kind: interest, dividends, delistings. Not part of the total.
    pub income: BTreeMap<PostingKind, Usd>,
    /// Slippage and fees.
    pub total: Usd,
    /// All of it as a fraction of the dollars traded.
    pub of_traded: Option<f64>,
}

impl CostsPaid {
    pub(crate) fn of(trades: &[Trade], activities: &[Activity]) -> Result<Self, Error> {
        let slippage = Usd::sum(trades.iter().map(|trade| trade.slippage))?;
        let traded = Usd::sum(trades.iter().map(|trade| trade.notional))?.to_f64();
        let mut fees: BTreeMap<FeeKind, Usd> = BTreeMap::new();
        let mut income: BTreeMap<PostingKind, Usd> = BTreeMap::new();
        for activity in activities {
            match &activity.entry {
                Entry::Fee { kind, amount, .. } => {
                    let sum = fees.entry(*kind).or_insert(Usd::ZERO);
                    *sum = sum.checked_add(amount.to_usd()?)?;
                }
                Entry::Posting(posting) => {
                    let sum = income.entry(posting.kind).or_insert(Usd::ZERO);
                    *sum = sum.checked_add(posting.amount.to_usd()?)?;
                }
                Entry::Fill(_) | Entry::Deposit(_) => {}
            }
        }
        let total = Usd::sum(fees.values().copied())?.checked_add(slippage)?;
        let of_traded = (traded > 0.0).then(|| total.to_f64() / traded);
        Ok(Self { slippage, fees, income, total, of_traded })
    }
}
