//! The `trade_updates` stream at `/stream`.
//!
//! As on Alpaca's paper host, frames are binary and hold JSON; text is understood as well. Nothing
//! is sent before the client has authenticated, by message or by headers at the handshake. There is
//! no replay: a client reads the ledger after it has connected. One that reads too slowly is
//! disconnected rather than left with a gap it cannot see.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::wire::{OrderBody, moment};
use super::{Ctx, Shared, guard};
use crate::core::Update;
use crate::faults::{Fault, Target};

pub(super) fn router() -> Router<Arc<Shared>> {
    Router::new().route("/stream", get(open))
}

async fn open(State(shared): Ctx, headers: HeaderMap, upgrade: WebSocketUpgrade) -> Response {
    let known = guard::is_authorized(&shared, &headers);
    upgrade.on_upgrade(async move |socket| {
        let updates = shared.venue.updates();
        let standing = if known { Standing::Known } else { Standing::Stranger };
        Session { shared, socket, standing }.run(updates).await;
    })
}

/// One connection.
struct Session {
    shared: Arc<Shared>,
    socket: WebSocket,
    standing: Standing,
}

/// How far a client has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It has not shown the key pair.
    Stranger,
    /// It has, and listens to nothing.
    Known,
    /// It listens to the updates.
    Listening,
}

/// A message of the client.
#[derive(Deserialize)]
struct Command {
    action: String,
    #[serde(default)]
    key: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    data: CommandData,
}

#[derive(Default, Deserialize)]
struct CommandData {
    #[serde(default)]
    key_id: String,
    #[serde(default)]
    secret_key: String,
    #[serde(default)]
    streams: Vec<String>,
}

/// The connection is to end.
struct Closed;

impl Session {
    async fn run(mut self, mut updates: Receiver<Arc<Update>>) {
        let mut stopping = self.shared.stopping.clone();
        loop {
            let done = tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.answer(message).await,
                    Some(Err(_)) | None => Err(Closed),
                },
                update = updates.recv() => match update {
                    Ok(update) => self.tell(&update).await,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => Err(Closed),
                },
                () = stopped(&mut stopping) => Err(Closed),
            };
            if done.is_err() {
                // The peer may be gone already; there is nobody to tell.
                drop(self.socket.send(Message::Close(None)).await);
                return;
            }
        }
    }

    async fn answer(&mut self, message: Message) -> Result<(), Closed> {
        let text = match &message {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(bytes) => bytes,
            Message::Close(_) => return Err(Closed),
            // Pings are answered below this layer.
            Message::Ping(_) | Message::Pong(_) => return Ok(()),
        };
        let reply = match serde_json::from_slice::<Command>(text) {
            Ok(command) => self.obey(&command),
            Err(error) => complaint(&error.to_string()),
        };
        self.send(&reply).await
    }

    fn obey(&mut self, command: &Command) -> Value {
        match command.action.as_str() {
            "auth" | "authenticate" => {
                let pair = if command.key.is_empty() {
                    (&command.data.key_id, &command.data.secret_key)
                } else {
                    (&command.key, &command.secret)
                };
                let known = self.shared.credentials.matches(pair.0, pair.1);
                self.standing = if known { Standing::Known } else { Standing::Stranger };
                authorization(known, "authenticate")
            }
            "listen" if self.standing == Standing::Stranger => authorization(false, "listen"),
            "listen" => {
                // Each listen replaces the list; names nobody knows vanish from it.
                let listens = command.data.streams.iter().any(|name| name == UPDATES);
                let streams: &[&str] = if listens { &[UPDATES] } else { &[] };
                self.standing = if listens { Standing::Listening } else { Standing::Known };
                json!({ "stream": "listening", "data": { "streams": streams } })
            }
            other => complaint(&format!("unknown action {other:?}")),
        }
    }

    async fn tell(&mut self, update: &Update) -> Result<(), Closed> {
        if self.standing != Standing::Listening {
            return Ok(());
        }
        let message = json!({ "stream": UPDATES, "data": body(update) });
        match self.shared.faults.take(Target::Update) {
            Some(Fault::DropBefore | Fault::DropAfter) => return Err(Closed),
            Some(Fault::Skip) => return Ok(()),
            Some(Fault::Repeat) => self.send(&message).await?,
            Some(Fault::Delay(wait)) => tokio::time::sleep(wait).await,
            Some(
                Fault::FailBefore(_)
                | Fault::FailAfter(_)
                | Fault::Reject { .. }
                | Fault::HangBefore
                | Fault::HangAfter
                | Fault::PartialFill(_),
            )
            | None => {}
        }
        self.send(&message).await
    }

    async fn send(&mut self, message: &Value) -> Result<(), Closed> {
        let frame = Message::Binary(Bytes::from(message.to_string()));
        self.socket.send(frame).await.map_err(|_| Closed)
    }
}

/// Ends when the server stops.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}

fn authorization(known: bool, action: &str) -> Value {
    let status = if known { "authorized" } else { "unauthorized" };
    json!({ "stream": "authorization", "data": { "status": status, "action": action } })
}

fn complaint(text: &str) -> Value {
    json!({ "action": "error", "data": { "error_message": text } })
}

/// An update in Alpaca's shape.
fn body(update: &Update) -> Value {
    let mut body = json!({
        "event": update.event.as_str(),
        "timestamp": moment(update.stamp),
        "order": OrderBody::new(&update.order),
    });
    if let Some((id, price, qty)) = &update.execution {
        body["execution_id"] = json!(id);
        body["price"] = json!(price);
        body["qty"] = json!(qty);
        body["position_qty"] = json!(update.position_qty);
    } else {
        // Every message has a name of its own; the moment is unique within the venue.
        let count = update.stamp.timestamp_millis().unsigned_abs();
        body["execution_id"] =
            json!(crate::core::ids::uuid(1, crate::core::ids::Kind::Request, count));
    }
    body
}

/// The stream's name.
const UPDATES: &str = "trade_updates";
