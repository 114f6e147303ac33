//! The accounts a server has, and the one a request is for.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use atlas_core::Symbol;
use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, HeaderMap};
use axum::http::request::Parts;
use tokio::sync::{broadcast, watch};

use super::answer::Failure;
use super::pace::Driver;
use super::rate::RateWindow;
use super::stream::{Seats, StreamLimits};
use crate::Venue;
use crate::credentials::{Credentials, Secret};
use crate::faults::Faults;

/// One account, with its own books, keys and limits.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) venue: Venue,
    pub(crate) credentials: Credentials,
    pub(crate) trading_rate: RateWindow,
    pub(crate) data_rate: RateWindow,
    /// Market-data streams it has open, by path.
    pub(crate) seats: Seats,
}

/// What the accounts have in common.
#[derive(Debug)]
pub(crate) struct Server {
    /// At least one.
    pub(crate) accounts: Vec<Arc<Shared>>,
    pub(crate) admin_token: Secret,
    pub(crate) faults: Faults,
    pub(crate) driver: Arc<Driver>,
    /// Symbols whose trading was stopped, or goes on again.
    pub(crate) halts: broadcast::Sender<(Symbol, bool)>,
    /// Number of answers given so far.
    pub(crate) answers: AtomicU64,
    /// What market-data streams are limited to.
    pub(crate) stream_limits: StreamLimits,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The account a request is for, once its keys have been checked.
#[derive(Debug, Clone)]
pub(crate) struct Ctx(pub(crate) Arc<Shared>);

impl<S: Sync> FromRequestParts<S> for Ctx {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Failure> {
        parts.extensions.get::<Self>().cloned().ok_or(Failure::Unauthorized)
    }
}

impl Server {
    /// The account of a key pair, in a time that does not depend on how much of it fits.
    pub(crate) fn account(&self, key_id: &str, secret: &str) -> Option<&Arc<Shared>> {
        let mut found = None;
        for account in &self.accounts {
            if account.credentials.matches(key_id, secret) {
                found = Some(account);
            }
        }
        found
    }

    /// The account of the keys in a request's headers: Alpaca's own pair of headers, or basic
    /// authentication.
    pub(crate) fn account_in(&self, headers: &HeaderMap) -> Option<&Arc<Shared>> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        match (text("APCA-API-KEY-ID"), text("APCA-API-SECRET-KEY")) {
            (Some(key_id), Some(secret)) => self.account(key_id, secret),
            _ => basic(headers).and_then(|(key, secret)| self.account(&key, &secret)),
        }
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
