//! Accounts, orders, positions, lists and the older endpoints.

use std::sync::Arc;

use atlas_core::time::FixedClock;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::super::{ServeOptions, serve};
use super::{Desk, buy};
use crate::core::tests::{at, listings};
use crate::{Error, Fault, Target, Venue, VenueConfig};

#[tokio::test]
async fn one_order_from_the_account_to_the_ledger() {
    let desk = Desk::open(ServeOptions::default()).await;
    let account = desk.get("/v2/account").await;
    assert_eq!((&account["cash"], &account["status"]), (&json!("100000"), &json!("ACTIVE")));
    let quote = desk.get("/v2/stocks/quotes/latest?symbols=AAPL").await;
    assert_eq!(quote["quotes"]["AAPL"]["ap"].to_string(), "144.072");

    let reply = desk.send(buy("10", "first")).await;
    assert_eq!((reply.status, &reply.json()["status"]), (200, &json!("pending_new")));
    assert!(reply.head.contains("x-request-id") && reply.head.contains("x-ratelimit-remaining"));
    let id = reply.json()["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/v2/orders/{id}"),
        format!("/v2/orders/{}", id.replace('-', "")),
        "/v2/orders:by_client_order_id?client_order_id=first".to_owned(),
        "/v2/orders%3Aby_client_order_id?client_order_id=first".to_owned(),
    ] {
        let order = desk.get(&path).await;
        assert_eq!(order["status"], "filled", "{path}");
        assert_eq!(order["filled_avg_price"], "144.072");
        assert_eq!(order["filled_qty"], "10");
        assert_eq!(order["limit_price"], Value::Null);
    }
    let position = desk.get("/v2/positions/AAPL").await;
    assert_eq!((&position["qty"], &position["cost_basis"]), (&json!("10"), &json!("1440.72")));
    let ledger = desk.get("/v2/account/activities?direction=asc").await;
    assert_eq!(
        (&ledger[0]["activity_type"], &ledger[1]["activity_type"]),
        (&json!("CSD"), &json!("FILL"))
    );
    assert_eq!(ledger[1]["order_id"], json!(id));
    let first = ledger[0]["id"].as_str().unwrap();
    let path = format!("/v2/account/activities/FILL?direction=asc&page_token={first}");
    let rest = desk.get(&path).await;
    assert_eq!(rest.as_array().unwrap().len(), 1);
    desk.server.stop().await;
}

#[tokio::test]
async fn errors_have_alpacas_codes() {
    let desk = Desk::open(ServeOptions::default()).await;
    let check = async |order: Value, status: u16, code: i64| {
        let reply = desk.send(order.clone()).await;
        assert_eq!((reply.status, reply.json()["code"].as_i64()), (status, Some(code)), "{order}");
        reply.json()
    };
    let body = check(buy("10000", "a"), 403, 40_310_000).await;
    assert_eq!(body["message"], "insufficient buying power");
    assert!(body["buying_power"].is_string() && body["cost_basis"].is_string());
    check(buy("0", "a"), 422, 40_010_001).await;
    check(buy("-1", "a"), 422, 40_010_001).await;
    check(json!({"symbol": "AAPL", "side": "buy"}), 422, 40_010_001).await;
    check(json!(["AAPL", "1", null, "buy", "market", "day"]), 400, 40_010_000).await;
    check(json!({"symbol": "NOPE", "qty": 1, "side": "buy", "type": "market", "time_in_force": "day"}), 422, 42_210_000).await;
    assert_eq!(desk.send(buy("1", "twice")).await.status, 200);
    check(buy("1", "twice"), 422, 40_010_001).await;
    let malformed = desk.ask("POST", "/v2/orders", "{").await.unwrap();
    assert_eq!((malformed.status, malformed.json()["code"].as_i64()), (400, Some(40_010_000)));
    for path in
        ["/v2/orders/61e69015-8549-4bfd-b9c3-01e75843f47d", "/v2/nothing", "/v2/positions/XOM"]
    {
        let reply = desk.ask("GET", path, "").await.unwrap();
        assert_eq!(
            (reply.status, reply.json()["code"].as_i64()),
            (404, Some(40_410_000)),
            "{path}"
        );
    }
}

