//! The newest of everything, and snapshots.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::{Answer, not_found};
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::{
    Market, Params, apart, bar, check, check_feed, in_data, listing, quote, symbols, trade,
};
use crate::Error;
use crate::core::{Exchange, Listing, View};
use crate::tape::{Days, Newest, last_minute, present};

/// `GET /v2/stocks/{quotes,trades,bars}/latest`
pub(super) async fn stocks(
    Ctx(shared): Ctx,
    Path(what): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    in_data(check_feed(&query))?;
    let make = maker(&what)?;
    let names = symbols(&query, Market::Stocks)?;
    Ok(Json(json!({ what: each(&shared, names, Market::Stocks, make).await? })))
}

/// `GET /v1beta3/crypto/us/latest/{quotes,trades,bars,orderbooks}`
pub(super) async fn crypto(
    Ctx(shared): Ctx,
    Path((_, what)): Path<(String, String)>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    let make = if what == "orderbooks" { orderbook } else { maker(&what)? };
    let names = symbols(&Query::new(pairs), Market::Crypto)?;
    Ok(Json(json!({ what: each(&shared, names, Market::Crypto, make).await? })))
}

/// `GET /v2/stocks/{symbol}/{quotes,trades,bars}/latest`
pub(super) async fn stock(
    Ctx(shared): Ctx,
    Path((symbol, what)): Path<(String, String)>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    in_data(check_feed(&Query::new(pairs)))?;
    let made = single(&shared, &symbol, maker(&what)?).await?;
    Ok(Json(json!({ "symbol": symbol, what.trim_end_matches('s'): made })))
}

/// `GET /v2/stocks/snapshots`
pub(super) async fn stock_snapshots(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    in_data(check_feed(&query))?;
    let names = symbols(&query, Market::Stocks)?;
    Ok(Json(json!(each(&shared, names, Market::Stocks, snapshot).await?)))
}

/// `GET /v1beta3/crypto/us/snapshots`
pub(super) async fn crypto_snapshots(
    Ctx(shared): Ctx,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    let names = symbols(&Query::new(pairs), Market::Crypto)?;
    Ok(Json(json!({ "snapshots": each(&shared, names, Market::Crypto, snapshot).await? })))
}

/// `GET /v2/stocks/{symbol}/snapshot`
pub(super) async fn stock_snapshot(
    Ctx(shared): Ctx,
    Path(symbol): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    in_data(check_feed(&Query::new(pairs)))?;
    let mut made = single(&shared, &symbol, snapshot).await?;
    made["symbol"] = json!(symbol);
    Ok(Json(made))
}

/// What makes one symbol's part of an answer; `None` where nobody has a price yet.
type Make = fn(&View, &Listing, Market) -> Result<Option<Value>, Error>;

fn maker(what: &str) -> Answer<Make> {
    match what {
        "quotes" => Ok(latest_quote),
        "trades" => Ok(latest_trade),
        "bars" => Ok(latest_bar),
        _ => Err(not_found("endpoint not found.")),
    }
}

/// Makes something of each listed symbol; what nobody has a price of is absent.
async fn each(
    shared: &Shared,
    names: Vec<String>,
    market: Market,
    make: Make,
) -> Answer<BTreeMap<String, Value>> {
    let is_long = names.len() > FEW;
    let view = shared.venue.inspect(Exchange::view);
    let made = move || {
        let mut made = BTreeMap::new();
        for name in names {
            let Some(listing) = listing(view.listings(), &name, market) else { continue };
            if let Some(value) = make(&view, listing, market)? {
                made.insert(name, value);
            }
        }
        Ok(made)
    };
    if is_long { apart(made).await } else { made() }
}

async fn single(shared: &Shared, name: &str, make: Make) -> Answer<Value> {
    check(name, Market::Stocks)?;
    let mut made = each(shared, vec![name.to_owned()], Market::Stocks, make).await?;
    made.remove(name).ok_or_else(|| not_found(format!("no data for {name}")))
}

fn latest_quote(view: &View, listing: &Listing, market: Market) -> Result<Option<Value>, Error> {
    Ok(present(view, listing, Newest::Quote)?.map(|tick| quote(&tick, market)))
}

fn latest_trade(view: &View, listing: &Listing, market: Market) -> Result<Option<Value>, Error> {
    Ok(present(view, listing, Newest::Trade)?.map(|tick| trade(&tick, market)))
}

/// The last whole minute.
fn latest_bar(view: &View, listing: &Listing, market: Market) -> Result<Option<Value>, Error> {
    Ok(last_minute(&Days::new(view, listing)?)?.map(|candle| bar(&candle, market)))
}

/// One level of each side.
fn orderbook(view: &View, listing: &Listing, market: Market) -> Result<Option<Value>, Error> {
    let Some(quote) = latest_quote(view, listing, market)? else { return Ok(None) };
    Ok(Some(json!({
        "t": quote["t"],
        "b": [{ "p": quote["bp"], "s": quote["bs"] }],
        "a": [{ "p": quote["ap"], "s": quote["as"] }],
    })))
}

fn snapshot(view: &View, listing: &Listing, market: Market) -> Result<Option<Value>, Error> {
    let Some(latest) = latest_trade(view, listing, market)? else { return Ok(None) };
    let days = Days::new(view, listing)?;
    let daily = days.latest(2)?;
    let mut daily = daily.iter().map(|candle| bar(candle, market));
    Ok(Some(json!({
        "latestTrade": latest,
        "latestQuote": latest_quote(view, listing, market)?,
        "minuteBar": latest_bar(view, listing, market)?,
        "dailyBar": daily.next(),
        "prevDailyBar": daily.next(),
    })))
}

/// Symbols that are answered for at once; more have a thread of their own.
const FEW: usize = 10;
