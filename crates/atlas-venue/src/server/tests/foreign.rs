//! What clients in other languages send, as they send it, and what they have to find in the answers.

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

use super::socket::Socket;
use super::{Desk, ServeOptions};

async fn desk() -> Desk {
    Desk::paper(ServeOptions::default()).await
}

/// Asks, and wants a status.
async fn ask(desk: &Desk, method: &str, path: &str, body: &str, status: u16) -> Value {
    let reply = desk.ask(method, path, body).await.unwrap();
    assert_eq!(reply.status, status, "{method} {path} {body}: {}", reply.body);
    if reply.body.is_empty() { Value::Null } else { reply.json() }
}

/// The Go client's order: no member is ever left out.
fn go_order(kind: &str, rest: &str) -> String {
    format!(
        r#"{{"symbol":"AAPL","qty":"1","notional":null,"side":"buy","type":"{kind}",
        "time_in_force":"gtc","extended_hours":false,"client_order_id":"","order_class":"",
        "take_profit":null,"stop_loss":null,"trail_price":null,"trail_percent":null,
        "position_intent":"","legs":null,{rest}}}"#
    )
}

#[tokio::test]
async fn go_leaves_no_member_out() {
    let desk = desk().await;
    let order = go_order("limit", r#""limit_price":"5","stop_price":null"#);
    let order = ask(&desk, "POST", "/v2/orders", &order, 200).await;
    let path = format!("/v2/orders/{}", order["id"].as_str().unwrap());
    let change = r#"{"qty":"2","limit_price":null,"stop_price":null,"trail":null,
        "time_in_force":"","client_order_id":""}"#;
    let changed = ask(&desk, "PATCH", &path, change, 200).await;
    assert_eq!((&changed["qty"], &changed["time_in_force"]), (&json!("2"), &json!("gtc")));
    assert_ne!(changed["client_order_id"], "");

    let path = "/v2/account/configurations";
    let before = ask(&desk, "GET", path, "", 200).await;
    let wish = r#"{"dtbp_check":"","trade_confirm_email":"","suspend_trade":true,
        "no_shorting":false,"fractional_trading":true}"#;
    let after = ask(&desk, "PATCH", path, wish, 200).await;
    assert_eq!(after["suspend_trade"], true);
    assert_eq!(after["dtbp_check"], before["dtbp_check"]);
    let wish = r#"{"max_margin_multiplier":"","suspend_trade":false}"#;
    let after = ask(&desk, "PATCH", path, wish, 200).await;
    assert_eq!(after["max_margin_multiplier"], before["max_margin_multiplier"]);
    ask(&desk, "PATCH", path, r#"{"dtbp_check":"never"}"#, 422).await;
}

/// The kinds of the messages in a frame of a data stream, each of which begins with it.
fn kinds(frame: &Message) -> Vec<String> {
    let (count, kinds): (usize, Vec<String>) = match frame {
        Message::Text(text) => {
            let all: Value = serde_json::from_str(text).unwrap();
            let begun = text.split(r#"{"T":""#).skip(1);
            let kinds = begun.map(|rest| rest.split('"').next().unwrap().to_owned());
            (all.as_array().unwrap().len(), kinds.collect())
        }
        Message::Binary(bytes) => {
            let count = match bytes[0] {
                0xdc => usize::from(u16::from_be_bytes([bytes[1], bytes[2]])),
                head => usize::from(head & 0x0f),
            };
            let begun = bytes.windows(4).enumerate();
            let begun = begun.filter(|(_, b)| b[0] & 0xf0 == 0x80 && b[1..3] == *b"\xa1T");
            let kind = |(at, b): (usize, &[u8])| {
                let length = usize::from(b[3] & 0x1f);
                String::from_utf8(bytes[at + 4..at + 4 + length].to_vec()).unwrap()
            };
            (count, begun.map(kind).collect())
        }
        Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
            panic!("a frame with messages: {frame:?}")
        }
    };
    assert_eq!(kinds.len(), count, "{frame:?}");
    kinds
}

