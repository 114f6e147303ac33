//! The market-data endpoints.
//!
//! The clock decides what is known: the bars of closed sessions, and as much of the present day as
//! has passed. What the venue's bars do not have is made by [one rule](crate::tape), and
//! every answer says in its header `Atlas-Data` which of the bars it is about are given, completed
//! or made.

mod actions;
mod announcements;
mod auctions;
mod bars;
mod latest;
mod origin;
mod page;
mod reference;
mod shape;
mod ticks;

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::Symbol;
use axum::Router;
use axum::extract::Query as Pairs;
use axum::routing::get;
use chrono::NaiveDate;

use super::answer::{Answer, Failure};
use super::lens::{SIGHT, Sight};
use super::query::Query;
use super::{Server, Shared};
use uuid::Uuid;

use crate::Error;
use crate::core::{Exchange, Listing, View, date_of};

pub(super) use origin::{HEADER, words};
pub(super) use shape::{bar, quote, trade};

type Params = Pairs<Vec<(String, String)>>;

/// Which market an endpoint is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Market {
    Stocks,
    Crypto,
}

pub(super) fn router() -> Router<Arc<Server>> {
    let stocks = Router::new()
        .route("/v2/stocks/bars", get(bars::stocks))
        .route("/v2/stocks/{symbol}/bars", get(bars::stock))
        .route("/v2/stocks/quotes", get(ticks::stock_quotes))
        .route("/v2/stocks/{symbol}/quotes", get(ticks::quotes_of))
        .route("/v2/stocks/trades", get(ticks::stock_trades))
        .route("/v2/stocks/{symbol}/trades", get(ticks::trades_of))
        .route("/v2/stocks/auctions", get(auctions::stocks))
        .route("/v2/stocks/{symbol}/auctions", get(auctions::stock))
        .route("/v2/stocks/{what}/latest", get(latest::stocks))
        .route("/v2/stocks/{symbol}/{what}/latest", get(latest::stock))
        .route("/v2/stocks/snapshots", get(latest::stock_snapshots))
        .route("/v2/stocks/{symbol}/snapshot", get(latest::stock_snapshot))
        .route("/v2/stocks/meta/exchanges", get(reference::exchanges))
        .route("/v2/stocks/meta/conditions/{ticktype}", get(reference::conditions))
        .route("/v1/corporate-actions", get(actions::corporate_actions))
        .route("/v1beta1/corporate-actions", get(actions::corporate_actions))
        .route("/v2/corporate_actions/announcements", get(announcements::announcements))
        .route("/v2/corporate_actions/announcements/{id}", get(announcements::announcement))
        .route("/v1beta1/news", get(announcements::news));
    let crypto = Router::new()
        .route("/v1beta3/crypto/{loc}/bars", get(bars::crypto))
        .route("/v1beta3/crypto/{loc}/quotes", get(ticks::crypto_quotes))
        .route("/v1beta3/crypto/{loc}/trades", get(ticks::crypto_trades))
        .route("/v1beta3/crypto/{loc}/latest/{what}", get(latest::crypto))
        .route("/v1beta3/crypto/{loc}/snapshots", get(latest::crypto_snapshots));
    stocks.merge(crypto).layer(axum::middleware::from_fn(origin::says_so))
}

/// The symbols asked for; one that cannot be a symbol refuses the request.
fn symbols(query: &Query, market: Market) -> Answer<Vec<String>> {
    let names = query.list("symbols");
    if names.is_empty() {
        return Err(Failure::BadData("symbols is required".to_owned()));
    }
    let mut checked = Vec::with_capacity(names.len());
    for name in names {
        if !checked.iter().any(|known| known == name) {
            check(name, market)?;
            checked.push(name.to_owned());
        }
    }
    Ok(checked)
}

/// Refuses what can be neither a symbol of a market nor an asset's id.
fn check(name: &str, market: Market) -> Answer<()> {
    if Uuid::parse_str(name).is_ok() {
        return Ok(());
    }
    let symbol = super::query::symbol(name);
    match symbol {
        Some(symbol) if market == Market::Crypto || !symbol.is_crypto() => Ok(()),
        Some(_) | None => Err(Failure::BadData(format!("invalid symbol: {name}"))),
    }
}

/// A listing of a market by its name or its asset's id; crypto pairs also without their slash.
pub(super) fn listing<'a>(
    listings: &'a BTreeMap<Symbol, Listing>,
    name: &str,
    market: Market,
) -> Option<&'a Listing> {
    let found = super::trading::find(listings, name)?;
    let found = listings.get(&found);
    found.filter(|listing| listing.is_crypto() == (market == Market::Crypto))
}

/// Makes an answer of the market as it is now, on a thread of its own: neither orders nor other
/// requests wait for it.
async fn of_the_market<T: Send + 'static>(
    shared: &Shared,
    make: impl FnOnce(&View) -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let view = shared.venue.inspect(Exchange::view);
    apart(move || make(&view)).await
}

/// Works on a thread of its own, seeing what the request sees.
pub(super) async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> Answer<T> + Send + 'static,
) -> Answer<T> {
    let sight = SIGHT.try_with(Sight::clone).unwrap_or_default();
    let done = tokio::task::spawn_blocking(move || SIGHT.sync_scope(sight, work)).await;
    done.unwrap_or_else(|error| Err(Error::Stopped { problem: error.to_string() }.into()))
}

/// The date names are meant as of: the venue's present unless told, none for `-`.
fn as_of(query: &Query, view: &View) -> Answer<Option<NaiveDate>> {
    match query.text("asof") {
        Some("-") => Ok(None),
        Some(_) => Ok(query.moment("asof")?.map(date_of)),
        None => Ok(Some(date_of(view.now()))),
    }
}

/// Refuses a feed nobody knows.
fn check_feed(query: &Query) -> Answer<()> {
    let known = ["iex", "sip", "delayed_sip", "boats", "overnight", "otc"];
    match query.text("feed") {
        Some(feed) if !known.contains(&feed.to_ascii_lowercase().as_str()) => {
            Err(Failure::BadData(format!("invalid feed: {feed}")))
        }
        Some(_) | None => Ok(()),
    }
}

/// A failure in the words of the data interface, which has no codes for bad requests.
fn in_data<T>(answer: Answer<T>) -> Answer<T> {
    answer.map_err(|failure| match failure {
        Failure::BadRequest(text) => Failure::BadData(text),
        other @ (Failure::Refused(_) | Failure::BadData(_) | Failure::Unauthorized) => other,
    })
}
