//! The stream of order updates, in messages of the real service's shapes.
//!
//! As on paper each message is a binary frame that holds JSON. An execution is told in one message
//! with what it did to the order, there is no word about what happened before the listening
//! began, and a test can let a message be lost, told twice, or be the connection's last.

use std::sync::Arc;

use atlas_broker::{Broker, OrderNews, OrderUpdate, Update};
use atlas_core::{Fill, OrderStatus};
use axum::extract::ws::{Message, WebSocket};
use serde_json::{Value, json};

use super::{KEYS, Service, shapes};
use crate::glitch::Glitch;

/// Serves one connection to its end.
pub(super) async fn serve(service: Arc<Service>, mut socket: WebSocket) {
    if !greet(&mut socket).await {
        return;
    }
    let ledger = service.broker.activities(None).await.expect("activities");
    let after = ledger.last().map(|entry| entry.id.clone());
    let mut updates = service.broker.updates(after).expect("a stream");
    // What lies before is for the client to ask for.
    while !matches!(updates.next().await.expect("an update"), Update::CaughtUp) {}
    let listening = json!({ "stream": "listening", "data": { "streams": ["trade_updates"] } });
    let mut open = send(&mut socket, &listening).await;
    while open {
        open = tokio::select! {
            update = updates.next() => {
                service.tell(&mut socket, update.expect("an update")).await
            }
            heard = socket.recv() => matches!(heard, Some(Ok(_))),
        };
    }
}

/// Keys, then the wish to listen; false for a client that does not get that far.
async fn greet(socket: &mut WebSocket) -> bool {
    let mut known = false;
    while let Some(Ok(message)) = socket.recv().await {
        let bytes = message.into_data();
        let Ok(said) = serde_json::from_slice::<Value>(&bytes) else { continue };
        match said["action"].as_str() {
            Some("auth") => {
                known = [&said["key"], &said["secret"]] == KEYS;
                let status = if known { "authorized" } else { "unauthorized" };
                let data = json!({ "status": status, "action": "authenticate" });
                if !send(socket, &json!({ "stream": "authorization", "data": data })).await {
                    return false;
                }
            }
            Some("listen") if known => return said["data"]["streams"] == json!(["trade_updates"]),
            _ => return false,
        }
    }
    false
}

async fn send(socket: &mut WebSocket, message: &Value) -> bool {
    socket.send(Message::Binary(message.to_string().into())).await.is_ok()
}

impl Service {
    /// Tells one update, or lets go wrong what is to; false once the connection is over.
    async fn tell(&self, socket: &mut WebSocket, update: Update) -> bool {
        let Some(data) = self.message(update).await else { return true };
        let message = json!({ "stream": "trade_updates", "data": data });
        let glitch = self.glitches.lock().expect("the glitches").pop_front();
        match glitch {
            Some(Glitch::Cut) => false,
            Some(Glitch::Lost) => true,
            Some(Glitch::Twice) => send(socket, &message).await && send(socket, &message).await,
            None => send(socket, &message).await,
        }
    }

    /// What the service tells of an update, if it tells anything.
    async fn message(&self, update: Update) -> Option<Value> {
        match update {
            Update::Fill(fill) => Some(self.execution(&fill).await),
            Update::Order(update) => self.news(&update),
            other => panic!("the venue itself failed: {other:?}"),
        }
    }

    /// An execution, with the order as it was right after it.
    async fn execution(&self, fill: &Fill) -> Value {
        let order = self.broker.order(&fill.client_order_id).await.expect("an answer");
        let mut order = order.expect("the order of an execution");
        let name = fill.execution_id.to_string();
        let filled = name.rsplit(':').next().expect("a quantity").parse().expect("a quantity");
        let last = order.status == OrderStatus::Filled && order.filled_qty == filled;
        order.status = if last { OrderStatus::Filled } else { OrderStatus::PartiallyFilled };
        order.filled_qty = filled;
        let positions = self.broker.positions().await.expect("positions");
        let held = positions.get(&fill.symbol);
        let position_qty = held.map_or_else(|| "0".to_owned(), |held| held.qty.to_string());
        shapes::filled_in(
            include_str!("../../golden/alpaca/update.json"),
            &json!({
                "event": if last { "fill" } else { "partial_fill" },
                "timestamp": shapes::instant(fill.ts_event),
                "price": fill.price,
                "qty": fill.qty,
                "position_qty": position_qty,
                "order": self.noted(&order),
            }),
        )
    }

    fn news(&self, update: &OrderUpdate) -> Option<Value> {
        let event = match update.news {
            OrderNews::Accepted => "new",
            OrderNews::Canceled => "canceled",
            OrderNews::Expired => "expired",
            OrderNews::DoneForDay => "done_for_day",
            OrderNews::Replaced => "replaced",
            OrderNews::Rejected => "rejected",
            OrderNews::Held => "held",
            OrderNews::PendingCancel => "pending_cancel",
            OrderNews::PendingReplace => "pending_replace",
            OrderNews::ReplaceRejected => "order_replace_rejected",
            // Told with the execution; and what was found out by asking nobody said.
            OrderNews::PartialFill | OrderNews::Fill | OrderNews::Found => return None,
            ref other => panic!("news of a kind nobody knows: {other:?}"),
        };
        let mut data = shapes::filled_in(
            include_str!("../../golden/alpaca/update.json"),
            &json!({ "event": event, "order": self.noted(&update.order) }),
        );
        let object = data.as_object_mut().expect("an object");
        for of_executions in ["price", "qty", "position_qty", "swap_rate"] {
            object.remove(of_executions);
        }
        if let Some(moment) = update.ts_event {
            object.insert("timestamp".to_owned(), shapes::instant(moment).into());
        }
        Some(data)
    }
}
