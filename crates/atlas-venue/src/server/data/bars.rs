//! Bars of the past.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure};
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{
    Market, Params, as_of, bar, check, check_feed, in_data, listing, of_the_market, symbols,
};
use crate::tape::{Candle, Chain, Timeframe};

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
    names.sort_unstable();
    of_the_market(shared, move |view| {
        let window = Window::read(&query, view, market)?;
        let mut page = Page::default();
        for name in &names {
            let Some(listing) = listing(view.listings(), name, market) else { continue };
            let chain = Chain::new(view, listing, as_of(&query, view)?, restated(&query)?)?;
            let chain = chain.ok_or_else(|| {
                Failure::BadData(format!(
                    "the data of {name} tell splits and dividends together: use adjustment raw or all"
                ))
            })?;
            let request = Request { chain, frame, name, market };
            if !request.fill(&window, &mut page)? {
                break;
            }
        }
        Ok(page)
    })
    .await
}

/// The bars of one symbol for one page.
struct Request<'a> {
    chain: Chain<'a>,
    frame: Timeframe,
    name: &'a str,
    market: Market,
}

impl Request<'_> {
    /// Adds the symbol's bars; false if the page is full. A bar that has begun before is no part of
    /// the answer.
    fn fill(&self, window: &Window, page: &mut Page) -> Answer<bool> {
        let Some((start, end)) = window.of(self.name) else { return Ok(true) };
        let add = |candle: &Candle| {
            if candle.start < start || candle.start > end {
                return true;
            }
            window.add(page, self.name, candle.start, bar(candle, self.market))
        };
        Ok(self.chain.bars(self.frame, (start, end), window.newest_first, add)?)
    }
}

/// Whether bars are to be restated for splits, and for dividends.
fn restated(query: &Query) -> Answer<(bool, bool)> {
    let words = query.list("adjustment");
    let known = ["raw", "split", "dividend", "spin-off", "all"];
    if let Some(other) = words.iter().find(|word| !known.contains(word)) {
        return Err(Failure::BadData(format!("invalid adjustment: {other}")));
    }
    let has = |word| words.contains(&word);
    let all = has("all");
    Ok((all || has("split"), all || has("dividend")))
}
