//! What the dashboard's server answers.

use std::convert::Infallible;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use atlas_core::Symbol;
use atlas_report::dashboard::{Control, SCRIPT, login, page, style};
use axum::Form;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue, REFERRER_POLICY, SET_COOKIE,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use futures_util::stream::{self, Stream};
use serde::Deserialize;

use super::Shared;

/// Longest an action may take before the page says that it is still under way.
const ACTION_TIMEOUT: Duration = Duration::from_mins(2);
/// No more than this is read of a form.
const FORM_MAX: usize = 4_096;

pub(super) fn router(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/", get(home))
        .route("/login", get(login_page).post(log_in))
        .route("/logout", post(log_out))
        .route("/events", get(events))
        .route("/view.json", get(view))
        .route("/{action}", post(act))
        .route(
            "/dashboard.js",
            get(|| async { typed("text/javascript; charset=utf-8", SCRIPT.to_owned()) }),
        )
        .route("/dashboard.css", get(|| async { typed("text/css; charset=utf-8", style()) }))
        .layer(axum::extract::DefaultBodyLimit::max(FORM_MAX))
        .layer(from_fn(secured))
        .with_state(shared)
}

fn typed(kind: &'static str, body: String) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static(kind))], body).into_response()
}

/// Nothing from elsewhere, nothing inline, nothing kept, nothing framed.
async fn secured(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

fn html(made: Result<String, std::fmt::Error>) -> Response {
    made.map_or_else(
        |_| StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        |page| Html(page).into_response(),
    )
}

async fn home(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shown(&shared, &headers, None)
}

fn shown(shared: &Shared, headers: &HeaderMap, said: Option<&str>) -> Response {
    let Some(csrf) = shared.guard.word(headers) else {
        return Redirect::to("/login").into_response();
    };
    let view = Arc::clone(&shared.frames.borrow().view);
    let control = if shared.control { Control::Allowed { csrf: &csrf } } else { Control::ReadOnly };
    html(page(&view, control, said))
}

async fn login_page() -> Response {
    html(login(None))
}

#[derive(Deserialize)]
struct LogIn {
    token: String,
}

async fn log_in(State(shared): State<Arc<Shared>>, Form(form): Form<LogIn>) -> Response {
    match shared.guard.log_in(form.token.trim()) {
        Ok(Some(session)) => {
            let cookie = format!("atlas_session={session}; HttpOnly; SameSite=Strict; Path=/");
            ([(SET_COOKIE, cookie)], Redirect::to("/")).into_response()
        }
        Ok(None) => {
            let page = html(login(Some("That is not the token.")));
            (StatusCode::UNAUTHORIZED, page).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn log_out(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    shared.guard.log_out(&headers);
    Redirect::to("/login").into_response()
}

async fn view(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if shared.guard.word(&headers).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let view = Arc::clone(&shared.frames.borrow().view);
    axum::Json(&*view).into_response()
}

async fn events(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if shared.guard.word(&headers).is_none() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    Sse::new(frames(&shared)).keep_alive(KeepAlive::default()).into_response()
}

/// The live part as it stands, and again whenever it changes. A slow viewer misses what was shown
/// in between, never the latest.
fn frames(shared: &Shared) -> impl Stream<Item = Result<Event, Infallible>> + use<> {
    let mut frames = shared.frames.clone();
    frames.mark_changed();
    stream::unfold(frames, |mut frames| async {
        frames.changed().await.ok()?;
        let live = Arc::clone(&frames.borrow_and_update().live);
        Some((Ok(Event::default().data(&*live)), frames))
    })
}

#[derive(Deserialize)]
struct Act {
    csrf: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    confirm: String,
    #[serde(default)]
    symbol: String,
}

/// What may be done, and whether the account's name has to be typed for it.
const ACTIONS: [(&str, bool); 5] =
    [("pause", false), ("reduce", false), ("resume", false), ("flatten", true), ("kill", true)];

/// Pause, reduce, resume, flatten or kill, as the command of that name.
async fn act(
    State(shared): State<Arc<Shared>>,
    Path(action): Path<String>,
    headers: HeaderMap,
    Form(form): Form<Act>,
) -> Response {
    let Some(word) = shared.guard.word(&headers) else {
        return Redirect::to("/login").into_response();
    };
    let found = ACTIONS.into_iter().find(|(name, _)| *name == action);
    let Some((action, confirmed)) = found.filter(|_| shared.control) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    if form.csrf != word {
        return (StatusCode::FORBIDDEN, "the form is not of this session").into_response();
    }
    let account = shared.frames.borrow().view.account.clone();
    if confirmed && form.confirm != account {
        let said = "Nothing was done: the name of the account was not typed.";
        return shown(&shared, &headers, Some(said));
    }
    let symbol = form.symbol.trim();
    if !symbol.is_empty() && (action != "flatten" || symbol.parse::<Symbol>().is_err()) {
        let said = format!("Nothing was done: {symbol:?} is no symbol.");
        return shown(&shared, &headers, Some(&said));
    }
    let why = if form.why.is_empty() { "kill switch of the dashboard" } else { &form.why };
    let said = run(&shared, action, symbol, why).await;
    shown(&shared, &headers, Some(&said))
}

/// Runs the command and tells what it said.
async fn run(shared: &Shared, action: &str, symbol: &str, why: &str) -> String {
    let mut command = tokio::process::Command::new(&shared.program);
    command.arg(action).args(Some(symbol).filter(|symbol| !symbol.is_empty()));
    command.args(["--by", "dashboard"]).arg(format!("--why={why}"));
    command.args(&shared.words).stdin(Stdio::null()).kill_on_drop(false);
    match tokio::time::timeout(ACTION_TIMEOUT, command.output()).await {
        Ok(Ok(output)) => {
            let said = if output.status.success() { output.stdout } else { output.stderr };
            String::from_utf8_lossy(&said).trim().to_owned()
        }
        Ok(Err(error)) => format!("The command could not be started: {error}."),
        Err(_) => format!("`atlas {action}` is still under way; look at the state."),
    }
}
