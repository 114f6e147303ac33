//! The order stream: what is missed is asked for again, what is repeated is told once.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::payloads::{FILL, ORDER, ORDER_ID};
use super::server::{Act, Frame, Server};
use super::session;
use crate::{Broker, Error, Update, UpdateStream};

/// The order with so many shares filled.
fn order(filled: u32, status: &str) -> String {
    ORDER
        .replace(r#""filled_qty":"4""#, &format!(r#""filled_qty":"{filled}""#))
        .replace("partially_filled", status)
}

/// The ledger's entry for so many shares, after which so many were filled.
fn entry(n: u32, qty: u32, cumulative: u32) -> String {
    FILL.replace("20260105093000123::2d7be4ff-d1f3-43e9-856a-0f5cf5c5088e", &format!("id-{n}"))
        .replace(r#""qty":"4""#, &format!(r#""qty":"{qty}""#))
        .replace(r#""cum_qty":"4.0""#, &format!(r#""cum_qty":"{cumulative}""#))
}

/// A message of the stream; an execution if it has a quantity.
fn update(event: &str, order: &str, qty: Option<u32>) -> Frame {
    let fill = qty.map(|qty| format!(r#""price":"187.33","qty":"{qty}","#)).unwrap_or_default();
    Frame::Binary(format!(
        r#"{{"stream":"trade_updates","data":{{"event":"{event}",{fill}"execution_id":"e",
        "timestamp":"2026-01-05T14:30:01Z","order":{order}}}}}"#
    ))
}

/// What REST says at the moment.
#[derive(Debug, Clone, Default)]
struct Rest {
    ledger: Vec<String>,
    order: String,
    open: bool,
}

/// A server whose connections play these messages one after the other.
async fn serve(rest: &Arc<Mutex<Rest>>, connections: Vec<Vec<Frame>>) -> Server {
    let rest = Arc::clone(rest);
    let connections = Mutex::new(connections.into_iter());
    Server::start(move |request| {
        let rest = rest.lock().expect("rest").clone();
        match request.target() {
            "GET /stream" => {
                let frames = connections.lock().expect("frames").next();
                frames.map_or(Act::Reply(503, String::new()), Act::Stream)
            }
            "GET /v2/account/activities" => {
                let after = request.query("page_token").unwrap_or("");
                let seen = rest
                    .ledger
                    .iter()
                    .position(|entry| !after.is_empty() && entry.contains(&format!("\"{after}\"")));
                let page = &rest.ledger[seen.map_or(0, |at| at + 1)..];
                Act::ok(format!("[{}]", page.join(",")))
            }
            "GET /v2/orders" if rest.open => Act::ok(format!("[{}]", rest.order)),
            "GET /v2/orders" => Act::ok("[]"),
            target if target.ends_with(ORDER_ID) => Act::ok(rest.order),
            other => Act::Reply(500, other.to_owned()),
        }
    })
    .await
}

/// The update in a word.
fn word(update: Result<Update, Error>) -> String {
    match update {
        Ok(Update::CaughtUp) => "caught up".to_owned(),
        Ok(Update::Lost(_)) => "lost".to_owned(),
        Ok(Update::Fill(fill)) => {
            format!("fill {}", fill.execution_id.as_str().rsplit(':').next().unwrap())
        }
        Ok(Update::Order(update)) => {
            format!("{:?} {}", update.news, update.order.status.as_str())
        }
        Err(error) => format!("error: {error}"),
    }
}

async fn told(stream: &mut dyn UpdateStream, count: usize) -> Vec<String> {
    let mut words = Vec::new();
    for _ in 0..count {
        let next = tokio::time::timeout(Duration::from_secs(20), stream.next()).await;
        words.push(word(next.unwrap_or_else(|_| panic!("nothing after {words:?}"))));
    }
    words
}

fn open(ledger: &[String], order: String) -> Arc<Mutex<Rest>> {
    Arc::new(Mutex::new(Rest { ledger: ledger.to_vec(), order, open: true }))
}

#[tokio::test]
async fn the_past_comes_first_and_repetitions_not_at_all() {
    let rest = open(&[entry(1, 3, 3), entry(2, 1, 4)], order(4, "partially_filled"));
    let partial = order(4, "partially_filled");
    let server = serve(
        &rest,
        vec![vec![
            update("partial_fill", &partial, Some(1)),
            update("new", &order(0, "new"), None),
            update("partial_fill", &order(6, "partially_filled"), Some(2)),
            update("partial_fill", &order(6, "partially_filled"), Some(2)),
            update("brand_new_event", &order(6, "partially_filled"), None),
            update("fill", &order(10, "filled"), Some(4)),
            update("canceled", &order(10, "canceled"), None),
            update("brand_new_event", &order(10, "filled"), None),
        ]],
    )
    .await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    assert_eq!(
        told(&mut *stream, 9).await,
        [
            "fill 3",
            "fill 4",
            "Found partially_filled",
            "caught up",
            "fill 6",
            "PartialFill partially_filled",
            "Unknown(\"brand_new_event\") partially_filled",
            "fill 10",
            "Fill filled",
        ]
    );
    let quiet = tokio::time::timeout(Duration::from_millis(100), stream.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test]
async fn what_happened_while_the_line_was_dead_is_found() {
    let rest = open(&[entry(1, 4, 4)], order(4, "partially_filled"));
    let server = serve(&rest, vec![vec![Frame::Drop], vec![]]).await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    assert_eq!(told(&mut *stream, 3).await, ["fill 4", "Found partially_filled", "caught up"]);
    {
        let mut rest = rest.lock().expect("rest");
        rest.ledger.extend([entry(2, 5, 9), entry(3, 1, 10)]);
        *rest = Rest { order: order(10, "filled"), open: false, ..rest.clone() };
    }
    assert_eq!(
        told(&mut *stream, 5).await,
        ["lost", "fill 9", "fill 10", "Found filled", "caught up"]
    );
    let reads: Vec<_> = server.log().iter().map(|request| request.line.clone()).collect();
    let resumed = reads.iter().filter(|line| line.contains("page_token=id-1")).count();
    assert_eq!(resumed, 1, "the ledger is read on from the bookmark: {reads:?}");
}

#[tokio::test]
async fn a_missing_message_is_made_up_for() {
    let rest = open(&[], order(0, "new"));
    let server = serve(
        &rest,
        vec![vec![Frame::Wait, update("partial_fill", &order(7, "partially_filled"), Some(2))]],
    )
    .await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    assert_eq!(told(&mut *stream, 2).await, ["Found accepted", "caught up"]);
    *rest.lock().expect("rest") = Rest {
        ledger: vec![entry(1, 5, 5), entry(2, 2, 7)],
        order: order(7, "partially_filled"),
        open: true,
    };
    server.go();
    assert_eq!(
        told(&mut *stream, 4).await,
        ["fill 5", "fill 7", "Found partially_filled", "caught up"]
    );
}

#[tokio::test]
async fn an_order_filled_before_the_bookmark_is_not_told_again() {
    let rest = open(&[entry(1, 4, 4)], order(4, "partially_filled"));
    let server = serve(&rest, vec![vec![update("fill", &order(10, "filled"), Some(6))]]).await;
    let session = session(&server);
    let bookmark = crate::ActivityId("id-1".to_owned());
    let mut stream = session.updates(Some(bookmark)).expect("a stream");
    assert_eq!(
        told(&mut *stream, 4).await,
        ["Found partially_filled", "caught up", "fill 10", "Fill filled"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_ledger_that_never_agrees_is_an_error() {
    let rest = open(&[entry(1, 3, 3)], order(4, "partially_filled"));
    let server = serve(&rest, vec![vec![], vec![]]).await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    let mut words = Vec::new();
    while !words.iter().any(|word: &String| word.starts_with("error")) {
        words.push(word(stream.next().await));
    }
    assert_eq!(words[0], "fill 3");
    assert!(words[1].contains("do not add up"), "{words:?}");
}

#[tokio::test]
async fn an_unknown_state_and_wrong_keys_are_errors() {
    let rest = open(&[], order(0, "new"));
    let server = serve(&rest, vec![vec![update("new", &order(0, "dreaming"), None)]]).await;
    let session_ = session(&server);
    let mut stream = session_.updates(None).expect("a stream");
    assert_eq!(told(&mut *stream, 2).await, ["Found accepted", "caught up"]);
    let error = stream.next().await.expect_err("an unknown state");
    assert!(matches!(error, Error::UnknownState { .. }), "{error}");

    let server = Server::start(|_| Act::Reply(401, "<html>".to_owned())).await;
    let session_ = session(&server);
    let mut stream = session_.updates(None).expect("a stream");
    let error = stream.next().await.expect_err("wrong keys");
    assert!(matches!(error, Error::Auth { .. }), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_socket_that_answers_no_ping_counts_as_gone() {
    let rest = open(&[], order(0, "new"));
    let server = serve(&rest, vec![vec![Frame::Silence], vec![]]).await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    let mut words = Vec::new();
    while words.len() < 4 {
        words.push(word(stream.next().await));
    }
    assert_eq!(words, ["Found accepted", "caught up", "lost", "caught up"]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_comes_late_is_not_a_socket_that_is_gone() {
    let rest = open(&[], order(0, "new"));
    let server = serve(&rest, vec![vec![], vec![]]).await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    assert_eq!(told(&mut *stream, 2).await, ["Found accepted", "caught up"]);
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_mins(2)).await;
        // A ping is sent, and answered meanwhile or after.
        let quiet = tokio::time::timeout(Duration::from_millis(200), stream.next()).await;
        assert!(quiet.is_err(), "{quiet:?}");
    }
    assert_eq!(server.count("GET /stream"), 1);
}

/// Orders that ended while nobody listened are found by a page of the list, not one by one.
#[tokio::test]
async fn many_orders_that_ended_meanwhile_are_found_by_a_page() {
    let nth = |n: u32, status: &str| {
        let order = order(0, status).replace(ORDER_ID, &format!("order-{n:05}"));
        order.replace("buy-AAPL-0", &format!("buy-AAPL-{n}"))
    };
    let connections = Mutex::new(vec![vec![], vec![Frame::Wait, Frame::Drop]]);
    let server = Server::start(move |request| {
        let page = |status: &str| {
            let all: Vec<_> = (0..40).map(|n| nth(n, status)).collect();
            Act::ok(format!("[{}]", all.join(",")))
        };
        let again = connections.lock().expect("frames").is_empty();
        match (request.target(), request.query("status")) {
            ("GET /stream", _) => {
                let frames = connections.lock().expect("frames").pop();
                frames.map_or(Act::Reply(503, String::new()), Act::Stream)
            }
            ("GET /v2/orders", Some("open")) if again => Act::ok("[]"),
            ("GET /v2/orders", Some("open")) => page("new"),
            // Nothing was sent while nobody listened; what is older is looked for.
            ("GET /v2/orders", Some("all"))
                if request.query("after").is_some_and(|t| t.starts_with("2026-01-05")) =>
            {
                Act::ok("[]")
            }
            ("GET /v2/orders", Some("all")) => page("canceled"),
            ("GET /v2/account/activities", _) => Act::ok("[]"),
            (other, _) => Act::Reply(500, other.to_owned()),
        }
    })
    .await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    assert_eq!(told(&mut *stream, 41).await[39..], ["Found accepted", "caught up"]);
    server.go();
    let words = told(&mut *stream, 42).await;
    assert_eq!((words[0].as_str(), words[40].as_str()), ("lost", "Found canceled"), "{words:?}");
    assert_eq!(words[41], "caught up");
    assert_eq!(server.count("GET /v2/orders/"), 0);
    assert_eq!(server.count("GET /v2/orders?status=all&limit=500"), 2);
}

#[tokio::test]
async fn a_next_that_is_given_up_loses_nothing() {
    let rest = open(&[entry(1, 4, 4)], order(4, "partially_filled"));
    let server = serve(&rest, vec![vec![update("fill", &order(10, "filled"), Some(6))]; 200]).await;
    let session = session(&server);
    let mut stream = session.updates(None).expect("a stream");
    let mut words = Vec::new();
    let mut patience = 1;
    while !words.iter().any(|word| word == "Fill filled") {
        let next = tokio::time::timeout(Duration::from_micros(patience), stream.next()).await;
        patience = (patience * 2).min(20_000);
        words.extend(next.ok().map(word));
    }
    words.retain(|word| word.starts_with("fill") || word.starts_with("Fill"));
    assert_eq!(words, ["fill 4", "fill 10", "Fill filled"]);
}
