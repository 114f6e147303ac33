//! Bars of the past.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure};
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{Market, Params, bar, check, check_feed, in_data, listing, symbols};
use crate::core::{Exchange, Listing};
use crate::tape::{Candle, Days, Timeframe};

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
    let mut names = names.to_vec();
    names.sort_unstable();
    shared.venue.inspect(|exchange| {
        let window = Window::read(query, exchange)?;
        let mut page = Page::default();
        for name in &names {
            let Some(listing) = listing(exchange, name, market) else { continue };
            let request = Request { exchange, listing, frame, name, market };
            let factors = Factors::read(query, listing)?;
            if !request.fill(&window, &factors, &mut page)? {
                break;
            }
        }
        Ok(page)
    })
}

/// The bars of one symbol for one page.
struct Request<'a> {
    exchange: &'a Exchange,
    listing: &'a Listing,
    frame: Timeframe,
    name: &'a str,
    market: Market,
}

impl Request<'_> {
    /// Adds the symbol's bars; false if the page is full.
    fn fill(&self, window: &Window, factors: &Factors, page: &mut Page) -> Answer<bool> {
        let Some((start, end)) = window.of(self.name) else { return Ok(true) };
        let days = Days::new(self.exchange, self.listing)?;
        let newest = days.len().checked_sub(1);
        let add = |candle: &Candle, page: &mut Page| {
            if candle.start < start || candle.start > end {
                return true;
            }
            window.add(page, self.name, candle.start, bar(candle, self.market))
        };
        let Timeframe::Minutes(minutes) = self.frame else {
            // A bar holds whole days only: one that has begun before is no part of the answer.
            let first = days.first_row(start);
            let mut candles = days.long(first, self.frame, |row, candle| {
                factors.apply(self.listing, newest, row, candle)
            })?;
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
                if !add(&factors.apply(self.listing, newest, row, candle), page) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}

/// How prices are adjusted.
enum Factors {
    /// As they were.
    Raw,
    /// For splits and dividends, as the adjusted closes say.
    All,
}

impl Factors {
    fn read(query: &Query, listing: &Listing) -> Answer<Self> {
        let words = query.list("adjustment");
        let known = ["raw", "split", "dividend", "spin-off", "all"];
        if let Some(other) = words.iter().find(|word| !known.contains(word)) {
            return Err(Failure::BadData(format!("invalid adjustment: {other}")));
        }
        let columns = listing.columns();
        if words.iter().all(|word| *word == "raw") || columns.adj_close.is_empty() {
            return Ok(Self::Raw);
        }
        let all =
            words.contains(&"all") || (words.contains(&"split") && words.contains(&"dividend"));
        if all {
            return Ok(Self::All);
        }
        Err(Failure::BadData(format!(
            "the data of {} tell splits and dividends together: use adjustment raw or all",
            listing.symbol()
        )))
    }

    /// A bar of a row, adjusted to the newest row that is known.
    fn apply(&self, listing: &Listing, newest: Option<usize>, row: usize, bar: Candle) -> Candle {
        let columns = listing.columns();
        let factor = |row: usize| {
            columns.adj_close.get(row).map_or(1.0, |adjusted| adjusted / columns.close[row])
        };
        match (self, newest) {
            (Self::All, Some(newest)) => bar.scaled(factor(row) / factor(newest)),
            (Self::Raw, _) | (Self::All, None) => bar,
        }
    }
}
