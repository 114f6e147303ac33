//! Who may look, and who may act: a token, sessions, a word against forged forms.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;
use atlas_core::journal::Hash;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use crate::random::random_hex;

/// Sessions kept at once; the oldest name goes first.
const SESSIONS_MAX: usize = 1_000;

/// The doorkeeper.
pub(super) struct Guard {
    /// Digest of the token: what is compared is no secret, and takes the same time for any.
    token: Hash,
    /// Sessions and the word their forms carry.
    sessions: Mutex<BTreeMap<String, String>>,
}

impl Guard {
    pub(super) fn new(token: &str) -> Self {
        Self { token: Hash::of(token.as_bytes()), sessions: Mutex::default() }
    }

    /// A session for whoever shows the token.
    ///
    /// # Errors
    /// [`crate::exit::Exit::Internal`] if the system gives no random numbers.
    pub(super) fn log_in(&self, token: &str) -> Result<Option<String>> {
        if Hash::of(token.as_bytes()) != self.token {
            return Ok(None);
        }
        let (session, word) = (random_hex()?, random_hex()?);
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS_MAX {
            sessions.pop_first();
        }
        sessions.insert(session.clone(), word);
        Ok(Some(session))
    }

    pub(super) fn log_out(&self, headers: &HeaderMap) {
        if let Some(session) = session_of(headers) {
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(session);
        }
    }

    /// The word the forms of this visitor carry; `None` for whoever has not logged in.
    pub(super) fn word(&self, headers: &HeaderMap) -> Option<String> {
        let session = session_of(headers)?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(session).cloned()
    }
}

fn session_of(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("atlas_session="))
}
