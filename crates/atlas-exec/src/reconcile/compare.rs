//! The comparison itself, pure: the state and what the broker reported in, differences out.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::BrokerOrder;
use atlas_core::{
    Account, ClientOrderId, Error, OrderRequest, OrderStatus, Position, Qty, Rounding, Symbol, Usd,
};
use rust_decimal::Decimal;

use super::{Discrepancy, FeeRule, Policy, Unmanaged};
use crate::state::{State, TrackedOrder};

/// What the broker reported, all of it asked for after the last import of activities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The account's money.
    pub account: Account,
    /// Every position.
    pub positions: BTreeMap<Symbol, Position>,
    /// Every order that may still fill.
    pub open_orders: Vec<BrokerOrder>,
    /// Every order the journal takes for open and the broker does not list as such, by our name;
    /// `None` where the broker does not know it.
    pub others: BTreeMap<ClientOrderId, Option<BrokerOrder>>,
}

/// Compares over the union of symbols and orders.
///
/// # Errors
/// [`Error::OutOfRange`] or [`Error::Overflow`] if sums leave the range of exact arithmetic.
pub fn compare(state: &State, report: &Report, policy: &Policy) -> Result<Vec<Discrepancy>, Error> {
    let mut found = Vec::new();
    positions(state, report, policy, &mut found)?;
    cash(state, report, policy, &mut found)?;
    orders(state, report, policy, &mut found);
    found.extend(state.anomalies().iter().map(|(seq, anomaly)| Discrepancy::Anomaly {
        seq: *seq,
        problem: anomaly.problem.clone(),
    }));
    Ok(found)
}

fn positions(
    state: &State,
    report: &Report,
    policy: &Policy,
    found: &mut Vec<Discrepancy>,
) -> Result<(), Error> {
    let lots = state.books().lots();
    let symbols: BTreeSet<&Symbol> = lots.keys().chain(report.positions.keys()).collect();
    for symbol in symbols {
        let lot = lots.get(symbol).copied().unwrap_or_default();
        let position = report.positions.get(symbol);
        let (ours, broker) = (lot.total()?, position.map_or(Qty::ZERO, |p| p.qty));
        if ours != broker {
            found.push(Discrepancy::Position { symbol: symbol.clone(), ours, broker });
        }
        if policy.unmanaged == Unmanaged::Refuse && !lot.unmanaged.is_zero() {
            found.push(Discrepancy::Unmanaged { symbol: symbol.clone(), qty: lot.unmanaged });
        }
        if let (Some(ours), Some(position), true) =
            (lot.avg_price(), position, lot.unmanaged.is_zero())
        {
            let broker = position.avg_entry_price;
            if (ours.value() - broker.value()).abs() > Decimal::new(1, 2) {
                found.push(Discrepancy::AvgPrice { symbol: symbol.clone(), ours, broker });
            }
        }
    }
    Ok(())
}

fn cash(
    state: &State,
    report: &Report,
    policy: &Policy,
    found: &mut Vec<Discrepancy>,
) -> Result<(), Error> {
    let (ours, broker) = (state.books().cash(), report.account.cash);
    let allowance = allowance(state, &policy.fees)?;
    let missing = ours.checked_sub(broker)?;
    if missing.is_negative() || missing > allowance {
        found.push(Discrepancy::Cash { ours, broker, allowance });
    }
    Ok(())
}

/// What fees that are not posted yet may have taken: by rate and share on the sells of every day
/// after the last fee entry, each day rounded up to the cent.
fn allowance(state: &State, rule: &FeeRule) -> Result<Usd, Error> {
    state.books().unposted().values().try_fold(Usd::ZERO, |sum, day| {
        let by_notional = day.notional.bps(rule.sell_bps)?;
        let by_share = Usd::new(rule.per_share.value() * day.qty.value())?;
        sum.checked_add(by_notional.checked_add(by_share)?.to_cents(Rounding::Up))
    })
}

fn orders(state: &State, report: &Report, policy: &Policy, found: &mut Vec<Discrepancy>) {
    for order in &report.open_orders {
        let id = &order.client_order_id;
        if let Some(tracked) = state.orders().get(id) {
            one(tracked, order, found);
        } else if id.is_ours() && !state.is_accepted(id) {
            found.push(Discrepancy::UnknownOrder {
                client_order_id: id.clone(),
                venue_order_id: order.venue_order_id.clone(),
            });
        } else if !id.is_ours() && policy.unmanaged == Unmanaged::Refuse {
            found.push(Discrepancy::UnmanagedOrder {
                client_order_id: id.clone(),
                symbol: order.symbol.clone(),
            });
        }
    }
    for (id, order) in &report.others {
        let Some(tracked) = state.orders().get(id) else { continue };
        match order {
            Some(order) => one(tracked, order, found),
            // Sent or about to be: that the broker does not know it is no contradiction.
            None if tracked.order.status() == OrderStatus::Submitted => {}
            None => found.push(Discrepancy::MissingOrder {
                client_order_id: id.clone(),
                ours: tracked.order.status(),
            }),
        }
    }
}

fn one(tracked: &TrackedOrder, broker: &BrokerOrder, found: &mut Vec<Discrepancy>) {
    let order = &tracked.order;
    let id = &broker.client_order_id;
    if let Some(discrepancy) = differs(order.request(), broker) {
        found.push(discrepancy);
    }
    if order.filled_qty() != broker.filled_qty {
        found.push(Discrepancy::OrderFill {
            client_order_id: id.clone(),
            ours: order.filled_qty(),
            broker: broker.filled_qty,
        });
    }
    let (ours, theirs) = (order.status(), broker.status);
    if ours.is_terminal() != theirs.is_terminal() {
        found.push(Discrepancy::OrderState { client_order_id: id.clone(), ours, broker: theirs });
    }
}

/// The first field in which an order at the broker differs from what was intended.
pub(crate) fn differs(intended: &OrderRequest, broker: &BrokerOrder) -> Option<Discrepancy> {
    let limit = |price: Option<atlas_core::Price>| {
        price.map_or_else(|| "none".to_owned(), |price| price.to_string())
    };
    let fields = [
        ("symbol", intended.symbol.to_string(), broker.symbol.to_string()),
        ("side", intended.side.to_string(), broker.side.to_string()),
        ("quantity", intended.qty.to_string(), broker.qty.to_string()),
        ("limit price", limit(intended.limit_price()), limit(broker.limit_price)),
    ];
    fields.into_iter().find(|(_, ours, broker)| ours != broker).map(|(field, ours, theirs)| {
        Discrepancy::OrderBody {
            client_order_id: broker.client_order_id.clone(),
            field: field.to_owned(),
            ours,
            broker: theirs,
        }
    })
}
