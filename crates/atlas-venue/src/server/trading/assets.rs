//! What can be traded.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Ctx;
use super::super::answer::{Answer, not_found};
use super::super::query::{self, Query};
use crate::core::{Exchange, Listing, date_of};

pub(super) async fn all(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<Value>>> {
    let query = Query::new(pairs);
    let active = match query.text("status") {
        None | Some("all") => None,
        status => Some(status == Some("active")),
    };
    // Nothing that is listed has any of the attributes one can ask for.
    let is_plain = query.list("attributes").is_empty();
    let class = query.text("asset_class").unwrap_or("us_equity");
    let place = query.text("exchange");
    let fits = |exchange: &Exchange, listing: &Listing| {
        is_plain
            && active.is_none_or(|active| active == is_active(exchange, listing))
            && class_of(listing) == class
            && place.is_none_or(|place| listing.exchange() == place)
    };
    Ok(Json(shared.venue.inspect(|exchange| {
        let all = exchange.listings().values().filter(|listing| fits(exchange, listing));
        all.map(|listing| body(exchange, listing)).collect()
    })))
}

pub(super) async fn one(Ctx(shared): Ctx, Path(name): Path<String>) -> Answer<Json<Value>> {
    shared.venue.inspect(|exchange| {
        let symbol = find(exchange.listings(), &name);
        let listing = symbol.and_then(|symbol| exchange.listings().get(&symbol));
        let listing = listing.ok_or_else(|| not_found(format!("asset not found for {name}")))?;
        Ok(Json(body(exchange, listing)))
    })
}

/// A listed symbol by its name, with its exchange, or by asset id.
pub(crate) fn find(listings: &BTreeMap<Symbol, Listing>, name: &str) -> Option<Symbol> {
    if let Ok(id) = Uuid::parse_str(name) {
        let by_id = listings.values().find(|listing| listing.asset_id() == id);
        return by_id.map(|listing| listing.symbol().clone());
    }
    let symbol = query::symbol(name)?;
    if listings.contains_key(&symbol) {
        return Some(symbol);
    }
    // Crypto pairs are also known without their slash.
    let mut pairs = listings.keys().filter(|symbol| symbol.is_crypto());
    pairs.find(|pair| pair.as_str().replace('/', "") == name).cloned()
}

/// The class of a listing, in the wire's word.
fn class_of(listing: &Listing) -> &'static str {
    if listing.is_crypto() { "crypto" } else { "us_equity" }
}

/// Whether it can be traded still: neither delisted nor renamed by the venue's present.
fn is_active(exchange: &Exchange, listing: &Listing) -> bool {
    let today = date_of(exchange.now());
    listing.ends().is_none_or(|ends| today < ends)
}

/// A listing as an asset.
pub(super) fn body(exchange: &Exchange, listing: &Listing) -> Value {
    let is_active = is_active(exchange, listing);
    let units = if listing.is_adjusted() { " (total-return units, replay only)" } else { "" };
    let lends = listing.is_shortable();
    // What a share of ordinary price needs; see the venue's margin rules for the others.
    let (long, short) = (listing.margin(false).unwrap_or(30), listing.margin(true).unwrap_or(30));
    let mut body = json!({
        "id": listing.asset_id(),
        "class": class_of(listing),
        "exchange": listing.exchange(),
        "symbol": listing.symbol(),
        "name": format!("{}{units}", listing.symbol()),
        "status": if is_active { "active" } else { "inactive" },
        "tradable": is_active,
        "marginable": listing.is_marginable(),
        "shortable": lends,
        "easy_to_borrow": lends,
        "borrow_status": if lends { "easy_to_borrow" } else { "hard_to_borrow" },
        "fractionable": true,
        "maintenance_margin_requirement": long,
        "margin_requirement_long": long.to_string(),
        "margin_requirement_short": short.to_string(),
        "attributes": [],
    });
    if let Some(rules) = listing.crypto_rules() {
        body["min_order_size"] = json!(rules.min_trade_increment.to_string());
        body["min_trade_increment"] = json!(rules.min_trade_increment.to_string());
        body["price_increment"] = json!(rules.price_increment.to_string());
    }
    body
}
