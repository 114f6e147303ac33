//! The streams over real sockets.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::super::{ServeOptions, StreamLimits, msgpack};
use super::socket::Socket;
use super::{Desk, buy};

/// Everything told by a step of the clock, until all expected kinds have come.
async fn until(socket: &mut Socket, last: &str) -> Vec<Value> {
    let mut seen: Vec<Value> = Vec::new();
    loop {
        let batch = socket.next().await;
        seen.extend(batch.as_array().unwrap_or_else(|| panic!("{batch}")).iter().cloned());
        if seen.iter().any(|message| message["T"] == last) {
            return seen;
        }
    }
}

#[tokio::test]
async fn a_feed_tells_what_the_clock_passes() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = Socket::feed(&desk, "/v2/iex").await;
    let told = socket
        .ask(&json!({ "action": "subscribe", "trades": ["AAPL"], "quotes": ["AAPL"],
                      "bars": ["*"], "dailyBars": ["AAPL"], "statuses": ["*"] }))
        .await;
    assert_eq!(told[0]["T"], "subscription");
    assert_eq!((&told[0]["bars"], &told[0]["quotes"]), (&json!(["*"]), &json!(["AAPL"])));
    desk.step(61_000).await;
    let seen = until(&mut socket, "d").await;
    let of = |kind: &str| seen.iter().filter(|m| m["T"] == kind).collect::<Vec<_>>();
    assert_eq!((of("b").len(), of("b")[0]["t"].as_str()), (1, Some("2019-01-03T15:00:00Z")));
    assert_eq!(of("d")[0]["t"], "2019-01-03T05:00:00Z");
    assert!(of("t").len() >= 11 && of("q").len() >= 12);
    assert!(seen.iter().all(|message| message["S"] == "AAPL"));
    let stamps: Vec<&str> = of("q").iter().filter_map(|m| m["t"].as_str()).collect();
    assert!(stamps.is_sorted());
    // The same trades stand in the history.
    let history = "/v2/stocks/AAPL/trades?start=2019-01-03T15:00:00Z&end=2019-01-03T15:01:01Z";
    let history = desk.get(history).await["trades"].as_array().unwrap().len();
    assert!(history.abs_diff(of("t").len()) <= 1);

    desk.admin("POST", "/atlas/v1/halts", &json!({ "symbol": "AAPL", "halted": true })).await;
    let status = socket.next().await;
    assert_eq!((&status[0]["T"], &status[0]["sc"]), (&json!("s"), &json!("H")));
    let told = socket.ask(&json!({ "action": "unsubscribe", "bars": ["*"] })).await;
    assert_eq!(told[0]["bars"], json!([]));
}

#[tokio::test]
async fn what_a_feed_refuses() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = Socket::open(&desk, "/v2/sip", &[]).await;
    assert_eq!(socket.next().await, json!([{ "T": "success", "msg": "connected" }]));
    let code = |answer: Value| answer[0]["code"].as_i64().unwrap();
    let subscribe = json!({ "action": "subscribe", "bars": ["AAPL"] });
    assert_eq!(code(socket.ask(&subscribe).await), 401);
    let wrong = json!({ "action": "auth", "key": "x", "secret": "y" });
    assert_eq!(code(socket.ask(&wrong).await), 402);
    let keys = json!({
        "action": "auth", "key": desk.server.key_id, "secret": desk.server.secret.expose(),
    });
    assert_eq!(socket.ask(&keys).await[0]["msg"], "authenticated");
    assert_eq!(code(socket.ask(&keys).await), 403);
    assert_eq!(code(socket.ask(&json!({ "action": "dance" })).await), 400);
    let books = json!({ "action": "subscribe", "orderbooks": ["AAPL"] });
    assert_eq!(code(socket.ask(&books).await), 410);
    socket.send(Message::text("{")).await;
    assert_eq!(code(socket.next().await), 400);
    let reply = desk.ask("GET", "/v2/iex", "").await.unwrap();
    assert!((400..500).contains(&reply.status), "{}", reply.status);
}

