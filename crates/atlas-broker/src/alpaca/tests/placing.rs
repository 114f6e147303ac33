//! What becomes of an order, whatever becomes of the wire.

use std::time::Duration;

use atlas_core::{OrderRequest, OrderStatus, OrderType, Qty, Side, TimeInForce};

use super::payloads::{ORDER, ORDER_ID};
use super::server::{Act, Server};
use super::{session, session_within};
use crate::alpaca::place::{Attempt, Placement};
use crate::{Broker, Error, Sent, Terms};

const PLAIN: Sent = Sent::Submitted(Terms::Simple);

fn request() -> OrderRequest {
    OrderRequest {
        client_order_id: "atlas-demo-1-buy-AAPL-0".parse().expect("an id"),
        symbol: "AAPL".parse().expect("a symbol"),
        side: Side::Buy,
        qty: Qty::from_shares(10),
        order_type: OrderType::Limit { limit_price: "187.5".parse().expect("a price") },
        time_in_force: TimeInForce::Day,
    }
}

/// The outcome in one word, with what tells it from others of the kind.
fn word(placement: Placement) -> String {
    match placement {
        Placement::Accepted(order) => format!("accepted {}", order.venue_order_id),
        Placement::Refused(refusal) => format!("refused {:?}: {}", refusal.code, refusal.reason),
        Placement::NotReached(error) => format!("not reached: {error}"),
        Placement::Unknown(error) => format!("unknown: {error}"),
    }
}

/// Sends one order to a server that answers the POST and the look-up as told.
async fn check(attempt: Attempt, post: Act, lookup: Act, expected: &str) {
    let shown = format!("{attempt:?} {post:?} {lookup:?}");
    let server = Server::start(move |request| match request.target() {
        "POST /v2/orders" => post.clone(),
        "GET /v2/orders:by_client_order_id" => lookup.clone(),
        other => Act::Reply(500, format!("unexpected {other}")),
    })
    .await;
    let session = session_within(&server, Duration::from_millis(400));
    let outcome = word(session.place(&request(), &PLAIN, attempt).await);
    assert!(outcome.starts_with(expected), "{shown}\ngave     {outcome}\nexpected {expected}");
    assert_eq!(server.count("POST"), 1, "{shown}: the order is sent once");
}

