//! Several accounts behind one address.

use serde_json::json;

use super::super::{ServeOptions, serve_all};
use super::{Desk, buy, market};
use crate::core::tests::at;
use crate::{Venue, VenueConfig};

#[tokio::test]
async fn each_key_pair_has_its_own_books_and_limits() {
    let open = |seed| {
        let config = VenueConfig { seed, ..VenueConfig::alpaca_paper(at("2019-01-03T15:00:00Z")) };
        Venue::open(None, config, market()).unwrap()
    };
    let (first, second) = (open(0), open(1));
    let clock = std::sync::Arc::new(atlas_core::time::FixedClock(at("2026-01-05T12:00:30Z")));
    let options = ServeOptions { rate_limit: Some((4, clock)), ..ServeOptions::default() };
    let keys = second.credentials();
    let others = vec![(second.clone(), keys.clone())];
    let listen = "127.0.0.1:0".parse().unwrap();
    let server = serve_all(first.clone(), others, listen, options).await.unwrap();
    let desk = Desk { venue: first, server };
    let theirs = format!(
        "APCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}",
        keys.key_id,
        keys.secret.expose()
    );
    let reply = desk.ask_as(&theirs, "POST", "/v2/orders", &buy("1", "a").to_string()).await;
    assert_eq!(reply.unwrap().status, 200);
    assert_eq!(desk.get("/v2/orders?status=all").await, json!([]));
    let number = desk.get("/v2/account").await["account_number"].clone();
    let other = desk.ask_as(&theirs, "GET", "/v2/account", "").await.unwrap().json();
    assert_ne!(number, other["account_number"]);
    // The same id is no duplicate in another account.
    assert_eq!(desk.send(buy("1", "a")).await.status, 200);
    // A pair of halves of two accounts is none.
    let mixed = format!(
        "APCA-API-KEY-ID: {}\r\nAPCA-API-SECRET-KEY: {}",
        keys.key_id,
        desk.server.secret.expose()
    );
    assert_eq!(desk.ask_as(&mixed, "GET", "/v2/account", "").await.unwrap().status, 401);
    // Clocks move together.
    desk.step(1_000).await;
    assert_eq!(desk.venue.inspect(|e| e.state().clock), second.inspect(|e| e.state().clock));
    // Limits are each account's own, and data have another.
    assert_eq!(desk.get("/v2/account").await["status"], "ACTIVE");
    assert_eq!(desk.ask("GET", "/v2/account", "").await.unwrap().status, 429);
    assert_eq!(desk.ask_as(&theirs, "GET", "/v2/account", "").await.unwrap().status, 200);
    let quotes = "/v2/stocks/quotes/latest?symbols=AAPL";
    let reply = desk.ask("GET", quotes, "").await.unwrap();
    assert_eq!(reply.status, 200);
    assert!(reply.head.contains("x-ratelimit-remaining: 3"), "{}", reply.head);
}
