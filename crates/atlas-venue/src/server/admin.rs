//! Atlas's own endpoints, behind a token of their own: the clock and the faults.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, Failure};
use super::{Ctx, Shared};
use crate::faults::{Fault, Target};

pub(super) fn router(shared: &Arc<Shared>) -> Router<Arc<Shared>> {
    Router::new()
        .route("/atlas/v1/clock", get(clock).post(advance))
        .route("/atlas/v1/faults", get(faults).post(script).delete(clear))
        .layer(from_fn_with_state(Arc::clone(shared), admitted))
}

async fn admitted(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let token = request.headers().get("Atlas-Admin-Token").and_then(|value| value.to_str().ok());
    if token.is_some_and(|token| shared.admin_token.matches(token)) {
        next.run(request).await
    } else {
        Failure::Unauthorized.into_response()
    }
}

async fn clock(State(shared): Ctx) -> Json<Value> {
    Json(json!({ "now": shared.venue.now() }))
}

/// Where the clock is to go.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_to: atlas_core::time::Timestamp,
}

async fn advance(State(shared): Ctx, body: String) -> Answer<Json<Value>> {
    let wish: Advance = read(&body)?;
    let moved = shared.venue.advance_to(wish.advance_to);
    if let Err(error @ crate::Error::ClockBackwards { .. }) = moved {
        return Err(Failure::BadRequest(error.to_string()));
    }
    moved?;
    Ok(Json(json!({ "now": shared.venue.now() })))
}

/// A fault for a coming request.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    target: Target,
    fault: Fault,
}

async fn faults(State(shared): Ctx) -> Json<Value> {
    Json(json!({ "pending": shared.faults.pending() }))
}

async fn script(State(shared): Ctx, body: String) -> Answer<Json<Value>> {
    let script: Script = read(&body)?;
    shared.faults.script(script.target, script.fault);
    Ok(Json(json!({ "pending": shared.faults.pending() })))
}

async fn clear(State(shared): Ctx) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Answer<T> {
    serde_json::from_str(body).map_err(|error| Failure::BadRequest(error.to_string()))
}
