//! The worst that can come of a plan.

use atlas_core::{Price, Qty, Side, Symbol, Usd};

use super::Frame;
use super::desire::Desires;
use crate::Error;
use crate::plan::{PlannedOrder, Preview};

/// Adds up costs, losses and exposures of the orders that passed, at decision prices.
pub(super) fn preview(
    frame: &Frame<'_>,
    orders: &[PlannedOrder],
    desires: &Desires,
    budget: Usd,
) -> Result<Preview, Error> {
    let book = frame.book;
    let none = book.equity.checked_sub(book.snapshot.account.cash)?;
    let notional = |side: Side| -> Result<Usd, Error> {
        let mut sum = Usd::ZERO;
        for order in orders.iter().filter(|order| order.request.side == side) {
            sum = sum.checked_add(order.decision_price.notional(order.request.qty)?)?;
        }
        Ok(sum)
    };
    let (sells, buys) = (notional(Side::Sell)?, notional(Side::Buy)?);
    let traded = sells.checked_add(buys)?;
    let costs = frame.policy.costs;
    let sells_only = none.checked_sub(sells)?;
    let all = sells_only.checked_add(buys)?;
    let buys_only = none.checked_add(book.opening()?)?.checked_add(buys)?;
    Ok(Preview {
        costs: traded.bps(costs.fee)?.checked_add(traded.bps(costs.slippage)?)?,
        loss_if_stopped: loss(frame, orders, desires)?,
        exposure_all: all,
        exposure_sells_only: sells_only,
        exposure_none: none,
        exposure_worst: none.max(buys_only.min(budget)).max(all),
    })
}

/// The loss from decision prices if every position that is held after the orders falls to its stop.
fn loss(frame: &Frame<'_>, orders: &[PlannedOrder], desires: &Desires) -> Result<Usd, Error> {
    let book = frame.book;
    let mut sum = Usd::ZERO;
    let mut add = |symbol: &Symbol, qty: Qty, price: Price| -> Result<(), Error> {
        let stop = desires.stops.get(symbol).copied();
        let fall = stop.unwrap_or_else(|| frame.policy.disaster_move.value());
        let lost = price.notional(qty)?.value().checked_mul(fall).unwrap_or_default();
        sum = sum.checked_add(Usd::new(lost)?)?;
        Ok(())
    };
    for position in book.snapshot.positions.values() {
        let price = book.price(&position.symbol).unwrap_or(position.current_price);
        let order = orders.iter().find(|order| order.request.symbol == position.symbol);
        let after = match order.map(|order| (order.request.side, order.request.qty)) {
            Some((Side::Buy, qty)) => position.qty.checked_add(qty)?,
            Some((Side::Sell, qty)) => position.qty.checked_sub(qty)?,
            None => position.qty,
        };
        add(&position.symbol, after, price)?;
    }
    for order in orders.iter().filter(|order| order.request.side == Side::Buy) {
        if book.held(&order.request.symbol).is_zero() {
            add(&order.request.symbol, order.request.qty, order.decision_price)?;
        }
    }
    Ok(sum)
}
