//! The server over a real socket, with a client that knows nothing but HTTP.

mod accounts;
mod clock;
mod data;
mod events;
mod faults;
mod foreign;
mod socket;
mod streams;
mod trading;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{ServeOptions, ServerHandle, serve};
use crate::core::tests::{at, listings};
use crate::core::{CryptoRules, Listing};
use crate::{Venue, VenueConfig};

/// An answer: status, head in lower case, body.
struct Reply {
    status: u16,
    head: String,
    body: String,
}

impl Reply {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.body))
    }
}

struct Desk {
    venue: Venue,
    server: ServerHandle,
}

impl Desk {
    async fn open(options: ServeOptions) -> Self {
        let config = VenueConfig::realistic(at("2019-01-03T14:35:00Z"));
        let venue = Venue::open(None, config, listings()).unwrap();
        let server = serve(venue.clone(), "127.0.0.1:0".parse().unwrap(), options).await.unwrap();
        Self { venue, server }
    }

    /// A market of a stock and a coin, at 15:00 of its last day, without costs.
    async fn paper(options: ServeOptions) -> Self {
        let config = VenueConfig {
            split_fills: atlas_core::Weight::ZERO,
            ..VenueConfig::alpaca_paper(at("2019-01-03T15:00:00Z"))
        };
        let venue = Venue::open(None, config, market()).unwrap();
        let server = serve(venue.clone(), "127.0.0.1:0".parse().unwrap(), options).await.unwrap();
        Self { venue, server }
    }

    async fn admin(&self, method: &str, path: &str, body: &Value) -> Reply {
        let token = format!("Atlas-Admin-Token: {}", self.server.admin_token.expose());
        self.ask_as(&token, method, path, &body.to_string()).await.unwrap()
    }

    /// Moves the clock by hand.
    async fn step(&self, millis: u32) {
        let body = json!({ "advance_by_ms": millis });
        assert_eq!(self.admin("POST", "/atlas/v1/clock", &body).await.status, 200);
    }

    /// A market-data answer that must be a refusal, with its status and message.
    async fn refused(&self, path: &str) -> (u16, String) {
        let reply = self.ask("GET", path, "").await.unwrap();
        let body = reply.json();
        assert!(reply.status >= 400 && body.get("code").is_none(), "{path}: {body}");
        (reply.status, body["message"].as_str().unwrap().to_owned())
    }

    /// Sends a request; an error means that the connection ended without an answer.
    async fn ask(&self, method: &str, path: &str, body: &str) -> std::io::Result<Reply> {
        let keys = format!(
            "APCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}",
            self.server.key_id,
            self.server.secret.expose()
        );
        self.ask_as(&keys, method, path, body).await
    }

    async fn ask_as(
        &self,
        headers: &str,
        method: &str,
        path: &str,
        body: &str,
    ) -> std::io::Result<Reply> {
        let mut socket = TcpStream::connect(self.server.addr).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: venue\r\nConnection: close\r\n{headers}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        socket.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        socket.read_to_string(&mut text).await?;
        let lost = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        let (head, body) = text.split_once("\r\n\r\n").ok_or_else(lost)?;
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(lost)?;
        Ok(Reply { status, head: head.to_lowercase(), body: body.to_owned() })
    }

    async fn get(&self, path: &str) -> Value {
        let reply = self.ask("GET", path, "").await.unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.body);
        reply.json()
    }

    async fn send(&self, order: Value) -> Reply {
        self.ask("POST", "/v2/orders", &order.to_string()).await.unwrap()
    }
}

fn buy(qty: &str, id: &str) -> Value {
    json!({
        "symbol": "AAPL", "qty": qty, "side": "buy", "type": "market",
        "time_in_force": "day", "client_order_id": id,
    })
}

/// AAPL with a range, and a coin.
fn market() -> [Listing; 2] {
    let [aapl, _] = listings();
    let pair = "BTC/USD".parse().unwrap();
    let day = |text: &str| text.parse().unwrap();
    let coin = crate::synth::coin(&pair, 4_000.0, day("2018-12-25"), day("2019-01-10"), 1);
    [aapl.in_cents(), Listing::crypto(coin.unwrap(), CryptoRules::FINEST).unwrap()]
}
