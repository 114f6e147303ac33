//! What is asked for with filters, feeds and pages, and how it is asked.

use atlas_core::time::Timestamp;

use super::payloads::{CLOCK, FILL, ORDER, QUOTE, TRADE};
use super::server::{Act, Server};
use super::{session, session_with};
use crate::MarketData;
use crate::alpaca::{
    ActivityFilter, Direction, Feed, HistoryRequest, Options, Period, ReportedHours, Resolution,
};
use crate::market_data::{Adjustment, BarsRequest, Subscription, TicksRequest, Timeframe};

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn symbols(names: &[&str]) -> Vec<atlas_core::Symbol> {
    names.iter().map(|name| name.parse().expect("a symbol")).collect()
}

fn stretch(names: &[&str]) -> TicksRequest {
    TicksRequest {
        symbols: symbols(names),
        start: at("2026-01-05T14:30:00Z"),
        end: at("2026-01-05T14:31:00Z"),
    }
}

/// Bars of a timeframe, of January 2026.
fn bars(timeframe: Timeframe) -> BarsRequest {
    let TicksRequest { symbols, start, end } = stretch(&["AAPL"]);
    BarsRequest { symbols, timeframe, start, end }
}

#[tokio::test]
async fn trades_and_quotes_of_the_past_are_walked_to_the_end() {
    let bad = TRADE.replace(r#""z":"C""#, r#""u":"canceled""#);
    let server =
        Server::start(move |request| match (request.target(), request.query("page_token")) {
            ("GET /v2/stocks/trades", None) => {
                Act::ok(format!(r#"{{"trades":{{"AAPL":[{TRADE},{bad}]}},"next_page_token":"a"}}"#))
            }
            ("GET /v2/stocks/trades", Some("a")) => {
                Act::ok(r#"{"trades":{},"next_page_token":"b"}"#)
            }
            ("GET /v2/stocks/trades", Some("b")) => Act::ok(format!(
                r#"{{"trades":{{"AAPL":[{TRADE}],"MSFT":null}},"next_page_token":null}}"#
            )),
            ("GET /v1beta3/crypto/us/quotes", None) => {
                Act::ok(format!(r#"{{"quotes":{{"BTC/USD":[{QUOTE}]}},"next_page_token":null}}"#))
            }
            _ => Act::ok(r#"{"quotes":null,"trades":null,"next_page_token":null}"#),
        })
        .await;
    let session = session(&server);
    let trades = session.past_trades(&stretch(&["MSFT", "AAPL"])).await.expect("trades");
    assert_eq!(trades.len(), 1, "what has no trades is absent");
    assert_eq!(trades[&symbols(&["AAPL"])[0]].len(), 2, "what was taken back is left out");
    let asked = &server.log()[0];
    assert_eq!(asked.query("symbols"), Some("AAPL%2CMSFT"));
    assert_eq!(asked.query("start"), Some("2026-01-05T14%3A30%3A00Z"));
    assert_eq!((asked.query("limit"), asked.query("sort")), (Some("10000"), Some("asc")));
    let quotes = session.past_quotes(&stretch(&["BTC/USD", "AAPL"])).await.expect("quotes");
    assert_eq!(quotes[&symbols(&["BTC/USD"])[0]][0].bid.expect("a bid").to_string(), "187.5");
}

#[tokio::test]
async fn a_walk_over_trades_that_does_not_end_is_an_error() {
    for page in [
        r#"{"trades":{},"next_page_token":"a"}"#,
        r#"{"trades":{}}"#,
        r#"{"trades":{"AAPL":[{"t":"2026-01-05T14:30:00Z","p":"x","s":1}]},"next_page_token":null}"#,
    ] {
        let server = Server::start(move |_| Act::ok(page)).await;
        let found = session(&server).past_trades(&stretch(&["AAPL"])).await;
        assert!(matches!(found, Err(crate::Error::BadAnswer { .. })), "{page}: {found:?}");
    }
}

#[tokio::test]
async fn adjustments_and_lengths_are_the_words_of_the_service() {
    let server = Server::start(|_| Act::ok(r#"{"bars":{},"next_page_token":null}"#)).await;
    let session = session(&server);
    for (adjustment, word) in [
        (Adjustment::Splits, "split"),
        (Adjustment::Dividends, "dividend"),
        (Adjustment::SpinOffs, "spin-off"),
        (Adjustment::SplitsAndDividends, "split%2Cdividend"),
        (Adjustment::All, "all"),
    ] {
        session.adjusted_bars(&bars(Timeframe::Day), adjustment).await.expect("bars");
        assert_eq!(server.log().last().expect("a request").query("adjustment"), Some(word));
    }
    for (timeframe, word) in [
        (Timeframe::Minutes(59), Some("59Min")),
        (Timeframe::Hours(23), Some("23Hour")),
        (Timeframe::Week, Some("1Week")),
        (Timeframe::Months(1), Some("1Month")),
        (Timeframe::Months(6), Some("6Month")),
        (Timeframe::Months(12), Some("12Month")),
        (Timeframe::Months(5), None),
        (Timeframe::Months(0), None),
        (Timeframe::Minutes(60), None),
        (Timeframe::Hours(0), None),
    ] {
        let before = server.log().len();
        let found = session.bars(&bars(timeframe)).await;
        assert_eq!(found.is_ok(), word.is_some(), "{timeframe:?}: {found:?}");
        let asked = server.log().split_off(before);
        assert_eq!(asked.first().and_then(|asked| asked.query("timeframe")), word);
    }
}

#[tokio::test]
async fn each_feed_is_asked_for_what_it_has() {
    let server = Server::start(|request| match request.target() {
        "GET /v2/stocks/quotes/latest" => Act::ok(r#"{"quotes":{}}"#),
        _ => Act::ok(r#"{"bars":{},"trades":{},"next_page_token":null}"#),
    })
    .await;
    for (feed, word, past, streamed) in [
        (Feed::Sip, "sip", true, true),
        (Feed::DelayedSip, "delayed_sip", false, true),
        (Feed::Iex, "iex", true, true),
        (Feed::Otc, "otc", true, false),
        (Feed::Boats, "boats", true, true),
        (Feed::Overnight, "overnight", false, true),
    ] {
        let options = Options { feed: Some(feed), ..Options::default() };
        let session = session_with(&server, &options);
        session.latest_quotes(&symbols(&["AAPL"])).await.expect("quotes");
        assert_eq!(server.log().last().expect("a request").query("feed"), Some(word));
        let before = server.log().len();
        let bars = session.bars(&bars(Timeframe::Day)).await;
        let trades = session.past_trades(&stretch(&["AAPL"])).await;
        assert_eq!((bars.is_ok(), trades.is_ok()), (past, past), "{feed:?}");
        for asked in server.log().split_off(before) {
            assert_eq!(asked.query("feed"), Some(word));
        }
        let quotes = Subscription { quotes: symbols(&["AAPL"]), ..Subscription::default() };
        assert_eq!(session.data_stream(quotes).is_ok(), streamed, "{feed:?}");
    }
}

#[tokio::test]
async fn the_clock_is_market_data_too() {
    let server = Server::start(|_| Act::ok(CLOCK)).await;
    let clock = MarketData::clock(&session(&server)).await.expect("a clock");
    assert!(clock.is_open && clock.next_close < clock.next_open);
}

#[tokio::test]
async fn a_history_is_asked_for_by_period_ends_and_resolution() {
    let server = Server::start(|_| Act::ok(r#"{"timestamp":[],"equity":[]}"#)).await;
    let session = session(&server);
    let (start, end) = (Some(at("2026-01-05T14:30:00Z")), Some(at("2026-01-06T14:30:00Z")));
    let plain = HistoryRequest::default();
    for (request, query) in [
        (plain, ""),
        (HistoryRequest::daily(30), "?period=30D&timeframe=1D"),
        (HistoryRequest { period: Some(Period::Years(2)), ..plain }, "?period=2A"),
        (HistoryRequest { period: Some(Period::Months(1)), start, ..plain }, "?period=1M&start="),
        (
            HistoryRequest {
                start,
                end,
                resolution: Some(Resolution::FifteenMinutes),
                hours: Some(ReportedHours::Continuous),
                ..plain
            },
            "?start=2026-01-05T14%3A30%3A00Z&end=2026-01-06T14%3A30%3A00Z&timeframe=15Min&intraday_reporting=continuous",
        ),
    ] {
        session.portfolio_history(&request).await.expect("a history");
        let line = server.log().pop().expect("a request").line;
        assert!(line.starts_with(&format!("GET /v2/account/portfolio/history{query}")), "{line}");
    }
    let asked = server.log().len();
    let fine = Some(Resolution::OneMinute);
    for wrong in [
        HistoryRequest { period: Some(Period::Days(1)), start, end, ..plain },
        HistoryRequest { period: Some(Period::Weeks(0)), ..plain },
        HistoryRequest { start: end, end: start, ..plain },
        HistoryRequest { period: Some(Period::Weeks(5)), resolution: fine, ..plain },
    ] {
        let found = session.portfolio_history(&wrong).await;
        assert!(matches!(found, Err(crate::Error::Setup { .. })), "{wrong:?}: {found:?}");
    }
    assert_eq!(server.log().len(), asked, "nothing was asked for");
}

#[tokio::test]
async fn activities_are_filtered_paged_and_bounded() {
    let page: Vec<String> =
        (0..100).map(|n| FILL.replace("2d7be4ff", &format!("{n:08}"))).collect();
    let page = format!("[{}]", page.join(","));
    let server = Server::start(move |request| match request.target() {
        "GET /v2/account/activities" => match request.query("page_token") {
            Some("start") => Act::ok(page.clone()),
            _ => Act::ok(format!("[{FILL},{FILL}]")),
        },
        _ => Act::ok(ORDER),
    })
    .await;
    let session = session(&server);
    let filter = ActivityFilter {
        kinds: vec!["FILL".to_owned(), "DIV".to_owned()],
        after: Some(at("2026-01-05T00:00:00Z")),
        until: Some(at("2026-01-06T00:00:00Z")),
        bookmark: Some(crate::ActivityId("start".to_owned())),
        direction: Direction::NewestFirst,
        limit: std::num::NonZeroU32::new(101),
        ..ActivityFilter::default()
    };
    let found = session.activities_by(&filter).await.expect("activities");
    assert_eq!(found.len(), 101, "two pages, and no more than was asked for");
    let log = server.log();
    let pages: Vec<_> =
        log.iter().filter(|request| request.target() == "GET /v2/account/activities").collect();
    assert_eq!(pages.len(), 2);
    assert_eq!(pages[0].query("activity_types"), Some("FILL%2CDIV"));
    assert_eq!(pages[0].query("after"), Some("2026-01-05T00%3A00%3A00Z"));
    assert_eq!(pages[0].query("direction"), Some("desc"));
    assert_eq!(
        (pages[0].query("page_size"), pages[1].query("page_size")),
        (Some("100"), Some("1"))
    );

    let date = Some("2026-01-05".parse().expect("a date"));
    let both = ActivityFilter { date, ..filter };
    let found = session.activities_by(&both).await;
    assert!(matches!(found, Err(crate::Error::Setup { .. })), "{found:?}");
    let of_a_day = ActivityFilter { date, ..ActivityFilter::default() };
    assert_eq!(session.activities_by(&of_a_day).await.expect("activities").len(), 2);
    assert_eq!(server.log().last().expect("a request").query("date"), Some("2026-01-05"));
}
