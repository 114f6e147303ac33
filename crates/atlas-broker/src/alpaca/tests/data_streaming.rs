//! The market data stream.

use super::payloads::{BAR, QUOTE, TRADE};
use super::server::{Act, Frame, Server};
use super::session;
use crate::Error;
use crate::market_data::{BarKind, DataEvent, Subscription};

/// A payload as an element of the stream.
fn element(kind: &str, payload: &str) -> String {
    payload.replacen('{', &format!(r#"{{"T":"{kind}","S":"AAPL","#), 1)
}

fn apple() -> Subscription {
    let symbols = vec!["AAPL".parse().expect("a symbol")];
    Subscription { trades: symbols.clone(), quotes: symbols, bars: Vec::new() }
}

fn word(event: Result<DataEvent, Error>) -> String {
    match event {
        Ok(DataEvent::Connected) => "connected".to_owned(),
        Ok(DataEvent::Lost(_)) => "lost".to_owned(),
        Ok(DataEvent::Trade { trade, .. }) => format!("trade {}", trade.price),
        Ok(DataEvent::Quote(quote)) => format!("quote {:?}", quote.ask.map(|p| p.to_string())),
        Ok(DataEvent::Bar { kind, .. }) => format!("bar {}", kind == BarKind::Minute),
        Err(error) => format!("error {error}"),
    }
}

#[tokio::test]
async fn trades_and_bars_are_told_and_quotes_conflated() {
    let later = QUOTE.replace("187.52", "187.60");
    let batch = [
        element("q", QUOTE),
        element("t", TRADE),
        element("q", &later),
        element("b", BAR),
        element("t", TRADE),
        r#"{"T":"brand_new","S":"?"}"#.to_owned(),
    ]
    .join(",");
    let frames = vec![Frame::Binary(format!("[{batch}]")), Frame::Drop];
    let server = Server::start(move |request| {
        assert_eq!(request.target(), "GET /v2/iex");
        Act::Data(frames.clone())
    })
    .await;
    let session = session(&server);
    let mut stream = session.data_stream(apple()).expect("a stream");
    let mut words = Vec::new();
    for _ in 0..7 {
        words.push(word(stream.next().await));
    }
    let quote = "quote Some(\"187.6\")";
    assert_eq!(
        words,
        ["connected", "trade 187.51", quote, "bar true", "trade 187.51", "lost", "connected"]
    );
}

#[tokio::test]
async fn complaints_are_told_apart() {
    for (code, expected) in
        [(402, "error 127.0.0.1"), (406, "lost"), (407, "lost"), (405, "error 127.0.0.1")]
    {
        let text = format!(r#"[{{"T":"error","code":{code},"msg":"no"}}]"#);
        let frames = vec![Frame::Binary(text)];
        let server = Server::start(move |_| Act::Data(frames.clone())).await;
        let session = session(&server);
        let mut stream = session.data_stream(apple()).expect("a stream");
        assert_eq!(word(stream.next().await), "connected");
        let told = word(stream.next().await);
        assert!(told.starts_with(expected), "{code}: {told}");
    }
}

#[tokio::test]
async fn a_subscription_is_of_one_market() {
    let server = Server::start(|_| Act::Cut).await;
    let session = session(&server);
    assert!(session.data_stream(Subscription::default()).is_err());
    let mut mixed = apple();
    mixed.bars.push("BTC/USD".parse().expect("a symbol"));
    assert!(session.data_stream(mixed).is_err());
}
