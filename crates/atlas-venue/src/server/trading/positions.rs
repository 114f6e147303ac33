//! What is held.

use atlas_core::{Side, Symbol};
use axum::Json;
use axum::extract::{Path, Query as Pairs};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::super::Ctx;
use super::super::answer::{Answer, Body, Failure, not_found};
use super::super::query::{self, Query};
use super::super::wire::OrderBody;
use super::assets;
use crate::Error;
use crate::core::{
    Class, Delta, Exchange, Kind, Listing, Money, NewOrder, Refusal, Shares, Size, Tif, ids,
};

pub(super) async fn all(Ctx(shared): Ctx) -> Answer<Json<Vec<Value>>> {
    Ok(Json(shared.venue.inspect(|exchange| {
        let held = exchange.state().ledger.holdings.keys();
        held.map(|symbol| body(exchange, symbol)).collect::<Result<_, Error>>()
    })?))
}

pub(super) async fn one(Ctx(shared): Ctx, Path(name): Path<String>) -> Answer<Json<Value>> {
    shared.venue.inspect(|exchange| {
        let symbol = held(exchange, &name)?;
        Ok(Json(body(exchange, &symbol)?))
    })
}

/// Sells a position, or part of it, at the market.
pub(super) async fn close(
    Ctx(shared): Ctx,
    Path(name): Path<String>,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<OrderBody>> {
    let query = Query::new(pairs);
    let order = shared.venue.inspect(|exchange| {
        let symbol = held(exchange, &name)?;
        let held = exchange.state().ledger.position(&symbol);
        let all = held.size();
        let qty = match (query.text("qty"), query.text("percentage")) {
            (Some(_), Some(_)) => {
                let text = "only one of qty or percentage is accepted".to_owned();
                return Err(Refusal::Malformed(text).into());
            }
            (Some(text), None) => {
                let bad = |_| Failure::BadRequest(format!("invalid qty {text:?}"));
                text.parse().map_err(bad)?
            }
            (None, Some(percent)) => portion(all, percent)?,
            (None, None) => all,
        };
        Ok::<_, Failure>(closing(symbol, held, qty))
    })?;
    Ok(Json(OrderBody::taken(&shared.venue.submit(order)?)))
}

/// Sells every position at the market, after canceling every order if asked to.
pub(super) async fn close_all(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<(StatusCode, Json<Vec<Value>>)> {
    if Query::new(pairs).flag("cancel_orders")? {
        super::orders::cancel_every(&shared.venue);
    }
    let held: Vec<(Symbol, Delta)> = shared.venue.inspect(|exchange| {
        let all = exchange.state().ledger.holdings.iter();
        all.map(|(symbol, holding)| (symbol.clone(), holding.signed())).collect()
    });
    let mut results = Vec::with_capacity(held.len());
    for (symbol, qty) in held {
        let (status, body) = match shared.venue.submit(closing(symbol.clone(), qty, qty.size())) {
            Ok(taken) => (200, json!(OrderBody::taken(&taken))),
            Err(refusal) => (refusal.status(), json!(Body::of(&refusal))),
        };
        // As positions spell it: without the slash of a pair.
        let symbol = symbol.as_str().replace('/', "");
        results.push(json!({ "symbol": symbol, "status": status, "body": body }));
    }
    Ok((StatusCode::MULTI_STATUS, Json(results)))
}

/// A market order that closes so many shares of a position.
fn closing(symbol: Symbol, held: Delta, qty: Shares) -> NewOrder {
    NewOrder {
        client_order_id: None,
        tif: if symbol.is_crypto() { Tif::Gtc } else { Tif::Day },
        symbol,
        side: if held.is_negative() { Side::Buy } else { Side::Sell },
        size: Size::Shares(qty),
        kind: Kind::Market,
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    }
}

/// A percentage of a position; whole shares of a position in whole shares.
fn portion(held: Shares, percent: &str) -> Answer<Shares> {
    let wrong = || Failure::BadRequest(format!("invalid percentage {percent:?}"));
    let percent: rust_decimal::Decimal = percent.parse().map_err(|_| wrong())?;
    if percent <= rust_decimal::Decimal::ZERO || percent > rust_decimal::Decimal::ONE_HUNDRED {
        let text = "percentage must be above 0 and at most 100".to_owned();
        return Err(Refusal::Malformed(text).into());
    }
    let qty = held.to_qty()?.value();
    let part = qty.checked_mul(percent).ok_or_else(wrong)? / rust_decimal::Decimal::ONE_HUNDRED;
    let digits = if held.is_whole() { 0 } else { 9 };
    let part = atlas_core::Qty::new(part.trunc_with_scale(digits)).map_err(|_| wrong())?;
    Ok(Shares::try_from(part)?)
}

/// The symbol of a position named by symbol, with its exchange, or by asset id.
fn held(exchange: &Exchange, name: &str) -> Answer<Symbol> {
    let symbol = assets::find(exchange.listings(), name).or_else(|| query::symbol(name));
    let found = symbol.filter(|symbol| exchange.state().ledger.holdings.contains_key(symbol));
    found.ok_or_else(|| not_found("position does not exist"))
}

fn body(exchange: &Exchange, symbol: &Symbol) -> Result<Value, Error> {
    let holding = exchange.state().ledger.holdings.get(symbol).copied().unwrap_or_default();
    let mark = exchange.mark_of_holding(symbol)?;
    let listing = exchange.market().listing(symbol);
    let before = listing
        .map(|listing| exchange.market().previous_close(listing, exchange.state().clock))
        .transpose()?
        .flatten()
        .unwrap_or(mark);
    let (for_orders, _) = exchange.held_back(symbol, holding.closing_side())?;
    let (qty, short) = (holding.signed(), holding.is_short);
    let sign = |amount: Money| if short { amount.negated() } else { amount };
    let (value, cost, yesterday) = (qty.at(mark), sign(holding.cost), qty.at(before));
    let (gain, day) = (value.minus(cost)?, value.minus(yesterday)?);
    let change = mark.times(Shares::ONE).minus(before.times(Shares::ONE))?;
    Ok(json!({
        "asset_id": ids::asset_id(symbol),
        // Positions name crypto pairs without their slash.
        "symbol": symbol.as_str().replace('/', ""),
        "exchange": listing.map(Listing::exchange),
        "asset_class": if symbol.is_crypto() { "crypto" } else { "us_equity" },
        "asset_marginable": listing.is_some_and(Listing::is_marginable),
        "qty": qty,
        "qty_available": Delta::of(
            if short { Side::Sell } else { Side::Buy },
            holding.qty.minus(for_orders),
        ),
        "side": if short { "short" } else { "long" },
        "avg_entry_price": holding.cost.mean_price(holding.qty),
        "cost_basis": cost,
        "market_value": value,
        "current_price": mark,
        "lastday_price": before,
        "change_today": ratio(change, before.times(Shares::ONE)),
        "unrealized_pl": gain,
        "unrealized_plpc": ratio(gain, holding.cost),
        "unrealized_intraday_pl": day,
        "unrealized_intraday_plpc": ratio(day, sign(yesterday)),
    }))
}

/// A share of a whole to twelve decimals, as text; zero of nothing.
fn ratio(part: Money, whole: Money) -> String {
    let of = |money: Money| money.rounded(9).to_usd().map(atlas_core::Usd::value);
    match (of(part), of(whole)) {
        (Ok(part), Ok(whole)) => part.checked_div(whole).map(|quotient| quotient.round_dp(12)),
        (Err(_), _) | (_, Err(_)) => None,
    }
    .map_or_else(|| "0".to_owned(), |quotient| quotient.normalize().to_string())
}
