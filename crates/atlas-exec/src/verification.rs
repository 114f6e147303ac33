//! What an execution came to, held against what it was meant to: positions, fills, buying power.

use std::collections::BTreeMap;

use atlas_core::{Bps, ClientOrderId, Position, Price, Qty, Side, Symbol, Usd};
use atlas_engine::RebalancePlan;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::shell::ExecutionReport;

/// What an execution came to. Nothing here stops anything: books and broker are compared for that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// Symbols of the plan that were to be held.
    pub positions_planned: usize,
    /// Of those, the ones that are held.
    pub positions_held: usize,
    /// Symbols of the plan whose shares are not what was planned, with both numbers.
    pub off_target: BTreeMap<Symbol, (Qty, Qty)>,
    /// Every order that filled, against the price it was decided at.
    pub fills: Vec<FillCheck>,
    /// What the buys were to cost at decision prices, USD.
    pub buys_planned: Usd,
    /// What they have cost, USD.
    pub buys_filled: Usd,
    /// Buying power before less buying power after, USD; negative where sells freed more.
    pub buying_power_used: Usd,
}

/// An order's fills against the price it was decided at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillCheck {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The price it was decided at.
    pub expected: Price,
    /// Mean fill price.
    pub filled: Price,
    /// How much worse the fill is, in basis points; negative if it is better.
    pub worse_bps: Bps,
    /// Whether that is more than the limit.
    pub beyond_limit: bool,
}

impl Verification {
    /// Whether a person should look: a fill beyond the limit, or a position off its target.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        !self.off_target.is_empty() || self.fills.iter().any(|fill| fill.beyond_limit)
    }
}

/// Verifies an execution; `limit` is the move from decision to fill that a person should look at.
///
/// # Errors
/// [`atlas_core::Error`] if amounts leave the range of exact arithmetic.
pub fn verify(
    plan: &RebalancePlan,
    done: &ExecutionReport,
    positions: &BTreeMap<Symbol, Position>,
    limit: Bps,
) -> Result<Verification, atlas_core::Error> {
    let mut found = Verification {
        positions_planned: 0,
        positions_held: 0,
        off_target: BTreeMap::new(),
        fills: Vec::new(),
        buys_planned: Usd::ZERO,
        buys_filled: Usd::ZERO,
        buying_power_used: done
            .account_before
            .buying_power
            .checked_sub(done.account_after.buying_power)?,
    };
    for target in &plan.targets {
        let held = positions.get(&target.symbol).map_or(Qty::ZERO, |position| position.qty);
        if !target.target.is_zero() {
            found.positions_planned += 1;
            found.positions_held += usize::from(!held.is_zero());
        }
        if held != target.target {
            found.off_target.insert(target.symbol.clone(), (target.target, held));
        }
    }
    for order in &plan.orders {
        if order.request.side == Side::Buy {
            let planned = order.decision_price.notional(order.request.qty)?;
            found.buys_planned = found.buys_planned.checked_add(planned)?;
        }
    }
    for order in &done.orders {
        let Some(filled) = order.avg_fill_price else { continue };
        if order.request.side == Side::Buy {
            let spent = order.fills.iter().map(atlas_core::Fill::notional);
            let spent = Usd::sum(spent.collect::<Result<Vec<_>, _>>()?)?;
            found.buys_filled = found.buys_filled.checked_add(spent)?;
        }
        let worse_bps = worse(order.request.side, order.decision_price, filled)?;
        found.fills.push(FillCheck {
            client_order_id: order.request.client_order_id.clone(),
            expected: order.decision_price,
            filled,
            worse_bps,
            beyond_limit: worse_bps > limit,
        });
    }
    Ok(found)
}

/// How much worse a fill is than expected, to a hundredth of a basis point.
fn worse(side: Side, expected: Price, filled: Price) -> Result<Bps, atlas_core::Error> {
    let moved = (filled.value() - expected.value()) / expected.value();
    let signed = if side == Side::Buy { moved } else { -moved };
    Bps::new((signed * Decimal::from(10_000)).round_dp(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worse_is_above_zero_on_either_side() {
        let price = |text: &str| text.parse::<Price>().unwrap();
        let check = |side, expected, filled, bps: &str| {
            assert_eq!(worse(side, price(expected), price(filled)).unwrap(), bps.parse().unwrap());
        };
        check(Side::Buy, "100", "101", "100");
        check(Side::Buy, "100", "99.9", "-10");
        check(Side::Sell, "100", "99", "100");
        check(Side::Sell, "30", "30.01", "-3.33");
    }
}
