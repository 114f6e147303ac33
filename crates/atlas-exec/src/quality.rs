//! Execution quality: what each fill cost against the market and against the decision.
//!
//! Everything follows from the journal alone: the decision price of the leg, bid and ask journaled
//! with the intent, the instant of the last send, and the fills. Costs are signed in basis points:
//! above zero is worse than the reference, whichever the side.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, ExecutionId, Price, Qty, Side, Symbol, Usd};
use chrono::{TimeDelta, Timelike};

use crate::state::{State, TrackedOrder};

/// One fill, measured.
#[derive(Debug, Clone, PartialEq)]
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
    /// When it filled.
    pub at: Timestamp,
    /// The price it was decided at; `None` for an order without a plan.
    pub decision_price: Option<Price>,
    /// Bid and ask when it was sent, where both were known.
    pub quoted: Option<(Price, Price)>,
    /// The fill's price.
    pub price: Price,
    /// Against the middle of bid and ask at the send, in basis points; `None` without a quote.
    pub slippage_bps: Option<f64>,
    /// Ask less bid over their middle, in basis points; `None` without a quote.
    pub spread_bps: Option<f64>,
    /// Against the decision price, in basis points; `None` without one.
    pub shortfall_bps: Option<f64>,
    /// From the last send to the fill; never negative.
    pub time_to_fill: TimeDelta,
}

/// Many samples in a few numbers; means weigh by notional.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Summary {
    /// Fills.
    pub fills: u64,
    /// Dollars traded, for weighing.
    pub notional: f64,
    /// Mean slippage in basis points; `None` if no fill has one.
    pub slippage_bps: Option<f64>,
    /// Mean shortfall in basis points; `None` if no fill has one.
    pub shortfall_bps: Option<f64>,
    /// Mean time to fill in seconds, each fill counting the same; `None` without fills.
    pub seconds_to_fill: Option<f64>,
}

/// How large a fill is; edges in USD belong to the larger class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SizeClass {
    /// Below 1 000.
    Small,
    /// 1 000 to 10 000.
    Medium,
    /// 10 000 to 100 000.
    Large,
    /// 100 000 and more.
    Block,
}

/// Summaries over all fills and by what they have in common.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Quality {
    /// Over all fills.
    pub all: Summary,
    /// By symbol.
    pub by_symbol: BTreeMap<Symbol, Summary>,
    /// By hour of the day in UTC, 0 to 23.
    pub by_hour: BTreeMap<u32, Summary>,
    /// By size.
    pub by_size: BTreeMap<SizeClass, Summary>,
}

/// Every fill of our orders, measured, in the order of their names and of the news of each.
#[must_use]
pub fn samples(state: &State) -> Vec<Sample> {
    let mut samples = Vec::new();
    for tracked in state.orders().values() {
        let decision = decision_price(state, tracked);
        samples.extend(tracked.fills.iter().filter_map(|fill| {
            let notional = fill.notional().ok()?;
            let quoted = tracked.quoted.0.zip(tracked.quoted.1);
            let middle = quoted.map(|(bid, ask)| f64::midpoint(bid.to_f64(), ask.to_f64()));
            let sent_at = tracked.sent_at.unwrap_or(tracked.intended_at);
            Some(Sample {
                execution_id: fill.execution_id.clone(),
                client_order_id: fill.client_order_id.clone(),
                symbol: fill.symbol.clone(),
                side: fill.side,
                qty: fill.qty,
                notional,
                at: fill.ts_event,
                decision_price: decision,
                quoted,
                price: fill.price,
                slippage_bps: middle.map(|middle| cost_bps(fill.side, middle, fill.price)),
                spread_bps: quoted
                    .zip(middle)
                    .map(|((bid, ask), middle)| (ask.to_f64() - bid.to_f64()) / middle * 1e4),
                shortfall_bps: decision
                    .map(|decision| cost_bps(fill.side, decision.to_f64(), fill.price)),
                time_to_fill: (fill.ts_event - sent_at).max(TimeDelta::zero()),
            })
        }));
    }
    samples
}

/// Sums samples up.
#[must_use]
pub fn summarize(samples: &[Sample]) -> Quality {
    let class = |keep: &dyn Fn(&Sample) -> bool| {
        summary(&samples.iter().filter(|sample| keep(sample)).collect::<Vec<_>>())
    };
    let mut quality = Quality { all: class(&|_| true), ..Quality::default() };
    for sample in samples {
        let symbol = &sample.symbol;
        if !quality.by_symbol.contains_key(symbol) {
            quality.by_symbol.insert(symbol.clone(), class(&|s| s.symbol == *symbol));
        }
        let hour = sample.at.hour();
        quality.by_hour.entry(hour).or_insert_with(|| class(&|s| s.at.hour() == hour));
        let size = size_of(sample.notional);
        quality.by_size.entry(size).or_insert_with(|| class(&|s| size_of(s.notional) == size));
    }
    quality
}

fn decision_price(state: &State, tracked: &TrackedOrder) -> Option<Price> {
    let decision = state.decisions().get(&tracked.decision_id?)?;
    let id = &tracked.order.request().client_order_id;
    decision.planned.legs.iter().find(|leg| leg.id() == id).map(|leg| leg.decision_price)
}

/// How much worse than `reference` a fill is, in basis points of it.
fn cost_bps(side: Side, reference: f64, price: Price) -> f64 {
    let move_up = (price.to_f64() - reference) / reference * 1e4;
    match side {
        Side::Buy => move_up,
        Side::Sell => -move_up,
    }
}

fn size_of(notional: Usd) -> SizeClass {
    match notional.to_f64() {
        amount if amount < 1e3 => SizeClass::Small,
        amount if amount < 1e4 => SizeClass::Medium,
        amount if amount < 1e5 => SizeClass::Large,
        _ => SizeClass::Block,
    }
}

fn summary(samples: &[&Sample]) -> Summary {
    let weighed = |value: fn(&Sample) -> Option<f64>| {
        let known = samples.iter().filter_map(|s| Some((value(s)?, s.notional.to_f64())));
        let (sum, weight) = known.fold((0.0, 0.0), |(sum, all), (v, w)| (sum + v * w, all + w));
        (weight > 0.0).then(|| sum / weight)
    };
    let (mut fills, mut seconds) = (0_u32, 0.0);
    for sample in samples {
        fills += 1;
        seconds += sample.time_to_fill.as_seconds_f64();
    }
    Summary {
        fills: fills.into(),
        notional: samples.iter().map(|sample| sample.notional.to_f64()).sum(),
        slippage_bps: weighed(|sample| sample.slippage_bps),
        shortfall_bps: weighed(|sample| sample.shortfall_bps),
        seconds_to_fill: (fills > 0).then(|| seconds / f64::from(fills)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            at: at.parse().unwrap(),
            decision_price: Some(hundred),
            quoted: Some((hundred, hundred)),
            price,
            slippage_bps: Some(cost_bps(side, 100.0, price)),
            spread_bps: Some(0.0),
            shortfall_bps: None,
            time_to_fill: TimeDelta::seconds(2),
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
        assert_eq!(quality.by_hour.keys().copied().collect::<Vec<_>>(), [15, 16]);
        assert_eq!(quality.by_size.keys().copied().collect::<Vec<_>>(), [SizeClass::Large]);
        assert_eq!(quality.by_symbol.len(), 2);
        assert_eq!(summarize(&[]), Quality::default());
    }
}
