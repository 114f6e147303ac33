//! Market data over HTTP.

use serde_json::{Value, json};

use super::super::ServeOptions;
use super::Desk;

fn stamps(bars: &Value) -> Vec<String> {
    let all = bars.as_array().unwrap().iter();
    all.map(|bar| bar["t"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn bars_of_every_length_agree() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let get = async |frame: &str| {
        let path = format!(
            "/v2/stocks/AAPL/bars?timeframe={frame}&start=2019-01-02&end=2019-01-02T23:00:00Z"
        );
        desk.get(&path).await["bars"].clone()
    };
    let day = get("1Day").await;
    assert_eq!(stamps(&day), ["2019-01-02T05:00:00Z"]);
    for (key, price) in [("o", 154.0), ("h", 158.0), ("l", 154.0), ("c", 157.0)] {
        assert_eq!(day[0][key].as_f64(), Some(price), "{key}");
    }
    assert_eq!(day[0]["v"], 40_000);
    for (frame, count) in [("1Min", 390), ("5T", 78), ("30Min", 13), ("1Hour", 7), ("4H", 2)] {
        let bars = get(frame).await;
        let bars = bars.as_array().unwrap();
        assert_eq!(bars.len(), count, "{frame}");
        let fold = |key: &str, pick: fn(f64, f64) -> f64| {
            bars.iter().map(|bar| bar[key].as_f64().unwrap()).reduce(pick).unwrap()
        };
        assert_eq!((fold("h", f64::max), fold("l", f64::min)), (158.0, 154.0), "{frame}");
        assert_eq!(bars[0]["o"], day[0]["o"]);
        assert_eq!(bars[count - 1]["c"], day[0]["c"]);
        let volume: i64 = bars.iter().map(|bar| bar["v"].as_i64().unwrap()).sum();
        assert_eq!(volume, 40_000, "{frame}");
    }
    assert_eq!(stamps(&get("1Hour").await)[..2], ["2019-01-02T14:00:00Z", "2019-01-02T15:00:00Z"]);
    // A week and a month that have begun before are no part of what starts on the second.
    let long = "/v2/stocks/AAPL/bars?start=2018-12-01&timeframe=";
    assert_eq!(stamps(&desk.get(&format!("{long}1Week")).await["bars"]), ["2018-12-31T05:00:00Z"]);
    assert_eq!(stamps(&desk.get(&format!("{long}1M")).await["bars"]), ["2019-01-01T05:00:00Z"]);
}

#[tokio::test]
async fn pages_of_any_size_come_to_the_same_walk() {
    let desk = Desk::paper(ServeOptions::default()).await;
    for what in [
        "bars?timeframe=30Min&",
        "bars?timeframe=1Day&",
        "bars?timeframe=1Week&",
        "trades?",
        "quotes?",
    ] {
        for sort in ["asc", "desc"] {
            let is_long = what.contains("1Day") || what.contains("1Week");
            let start = if is_long { "2018-12-01" } else { "2019-01-02T20:00:00Z" };
            let size = if is_long { 1 } else { 97 };
            let path = format!(
                "/v2/stocks/{what}symbols=AAPL,MSFT&sort={sort}&start={start}\
                 &end=2019-01-03T14:40:00Z"
            );
            let name = what.split('?').next().unwrap();
            let whole = desk.get(&format!("{path}&limit=10000")).await;
            let whole = whole[name]["AAPL"].as_array().unwrap().clone();
            assert!(whole.len() > usize::from(!is_long), "{name}");
            let (mut seen, mut token) = (Vec::new(), String::new());
            loop {
                let page = desk.get(&format!("{path}&limit={size}{token}")).await;
                if let Some(points) = page[name]["AAPL"].as_array() {
                    seen.extend(points.iter().cloned());
                }
                let Some(next) = page["next_page_token"].as_str() else { break };
                token = format!("&page_token={next}");
            }
            assert_eq!(seen, whole, "{name} {sort}");
            let mut sorted = stamps(&json!(whole));
            sorted.sort();
            if sort == "desc" {
                sorted.reverse();
            }
            assert_eq!(sorted, stamps(&json!(seen)), "{name} {sort}");
        }
    }
}

#[tokio::test]
async fn nothing_is_known_before_it_happens() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let bars = "/v2/stocks/AAPL/bars?timeframe=1Min&start=2019-01-03&end=2019-01-05&sort=desc";
    // At 10:00 in New York the minute before is the last whole one.
    let newest = |bars: Value| bars["bars"][0]["t"].as_str().unwrap().to_owned();
    assert_eq!(newest(desk.get(bars).await), "2019-01-03T14:59:00Z");
    let latest = desk.get("/v2/stocks/bars/latest?symbols=AAPL").await;
    assert_eq!(latest["bars"]["AAPL"]["t"], "2019-01-03T14:59:00Z");
    desk.step(90_000).await;
    assert_eq!(newest(desk.get(bars).await), "2019-01-03T15:01:00Z");
    for what in ["trades", "quotes"] {
        let path = format!("/v2/stocks/AAPL/{what}?start=2019-01-03&end=2019-01-05&sort=desc");
        let point = desk.get(&path).await[what][0]["t"].as_str().unwrap().to_owned();
        let age = desk.venue.now() - point.parse::<atlas_core::time::Timestamp>().unwrap();
        assert!((0..=10_000).contains(&age.num_milliseconds()), "{point}");
    }
    let snapshot = desk.get("/v2/stocks/AAPL/snapshot").await;
    assert_eq!(snapshot["dailyBar"]["t"], "2019-01-03T05:00:00Z");
    assert_eq!(snapshot["prevDailyBar"]["c"].as_f64(), Some(157.0));
    // Today's low and close come later.
    assert!(snapshot["dailyBar"]["l"].as_f64().unwrap() > 142.0);
}

#[tokio::test]
async fn what_is_quoted_is_what_is_paid() {
    let desk = Desk::paper(ServeOptions::default()).await;
    for (symbol, path) in [
        ("AAPL", "/v2/stocks/quotes/latest?symbols=AAPL"),
        ("BTC/USD", "/v1beta3/crypto/us/latest/quotes?symbols=BTC/USD"),
    ] {
        let ask = desk.get(path).await["quotes"][symbol]["ap"].to_string();
        let order = json!({
            "symbol": symbol, "qty": "1", "side": "buy", "type": "market", "client_order_id": symbol,
            "time_in_force": if symbol == "AAPL" { "day" } else { "gtc" },
        });
        let reply = desk.send(order).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        let order = desk.get(&format!("/v2/orders/{id}")).await;
        assert_eq!((&order["status"], &order["filled_avg_price"]), (&json!("filled"), &json!(ask)));
    }
    let held = desk.get("/v2/positions").await;
    assert_eq!((&held[0]["symbol"], &held[1]["symbol"]), (&json!("AAPL"), &json!("BTCUSD")));
}

#[tokio::test]
async fn crypto_needs_no_keys_and_no_session() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let open = async |path: &str| {
        let reply = desk.ask_as("X: y", "GET", path, "").await.unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        assert!(reply.head.contains("atlas-data: btc/usd: daily bars given;"), "{}", reply.head);
        reply.json()
    };
    let base = "/v1beta3/crypto/us";
    let day = open(&format!("{base}/bars?symbols=BTC%2FUSD&timeframe=1Hour&start=2019-01-01T00:00:00Z&end=2019-01-01T23:59:59Z")).await;
    assert_eq!(day["bars"]["BTC/USD"].as_array().unwrap().len(), 24);
    let daily = open(&format!("{base}/bars?symbols=BTC/USD&timeframe=1Day&start=2018-12-31")).await;
    assert_eq!(daily["bars"]["BTC/USD"][0]["t"], "2019-01-01T00:00:00Z");
    for path in
        ["latest/trades", "latest/bars", "latest/orderbooks", "snapshots", "trades", "quotes"]
    {
        let body = open(&format!("{base}/{path}?symbols=BTC/USD&limit=2")).await;
        let name = path.rsplit('/').next().unwrap();
        assert!(body[name]["BTC/USD"].is_object() || body[name]["BTC/USD"].is_array(), "{path}");
    }
    assert_eq!(
        desk.ask_as("X: y", "GET", "/v2/stocks/snapshots?symbols=AAPL", "").await.unwrap().status,
        401
    );
}

