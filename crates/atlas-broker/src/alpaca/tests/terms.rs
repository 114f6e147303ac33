//! Order classes, replacements, and the rest of the trading API.

use atlas_core::{OrderRequest, OrderType, Qty, Side, TimeInForce};

use super::payloads::{CRYPTO_ASSET, ORDER, ORDER_ID};
use super::server::{Act, Server};
use super::session;
use crate::alpaca::place::{Attempt, Placement};
use crate::alpaca::{HistoryRequest, OrderFilter, Which};
use crate::{Broker, Sent, StopLoss, Terms, Trail};

fn price(text: &str) -> atlas_core::Price {
    text.parse().expect("a price")
}

fn request(order_type: OrderType) -> OrderRequest {
    OrderRequest {
        client_order_id: "atlas-demo-1-buy-AAPL-0".parse().expect("an id"),
        symbol: "AAPL".parse().expect("a symbol"),
        side: Side::Buy,
        qty: Qty::from_shares(10),
        order_type,
        time_in_force: TimeInForce::Day,
    }
}

fn limit() -> OrderRequest {
    request(OrderType::Limit { limit_price: price("187.5") })
}

#[tokio::test]
async fn terms_become_the_fields_the_service_honours() {
    let server = Server::start(|_| Act::ok(ORDER)).await;
    let session = session(&server);
    let loss = StopLoss { stop_price: price("180"), limit_price: Some(price("179.5")) };
    let take_profit = price("200");
    let stop = request(OrderType::Stop { stop_price: price("190") });
    for (order, terms, fields) in [
        (limit(), Terms::ExtendedHours, r#""limit_price":"187.5","extended_hours":true"#),
        (
            limit(),
            Terms::Bracket { take_profit, stop_loss: loss },
            r#""order_class":"bracket","take_profit":{"limit_price":"200"},"stop_loss":{"stop_price":"180","limit_price":"179.5"}"#,
        ),
        (
            limit(),
            Terms::TakeProfit { take_profit },
            r#""order_class":"oto","take_profit":{"limit_price":"200"},"client_order_id""#,
        ),
        (
            OrderRequest { side: Side::Sell, ..limit() },
            Terms::OneCancelsOther(StopLoss { limit_price: None, ..loss }),
            r#""time_in_force":"day","order_class":"oco","take_profit":{"limit_price":"187.5"},"stop_loss":{"stop_price":"180"},"client_order_id""#,
        ),
        (
            stop.clone(),
            Terms::Trailing(Trail::Price(price("2.5"))),
            r#""type":"trailing_stop","time_in_force":"day","trail_price":"2.5","client_order_id""#,
        ),
        (
            stop,
            Terms::Trailing(Trail::Percent("1.5".parse().expect("a number"))),
            r#""trail_percent":"1.5","client_order_id""#,
        ),
    ] {
        drop(session.place(&order, &Sent::Submitted(terms), Attempt::First).await);
        let body = server.log().pop().expect("a request").body;
        assert!(body.contains(fields), "{terms:?}: {body}");
    }
    let sent = server.log().len();
    let conflict = Sent::Submitted(Terms::Bracket { take_profit: price("1"), stop_loss: loss });
    let outcome = session.place(&limit(), &conflict, Attempt::First).await;
    assert!(matches!(outcome, Placement::Refused(_)), "{outcome:?}");
    assert_eq!(server.log().len(), sent, "nothing was sent");
}

#[tokio::test]
async fn a_duplicate_of_another_class_is_another_order() {
    let server = Server::start(|request| match request.target() {
        "POST /v2/orders" => Act::Reply(422, r#"{"code":40010001,"message":"unique"}"#.into()),
        _ => Act::ok(ORDER),
    })
    .await;
    let stop_loss = StopLoss { stop_price: price("180"), limit_price: None };
    let terms = Sent::Submitted(Terms::StopLoss(stop_loss));
    let outcome = session(&server).place(&limit(), &terms, Attempt::First).await;
    let Placement::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    assert!(refusal.reason.contains("its class differs"), "{}", refusal.reason);
}

#[tokio::test]
async fn crypto_orders_that_cannot_go_are_not_sent() {
    let server = Server::start(|request| match request.target() {
        "GET /v2/assets/BTC%2FUSD" => Act::ok(CRYPTO_ASSET),
        _ => Act::ok(ORDER),
    })
    .await;
    let session = session(&server);
    let crypto = |limit_price: &str, time_in_force| OrderRequest {
        symbol: "BTC/USD".parse().expect("a symbol"),
        qty: "0.0001".parse().expect("a quantity"),
        time_in_force,
        ..request(OrderType::Limit { limit_price: price(limit_price) })
    };
    let tiny = OrderRequest {
        qty: "0.00001".parse().expect("a quantity"),
        ..crypto("1000000", TimeInForce::Gtc)
    };
    for (order, sent) in [
        (crypto("99999", TimeInForce::Gtc), false),
        (crypto("100000", TimeInForce::Gtc), true),
        (crypto("100000", TimeInForce::Day), false),
        (crypto("100000.005", TimeInForce::Gtc), false),
        (tiny, false),
        (crypto("100000.01", TimeInForce::Ioc), true),
    ] {
        let before = server.count("POST");
        let outcome = session.place(&order, &Sent::Submitted(Terms::Simple), Attempt::First).await;
        assert_eq!(server.count("POST") > before, sent, "{outcome:?}");
        assert_eq!(matches!(outcome, Placement::Refused(_)), !sent, "{outcome:?}");
    }
    assert_eq!(server.count("GET /v2/assets"), 1, "what a pair asks for is read once");
}

#[tokio::test]
async fn a_pair_nobody_can_tell_of_is_not_ordered() {
    let halted = CRYPTO_ASSET.replace(r#""tradable":true"#, r#""tradable":false"#);
    for (answer, words) in [
        (Act::not_found(), "Refused(Refusal { code: None, reason: \"the broker has no asset"),
        (Act::ok(halted), "Refused(Refusal { code: None, reason: \"BTC/USD cannot be traded"),
        (Act::Reply(500, String::new()), "NotReached"),
        (Act::Cut, "NotReached"),
    ] {
        let server = Server::start(move |_| answer.clone()).await;
        let order = OrderRequest {
            symbol: "BTC/USD".parse().expect("a symbol"),
            time_in_force: TimeInForce::Gtc,
            ..limit()
        };
        let plain = Sent::Submitted(Terms::Simple);
        let outcome = session(&server).place(&order, &plain, Attempt::First).await;
        assert!(format!("{outcome:?}").starts_with(words), "{words}: {outcome:?}");
        assert_eq!(server.count("POST"), 0);
    }
}

#[tokio::test]
async fn a_crypto_order_without_a_limit_is_weighed_by_the_latest_quote() {
    let quotes = r#"{"quotes":{"BTC/USD":{"t":"2026-01-05T14:30:00Z","bp":99000,"ap":100000}}}"#;
    let answers = [Some((quotes, 200)), Some((r#"{"quotes":{}}"#, 200)), Some(("", 500)), None];
    for (quote, qty, sent, word) in [
        (answers[0], "0.0001", 1, "Unknown"),
        (answers[0], "0.00009", 0, "Refused"),
        (answers[1], "1", 0, "Refused"),
        (answers[2], "1", 0, "NotReached"),
        (answers[3], "1", 0, "NotReached"),
    ] {
        let server = Server::start(move |request| match request.target() {
            "GET /v1beta3/crypto/us/latest/quotes" => {
                quote.map_or(Act::Cut, |(body, status)| Act::Reply(status, body.to_owned()))
            }
            "GET /v2/assets/BTC%2FUSD" => Act::ok(CRYPTO_ASSET),
            _ => Act::Reply(503, String::new()),
        })
        .await;
        let order = OrderRequest {
            symbol: "BTC/USD".parse().expect("a symbol"),
            qty: qty.parse().expect("a quantity"),
            time_in_force: TimeInForce::Gtc,
            ..request(OrderType::Market)
        };
        let plain = Sent::Submitted(Terms::Simple);
        let outcome = session(&server).place(&order, &plain, Attempt::First).await;
        assert!(format!("{outcome:?}").starts_with(word), "{word}: {outcome:?}");
        assert_eq!(server.count("POST"), sent, "{outcome:?}");
    }
}

#[tokio::test]
async fn an_amount_of_money_is_sent_instead_of_a_quantity_and_recognised() {
    let money = ORDER
        .replace("\"qty\":\"10\"", "\"qty\":null")
        .replace("\"notional\":null", "\"notional\":\"1500.25\"");
    for (answer, word) in [(money.clone(), "Accepted"), (ORDER.to_owned(), "Unknown")] {
        let server = Server::start(move |_| Act::ok(answer.clone())).await;
        let terms = Sent::Submitted(Terms::Notional("1500.25".parse().expect("an amount")));
        let outcome = session(&server).place(&limit(), &terms, Attempt::First).await;
        assert!(format!("{outcome:?}").starts_with(word), "{outcome:?}");
        let body = server.log().pop().expect("a request").body;
        assert!(body.contains(r#""notional":"1500.25""#) && !body.contains("qty"), "{body}");
    }
    let server = replacing(Act::ok(ORDER), Act::Cut).await;
    let much = Sent::Submitted(Terms::Notional("1875.01".parse().expect("an amount")));
    let outcome = session(&server).place(&limit(), &much, Attempt::First).await;
    assert!(matches!(outcome, Placement::Refused(_)), "more than was approved: {outcome:?}");
    assert_eq!(server.log().len(), 0);
}

#[tokio::test]
async fn replacing_what_the_broker_does_not_know_is_refused() {
    let old = Sent::Replacing(ORDER_ID.parse().expect("an id"));
    let server = Server::start(|_| Act::not_found()).await;
    let outcome = session(&server).place(&limit(), &old, Attempt::First).await;
    let Placement::Refused(refusal) = outcome else { panic!("{outcome:?}") };
    assert_eq!(refusal.code, Some(40_410_000));
    assert_eq!(server.count("PATCH"), 0);
}

/// A server with an old order, answering the PATCH and the look-up as told.
async fn replacing(patch: Act, lookup: Act) -> Server {
    let old = ORDER.replace("buy-AAPL-0", "buy-AAPL-9").replace("187.50", "185");
    Server::start(move |request| match request.target() {
        target if target.starts_with("PATCH") => patch.clone(),
        "GET /v2/orders:by_client_order_id" => lookup.clone(),
        _ => Act::ok(old.clone()),
    })
    .await
}

#[tokio::test]
async fn a_replacement_sends_what_changes_under_a_name_of_its_own() {
    let server = replacing(Act::ok(ORDER), Act::Cut).await;
    let session = session(&server);
    let old = Sent::Replacing(ORDER_ID.parse().expect("an id"));
    let outcome = session.place(&limit(), &old, Attempt::First).await;
    assert!(matches!(outcome, Placement::Accepted(_)), "{outcome:?}");
    let sent = server.log().pop().expect("a request");
    assert_eq!(sent.line, format!("PATCH /v2/orders/{ORDER_ID}"));
    assert_eq!(sent.body, r#"{"limit_price":"187.5","client_order_id":"atlas-demo-1-buy-AAPL-0"}"#);
    for wrong in [
        request(OrderType::Market),
        OrderRequest { side: Side::Sell, ..limit() },
        request(OrderType::Limit { limit_price: price("185") }),
    ] {
        let outcome = session.place(&wrong, &old, Attempt::First).await;
        assert!(matches!(outcome, Placement::Refused(_)), "{outcome:?}");
    }
    assert_eq!(server.count("PATCH"), 1);
}

/// A trailing stop of ten shares with this trail, under the name the request has.
fn trailing(trail: &str) -> String {
    ORDER
        .replace(r#""type":"limit""#, r#""type":"trailing_stop""#)
        .replace(r#""limit_price":"187.50""#, r#""limit_price":null"#)
        .replace(r#""trail_percent":null"#, &format!(r#""trail_percent":"{trail}""#))
}

#[tokio::test]
async fn a_trailing_stop_is_replaced_with_another_trail_of_its_kind() {
    let server = Server::start(|request| match request.target() {
        target if target.starts_with("PATCH") => Act::ok(trailing("3.5")),
        _ => Act::ok(trailing("2").replace("buy-AAPL-0", "buy-AAPL-9")),
    })
    .await;
    let session = session(&server);
    let stop = request(OrderType::Stop { stop_price: price("190") });
    let percent = |text: &str| Trail::Percent(text.parse().expect("a number"));
    let sent = |trail| Sent::ReplacingTrail(ORDER_ID.parse().expect("an id"), trail);
    let outcome = session.place(&stop, &sent(percent("3.5")), Attempt::First).await;
    assert!(matches!(outcome, Placement::Accepted(_)), "{outcome:?}");
    let body = server.log().pop().expect("a request").body;
    assert_eq!(body, r#"{"trail":"3.5","client_order_id":"atlas-demo-1-buy-AAPL-0"}"#);
    for wrong in [percent("2"), percent("100"), Trail::Price(price("3.5"))] {
        let outcome = session.place(&stop, &sent(wrong), Attempt::First).await;
        assert!(matches!(outcome, Placement::Refused(_)), "{wrong:?}: {outcome:?}");
    }
    let plain = Sent::Replacing(ORDER_ID.parse().expect("an id"));
    let outcome = session.place(&stop, &plain, Attempt::First).await;
    assert!(matches!(outcome, Placement::Refused(_)), "without a trail: {outcome:?}");
    assert_eq!(server.count("PATCH"), 1);
    let outcome = session.place(&stop, &sent(percent("4")), Attempt::First).await;
    assert!(matches!(outcome, Placement::Unknown(_)), "another trail than asked: {outcome:?}");
}

#[tokio::test]
async fn a_replacement_of_unknown_outcome_is_never_a_new_order() {
    let old = Sent::Replacing(ORDER_ID.parse().expect("an id"));
    let server = replacing(Act::Cut, Act::ok(ORDER)).await;
    let outcome = session(&server).place(&limit(), &old, Attempt::First).await;
    assert!(matches!(outcome, Placement::Unknown(_)), "{outcome:?}");

    let gone = Act::Reply(422, r#"{"code":42210000,"message":"order is replaced"}"#.into());
    let server = replacing(gone.clone(), Act::ok(ORDER)).await;
    let outcome = session(&server).place(&limit(), &old, Attempt::Again).await;
    assert!(matches!(outcome, Placement::Accepted(_)), "{outcome:?}");
    let server = replacing(gone, Act::not_found()).await;
    let outcome = session(&server).place(&limit(), &old, Attempt::Again).await;
    assert!(matches!(outcome, Placement::Refused(_)), "{outcome:?}");
    assert_eq!(server.count("POST"), 0);
}

#[tokio::test]
async fn canceling_all_asks_again_for_what_was_not_taken() {
    let server = Server::start(|request| match request.target() {
        "DELETE /v2/orders" => {
            Act::Reply(207, r#"[{"id":"a","status":200},{"id":"b","status":500}]"#.into())
        }
        "DELETE /v2/orders/b" => Act::Reply(204, String::new()),
        other => Act::Reply(500, other.to_owned()),
    })
    .await;
    let asked = session(&server).cancel_all().await.expect("asked");
    assert_eq!(asked.len(), 2);
    assert_eq!(server.count("DELETE /v2/orders/b"), 1);
}

#[tokio::test]
async fn suspension_is_believed_only_if_the_answer_says_so() {
    let server = Server::start(|request| {
        assert_eq!(request.line, "PATCH /v2/account/configurations");
        Act::ok(r#"{"suspend_trade":true,"pdt_check":"entry"}"#)
    })
    .await;
    let session = session(&server);
    session.suspend(true).await.expect("suspended");
    assert_eq!(server.log()[0].body, r#"{"suspend_trade":true}"#);
    assert!(session.suspend(false).await.is_err());
}

#[tokio::test]
async fn only_the_settings_asked_for_are_changed_and_the_answer_is_checked() {
    let server = Server::start(|_| {
        Act::ok(r#"{"suspend_trade":false,"no_shorting":true,"max_margin_multiplier":"1"}"#)
    })
    .await;
    let session = session(&server);
    let wish = crate::alpaca::Configuration {
        no_shorting: Some(true),
        max_margin_multiplier: Some(rust_decimal::Decimal::ONE),
        ..Default::default()
    };
    let now = session.configure(&wish).await.expect("settings");
    assert_eq!(now.suspend_trade, Some(false));
    assert_eq!(server.log()[0].line, "PATCH /v2/account/configurations");
    assert_eq!(server.log()[0].body, r#"{"no_shorting":true,"max_margin_multiplier":"1"}"#);
    let wish = crate::alpaca::Configuration { no_shorting: Some(false), ..wish };
    assert!(session.configure(&wish).await.is_err(), "the answer says otherwise");
}

#[tokio::test]
async fn lists_are_filtered_and_legs_are_read() {
    let bracket = ORDER.replace("\"legs\":null", &format!("\"legs\":[{ORDER}]"));
    let server = Server::start(move |request| match request.target() {
        "GET /v2/orders" => Act::ok(format!("[{ORDER}]")),
        _ => Act::ok(bracket.clone()),
    })
    .await;
    let session = session(&server);
    let instant = |text: &str| Some(text.parse().expect("an instant"));
    let filter = OrderFilter {
        which: Which::All,
        symbols: vec!["AAPL".parse().expect("a symbol")],
        side: Some(Side::Buy),
        after: instant("2026-01-05T00:00:00Z"),
        until: instant("2026-01-06T00:00:00Z"),
        ..OrderFilter::default()
    };
    assert_eq!(session.orders(&filter).await.expect("orders").len(), 1);
    let asked = &server.log()[0];
    assert_eq!(asked.query("status"), Some("all"));
    assert_eq!(asked.query("after"), Some("2026-01-05T00%3A00%3A00Z"));
    let later = OrderFilter { after: instant("2026-01-05T14:30:01Z"), ..filter };
    assert_eq!(session.orders(&later).await.expect("orders").len(), 0);
    let id = ORDER_ID.parse().expect("an id");
    let (_, legs) = session.order_with_legs(&id).await.expect("an order");
    assert_eq!(legs.len(), 1);
    assert_eq!(session.successor(&id).await.expect("an order"), None);
}

#[tokio::test]
async fn assets_configuration_and_history_are_read() {
    let asset = r#"{"id":"x","class":"crypto","symbol":"BTC/USD","status":"active","tradable":true,
        "fractionable":true,"min_order_size":"0.00001","min_trade_increment":0.000000001}"#;
    let option = r#"{"symbol":"AAPL240119C00100000","class":"us_option","tradable":true}"#;
    let server = Server::start(move |request| match request.target() {
        "GET /v2/assets/BTC%2FUSD" => Act::ok(asset),
        "GET /v2/assets" => Act::ok(format!("[{option},{asset}]")),
        "GET /v2/account/configurations" => Act::ok("{}"),
        "GET /v2/account/portfolio/history" => Act::ok(
            r#"{"timestamp":[1767571200,1767657600],"equity":[null,100000.5],
            "profit_loss":[null,0.5],"base_value":100000,"timeframe":"1D"}"#,
        ),
        _ => Act::not_found(),
    })
    .await;
    let session = session(&server);
    let bitcoin = "BTC/USD".parse().expect("a symbol");
    let found = session.asset(&bitcoin).await.expect("an answer").expect("an asset");
    assert_eq!(found.min_trade_increment.expect("a step").to_string(), "0.000000001");
    let none = session.asset(&"AAPL".parse().expect("a symbol")).await.expect("an answer");
    assert_eq!(none, None);
    assert_eq!(session.assets("crypto").await.expect("assets").len(), 1);
    assert_eq!(session.configuration().await.expect("settings").suspend_trade, None);
    let history = session.portfolio_history(&HistoryRequest::daily(2)).await.expect("a history");
    assert_eq!(history.points.len(), 1);
    assert_eq!(history.points[0].equity.to_string(), "100000.5");
}
