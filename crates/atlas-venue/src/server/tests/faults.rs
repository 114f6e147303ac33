//! Faults over HTTP and websockets.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::ServeOptions;
use super::socket::Socket;
use super::{Desk, buy};
use crate::{Fault, Target};

async fn updates(desk: &Desk) -> Socket {
    let mut socket = Socket::open(desk, "/stream", &[]).await;
    let keys = json!({
        "action": "auth", "key": desk.server.key_id, "secret": desk.server.secret.expose(),
    });
    socket.ask(&keys).await;
    socket.ask(&json!({ "action": "listen", "data": { "streams": ["trade_updates"] } })).await;
    socket
}

/// The events of one filled order, as a client hears them.
async fn heard(desk: &Desk, fault: Fault, id: &str, count: usize) -> Vec<String> {
    let mut socket = updates(desk).await;
    desk.server.faults().script(Target::Update, fault);
    desk.send(buy("1", id)).await;
    let mut events = Vec::new();
    while events.len() < count {
        let message = socket.next().await;
        events.push(message["data"]["event"].as_str().unwrap_or("closed").to_owned());
    }
    events
}

#[tokio::test]
async fn messages_get_lost_repeated_late_and_out_of_order() {
    let desk = Desk::paper(ServeOptions::default()).await;
    assert_eq!(heard(&desk, Fault::Skip, "a", 2).await, ["new", "fill"]);
    let twice = heard(&desk, Fault::Repeat, "b", 4).await;
    assert_eq!(twice, ["pending_new", "pending_new", "new", "fill"]);
    let late = heard(&desk, Fault::Delay(Duration::from_millis(1)), "c", 3).await;
    assert_eq!(late, ["pending_new", "new", "fill"]);
    assert_eq!(heard(&desk, Fault::Swap, "d", 3).await, ["new", "pending_new", "fill"]);
    assert_eq!(heard(&desk, Fault::DropBefore, "e", 1).await, ["closed"]);
    let without = heard(&desk, Fault::Without("event".to_owned()), "f", 2).await;
    assert_eq!(without, ["closed", "new"]);
}

#[tokio::test]
async fn a_socket_falls_silent() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = updates(&desk).await;
    desk.server.faults().script(Target::Update, Fault::HangBefore);
    desk.send(buy("1", "a")).await;
    // It says no more before the server ends.
    let Desk { server, .. } = desk;
    server.stop().await;
    assert_eq!(socket.next().await, Value::Null);
}

#[tokio::test]
async fn a_stream_refuses_a_second_connection() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let rule = json!({ "target": "connect", "fault": { "reject":
        { "status": 406, "code": 0, "message": "connection limit exceeded" } } });
    assert_eq!(desk.admin("POST", "/atlas/v1/faults", &rule).await.status, 200);
    let mut socket = Socket::open(&desk, "/v2/iex", &[]).await;
    assert_eq!(socket.next().await[0]["code"], 406);
    assert_eq!(socket.next().await, Value::Null);
    drop(Socket::feed(&desk, "/v2/iex").await);
}

#[tokio::test]
async fn a_canceled_order_is_filled_before_the_cancellation_comes() {
    let desk = Desk::paper(ServeOptions::default()).await;
    // The day falls from 144 to 142.5 and rises before that.
    let limit = |id: &str, price: &str| {
        json!({ "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": price,
                "time_in_force": "day", "client_order_id": id })
    };
    for (id, price, millis, status) in
        [("fills", "143.90", 14_400_000, "filled"), ("rests", "100", 3_600_000, "canceled")]
    {
        let order = desk.send(limit(id, price)).await.json();
        let path = format!("/v2/orders/{}", order["id"].as_str().unwrap());
        let rule = json!({ "target": "change", "fault": { "late_cancel": millis } });
        desk.admin("POST", "/atlas/v1/faults", &rule).await;
        assert_eq!(desk.ask("DELETE", &path, "").await.unwrap().status, 204);
        assert_eq!(desk.get(&path).await["status"], "pending_cancel");
        desk.step(millis - 1_000_000).await;
        desk.step(1_000_001).await;
        // The cancellation is another task's.
        while desk.get(&path).await["status"] == "pending_cancel" {
            tokio::task::yield_now().await;
        }
        assert_eq!(desk.get(&path).await["status"], status, "{id}");
    }
}

