//! Orders on their way out.

use atlas_core::{OrderRequest, OrderType, Price, Qty, TimeInForce, Usd};
use rust_decimal::Decimal;
use serde::Serialize;

use super::order::side;
use super::{Amount, WireOrder, symbol};
use crate::{Terms, Trail};

/// The body of `POST /v2/orders`; amounts as strings, absent values left out.
#[derive(Debug, Serialize)]
pub(crate) struct OrderBody<'a> {
    symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<Qty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notional: Option<Usd>,
    side: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time_in_force: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_percent: Option<Decimal>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    extended_hours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    take_profit: Option<TakeProfitBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_loss: Option<StopLossBody>,
    client_order_id: &'a str,
}

#[derive(Debug, Serialize)]
struct TakeProfitBody {
    limit_price: Price,
}

#[derive(Debug, Serialize)]
struct StopLossBody {
    stop_price: Price,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Price>,
}

impl<'a> OrderBody<'a> {
    /// The request on the wire: the same bytes whenever it is sent.
    ///
    /// # Errors
    /// The reason in words if Alpaca has no such order.
    pub(crate) fn new(request: &'a OrderRequest, terms: Terms) -> Result<Self, String> {
        let kind = kind(&request.order_type, terms)
            .ok_or_else(|| format!("this client cannot send {:?}", request.order_type))?;
        if let Some(reason) = unsendable(request, terms).or_else(|| terms.conflict(request)) {
            return Err(reason.to_owned());
        }
        let (trail_price, trail_percent) = match terms.trail() {
            Some(Trail::Price(price)) => (Some(price), None),
            Some(Trail::Percent(percent)) => (None, Some(percent)),
            None => (None, None),
        };
        let class = terms.order_class();
        // Of two exits Alpaca takes the one with a gain from `take_profit`, not from the order.
        let paired = class == "oco";
        let gain = if paired { request.limit_price() } else { terms.take_profit() };
        Ok(Self {
            symbol: request.symbol.as_str(),
            qty: terms.notional().is_none().then_some(request.qty),
            notional: terms.notional(),
            side: request.side.as_str(),
            kind,
            time_in_force: request.time_in_force.as_str(),
            limit_price: request.limit_price().filter(|_| !paired),
            stop_price: stop_price(&request.order_type).filter(|_| terms.trail().is_none()),
            trail_price,
            trail_percent,
            extended_hours: terms == Terms::ExtendedHours,
            order_class: (class != "simple").then_some(class),
            take_profit: gain.map(|limit_price| TakeProfitBody { limit_price }),
            stop_loss: terms.stop_loss().map(|exit| StopLossBody {
                stop_price: exit.stop_price,
                limit_price: exit.limit_price,
            }),
            client_order_id: request.client_order_id.as_str(),
        })
    }
}

/// The body of `PATCH /v2/orders/{id}`: what is to change, and the successor's name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PatchBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<Qty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_in_force: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<Price>,
    /// Dollars or per cent, as the old order has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    trail: Option<Decimal>,
    client_order_id: &'a str,
}

impl<'a> PatchBody<'a> {
    /// The changes that make `request` of `old`; with a trail, of an old trailing stop.
    ///
    /// # Errors
    /// The reason in words if the one cannot become the other.
    pub(crate) fn new(
        old: &WireOrder,
        request: &'a OrderRequest,
        trail: Option<Trail>,
    ) -> Result<Self, String> {
        let terms = trail.map_or(Terms::Simple, Terms::Trailing);
        let symbol = symbol(&old.symbol, old.asset_class.as_deref()).ok();
        if old.notional.is_some() {
            return Err("an order for an amount of money cannot be replaced".to_owned());
        }
        let same = symbol.as_ref() == Some(&request.symbol)
            && side(&old.side).ok() == Some(request.side)
            && old.kind.as_deref() == kind(&request.order_type, terms);
        if !same {
            return Err("a replacement keeps symbol, side and type of the order".to_owned());
        }
        let conflict = trail.and_then(|_| terms.conflict(request));
        if let Some(reason) = unsendable(request, terms).or(conflict) {
            return Err(reason.to_owned());
        }
        // Where a trailing stop stands is the market's doing, not the request's.
        let stop = stop_price(&request.order_type).filter(|_| trail.is_none());
        let limit = request.limit_price();
        let differs = |new: Decimal, old: Option<Amount>| old.is_none_or(|old| old.0 != new);
        let body = Self {
            qty: Some(request.qty).filter(|qty| differs(qty.value(), old.qty)),
            time_in_force: Some(request.time_in_force.as_str())
                .filter(|word| old.time_in_force.as_deref() != Some(*word)),
            limit_price: limit.filter(|price| differs(price.value(), old.limit_price)),
            stop_price: stop.filter(|price| differs(price.value(), old.stop_price)),
            trail: trail.map_or(Ok(None), |trail| new_trail(old, trail))?,
            client_order_id: request.client_order_id.as_str(),
        };
        let changes = body.qty.is_some()
            || body.time_in_force.is_some()
            || body.limit_price.is_some()
            || body.stop_price.is_some()
            || body.trail.is_some();
        if changes { Ok(body) } else { Err("the replacement changes nothing".to_owned()) }
    }
}

