//! A websocket of the tests.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::Desk;
use crate::server::msgpack;

/// A connected websocket.
pub(super) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    /// Connects with further headers.
    pub(super) async fn open(desk: &Desk, path: &str, headers: &[(&'static str, &str)]) -> Self {
        let url = format!("ws://{}{path}", desk.server.addr);
        let mut request = url.into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(desk.server.addr).await.unwrap();
        Self(tokio_tungstenite::client_async(request, stream).await.unwrap().0)
    }

    /// Connects to a market-data stream, and shows the keys.
    pub(super) async fn feed(desk: &Desk, path: &str) -> Self {
        let mut socket = Self::open(desk, path, &[]).await;
        assert_eq!(socket.next().await[0]["msg"], "connected");
        let keys = serde_json::json!({
            "action": "auth", "key": desk.server.key_id, "secret": desk.server.secret.expose(),
        });
        assert_eq!(socket.ask(&keys).await[0]["msg"], "authenticated");
        socket
    }

    pub(super) async fn send(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// The next message, from text, binary JSON or `MessagePack`; null at the end.
    pub(super) async fn next(&mut self) -> Value {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Binary(bytes))) => {
                    let json = serde_json::from_slice(&bytes).ok();
                    return json.or_else(|| msgpack::decode(&bytes)).unwrap();
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return Value::Null,
            }
        }
    }

    /// The next frame as it comes.
    pub(super) async fn frame(&mut self) -> Message {
        self.0.next().await.unwrap().unwrap()
    }

    pub(super) async fn ask(&mut self, command: &Value) -> Value {
        self.send(Message::text(command.to_string())).await;
        self.next().await
    }
}
