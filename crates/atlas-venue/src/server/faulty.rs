//! Faults of the answers to requests.

use std::sync::Arc;

use atlas_core::time::Timestamp;
use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, SecondsFormat, TimeDelta};
use serde_json::Value;
use uuid::Uuid;

use super::account::{Ctx, Server, Shared};
use super::answer::Failure;
use super::lens::{SIGHT, Sight};
use super::listener::Line;
use super::trading::each_open;
use crate::core::{Class, OrderRecord, Refusal, Replacement};
use crate::faults::{Asked, Fault, Faults, Target};

/// Commits the fault that is scripted for a request, if there is one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest fits, and is carried out in some way")]
pub(super) async fn faulty(
    State(server): State<Arc<Server>>,
    ConnectInfo(line): ConnectInfo<Line>,
    Ctx(account): Ctx,
    request: Request,
    next: Next,
) -> Response {
    let target = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v2/orders") => Target::Submit,
        (&Method::DELETE | &Method::PATCH, path) if changes_orders(path) => Target::Change,
        (_, "/v2/events/trades" | "/v2beta1/events/trades") => Target::Connect,
        _ => Target::Read,
    };
    let cancels = Cancels::by(&request).is_some();
    let replaces = replaces_alone(&request, &account);
    let prices = tells_prices(request.uri().path());
    let fits = |fault: &Fault| match fault {
        Fault::LateCancel(_) => cancels,
        Fault::LateReplace(_) => replaces,
        Fault::Stale(_) => prices,
        fault => !fault.rewrites(),
    };
    let (path, number) = (request.uri().path().to_owned(), account.venue.account_number());
    let asked = Asked { path: &path, account: &number };
    let Some(fault) = server.faults.take_for(target, asked, fits) else {
        let answer = next.run(request).await;
        if server.faults.rewrites(target, asked) {
            return rewritten(answer, &server.faults, target, asked).await;
        }
        return answer;
    };
    tracing::debug!(?fault, "committing a scripted fault");
    match fault {
        Fault::DropBefore => {
            line.cut();
            StatusCode::NO_CONTENT.into_response()
        }
        Fault::DropAfter => {
            let answer = next.run(request).await;
            line.cut();
            answer
        }
        Fault::FailBefore(status) => broken(status),
        Fault::FailAfter(status) => {
            drop(next.run(request).await);
            broken(status)
        }
        Fault::Reject { status, code, message } => {
            let body = axum::Json(serde_json::json!({ "code": code, "message": message }));
            (StatusCode::from_u16(status).unwrap_or(StatusCode::FORBIDDEN), body).into_response()
        }
        Fault::HangBefore => hang(&server).await,
        Fault::HangAfter => {
            drop(next.run(request).await);
            hang(&server).await
        }
        fault => carried_out(server, account, fault, request, next).await,
    }
}

/// Whether orders are what a request below this path changes: closing positions sends some.
fn changes_orders(path: &str) -> bool {
    ["/v2/orders", "/v2/positions"].iter().any(|prefix| path.starts_with(prefix))
}

/// Whether prices of the market are asked for.
fn tells_prices(path: &str) -> bool {
    let is_market = path.starts_with("/v2/stocks/") || path.starts_with("/v1beta3/crypto/");
    is_market && !path.starts_with("/v2/stocks/meta/")
}

/// Carries out a request, though not as it was meant.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest is for streams, or done before")]
async fn carried_out(
    server: Arc<Server>,
    account: Arc<Shared>,
    fault: Fault,
    request: Request,
    next: Next,
) -> Response {
    match fault {
        Fault::Delay(wait) => {
            tokio::time::sleep(wait).await;
            next.run(request).await
        }
        Fault::DelayAfter(wait) => {
            let answer = next.run(request).await;
            tokio::time::sleep(wait).await;
            answer
        }
        Fault::PartialFill(share) => {
            account.venue.limit_next_order(share);
            next.run(request).await
        }
        Fault::Skew(millis) => {
            let skew = TimeDelta::try_milliseconds(millis).unwrap_or_default();
            seen(|sight| sight.skew = skew, request, next).await
        }
        Fault::Stale(millis) => {
            let staleness = TimeDelta::milliseconds(millis.into());
            seen(|sight| sight.staleness = staleness, request, next).await
        }
        Fault::LateCancel(millis) => canceled_late(server, account, millis, request, next).await,
        Fault::LateReplace(millis) => {
            let mut request = request;
            request.extensions_mut().insert(Late { server, millis });
            next.run(request).await
        }
        _ => next.run(request).await,
    }
}

