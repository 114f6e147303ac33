//! A WebSocket that notices when the other side is gone.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::header::{CONNECTION, HeaderName, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use reqwest::{StatusCode, Upgraded};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use zeroize::Zeroizing;

use super::http::{Answer, Call, Http, KEY_ID, SECRET_KEY, chain};
use crate::Error;

/// A connected WebSocket.
pub(crate) struct Socket {
    inner: WebSocketStream<Upgraded>,
    /// When anything last came.
    heard: Instant,
    /// By when the ping that was sent since has to be answered.
    due: Option<Instant>,
    /// Whether an answer was given more time because nobody listened when it was due.
    excused: bool,
}

/// Silence after which a ping is sent.
const PING: Duration = Duration::from_secs(15);

/// How long after a ping the other side counts as gone if nothing comes, and how long it may take
/// to take a message in.
const ANSWER: Duration = Duration::from_secs(20);

/// How long is listened at least before an answer counts as missing: a reader that was busy when it
/// was due finds it only by listening.
const GRACE: Duration = Duration::from_secs(1);

/// The longest message that is taken.
const MESSAGE_MAX: usize = 16 << 20;

impl Http {
    /// Opens a WebSocket on this host, over the same client: the same TLS, no proxy, no redirect.
    ///
    /// # Errors
    /// As [`Http::send`]; what the server answers instead of an upgrade is an error by its status.
    pub(crate) async fn socket(&self, path: &str) -> Result<Socket, Error> {
        let call = Call::get(path);
        let deadline = Instant::now() + self.timeout();
        timeout_at(deadline, self.upgrade(&call)).await.unwrap_or_else(|_| {
            Err(self.no_answer(&call, format!("no answer within {:?}", self.timeout())))
        })
    }

    async fn upgrade(&self, call: &Call) -> Result<Socket, Error> {
        let key = generate_key();
        let mut request = self.request(call)?;
        // A stream takes the keys once: as a message, see `auth_message`. Twice is refused.
        for name in [KEY_ID, SECRET_KEY] {
            request.headers_mut().remove(name);
        }
        for (name, value) in [
            (CONNECTION, "Upgrade"),
            (UPGRADE, "websocket"),
            (HeaderName::from_static("sec-websocket-version"), "13"),
            (HeaderName::from_static("sec-websocket-key"), key.as_str()),
        ] {
            let value = value.parse().map_err(|_| Error::Setup {
                problem: "a WebSocket key is no header value".to_owned(),
            })?;
            request.headers_mut().insert(name, value);
        }
        let response = self.execute(call, request).await?;
        let status = response.status();
        if status != StatusCode::SWITCHING_PROTOCOLS {
            // A refusal counts by its status; its words may be lost on the way, or be too many.
            let body = self.body(call, response).await.unwrap_or_default();
            return Err(self.error(call, &Answer { status, body, reset: None }));
        }
        let accept = response.headers().get(SEC_WEBSOCKET_ACCEPT);
        if accept.is_none_or(|accept| accept != derive_accept_key(key.as_bytes()).as_str()) {
            let problem = "the WebSocket handshake does not answer the key".to_owned();
            return Err(self.bad_answer(call, problem));
        }
        let upgraded = response.upgrade().await;
        let upgraded = upgraded.map_err(|error| self.no_answer(call, chain(&error)))?;
        let config = WebSocketConfig::default()
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX));
        let inner = WebSocketStream::from_raw_socket(upgraded, Role::Client, Some(config)).await;
        Ok(Socket { inner, heard: Instant::now(), due: None, excused: false })
    }

    /// The message that authenticates a stream.
    pub(crate) fn auth_message(&self) -> Zeroizing<String> {
        let quoted = |text: &str| serde_json::Value::from(text).to_string();
        let (key, secret) = self.keys();
        let (key, secret) = (quoted(key), Zeroizing::new(quoted(secret)));
        Zeroizing::new(format!(r#"{{"action":"auth","key":{key},"secret":{}}}"#, *secret))
    }
}

impl Socket {
    /// Sends one message. One that the other side does not take in time is as good as lost, and so
    /// is the connection.
    ///
    /// # Errors
    /// What the transport says, or that nothing was taken.
    pub(crate) async fn send(&mut self, text: &str) -> Result<(), String> {
        self.push(Message::text(text)).await
    }

    async fn push(&mut self, message: Message) -> Result<(), String> {
        match timeout(ANSWER, self.inner.send(message)).await {
            Ok(sent) => sent.map_err(|error| error.to_string()),
            Err(_) => Err(format!("nothing was taken for {} s", ANSWER.as_secs())),
        }
    }

    /// Waits for the next message, text or binary; sends pings meanwhile. Dropping the future loses
    /// nothing, and a reader that comes late takes its own silence for nobody else's: only a ping
    /// that is not answered says that the other side is gone.
    ///
    /// # Errors
    /// Why the connection is over.
    pub(crate) async fn receive(&mut self) -> Result<Bytes, String> {
        loop {
            let begun = Instant::now();
            let wake = self.due.unwrap_or(self.heard + PING);
            match timeout_at(wake, self.inner.next()).await {
                Ok(Some(Ok(message))) => {
                    (self.heard, self.due, self.excused) = (Instant::now(), None, false);
                    match message {
                        Message::Text(text) => return Ok(text.into()),
                        Message::Binary(bytes) => return Ok(bytes),
                        Message::Close(frame) => {
                            let why = frame.map(|frame| frame.reason.to_string());
                            return Err(format!(
                                "closed by the server: {}",
                                why.unwrap_or_default()
                            ));
                        }
                        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
                    }
                }
                Ok(Some(Err(error))) => return Err(error.to_string()),
                Ok(None) => return Err("closed by the server".to_owned()),
                Err(_) if self.due.is_some() => {
                    if begun < wake || self.excused {
                        let silence = self.heard.elapsed().as_secs();
                        return Err(format!("silent for {silence} s, a ping included"));
                    }
                    self.excused = true;
                    self.due = Some(Instant::now() + GRACE);
                }
                Err(_) => {
                    self.due = Some(Instant::now() + ANSWER);
                    self.push(Message::Ping(Bytes::new())).await?;
                }
            }
        }
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").finish_non_exhaustive()
    }
}

/// How long to wait before connecting again after so many failures: twice as long each time, up to
/// a minute, and a little longer by a number that differs between accounts.
pub(crate) fn back_off(failures: u32, salt: &str) -> Duration {
    let seconds = 1_u64 << failures.saturating_sub(1).min(6);
    // FNV-1a: clients that were cut off together should not come back together.
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let hash = salt.bytes().chain(failures.to_le_bytes()).fold(0xcbf2_9ce4_8422_2325, mix);
    let base = Duration::from_secs(seconds.min(60));
    base + base.mul_f64(0.25) * u32::from((hash >> 32).to_le_bytes()[0]) / 255
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_doubles_up_to_a_minute_and_differs_between_accounts() {
        let seconds: Vec<u64> = (1..10).map(|n| back_off(n, "key").as_secs()).collect();
        assert!(seconds.is_sorted(), "{seconds:?}");
        assert!(back_off(1, "key") >= Duration::from_secs(1));
        assert!(back_off(u32::MAX, "key") <= Duration::from_secs(75));
        assert_ne!(back_off(9, "key"), back_off(9, "other"));
    }
}
