//! What every request passes: key check, rate limit, clock, request id, faults.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HeaderValue, UPGRADE};
use axum::http::uri::PathAndQuery;
use axum::http::{StatusCode, Uri};
use axum::middleware::{Next, from_fn, from_fn_with_state, map_request};
use axum::response::{IntoResponse, Response};

use super::account::{Ctx, Server};
use super::answer::{Failure, not_found};
use super::lens::{SIGHT, Sight};
use super::rate::RateWindow;
use super::{admin, data, faulty, stream, trading};
use crate::core::Refusal;
use crate::core::ids::{self, Kind};

/// All endpoints, behind everything a request has to pass.
pub(super) fn router(server: Arc<Server>) -> Router {
    let guarded = Router::new()
        .merge(trading::router())
        .merge(data::router())
        .merge(stream::guarded_router())
        .fallback(async || not_found("endpoint not found."))
        .method_not_allowed_fallback(async || not_found("endpoint not found."))
        .layer(from_fn(settled))
        .layer(from_fn_with_state(Arc::clone(&server), faulty::faulty))
        .layer(from_fn_with_state(Arc::clone(&server), authorized));
    let all = Router::new()
        .merge(admin::router(&server))
        .merge(stream::router())
        .merge(guarded)
        .layer(from_fn_with_state(Arc::clone(&server), signed))
        .with_state(server);
    // What changes a path has to stand before the router.
    Router::new().fallback_service(all).layer(map_request(straight))
}

/// A path is the same with a slash at its end; older clients open `/stream/`.
async fn straight(mut request: Request) -> Request {
    let uri = request.uri();
    let Some(path) = uri.path().strip_suffix('/').filter(|path| !path.is_empty()) else {
        return request;
    };
    let whole = uri.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(whole).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// Lets an answer wait until what it tells is on disk; those that wait together are written
/// together.
async fn settled(Ctx(account): Ctx, request: Request, next: Next) -> Response {
    let answer = next.run(request).await;
    match account.venue.settled().await {
        Ok(()) => answer,
        Err(error) => Failure::from(error).into_response(),
    }
}

/// Refuses a request without the right key pair, and one too many; shows it the venue's present.
async fn authorized(
    State(server): State<Arc<Server>>,
    mut request: Request,
    next: Next,
) -> Response {
    let upgrade = request.headers().get(UPGRADE);
    // There are clients that ask for another HTTP by it with every request.
    if upgrade.is_some_and(|to| to.as_bytes().eq_ignore_ascii_case(b"websocket")) {
        // No stream is behind this door; its keys would come in the first message.
        return not_found("endpoint not found.").into_response();
    }
    let path = request.uri().path();
    let account = match server.account_in(request.headers()) {
        Some(account) => Arc::clone(account),
        // Crypto data are for everybody, at Alpaca too.
        None if is_open_data(path) => match server.accounts.first() {
            Some(account) => Arc::clone(account),
            None => return Failure::Unauthorized.into_response(),
        },
        None => return Failure::Unauthorized.into_response(),
    };
    let is_data = is_data(path);
    let rate = if is_data { &account.data_rate } else { &account.trading_rate };
    if !rate.take() {
        let answer = Failure::Refused(Refusal::RateLimited).into_response();
        return with_standing(answer, rate, &server);
    }
    // What the request sees is the venue's present, not that of the last tick.
    if let Err(error) = server.driver.catch_up() {
        return Failure::from(error).into_response();
    }
    request.extensions_mut().insert(Ctx(Arc::clone(&account)));
    let sight = Sight { lens: server.driver.lens(), ..Sight::default() };
    let answer = SIGHT.scope(sight, next.run(request)).await;
    let rate = if is_data { &account.data_rate } else { &account.trading_rate };
    with_standing(answer, rate, &server)
}

/// Whether a path belongs to the market-data host, which has a limit of its own.
fn is_data(path: &str) -> bool {
    path.starts_with("/v2/stocks/") || path.starts_with("/v1beta") || path.starts_with("/v1/")
}

/// Whether a path needs no keys.
fn is_open_data(path: &str) -> bool {
    path.starts_with("/v1beta3/crypto/")
}

fn with_standing(mut answer: Response, rate: &RateWindow, server: &Server) -> Response {
    rate.standing(server.driver.real_now().timestamp()).write(answer.headers_mut());
    answer
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
async fn signed(State(server): State<Arc<Server>>, request: Request, next: Next) -> Response {
    let mut answer = in_json(next.run(request).await);
    let count = server.answers.fetch_add(1, Ordering::Relaxed);
    let id = ids::uuid(0, Kind::Request, count).simple().to_string();
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert("X-Request-ID", id);
    }
    if answer.headers().get("X-RateLimit-Limit").is_none() {
        let now = server.driver.real_now().timestamp();
        RateWindow::new(None).standing(now).write(answer.headers_mut());
    }
    answer
}
