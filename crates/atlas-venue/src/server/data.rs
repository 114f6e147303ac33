//! The market-data endpoints.
//!
//! Only closed sessions have bars here, whatever the venue has been given: the clock decides.
//! Quotes and trades are made from the price the clock shows, by the rule of the core: the quote is
//! that price made worse by the slippage on either side, the trade is that price.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::calendar::Calendar;
use axum::extract::{Path, Query as Pairs, State};
use axum::routing::get;
use axum::{Json, Router};
use chrono::NaiveDate;
use serde_json::{Value, json};

use super::answer::{Answer, Failure, not_found};
use super::query::Query;
use super::wire::{moment, number};
use super::{Ctx, Shared};
use crate::Error;
use crate::core::{Exchange, Listing, Market};

type Params = Pairs<Vec<(String, String)>>;

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/v2/stocks/bars", get(bars))
        .route("/v2/stocks/bars/latest", get(latest_bars))
        .route("/v2/stocks/quotes/latest", get(latest_quotes))
        .route("/v2/stocks/trades/latest", get(latest_trades))
        .route("/v2/stocks/snapshots", get(snapshots))
        .route("/v2/stocks/{symbol}/bars", get(bars_of))
        .route("/v2/stocks/{symbol}/{what}/latest", get(latest_of))
        .route("/v2/stocks/{symbol}/snapshot", get(snapshot_of))
}

/// A page of bars, by symbol, and where the next one begins.
type Page = (BTreeMap<String, Vec<Value>>, Option<String>);

