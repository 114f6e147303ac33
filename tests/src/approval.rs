//! Approvals, made by the real validator.
//!
//! A broker is to be tried with orders that no sane plan would hold: larger than the account,
//! for shares that are not there. The validator approves them because it is shown an account that
//! has the money and the shares; nothing but the validator can make an approval.

use std::collections::BTreeMap;

use atlas_core::time::Mode;
use atlas_core::{
    Account, Bps, OrderRequest, OrderType, Position, Price, Qty, Quote, Regime, Side, Usd, Weight,
};
use atlas_risk::{
    Activity, ApprovedOrder, Authority, BreakerStance, Context, Entries, Hours, Limits, LimitsSpec,
    Performance, Phase, Profile, Shares, SymbolMarket, Tradability, TradingState, Validator,
};
use rust_decimal::Decimal;

use crate::market::{FIRST, at};

/// Limits so wide that only sense is checked.
///
/// # Panics
/// Never: the limits are good.
#[must_use]
pub fn wide_limits() -> Limits {
    LimitsSpec {
        max_positions: 10_000,
        position_warn: Weight::ONE,
        position_deny: Weight::ONE,
        heat_warn: Weight::ONE,
        heat_deny: Weight::ONE,
        min_position: Usd::ZERO,
        shares: Shares::Fractional,
        max_order_notional: RICH.parse().expect("an amount"),
        max_order_qty: Qty::from_shares(100_000_000),
        collar_close: Bps::from_int(9_000),
        collar_quote: Bps::from_int(9_000),
        spread_warn: Bps::from_int(9_000),
        spread_deny: Bps::from_int(9_000),
        quote_max_age_seconds: 1_000_000,
        orders_per_minute: 1_000_000,
        orders_per_day: 1_000_000,
        turnover_per_day: Decimal::from(100),
        ..Profile::Racehorse.limits()
    }
    .check()
    .expect("wide limits are limits")
}

/// The approval of an order, whatever it asks for.
///
/// # Panics
/// If the validator denies it even so.
pub fn approve(request: OrderRequest) -> ApprovedOrder {
    let (now, session) = (at("2019-01-03T14:35:00Z"), FIRST.parse().expect("a date"));
    let rich: Usd = RICH.parse().expect("an amount");
    let price = price_of(&request);
    let account = Account {
        account_number: "approvals".to_owned(),
        cash: rich,
        equity: rich,
        buying_power: rich,
        trading_blocked: false,
    };
    let (symbol, qty) = (request.symbol.clone(), request.qty);
    let mut positions = BTreeMap::new();
    if request.side == Side::Sell {
        let held = Position {
            symbol: symbol.clone(),
            qty,
            qty_available: qty,
            avg_entry_price: price,
            current_price: price,
        };
        positions.insert(symbol.clone(), held);
    }
    let (bid, ask) = (Some(price), Some(price));
    let quote = Some(Quote { symbol: symbol.clone(), bid, ask, ts_event: now });
    let tradability = Tradability::Tradable;
    let known = SymbolMarket { decision_price: price, session, quote, tradability };
    let context = Context {
        now,
        phase: Phase::Send,
        mode: Mode::Replay,
        state: TradingState::Active,
        authority: Authority::Engine,
        hours: Hours::Open,
        regime: Regime::Bull,
        entries: Entries::Allowed,
        equity: rich,
        budget: rich,
        account: &account,
        positions: &positions,
        open_orders: &[],
        recent_orders: &[],
        market: &BTreeMap::from([(symbol, known)]),
        decision_session: session,
        activity: Activity::NONE,
        performance: Performance::NEW,
        breaker: BreakerStance::Closed,
    };
    let approved = Validator::new(&wide_limits()).approve(request, &context);
    approved.unwrap_or_else(|denial| panic!("{denial}"))
}

/// The price an order is about; a market order is judged at one hundred dollars.
fn price_of(request: &OrderRequest) -> Price {
    match request.order_type {
        OrderType::Limit { limit_price } | OrderType::StopLimit { limit_price, .. } => limit_price,
        OrderType::Stop { stop_price } => stop_price,
        _ => "100".parse().expect("a price"),
    }
}

/// More than any order of a test costs.
const RICH: &str = "1000000000000";