fn refusal(status: u16, code: i64) -> Act {
    Act::Reply(status, format!(r#"{{"code":{code},"message":"no"}}"#))
}

#[tokio::test]
async fn a_first_attempt_says_whether_it_arrived() {
    let accepted = format!("accepted {ORDER_ID}");
    let other = ORDER.replace(r#""qty":"10""#, r#""qty":"11""#);
    let unknown_state = ORDER.replace("partially_filled", "dreaming");
    let html = "<html>\n<body>Bad gateway</body>\n</html>".to_owned();
    for (post, lookup, expected) in [
        (Act::ok(ORDER), Act::Cut, accepted.as_str()),
        (Act::Reply(201, ORDER.into()), Act::Cut, &accepted),
        (refusal(403, 40_310_000), Act::Cut, "refused Some(40310000): no"),
        (refusal(422, 42_210_000), Act::Cut, "refused Some(42210000): no"),
        (refusal(401, 40_110_000), Act::Cut, "refused Some(40110000): no"),
        (Act::Reply(401, html.clone()), Act::Cut, "refused None: Unauthorized: <html>"),
        (Act::Reply(404, String::new()), Act::Cut, "refused None: Not Found"),
        // Nothing was done, and the same may be sent later.
        (refusal(429, 42_910_000), Act::Cut, "not reached: 127.0.0.1"),
        // Nobody knows.
        (Act::Cut, Act::Cut, "unknown: 127.0.0.1"),
        (Act::Stall, Act::Cut, "unknown: 127.0.0.1"),
        (Act::CutBody(ORDER.into()), Act::Cut, "unknown: 127.0.0.1"),
        (Act::ok(""), Act::Cut, "unknown: 127.0.0.1"),
        (Act::ok("{}"), Act::Cut, "unknown: 127.0.0.1"),
        (Act::ok(other.clone()), Act::Cut, "unknown: 127.0.0.1"),
        (Act::ok(unknown_state), Act::Cut, "unknown: order 61e69015"),
        (refusal(408, 0), Act::Cut, "unknown: 127.0.0.1"),
        (refusal(500, 50_010_000), Act::Cut, "unknown: 127.0.0.1"),
        (Act::Reply(502, html.clone()), Act::Cut, "unknown: 127.0.0.1"),
        (Act::Reply(503, String::new()), Act::Cut, "unknown: 127.0.0.1"),
        (Act::Reply(504, String::new()), Act::Cut, "unknown: 127.0.0.1"),
        (Act::Reply(307, String::new()), Act::Cut, "unknown: 127.0.0.1"),
        // The id was used before, or something else is wrong that has the same code.
        (refusal(422, 40_010_001), Act::ok(ORDER), &accepted),
        (refusal(409, 40_910_000), Act::ok(ORDER), &accepted),
        (refusal(422, 40_010_001), Act::not_found(), "refused Some(40010001): no"),
        (refusal(422, 40_010_001), Act::ok(other), "refused Some(40010001): another order exists"),
        (refusal(422, 40_010_001), Act::Reply(404, html), "unknown: 127.0.0.1"),
        (refusal(422, 40_010_001), Act::Reply(503, String::new()), "unknown: 127.0.0.1"),
        (refusal(422, 40_010_001), Act::Cut, "unknown: 127.0.0.1"),
    ] {
        check(Attempt::First, post, lookup, expected).await;
    }
}

#[tokio::test]
async fn a_resend_never_forgets_the_first_attempt() {
    let accepted = format!("accepted {ORDER_ID}");
    for (post, lookup, expected) in [
        (Act::ok(ORDER), Act::Cut, accepted.as_str()),
        // The first one went through, and holds the money this one would need.
        (refusal(403, 40_310_000), Act::ok(ORDER), &accepted),
        (refusal(422, 40_010_001), Act::ok(ORDER), &accepted),
        (refusal(403, 40_310_000), Act::not_found(), "refused Some(40310000): no"),
        (refusal(403, 40_310_000), Act::Reply(500, String::new()), "unknown: 127.0.0.1"),
        (refusal(429, 42_910_000), Act::not_found(), "unknown: 127.0.0.1"),
        (Act::Cut, Act::not_found(), "unknown: 127.0.0.1"),
    ] {
        check(Attempt::Again, post, lookup, expected).await;
    }
}

#[tokio::test]
async fn a_closed_port_was_not_reached() {
    let server = Server::start(|_| Act::Cut).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let closed = server.at(listener.local_addr().expect("an address"));
    drop(listener);
    let session = session(&closed);
    let first = session.place(&request(), &PLAIN, Attempt::First).await;
    assert!(matches!(first, Placement::NotReached(Error::NotReached { .. })), "{first:?}");
    let again = session.place(&request(), &PLAIN, Attempt::Again).await;
    assert!(matches!(again, Placement::Unknown(Error::NotReached { .. })), "{again:?}");
    assert!(matches!(session.account().await, Err(Error::NotReached { .. })));
}

#[tokio::test]
async fn what_cannot_be_sent_is_refused_without_sending() {
    let server = Server::start(|_| Act::ok(ORDER)).await;
    let request = OrderRequest { qty: Qty::ZERO, ..request() };
    let outcome = session(&server).place(&request, &PLAIN, Attempt::First).await;
    assert!(matches!(outcome, Placement::Refused(_)), "{outcome:?}");
    assert_eq!(server.count("POST"), 0);
}

#[tokio::test]
async fn the_body_is_what_the_contract_says() {
    let server = Server::start(|_| Act::ok(ORDER)).await;
    let session = session(&server);
    let price = |text: &str| text.parse().expect("a price");
    for (order_type, prices) in [
        (OrderType::Market, r#""type":"market","time_in_force":"day","#),
        (
            OrderType::Limit { limit_price: price("187.50") },
            r#""type":"limit","time_in_force":"day","limit_price":"187.5","#,
        ),
        (
            OrderType::Stop { stop_price: price("0.0001") },
            r#""type":"stop","time_in_force":"day","stop_price":"0.0001","#,
        ),
        (
            OrderType::StopLimit { stop_price: price("2"), limit_price: price("3") },
            r#""type":"stop_limit","time_in_force":"day","limit_price":"3","stop_price":"2","#,
        ),
    ] {
        drop(
            session.place(&OrderRequest { order_type, ..request() }, &PLAIN, Attempt::First).await,
        );
        let sent = server.log().pop().expect("a request");
        let expected = format!(
            r#"{{"symbol":"AAPL","qty":"10","side":"buy",{prices}"client_order_id":"atlas-demo-1-buy-AAPL-0"}}"#
        );
        assert_eq!(sent.body, expected);
        let has = |header: &str| sent.headers.iter().any(|line| line.eq_ignore_ascii_case(header));
        assert!(has("apca-api-key-id: KEY") && has("apca-api-secret-key: SECRET"));
        assert!(has("content-type: application/json"));
    }
}

#[tokio::test]
async fn a_duplicate_buy_stop_may_have_become_a_stop_limit() {
    let stop = ORDER
        .replace(r#""type":"limit""#, r#""type":"stop_limit""#)
        .replace(r#""limit_price":"187.50""#, r#""limit_price":"195.00""#)
        .replace(r#""stop_price":null"#, r#""stop_price":"187.5""#);
    let server = Server::start(move |request| {
        if request.line.starts_with("POST") {
            refusal(422, 40_010_001)
        } else {
            Act::ok(stop.clone())
        }
    })
    .await;
    let order_type = OrderType::Stop { stop_price: "187.5".parse().expect("a price") };
    let stop = OrderRequest { order_type, ..request() };
    let outcome = session(&server).place(&stop, &PLAIN, Attempt::First).await;
    assert!(matches!(outcome, Placement::Accepted(_)), "{outcome:?}");
}

#[tokio::test]
async fn canceling_what_has_ended_is_no_error() {
    for (act, fine) in [
        (Act::Reply(204, String::new()), true),
        (Act::ok("{}"), true),
        (refusal(422, 42_210_000), true),
        (Act::not_found(), false),
        (Act::Reply(500, String::new()), false),
        (Act::Cut, false),
    ] {
        let shown = format!("{act:?}");
        let server = Server::start(move |_| act.clone()).await;
        let id = ORDER_ID.parse().expect("an id");
        let result = session(&server).cancel(&id).await;
        assert_eq!(result.is_ok(), fine, "{shown} gave {result:?}");
        assert_eq!(server.log()[0].line, format!("DELETE /v2/orders/{ORDER_ID}"));
    }
}

#[tokio::test]
async fn a_cancel_refused_for_another_reason_is_none() {
    let ended = ORDER.replace("partially_filled", "canceled");
    for (cancel, order, fine) in [
        // Such as an id that cannot be read.
        (refusal(422, 40_010_001), Act::not_found(), false),
        (refusal(422, 40_010_001), Act::ok(ORDER), false),
        (Act::Reply(422, String::new()), Act::Cut, false),
        (Act::Reply(422, String::new()), Act::ok(ended.clone()), true),
    ] {
        let shown = format!("{cancel:?} {order:?}");
        let server = Server::start(move |request| {
            if request.line.starts_with("DELETE") { cancel.clone() } else { order.clone() }
        })
        .await;
        let id = ORDER_ID.parse().expect("an id");
        let result = session(&server).cancel(&id).await;
        assert_eq!(result.is_ok(), fine, "{shown} gave {result:?}");
    }
}

#[tokio::test]
async fn an_order_is_absent_only_if_the_api_says_so() {
    let id = request().client_order_id;
    for (act, expected) in [
        (Act::ok(ORDER), "Ok(Some(PartiallyFilled))"),
        (Act::not_found(), "Ok(None)"),
        (Act::Reply(404, "<html>nginx</html>".into()), "Err"),
        (Act::Reply(404, String::new()), "Err"),
        (Act::ok(ORDER.replace("atlas-demo-1", "atlas-demo-2")), "Err"),
        (Act::ok(ORDER.replace("partially_filled", "dreaming")), "Err(UnknownState"),
    ] {
        let server = Server::start(move |_| act.clone()).await;
        let found = session(&server).order(&id).await;
        let found = found.map(|order| order.map(|order: crate::BrokerOrder| order.status));
        assert!(format!("{found:?}").starts_with(expected), "{found:?} is not {expected}");
        assert_eq!(server.log()[0].query("client_order_id"), Some("atlas-demo-1-buy-AAPL-0"));
    }
    assert_eq!(OrderStatus::ALL.len(), 13);
}

#[tokio::test]
async fn a_429_tells_when_to_come_back_and_is_remembered() {
    const HEADERS: &str = "date: Mon, 05 Jan 2026 12:00:00 GMT\r\nx-ratelimit-limit: 200\r\n\
        x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1767614430\r\n";
    let server = Server::start(|request| match request.target() {
        target if target.starts_with("DELETE") => Act::Reply(204, String::new()),
        _ => Act::ReplyWith(429, r#"{"code":42910000,"message":"slow"}"#.into(), HEADERS),
    })
    .await;
    let session = session(&server);
    for _ in 0..2 {
        let error = session.account().await.expect_err("an error");
        let Error::RateLimited { reset: Some(reset), .. } = error else { panic!("{error}") };
        assert_eq!(reset.to_rfc3339(), "2026-01-05T12:00:30+00:00");
    }
    let outcome = session.place(&request(), &PLAIN, Attempt::First).await;
    assert!(matches!(outcome, Placement::NotReached(Error::RateLimited { .. })), "{outcome:?}");
    assert_eq!(server.log().len(), 1, "the second read and the order were not sent");
    session.cancel(&ORDER_ID.parse().expect("an id")).await.expect("cancels always go");
}