/// Carries out a request that cancels, but for the cancellations, which come later.
async fn canceled_late(
    server: Arc<Server>,
    account: Arc<Shared>,
    millis: u32,
    mut request: Request,
    next: Next,
) -> Response {
    let Some(cancels) = Cancels::by(&request) else { return next.run(request).await };
    let answer = late_cancel(&server, &account, cancels, millis);
    if let Err(error) = account.venue.settled().await {
        return Failure::from(error).into_response();
    }
    if !matches!(cancels, Cancels::Before) {
        return answer;
    }
    // The positions are closed all the same, as far as the orders leave them.
    *request.uri_mut() = axum::http::Uri::from_static("/v2/positions");
    next.run(request).await
}

/// Whether a request replaces an order that is in no group.
fn replaces_alone(request: &Request, account: &Shared) -> bool {
    if request.method() != Method::PATCH {
        return false;
    }
    let id = request.uri().path().strip_prefix("/v2/orders/");
    let Some(id) = id.and_then(|id| Uuid::parse_str(id).ok()) else { return false };
    let alone = |order: &OrderRecord| order.class == Class::Simple;
    account.venue.inspect(|exchange| exchange.order_by_id(id).is_some_and(alone))
}

/// Goes with a request that replaces an order: the replacement is accepted, and carried out later.
#[derive(Clone)]
pub(super) struct Late {
    server: Arc<Server>,
    millis: u32,
}

impl Late {
    /// Accepts a replacement, and has it carried out when the clock has moved so far.
    pub(super) fn replace(
        self,
        account: &Arc<Shared>,
        id: Uuid,
        wish: &Replacement,
    ) -> Result<OrderRecord, Refusal> {
        let due = self.server.driver.now() + TimeDelta::milliseconds(self.millis.into());
        let successor = account.venue.begin_replace(id, wish)?;
        let (account, name) = (Arc::clone(account), successor.id);
        tokio::spawn(async move {
            if comes(&self.server, due).await
                && let Err(refusal) = account.venue.end_replace(name)
            {
                tracing::debug!(?refusal, "a late replacement could not be carried out");
            }
        });
        Ok(successor)
    }
}

/// What a request cancels.
#[derive(Clone, Copy)]
enum Cancels {
    One(Uuid),
    All,
    /// Everything, before all positions are closed.
    Before,
}

impl Cancels {
    /// What it cancels, if that is what it does.
    fn by(request: &Request) -> Option<Self> {
        if request.method() != Method::DELETE {
            return None;
        }
        match request.uri().path() {
            "/v2/orders" => Some(Self::All),
            "/v2/positions" => {
                let query = request.uri().query().unwrap_or_default().to_ascii_lowercase();
                query.split('&').any(|pair| pair == "cancel_orders=true").then_some(Self::Before)
            }
            path => Uuid::parse_str(path.strip_prefix("/v2/orders/")?).ok().map(Self::One),
        }
    }
}

/// Accepts a cancellation, and has it carried out when the clock has moved so far.
fn late_cancel(
    server: &Arc<Server>,
    account: &Arc<Shared>,
    cancels: Cancels,
    millis: u32,
) -> Response {
    let due = server.driver.now() + TimeDelta::milliseconds(millis.into());
    let later = |id| {
        account.venue.begin_cancel(id)?;
        tokio::spawn(cancel_later(Arc::clone(server), Arc::clone(account), id, due));
        Ok(())
    };
    match cancels {
        Cancels::One(id) => match later(id) {
            Ok(()) => StatusCode::NO_CONTENT.into_response(),
            Err(refusal) => Failure::Refused(refusal).into_response(),
        },
        Cancels::All | Cancels::Before => {
            (StatusCode::MULTI_STATUS, axum::Json(each_open(&account.venue, later))).into_response()
        }
    }
}

/// Cancels an order when the clock has come to a moment, unless it was filled before.
async fn cancel_later(server: Arc<Server>, account: Arc<Shared>, id: Uuid, due: Timestamp) {
    if comes(&server, due).await
        && let Err(refusal) = account.venue.cancel(id)
    {
        tracing::debug!(?refusal, "a late cancellation came too late");
    }
}

