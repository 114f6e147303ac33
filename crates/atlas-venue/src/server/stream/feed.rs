//! The market-data streams.

use axum::response::{IntoResponse, Response};

use super::super::answer::not_found;

/// Takes a connection.
pub(super) async fn open_stocks() -> Response {
    not_found("endpoint not found.").into_response()
}

/// Takes a connection.
pub(super) async fn open_crypto() -> Response {
    not_found("endpoint not found.").into_response()
}

/// The stock feeds.
pub(super) const STOCK_FEEDS: [&str; 7] =
    ["iex", "sip", "delayed_sip", "boats", "overnight", "otc", "test"];
