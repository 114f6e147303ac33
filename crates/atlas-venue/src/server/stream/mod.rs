//! The streams: order updates by websocket and as server-sent events, market data by websocket.

mod events;
mod feed;
mod lane;
mod outbox;
mod seats;
mod updates;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use tokio::sync::watch;

use super::account::Server;
use crate::faults::{Fault, Target};

pub(crate) use seats::Seats;
pub use seats::StreamLimits;

pub(super) fn router() -> Router<Arc<Server>> {
    let mut router = Router::new()
        .route("/stream", get(updates::open))
        .route("/v1beta3/crypto/{loc}", get(feed::open_crypto))
        .route("/v1beta2/crypto", get(feed::open_crypto));
    for name in feed::STOCK_FEEDS {
        router = router.route(&format!("/v2/{name}"), get(feed::open_stocks));
    }
    router
}

/// The part that needs keys in its headers.
pub(super) fn guarded_router() -> Router<Arc<Server>> {
    Router::new()
        .route("/v2/events/trades", get(events::trades))
        .route("/v2beta1/events/trades", get(events::trades))
}

/// What a scripted fault makes of a connection that was taken.
enum Welcome {
    /// It goes on.
    Open,
    /// It is told so, and ends.
    Refused {
        /// The code, as the connection limit's 406.
        code: u16,
        /// The sentence.
        message: String,
    },
    /// It ends without a word.
    Cut,
    /// Nothing is ever said on it.
    Silent,
}

/// Commits the fault that is scripted for the opening of a stream, as far as the handshake is
/// concerned.
///
/// # Errors
/// The answer to a handshake that fails.
async fn knock(server: &Server) -> Result<Welcome, Response> {
    match server.faults.take_if(Target::Connect, |_| true) {
        Some(Fault::FailBefore(status) | Fault::FailAfter(status)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
            Err(status.into_response())
        }
        Some(Fault::Delay(wait)) => {
            tokio::time::sleep(wait).await;
            Ok(Welcome::Open)
        }
        Some(Fault::Reject { status, message, .. }) => {
            Ok(Welcome::Refused { code: status, message })
        }
        Some(Fault::DropBefore | Fault::DropAfter) => Ok(Welcome::Cut),
        Some(Fault::HangBefore | Fault::HangAfter) => Ok(Welcome::Silent),
        Some(_) | None => Ok(Welcome::Open),
    }
}

/// The connection is to end.
struct Closed;

/// Ends when the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}
