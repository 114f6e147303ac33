//! Named lists of symbols, by id or by name.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::Ctx;
use super::super::Shared;
use super::super::answer::{Answer, not_found};
use super::super::query::{self, Query};
use super::super::wire::{moment, object};
use super::assets;
use crate::core::{Refusal, Watchlist, WatchlistChange};

type Params = Pairs<Vec<(String, String)>>;

/// What a request says about a list.
#[derive(Deserialize)]
struct Wish {
    name: Option<String>,
    symbols: Option<Vec<String>>,
    symbol: Option<String>,
}

impl Wish {
    fn read(body: &str) -> Answer<Self> {
        object(body)
    }

    fn symbols(&self, shared: &Shared) -> Answer<Option<Vec<atlas_core::Symbol>>> {
        let read = |names: &Vec<String>| names.iter().map(|name| symbol(shared, name)).collect();
        self.symbols.as_ref().map(read).transpose()
    }

    fn set(&self, shared: &Shared) -> Answer<WatchlistChange> {
        Ok(WatchlistChange::Set { name: self.name.clone(), symbols: self.symbols(shared)? })
    }

    fn add(&self, shared: &Shared) -> Answer<WatchlistChange> {
        let needed = || Refusal::Malformed("symbol is required".to_owned());
        Ok(WatchlistChange::Add(symbol(shared, self.symbol.as_deref().ok_or_else(needed)?)?))
    }
}

pub(super) async fn all(Ctx(shared): Ctx) -> Json<Vec<Value>> {
    // The list of lists leaves their contents out.
    let body = |list: &Watchlist| head(&shared, list);
    Json(shared.venue.inspect(|exchange| exchange.watchlists().iter().map(body).collect()))
}

pub(super) async fn create(Ctx(shared): Ctx, body: String) -> Answer<Json<Value>> {
    let wish = Wish::read(&body)?;
    let symbols = wish.symbols(&shared)?.unwrap_or_default();
    let name = wish.name.unwrap_or_default();
    let made = shared.venue.watch_list(|exchange| exchange.add_watchlist(name, symbols))?;
    Ok(Json(full(&shared, &made)))
}

pub(super) async fn one(Ctx(shared): Ctx, Path(id): Path<String>) -> Answer<Json<Value>> {
    show(&shared, by_id(&id)?)
}

pub(super) async fn update(
    Ctx(shared): Ctx,
    Path(id): Path<String>,
    body: String,
) -> Answer<Json<Value>> {
    change(&shared, by_id(&id)?, Wish::read(&body)?.set(&shared)?)
}

pub(super) async fn add(
    Ctx(shared): Ctx,
    Path(id): Path<String>,
    body: String,
) -> Answer<Json<Value>> {
    change(&shared, by_id(&id)?, Wish::read(&body)?.add(&shared)?)
}

pub(super) async fn remove(
    Ctx(shared): Ctx,
    Path((id, name)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    change(&shared, by_id(&id)?, WatchlistChange::Remove(symbol(&shared, &name)?))
}

pub(super) async fn remove_named(
    Ctx(shared): Ctx,
    Path(name): Path<String>,
    Pairs(pairs): Params,
) -> Answer<Json<Value>> {
    let change = WatchlistChange::Remove(symbol(&shared, &name)?);
    self::change(&shared, by_name(&shared, pairs)?, change)
}

pub(super) async fn delete(Ctx(shared): Ctx, Path(id): Path<String>) -> Answer<StatusCode> {
    let gone = change(&shared, by_id(&id)?, WatchlistChange::Delete);
    gone.map(|_| StatusCode::NO_CONTENT)
}

pub(super) async fn named(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<Json<Value>> {
    show(&shared, by_name(&shared, pairs)?)
}

pub(super) async fn update_named(
    Ctx(shared): Ctx,
    Pairs(pairs): Params,
    body: String,
) -> Answer<Json<Value>> {
    change(&shared, by_name(&shared, pairs)?, Wish::read(&body)?.set(&shared)?)
}

pub(super) async fn add_named(
    Ctx(shared): Ctx,
    Pairs(pairs): Params,
    body: String,
) -> Answer<Json<Value>> {
    change(&shared, by_name(&shared, pairs)?, Wish::read(&body)?.add(&shared)?)
}

pub(super) async fn delete_named(Ctx(shared): Ctx, Pairs(pairs): Params) -> Answer<StatusCode> {
    let gone = change(&shared, by_name(&shared, pairs)?, WatchlistChange::Delete);
    gone.map(|_| StatusCode::NO_CONTENT)
}

fn show(shared: &Shared, id: Uuid) -> Answer<Json<Value>> {
    let list = shared
        .venue
        .inspect(|exchange| exchange.watchlists().iter().find(|list| list.id == id).cloned());
    let list = list.ok_or_else(|| not_found(format!("watchlist not found for {id}")))?;
    Ok(Json(full(shared, &list)))
}

fn change(shared: &Shared, id: Uuid, change: WatchlistChange) -> Answer<Json<Value>> {
    let list = shared.venue.watch_list(|exchange| exchange.change_watchlist(id, change))?;
    Ok(Json(full(shared, &list)))
}

fn by_id(text: &str) -> Answer<Uuid> {
    Uuid::parse_str(text).map_err(|_| not_found(format!("watchlist not found for {text}")))
}

fn by_name(shared: &Shared, pairs: Vec<(String, String)>) -> Answer<Uuid> {
    let query = Query::new(pairs);
    let name = query.text("name").unwrap_or_default();
    let found = shared.venue.inspect(|exchange| {
        exchange.watchlists().iter().find(|list| list.name == name).map(|list| list.id)
    });
    found.ok_or_else(|| not_found(format!("watchlist not found for {name}")))
}

/// A symbol by its name, or by its asset's id.
fn symbol(shared: &Shared, name: &str) -> Answer<atlas_core::Symbol> {
    let unknown = || Refusal::Rule(format!("asset \"{name}\" not found"));
    let listed = shared.venue.inspect(|exchange| assets::find(exchange.listings(), name));
    Ok(listed.or_else(|| query::symbol(name)).ok_or_else(unknown)?)
}

fn head(shared: &Shared, list: &Watchlist) -> Value {
    json!({
        "id": list.id,
        "account_id": shared.venue.account_id(),
        "name": list.name,
        "created_at": moment(list.created),
        "updated_at": moment(list.updated),
    })
}

fn full(shared: &Shared, list: &Watchlist) -> Value {
    let mut body = head(shared, list);
    body["assets"] = shared.venue.inspect(|exchange| {
        let listed = list.symbols.iter().filter_map(|symbol| exchange.listings().get(symbol));
        listed.map(|listing| assets::body(exchange, listing)).collect()
    });
    body
}
