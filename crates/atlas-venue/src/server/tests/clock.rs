//! Clocks that are stepped, run, or are shown as now.

use std::sync::{Arc, Mutex};

use atlas_core::Clock;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;
use serde_json::json;

use super::super::{Pace, ServeOptions, serve};
use super::{Desk, buy, market};
use crate::core::tests::at;
use crate::{Venue, VenueConfig};

/// A clock that is turned by hand.
struct Hands(Mutex<Timestamp>);

impl Clock for Hands {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

impl Hands {
    fn at(text: &str) -> Arc<Self> {
        Arc::new(Self(Mutex::new(at(text))))
    }

    fn turn(&self, by: TimeDelta) {
        *self.0.lock().unwrap() += by;
    }
}

fn options(pace: Pace) -> ServeOptions {
    ServeOptions { pace, ..ServeOptions::default() }
}

#[tokio::test]
async fn a_clock_runs_at_its_rate_and_can_be_set() {
    let hands = Hands::at("2026-11-20T01:00:00Z");
    let clock = Arc::clone(&hands) as Arc<dyn Clock>;
    let desk = Desk::paper(options(Pace::Rate { speed: 60.into(), clock })).await;
    let now = async || desk.get("/v2/clock").await["timestamp"].as_str().unwrap().to_owned();
    assert_eq!(now().await, "2019-01-03T10:00:00-05:00");
    hands.turn(TimeDelta::seconds(90));
    assert_eq!(now().await, "2019-01-03T11:30:00-05:00");
    let set = async |body: serde_json::Value| desk.admin("POST", "/atlas/v1/clock", &body).await;
    assert_eq!(set(json!({ "speed": "0" })).await.status, 200);
    hands.turn(TimeDelta::seconds(90));
    assert_eq!(now().await, "2019-01-03T11:30:00-05:00");
    assert_eq!(set(json!({ "advance_to": "2019-01-03T17:00:00Z", "speed": 1 })).await.status, 200);
    hands.turn(TimeDelta::seconds(5));
    assert_eq!(now().await, "2019-01-03T12:00:05-05:00");
    for (body, word) in [
        (json!({ "advance_to": "2019-01-03T15:00:00Z" }), "cannot go back"),
        (json!({ "speed": "-1" }), "zero or more"),
        (json!({}), "give advance_to"),
        (json!({ "advance_by_ms": 1, "advance_to": "2019-01-04T15:00:00Z" }), "give advance_to"),
        (json!({ "advance": 1 }), "unknown field"),
        (json!({ "advance_to": "2099-01-03T15:00:00Z" }), "2099"),
    ] {
        let reply = set(body.clone()).await;
        assert_eq!(reply.status, 400, "{body}: {}", reply.body);
        assert!(reply.body.contains(word), "{}", reply.body);
    }
    // Without the token there is nothing to be had.
    assert_eq!(desk.ask("GET", "/atlas/v1/clock", "").await.unwrap().status, 401);
    assert_eq!(
        desk.ask_as("Atlas-Admin-Token: x", "GET", "/atlas/v1/clock", "").await.unwrap().status,
        401
    );
}

#[tokio::test]
async fn a_session_is_shown_as_now_and_stays_open() {
    // A Saturday evening.
    let hands = Hands::at("2026-11-21T23:10:20Z");
    let clock = || Arc::clone(&hands) as Arc<dyn Clock>;
    let desk = Desk::paper(options(Pace::Wall { clock: clock() })).await;
    let clocked = desk.get("/v2/clock").await;
    assert_eq!(
        (&clocked["timestamp"], &clocked["is_open"]),
        (&json!("2026-11-21T18:10:20-05:00"), &json!(true))
    );
    hands.turn(TimeDelta::minutes(1));
    desk.send(buy("1", "a")).await;
    let order = desk.get("/v2/orders:by_client_order_id?client_order_id=a").await;
    assert_eq!(
        (&order["submitted_at"], &order["status"]),
        (&json!("2026-11-21T23:11:20Z"), &json!("filled"))
    );
    let fills = desk.get("/v2/account/activities/FILL?after=2026-11-21T23:11:00Z").await;
    assert!(fills[0]["transaction_time"].as_str().unwrap().starts_with("2026-11-21T23:11:20"));
    // Its name says when that was in New York, and pages go on from it.
    let name = fills[0]["id"].as_str().unwrap();
    assert!(name.starts_with("20261121181120"), "{name}");
    let page = format!("/v2/account/activities?page_token={name}");
    assert_eq!(desk.get(&page).await[0]["activity_type"], "CSD");
    // The next opening is that of the dates shown: it is Saturday.
    let clocked = desk.get("/v2/clock").await;
    assert_eq!(clocked["next_open"], "2026-11-23T09:30:00-05:00");
    assert!(clocked["next_close"].as_str() > clocked["timestamp"].as_str());
    assert_eq!(desk.get("/v2/orders?status=all&until=2026-11-21T23:11:00Z").await, json!([]));
    // The session before it is that of Friday, within its hours.
    let days = desk.get("/v2/stocks/AAPL/bars?timeframe=1Day&start=2026-11-01").await;
    let stamps: Vec<_> = days["bars"].as_array().unwrap().iter().map(|b| b["t"].clone()).collect();
    assert_eq!(stamps, [json!("2026-11-20T05:00:00Z"), json!("2026-11-21T05:00:00Z")]);
    let minutes = "/v2/stocks/AAPL/bars?timeframe=1Min&limit=1&start=2026-11-20";
    assert_eq!(desk.get(minutes).await["bars"][0]["t"], "2026-11-20T14:30:00Z");
    let coin = "/v1beta3/crypto/us/latest/trades?symbols=BTC/USD";
    assert_eq!(desk.get(coin).await["trades"]["BTC/USD"]["t"], "2026-11-21T23:11:20.002Z");

    // Long after its close the session is still open, and the clock is right.
    hands.turn(TimeDelta::hours(30));
    let clocked = desk.get("/v2/clock").await;
    assert_eq!(clocked["is_open"], true);
    let shown: Timestamp = clocked["timestamp"].as_str().unwrap().parse().unwrap();
    assert!((hands.now() - shown).abs() < TimeDelta::minutes(1), "{shown}");
    desk.send(buy("1", "b")).await;
    let order = desk.get("/v2/orders:by_client_order_id?client_order_id=b").await;
    assert_eq!(order["status"], "filled");
    let early = desk.get("/v2/orders:by_client_order_id?client_order_id=a").await;
    assert_eq!(early["submitted_at"], "2026-11-21T23:11:20Z");
}

#[tokio::test]
async fn moments_shown_once_stay_what_they_were_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let hands = Hands::at("2026-11-20T15:10:20Z");
    let open = async || {
        let config = VenueConfig::alpaca_paper(at("2019-01-03T15:00:00Z"));
        let venue = Venue::open(Some(dir.path()), config, market()).unwrap();
        let pace = Pace::Wall { clock: Arc::clone(&hands) as Arc<dyn Clock> };
        let listen = "127.0.0.1:0".parse().unwrap();
        let server = serve(venue.clone(), listen, options(pace)).await.unwrap();
        Desk { venue, server }
    };
    let desk = open().await;
    desk.send(buy("1", "a")).await;
    let path = "/v2/orders:by_client_order_id?client_order_id=a";
    let before = desk.get(path).await;
    let Desk { venue, server } = desk;
    server.stop().await;
    drop(venue);
    hands.turn(TimeDelta::days(3));
    let desk = open().await;
    let after = desk.get(path).await;
    for field in ["submitted_at", "filled_at", "updated_at", "filled_avg_price", "id"] {
        assert_eq!(after[field], before[field], "{field}");
    }
    // The session it is good for is shown as today's.
    assert_eq!(after["expires_at"], "2026-11-23T21:09:00Z");
    let clocked = desk.get("/v2/clock").await;
    assert_eq!(clocked["timestamp"], "2026-11-23T10:10:20-05:00");
    assert_eq!(clocked["is_open"], true);
}
