//! What is held back: requests beyond the limit, and secrets always.

use std::num::NonZeroU32;
use std::time::Duration;

use atlas_core::VenueOrderId;

use super::payloads::{ACCOUNT, ORDER_ID};
use super::server::{Act, Server};
use super::session;
use crate::alpaca::{Credentials, Endpoint, Options, Paper, Secret, Session};
use crate::market_data::Subscription;
use crate::{Broker, Error};

/// No piece of these may be seen anywhere.
const KEY: &str = "PKDISCREET1234567890";
const SECRET: &str = "correcthorsebatterystaple";

fn discreet(server: &Server, options: &Options) -> Session<Paper> {
    let keys = Credentials::new(KEY.to_owned(), SECRET.to_owned()).expect("keys");
    Session::connect(&Endpoint::loopback(server.address), &keys, options).expect("a session")
}

#[tokio::test(start_paused = true)]
async fn a_cancel_goes_out_when_nothing_else_may() {
    const FULL: &str = "x-ratelimit-limit: 200\r\nx-ratelimit-remaining: 0\r\n\
        x-ratelimit-reset: 1767614460\r\ndate: Mon, 05 Jan 2026 12:00:00 GMT\r\n";
    let server = Server::start(|request| match request.line.split(' ').next() {
        Some("DELETE") => Act::Reply(204, String::new()),
        _ => Act::ReplyWith(200, ACCOUNT.to_owned(), FULL),
    })
    .await;
    let session = session(&server);
    session.account().await.expect("the first answer tells the limit");
    let held_back = session.account().await;
    assert!(matches!(held_back, Err(Error::RateLimited { reset: Some(_), .. })), "{held_back:?}");
    let id: VenueOrderId = ORDER_ID.parse().expect("an id");
    for _ in 0..3 {
        session.cancel(&id).await.expect("a cancel is never held back");
    }
    assert_eq!((server.count("GET"), server.count("DELETE")), (1, 3));
}

#[tokio::test(start_paused = true)]
async fn an_account_keeps_to_its_own_limit() {
    let server = Server::start(|request| match request.line.split(' ').next() {
        Some("DELETE") => Act::Reply(204, String::new()),
        _ => Act::ok(ACCOUNT),
    })
    .await;
    let options = Options { requests_per_minute: NonZeroU32::new(10), ..Options::default() };
    let session = discreet(&server, &options);
    for _ in 0..9 {
        session.account().await.expect("within the limit");
    }
    assert!(matches!(session.account().await, Err(Error::RateLimited { reset: None, .. })));
    session.cancel(&ORDER_ID.parse().expect("an id")).await.expect("a cancel");
    tokio::time::advance(Duration::from_mins(1)).await;
    session.account().await.expect("the next minute");
    assert_eq!(server.count("GET"), 10);
}

#[tokio::test]
async fn keys_are_never_shown() {
    let page = "<html>401</html>".to_owned();
    let server = Server::start(move |request| match request.target() {
        "GET /v2/account" => Act::Reply(401, page.clone()),
        "GET /v2/clock" => Act::Cut,
        "GET /v2/positions" => Act::ok("[1]"),
        _ => Act::Reply(500, String::new()),
    })
    .await;
    let keys = Credentials::<Paper>::new(KEY.to_owned(), SECRET.to_owned()).expect("keys");
    let session = discreet(&server, &Options::default());
    let mut shown = vec![
        format!("{keys:?} {keys:#?}"),
        format!("{:?}", Secret::new(SECRET.to_owned())),
        format!("{session:?} {session:#?}"),
        format!("{:?} {:#?}", session.trading, session.data),
    ];
    let mut tell = |error: Error| shown.push(format!("{error} {error:?} {error:#?}"));
    tell(session.account().await.expect_err("wrong keys"));
    tell(session.clock().await.expect_err("no answer"));
    tell(session.positions().await.expect_err("no positions"));
    tell(session.quotes(&["AAPL".parse().expect("a symbol")]).await.expect_err("no quotes"));
    tell(
        session
            .updates(None)
            .expect("a stream")
            .next()
            .await
            .err()
            .unwrap_or(Error::Setup { problem: "told as lost".to_owned() }),
    );
    let symbols = vec!["AAPL".parse().expect("a symbol")];
    let wish = Subscription { trades: symbols, ..Subscription::default() };
    let mut stream = session.data_stream(wish).expect("a stream");
    shown.push(format!("{:?}", stream.next().await));
    for bad in [format!("{KEY} x"), format!("{SECRET}\n")] {
        let error = Credentials::<Paper>::new(bad.clone(), bad).expect_err("no key");
        shown.push(format!("{error} {error:?}"));
    }
    for text in &shown {
        assert!(!text.contains(&KEY[..8]) && !text.contains(&SECRET[..8]), "{text}");
    }
    // They went out all the same, as headers and nowhere else.
    for request in server.log() {
        assert!(!request.line.contains(KEY) && !request.body.contains(SECRET), "{request:?}");
        let stream = request.headers.iter().any(|header| header.starts_with("upgrade:"));
        let as_header = request.headers.iter().any(|header| header.contains(SECRET));
        assert_eq!(as_header, !stream, "a stream takes the keys as a message: {request:?}");
    }
}