#[tokio::test]
async fn only_the_key_pair_opens() {
    let desk = Desk::open(ServeOptions::default()).await;
    let wrong = "APCA-API-KEY-ID: PKX\r\nAPCA-API-SECRET-KEY: no";
    for headers in [wrong, "X-Nothing: 1", "Authorization: Basic eDp5"] {
        let reply = desk.ask_as(headers, "GET", "/v2/account", "").await.unwrap();
        assert_eq!(reply.status, 401);
        assert_eq!(reply.json(), json!({"message": "unauthorized."}));
    }
    let reply = desk.ask("GET", "/atlas/v1/clock", "").await.unwrap();
    assert_eq!(reply.status, 401, "the key pair is no admin token");
}

#[tokio::test]
async fn lists_walk_through_every_order_once() {
    let desk = Desk::open(ServeOptions::default()).await;
    for n in 0..7 {
        let order = json!({
            "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": 100.0,
            "time_in_force": "gtc", "client_order_id": format!("n{n}"),
        });
        assert_eq!(desk.send(order).await.status, 200);
    }
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = desk.get(&format!("/v2/orders?direction=asc&limit=3{after}")).await;
        let page = page.as_array().unwrap().clone();
        let Some(last) = page.last() else { break };
        after = format!("&after_order_id={}", last["id"].as_str().unwrap());
        seen.extend(page.iter().map(|order| order["client_order_id"].clone()));
    }
    assert_eq!(seen, ["n0", "n1", "n2", "n3", "n4", "n5", "n6"]);
    let reply = desk.ask("DELETE", "/v2/orders", "").await.unwrap();
    assert_eq!((reply.status, reply.json().as_array().unwrap().len()), (207, 7));
    assert_eq!(desk.get("/v2/orders").await, json!([]));
    let id = desk.get("/v2/orders?status=closed&limit=1").await[0]["id"].clone();
    let again = desk.ask("DELETE", &format!("/v2/orders/{}", id.as_str().unwrap()), "").await;
    assert_eq!(again.unwrap().status, 204);
}