#[tokio::test]
async fn crypto_and_message_pack_with_keys_in_the_handshake() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let secret = desk.server.secret.expose().to_owned();
    let headers = [
        ("Content-Type", "application/msgpack"),
        ("APCA-API-KEY-ID", desk.server.key_id.as_str()),
        ("APCA-API-SECRET-KEY", secret.as_str()),
    ];
    let mut socket = Socket::open(&desk, "/v1beta3/crypto/us", &headers).await;
    assert_eq!(socket.next().await[0]["msg"], "connected");
    assert_eq!(socket.next().await[0]["msg"], "authenticated");
    let command = json!({ "action": "subscribe", "trades": ["BTC/USD"], "orderbooks": ["*"] });
    socket.send(Message::binary(msgpack::encode(&command, false))).await;
    assert_eq!(socket.next().await[0]["trades"], json!(["BTC/USD"]));
    desk.step(20_000).await;
    let Message::Binary(bytes) = socket.frame().await else { panic!("a binary frame") };
    // The moments are timestamps of the format's own kind.
    assert!(bytes.windows(5).any(|part| part == [0xa1, b't', 0xc7, 12, 0xff]));
}

#[tokio::test]
async fn order_updates_by_websocket_in_binary_frames() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = Socket::open(&desk, "/stream", &[]).await;
    let listen = json!({ "action": "listen", "data": { "streams": ["trade_updates", "x"] } });
    assert_eq!(socket.ask(&listen).await["data"]["status"], "unauthorized");
    let keys = json!({ "action": "authenticate", "data": {
        "key_id": desk.server.key_id, "secret_key": desk.server.secret.expose(),
    }});
    assert_eq!(socket.ask(&keys).await["data"]["status"], "authorized");
    assert_eq!(socket.ask(&listen).await["data"]["streams"], json!(["trade_updates"]));
    desk.send(buy("1", "a")).await;
    let Message::Binary(bytes) = socket.frame().await else { panic!("a binary frame") };
    let first: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(first["data"]["event"], "pending_new");
    assert_eq!(socket.next().await["data"]["event"], "new");
    let fill = socket.next().await;
    assert_eq!((&fill["data"]["event"], &fill["data"]["qty"]), (&json!("fill"), &json!("1")));
}

#[tokio::test]
async fn connections_and_symbols_can_be_limited() {
    let stream_limits = StreamLimits { connections: Some(1), symbols: Some(1) };
    let desk = Desk::paper(ServeOptions { stream_limits, ..ServeOptions::default() }).await;
    let mut first = Socket::feed(&desk, "/v2/iex").await;
    let mut second = Socket::open(&desk, "/v2/iex", &[]).await;
    assert_eq!(second.next().await[0]["msg"], "connected");
    let keys = json!({
        "action": "auth", "key": desk.server.key_id, "secret": desk.server.secret.expose(),
    });
    assert_eq!(second.ask(&keys).await[0]["code"], 406);
    assert_eq!(second.next().await, Value::Null);
    // Another endpoint has places of its own.
    drop(Socket::feed(&desk, "/v2/sip").await);
    let two = json!({ "action": "subscribe", "trades": ["AAPL"], "quotes": ["MSFT"] });
    assert_eq!(first.ask(&two).await[0]["code"], 405);
    let one = json!({ "action": "subscribe", "trades": ["AAPL"], "bars": ["*"] });
    assert_eq!(first.ask(&one).await[0]["trades"], json!(["AAPL"]));
    drop(first);
    loop {
        // The place is free as soon as the server has seen the end of the first one.
        let mut again = Socket::open(&desk, "/v2/iex", &[]).await;
        again.next().await;
        if again.ask(&keys).await[0]["msg"] == "authenticated" {
            break;
        }
    }
}
