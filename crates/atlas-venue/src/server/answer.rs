//! Answers and error bodies in Alpaca's form.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Error;
use crate::core::{Extras, Refusal};

/// A request that was not carried out.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The venue refuses it.
    Refused(Refusal),
    /// The request cannot be read (400, 40010000).
    BadRequest(String),
    /// The data interface's own form of it (400, without a code).
    BadData(String),
    /// Wrong or missing key pair (401, without a code).
    Unauthorized,
}

/// How a handler ends.
pub(super) type Answer<T> = Result<T, Failure>;

/// The body of an error.
#[derive(Serialize)]
pub(super) struct Body {
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    message: String,
    #[serde(flatten)]
    extras: Extras,
}

impl Body {
    /// What a refusal says.
    pub(super) fn of(refusal: &Refusal) -> Self {
        Self { code: Some(refusal.code()), message: refusal.message(), extras: refusal.extras() }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code, message, extras) = match self {
            Self::Refused(refusal) => {
                if let Refusal::Internal(problem) = &refusal {
                    tracing::error!(%problem, "the venue failed");
                }
                let (code, extras) = (Some(refusal.code()), refusal.extras());
                (refusal.status(), code, refusal.message(), extras)
            }
            Self::BadRequest(text) => (400, Some(40_010_000), text, Extras::default()),
            Self::BadData(text) => (400, None, text, Extras::default()),
            Self::Unauthorized => (401, None, "unauthorized.".to_owned(), Extras::default()),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(Body { code, message, extras })).into_response()
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Refused(error.into())
    }
}

impl From<atlas_core::Error> for Failure {
    fn from(error: atlas_core::Error) -> Self {
        Error::from(error).into()
    }
}

/// There is no such thing.
pub(super) fn not_found(what: impl Into<String>) -> Failure {
    Failure::Refused(Refusal::NotFound(what.into()))
}
