//! What companies have done to their shares, as far as it is known.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::Query as Pairs;
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::super::answer::{Answer, Failure};
use super::super::lens::{shown, shown_date};
use super::super::query::Query;
use super::super::{Ctx, wire};
use super::{Params, in_data};
use crate::core::{ActionKind, CorporateAction, Exchange, Listing, date_of, ids};

/// `GET /v1/corporate-actions`: those with a date from `start` to `end`, by type, oldest first, in one
/// page. What lies in the future of the venue is not known.
///
/// A delisting is told only if it leaves holders with nothing: there is no word for the others.
pub(super) async fn corporate_actions(
    Ctx(shared): Ctx,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let (start, end) = (in_data(query.date("start"))?, in_data(query.date("end"))?);
    let limit = in_data(query.number("limit", 100, 1000))?;
    if start.zip(end).is_some_and(|(start, end)| start > end) {
        return Err(Failure::BadData("end should not be before start".to_owned()));
    }
    let (symbols, types, ids) = (query.list("symbols"), query.list("types"), query.list("ids"));
    // Nothing here has a CUSIP that could be asked for.
    let is_nothing = !query.list("cusips").is_empty();
    let newest_first = in_data(query.word("sort", "asc", &["asc", "desc"]))? == "desc";
    let mut found = shared.venue.inspect(|exchange| {
        let today = date_of(shown(exchange.now()));
        let (from, until) = (start.unwrap_or(today), end.unwrap_or(today).min(today));
        let mut found = known(exchange, (from, until));
        found.retain(|(_, kind, symbol, action)| {
            let is_kind = |name: &&str| kind == name || kind.strip_suffix('s') == Some(*name);
            let is_id = |id: &&str| action["id"] == **id;
            !is_nothing
                && (symbols.is_empty() || symbols.iter().any(|name| name == symbol))
                && (types.is_empty() || types.iter().any(is_kind))
                && (ids.is_empty() || ids.iter().any(is_id))
        });
        found
    });
    found.sort_by(|a, b| (a.0, &a.2).cmp(&(b.0, &b.2)));
    if newest_first {
        found.reverse();
    }
    let offset: usize = match query.text("page_token") {
        Some(text) => {
            text.parse().map_err(|_| Failure::BadData("invalid page_token".to_owned()))?
        }
        None => 0,
    };
    let more = found.len() > offset.saturating_add(limit);
    let token = more.then(|| (offset + limit).to_string());
    let mut page: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (_, kind, _, action) in found.into_iter().skip(offset).take(limit) {
        page.entry(kind).or_default().push(action);
    }
    Ok(Json(json!({ "corporate_actions": page, "next_page_token": token })))
}

/// An action with its date, its kind and whose it is.
pub(super) type Told = (NaiveDate, &'static str, String, Value);

/// All actions shown on the dates from one to another, both included.
pub(super) fn known(exchange: &Exchange, (from, until): (NaiveDate, NaiveDate)) -> Vec<Told> {
    let mut found = Vec::new();
    for listing in exchange.listings().values() {
        for (number, action) in listing.actions().iter().enumerate() {
            let date = shown_date(action.date);
            if date < from || date > until {
                continue;
            }
            if let Some((kind, body)) = body(listing, number, action, date) {
                found.push((date, kind, listing.symbol().to_string(), body));
            }
        }
    }
    found
}

/// One action in Alpaca's shape, with the type it is listed under. What nobody here knows is empty:
/// the CUSIP.
fn body(
    listing: &Listing,
    number: usize,
    action: &CorporateAction,
    date: NaiveDate,
) -> Option<(&'static str, Value)> {
    let symbol = listing.symbol();
    let id = ids::uuid(listing.asset_id().as_u64_pair().0, ids::Kind::Activity, number as u64);
    let before = date - TimeDelta::days(1);
    Some(match &action.kind {
        ActionKind::Split { new, old } if new > old => (
            "forward_splits",
            json!({
                "id": id, "symbol": symbol, "cusip": "", "new_rate": new, "old_rate": old,
                "process_date": date, "ex_date": date, "payable_date": before,
            }),
        ),
        ActionKind::Split { new, old } => (
            "reverse_splits",
            json!({
                "id": id, "symbol": symbol, "old_cusip": "", "new_cusip": "", "new_rate": new,
                "old_rate": old, "process_date": date, "ex_date": date,
            }),
        ),
        ActionKind::Dividend { per_share, pay_date } => {
            let paid = pay_date.map_or(date, shown_date);
            (
                "cash_dividends",
                json!({
                    "id": id, "symbol": symbol, "cusip": "", "rate": wire::number(*per_share),
                    "special": false, "foreign": false, "process_date": paid, "ex_date": date,
                    "payable_date": paid,
                }),
            )
        }
        ActionKind::Rename { to } => (
            "name_changes",
            json!({
                "id": id, "old_symbol": symbol, "old_cusip": "", "new_symbol": to, "new_cusip": "",
                "process_date": date,
            }),
        ),
        ActionKind::Delisting { delisting_return } => {
            if *delisting_return > atlas_core::Bps::from_int(-10_000) {
                return None;
            }
            let removed = json!({ "id": id, "symbol": symbol, "cusip": "", "process_date": date });
            ("worthless_removals", removed)
        }
    })
}
