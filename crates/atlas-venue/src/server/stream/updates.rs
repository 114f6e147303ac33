//! The `trade_updates` stream at `/stream`.
//!
//! As on Alpaca's paper host, frames are binary and hold JSON, or `MessagePack` if the handshake
//! asks for it; text is understood as well. Nothing is sent before the client has authenticated, by
//! message or by headers at the handshake. There is no replay: a client reads the ledger after it
//! has connected. One that reads too slowly, or leaves a message unread for 15 seconds, is
//! disconnected rather than left with a gap it cannot see.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::super::account::{Server, Shared};
use super::super::lens::{SIGHT, Sight};
use super::super::wire::{OrderBody, moment};
use super::outbox::{Encoding, Outbox, in_time, read, silence};
use super::{Closed, Welcome, knock, stopped};
use crate::core::Update;
use crate::faults::Target;

/// Takes a connection.
pub(super) async fn open(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let welcome = match knock(&server).await {
        Ok(welcome) => welcome,
        Err(answer) => return answer,
    };
    let encoding = Encoding::asked(&headers, false, Encoding::Binary);
    let account = server.account_in(&headers).map(Arc::clone);
    upgrade.on_upgrade(async move |socket| {
        let mut session = Session {
            server,
            socket,
            outbox: Outbox::new(encoding, Target::Update),
            seat: None,
            listens: false,
        };
        if let Some(account) = account {
            session.admit(&account);
        }
        session.run(welcome).await;
    })
}

/// One connection.
struct Session {
    server: Arc<Server>,
    socket: WebSocket,
    outbox: Outbox,
    /// The updates of the account whose keys were shown.
    seat: Option<Receiver<Arc<Update>>>,
    listens: bool,
}

/// A message of the client; what it does not mean is absent or null.
#[derive(Deserialize)]
struct Command {
    action: String,
    key: Option<String>,
    secret: Option<String>,
    data: Option<CommandData>,
}

#[derive(Default, Deserialize)]
struct CommandData {
    key_id: Option<String>,
    secret_key: Option<String>,
    streams: Option<Vec<String>>,
}

impl Session {
    fn admit(&mut self, account: &Shared) {
        self.seat = Some(account.venue.updates());
    }

    async fn run(mut self, welcome: Welcome) {
        // However it ended, the peer may be gone already, or read nothing.
        drop(self.talk(welcome).await);
        drop(in_time(self.socket.send(Message::Close(None))).await);
    }

    async fn talk(&mut self, welcome: Welcome) -> Result<(), Closed> {
        match welcome {
            Welcome::Open => {}
            Welcome::Refused { message, .. } => {
                self.outbox.answer(&mut self.socket, &complaint(&message)).await?;
                return Err(Closed);
            }
            Welcome::Cut => return Err(Closed),
            Welcome::Silent => return silence(&self.server).await,
        }
        let mut stopping = self.server.stopping.clone();
        loop {
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.answer(message).await?,
                    Some(Err(_)) | None => return Err(Closed),
                },
                update = next(&mut self.seat) => match update {
                    Ok(update) => self.tell(&update).await?,
                    Err(RecvError::Lagged(_) | RecvError::Closed) => return Err(Closed),
                },
                () = stopped(&mut stopping) => return Err(Closed),
            }
        }
    }

    async fn answer(&mut self, message: Message) -> Result<(), Closed> {
        if matches!(message, Message::Close(_)) {
            return Err(Closed);
        }
        // Pings are answered below this layer.
        let Some(command) = read(&message) else { return Ok(()) };
        let command = command.and_then(|value| {
            serde_json::from_value::<Command>(value).map_err(|error| error.to_string())
        });
        let reply = match command {
            Ok(command) => self.obey(&command),
            Err(problem) => complaint(&problem),
        };
        self.outbox.answer(&mut self.socket, &reply).await
    }

    fn obey(&mut self, command: &Command) -> Value {
        let nothing = CommandData::default();
        let data = command.data.as_ref().unwrap_or(&nothing);
        match command.action.as_str() {
            "auth" | "authenticate" => {
                let (key, secret) = match &command.key {
                    Some(key) if !key.is_empty() => (Some(key), &command.secret),
                    Some(_) | None => (data.key_id.as_ref(), &data.secret_key),
                };
                (self.seat, self.listens) = (None, false);
                let pair = key.zip(secret.as_ref());
                let account = pair.and_then(|(key, secret)| self.server.account(key, secret));
                let account = account.map(Arc::clone);
                if let Some(account) = &account {
                    self.admit(account);
                }
                authorization(account.is_some(), "authenticate")
            }
            "listen" if self.seat.is_none() => authorization(false, "listen"),
            "listen" => {
                // Each listen replaces the list; names nobody knows vanish from it.
                self.listens = data.streams.iter().flatten().any(|name| name == UPDATES);
                let streams: &[&str] = if self.listens { &[UPDATES] } else { &[] };
                json!({ "stream": "listening", "data": { "streams": streams } })
            }
            other => complaint(&format!("unknown action {other:?}")),
        }
    }

    async fn tell(&mut self, update: &Update) -> Result<(), Closed> {
        if !self.listens {
            return Ok(());
        }
        let sight = Sight { lens: self.server.driver.lens(), ..Sight::default() };
        let message =
            SIGHT.sync_scope(sight, || json!({ "stream": UPDATES, "data": body(update) }));
        self.outbox.deliver(&mut self.socket, &self.server, message).await
    }
}

/// The next update; none ever comes before the keys were shown.
async fn next(seat: &mut Option<Receiver<Arc<Update>>>) -> Result<Arc<Update>, RecvError> {
    match seat {
        Some(updates) => updates.recv().await,
        None => std::future::pending().await,
    }
}

fn authorization(known: bool, action: &str) -> Value {
    let status = if known { "authorized" } else { "unauthorized" };
    json!({ "stream": "authorization", "data": { "status": status, "action": action } })
}

fn complaint(text: &str) -> Value {
    json!({ "action": "error", "data": { "error_message": text } })
}

/// An update in Alpaca's shape.
pub(super) fn body(update: &Update) -> Value {
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
