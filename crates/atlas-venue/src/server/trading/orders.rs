//! Orders: sending, reading, canceling.

use std::collections::BTreeSet;

use axum::extract::{Path, Query as Pairs};
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Ctx;
use super::super::answer::{Answer, Failure, not_found};
use super::super::faulty::Late;
use super::super::query::Query;
use super::super::wire::{OrderBody, OrderWish, ReplaceWish, object};
use super::assets;
use crate::Venue;
use crate::core::{Exchange, OrderRecord, Refusal};

pub(super) async fn submit(Ctx(shared): Ctx, body: String) -> Answer<Json<OrderBody>> {
    let wish: OrderWish = object(&body)?;
    // An asset may be named by its id, a pair without its slash.
    let listed = wish
        .name()
        .and_then(|name| shared.venue.inspect(|exchange| assets::find(exchange.listings(), name)));
    let wish = match &listed {
        Some(symbol) => wish.of(symbol),
        None => wish,
    };
    let meant = wish.intent()?;
    let taken = shared.venue.submit_meant(wish.into_order()?, meant)?;
    Ok(Json(OrderBody::taken(&taken)))
}

pub(super) async fn replace(
    Ctx(shared): Ctx,
    Path(id): Path<String>,
    late: Option<Extension<Late>>,
    body: String,
) -> Answer<Json<OrderBody>> {
    let id = read_id(&id)?;
    let wish = object::<ReplaceWish>(&body)?.into_replacement()?;
    let successor = match late {
        Some(Extension(late)) => late.replace(&shared, id, &wish)?,
        None => shared.venue.replace(id, &wish)?,
    };
    Ok(Json(OrderBody::new(&successor)))
}

