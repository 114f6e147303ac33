//! Quotes and trades of the past.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::query::Query;
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{Market, Params, check, check_feed, in_data, listing, quote, symbols, trade};
use crate::core::{Exchange, Listing};
use crate::tape::{Day, Days, Tick};

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

    fn of(self, day: &Day, from: i64, to: i64) -> Vec<Tick> {
        match self {
            Self::Quotes => day.quotes(from, to).collect(),
            Self::Trades => day.trades(from, to).collect(),
        }
    }
}

/// `GET /v2/stocks/quotes`
pub(super) async fn stock_quotes(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Stocks, What::Quotes)
}

/// `GET /v2/stocks/trades`
pub(super) async fn stock_trades(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Stocks, What::Trades)
}

/// `GET /v1beta3/crypto/us/quotes`
pub(super) async fn crypto_quotes(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Crypto, What::Quotes)
}

/// `GET /v1beta3/crypto/us/trades`
pub(super) async fn crypto_trades(ctx: Ctx, params: Params) -> Answer<Json<Value>> {
    several(&ctx, params, Market::Crypto, What::Trades)
}

/// `GET /v2/stocks/{symbol}/quotes`
pub(super) async fn quotes_of(
    ctx: Ctx,
    Path(symbol): Path<String>,
    params: Params,
) -> Answer<Json<Value>> {
    single(&ctx, &symbol, params, What::Quotes)
}

/// `GET /v2/stocks/{symbol}/trades`
pub(super) async fn trades_of(
    ctx: Ctx,
    Path(symbol): Path<String>,
    params: Params,
) -> Answer<Json<Value>> {
    single(&ctx, &symbol, params, What::Trades)
}

fn several(
    Ctx(shared): &Ctx,
    Pairs(pairs): Params,
    market: Market,
    what: What,
) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, market)?;
    let page = in_data(page(shared, &query, &names, market, what))?;
    Ok(Json(json!({ what.name(): page.points, "next_page_token": page.token })))
}

fn single(
    Ctx(shared): &Ctx,
    symbol: &str,
    Pairs(pairs): Params,
    what: What,
) -> Answer<Json<Value>> {
    check(symbol, Market::Stocks)?;
    let names = [symbol.to_owned()];
    let mut page = in_data(page(shared, &Query::new(pairs), &names, Market::Stocks, what))?;
    let points = page.points.remove(symbol).unwrap_or_default();
    Ok(Json(json!({ "symbol": symbol, what.name(): points, "next_page_token": page.token })))
}

fn page(
    shared: &Shared,
    query: &Query,
    names: &[String],
    market: Market,
    what: What,
) -> Answer<Page> {
    check_feed(query)?;
    let mut names = names.to_vec();
    names.sort_unstable();
    shared.venue.inspect(|exchange| {
        let window = Window::read(query, exchange)?;
        let mut page = Page::default();
        for name in &names {
            let Some(listing) = listing(exchange, name, market) else { continue };
            let request = Request { exchange, listing, name, market, what };
            if !request.fill(&window, &mut page)? {
                break;
            }
        }
        Ok(page)
    })
}

/// The points of one symbol for one page.
struct Request<'a> {
    exchange: &'a Exchange,
    listing: &'a Listing,
    name: &'a str,
    market: Market,
    what: What,
}

impl Request<'_> {
    /// Adds the symbol's points; false if the page is full.
    fn fill(&self, window: &Window, page: &mut Page) -> Answer<bool> {
        let Some((start, end)) = window.of(self.name) else { return Ok(true) };
        let days = Days::new(self.exchange, self.listing)?;
        let rows = days.first_row(start)..days.len();
        let rows: Vec<usize> =
            if window.newest_first { rows.rev().collect() } else { rows.collect() };
        for row in rows {
            if !window.newest_first && days.starts_after(row, end) {
                break;
            }
            let Some(day) = days.day(row)? else { continue };
            let mut ticks = self.what.of(&day, day.place(start), day.place(end));
            if window.newest_first {
                ticks.reverse();
            }
            for tick in ticks.iter().filter(|tick| tick.at >= start && tick.at <= end) {
                let point = match self.what {
                    What::Trades => trade(tick, self.market),
                    What::Quotes => quote(tick, self.market),
                };
                if !window.add(page, self.name, tick.at, point) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
