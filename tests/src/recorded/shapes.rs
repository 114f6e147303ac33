//! What the broker contract says, put into payloads of the real service's shapes.

use atlas_broker::{Activity, BrokerOrder, CashKind, Entry, MarketClock, SharesKind, Terms, Trail};
use atlas_core::time::Timestamp;
use atlas_core::{Account, OrderRequest, OrderStatus, OrderType, Position, Quote};
use chrono::SecondsFormat;
use serde_json::{Value, json};

/// A payload as it was recorded.
fn template(text: &str) -> Value {
    serde_json::from_str(text).expect("a golden payload")
}

pub(super) fn filled_in(text: &str, values: &Value) -> Value {
    let mut payload = template(text);
    let object = payload.as_object_mut().expect("an object");
    for (name, value) in values.as_object().expect("an object") {
        let known = object.insert(name.clone(), value.clone());
        assert!(known.is_some(), "{name} is no field of the payload");
    }
    payload
}

pub(super) fn instant(t: Timestamp) -> String {
    t.to_rfc3339_opts(SecondsFormat::Nanos, true)
}

pub(super) fn account(account: &Account) -> Value {
    filled_in(
        include_str!("../../golden/alpaca/account.json"),
        &json!({
            "account_number": account.account_number,
            "cash": account.cash,
            "equity": account.equity,
            "portfolio_value": account.equity,
            "buying_power": account.buying_power,
            "trading_blocked": account.trading_blocked,
        }),
    )
}

pub(super) fn position(position: &Position) -> Value {
    filled_in(
        include_str!("../../golden/alpaca/position.json"),
        &json!({
            "symbol": position.symbol,
            "qty": position.qty,
            "qty_available": position.qty_available,
            "avg_entry_price": position.avg_entry_price,
            "current_price": position.current_price,
        }),
    )
}

/// An order; `asked` is how it was sent, if it was sent here.
pub(super) fn order(order: &BrokerOrder, asked: Option<&(OrderRequest, Terms)>) -> Value {
    let (kind, stop) = asked.map_or(("limit", None), |(request, terms)| match request.order_type {
        OrderType::Market => ("market", None),
        OrderType::Stop { stop_price } if terms.trail().is_some() => {
            ("trailing_stop", Some(stop_price))
        }
        OrderType::Stop { stop_price } => ("stop", Some(stop_price)),
        OrderType::StopLimit { stop_price, .. } => ("stop_limit", Some(stop_price)),
        _ => ("limit", None),
    });
    let (trail_price, trail_percent) = match asked.and_then(|(_, terms)| terms.trail()) {
        Some(Trail::Price(width)) => (Some(width), None),
        Some(Trail::Percent(percent)) => (None, Some(percent.to_string())),
        None => (None, None),
    };
    let tif = asked.map_or("day", |(request, _)| request.time_in_force.as_str());
    let class = asked.map_or("", |(_, terms)| terms.order_class());
    filled_in(
        include_str!("../../golden/alpaca/order.json"),
        &json!({
            "id": order.venue_order_id,
            "client_order_id": order.client_order_id,
            "symbol": order.symbol,
            "side": order.side,
            "qty": order.notional.is_none().then_some(order.qty),
            "notional": order.notional,
            "filled_qty": order.filled_qty,
            "filled_avg_price": order.avg_fill_price,
            "status": status(order.status),
            "type": kind,
            "order_type": kind,
            "order_class": if class == "simple" { "" } else { class },
            "time_in_force": tif,
            "limit_price": order.limit_price,
            "stop_price": stop,
            "trail_price": trail_price,
            "trail_percent": trail_percent,
            "replaces": order.replaces,
            "submitted_at": instant(order.submitted_at),
            "created_at": instant(order.submitted_at),
        }),
    )
}

fn status(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::PartiallyFilled => "partially_filled",
        OrderStatus::Filled => "filled",
        OrderStatus::Canceled => "canceled",
        OrderStatus::Expired => "expired",
        OrderStatus::Rejected => "rejected",
        OrderStatus::Replaced => "replaced",
        OrderStatus::PendingCancel => "pending_cancel",
        OrderStatus::PendingReplace => "pending_replace",
        _ => "new",
    }
}

pub(super) fn activity(activity: &Activity) -> Value {
    match &activity.entry {
        Entry::Fill(fill) => {
            // The contract names an execution by its order and what was filled after it.
            let name = fill.execution_id.to_string();
            let cumulative = name.rsplit(':').next().expect("a quantity").to_owned();
            filled_in(
                include_str!("../../golden/alpaca/fill.json"),
                &json!({
                    "id": activity.id,
                    "order_id": fill.venue_order_id,
                    "symbol": fill.symbol,
                    "side": fill.side,
                    "qty": fill.qty,
                    "price": fill.price,
                    "cum_qty": cumulative,
                    "transaction_time": instant(fill.ts_event),
                }),
            )
        }
        Entry::Cash(cash) => {
            let code = match &cash.kind {
                CashKind::Deposit => "CSD",
                CashKind::Withdrawal => "CSW",
                CashKind::Fee => "FEE",
                CashKind::Dividend => "DIV",
                CashKind::Interest => "INT",
                CashKind::Unknown(code) => code,
            };
            filled_in(
                include_str!("../../golden/alpaca/cash.json"),
                &json!({
                    "id": activity.id,
                    "activity_type": code,
                    "date": cash.date,
                    "net_amount": cash.net_amount,
                    "description": cash.description,
                }),
            )
        }
        Entry::Shares(moved) => {
            let code = match &moved.kind {
                SharesKind::Split => "SPLIT",
                SharesKind::SymbolChange => "NC",
                SharesKind::Reorganisation => "REORG",
                SharesKind::Unknown(code) => code,
            };
            filled_in(
                include_str!("../../golden/alpaca/cash.json"),
                &json!({
                    "id": activity.id,
                    "activity_type": code,
                    "date": moved.date,
                    "net_amount": moved.net_amount,
                    "symbol": moved.symbol,
                    "qty": moved.change,
                    "description": moved.description,
                }),
            )
        }
        other => panic!("an entry nobody knows: {other:?}"),
    }
}

pub(super) fn clock(clock: &MarketClock) -> Value {
    let eastern = |t: Timestamp| {
        let local = atlas_core::calendar::to_eastern(t).expect("an instant of the calendar");
        local.to_rfc3339_opts(SecondsFormat::AutoSi, false)
    };
    filled_in(
        include_str!("../../golden/alpaca/clock.json"),
        &json!({
            "timestamp": eastern(clock.timestamp),
            "is_open": clock.is_open,
            "next_open": eastern(clock.next_open),
            "next_close": eastern(clock.next_close),
        }),
    )
}

pub(super) fn quote(quote: &Quote) -> Value {
    let number = |price: Option<atlas_core::Price>| -> Value {
        let text = price.map_or("0".to_owned(), |price| price.to_string());
        serde_json::from_str(&text).expect("a number")
    };
    filled_in(
        include_str!("../../golden/alpaca/quote.json"),
        &json!({ "t": instant(quote.ts_event), "bp": number(quote.bid), "ap": number(quote.ask) }),
    )
}

pub(super) fn configuration(suspended: bool) -> Value {
    let text = include_str!("../../golden/alpaca/configuration.json");
    filled_in(text, &json!({ "suspend_trade": suspended }))
}
