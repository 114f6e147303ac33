//! Bars of the past.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure};
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{Market, Params, bar, check, check_feed, in_data, listing, symbols};
use crate::tape::{Adjustment, Candle, Days, Timeframe};

/// `GET /v2/stocks/bars`
pub(super) async fn stocks(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, Market::Stocks)?;
    let page = in_data(page(&shared, &query, &names, Market::Stocks))?;
    Ok(Json(json!({ "bars": page.points, "next_page_token": page.token })))
}

/// `GET /v2/stocks/{symbol}/bars`
pub(super) async fn stock(
    Ctx(shared): Ctx,
    Path(symbol): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    check(&symbol, Market::Stocks)?;
    let names = std::slice::from_ref(&symbol);
    let mut page = in_data(page(&shared, &Query::new(pairs), names, Market::Stocks))?;
    let bars = page.points.remove(&symbol).unwrap_or_default();
    Ok(Json(json!({ "symbol": symbol, "bars": bars, "next_page_token": page.token })))
}

/// `GET /v1beta3/crypto/us/bars`
pub(super) async fn crypto(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, Market::Crypto)?;
    let page = in_data(page(&shared, &query, &names, Market::Crypto))?;
    Ok(Json(json!({ "bars": page.points, "next_page_token": page.token })))
}

fn page(shared: &Shared, query: &Query, names: &[String], market: Market) -> Answer<Page> {
    let text = query.text("timeframe").unwrap_or("1Day");
    let frame = Timeframe::read(text)
        .ok_or_else(|| Failure::BadData(format!("invalid timeframe: {text}")))?;
    check_feed(query)?;
    check_asof(query)?;
    let mut names = names.to_vec();
    names.sort_unstable();
    shared.venue.inspect(|exchange| {
        let window = Window::read(query, exchange)?;
        let mut page = Page::default();
        for name in &names {
            let Some(listing) = listing(exchange, name, market) else { continue };
            let days = Days::new(exchange, listing)?;
            let request = Request { days, frame, name, market };
            let adjustment = adjustment(query, &days)?;
            if !request.fill(&window, &adjustment, &mut page)? {
                break;
            }
        }
        Ok(page)
    })
}

/// The bars of one symbol for one page.
struct Request<'a> {
    days: Days<'a>,
    frame: Timeframe,
    name: &'a str,
    market: Market,
}

impl Request<'_> {
    /// Adds the symbol's bars; false if the page is full.
    fn fill(&self, window: &Window, by: &Adjustment<'_>, page: &mut Page) -> Answer<bool> {
        let Some((start, end)) = window.of(self.name) else { return Ok(true) };
        let days = &self.days;
        let add = |candle: &Candle, page: &mut Page| {
            if candle.start < start || candle.start > end {
                return true;
            }
            window.add(page, self.name, candle.start, bar(candle, self.market))
        };
        let Timeframe::Minutes(minutes) = self.frame else {
            // A bar holds whole days only: one that has begun before is no part of the answer.
            let first = days.first_row(start);
            let mut candles = days.long(first, self.frame, |row, candle| by.apply(row, candle))?;
            if window.newest_first {
                candles.reverse();
            }
            return Ok(candles.iter().all(|candle| add(candle, page)));
        };
        let rows = days.first_row(start)..days.len();
        let rows: Vec<usize> =
            if window.newest_first { rows.rev().collect() } else { rows.collect() };
        for row in rows {
            if !window.newest_first && days.starts_after(row, end) {
                break;
            }
            let mut candles = days.within(row, minutes)?;
            if window.newest_first {
                candles.reverse();
            }
            for candle in candles {
                if !add(&by.apply(row, candle), page) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// How the bars of a listing are to be restated.
fn adjustment<'a>(query: &Query, days: &Days<'a>) -> Answer<Adjustment<'a>> {
    let words = query.list("adjustment");
    let known = ["raw", "split", "dividend", "spin-off", "all"];
    if let Some(other) = words.iter().find(|word| !known.contains(word)) {
        return Err(Failure::BadData(format!("invalid adjustment: {other}")));
    }
    let has = |word| words.contains(&word);
    let all = has("all");
    Adjustment::new(days, (all || has("split"), all || has("dividend"))).ok_or_else(|| {
        Failure::BadData(format!(
            "the data of {} tell splits and dividends together: use adjustment raw or all",
            days.symbol()
        ))
    })
}

/// Refuses a date of names that is none; series are not followed through changes of their symbol.
fn check_asof(query: &Query) -> Answer<()> {
    match query.text("asof") {
        Some("-") | None => Ok(()),
        Some(_) => query.date("asof").map(|_| ()),
    }
}