/// The trail that is to be changed, if it is. The wire has one number for both kinds of trail, so
/// the kind has to be the old one's: two dollars must not become two per cent.
fn new_trail(old: &WireOrder, trail: Trail) -> Result<Option<Decimal>, String> {
    let (new, old) = match trail {
        Trail::Price(width) => (width.value(), old.trail_price),
        Trail::Percent(percent) => (percent, old.trail_percent),
    };
    match old.filter(|old| !old.0.is_zero()) {
        Some(old) => Ok(Some(new).filter(|new| *new != old.0)),
        None => Err("a trailing stop keeps its kind of trail, dollars or per cent".to_owned()),
    }
}

/// Smallest value of a crypto order, in US dollars.
const CRYPTO_MINIMUM: Decimal = Decimal::TEN;

/// The reason a crypto order below that is not sent.
pub(crate) const SMALL_CRYPTO: &str = "crypto orders are for 10 US dollars or more";

/// Whether a crypto order of this quantity is too small at this price.
pub(crate) fn is_small_crypto(request: &OrderRequest, price: Price) -> bool {
    let value = price.value().checked_mul(request.qty.value());
    request.symbol.is_crypto() && value.is_some_and(|value| value < CRYPTO_MINIMUM)
}

/// Why no broker behind this client would take the order, if that is certain.
fn unsendable(request: &OrderRequest, terms: Terms) -> Option<&'static str> {
    let crypto = request.symbol.is_crypto();
    let small = match (terms.notional(), request.limit_price()) {
        (Some(amount), _) => crypto && amount.value() < CRYPTO_MINIMUM,
        (None, Some(price)) => is_small_crypto(request, price),
        (None, None) => false,
    };
    let lasting = matches!(request.time_in_force, TimeInForce::Gtc | TimeInForce::Ioc);
    [
        (request.qty.is_zero(), "a quantity of zero cannot be sent"),
        (crypto && !lasting, "crypto orders are gtc or ioc"),
        (
            crypto && matches!(request.order_type, OrderType::Stop { .. }),
            "crypto orders are market, limit or stop-limit orders",
        ),
        (small, SMALL_CRYPTO),
    ]
    .into_iter()
    .find_map(|(wrong, reason)| wrong.then_some(reason))
}

/// Alpaca's word for an order type.
pub(super) const fn kind(order_type: &OrderType, terms: Terms) -> Option<&'static str> {
    match order_type {
        OrderType::Stop { .. } if matches!(terms, Terms::Trailing(_)) => Some("trailing_stop"),
        OrderType::Market => Some("market"),
        OrderType::Limit { .. } => Some("limit"),
        OrderType::Stop { .. } => Some("stop"),
        OrderType::StopLimit { .. } => Some("stop_limit"),
        _ => None,
    }
}

pub(crate) const fn stop_price(order_type: &OrderType) -> Option<Price> {
    match order_type {
        OrderType::Stop { stop_price } | OrderType::StopLimit { stop_price, .. } => {
            Some(*stop_price)
        }
        OrderType::Market | OrderType::Limit { .. } | _ => None,
    }
}