#[tokio::test]
async fn answers_are_wrong_about_time_prices_and_fields() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let script = async |rule: Value| {
        assert_eq!(desk.admin("POST", "/atlas/v1/faults", &rule).await.status, 200);
    };
    script(json!({ "target": "read", "fault": { "skew": -3_600_000 } })).await;
    assert_eq!(desk.get("/v2/clock").await["timestamp"], "2019-01-03T09:00:00-05:00");
    assert_eq!(desk.get("/v2/clock").await["timestamp"], "2019-01-03T10:00:00-05:00");
    desk.step(3_600_000).await;
    let price = async || {
        let quote = desk.get("/v2/stocks/quotes/latest?symbols=AAPL").await;
        quote["quotes"]["AAPL"]["ap"].to_string()
    };
    let fresh = price().await;
    script(json!({ "target": "read", "fault": { "stale": 3_600_000 } })).await;
    assert_eq!(price().await, "144");
    assert_eq!(price().await, fresh);
    assert_ne!(fresh, "144");
    script(json!({ "target": "read", "fault": { "without": "cash" } })).await;
    assert!(desk.get("/v2/account").await.get("cash").is_none());
    let instead = json!({ "field": "status", "value": "WEIRD" });
    script(json!([{ "target": "read", "fault": { "instead": instead }, "times": 2 }])).await;
    assert_eq!(desk.get("/v2/account").await["status"], "WEIRD");
    assert_eq!(desk.get("/v2/account").await["status"], "WEIRD");
    assert_eq!(desk.get("/v2/account").await["status"], "ACTIVE");
}

#[tokio::test]
async fn a_script_can_be_random_and_is_checked() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let failures = async || {
        desk.admin("POST", "/atlas/v1/faults", &json!({ "seed": 5 })).await;
        let mut failed = Vec::new();
        for _ in 0..40 {
            failed.push(desk.ask("GET", "/v2/clock", "").await.unwrap().status == 503);
        }
        failed
    };
    let rule = json!({ "target": "read", "fault": { "fail_before": 503 }, "chance": 0.3 });
    desk.admin("POST", "/atlas/v1/faults", &rule).await;
    let first = failures().await;
    assert_eq!(first, failures().await);
    assert!(first.iter().any(|failed| *failed) && first.iter().any(|failed| !failed));
    assert_eq!(desk.admin("DELETE", "/atlas/v1/faults", &Value::Null).await.status, 204);
    for (body, word) in [
        (json!({ "target": "read", "fault": "explode" }), "explode"),
        (json!({ "target": "all", "fault": "skip" }), "all"),
        (json!({ "target": "feed", "fault": "skip", "chance": 2 }), "chance"),
        (json!({ "target": "feed", "fault": "skip", "often": true }), "often"),
        (json!({ "target": "read", "fault": "swap" }), "\"swap\\\" cannot happen to the target"),
        (json!([{ "target": "update", "fault": { "stale": 1 } }]), "cannot happen"),
        (json!({ "target": "connect", "fault": { "without": "x" } }), "cannot happen"),
        (json!({ "target": "change", "fault": { "partial_fill": "0.5" } }), "cannot happen"),
        (json!({ "target": "feed", "fault": "skip", "path": "/v2" }), "path and account"),
        (json!({ "seed": -1 }), "-1"),
    ] {
        let reply = desk.admin("POST", "/atlas/v1/faults", &body).await;
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.body.contains(word), "{}", reply.body);
    }
}

#[tokio::test]
async fn a_fault_is_aimed_and_waits_for_what_it_fits() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let faults = desk.server.faults();
    let script = async |rule: Value| {
        assert_eq!(desk.admin("POST", "/atlas/v1/faults", &rule).await.status, 200);
    };
    // The clock has no cash, and the account has.
    script(json!({ "target": "read", "fault": { "without": "cash" } })).await;
    desk.get("/v2/clock").await;
    assert_eq!(faults.pending(), 1);
    assert!(desk.get("/v2/account").await.get("cash").is_none());
    let with = json!({ "field": "brand_new", "value": { "deep": 1 } });
    let rule = json!({ "target": "read", "fault": { "with": with }, "path": "/v2/account" });
    script(rule).await;
    assert!(desk.get("/v2/clock").await.get("brand_new").is_none());
    assert_eq!(desk.get("/v2/account").await["brand_new"]["deep"], 1);
    script(json!({ "target": "read", "fault": { "fail_before": 503 }, "account": "nobody" })).await;
    desk.get("/v2/clock").await;
    // Settings are not orders.
    faults.clear();
    script(json!({ "target": "change", "fault": { "fail_before": 503 } })).await;
    let kept = desk.ask("PATCH", "/v2/account/configurations", "{}").await.unwrap();
    assert_eq!((kept.status, faults.pending()), (200, 1));
    assert_eq!(desk.ask("DELETE", "/v2/orders", "").await.unwrap().status, 503);
}

