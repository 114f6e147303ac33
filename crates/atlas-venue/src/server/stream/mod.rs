//! The streams: order updates by websocket and as server-sent events, market data by websocket.

mod events;
mod feed;
mod outbox;
mod updates;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tokio::sync::watch;

use super::account::Server;

pub(super) use events::Log;

pub(super) fn router() -> Router<Arc<Server>> {
    let mut router = Router::new()
        .route("/stream", get(updates::open))
        .route("/v1beta3/crypto/us", get(feed::open_crypto));
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

/// The connection is to end.
struct Closed;

/// Ends when the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}
