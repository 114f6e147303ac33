//! The auctions of the past: at the open and at the close of each session.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};

use super::super::answer::Answer;
use super::super::query::Query;
use super::super::wire::{number, stamp};
use super::super::{Ctx, Shared};
use super::page::{Page, Window};
use super::{Market, Params, as_of, check, check_feed, in_data, listing, of_the_market, symbols};
use crate::tape::{Day, in_order, midnight, parts};

/// `GET /v2/stocks/auctions`
pub(super) async fn stocks(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let names = symbols(&query, Market::Stocks)?;
    let page = in_data(page(&shared, query, names).await)?;
    Ok(Json(json!({ "auctions": page.points, "next_page_token": page.token })))
}

/// `GET /v2/stocks/{symbol}/auctions`
pub(super) async fn stock(
    Ctx(shared): Ctx,
    Path(symbol): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    check(&symbol, Market::Stocks)?;
    let mut page = in_data(page(&shared, Query::new(pairs), vec![symbol.clone()]).await)?;
    let auctions = page.points.remove(&symbol).unwrap_or_default();
    Ok(Json(json!({ "symbol": symbol, "auctions": auctions, "next_page_token": page.token })))
}

async fn page(shared: &Shared, query: Query, mut names: Vec<String>) -> Answer<Page> {
    check_feed(&query)?;
    names.sort_unstable();
    of_the_market(shared, move |view| {
        let window = Window::read(&query, view, Market::Stocks)?;
        let mut page = Page::default();
        'names: for name in &names {
            let Some(listing) = listing(view.listings(), name, Market::Stocks) else { continue };
            let Some((start, end)) = window.of(name) else { continue };
            let parts = parts(view, listing, as_of(&query, view)?)?;
            let parts = in_order(0..parts.len(), window.newest_first).map(|at| &parts[at]);
            let rows = parts.flat_map(|part| {
                let rows = in_order(part.rows(start, end), window.newest_first);
                rows.map(move |row| (&part.days, row))
            });
            for (days, row) in rows {
                // Before the opening there is nothing to tell yet.
                let Some(day) = days.day(row)?.filter(|day| day.known() >= 0) else { continue };
                let date = days.shown_date(day.session.date);
                let at = midnight(date, false);
                if at < start || at > end {
                    continue;
                }
                let mut point = auction(&day);
                point["d"] = json!(date);
                if !window.add(&mut page, name, at, point) {
                    break 'names;
                }
            }
        }
        Ok(page)
    })
    .await
}

/// Opening and closing auction of a day; no closing one while it goes on.
fn auction(day: &Day) -> Value {
    let close = day.close();
    let one = |place: i64, condition: &str| {
        json!([{
            "c": condition, "p": number(day.price(place)), "s": 100, "t": stamp(day.stamp(place)),
            "x": "N",
        }])
    };
    let closing = if day.end() >= day.stamp(close) { one(close, "6") } else { json!([]) };
    json!({ "o": one(0, "Q"), "c": closing })
}