#[tokio::test]
async fn bad_requests_are_refused_in_the_words_of_the_data_interface() {
    let desk = Desk::paper(ServeOptions::default()).await;
    for (path, expected) in [
        ("/v2/stocks/bars?timeframe=1Day", "symbols is required"),
        ("/v2/stocks/bars?symbols=AAPL&timeframe=7Day", "invalid timeframe: 7Day"),
        ("/v2/stocks/bars?symbols=AAPL&feed=gossip", "invalid feed: gossip"),
        ("/v2/stocks/bars?symbols=AAPL&adjustment=magic", "invalid adjustment: magic"),
        ("/v2/stocks/bars?symbols=AAPL&limit=0", "invalid value \"0\" for parameter limit"),
        ("/v2/stocks/bars?symbols=AAPL&limit=10001", "invalid value"),
        ("/v2/stocks/bars?symbols=AAPL&sort=up", "invalid value \"up\" for parameter sort"),
        ("/v2/stocks/bars?symbols=AAPL&start=soon", "invalid value \"soon\" for parameter start"),
        ("/v2/stocks/bars?symbols=AAPL&page_token=xyz", "invalid page_token"),
        ("/v2/stocks/bars?symbols=AAPL&start=2019-01-03&end=2019-01-02", "end should not be"),
        ("/v2/stocks/bars?symbols=aapl", "invalid symbol: aapl"),
        ("/v2/stocks/bars?symbols=BTC/USD", "invalid symbol: BTC/USD"),
        ("/v2/stocks/trades?symbols=AAPL&limit=x", "invalid value \"x\" for parameter limit"),
    ] {
        let (status, message) = desk.refused(path).await;
        assert_eq!(status, 400, "{path}");
        assert!(message.contains(expected), "{path}: {message}");
    }
    let unknown = desk.get("/v2/stocks/bars?symbols=ZZZ&timeframe=1Day").await;
    assert_eq!(unknown, json!({ "bars": {}, "next_page_token": null }));
}