#[tokio::test]
async fn an_answer_comes_after_what_the_stream_tells() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = updates(&desk).await;
    let late = Fault::DelayAfter(Duration::from_hours(1));
    desk.server.faults().script(Target::Submit, late);
    let told = async {
        loop {
            let message = socket.next().await;
            if message["data"]["event"] == "fill" {
                return message["data"]["order"]["client_order_id"].clone();
            }
        }
    };
    tokio::select! {
        reply = desk.send(buy("1", "a")) => panic!("answered first: {}", reply.body),
        id = told => assert_eq!(id, "a"),
    }
}

#[tokio::test]
async fn halted_symbols_wait() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let halt = async |halted: bool| {
        let body = json!({ "symbol": "AAPL", "halted": halted });
        desk.admin("POST", "/atlas/v1/halts", &body).await.json()
    };
    assert_eq!(halt(true).await, json!({ "halted": ["AAPL"] }));
    desk.send(buy("1", "a")).await;
    let path = "/v2/orders:by_client_order_id?client_order_id=a";
    assert_ne!(desk.get(path).await["status"], "filled");
    assert_eq!(halt(false).await, json!({ "halted": [] }));
    assert_eq!(desk.get(path).await["status"], "filled");
    let unknown = json!({ "symbol": "ZZZ", "halted": true });
    assert_eq!(desk.admin("POST", "/atlas/v1/halts", &unknown).await.status, 404);
}

#[tokio::test]
async fn a_late_cancellation_is_told_and_leaves_other_requests_alone() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = updates(&desk).await;
    let order = json!({ "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit",
                        "limit_price": "100", "time_in_force": "gtc" });
    for _ in 0..2 {
        desk.send(order.clone()).await;
        assert_eq!(socket.next().await["data"]["event"], "pending_new");
        assert_eq!(socket.next().await["data"]["event"], "new");
    }
    desk.server.faults().script(Target::Change, Fault::LateCancel(1000));
    let nobody = "/v2/watchlists/61e69015-8549-4bfd-b9c3-01e75843f47d";
    assert_eq!(desk.ask("DELETE", nobody, "").await.unwrap().status, 404);
    assert_eq!(desk.server.faults().pending(), 1);
    let all = desk.ask("DELETE", "/v2/orders", "").await.unwrap();
    assert_eq!((all.status, all.json()[1]["status"].as_i64()), (207, Some(200)));
    assert_eq!(desk.server.faults().pending(), 0);
    for _ in 0..2 {
        let told = socket.next().await;
        assert_eq!(told["data"]["event"], "pending_cancel");
        assert_eq!(told["data"]["order"]["status"], "pending_cancel");
    }
    let open = desk.get("/v2/orders").await;
    assert_eq!(open[0]["status"], "pending_cancel");
    desk.step(1001).await;
    for _ in 0..2 {
        let told = socket.next().await;
        assert_eq!(told["data"]["event"], "canceled");
        assert_eq!(told["data"]["order"]["status"], "canceled");
    }
}

#[tokio::test]
async fn a_late_replacement_comes_or_is_lost_to_a_fill() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = updates(&desk).await;
    // The day falls from 144 to 142.5 and rises before that.
    let limit = |id: &str, price: &str| {
        json!({ "symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "limit_price": price,
                "time_in_force": "day", "client_order_id": id })
    };
    for (id, price, last, ends) in [
        ("rests", "100", "90", [("rests", "replaced", "replaced"), ("rests-2", "new", "new")]),
        (
            "fills",
            "143.90",
            "100",
            [("fills", "order_replace_rejected", "filled"), ("fills-2", "rejected", "rejected")],
        ),
    ] {
        let order = desk.send(limit(id, price)).await.json();
        for event in ["pending_new", "new"] {
            assert_eq!(socket.next().await["data"]["event"], event);
        }
        let rule = json!({ "target": "change", "fault": { "late_replace": 3_600_000 } });
        assert_eq!(desk.admin("POST", "/atlas/v1/faults", &rule).await.status, 200);
        let path = format!("/v2/orders/{}", order["id"].as_str().unwrap());
        // Cancellations, and orders nobody knows, leave the rule alone.
        let nobody = "/v2/orders/61e69015-8549-4bfd-b9c3-01e75843f47d";
        assert_eq!(desk.ask("PATCH", nobody, "{}").await.unwrap().status, 404);
        assert_eq!(desk.ask("DELETE", nobody, "").await.unwrap().status, 404);
        let name = format!("{id}-2");
        let wish = json!({ "limit_price": last, "client_order_id": name }).to_string();
        let answer = desk.ask("PATCH", &path, &wish).await.unwrap();
        let new = answer.json();
        assert_eq!((answer.status, &new["status"]), (200, &json!("pending_new")));
        assert_eq!(new["replaces"], order["id"]);
        assert_eq!(desk.get(&path).await["status"], "pending_replace");
        let by_name = format!("/v2/orders:by_client_order_id?client_order_id={name}");
        assert_eq!(desk.get(&by_name).await["id"], new["id"]);
        assert_eq!(socket.next().await["data"]["event"], "pending_replace");
        assert_eq!(socket.next().await["data"]["event"], "pending_new");
        desk.step(3_600_001).await;
        if id == "fills" {
            desk.step(18_000_000).await;
            assert_eq!(socket.next().await["data"]["event"], "fill");
        }
        for (name, event, status) in ends {
            let data = socket.next().await["data"].clone();
            let order = &data["order"];
            let told = (&order["client_order_id"], &data["event"], &order["status"]);
            assert_eq!(told, (&json!(name), &json!(event), &json!(status)));
        }
    }
}

