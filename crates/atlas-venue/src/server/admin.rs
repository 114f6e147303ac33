//! Atlas's own endpoints, behind a token of their own: the clock, the faults, halts.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use chrono::TimeDelta;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::account::Server;
use super::answer::{Answer, Failure, not_found};
use crate::Error;
use crate::faults::Rule;

pub(super) fn router(server: &Arc<Server>) -> Router<Arc<Server>> {
    Router::new()
        .route("/atlas/v1/clock", get(clock).post(set_clock))
        .route("/atlas/v1/faults", get(faults).post(script).delete(clear))
        .route("/atlas/v1/halts", get(halts).post(halt))
        .route("/atlas/v1/{*rest}", get(unknown).post(unknown).delete(unknown))
        .layer(from_fn_with_state(Arc::clone(server), admitted))
}

async fn admitted(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let token = request.headers().get("Atlas-Admin-Token").and_then(|value| value.to_str().ok());
    if !token.is_some_and(|token| server.admin_token.matches(token)) {
        return Failure::Unauthorized.into_response();
    }
    match server.driver.catch_up() {
        Ok(()) => next.run(request).await,
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn unknown() -> Failure {
    not_found("endpoint not found.")
}

/// The venue's own time, and what clients are shown for it.
fn told(server: &Server) -> Json<Value> {
    let now = server.driver.now();
    Json(json!({
        "now": now,
        "shown": server.driver.lens().show(now),
        "speed": server.driver.speed(),
    }))
}

async fn clock(State(server): State<Arc<Server>>) -> Json<Value> {
    told(&server)
}

/// What is to become of the clock.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClockWish {
    /// Where it is to go, in shown time.
    advance_to: Option<atlas_core::time::Timestamp>,
    /// How far it is to go.
    advance_by_ms: Option<u32>,
    /// How fast it is to run from then on; zero stops it.
    speed: Option<Decimal>,
}

async fn set_clock(State(server): State<Arc<Server>>, body: String) -> Answer<Json<Value>> {
    let wish: ClockWish = read(&body)?;
    let by = wish.advance_by_ms.map(|millis| TimeDelta::milliseconds(millis.into()));
    let to = match (wish.advance_to, by) {
        (Some(_), Some(_)) => {
            return Err(Failure::BadRequest("give advance_to or advance_by_ms".to_owned()));
        }
        (to, by) => to.or_else(|| by.map(|by| server.driver.lens().show(server.driver.now()) + by)),
    };
    if to.is_none() && wish.speed.is_none() {
        return Err(Failure::BadRequest("give advance_to, advance_by_ms or speed".to_owned()));
    }
    if let Some(to) = to {
        match server.driver.advance_to(to) {
            Err(error @ (Error::ClockBackwards { .. } | Error::Core(_))) => {
                return Err(Failure::BadRequest(error.to_string()));
            }
            moved => moved?,
        }
    }
    if let Some(speed) = wish.speed
        && (speed.is_sign_negative() || !server.driver.set_speed(speed))
    {
        let text = "the speed must be zero or more, of a server that follows a clock";
        return Err(Failure::BadRequest(text.to_owned()));
    }
    Ok(told(&server))
}

fn standing(server: &Server) -> Json<Value> {
    Json(json!({ "pending": server.faults.pending(), "rules": server.faults.rules() }))
}

async fn faults(State(server): State<Arc<Server>>) -> Json<Value> {
    standing(&server)
}

/// One fault, several, or the seed of those with a chance.
enum Script {
    Seed(Seed),
    One(Rule),
    Many(Vec<Rule>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seed {
    seed: u64,
}

async fn script(State(server): State<Arc<Server>>, body: String) -> Answer<Json<Value>> {
    let rules = match read_script(&body)? {
        Script::Seed(Seed { seed }) => {
            server.faults.seed(seed);
            Vec::new()
        }
        Script::One(rule) => vec![rule],
        Script::Many(rules) => rules,
    };
    if rules.iter().any(|rule| !(0.0..=1.0).contains(&rule.chance)) {
        return Err(Failure::BadRequest("chance must be from 0 to 1".to_owned()));
    }
    if let Some(rule) = rules.iter().find(|rule| rule.fault.suits(rule.target) != rule.can_happen())
    {
        let target = serde_json::to_string(&json!(rule.target)).unwrap_or_default();
        let text = format!("path and account are for requests, not for the target {target}");
        return Err(Failure::BadRequest(text));
    }
    if let Some(rule) = rules.iter().find(|rule| !rule.fault.suits(rule.target)) {
        let words = |value| serde_json::to_string(&value).unwrap_or_default();
        let (fault, target) = (words(json!(rule.fault)), words(json!(rule.target)));
        let text = format!("the fault {fault} cannot happen to the target {target}");
        return Err(Failure::BadRequest(text));
    }
    for mut rule in rules {
        // A fault that is certain comes once unless it is said how often.
        if rule.times.is_none() && rule.chance >= 1.0 {
            rule.times = Some(1);
        }
        server.faults.add(rule);
    }
    Ok(standing(&server))
}

/// Reads a script; what is wrong with one that is none is said of the form it seems to have.
fn read_script(body: &str) -> Answer<Script> {
    let value: Value = read(body)?;
    let wrong = |error: serde_json::Error| Failure::BadRequest(error.to_string());
    if value.is_array() {
        return serde_json::from_value(value).map(Script::Many).map_err(wrong);
    }
    if value.get("seed").is_some() {
        return serde_json::from_value(value).map(Script::Seed).map_err(wrong);
    }
    serde_json::from_value(value).map(Script::One).map_err(wrong)
}

async fn clear(State(server): State<Arc<Server>>) -> StatusCode {
    server.faults.clear();
    StatusCode::NO_CONTENT
}

/// A symbol whose trading is to stop, or to go on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Halt {
    symbol: String,
    halted: bool,
}

/// What is halted, in any account.
async fn halts(State(server): State<Arc<Server>>) -> Json<Value> {
    let halted = |account: &Arc<super::Shared>| {
        account.venue.inspect(|exchange| exchange.state().halted.clone())
    };
    let all: std::collections::BTreeSet<_> = server.accounts.iter().flat_map(halted).collect();
    Json(json!({ "halted": all }))
}

async fn halt(State(server): State<Arc<Server>>, body: String) -> Answer<Json<Value>> {
    let wish: Halt = read(&body)?;
    let symbol = super::query::symbol(&wish.symbol)
        .ok_or_else(|| Failure::BadRequest(format!("invalid symbol: {}", wish.symbol)))?;
    for account in &server.accounts {
        account.venue.halt(&symbol, wish.halted)?;
    }
    // Nobody listening is no failure.
    drop(server.halts.send((symbol, wish.halted)));
    Ok(halts(State(server)).await)
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Answer<T> {
    serde_json::from_str(body).map_err(|error| Failure::BadRequest(error.to_string()))
}