#[tokio::test]
async fn every_message_of_the_data_streams_begins_with_its_kind() {
    let desk = desk().await;
    // Go names all twelve channels at once, null where nothing is wanted; others name them empty.
    let stocks = r#"{"action":"subscribe","trades":["AAPL"],"quotes":["AAPL"],"bars":["*"],
        "updatedBars":null,"dailyBars":["*"],"statuses":["*"],"imbalances":["AAPL"],"lulds":null,
        "cancelErrors":null,"corrections":null,"orderbooks":null,"news":null}"#;
    let crypto = r#"{"action":"subscribe","trades":["BTC/USD"],"quotes":["BTC/USD"],"bars":["*"],
        "updatedBars":null,"dailyBars":null,"statuses":[],"imbalances":null,"lulds":[],
        "cancelErrors":null,"corrections":null,"orderbooks":["BTC/USD"],"news":[],"pricing":[]}"#;
    let packed = [("Content-Type", "application/msgpack")];
    for headers in [&packed[..], &[]] {
        for (path, subscribe, wanted) in [
            ("/v2/iex", stocks, ["t", "q", "b", "d"]),
            ("/v1beta3/crypto/us", crypto, ["t", "q", "b", "o"]),
            ("/v1beta3/crypto/us-1", crypto, ["t", "q", "b", "o"]),
            ("/v1beta2/crypto/", crypto, ["t", "q", "b", "o"]),
        ] {
            let mut socket = Socket::open(&desk, path, headers).await;
            assert_eq!(kinds(&socket.frame().await), ["success"]);
            let keys = json!({
                "action": "auth", "key": desk.server.key_id, "secret": desk.server.secret.expose(),
            });
            for (command, answer) in [
                (keys.to_string().as_str(), "success"),
                (r#"{"action":"dance"}"#, "error"),
                (subscribe, "subscription"),
            ] {
                socket.send(Message::text(command)).await;
                assert_eq!(kinds(&socket.frame().await), [answer], "{command}");
            }
            let mut missing = wanted.to_vec();
            while !missing.is_empty() {
                desk.step(60_000).await;
                let told = kinds(&socket.frame().await);
                missing.retain(|kind| !told.iter().any(|told| told == kind));
            }
        }
    }
    // Nor does a fault put anything before it.
    let mut socket = Socket::feed(&desk, "/v2/iex").await;
    socket.ask(&json!({ "action": "subscribe", "statuses": ["AAPL"] })).await;
    let fault = json!({ "target": "feed", "fault": { "with": { "field": "A", "value": 1 } } });
    let scripted = desk.admin("POST", "/atlas/v1/faults", &fault).await;
    assert_eq!(scripted.status, 200, "{}", scripted.body);
    desk.admin("POST", "/atlas/v1/halts", &json!({ "symbol": "AAPL", "halted": true })).await;
    let frame = socket.frame().await;
    assert_eq!(kinds(&frame), ["s"]);
    assert!(frame.to_text().unwrap().contains(r#""A":1"#), "{frame:?}");
}

#[tokio::test]
async fn order_updates_with_a_slash_and_with_nulls() {
    let desk = desk().await;
    let mut socket = Socket::open(&desk, "/stream/", &[]).await;
    let keys = json!({
        "action": "authenticate", "key": null, "secret": null,
        "data": {
            "key_id": desk.server.key_id, "secret_key": desk.server.secret.expose(),
            "streams": null,
        },
    });
    assert_eq!(socket.ask(&keys).await["data"]["status"], "authorized");
    let nothing = json!({ "action": "listen", "data": { "streams": null } });
    assert_eq!(socket.ask(&nothing).await["data"]["streams"], json!([]));
    let nobody = json!({ "action": "authenticate", "data": null });
    assert_eq!(socket.ask(&nobody).await["data"]["status"], "unauthorized");
    let keys = json!({
        "action": "auth", "key": desk.server.key_id, "secret": desk.server.secret.expose(),
        "data": null,
    });
    assert_eq!(socket.ask(&keys).await["data"]["status"], "authorized");
    // The rest has the slash too, with and without parameters.
    for path in ["/v2/account/", "/v2/orders/?status=all", "/v2/assets/BTC/USD/"] {
        ask(&desk, "GET", path, "", 200).await;
    }
    ask(&desk, "GET", "/", "", 404).await;
}

#[tokio::test]
async fn a_stream_that_is_not_there_says_so() {
    let desk = desk().await;
    let key = "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
               Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    for path in ["/v1beta1/news", "/v1beta1/options", "/v1beta1/crypto", "/v2/account"] {
        let headers = format!("Upgrade: websocket\r\n{key}");
        let reply = desk.ask_as(&headers, "GET", path, "").await.unwrap();
        assert_eq!(reply.status, 404, "{path}: {}", reply.body);
    }
    // Java's own client asks for a newer HTTP with every request.
    let other = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAA";
    let reply = desk.ask_as(other, "GET", "/v2/account", "").await.unwrap();
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn symbols_leave_watchlists_by_every_way() {
    let desk = desk().await;
    let body = r#"{"name":"mine","symbols":["AAPL","BTC/USD"]}"#;
    let made = ask(&desk, "POST", "/v2/watchlists", body, 200).await;
    let path = format!("/v2/watchlists/{}", made["id"].as_str().unwrap());
    let both = r#"{"symbols":["AAPL","BTC/USD"]}"#;
    let symbols = |list: &Value| {
        let all = list["assets"].as_array().unwrap().iter();
        all.map(|asset| asset["symbol"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for (way, left) in [
        (format!("{path}/BTC/USD"), "AAPL"),
        (format!("{path}/BTC%2FUSD"), "AAPL"),
        ("/v2/watchlists:by_name/AAPL?name=mine".to_owned(), "BTC/USD"),
        ("/v2/watchlists%3Aby_name/BTC/USD?name=mine".to_owned(), "AAPL"),
        ("/v2/watchlists%3aby_name/BTC%2FUSD?name=mine".to_owned(), "AAPL"),
    ] {
        // The older Python client changes lists so.
        ask(&desk, "PATCH", &path, both, 200).await;
        assert_eq!(symbols(&ask(&desk, "DELETE", &way, "", 200).await), [left], "{way}");
    }
    ask(&desk, "DELETE", "/v2/watchlists:by_name/AAPL?name=other", "", 404).await;
}

#[tokio::test]
async fn a_list_is_no_order() {
    let desk = desk().await;
    let members =
        r#"["AAPL","1",null,"buy","market","day",null,null,null,null,false,"a","","",null,null]"#;
    for body in [members, "[]", "7", "null", r#""x""#] {
        ask(&desk, "POST", "/v2/orders", body, 400).await;
        ask(&desk, "PATCH", "/v2/account/configurations", body, 400).await;
        ask(&desk, "POST", "/v2/watchlists", body, 400).await;
    }
    let exits = go_order("limit", r#""limit_price":"5""#)
        .replace(r#""order_class":"""#, r#""order_class":"oto""#)
        .replace(r#""stop_loss":null"#, r#""stop_loss":["4"]"#);
    ask(&desk, "POST", "/v2/orders", &exits, 400).await;
    assert_eq!(desk.get("/v2/orders?status=all").await, json!([]));
}

#[tokio::test]
async fn histories_begin_where_older_clients_say() {
    let desk = desk().await;
    // Across a few closes.
    desk.step(6 * 24 * 3_600_000).await;
    let all = desk.get("/v2/account/portfolio/history?start=2019-01-01").await;
    let path = "/v2/account/portfolio/history?date_start=2019-01-04&date_end=2019-01-07";
    let some = desk.get(&format!("{path}&timeframe=1D&extended_hours=false")).await;
    let stamps = |history: &Value| history["timestamp"].as_array().unwrap().len();
    assert_eq!(stamps(&some), 2, "{some}");
    assert!(stamps(&all) > 2, "{all}");
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let desk = desk().await;
    let twap = r#""limit_price":"5","advanced_instructions":{"algorithm":"TWAP"}"#;
    let refused = ask(&desk, "POST", "/v2/orders", &go_order("limit", twap), 422).await;
    assert_eq!(refused["code"], 42_210_000);
    let plain = r#""limit_price":"5","advanced_instructions":null"#;
    ask(&desk, "POST", "/v2/orders", &go_order("limit", plain), 200).await;
    let order = go_order("market", r#""limit_price":null"#).replace("gtc", "day");
    ask(&desk, "POST", "/v2/orders", &order, 200).await;
    for wrong in ["qty=1&percentage=50", "percentage=101", "percentage=0", "percentage=-5"] {
        let path = format!("/v2/positions/AAPL?{wrong}");
        let refused = ask(&desk, "DELETE", &path, "", 422).await;
        assert_eq!(refused["code"], 40_010_001, "{wrong}");
    }
    let settles = "/v2/calendar?start=2019-01-04&end=2019-01-04";
    let day = desk.get(&format!("{settles}&date_type=SETTLEMENT")).await;
    assert_eq!((&day[0]["date"], day.as_array().unwrap().len()), (&json!("2019-01-02"), 1));
    assert_eq!(desk.get(&format!("{settles}&date_type=trading")).await[0]["date"], "2019-01-04");
}

#[tokio::test]
async fn the_present_day_is_in_histories() {
    let desk = desk().await;
    let path = "/v2/account/portfolio/history?period=1M&timeframe=1D";
    let history = desk.get(path).await;
    assert_eq!(history["equity"], json!([100_000]), "{history}");
    let bars = "/v1beta3/crypto/us/bars?symbols=BTC/USD&timeframe=1Day";
    assert_eq!(desk.get(bars).await["bars"]["BTC/USD"][0]["t"], "2019-01-03T00:00:00Z");
    // After the close the day is there once.
    desk.step(8 * 3_600_000).await;
    assert_eq!(desk.get(path).await["timestamp"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_last_keeps_its_moment_while_nothing_trades() {
    let desk = desk().await;
    let order = go_order("market", r#""limit_price":null"#).replace("gtc", "day");
    ask(&desk, "POST", "/v2/orders", &order, 200).await;
    let latest = async |what: &str| {
        let path = format!("/v2/stocks/AAPL/{what}s/latest");
        desk.get(&path).await[what].clone()
    };
    for step in [1_234, 60_000, 777_777] {
        desk.step(step).await;
        let held = desk.get("/v2/positions/AAPL").await;
        let price: f64 = held["current_price"].as_str().unwrap().parse().unwrap();
        assert_eq!(latest("trade").await["p"].as_f64(), Some(price));
    }
    // A Saturday: the moments of the last that was traded and quoted, as history has them.
    desk.step(49 * 3_600_000).await;
    for what in ["trade", "quote"] {
        let last = latest(what).await;
        let path = format!("/v2/stocks/AAPL/{what}s?start=2019-01-03&sort=desc&limit=1");
        let told = &desk.get(&path).await[format!("{what}s")][0];
        assert_eq!((&told["t"], &told["i"], &told["s"]), (&last["t"], &last["i"], &last["s"]));
        assert!(last["t"].as_str().unwrap() < "2019-01-05T01", "{last}");
    }
}

#[tokio::test]
async fn corporate_actions_in_both_shapes() {
    let [aapl, _] = crate::core::tests::listings();
    let price = crate::core::Px::from_nanos(250_000_000).unwrap();
    let dividend = crate::core::ActionKind::Dividend {
        per_share: price,
        pay_date: Some("2019-02-05".parse().unwrap()),
    };
    let action =
        crate::core::CorporateAction { date: "2019-01-03".parse().unwrap(), kind: dividend };
    let listing = aapl.in_cents().with_actions(vec![action]).unwrap();
    let config = crate::VenueConfig::alpaca_paper(crate::core::tests::at("2019-01-03T15:00:00Z"));
    let venue = crate::Venue::open(None, config, [listing]).unwrap();
    let options = ServeOptions::default();
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = crate::server::serve(venue.clone(), listen, options).await.unwrap();
    let desk = Desk { venue, server };
    let root = "/v2/corporate_actions/announcements";
    let span = "ca_types=Dividend,Split&since=2018-12-01&until=2019-02-10";
    let told = desk.get(&format!("{root}?{span}")).await;
    assert_eq!((&told[0]["ca_type"], &told[0]["cash"]), (&json!("dividend"), &json!("0.25")));
    assert_eq!(told[0]["payable_date"], "2019-02-05");
    let id = told[0]["id"].as_str().unwrap();
    assert_eq!(desk.get(&format!("{root}/{id}")).await, told[0]);
    ask(&desk, "GET", &format!("{root}/x"), "", 404).await;
    for (query, count) in [
        ("symbol=AAPL", 1),
        ("symbol=IBM", 0),
        ("cusip=037833100", 0),
        ("date_type=payable_date", 1),
        ("date_type=record_date", 0),
    ] {
        let told = desk.get(&format!("{root}?{span}&{query}")).await;
        assert_eq!(told.as_array().unwrap().len(), count, "{query}");
    }
    for wrong in
        ["since=2019-01-01&until=2019-01-02", "ca_types=Split&since=2018-01-01&until=2019-01-01"]
    {
        ask(&desk, "GET", &format!("{root}?{wrong}"), "", 400).await;
    }
    let root = "/v1/corporate-actions?start=2019-01-01&end=2019-01-03";
    for (query, found) in [
        (format!("ids={id}"), true),
        ("ids=X".to_owned(), false),
        ("types=cash_dividend".to_owned(), true),
        ("types=cash".to_owned(), false),
        ("cusips=037833100".to_owned(), false),
    ] {
        let told = desk.get(&format!("{root}&{query}")).await;
        let dividends = told["corporate_actions"].get("cash_dividends");
        assert_eq!(dividends.is_some(), found, "{query}: {told}");
    }
    let news = desk.get("/v1beta1/news?symbols=AAPL&limit=50&include_content=True").await;
    assert_eq!(news, json!({ "news": [], "next_page_token": null }));
    ask(&desk, "GET", "/v1beta1/news?limit=51", "", 400).await;
}

/// The order tests of apca's suite, as it writes them.
#[tokio::test]
async fn apca_orders() {
    let desk = desk().await;
    let base =
        |rest: &str| format!(r#"{{"symbol":"AAPL","side":"buy","time_in_force":"day",{rest}}}"#);
    for order in [
        r#""qty":"1","type":"limit","limit_price":"1""#,
        r#""qty":"1","type":"stop","stop_price":"1000","extended_hours":false"#,
        r#""qty":"1","type":"stop_limit","stop_price":"1000","limit_price":"1002""#,
        r#""qty":"1","type":"trailing_stop","trail_price":"50""#,
        r#""qty":"1","type":"trailing_stop","trail_percent":"10""#,
        r#""notional":"100","type":"market""#,
        r#""qty":"0.9","type":"market""#,
        r#""qty":"3","type":"limit","limit_price":"2","order_class":"bracket",
           "take_profit":{"limit_price":"3"},"stop_loss":{"stop_price":"1"}"#,
        r#""qty":"3","type":"limit","limit_price":"2","order_class":"oto",
           "stop_loss":{"stop_price":"1","limit_price":null}"#,
    ] {
        let body = base(order);
        let taken = ask(&desk, "POST", "/v2/orders", &body, 200).await;
        // An id is written without its dashes.
        let id = taken["id"].as_str().unwrap().replace('-', "");
        let read = ask(&desk, "GET", &format!("/v2/orders/{id}"), "", 200).await;
        assert_eq!((&read["id"], &read["symbol"]), (&taken["id"], &json!("AAPL")), "{body}");
    }
}
