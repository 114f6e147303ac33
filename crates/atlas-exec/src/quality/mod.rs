//! Execution quality: what each fill cost against the market and against the decision.
//!
//! Everything follows from the journal alone: the quotes journaled with the decision and with the
//! intent, the decision price of the leg, the instant of the last send, and the fills. Costs are
//! signed in basis points: above zero is worse than the reference, whichever the side.

mod conditions;
mod summary;

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, ExecutionId, Price, Qty, Side, Symbol, Usd};
use chrono::TimeDelta;
use serde::Serialize;

pub use conditions::{Conditions, Part, Quoted, hour_of};
pub use summary::{Quality, SizeClass, Summary, summarize};

use crate::state::{State, TrackedOrder};

/// One fill, measured.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The execution.
    pub execution_id: ExecutionId,
    /// Its order.
    pub client_order_id: ClientOrderId,
    /// What was traded.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares.
    pub qty: Qty,
    /// Price × shares, in USD.
    pub notional: Usd,
    /// When it was decided; `None` for an order without a plan.
    pub decided_at: Option<Timestamp>,
    /// The price it was decided at; `None` for an order without a plan.
    pub decision_price: Option<Price>,
    /// Bid and ask when it was decided, where the broker was asked and both were there.
    pub quoted_at_decision: Option<(Price, Price)>,
    /// Middle of them.
    pub mid_at_decision: Option<f64>,
    /// Ask less bid over their middle, in basis points.
    pub spread_at_decision_bps: Option<f64>,
    /// When it was sent for the last time.
    pub sent_at: Timestamp,
    /// Bid and ask when it was sent, where both were known.
    pub quoted: Option<(Price, Price)>,
    /// Middle of them.
    pub mid_at_send: Option<f64>,
    /// Ask less bid over their middle, in basis points; `None` without a quote.
    pub spread_bps: Option<f64>,
    /// When it filled.
    pub at: Timestamp,
    /// The hour it filled in, in New York, 0 to 23.
    pub hour: u32,
    /// The fill's price.
    pub price: Price,
    /// Against the middle of bid and ask at the send, in basis points; `None` without a quote.
    pub slippage_bps: Option<f64>,
    /// Implementation shortfall: against the decision price, in basis points; `None` without one.
    pub shortfall_bps: Option<f64>,
    /// The same in USD for all its shares.
    pub shortfall: Option<Usd>,
    /// From the last send to the fill; never negative.
    #[serde(rename = "seconds_to_fill", serialize_with = "seconds")]
    pub time_to_fill: TimeDelta,
    /// What the venue was like at the send, where somebody asked.
    pub conditions: Option<Conditions>,
}

fn seconds<S: serde::Serializer>(time: &TimeDelta, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_f64(time.as_seconds_f64())
}

/// Every fill of our orders, measured, in the order of their names and of the news of each.
#[must_use]
pub fn samples(state: &State) -> Vec<Sample> {
    let mut samples = Vec::new();
    for tracked in state.orders().values() {
        let decided = Decided::of(state, tracked);
        samples.extend(tracked.fills.iter().filter_map(|fill| sample(tracked, &decided, fill)));
    }
    samples
}

/// What is known of the decision behind an order.
#[derive(Default)]
struct Decided {
    at: Option<Timestamp>,
    price: Option<Price>,
    quoted: Option<(Price, Price)>,
}

impl Decided {
    fn of(state: &State, tracked: &TrackedOrder) -> Self {
        let decision = tracked.decision_id.and_then(|id| state.decisions().get(&id));
        let id = &tracked.order.request().client_order_id;
        let Some(decision) = decision else { return Self::default() };
        let leg = decision.planned.legs.iter().find(|leg| leg.id() == id);
        // A protective order is placed after a decision and not decided by it.
        let Some(leg) = leg else { return Self::default() };
        let quoted = decision.quotes.get(&leg.request.symbol).map(|q| (q.bid, q.ask));
        Self { at: Some(decision.planned_at), price: Some(leg.decision_price), quoted }
    }
}

