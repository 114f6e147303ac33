//! Bars of the past.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure};
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{Market, Params, bar, check, check_feed, in_data, listing, of_the_market, symbols};
use crate::tape::{Adjustment, Candle, Days, Timeframe, in_order};

/// `GET /v2/stocks/bars`
pub(super) async fn stocks(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, Market::Stocks)?;
    let page = in_data(page(&shared, query, names, Market::Stocks).await)?;
    Ok(Json(json!({ "bars": page.points, "next_page_token": page.token })))
}

/// `GET /v2/stocks/{symbol}/bars`
pub(super) async fn stock(
    Ctx(shared): Ctx,
    Path(symbol): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    check(&symbol, Market::Stocks)?;
    let (query, names) = (Query::new(pairs), vec![symbol.clone()]);
    let mut page = in_data(page(&shared, query, names, Market::Stocks).await)?;
    let bars = page.points.remove(&symbol).unwrap_or_default();
    Ok(Json(json!({ "symbol": symbol, "bars": bars, "next_page_token": page.token })))
}

/// `GET /v1beta3/crypto/us/bars`
pub(super) async fn crypto(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, Market::Crypto)?;
    let page = in_data(page(&shared, query, names, Market::Crypto).await)?;
    Ok(Json(json!({ "bars": page.points, "next_page_token": page.token })))
}

async fn page(
    shared: &Shared,
    query: Query,
    mut names: Vec<String>,
    market: Market,
) -> Answer<Page> {
    let text = query.text("timeframe").unwrap_or("1Day");
    let frame = Timeframe::read(text)
        .ok_or_else(|| Failure::BadData(format!("invalid timeframe: {text}")))?;
    check_feed(&query)?;
    check_asof(&query)?;
    names.sort_unstable();
    of_the_market(shared, move |view| {
        let window = Window::read(&query, view)?;
        let mut page = Page::default();
        for name in &names {
            let Some(listing) = listing(view.listings(), name, market) else { continue };
            let days = Days::new(view, listing)?;
            let request = Request { days, frame, name, market };
            let adjustment = adjustment(&query, &days)?;
            if !request.fill(&window, &adjustment, &mut page)? {
                break;
            }
        }
        Ok(page)
    })
    .await
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
        let (days, newest_first) = (&self.days, window.newest_first);
        let mut add = |candle: &Candle| {
            if candle.start < start || candle.start > end {
                return true;
            }
            window.add(page, self.name, candle.start, bar(candle, self.market))
        };
        let Timeframe::Minutes(minutes) = self.frame else {
            // A bar holds whole days only: one that has begun before is no part of the answer, one
            // that has begun is told as far as it is known.
            let behind = end.checked_add_signed(self.frame.longest()).unwrap_or(end);
            let rows = days.rows(start, behind);
            let way = (self.frame, newest_first);
            return Ok(days.long(rows, way, |row, candle| by.apply(row, candle), add)?);
        };
        for row in in_order(days.rows(start, end), newest_first) {
            let candles = days.within(row, minutes)?;
            for at in in_order(0..candles.len(), newest_first) {
                if !add(&by.apply(row, candles[at])) {
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