/// Waits until the clock has come to a moment; false if the server stops before: whoever starts
/// again finds the order as it was.
async fn comes(server: &Server, due: Timestamp) -> bool {
    let (mut moves, mut stopping) = (server.driver.moves(), server.stopping.clone());
    tokio::select! {
        _ = moves.wait_for(|now| *now >= due) => true,
        _ = stopping.wait_for(|stop| *stop) => false,
    }
}

/// Carries out a request that sees something else than there is.
async fn seen(change: impl FnOnce(&mut Sight), request: Request, next: Next) -> Response {
    let mut sight = SIGHT.try_with(Sight::clone).unwrap_or_default();
    change(&mut sight);
    SIGHT.scope(sight, next.run(request)).await
}

/// Changes the fields of an answer, if a fault is scripted for it and changes anything of it.
async fn rewritten(
    answer: Response,
    faults: &Faults,
    target: Target,
    asked: Asked<'_>,
) -> Response {
    let (mut head, body) = answer.into_parts();
    let Ok(bytes) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let Ok(mut body) = serde_json::from_slice::<Value>(&bytes) else {
        return Response::from_parts(head, Body::from(bytes));
    };
    let changed = |fault: &Fault| {
        let mut other = body.clone();
        distort(&mut other, fault);
        (other != body).then_some(other)
    };
    let fits = |fault: &Fault| fault.rewrites() && changed(fault).is_some();
    if let Some(other) = faults.take_for(target, asked, fits).and_then(|fault| changed(&fault)) {
        tracing::debug!("committing a scripted fault: fields of an answer were changed");
        body = other;
    }
    head.headers.remove(CONTENT_LENGTH);
    Response::from_parts(head, Body::from(body.to_string()))
}

/// Changes the fields a fault names, at any depth.
pub(super) fn distort(body: &mut Value, fault: &Fault) {
    match body {
        Value::Object(fields) => {
            if let Fault::Without(name) = fault {
                drop(fields.remove(name));
            }
            if let Fault::Instead { field, value } = fault
                && let Some(present) = fields.get_mut(field)
            {
                *present = value.clone();
                return fields.values_mut().filter(|v| *v != value).for_each(|v| distort(v, fault));
            }
            fields.values_mut().for_each(|value| distort(value, fault));
            if let Fault::With { field, value } = fault {
                fields.entry(field.clone()).or_insert_with(|| value.clone());
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| distort(item, fault)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Moves every moment of a message, at any depth.
pub(super) fn skew(body: &mut Value, by: TimeDelta) {
    match body {
        Value::Object(fields) => fields.values_mut().for_each(|value| skew(value, by)),
        Value::Array(items) => items.iter_mut().for_each(|item| skew(item, by)),
        Value::String(text) => {
            let moment = DateTime::parse_from_rfc3339(text).ok();
            if let Some(moment) = moment.and_then(|moment| moment.checked_add_signed(by)) {
                *text = moment.to_rfc3339_opts(SecondsFormat::AutoSi, text.ends_with('Z'));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The page a gateway sends: HTML, whatever the client expects.
fn broken(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, Html(format!("<html><body><h1>{status}</h1></body></html>"))).into_response()
}

/// Never answers, until the server stops.
async fn hang(server: &Server) -> Response {
    let mut stopping = server.stopping.clone();
    drop(stopping.wait_for(|stop| *stop).await);
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_go_missing_or_change_at_any_depth() {
        let body = json!({ "a": 1, "in": [{ "a": 2, "b": 3 }] });
        let mut without = body.clone();
        distort(&mut without, &Fault::Without("a".to_owned()));
        assert_eq!(without, json!({ "in": [{ "b": 3 }] }));
        let mut with = body.clone();
        distort(&mut with, &Fault::With { field: "b".to_owned(), value: json!(7) });
        assert_eq!(with, json!({ "a": 1, "b": 7, "in": [{ "a": 2, "b": 3 }] }));
        let mut instead = body;
        distort(&mut instead, &Fault::Instead { field: "a".to_owned(), value: Value::Null });
        assert_eq!(instead, json!({ "a": null, "in": [{ "a": null, "b": 3 }] }));
    }
}