#[tokio::test]
async fn opening_any_stream_can_fail() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let faults = desk.server.faults();
    let reject = Fault::Reject { status: 406, code: 0, message: "too many".to_owned() };
    faults.script(Target::Connect, reject.clone());
    let mut socket = Socket::open(&desk, "/stream", &[]).await;
    assert_eq!(socket.next().await["data"]["error_message"], "too many");
    assert_eq!(socket.next().await, Value::Null);
    for path in ["/stream", "/v2/iex"] {
        faults.script(Target::Connect, Fault::DropBefore);
        assert_eq!(Socket::open(&desk, path, &[]).await.next().await, Value::Null, "{path}");
    }
    faults.script(Target::Connect, Fault::FailBefore(503));
    assert_eq!(desk.ask("GET", "/v2/events/trades", "").await.unwrap().status, 503);
    faults.script(Target::Connect, reject);
    let refused = desk.ask("GET", "/v2/events/trades", "").await.unwrap();
    assert_eq!((refused.status, &refused.json()["message"]), (406, &json!("too many")));
    // What cannot happen to an opening stays where it is.
    faults.script(Target::Connect, Fault::Without("event".to_owned()));
    drop(Socket::feed(&desk, "/v2/iex").await);
    drop(updates(&desk).await);
    assert_eq!(faults.pending(), 1);
    faults.script(Target::Connect, Fault::HangBefore);
    let mut silent = Socket::open(&desk, "/stream", &[]).await;
    let Desk { server, .. } = desk;
    server.stop().await;
    assert_eq!(silent.next().await, Value::Null);
}

#[tokio::test]
async fn a_feed_is_wrong_about_time_and_prices() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let mut socket = Socket::feed(&desk, "/v2/iex").await;
    socket.ask(&json!({ "action": "subscribe", "quotes": ["AAPL"] })).await;
    // The day falls: an hour ago the price was another.
    desk.step(3_600_000).await;
    let mut batch = socket.next().await;
    let last = |batch: &Value| batch.as_array().unwrap().last().unwrap().clone();
    while last(&batch)["t"] != "2019-01-03T16:00:00Z" {
        batch = socket.next().await;
    }
    let ask = |batch: &Value| last(batch)["ap"].as_f64().unwrap();
    assert!(ask(&batch) > 144.4, "{batch}");
    desk.server.faults().script(Target::Feed, Fault::Stale(3_600_000));
    desk.step(5_000).await;
    let batch = socket.next().await;
    assert_eq!(last(&batch)["t"], "2019-01-03T16:00:05Z");
    assert!(ask(&batch) < 144.1, "{batch}");
    desk.server.faults().script(Target::Feed, Fault::Skew(-60_000));
    desk.step(5_000).await;
    let batch = socket.next().await;
    assert_eq!(last(&batch)["t"], "2019-01-03T15:59:10Z");
    assert!(ask(&batch) > 144.4, "{batch}");
    // Requests that ask for no price leave such a rule alone.
    desk.server.faults().script(Target::Read, Fault::Stale(1000));
    desk.get("/v2/clock").await;
    assert_eq!(desk.server.faults().pending(), 1);
    desk.get("/v2/stocks/quotes/latest?symbols=AAPL").await;
    assert_eq!(desk.server.faults().pending(), 0);
}