#[tokio::test]
async fn an_order_at_the_quote_trades_at_it() {
    let desk = Desk::paper(ServeOptions::default()).await;
    for number in 0..12 {
        desk.step(7_351).await;
        let latest = desk.get("/v2/stocks/AAPL/quotes/latest").await;
        let quote = &latest["quote"];
        let (bid, ask) = (quote["bp"].to_string(), quote["ap"].to_string());
        let order = |side: &str, price: &str| {
            json!({
                "symbol": "AAPL", "qty": "1", "side": side, "type": "limit", "limit_price": price,
                "time_in_force": "day", "client_order_id": format!("{side}-{number}"),
            })
        };
        for (side, price) in [("buy", &ask), ("sell", &bid)] {
            assert_eq!(desk.send(order(side, price)).await.status, 200);
            let path = format!("/v2/orders:by_client_order_id?client_order_id={side}-{number}");
            let order = desk.get(&path).await;
            assert_eq!(order["status"], "filled", "{side} {number} at {price}");
            assert_eq!(order["filled_avg_price"], json!(price), "{side} {number}");
        }
    }
}

#[tokio::test]
async fn a_quote_that_came_in_is_shown_and_trades() {
    let desk = Desk::paper(ServeOptions::default()).await;
    desk.venue
        .take_quote(&atlas_core::Quote {
            symbol: "AAPL".parse().unwrap(),
            bid: Some("140.01".parse().unwrap()),
            ask: None,
            ts_event: desk.venue.now(),
        })
        .unwrap();
    let latest = desk.get("/v2/stocks/AAPL/quotes/latest").await;
    let quote = &latest["quote"];
    assert_eq!((quote["bp"].to_string(), &quote["ap"]), ("140.01".to_owned(), &json!(0)));
}

#[tokio::test]
async fn an_asset_id_stands_for_a_symbol() {
    let desk = Desk::paper(ServeOptions::default()).await;
    let id = desk.get("/v2/assets/AAPL").await["id"].as_str().unwrap().to_owned();
    for (number, name) in [id.clone(), id.replace('-', "")].into_iter().enumerate() {
        let mut order = super::buy("1", &format!("by-id-{number}"));
        order["symbol"] = json!(name);
        let reply = desk.send(order).await;
        assert_eq!(
            (reply.status, &reply.json()["symbol"]),
            (200, &json!("AAPL")),
            "{}",
            reply.body
        );
        let listed = desk.get(&format!("/v2/orders?status=all&symbols={name}")).await;
        assert_eq!(listed.as_array().unwrap().len(), number + 1, "{name}");
        let quotes = desk.get(&format!("/v2/stocks/quotes/latest?symbols={name}")).await;
        assert!(quotes["quotes"][&name]["ap"].is_number(), "{quotes}");
        let list = json!({ "name": name, "symbols": [name] }).to_string();
        let list = desk.ask("POST", "/v2/watchlists", &list).await.unwrap();
        assert_eq!(list.json()["assets"][0]["symbol"], "AAPL", "{}", list.body);
    }
    let mut order = super::buy("1", "nobody");
    order["symbol"] = json!("00000000-0000-0000-0000-000000000000");
    assert_eq!(desk.send(order).await.status, 422);
}
