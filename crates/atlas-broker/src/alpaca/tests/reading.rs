//! Reading: pages are walked to their end, names are found, redirects are not followed.

use std::num::NonZeroU32;

use atlas_core::OrderStatus;

use super::payloads::{
    ACCOUNT, BAR, CALENDAR_DAY, CLOCK, DIVIDEND, FILL, ORDER, ORDER_ID, POSITION, QUOTE, TRADE,
    snapshot,
};
use super::server::{Act, Server};
use super::session;
use crate::alpaca::{AssetClass, Direction, OrderFilter};
use crate::market_data::{Adjustment, BarsRequest, MarketData, Timeframe};
use crate::{ActivityId, Broker, CashKind, Entry, Error, SharesKind};

/// The nth order: ids and instants in order.
fn order(n: usize) -> String {
    ORDER
        .replace(ORDER_ID, &format!("order-{n:05}"))
        .replace("buy-AAPL-0", &format!("buy-AAPL-{n}"))
        .replace("14:30:00.123456789", &format!("14:30:00.{n:09}"))
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

#[tokio::test]
async fn the_account_is_read_exactly() {
    let server = Server::start(|_| Act::ok(ACCOUNT)).await;
    let account = session(&server).account().await.expect("an account");
    assert_eq!(account.account_number, "PA3717PJAYWN");
    assert_eq!(account.cash.to_string(), "96000.5");
    assert_eq!(account.spendable(), account.cash);
    assert!(!account.trading_blocked);
}

#[tokio::test]
async fn any_sign_of_a_block_blocks() {
    for (from, to) in [
        ("\"trading_blocked\":false", "\"trading_blocked\":true"),
        ("\"account_blocked\":false", "\"account_blocked\":true"),
        ("\"trade_suspended_by_user\":false", "\"trade_suspended_by_user\":true"),
        ("\"status\":\"ACTIVE\"", "\"status\":\"ACCOUNT_CLOSED\""),
    ] {
        let server = Server::start(move |_| Act::ok(ACCOUNT.replace(from, to))).await;
        assert!(session(&server).account().await.expect("an account").trading_blocked, "{to}");
    }
}

#[tokio::test]
async fn positions_come_by_symbol_and_shorts_are_not_supported() {
    let crypto = POSITION.replace("AAPL", "BTCUSD").replace("us_equity", "crypto");
    let body = list([POSITION.to_owned(), crypto]);
    let server = Server::start(move |_| Act::ok(body.clone())).await;
    let positions = session(&server).positions().await.expect("positions");
    let symbols: Vec<&str> = positions.keys().map(atlas_core::Symbol::as_str).collect();
    assert_eq!(symbols, ["AAPL", "BTC/USD"]);
    let short = list([POSITION.replace("\"qty\":\"5\"", "\"qty\":\"-5\"")]);
    let server = Server::start(move |_| Act::ok(short.clone())).await;
    let error = session(&server).positions().await.expect_err("a short");
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
}

#[tokio::test]
async fn open_orders_are_walked_beyond_500() {
    for total in [0, 1, 499, 500, 501, 1_000, 1_203] {
        let server = Server::start(move |request| {
            assert_eq!(request.query("limit"), Some("500"));
            let after = request.query("after_order_id");
            let first =
                after.map_or(0, |id| id.trim_start_matches("order-").parse::<usize>().unwrap() + 1);
            Act::ok(list((first..total.min(first + 500)).map(order)))
        })
        .await;
        let orders = session(&server).open_orders().await.expect("orders");
        assert_eq!(orders.len(), total);
        assert!(orders.is_sorted_by_key(|order| order.submitted_at));
    }
}

/// A server that lists so many orders with cursors, from either end, and ignores times.
async fn lists(total: usize) -> Server {
    Server::start(move |request| {
        let at = |id: &str| id.trim_start_matches("order-").parse::<usize>().expect("a number");
        let limit = request.query("limit").expect("a limit").parse().expect("a number");
        let first = request.query("after_order_id").map_or(0, |id| at(id) + 1);
        let end = request.query("before_order_id").map_or(total, at);
        if request.query("direction") == Some("asc") {
            Act::ok(list((first..end).take(limit).map(order)))
        } else {
            Act::ok(list((first..end).rev().take(limit).map(order)))
        }
    })
    .await
}

#[tokio::test]
async fn a_walk_ends_where_its_times_do() {
    let nanos = |n: u32| Some(format!("2026-01-05T14:30:00.{n:09}Z").parse().expect("an instant"));
    for (filter, count, pages) in [
        (OrderFilter { until: nanos(600), ..OrderFilter::default() }, 600, 2),
        (OrderFilter { until: nanos(500), ..OrderFilter::default() }, 500, 2),
        (OrderFilter { until: nanos(499), ..OrderFilter::default() }, 499, 1),
        (
            OrderFilter {
                after: nanos(4_600),
                direction: Direction::NewestFirst,
                ..OrderFilter::default()
            },
            399,
            1,
        ),
    ] {
        let server = lists(5_000).await;
        let orders = session(&server).orders(&filter).await.expect("orders");
        assert_eq!((orders.len(), server.log().len()), (count, pages), "{filter:?}");
    }
}

#[tokio::test]
async fn lists_have_a_direction_a_limit_a_class_and_cursors() {
    let id = |n: usize| Some(format!("order-{n:05}").parse().expect("an id"));
    let newest = OrderFilter {
        direction: Direction::NewestFirst,
        limit: NonZeroU32::new(700),
        asset_class: Some(AssetClass::Crypto),
        before_order_id: id(1_100),
        after_order_id: id(9),
        ..OrderFilter::default()
    };
    let server = lists(2_000).await;
    let orders = session(&server).orders(&newest).await.expect("orders");
    let name = |order: &crate::BrokerOrder| order.venue_order_id.to_string();
    assert_eq!(orders.len(), 700);
    assert_eq!(
        (name(&orders[0]), name(&orders[699])),
        ("order-01099".into(), "order-00400".into())
    );
    let log = server.log();
    let limits: Vec<_> = log.iter().map(|request| request.query("limit")).collect();
    assert_eq!(limits, [Some("500"), Some("200")]);
    assert!(log.iter().all(|request| request.query("asset_class") == Some("crypto")));
    assert!(log.iter().all(|request| request.query("after_order_id") == Some("order-00009")));
    assert_eq!(log[1].query("before_order_id"), Some("order-00600"));

    let child = order(1);
    let parent = order(0).replace("\"legs\":null", &format!("\"legs\":[{child}]"));
    let server = Server::start(move |request| {
        assert_eq!(request.query("nested"), Some("true"));
        Act::ok(list([parent.clone()]))
    })
    .await;
    let nested = OrderFilter { nested: true, limit: NonZeroU32::new(1), ..OrderFilter::default() };
    let orders = session(&server).orders(&nested).await.expect("orders");
    assert_eq!(orders.len(), 2, "the leg comes with its parent");
}

#[tokio::test]
async fn many_unknown_orders_are_named_by_pages() {
    let fill = |n: usize| {
        FILL.replace(ORDER_ID, &format!("order-{n:05}")).replace(
            "20260105093000123::2d7be4ff-d1f3-43e9-856a-0f5cf5c5088e",
            &format!("id-{n:05}"),
        )
    };
    let server = Server::start(move |request| match request.target() {
        "GET /v2/account/activities" if request.query("page_token").is_none() => {
            Act::ok(list((0..100).map(fill)))
        }
        "GET /v2/account/activities" => Act::ok(list((100..103).map(fill))),
        "GET /v2/orders" => {
            assert_eq!(request.query("status"), Some("all"));
            assert_eq!(request.query("after"), Some("2026-01-04T14%3A30%3A00.123981482Z"));
            // One is older than the page goes.
            Act::ok(list((1..200).map(order)))
        }
        "GET /v2/orders/order-00000" => Act::ok(order(0)),
        other => Act::Reply(500, other.to_owned()),
    })
    .await;
    let all = session(&server).activities(None).await.expect("a ledger");
    assert_eq!(all.len(), 103);
    let Entry::Fill(fill) = &all[102].entry else { panic!("a fill") };
    assert_eq!(fill.client_order_id.as_str(), "atlas-demo-1-buy-AAPL-102");
    assert_eq!(server.log().len(), 4, "two pages of the ledger, one of orders, one order");
}

#[tokio::test]
async fn a_broken_walk_keeps_the_names_it_has() {
    let fill = |n: usize| {
        FILL.replace(ORDER_ID, &format!("order-{n:05}")).replace(
            "20260105093000123::2d7be4ff-d1f3-43e9-856a-0f5cf5c5088e",
            &format!("id-{n:05}"),
        )
    };
    let broken = std::sync::atomic::AtomicBool::new(true);
    let server = Server::start(move |request| match request.target() {
        "GET /v2/account/activities" if request.query("page_token").is_none() => {
            Act::ok(list((0..100).map(fill)))
        }
        "GET /v2/account/activities"
            if broken.swap(false, std::sync::atomic::Ordering::Relaxed) =>
        {
            Act::Cut
        }
        "GET /v2/account/activities" => Act::ok("[]"),
        "GET /v2/orders" => Act::ok(list((0..100).map(order))),
        other => Act::Reply(500, other.to_owned()),
    })
    .await;
    let session = session(&server);
    session.activities(None).await.expect_err("a walk that is broken off");
    assert_eq!(session.activities(None).await.expect("a ledger").len(), 100);
    assert_eq!(server.count("GET /v2/orders"), 1, "names are asked for once");
}

#[tokio::test]
async fn a_list_that_does_not_end_is_an_error() {
    let server = Server::start(|_| Act::ok(list((0..500).map(order)))).await;
    let error = session(&server).open_orders().await.expect_err("an endless list");
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
}

#[tokio::test]
async fn foreign_orders_are_labeled_and_amounts_of_money_are_named() {
    let named = ORDER.replace("atlas-demo-1-buy-AAPL-0", "my first order é");
    let unnamed = order(1).replace("\"atlas-demo-1-buy-AAPL-1\"", "null");
    let body = list([named, unnamed]);
    let server = Server::start(move |_| Act::ok(body.clone())).await;
    let orders = session(&server).open_orders().await.expect("orders");
    let names: Vec<String> = orders.iter().map(|o| o.client_order_id.to_string()).collect();
    assert_eq!(names, ["unnamed-order-00001", "my%20first%20order%20%C3%A9"]);

    let notional = ORDER
        .replace("\"qty\":\"10\"", "\"qty\":null")
        .replace("\"notional\":null", "\"notional\":\"500\"");
    let ours = list([notional.clone()]);
    let foreign = notional.replace("atlas-demo-1", "somebody-1");
    let ended = list([foreign.replace("partially_filled", "canceled")]);
    let open = list([foreign]);
    let server = Server::start(move |_| Act::ok(open.clone())).await;
    let error = session(&server).open_orders().await.expect_err("no quantity");
    assert!(matches!(error, Error::Unsupported { .. }), "{error}");
    let server = Server::start(move |_| Act::ok(ended.clone())).await;
    let orders = session(&server).open_orders().await.expect("orders");
    assert_eq!((orders[0].qty, orders[0].status), (orders[0].filled_qty, OrderStatus::Canceled));
    let server = Server::start(move |_| Act::ok(ours.clone())).await;
    let orders = session(&server).open_orders().await.expect("orders");
    assert_eq!(orders[0].notional, Some("500".parse().expect("an amount")));
    assert_eq!(orders[0].qty, orders[0].filled_qty);
}

#[tokio::test]
async fn the_ledger_is_walked_from_a_bookmark_and_orders_are_named_once() {
    let total = 230;
    let server = Server::start(move |request| match request.target() {
        "GET /v2/account/activities" => {
            assert_eq!(request.query("direction"), Some("asc"));
            let token = request.query("page_token");
            let first =
                token.map_or(0, |id| id.trim_start_matches("id-").parse::<usize>().unwrap() + 1);
            let page = (first..usize::min(total, first + 100)).map(|n| {
                FILL.replace(
                    "20260105093000123::2d7be4ff-d1f3-43e9-856a-0f5cf5c5088e",
                    &format!("id-{n:05}"),
                )
                .replace("\"cum_qty\":\"4.0\"", &format!("\"cum_qty\":\"{n}\""))
            });
            Act::ok(list(page))
        }
        target if target == format!("GET /v2/orders/{ORDER_ID}") => Act::ok(ORDER),
        other => Act::Reply(500, other.to_owned()),
    })
    .await;
    let session = session(&server);
    let all = session.activities(None).await.expect("a ledger");
    assert_eq!(all.len(), total);
    let rest = session.activities(Some(&ActivityId("id-00199".to_owned()))).await.expect("rest");
    assert_eq!(rest, all[200..]);
    assert_eq!(server.count("GET /v2/orders/"), 1);
    let Entry::Fill(fill) = &all[7].entry else { panic!("a fill") };
    assert_eq!(fill.client_order_id.as_str(), "atlas-demo-1-buy-AAPL-0");
    assert_eq!(fill.execution_id.as_str(), format!("{ORDER_ID}:7"));
}

#[tokio::test]
async fn cash_entries_have_a_kind_a_day_and_an_amount() {
    let entry = |code: &str, amount: &str| {
        DIVIDEND
            .replace("\"activity_type\":\"DIV\"", &format!("\"activity_type\":\"{code}\""))
            .replace("\"net_amount\":\"1.02\"", &format!("\"net_amount\":{amount}"))
    };
    for (code, amount, kind, net) in [
        ("DIV", "\"1.02\"", CashKind::Dividend, "1.02"),
        ("DIVNRA", "\"-0.15\"", CashKind::Dividend, "-0.15"),
        ("CSD", "\"100000\"", CashKind::Deposit, "100000"),
        ("CSW", "\"-5\"", CashKind::Withdrawal, "-5"),
        ("TRANS", "-7.5", CashKind::Withdrawal, "-7.5"),
        ("JNLC", "\"7\"", CashKind::Deposit, "7"),
        ("FEE", "\"-0.02\"", CashKind::Fee, "-0.02"),
        ("INT", "\"0.10\"", CashKind::Interest, "0.1"),
        ("SPINX", "null", CashKind::Unknown("SPINX".to_owned()), "0"),
        ("NEWKIND", "\"3\"", CashKind::Unknown("NEWKIND".to_owned()), "3"),
    ] {
        let body = list([entry(code, amount)]);
        let server = Server::start(move |_| Act::ok(body.clone())).await;
        let ledger = session(&server).activities(None).await.expect("a ledger");
        let Entry::Cash(cash) = &ledger[0].entry else { panic!("cash") };
        assert_eq!((&cash.kind, cash.net_amount.to_string().as_str()), (&kind, net), "{code}");
        assert_eq!(cash.date.to_string(), "2026-01-05");
    }
    let body = list([entry("SPLIT", "null").replace("\"qty\":\"2\"", "\"qty\":\"30\"")]);
    let server = Server::start(move |_| Act::ok(body.clone())).await;
    let ledger = session(&server).activities(None).await.expect("a ledger");
    let Entry::Shares(split) = &ledger[0].entry else { panic!("shares: {ledger:?}") };
    assert_eq!((&split.kind, split.change), (&SharesKind::Split, 30.into()));
    assert!(split.net_amount.is_zero());
    let body = list([entry("DIV", "null")]);
    let server = Server::start(move |_| Act::ok(body.clone())).await;
    assert!(session(&server).activities(None).await.is_err(), "a dividend without an amount");
}

#[tokio::test]
async fn clock_and_calendar_are_turned_to_utc() {
    let server = Server::start(|request| match request.target() {
        "GET /v2/clock" => Act::ok(CLOCK),
        _ => Act::ok(list([CALENDAR_DAY.to_owned()])),
    })
    .await;
    let session = session(&server);
    let clock = Broker::clock(&session).await.expect("a clock");
    assert_eq!(clock.timestamp.to_rfc3339(), "2026-01-05T14:30:00.123456789+00:00");
    assert!(clock.is_open && clock.next_close < clock.next_open);
    let date = "2026-11-27".parse().expect("a date");
    let days = session.calendar(date, date).await.expect("days");
    assert_eq!(days[0].close.to_rfc3339(), "2026-11-27T18:00:00+00:00");
    assert!(days[0].early_close);
}

#[tokio::test]
async fn quotes_come_from_both_markets_and_an_empty_side_is_none() {
    let server = Server::start(|request| match request.target() {
        "GET /v2/stocks/quotes/latest" => {
            assert_eq!(request.query("symbols"), Some("AAPL%2CMSFT%2CZZZ"));
            let one_sided = QUOTE.replace("187.52", "0");
            Act::ok(format!(r#"{{"quotes":{{"AAPL":{QUOTE},"MSFT":{one_sided},"ZZZ":null}}}}"#))
        }
        "GET /v1beta3/crypto/us/latest/quotes" => {
            Act::ok(format!(r#"{{"quotes":{{"BTC/USD":{QUOTE}}}}}"#))
        }
        other => Act::Reply(500, other.to_owned()),
    })
    .await;
    let symbols = ["MSFT", "BTC/USD", "AAPL", "ZZZ", "AAPL"].map(|s| s.parse().expect("a symbol"));
    let quotes = session(&server).quotes(&symbols).await.expect("quotes");
    assert_eq!(quotes.len(), 3);
    assert_eq!(quotes[&symbols[2]].ask.expect("an ask").to_string(), "187.52");
    assert_eq!(quotes[&symbols[0]].ask, None);
    assert_eq!(quotes[&symbols[0]].bid.expect("a bid").to_string(), "187.5");
    assert_eq!(session(&server).quotes(&[]).await.expect("none").len(), 0);
}

#[tokio::test]
async fn trades_and_snapshots_are_read() {
    let server = Server::start(|request| match request.target() {
        "GET /v2/stocks/trades/latest" => Act::ok(format!(r#"{{"trades":{{"AAPL":{TRADE}}}}}"#)),
        "GET /v2/stocks/snapshots" => Act::ok(format!(r#"{{"AAPL":{},"MSFT":null}}"#, snapshot())),
        other => Act::Reply(500, other.to_owned()),
    })
    .await;
    let symbols = ["AAPL", "MSFT"].map(|s| s.parse().expect("a symbol"));
    let session = session(&server);
    let trades = session.latest_trades(&symbols).await.expect("trades");
    assert_eq!(trades[&symbols[0]].price.to_string(), "187.51");
    let snapshots = session.snapshots(&symbols).await.expect("snapshots");
    assert_eq!(snapshots.len(), 1);
    let vwap = snapshots[&symbols[0]].daily_bar.expect("a bar").vwap.expect("a mean");
    assert_eq!(vwap.to_string(), "187.234567891");
}

#[tokio::test]
async fn bars_are_walked_until_there_is_no_token() {
    let server = Server::start(|request| {
        assert_eq!(request.target(), "GET /v2/stocks/bars");
        let page = match request.query("page_token") {
            None => format!(r#"{{"bars":{{"AAPL":[{BAR}]}},"next_page_token":"a"}}"#),
            Some("a") => r#"{"bars":{},"next_page_token":"b"}"#.to_owned(),
            Some("b") => r#"{"bars":null,"next_page_token":"c"}"#.to_owned(),
            Some("c") => format!(
                r#"{{"bars":{{"AAPL":[{BAR}],"MSFT":[{BAR}],"ZZZ":null}},"next_page_token":null}}"#
            ),
            Some(other) => panic!("{other}"),
        };
        Act::ok(page)
    })
    .await;
    let instant = |text: &str| text.parse().expect("an instant");
    let request = BarsRequest {
        symbols: ["AAPL", "MSFT"].map(|s| s.parse().expect("a symbol")).to_vec(),
        timeframe: Timeframe::Day,
        start: instant("2026-01-05T00:00:00Z"),
        end: instant("2026-01-06T00:00:00Z"),
    };
    let session = session(&server);
    let raw = session.bars(&request).await.expect("bars");
    let lengths: Vec<usize> = raw.values().map(Vec::len).collect();
    assert_eq!(lengths, [2, 1]);
    assert_eq!(server.log()[0].query("adjustment"), Some("raw"));
    let adjusted = session.adjusted_bars(&request, Adjustment::All).await.expect("bars");
    assert_eq!(adjusted.len(), 2);
    assert_eq!(server.log()[5].query("adjustment"), Some("all"));
    let odd = BarsRequest { timeframe: Timeframe::Minutes(60), ..request };
    assert!(session.bars(&odd).await.is_err());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let server = Server::start(|request| match request.target() {
        "GET /v2/account" => Act::ReplyWith(307, String::new(), "location: /elsewhere\r\n"),
        _ => Act::ok(ACCOUNT),
    })
    .await;
    let error = session(&server).account().await.expect_err("a redirect");
    assert!(matches!(error, Error::BadAnswer { .. }), "{error}");
    assert_eq!(server.log().len(), 1);
}

#[tokio::test]
async fn failures_of_a_read_are_told_apart() {
    for (act, expected) in [
        (Act::Reply(401, r#"{"message":"unauthorized."}"#.into()), "Auth"),
        (Act::Reply(401, "<html>".into()), "Auth"),
        (Act::Reply(403, r#"{"message":"forbidden."}"#.into()), "Auth"),
        (Act::Reply(403, r#"{"code":42210000,"message":"subscription"}"#.into()), "Refused"),
        (Act::Reply(422, "nonsense".into()), "Refused"),
        (Act::Reply(500, String::new()), "NoAnswer"),
        (Act::Reply(503, "<html>".into()), "NoAnswer"),
        (Act::Cut, "NoAnswer"),
        (Act::CutBody(ACCOUNT.into()), "NoAnswer"),
        (Act::ok("<html>"), "BadAnswer"),
        (Act::ok(""), "BadAnswer"),
    ] {
        let shown = format!("{act:?}");
        let server = Server::start(move |_| act.clone()).await;
        let error = session(&server).account().await.expect_err("an error");
        assert!(format!("{error:?}").starts_with(expected), "{shown} gave {error:?}");
        assert_eq!(server.log().len(), 1, "nothing is asked twice");
    }
}
