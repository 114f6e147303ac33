//! What every request passes: key check, rate limit, request id, faults.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use atlas_core::Clock;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};

use super::answer::{Failure, not_found};
use super::listener::Line;
use super::{Shared, admin, data, stream, trading};
use crate::core::Refusal;
use crate::core::ids::{self, Kind};
use crate::faults::{Fault, Target};

/// All endpoints, behind everything a request has to pass.
pub(super) fn router(shared: Arc<Shared>) -> Router {
    let guarded = Router::new()
        .merge(trading::router())
        .merge(data::router())
        .fallback(async || not_found("endpoint not found."))
        .method_not_allowed_fallback(async || not_found("endpoint not found."))
        .layer(from_fn_with_state(Arc::clone(&shared), faulty))
        .layer(from_fn_with_state(Arc::clone(&shared), authorized));
    Router::new()
        .merge(admin::router(&shared))
        .merge(stream::router())
        .merge(guarded)
        .layer(from_fn_with_state(Arc::clone(&shared), signed))
        .with_state(shared)
}

/// Refuses a request without the right key pair, and one too many.
async fn authorized(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    if !is_authorized(&shared, request.headers()) {
        return Failure::Unauthorized.into_response();
    }
    if !shared.rate.take() {
        return Failure::Refused(Refusal::RateLimited).into_response();
    }
    next.run(request).await
}

pub(super) fn is_authorized(shared: &Shared, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("APCA-API-KEY-ID"), text("APCA-API-SECRET-KEY")) {
        (Some(key_id), Some(secret)) => shared.credentials.matches(key_id, secret),
        _ => basic(headers).is_some_and(|(key, secret)| shared.credentials.matches(&key, &secret)),
    }
}

/// The pair out of an `Authorization: Basic` header.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let text = String::from_utf8(decode_base64(value.strip_prefix("Basic ")?)?).ok()?;
    let (key, secret) = text.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

/// Decodes standard base64 with padding.
fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for symbol in text.trim().trim_end_matches('=').bytes() {
        let value = match symbol {
            b'A'..=b'Z' => symbol - b'A',
            b'a'..=b'z' => symbol - b'a' + 26,
            b'0'..=b'9' => symbol - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = (bits << 6 | u32::from(value)) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// Commits the fault that is scripted for a request, if there is one.
async fn faulty(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    let target = match (request.method(), request.uri().path()) {
        (&Method::POST, "/v2/orders") => Target::Submit,
        (&Method::DELETE | &Method::PATCH, _) => Target::Change,
        _ => Target::Read,
    };
    let Some(fault) = shared.faults.take(target) else { return next.run(request).await };
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
        Fault::HangBefore => hang(&shared).await,
        Fault::HangAfter => {
            drop(next.run(request).await);
            hang(&shared).await
        }
        Fault::Delay(wait) => {
            tokio::time::sleep(wait).await;
            next.run(request).await
        }
        Fault::Skip | Fault::Repeat => next.run(request).await,
        Fault::PartialFill(share) => {
            shared.venue.limit_next_order(share);
            next.run(request).await
        }
    }
}

/// The page a gateway sends: HTML, whatever the client expects.
fn broken(status: u16) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    (status, Html(format!("<html><body><h1>{status}</h1></body></html>"))).into_response()
}

/// Never answers, until the server stops.
async fn hang(shared: &Shared) -> Response {
    let mut stopping = shared.stopping.clone();
    drop(stopping.wait_for(|stop| *stop).await);
    StatusCode::SERVICE_UNAVAILABLE.into_response()
}

/// What the framework itself refuses, such as a path that is no text, it refuses in plain text:
/// here that gets the form of every other refusal.
fn in_json(answer: Response) -> Response {
    let plain = answer
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.to_str().is_ok_and(|kind| kind.starts_with("text/plain")));
    if !plain || !answer.status().is_client_error() {
        return answer;
    }
    match answer.status() {
        StatusCode::NOT_FOUND => not_found("endpoint not found.").into_response(),
        status => {
            let reason = status.canonical_reason().unwrap_or("request").to_lowercase();
            Failure::BadRequest(format!("the request cannot be read ({reason})")).into_response()
        }
    }
}

/// Signs every answer with a request id and the state of the rate limit.
async fn signed(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let mut answer = in_json(next.run(request).await);
    let headers = answer.headers_mut();
    let id = ids::uuid(0, Kind::Request, shared.rate.count()).simple().to_string();
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert("X-Request-ID", id);
    }
    let (limit, remaining, reset) = shared.rate.standing(&shared);
    headers.insert("X-RateLimit-Limit", HeaderValue::from(limit));
    headers.insert("X-RateLimit-Remaining", HeaderValue::from(remaining));
    headers.insert("X-RateLimit-Reset", HeaderValue::from(reset));
    answer
}

/// Requests of the present minute.
pub(crate) struct RateWindow {
    limit: Option<(u32, Arc<dyn Clock>)>,
    /// The minute, in minutes since the epoch, and its requests.
    window: Mutex<(i64, u32)>,
    count: AtomicU64,
}

impl std::fmt::Debug for RateWindow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let limit = self.limit.as_ref().map(|(limit, _)| limit);
        f.debug_struct("RateWindow").field("limit", &limit).finish_non_exhaustive()
    }
}

impl RateWindow {
    pub(crate) fn new(limit: Option<(u32, Arc<dyn Clock>)>) -> Self {
        Self { limit, window: Mutex::new((0, 0)), count: AtomicU64::new(0) }
    }

    /// Counts a request; false if it is one too many.
    fn take(&self) -> bool {
        let Some((limit, clock)) = &self.limit else { return true };
        let minute = clock.now().timestamp().div_euclid(60);
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        if window.0 != minute {
            *window = (minute, 0);
        }
        let fits = window.1 < *limit;
        if fits {
            window.1 += 1;
        }
        fits
    }

    /// A number for every answer.
    fn count(&self) -> u64 {
        self.count.fetch_add(1, Ordering::Relaxed)
    }

    /// Limit, what is left of it, and when it starts anew in seconds since the epoch.
    fn standing(&self, shared: &Shared) -> (u32, u32, i64) {
        let Some((limit, _)) = &self.limit else {
            let reset = shared.venue.now().timestamp().div_euclid(60) * 60 + 60;
            return (UNLIMITED, UNLIMITED, reset);
        };
        let window = *self.window.lock().unwrap_or_else(PoisonError::into_inner);
        (*limit, limit.saturating_sub(window.1), window.0 * 60 + 60)
    }
}

/// What the headers say where there is no limit.
const UNLIMITED: u32 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_a_key_pair() {
        assert_eq!(decode_base64("a2V5OnNlY3JldA==").unwrap(), b"key:secret");
        assert_eq!(decode_base64("a2V5OnNlY3JldA").unwrap(), b"key:secret");
        assert!(decode_base64("a2V5*").is_none());
    }
}
