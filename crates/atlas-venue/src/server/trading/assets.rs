//! What can be traded.

use atlas_core::Symbol;
use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Ctx;
use super::super::answer::{Answer, not_found};
use super::super::query::{self, Query};
use crate::core::{Exchange, Listing};

/// The exchange named for everything: daily series do not say where a symbol is listed.
pub(super) const EXCHANGE: &str = "NYSE";

pub(super) async fn all(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<Value>>> {
    let query = Query::new(pairs);
    let fits = matches!(query.text("status"), None | Some("active"))
        && matches!(query.text("asset_class"), None | Some("us_equity"))
        && matches!(query.text("exchange"), None | Some(EXCHANGE));
    if !fits {
        return Ok(Json(Vec::new()));
    }
    Ok(Json(shared.venue.inspect(|exchange| exchange.listings().values().map(body).collect())))
}

pub(super) async fn one(Ctx(shared): Ctx, Path(name): Path<String>) -> Answer<Json<Value>> {
    shared.venue.inspect(|exchange| {
        let symbol = find(exchange, &name);
        let listing = symbol.and_then(|symbol| exchange.listings().get(&symbol));
        let listing = listing.ok_or_else(|| not_found(format!("asset not found for {name}")))?;
        Ok(Json(body(listing)))
    })
}

/// A listed symbol by its name, with its exchange, or by asset id.
pub(super) fn find(exchange: &Exchange, name: &str) -> Option<Symbol> {
    if let Ok(id) = Uuid::parse_str(name) {
        let by_id = exchange.listings().values().find(|listing| listing.asset_id() == id);
        return by_id.map(|listing| listing.symbol().clone());
    }
    query::symbol(name).filter(|symbol| exchange.listings().contains_key(symbol))
}

/// A listing as an asset.
pub(super) fn body(listing: &Listing) -> Value {
    let units = if listing.is_adjusted() { " (total-return units, replay only)" } else { "" };
    json!({
        "id": listing.asset_id(),
        "class": "us_equity",
        "exchange": EXCHANGE,
        "symbol": listing.symbol(),
        "name": format!("{}{units}", listing.symbol()),
        "status": "active",
        "tradable": true,
        "marginable": false,
        "shortable": false,
        "easy_to_borrow": false,
        "borrow_status": "hard_to_borrow",
        "fractionable": true,
        "maintenance_margin_requirement": 100,
        "margin_requirement_long": "100",
        "margin_requirement_short": "100",
        "attributes": [],
    })
}