fn sample(tracked: &TrackedOrder, decided: &Decided, fill: &atlas_core::Fill) -> Option<Sample> {
    let quoted = tracked.quoted.0.zip(tracked.quoted.1);
    let sent_at = tracked.sent_at.unwrap_or(tracked.intended_at);
    let shortfall = decided.price.and_then(|price| {
        let (at, then) = (fill.notional().ok()?, price.notional(fill.qty).ok()?);
        match fill.side {
            Side::Buy => at.checked_sub(then).ok(),
            Side::Sell => then.checked_sub(at).ok(),
        }
    });
    Some(Sample {
        execution_id: fill.execution_id.clone(),
        client_order_id: fill.client_order_id.clone(),
        symbol: fill.symbol.clone(),
        side: fill.side,
        qty: fill.qty,
        notional: fill.notional().ok()?,
        decided_at: decided.at,
        decision_price: decided.price,
        quoted_at_decision: decided.quoted,
        mid_at_decision: decided.quoted.map(middle),
        spread_at_decision_bps: decided.quoted.map(spread_bps),
        sent_at,
        quoted,
        mid_at_send: quoted.map(middle),
        spread_bps: quoted.map(spread_bps),
        at: fill.ts_event,
        hour: hour_of(fill.ts_event),
        price: fill.price,
        slippage_bps: quoted.map(|quoted| cost_bps(fill.side, middle(quoted), fill.price)),
        shortfall_bps: decided.price.map(|then| cost_bps(fill.side, then.to_f64(), fill.price)),
        shortfall,
        time_to_fill: (fill.ts_event - sent_at).max(TimeDelta::zero()),
        conditions: tracked.conditions,
    })
}

fn middle((bid, ask): (Price, Price)) -> f64 {
    f64::midpoint(bid.to_f64(), ask.to_f64())
}

fn spread_bps(quoted: (Price, Price)) -> f64 {
    (quoted.1.to_f64() - quoted.0.to_f64()) / middle(quoted) * 1e4
}

/// How much worse than `reference` a fill is, in basis points of it.
fn cost_bps(side: Side, reference: f64, price: Price) -> f64 {
    let move_up = (price.to_f64() - reference) / reference * 1e4;
    match side {
        Side::Buy => move_up,
        Side::Sell => -move_up,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quality::summary::SizeClass;

    fn sample(side: Side, symbol: &str, shares: u32, price: &str, at: &str) -> Sample {
        let price: Price = price.parse().unwrap();
        let qty = Qty::from_shares(shares);
        let hundred: Price = "100".parse().unwrap();
        Sample {
            execution_id: "e1".parse().unwrap(),
            client_order_id: "atlas-x".parse().unwrap(),
            symbol: symbol.parse().unwrap(),
            side,
            qty,
            notional: price.notional(qty).unwrap(),
            decided_at: None,
            decision_price: Some(hundred),
            quoted_at_decision: None,
            mid_at_decision: None,
            spread_at_decision_bps: None,
            sent_at: at.parse().unwrap(),
            quoted: Some((hundred, hundred)),
            mid_at_send: Some(100.0),
            spread_bps: Some(0.0),
            at: at.parse().unwrap(),
            hour: hour_of(at.parse().unwrap()),
            price,
            slippage_bps: Some(cost_bps(side, 100.0, price)),
            shortfall_bps: None,
            shortfall: None,
            time_to_fill: TimeDelta::seconds(2),
            conditions: None,
        }
    }

    #[test]
    fn costs_are_signed_and_means_weigh_by_notional() {
        let check = |side, price: &str, bps: f64| {
            let found = sample(side, "AAPL", 1, price, "2019-01-03T15:00:00Z").slippage_bps;
            assert!((found.unwrap() - bps).abs() < 1e-9, "{side} at {price}: {found:?}");
        };
        check(Side::Buy, "100.1", 10.0);
        check(Side::Buy, "99.9", -10.0);
        check(Side::Sell, "99.9", 10.0);
        check(Side::Sell, "100.1", -10.0);

        let samples = [
            sample(Side::Buy, "AAPL", 300, "100.1", "2019-01-03T15:00:00Z"),
            sample(Side::Sell, "IBM", 100, "100.1", "2019-01-03T16:59:59Z"),
        ];
        let quality = summarize(&samples);
        assert_eq!(quality.all.fills, 2);
        assert!((quality.all.slippage_bps.unwrap() - 5.0).abs() < 1e-9);
        assert_eq!(quality.all.shortfall_bps, None);
        assert_eq!(quality.by_hour.keys().copied().collect::<Vec<_>>(), [10, 11]);
        assert_eq!(quality.by_size.keys().copied().collect::<Vec<_>>(), [SizeClass::Large]);
        assert_eq!(quality.by_symbol.len(), 2);
        assert_eq!(summarize(&[]), Quality::default());
    }
}