pub(super) async fn one(
    Ctx(shared): Ctx,
    Path(id): Path<String>,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<OrderBody>> {
    let nested = Query::new(pairs).flag("nested")?;
    shared.venue.inspect(|exchange| {
        let order = exchange.order_by_id(read_id(&id)?);
        let order = order.ok_or_else(|| not_found(format!("order not found for {id}")))?;
        Ok(Json(body(exchange, order, nested)))
    })
}

pub(super) async fn by_client_id(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<OrderBody>> {
    let query = Query::new(pairs);
    let Some(id) = query.text("client_order_id") else {
        return Err(Failure::BadRequest("client_order_id is required".to_owned()));
    };
    let nested = query.flag("nested")?;
    shared.venue.inspect(|exchange| {
        let order = exchange.order_by_client_id(id);
        let order = order.ok_or_else(|| not_found(format!("order not found for {id}")))?;
        Ok(Json(body(exchange, order, nested)))
    })
}

/// Which orders a list is of.
#[derive(Default)]
struct Filter {
    open: Option<bool>,
    symbols: BTreeSet<String>,
    side: &'static str,
    /// Whether crypto is meant; both if nothing is said.
    crypto: Option<bool>,
    after: Option<atlas_core::time::Timestamp>,
    until: Option<atlas_core::time::Timestamp>,
    /// Numbers between which the orders lie, both exclusive.
    between: (u64, u64),
    nested: bool,
}

impl Filter {
    /// Orders the venue cannot have.
    fn nothing() -> Self {
        Self { between: (u64::MAX, 0), ..Self::default() }
    }

    /// The orders the list can be of, oldest first: those that are open, or those between the
    /// numbers.
    fn candidates<'e>(
        &self,
        exchange: &'e Exchange,
    ) -> Box<dyn DoubleEndedIterator<Item = &'e OrderRecord> + 'e> {
        if self.open == Some(true) {
            let mut open: Vec<&OrderRecord> = exchange.open_orders().collect();
            open.sort_unstable_by_key(|order| order.seq);
            return Box::new(open.into_iter());
        }
        let all = exchange.orders();
        // Number n stands at n - 1.
        let at = |seq: u64| usize::try_from(seq).unwrap_or(usize::MAX).min(all.len());
        let (from, to) = (at(self.between.0), at(self.between.1.saturating_sub(1)));
        Box::new(all.get(from..to).unwrap_or_default().iter())
    }

    fn fits(&self, order: &OrderRecord) -> bool {
        self.open.is_none_or(|open| open != order.status.is_final())
            && (self.symbols.is_empty() || self.symbols.contains(order.symbol.as_str()))
            && self.crypto.is_none_or(|crypto| crypto == order.symbol.is_crypto())
            && (self.side.is_empty() || self.side == order.side.as_str())
            && self.after.is_none_or(|after| order.times.submitted > after)
            && self.until.is_none_or(|until| order.times.submitted < until)
            && order.seq > self.between.0
            && order.seq < self.between.1
            && !(self.nested && order.is_leg())
    }
}

pub(super) async fn list(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<OrderBody>>> {
    let query = Query::new(pairs);
    let limit = query.number("limit", 50, 500)?;
    let newest_first = query.word("direction", "desc", &["asc", "desc"])? == "desc";
    shared.venue.inspect(|exchange| {
        let filter = filter(exchange, &query)?;
        let fits = |order: &&OrderRecord| filter.fits(order);
        let all = filter.candidates(exchange);
        let page: Vec<&OrderRecord> = if newest_first {
            all.rev().filter(fits).take(limit).collect()
        } else {
            all.filter(fits).take(limit).collect()
        };
        Ok(Json(page.into_iter().map(|order| body(exchange, order, filter.nested)).collect()))
    })
}

fn filter(exchange: &Exchange, query: &Query) -> Answer<Filter> {
    let cursor = |name: &str| -> Answer<Option<u64>> {
        let Some(id) = query.id(name)? else { return Ok(None) };
        let order = exchange.order_by_id(id);
        order
            .map(|order| Some(order.seq))
            .ok_or_else(|| not_found(format!("order not found for {id}")))
    };
    let symbol = |name: &str| {
        assets::find(exchange.listings(), name)
            .map_or_else(|| name.to_owned(), |symbol| symbol.to_string())
    };
    let between = (cursor("after_order_id")?, cursor("before_order_id")?);
    let (after, until) = (query.moment("after")?, query.moment("until")?);
    if between != (None, None) && (after.is_some() || until.is_some()) {
        let text = "before_order_id and after_order_id cannot be used with after or until";
        return Err(Failure::BadRequest(text.to_owned()));
    }
    Ok(Filter {
        open: match query.word("status", "open", &["open", "closed", "all"])? {
            "open" => Some(true),
            "closed" => Some(false),
            _ => None,
        },
        symbols: query.list("symbols").into_iter().map(symbol).collect(),
        side: query.word("side", "", &["buy", "sell"])?,
        crypto: match query.word("asset_class", "all", &ASSET_CLASSES)? {
            "crypto" => Some(true),
            "us_equity" => Some(false),
            "us_option" | "crypto_perp" => return Ok(Filter::nothing()),
            _ => None,
        },
        after,
        until,
        between: (between.0.unwrap_or(0), between.1.unwrap_or(u64::MAX)),
        nested: query.flag("nested")?,
    })
}

pub(super) async fn cancel(Ctx(shared): Ctx, Path(id): Path<String>) -> Answer<StatusCode> {
    shared.venue.cancel(read_id(&id)?)?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn cancel_all(Ctx(shared): Ctx) -> Answer<(StatusCode, Json<Vec<Value>>)> {
    Ok((StatusCode::MULTI_STATUS, Json(cancel_every(&shared.venue))))
}

/// Cancels every open order, oldest first, and says how each went.
pub(super) fn cancel_every(venue: &Venue) -> Vec<Value> {
    each_open(venue, |id| venue.cancel(id))
}

/// Does something with every open order, oldest first, and says how each went.
pub(crate) fn each_open(venue: &Venue, act: impl Fn(Uuid) -> Result<(), Refusal>) -> Vec<Value> {
    let mut open: Vec<(u64, Uuid)> = venue
        .inspect(|exchange| exchange.open_orders().map(|order| (order.seq, order.id)).collect());
    open.sort_unstable();
    let mut results = Vec::with_capacity(open.len());
    for (_, id) in open {
        let status = act(id).map_or_else(|refusal| refusal.status(), |()| 200);
        results.push(json!({ "id": id, "status": status }));
    }
    results
}

fn body(exchange: &Exchange, order: &OrderRecord, nested: bool) -> OrderBody {
    if nested { OrderBody::nested(exchange, order) } else { OrderBody::new(order) }
}

/// An order id in a path; what is none cannot be found.
fn read_id(text: &str) -> Answer<Uuid> {
    Uuid::parse_str(text).map_err(|_| not_found(format!("order not found for {text}")))
}

/// The classes Alpaca knows.
const ASSET_CLASSES: [&str; 5] = ["all", "us_equity", "crypto", "us_option", "crypto_perp"];
