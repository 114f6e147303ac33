//! Requests of the wire, read by the letter of the contract.

use atlas_broker::{StopLoss, Terms, Trail};
use atlas_core::{OrderRequest, OrderType, Price, Qty, Side, TimeInForce};
use serde_json::Value;

/// The order a body asks for.
pub(super) fn order(body: &Value) -> (OrderRequest, Terms) {
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let price = |name: &str| text(name).map(|text| text.parse::<Price>().expect("a price"));
    let gain =
        body["take_profit"]["limit_price"].as_str().map(|text| text.parse().expect("a price"));
    let loss = body["stop_loss"]["stop_price"].as_str().map(|stop| StopLoss {
        stop_price: stop.parse().expect("a price"),
        limit_price: body["stop_loss"]["limit_price"]
            .as_str()
            .map(|text| text.parse().expect("a price")),
    });
    let trail = price("trail_price").map(Trail::Price).or_else(|| {
        text("trail_percent").map(|text| Trail::Percent(text.parse().expect("a number")))
    });
    let class = text("order_class").unwrap_or_default();
    let terms = match (class.as_str(), gain, loss, trail) {
        ("bracket", Some(take_profit), Some(stop_loss), None) => {
            Terms::Bracket { take_profit, stop_loss }
        }
        ("oco", Some(_), Some(stop_loss), None) => Terms::OneCancelsOther(stop_loss),
        ("oto", Some(take_profit), None, None) => Terms::TakeProfit { take_profit },
        ("oto", None, Some(stop_loss), None) => Terms::StopLoss(stop_loss),
        ("", None, None, Some(trail)) => Terms::Trailing(trail),
        ("", None, None, None) if body["extended_hours"] == true => Terms::ExtendedHours,
        ("", None, None, None) => text("notional")
            .map_or(Terms::Simple, |text| Terms::Notional(text.parse().expect("an amount"))),
        other => panic!("exits that the service would ignore: {other:?}"),
    };
    let limit = price("limit_price").or(gain.filter(|_| class == "oco"));
    let order_type = match text("type").expect("a type").as_str() {
        "market" => OrderType::Market,
        "limit" => OrderType::Limit { limit_price: limit.expect("a limit") },
        "stop" => OrderType::Stop { stop_price: price("stop_price").expect("a stop") },
        // The service finds out for itself where a trailing stop stands at first.
        "trailing_stop" => OrderType::Stop { stop_price: "1".parse().expect("a price") },
        "stop_limit" => OrderType::StopLimit {
            stop_price: price("stop_price").expect("a stop"),
            limit_price: limit.expect("a limit"),
        },
        other => panic!("the type {other}"),
    };
    let qty = text("qty").unwrap_or_else(|| {
        // An amount of money is taken as the most shares it can buy at the limit; without one, at
        // the price approvals here are made at.
        let amount: rust_decimal::Decimal =
            text("notional").expect("qty or notional").parse().expect("an amount");
        let price = limit.map_or(rust_decimal::Decimal::ONE_HUNDRED, Price::value);
        (amount / price).ceil().to_string()
    });
    let request = OrderRequest {
        client_order_id: text("client_order_id").expect("a name").parse().expect("a name"),
        symbol: text("symbol").expect("a symbol").parse().expect("a symbol"),
        side: side(&text("side").expect("a side")),
        qty: qty.parse::<Qty>().expect("a quantity"),
        order_type,
        time_in_force: tif(&text("time_in_force").expect("a time in force")),
    };
    (request, terms)
}

/// The order that a change makes of an old one.
pub(super) fn replacement(old: &OrderRequest, body: &Value) -> OrderRequest {
    let text = |name: &str| body[name].as_str();
    let price = |name: &str| text(name).map(|text| text.parse::<Price>().expect("a price"));
    let (limit, stop) = (price("limit_price"), price("stop_price"));
    let order_type = match old.order_type {
        OrderType::Limit { limit_price } => {
            OrderType::Limit { limit_price: limit.unwrap_or(limit_price) }
        }
        OrderType::Stop { stop_price } => {
            OrderType::Stop { stop_price: stop.unwrap_or(stop_price) }
        }
        OrderType::StopLimit { stop_price, limit_price } => OrderType::StopLimit {
            stop_price: stop.unwrap_or(stop_price),
            limit_price: limit.unwrap_or(limit_price),
        },
        other => other,
    };
    OrderRequest {
        client_order_id: text("client_order_id").expect("a name").parse().expect("a name"),
        qty: text("qty").map_or(old.qty, |text| text.parse().expect("a quantity")),
        time_in_force: text("time_in_force").map_or(old.time_in_force, tif),
        order_type,
        ..old.clone()
    }
}

fn side(word: &str) -> Side {
    match word {
        "buy" => Side::Buy,
        "sell" => Side::Sell,
        other => panic!("the side {other}"),
    }
}

fn tif(word: &str) -> TimeInForce {
    match word {
        "day" => TimeInForce::Day,
        "gtc" => TimeInForce::Gtc,
        "opg" => TimeInForce::Opg,
        "cls" => TimeInForce::Cls,
        "ioc" => TimeInForce::Ioc,
        "fok" => TimeInForce::Fok,
        other => panic!("the time in force {other}"),
    }
}
