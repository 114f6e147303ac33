//! Quotes and trades of the past.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{
    Market, Params, as_of, check, check_feed, in_data, listing, of_the_market, quote, symbols,
    trade,
};
use crate::tape::{Day, Part, Tick, in_order, parts};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Quotes,
    Trades,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Quotes => "quotes",
            Self::Trades => "trades",
        }
    }

    /// Those from one place of a day to another, oldest or newest first, each made when asked for.
    fn of<'a>(
        self,
        day: &'a Day,
        (from, to): (i64, i64),
        newest_first: bool,
    ) -> Box<dyn Iterator<Item = Tick> + 'a> {
        match (self, newest_first) {
            (Self::Quotes, false) => Box::new(day.quotes(from, to)),
            (Self::Quotes, true) => Box::new(day.quotes(from, to).rev()),
            (Self::Trades, false) => Box::new(day.trades(from, to)),
            (Self::Trades, true) => Box::new(day.trades(from, to).rev()),
        }
    }
}

/// `GET /v2/stocks/quotes`
pub(super) async fn stock_quotes(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Stocks, What::Quotes).await
}

/// `GET /v2/stocks/trades`
pub(super) async fn stock_trades(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Stocks, What::Trades).await
}

/// `GET /v1beta3/crypto/us/quotes`
pub(super) async fn crypto_quotes(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Crypto, What::Quotes).await
}

/// `GET /v1beta3/crypto/us/trades`
pub(super) async fn crypto_trades(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Crypto, What::Trades).await
}

/// `GET /v2/stocks/{symbol}/quotes`
pub(super) async fn quotes_of(
    ctx: Ctx,
    Path(symbol): Path<String>,
    params: Params,
) -> Answer<Json<Value>> {
    single(&ctx, &symbol, params, What::Quotes).await
}

/// `GET /v2/stocks/{symbol}/trades`
pub(super) async fn trades_of(
    ctx: Ctx,
    Path(symbol): Path<String>,
    params: Params,
) -> Answer<Json<Value>> {
    single(&ctx, &symbol, params, What::Trades).await
}

async fn several(
    Ctx(shared): &Ctx,
    Pairs(pairs): Params,
    market: Market,
    what: What,
) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, market)?;
    let page = in_data(page(shared, query, names, market, what).await)?;
    Ok(Json(json!({ what.name(): page.points, "next_page_token": page.token })))
}

async fn single(
    Ctx(shared): &Ctx,
    symbol: &str,
    Pairs(pairs): Params,
    what: What,
) -> Answer<Json<Value>> {
    check(symbol, Market::Stocks)?;
    let (query, names) = (Query::new(pairs), vec![symbol.to_owned()]);
    let mut page = in_data(page(shared, query, names, Market::Stocks, what).await)?;
    let points = page.points.remove(symbol).unwrap_or_default();
    Ok(Json(json!({ "symbol": symbol, what.name(): points, "next_page_token": page.token })))
}

async fn page(
    shared: &Shared,
    query: Query,
    mut names: Vec<String>,
    market: Market,
    what: What,
) -> Answer<Page> {
    check_feed(&query)?;
    names.sort_unstable();
    of_the_market(shared, move |view| {
        let window = Window::read(&query, view, market)?;
        let mut page = Page::default();
        for name in &names {
            let Some(listing) = listing(view.listings(), name, market) else { continue };
            let parts = parts(view, listing, as_of(&query, view)?)?;
            let request = Request { parts, name, market, what };
            if !request.fill(&window, &mut page)? {
                break;
            }
        }
        Ok(page)
    })
    .await
}

/// The points of one symbol for one page.
struct Request<'a> {
    parts: Vec<Part<'a>>,
    name: &'a str,
    market: Market,
    what: What,
}

impl Request<'_> {
    /// Adds the symbol's points; false if the page is full.
    fn fill(&self, window: &Window, page: &mut Page) -> Answer<bool> {
        let Some((start, end)) = window.of(self.name) else { return Ok(true) };
        let parts = in_order(0..self.parts.len(), window.newest_first).map(|at| &self.parts[at]);
        let rows = parts.flat_map(|part| {
            let rows = in_order(part.rows(start, end), window.newest_first);
            rows.map(move |row| (part, row))
        });
        for (part, row) in rows {
            let Some(day) = part.days.day(row)? else { continue };
            let places = (day.place(start), day.place(end));
            let ticks = self.what.of(&day, places, window.newest_first);
            for tick in ticks.filter(|tick| tick.at >= start && tick.at <= end) {
                let point = match self.what {
                    What::Trades => trade(&tick, self.market),
                    What::Quotes => quote(&tick, self.market),
                };
                if !window.add(page, self.name, tick.at, point) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
