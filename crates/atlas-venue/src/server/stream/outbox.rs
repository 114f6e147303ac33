//! What a websocket sends: its encoding, and the faults of its messages.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use serde::{Serialize, Serializer};
use serde_json::Value;

use super::super::account::Server;
use super::super::msgpack;
use super::Closed;
use super::lane::{Lane, Passed};
use crate::faults::Target;

/// How messages are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// JSON in text frames.
    Text,
    /// JSON in binary frames, as Alpaca's paper host writes order updates.
    Binary,
    /// `MessagePack` in binary frames; `stamps` as timestamps.
    MessagePack {
        /// Whether moments are written as the format's own timestamps.
        stamps: bool,
    },
}

impl Encoding {
    /// `MessagePack` if the handshake asked for it, `otherwise` if not.
    pub(super) fn asked(headers: &HeaderMap, stamps: bool, otherwise: Self) -> Self {
        let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if kind.is_some_and(|kind| kind.eq_ignore_ascii_case("application/msgpack")) {
            Self::MessagePack { stamps }
        } else {
            otherwise
        }
    }

    fn frame(self, message: &Value) -> Message {
        match self {
            Self::Text => Message::Text(json(message).into()),
            Self::Binary => Message::Binary(Bytes::from(json(message))),
            Self::MessagePack { stamps } => {
                Message::Binary(Bytes::from(msgpack::encode(message, stamps)))
            }
        }
    }
}

/// A message as JSON, its kind first.
fn json(message: &Value) -> String {
    // Nothing in a value can fail to be written.
    serde_json::to_string(&KindFirst(message)).unwrap_or_default()
}

/// A value whose maps begin with the member that names their kind.
struct KindFirst<'a>(&'a Value);

impl Serialize for KindFirst<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Array(items) => to.collect_seq(items.iter().map(KindFirst)),
            Value::Object(fields) => {
                let fields = msgpack::kind_first(fields);
                to.collect_map(fields.map(|(name, value)| (name, KindFirst(value))))
            }
            plain @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                plain.serialize(to)
            }
        }
    }
}

/// Reads a command: JSON in either kind of frame, or `MessagePack`. `None` for frames that are no
/// command.
pub(super) fn read(message: &Message) -> Option<Result<Value, String>> {
    let bytes: &[u8] = match message {
        Message::Text(text) => text.as_bytes(),
        Message::Binary(bytes) => bytes,
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) => return None,
    };
    let read = serde_json::from_slice(bytes);
    Some(match read {
        Ok(value) => Ok(value),
        Err(error) => {
            msgpack::decode(bytes).filter(Value::is_object).ok_or_else(|| error.to_string())
        }
    })
}

/// Sends messages, and commits the faults scripted for them.
pub(super) struct Outbox {
    encoding: Encoding,
    lane: Lane,
    /// Whether the peer has left a message unread for too long.
    is_slow: bool,
}

impl Outbox {
    pub(super) const fn new(encoding: Encoding, target: Target) -> Self {
        Self { encoding, lane: Lane::new(target), is_slow: false }
    }

    /// Whether the connection ends because the peer has left a message unread for too long.
    pub(super) const fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Sends an answer to a command: no fault is meant for it.
    pub(super) async fn answer(
        &mut self,
        socket: &mut WebSocket,
        message: &Value,
    ) -> Result<(), Closed> {
        if let Some(sent) = in_time(socket.send(self.encoding.frame(message))).await {
            return sent.map_err(|_| Closed);
        }
        self.is_slow = true;
        Err(Closed)
    }

    /// Sends a message, unless a fault wants it otherwise.
    pub(super) async fn deliver(
        &mut self,
        socket: &mut WebSocket,
        server: &Server,
        message: Value,
    ) -> Result<(), Closed> {
        match self.lane.pass(server, message).await {
            Passed::Cut => Err(Closed),
            Passed::Silence => silence(server).await,
            Passed::Send(messages) => {
                for message in messages {
                    self.answer(socket, &message).await?;
                }
                Ok(())
            }
        }
    }
}

/// Reads nothing and sends nothing, not even the answer to a ping, until the server stops.
pub(super) async fn silence(server: &Server) -> Result<(), Closed> {
    let mut stopping = server.stopping.clone();
    super::stopped(&mut stopping).await;
    Err(Closed)
}

/// Waits for a message to be taken, at most [`SLOW`]; `None` if that has passed.
pub(super) async fn in_time<T>(sent: impl Future<Output = T>) -> Option<T> {
    within(SLOW, sent).await
}

async fn within<T>(limit: Duration, sent: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(limit, sent).await.ok()
}

/// How long a client may leave a message unread.
const SLOW: Duration = Duration::from_secs(15);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_message_comes_first() {
        let message = serde_json::json!([{ "S": "A", "T": "q", "a": { "T": 2, "Q": 1.50 } }]);
        assert_eq!(json(&message), r#"[{"T":"q","S":"A","a":{"T":2,"Q":1.5}}]"#);
    }

    #[tokio::test]
    async fn nobody_is_waited_for_without_end() {
        assert_eq!(within(Duration::ZERO, std::future::pending::<()>()).await, None);
        assert_eq!(in_time(std::future::ready(7)).await, Some(7));
    }
}