async fn bars(State(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let (bars, token) = page(&shared, &query, &symbols(&query)?)?;
    Ok(Json(json!({ "bars": bars, "next_page_token": token })))
}

async fn bars_of(
    State(shared): Ctx,
    Path(symbol): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    let (mut bars, token) = page(&shared, &Query::new(pairs), std::slice::from_ref(&symbol))?;
    let bars = bars.remove(&symbol).unwrap_or_default();
    Ok(Json(json!({ "symbol": symbol, "bars": bars, "next_page_token": token })))
}

fn page(shared: &Shared, query: &Query, symbols: &[String]) -> Answer<Page> {
    let timeframe = query.text("timeframe").unwrap_or("1Day");
    if !["1day", "1d"].contains(&timeframe.to_ascii_lowercase().as_str()) {
        return Err(not_found(format!("timeframe {timeframe:?} is not available: use 1Day")));
    }
    let limit = query.number("limit", 1000, 10_000)?;
    let newest_first = query.word("sort", "asc", &["asc", "desc"])? == "desc";
    let adjusted = match query.text("adjustment") {
        None | Some("raw") => false,
        Some("all") => true,
        Some(other) => {
            return Err(Failure::BadData(format!("adjustment {other:?}: use raw or all")));
        }
    };
    let token = query.text("page_token").map(read_token).transpose()?;
    let (start, end) = (query.moment("start")?, query.moment("end")?);
    let mut sorted = symbols.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    shared.venue.inspect(|exchange| {
        let now = exchange.now();
        let last = Calendar::nyse().last_closed(exchange.state().clock)?.date;
        let (start, end) =
            (start.unwrap_or_else(|| Market::midnight(now.date_naive())), end.unwrap_or(now));
        let (mut page, mut count): (BTreeMap<String, Vec<Value>>, usize) = (BTreeMap::new(), 0);
        for name in &sorted {
            let Some(listing) = listing(exchange, name) else { continue };
            let dates = &listing.columns().dates[..listing.rows_until(last)];
            let rows = dates.iter().enumerate();
            let rows: Vec<usize> = if newest_first {
                rows.rev().map(|(row, _)| row).collect()
            } else {
                rows.map(|(row, _)| row).collect()
            };
            for row in rows {
                let stamp = Market::midnight(dates[row]);
                let seen = token.as_ref().is_some_and(|(symbol, date)| {
                    let passed =
                        if newest_first { dates[row] >= *date } else { dates[row] <= *date };
                    name < symbol || (name == symbol && passed)
                });
                if stamp < start || stamp > end || seen {
                    continue;
                }
                if count == limit {
                    return Ok((page.clone(), last_token(&page)));
                }
                page.entry(name.clone()).or_default().push(bar(listing, row, adjusted));
                count += 1;
            }
        }
        Ok((page, None))
    })
}

/// The token of a page: its last symbol and date.
fn last_token(page: &BTreeMap<String, Vec<Value>>) -> Option<String> {
    let (symbol, bars) = page.last_key_value()?;
    Some(format!("{symbol}|{}", bars.last()?.get("t")?.as_str()?.get(..10)?))
}

fn read_token(text: &str) -> Answer<(String, NaiveDate)> {
    let parts = text
        .split_once('|')
        .and_then(|(symbol, date)| Some((symbol.to_owned(), date.parse().ok()?)));
    parts.ok_or_else(|| Failure::BadData("invalid page_token".to_owned()))
}

fn bar(listing: &Listing, row: usize, adjusted: bool) -> Value {
    let columns = listing.columns();
    let close = columns.close[row];
    let at = |column: &[f64]| column.get(row).copied().unwrap_or(close);
    let factor = columns.adj_close.get(row).filter(|_| adjusted).map_or(1.0, |adj| adj / close);
    let volume = columns.volume.get(row).copied().unwrap_or(0.0);
    // A volume is a whole number of shares; its JSON form must not have a decimal point.
    #[expect(clippy::cast_possible_truncation, reason = "volumes are far below 2^63")]
    let volume = volume.round() as i64;
    json!({
        "t": moment(Market::midnight(columns.dates[row])),
        "o": at(&columns.open) * factor,
        "h": at(&columns.high) * factor,
        "l": at(&columns.low) * factor,
        "c": close * factor,
        "v": volume,
        "n": 0,
        "vw": close * factor,
    })
}

async fn latest_quotes(State(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let names = symbols(&Query::new(pairs))?;
    Ok(Json(json!({ "quotes": each(&shared, &names, quote)? })))
}

async fn latest_trades(State(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let names = symbols(&Query::new(pairs))?;
    Ok(Json(json!({ "trades": each(&shared, &names, trade)? })))
}

async fn latest_bars(State(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let names = symbols(&Query::new(pairs))?;
    Ok(Json(json!({ "bars": each(&shared, &names, |e, l| closed_bar(e, l, 0))? })))
}

async fn snapshots(State(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let names = symbols(&Query::new(pairs))?;
    Ok(Json(json!(each(&shared, &names, snapshot)?)))
}

async fn latest_of(
    State(shared): Ctx,
    Path((symbol, what)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    let (name, made) = match what.as_str() {
        "quotes" => ("quote", single(&shared, &symbol, quote)?),
        "trades" => ("trade", single(&shared, &symbol, trade)?),
        "bars" => ("bar", single(&shared, &symbol, |e, l| closed_bar(e, l, 0))?),
        _ => return Err(not_found("endpoint not found.")),
    };
    Ok(Json(json!({ "symbol": symbol, name: made })))
}

async fn snapshot_of(State(shared): Ctx, Path(symbol): Path<String>) -> Answer<Json<Value>> {
    let mut made = single(&shared, &symbol, snapshot)?;
    made["symbol"] = json!(symbol);
    Ok(Json(made))
}

/// Makes something of each listed symbol; what nobody has a price of is absent.
fn each(
    shared: &Shared,
    names: &[String],
    make: impl Fn(&Exchange, &Listing) -> Result<Option<Value>, Error>,
) -> Answer<BTreeMap<String, Value>> {
    shared.venue.inspect(|exchange| {
        let mut made = BTreeMap::new();
        for name in names {
            let Some(listing) = listing(exchange, name) else { continue };
            if let Some(value) = make(exchange, listing)? {
                made.insert(name.clone(), value);
            }
        }
        Ok(made)
    })
}

fn single(
    shared: &Shared,
    name: &str,
    make: impl Fn(&Exchange, &Listing) -> Result<Option<Value>, Error>,
) -> Answer<Value> {
    let mut made = each(shared, &[name.to_owned()], make)?;
    made.remove(name).ok_or_else(|| not_found(format!("no data for {name}")))
}

fn quote(exchange: &Exchange, listing: &Listing) -> Result<Option<Value>, Error> {
    let quote = exchange.quote(listing.symbol())?;
    Ok(quote.map(|(bid, ask)| {
        json!({
            "t": moment(exchange.now()),
            "ap": number(ask), "as": 100, "ax": "V",
            "bp": number(bid), "bs": 100, "bx": "V",
            "c": ["R"], "z": "A",
        })
    }))
}

fn trade(exchange: &Exchange, listing: &Listing) -> Result<Option<Value>, Error> {
    let mark = exchange.market().mark(listing, exchange.state().clock)?;
    Ok(mark.map(|price| {
        json!({
            "t": moment(exchange.now()), "p": number(price), "s": 100,
            "x": "V", "i": 1, "c": ["@"], "z": "A",
        })
    }))
}

/// The bar of the last closed session, or of one `back` rows before it.
fn closed_bar(exchange: &Exchange, listing: &Listing, back: usize) -> Result<Option<Value>, Error> {
    let last = Calendar::nyse().last_closed(exchange.state().clock)?.date;
    let row = listing.rows_until(last).checked_sub(1 + back);
    Ok(row.map(|row| bar(listing, row, false)))
}

fn snapshot(exchange: &Exchange, listing: &Listing) -> Result<Option<Value>, Error> {
    let Some(latest) = trade(exchange, listing)? else { return Ok(None) };
    Ok(Some(json!({
        "latestTrade": latest,
        "latestQuote": quote(exchange, listing)?,
        "dailyBar": closed_bar(exchange, listing, 0)?,
        "prevDailyBar": closed_bar(exchange, listing, 1)?,
    })))
}

fn listing<'a>(exchange: &'a Exchange, name: &str) -> Option<&'a Listing> {
    exchange.listings().get(&super::query::symbol(name)?)
}

/// The symbols asked for; one that cannot be a symbol refuses the request.
fn symbols(query: &Query) -> Answer<Vec<String>> {
    let names = query.list("symbols");
    if names.is_empty() {
        return Err(Failure::BadData("symbols is required".to_owned()));
    }
    let check = |name: &str| match super::query::symbol(name) {
        Some(_) => Ok(name.to_owned()),
        None => Err(Failure::BadData(format!("invalid symbol: {name}"))),
    };
    names.into_iter().map(check).collect()
}