#[tokio::test]
async fn bars_end_where_the_clock_stands() {
    let desk = Desk::open(ServeOptions::default()).await;
    let path = "/v2/stocks/bars?symbols=AAPL,XOM&timeframe=1Day&start=2018-01-01";
    let bars = desk.get(path).await;
    let aapl = bars["bars"]["AAPL"].as_array().unwrap();
    // The second one is today's, as far as it has come; a series of closes is not known yet.
    assert_eq!((aapl.len(), bars["bars"]["XOM"].as_array().unwrap().len()), (2, 1));
    assert_eq!(aapl[1]["c"], aapl[1]["o"]);
    desk.venue.settle_day().unwrap();
    let (mut seen, mut token) = (Vec::new(), String::new());
    loop {
        let page = desk.get(&format!("{path}&limit=1{token}")).await;
        for (symbol, bars) in page["bars"].as_object().unwrap() {
            seen.extend(bars.as_array().unwrap().iter().map(|b| format!("{symbol} {}", b["c"])));
        }
        let Some(next) = page["next_page_token"].as_str() else { break };
        token = format!("&page_token={next}");
    }
    assert_eq!(seen, ["AAPL 157", "AAPL 142.5", "XOM 50.123456", "XOM 49.5"]);
    let clock = desk.get("/v2/clock").await;
    assert_eq!(
        (&clock["is_open"], &clock["next_open"]),
        (&json!(false), &json!("2019-01-04T09:30:00-05:00"))
    );
    let days = desk.get("/v2/calendar?start=2019-01-01&end=2019-01-03").await;
    assert_eq!(days.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn scripted_faults_happen_once() {
    let desk = Desk::open(ServeOptions::default()).await;
    let faults = desk.server.faults();
    let orders = || desk.venue.inspect(|exchange| exchange.orders().len());

    faults.script(Target::Submit, Fault::DropBefore);
    assert!(desk.ask("POST", "/v2/orders", &buy("1", "a").to_string()).await.is_err());
    assert_eq!(orders(), 0);
    faults.script(Target::Submit, Fault::DropAfter);
    assert!(desk.ask("POST", "/v2/orders", &buy("1", "b").to_string()).await.is_err());
    assert_eq!(orders(), 1);
    faults.script(Target::Submit, Fault::FailAfter(503));
    let reply = desk.send(buy("1", "c")).await;
    assert_eq!((reply.status, orders()), (503, 2));
    assert!(reply.body.starts_with("<html>"));
    faults.script(Target::Submit, Fault::PartialFill("0.5".parse().unwrap()));
    assert_eq!(desk.send(buy("10", "d")).await.status, 200);
    let order = desk.get("/v2/orders:by_client_order_id?client_order_id=d").await;
    assert_eq!((&order["status"], &order["filled_qty"]), (&json!("partially_filled"), &json!("5")));
    let admin = format!("Atlas-Admin-Token: {}", desk.server.admin_token.expose());
    let script = r#"{"target": "read", "fault": {"fail_before": 500}}"#;
    let reply = desk.ask_as(&admin, "POST", "/atlas/v1/faults", script).await.unwrap();
    assert_eq!(reply.json()["pending"], 1);
    assert_eq!(desk.ask("GET", "/v2/account", "").await.unwrap().status, 500);
    assert_eq!(desk.ask("GET", "/v2/account", "").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_hanging_request_does_not_keep_the_server_from_stopping() {
    let desk = Desk::open(ServeOptions::default()).await;
    desk.server.faults().script(Target::Submit, Fault::HangAfter);
    let Desk { venue, server } = desk;
    let mut socket = TcpStream::connect(server.addr).await.unwrap();
    let body = buy("1", "a").to_string();
    let request = format!(
        "POST /v2/orders HTTP/1.1\r\nHost: v\r\nAPCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        server.key_id,
        server.secret.expose(),
        body.len()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    while venue.inspect(|exchange| exchange.orders().is_empty()) {
        tokio::task::yield_now().await;
    }
    server.stop().await;
}

/// A websocket with just enough of RFC 6455: one frame a message, masked with zeros.
struct Ear(TcpStream);

impl Ear {
    async fn open(desk: &Desk) -> Self {
        let mut socket = TcpStream::connect(desk.server.addr).await.unwrap();
        let request = "GET /stream HTTP/1.1\r\nHost: venue\r\nConnection: Upgrade\r\n\
                       Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await.unwrap());
        }
        assert!(head.starts_with(b"HTTP/1.1 101"));
        Self(socket)
    }

    async fn say(&mut self, message: Value) {
        let text = message.to_string();
        let length = u16::try_from(text.len()).unwrap().to_be_bytes();
        let mut frame = vec![0x81, 0xfe, length[0], length[1], 0, 0, 0, 0];
        frame.extend(text.as_bytes());
        self.0.write_all(&frame).await.unwrap();
    }

    /// The next message; `None` once the server has closed.
    async fn hear(&mut self) -> Option<Value> {
        let mut start = [0; 2];
        self.0.read_exact(&mut start).await.ok()?;
        let length = match start[1] {
            126 => self.0.read_u16().await.ok()?.into(),
            short => u64::from(short),
        };
        let mut body = vec![0; usize::try_from(length).unwrap()];
        self.0.read_exact(&mut body).await.ok()?;
        (start[0] == 0x82).then(|| serde_json::from_slice(&body).unwrap())
    }

    async fn listen(desk: &Desk) -> Self {
        let mut ear = Self::open(desk).await;
        let (key, secret) = (&desk.server.key_id, desk.server.secret.expose());
        ear.say(json!({"action": "auth", "key": key, "secret": secret})).await;
        assert_eq!(ear.hear().await.unwrap()["data"]["status"], "authorized");
        ear.say(json!({"action": "listen", "data": {"streams": ["trade_updates", "x"]}})).await;
        let heard = ear.hear().await.unwrap();
        assert_eq!(heard, json!({"stream": "listening", "data": {"streams": ["trade_updates"]}}));
        ear
    }
}

#[tokio::test]
async fn updates_are_told_as_they_happen() {
    let desk = Desk::open(ServeOptions::default()).await;
    let mut ear = Ear::listen(&desk).await;
    assert_eq!(desk.send(buy("10", "a")).await.status, 200);
    for event in ["pending_new", "new", "fill"] {
        let heard = ear.hear().await.unwrap();
        assert_eq!(heard["data"]["event"], event);
        assert!(heard["data"]["execution_id"].is_string());
        assert_eq!(heard["data"]["order"]["client_order_id"], "a");
        if event == "fill" {
            let data = &heard["data"];
            assert_eq!((&data["price"], &data["qty"]), (&json!("144.072"), &json!("10")));
            assert_eq!(data["position_qty"], "10");
        }
    }
    desk.server.faults().script(Target::Update, Fault::Repeat);
    desk.server.faults().script(Target::Update, Fault::Skip);
    desk.server.faults().script(Target::Update, Fault::DropBefore);
    assert_eq!(desk.send(buy("10", "b")).await.status, 200);
    assert_eq!(ear.hear().await.unwrap()["data"]["event"], "pending_new");
    assert_eq!(ear.hear().await.unwrap()["data"]["event"], "pending_new");
    assert!(ear.hear().await.is_none());
    desk.server.stop().await;
}

#[tokio::test]
async fn a_stranger_hears_nothing() {
    let desk = Desk::open(ServeOptions::default()).await;
    let mut ear = Ear::open(&desk).await;
    ear.say(json!({"action": "listen", "data": {"streams": ["trade_updates"]}})).await;
    let unauthorized = |action: &str| {
        json!({
            "stream": "authorization",
            "data": {"status": "unauthorized", "action": action},
        })
    };
    assert_eq!(ear.hear().await.unwrap(), unauthorized("listen"));
    let data = json!({"key_id": desk.server.key_id, "secret_key": "no"});
    ear.say(json!({"action": "authenticate", "data": data})).await;
    assert_eq!(ear.hear().await.unwrap(), unauthorized("authenticate"));
    ear.say(json!("nonsense")).await;
    assert_eq!(ear.hear().await.unwrap()["action"], "error");
    desk.server.stop().await;
    assert!(ear.hear().await.is_none());
}

#[tokio::test]
async fn orders_with_exits_replacements_and_closing() {
    let desk = Desk::open(ServeOptions::default()).await;
    let bracket = json!({
        "symbol": "AAPL", "qty": "10", "side": "buy", "type": "limit", "limit_price": "140",
        "time_in_force": "gtc", "order_class": "bracket",
        "take_profit": {"limit_price": "150"}, "stop_loss": {"stop_price": "130"},
    });
    let taken = desk.send(bracket).await.json();
    let statuses = [&taken["legs"][0]["status"], &taken["legs"][1]["status"]];
    assert_eq!(statuses, [&json!("held"), &json!("held")]);
    assert_eq!(desk.get("/v2/orders?nested=True").await.as_array().unwrap().len(), 1);
    assert_eq!(desk.get("/v2/orders").await.as_array().unwrap().len(), 3);
    let path = format!("/v2/orders/{}", taken["id"].as_str().unwrap());
    let moved = desk.ask("PATCH", &path, r#"{"limit_price": "145"}"#).await.unwrap();
    assert_eq!((moved.status, &moved.json()["replaces"]), (200, &taken["id"]));
    // The new limit is marketable: the entry fills, the exits come to work.
    let position = desk.get("/v2/positions/AAPL").await;
    assert_eq!((&position["qty"], &position["qty_available"]), (&json!("10"), &json!("0")));
    let blocked = desk.ask("DELETE", "/v2/positions/AAPL", "").await.unwrap();
    assert_eq!((blocked.status, &blocked.json()["held_for_orders"]), (403, &json!("10")));
    let closed = desk.ask("DELETE", "/v2/positions?cancel_orders=true", "").await.unwrap();
    assert_eq!((closed.status, &closed.json()[0]["status"]), (207, &json!(200)));
    assert_eq!(desk.get("/v2/positions").await, json!([]));
    desk.venue.settle_day().unwrap();
    let history = desk.get("/v2/account/portfolio/history?period=1W&timeframe=1D").await;
    assert_eq!(history["timestamp"].as_array().unwrap().len(), 1);
    let equity = desk.get("/v2/account").await["equity"].as_str().unwrap().to_owned();
    assert_eq!(history["equity"][0].to_string(), equity);
}

#[tokio::test]
async fn watchlists_come_and_go() {
    let desk = Desk::open(ServeOptions::default()).await;
    let ask = async |method: &str, path: &str, body: Value, status: u16| {
        let reply = desk.ask(method, path, &body.to_string()).await.unwrap();
        assert_eq!(reply.status, status, "{method} {path}: {}", reply.body);
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    };
    let body = json!({"name": "mine", "symbols": ["AAPL"]});
    let made = ask("POST", "/v2/watchlists", body.clone(), 200).await;
    ask("POST", "/v2/watchlists", body, 422).await;
    ask("POST", "/v2/watchlists", json!({"name": "x", "symbols": ["NOPE"]}), 422).await;
    let path = format!("/v2/watchlists/{}", made["id"].as_str().unwrap());
    let more = ask("POST", &path, json!({"symbol": "XOM"}), 200).await;
    assert_eq!(more["assets"][1]["symbol"], "XOM");
    ask("DELETE", &format!("{path}/AAPL"), Value::Null, 200).await;
    let named = ask("GET", "/v2/watchlists:by_name?name=mine", Value::Null, 200).await;
    assert_eq!(named["assets"].as_array().unwrap().len(), 1);
    ask("PUT", &path, json!({"name": "ours", "symbols": ["AAPL", "AAPL"]}), 200).await;
    assert_eq!(desk.get("/v2/watchlists").await[0]["name"], "ours");
    ask("DELETE", &path, Value::Null, 204).await;
    ask("GET", &path, Value::Null, 404).await;
}

#[tokio::test]
async fn the_rate_limit_counts_by_its_own_clock() {
    let clock = Arc::new(FixedClock(at("2026-01-05T12:00:30Z")));
    let options = ServeOptions { rate_limit: Some((2, clock)), ..ServeOptions::default() };
    let desk = Desk::open(options).await;
    assert_eq!(desk.ask("GET", "/v2/clock", "").await.unwrap().status, 200);
    assert_eq!(desk.ask("GET", "/v2/clock", "").await.unwrap().status, 200);
    let reply = desk.ask("GET", "/v2/clock", "").await.unwrap();
    assert_eq!((reply.status, reply.json()["code"].as_i64()), (429, Some(42_910_000)));
    assert!(reply.head.contains("x-ratelimit-reset: 1767614460"), "{}", reply.head);
}

#[tokio::test]
async fn other_addresses_need_permission() {
    let config = VenueConfig::realistic(at("2019-01-03T14:35:00Z"));
    let venue = Venue::open(None, config, listings()).unwrap();
    let refused = serve(venue, "0.0.0.0:0".parse().unwrap(), ServeOptions::default()).await;
    assert!(matches!(refused, Err(Error::NotLoopback { .. })));
}

#[tokio::test]
async fn an_order_for_extended_hours_works_in_regular_ones() {
    let desk = Desk::open(ServeOptions::default()).await;
    let order = |limit: &str, id: &str| {
        json!({ "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": limit,
                "time_in_force": "day", "extended_hours": true, "client_order_id": id })
    };
    let told = async |id: &str| {
        desk.get(&format!("/v2/orders:by_client_order_id?client_order_id={id}")).await
    };
    desk.send(order("100", "rests")).await;
    assert_eq!(told("rests").await["status"], "new");
    desk.venue.settle_day().unwrap();
    assert_eq!(told("rests").await["status"], "expired");
    // After the close and before the next opening there is nothing it could trade at.
    assert_eq!(desk.send(order("200", "waits")).await.json()["status"], "accepted");
    desk.venue.advance_to(at("2019-01-04T14:29:59Z")).unwrap();
    let waiting = told("waits").await;
    assert_eq!(
        (&waiting["status"], &waiting["extended_hours"]),
        (&json!("accepted"), &json!(true))
    );
    assert_eq!(waiting["expires_at"], "2019-01-04T21:00:00Z");
    desk.venue.advance_to(at("2019-01-04T14:30:00Z")).unwrap();
    assert_eq!(told("waits").await["status"], "filled");
}

#[tokio::test]
async fn open_orders_and_pages_are_found_among_many() {
    let desk = Desk::open(ServeOptions::default()).await;
    for n in 0..6 {
        let limit = if n % 2 == 0 { "100" } else { "200" };
        let order = json!({ "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit",
            "limit_price": limit, "time_in_force": "gtc", "client_order_id": format!("n{n}") });
        assert_eq!(desk.send(order).await.status, 200);
    }
    let names = async |query: &str| {
        let page = desk.get(&format!("/v2/orders?{query}")).await;
        let names = page.as_array().unwrap().iter().map(|order| order["client_order_id"].clone());
        names.map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let id = async |name: &str| {
        let path = format!("/v2/orders:by_client_order_id?client_order_id={name}");
        desk.get(&path).await["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(names("").await, ["n4", "n2", "n0"]);
    assert_eq!(names("direction=asc&limit=2").await, ["n0", "n2"]);
    assert_eq!(names("status=closed").await, ["n5", "n3", "n1"]);
    let (first, last) = (id("n1").await, id("n4").await);
    let between = format!("status=all&after_order_id={first}&before_order_id={last}");
    assert_eq!(names(&between).await, ["n3", "n2"]);
    assert_eq!(names(&format!("after_order_id={first}")).await, ["n4", "n2"]);
    let backwards = format!("status=all&after_order_id={last}&before_order_id={first}");
    assert_eq!(names(&backwards).await, Vec::<String>::new());
    assert_eq!(names("status=all&asset_class=us_option").await, Vec::<String>::new());
}

#[tokio::test]
async fn assets_by_status_and_attributes() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let count = async |query: &str| {
        desk.get(&format!("/v2/assets?{query}")).await.as_array().unwrap().len()
    };
    assert_eq!((count("").await, count("status=all").await), (1, 1));
    assert_eq!((count("status=active").await, count("status=inactive").await), (1, 0));
    assert_eq!((count("attributes=").await, count("attributes=has_options").await), (1, 0));
}

#[tokio::test]
async fn the_owner_forbids_shorting_and_fractions() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let set = async |body: Value| {
        let reply = desk.ask("PATCH", "/v2/account/configurations", &body.to_string()).await;
        reply.unwrap()
    };
    let order = |size: (&str, &str), side: &str| {
        json!({ "symbol": "AAPL", size.0: size.1, "side": side, "type": "market",
                "time_in_force": "day" })
    };
    assert_eq!(desk.send(order(("qty", "1.5"), "buy")).await.status, 200);
    let told = set(json!({ "no_shorting": true, "fractional_trading": false })).await.json();
    assert_eq!((&told["no_shorting"], &told["fractional_trading"]), (&json!(true), &json!(false)));
    assert_eq!(desk.get("/v2/account").await["shorting_enabled"], false);
    assert_eq!(desk.send(order(("notional", "50"), "buy")).await.status, 403);
    // What is held can be closed.
    assert_eq!(desk.send(order(("qty", "1.5"), "sell")).await.status, 200);
    assert_eq!(desk.send(order(("qty", "1"), "sell")).await.status, 403);
    let told = set(json!({ "no_shorting": false, "fractional_trading": true })).await.json();
    assert_eq!((&told["no_shorting"], &told["fractional_trading"]), (&json!(false), &json!(true)));
    assert_eq!(desk.send(order(("qty", "1"), "sell")).await.status, 200);
    // The owner may do with less credit, not with more.
    let power = async || desk.get("/v2/account").await["buying_power"].clone();
    let before = power().await;
    let told = set(json!({ "max_margin_multiplier": "1", "trade_confirm_email": "all" })).await;
    assert_eq!(told.json()["max_margin_multiplier"], "1");
    assert_eq!(told.json()["trade_confirm_email"], "all");
    assert_eq!(desk.get("/v2/account").await["multiplier"], "1");
    assert_ne!(power().await, before);
    assert_eq!(set(json!({ "max_margin_multiplier": 4 })).await.status, 200);
    assert_eq!(power().await, before);
    for wrong in [
        json!({ "max_margin_multiplier": "3" }),
        json!({ "max_options_trading_level": 2 }),
        json!({ "trade_confirm_email": "some", "suspend_trade": true }),
    ] {
        assert_eq!(set(wrong.clone()).await.status, 422, "{wrong}");
    }
    assert_eq!(desk.get("/v2/account/configurations").await["suspend_trade"], false);
    // A cash account has no right to give back.
    let desk = Desk::open(ServeOptions::default()).await;
    for body in [json!({ "no_shorting": false }), json!({ "max_margin_multiplier": "2" })] {
        let reply = desk.ask("PATCH", "/v2/account/configurations", &body.to_string()).await;
        assert_eq!(reply.unwrap().status, 422, "{body}");
    }
}

#[tokio::test]
async fn a_portfolio_history_of_minutes_follows_the_price() {
    let desk = Desk::open(ServeOptions::default()).await;
    let order = json!({ "symbol": "AAPL", "qty": "10", "side": "buy", "type": "market",
                        "time_in_force": "day" });
    assert_eq!(desk.send(order).await.status, 200);
    desk.step(7_200_000).await;
    let ask = async |query: &str| {
        let path = format!("/v2/account/portfolio/history?{query}");
        desk.ask("GET", &path, "").await.unwrap()
    };
    let history = ask("period=1D&timeframe=15Min").await.json();
    let count = history["timestamp"].as_array().unwrap().len();
    assert!(count > 5, "{history}");
    let equity = desk.get("/v2/account").await["equity"].as_str().unwrap().to_owned();
    let now = desk.get("/v2/account/portfolio/history?period=1D").await;
    assert_eq!(now["timeframe"], "1Min");
    let last = now["equity"].as_array().unwrap().last().unwrap().as_f64().unwrap();
    // A number here, a text there: the last digit may be rounded another way.
    assert!((last - equity.parse::<f64>().unwrap()).abs() < 1e-4, "{last} {equity}");
    for bad in ["timeframe=2Min", "timeframe=5Min&period=2M", "intraday_reporting=x"] {
        let reply = ask(bad).await;
        assert_eq!((reply.status, reply.json()["code"].as_i64()), (400, Some(40_010_000)), "{bad}");
    }
}

#[tokio::test]
async fn an_order_does_what_its_sender_means() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let meant = |side: &str, intent: &str| {
        json!({ "symbol": "AAPL", "qty": "1", "side": side, "type": "market",
                "time_in_force": "day", "position_intent": intent })
    };
    for (side, intent, code) in [
        ("sell", "sell_to_close", 42_210_000),
        ("buy", "buy_to_close", 42_210_000),
        ("buy", "sell_to_open", 42_210_000),
        ("buy", "nonsense", 40_010_001),
    ] {
        let reply = desk.send(meant(side, intent)).await;
        assert_eq!((reply.status, &reply.json()["code"]), (422, &json!(code)), "{intent}");
    }
    for (side, intent) in [("buy", "buy_to_open"), ("sell", "sell_to_close")] {
        let reply = desk.send(meant(side, intent)).await;
        assert_eq!((reply.status, &reply.json()["position_intent"]), (200, &json!(intent)));
    }
}

#[tokio::test]
async fn amounts_have_nine_decimals_at_most() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let amount = |amount: &str| {
        json!({ "symbol": "AAPL", "notional": amount, "side": "buy", "type": "market",
                "time_in_force": "day" })
    };
    let refused = desk.send(amount("10.1234567891")).await;
    assert_eq!((refused.status, &refused.json()["code"]), (422, &json!(40_010_001)));
    assert_eq!(desk.send(amount("10.12345678900")).await.status, 200);
}
