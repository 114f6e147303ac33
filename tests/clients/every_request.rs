//! Every kind of request the Alpaca client can make, for `check_openapi.py` to look at.
//!
//! `every_request URL KEY SECRET` trades on the account behind a loopback address; what matters is
//! what goes over the wire, so an order may be refused, but every call has to be understood.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    clippy::cognitive_complexity,
    reason = "a list of calls, each of which ends it if it does not hold"
)]

use std::net::SocketAddr;

use atlas_broker::alpaca::{
    ActivityFilter, Credentials, Direction, Endpoint, Feed, HistoryRequest, Options, OrderFilter,
    Paper, Period, ReportedHours, Resolution, Session, Which,
};
use atlas_broker::market_data::{Adjustment, BarsRequest, MarketData, TicksRequest, Timeframe};
use atlas_broker::{Broker, BrokerOrder, StopLoss, Submission, Terms, Trail};
use atlas_core::time::Timestamp;
use atlas_core::{OrderRequest, Price, Side, Symbol, TimeInForce, VenueOrderId};
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, buy, order, sell};
use chrono::{NaiveDate, TimeDelta};

fn main() {
    let mut words = std::env::args().skip(1);
    let mut word = || words.next().expect("every_request URL KEY SECRET");
    let address = word();
    let address: SocketAddr =
        address.trim_start_matches("http://").parse().expect("a loopback address");
    let keys = Credentials::<Paper>::new(word(), word()).expect("keys");
    let open = |options| {
        let endpoint = Endpoint::loopback(address);
        Session::connect(&endpoint, &keys, &options).expect("a session")
    };
    let session = open(Options::default());
    let with_feed = open(Options { feed: Some(Feed::Iex), ..Options::default() });
    atlas_tests::block_on(async {
        reference(&session).await;
        orders(&session).await;
        lists(&session).await;
        data(&session).await;
        data(&with_feed).await;
    });
}

/// Account, assets, clock, calendar.
async fn reference(session: &Session<Paper>) {
    assert!(!session.account().await.expect("the account").trading_blocked);
    session.configuration().await.expect("the configuration");
    session.suspend(true).await.expect("suspended");
    session.suspend(false).await.expect("lifted");
    assert!(session.asset(&aapl()).await.expect("an answer").is_some());
    assert!(session.asset(&symbol("NONE")).await.expect("an answer").is_none());
    for class in ["us_equity", "crypto"] {
        session.assets(class).await.expect("assets");
    }
    let fine = HistoryRequest {
        period: Some(Period::Days(1)),
        resolution: Some(Resolution::FifteenMinutes),
        hours: Some(ReportedHours::Extended),
        ..HistoryRequest::default()
    };
    for request in [HistoryRequest::default(), HistoryRequest::daily(30), fine] {
        session.portfolio_history(&request).await.expect("the history");
    }
    Broker::clock(session).await.expect("the clock");
    let date = |text: &str| text.parse::<NaiveDate>().expect("a date");
    let days = session.calendar(date("2012-08-20"), date("2012-08-31")).await;
    assert_eq!(days.expect("sessions").len(), 10);
    session.quotes(&[aapl()]).await.expect("quotes");
}

/// An order of every type, class and time in force, replaced and canceled.
async fn orders(session: &Session<Paper>) {
    let price = ask(session).await;
    let at = |percent: u32| cents(price, percent);
    took(session, buy("atlas-every-1", "AAPL", 20), Terms::Simple).await;
    let name = "atlas-every-1".parse().expect("a name");
    assert!(session.order(&name).await.expect("an answer").is_some());
    let nobody = "nobody".parse().expect("a name");
    assert!(session.order(&nobody).await.expect("an answer").is_none());

    let amount = Terms::Notional("100".parse().expect("dollars"));
    let most = order("atlas-every-2", Side::Buy, "AAPL", "50").limit(&at(100));
    send(session, most, amount).await;
    // Approvals here are made at one hundred dollars a share.
    let fine = Terms::Notional("20.123456789".parse().expect("dollars"));
    send(session, buy("atlas-every-market", "AAPL", 1), fine).await;
    let coins = |id: &str, qty: &str| order(id, Side::Buy, "BTC/USD", qty).tif(TimeInForce::Gtc);
    send(session, coins("atlas-every-coin", "0.01"), Terms::Simple).await;
    send(session, coins("atlas-every-cheap", "0.01").limit("1500"), Terms::Simple).await;
    let limit = |id: &str, tif| buy(id, "AAPL", 1).limit(&at(80)).tif(tif);
    for (number, tif) in [TimeInForce::Day, TimeInForce::Gtc, TimeInForce::Ioc, TimeInForce::Fok]
        .into_iter()
        .enumerate()
    {
        send(session, limit(&format!("atlas-every-tif-{number}"), tif), Terms::Simple).await;
    }
    send(session, limit("atlas-every-3", TimeInForce::Day), Terms::ExtendedHours).await;
    send(session, buy("atlas-every-4", "AAPL", 1).stop(&at(120)), Terms::Simple).await;
    send(session, buy("atlas-every-5", "AAPL", 1).stop(&at(120)).limit(&at(121)), Terms::Simple)
        .await;
    let percent = Trail::Percent("5".parse().expect("a number"));
    let dollars = Trail::Price("3".parse().expect("a price"));
    for (number, trail) in [percent, dollars].into_iter().enumerate() {
        let request = sell(&format!("atlas-every-trail-{number}"), "AAPL", 1).stop(&at(95));
        send(session, request, Terms::Trailing(trail)).await;
    }
    let take_profit = exact(&at(130));
    let stop_loss = StopLoss { stop_price: exact(&at(70)), limit_price: None };
    let tight = StopLoss { limit_price: Some(exact(&at(69))), ..stop_loss };
    let entry = |id: &str| buy(id, "AAPL", 1).limit(&at(75)).tif(TimeInForce::Gtc);
    send(session, entry("atlas-every-6"), Terms::Bracket { take_profit, stop_loss: tight }).await;
    send(session, entry("atlas-every-7"), Terms::TakeProfit { take_profit }).await;
    send(session, entry("atlas-every-8"), Terms::StopLoss(stop_loss)).await;
    let exit = sell("atlas-every-9", "AAPL", 1).limit(&at(130)).tif(TimeInForce::Gtc);
    send(session, exit, Terms::OneCancelsOther(stop_loss)).await;

    let old = took(session, limit("atlas-every-10", TimeInForce::Day), Terms::Simple).await;
    let new = approve(buy("atlas-every-11", "AAPL", 2).limit(&at(81)));
    let Submission::Accepted(new) = session.replace(&old.venue_order_id, new).await else {
        panic!("the order is not replaced");
    };
    let successor = session.successor(&old.venue_order_id).await.expect("an answer");
    assert_eq!(successor.as_ref(), Some(&new.venue_order_id));
    session.order_with_legs(&new.venue_order_id).await.expect("the order");
    session.cancel(&new.venue_order_id).await.expect("canceled");
    let none = VenueOrderId::new("00000000-0000-4000-8000-000000000000").expect("an id");
    assert!(session.cancel(&none).await.is_err(), "nobody can cancel what is not there");
    session.cancel_all().await.expect("all canceled");
}

/// Lists, filtered and in pages.
async fn lists(session: &Session<Paper>) {
    let everything = OrderFilter { which: Which::All, ..OrderFilter::default() };
    let all = session.orders(&everything).await.expect("orders");
    assert!(all.len() > 10, "{}", all.len());
    let filter = OrderFilter {
        which: Which::Closed,
        symbols: vec![aapl(), symbol("MSFT")],
        side: Some(Side::Buy),
        after: Some(all[0].submitted_at),
        until: all.last().map(|order| order.submitted_at),
        ..OrderFilter::default()
    };
    session.orders(&filter).await.expect("orders");
    assert!(session.open_orders().await.expect("orders").is_empty());
    session.positions().await.expect("positions");
    let entries = session.activities(None).await.expect("activities");
    session.activities(Some(&entries[0].id)).await.expect("activities");
    let now = Broker::clock(session).await.expect("the clock").timestamp;
    let fills = ActivityFilter {
        kinds: vec!["FILL".to_owned(), "CSD".to_owned()],
        after: Some(whole(now - TimeDelta::days(2))),
        until: Some(whole(now + TimeDelta::days(2))),
        direction: Direction::NewestFirst,
        limit: std::num::NonZeroU32::new(3),
        ..ActivityFilter::default()
    };
    session.activities_by(&fills).await.expect("activities");
    let of_today = ActivityFilter { date: Some(now.date_naive()), ..ActivityFilter::default() };
    session.activities_by(&of_today).await.expect("activities");
}

/// Bars, quotes, trades, snapshots.
async fn data(session: &Session<Paper>) {
    let now = Broker::clock(session).await.expect("the clock").timestamp;
    let request = |timeframe, span: TimeDelta| BarsRequest {
        symbols: vec![aapl(), symbol("MSFT")],
        timeframe,
        start: whole(now - span),
        end: whole(now),
    };
    let days = request(Timeframe::Day, TimeDelta::days(100));
    session.bars(&days).await.expect("bars");
    session.adjusted_bars(&days, Adjustment::All).await.expect("bars");
    // Data that do not tell splits and dividends apart are refused.
    drop(session.adjusted_bars(&days, Adjustment::Splits).await);
    drop(session.adjusted_bars(&days, Adjustment::Dividends).await);
    session.adjusted_bars(&days, Adjustment::SplitsAndDividends).await.expect("bars");
    for timeframe in [Timeframe::Week, Timeframe::Months(1), Timeframe::Months(6)] {
        session.bars(&request(timeframe, TimeDelta::days(200))).await.expect("bars");
    }
    for timeframe in [Timeframe::Minutes(5), Timeframe::Hours(1)] {
        session.bars(&request(timeframe, TimeDelta::hours(30))).await.expect("bars");
    }
    let symbols = [aapl(), symbol("MSFT"), symbol("BTC/USD")];
    session.latest_quotes(&symbols).await.expect("quotes");
    session.latest_trades(&symbols).await.expect("trades");
    session.snapshots(&symbols).await.expect("snapshots");
    let ticks = TicksRequest {
        symbols: symbols.to_vec(),
        start: whole(now - TimeDelta::minutes(30)),
        end: whole(now - TimeDelta::minutes(28)),
    };
    session.past_trades(&ticks).await.expect("trades");
    session.past_quotes(&ticks).await.expect("quotes");
    let coins = BarsRequest { symbols: vec![symbol("BTC/USD")], ..days };
    session.bars(&coins).await.expect("bars");
}

async fn send(session: &Session<Paper>, request: OrderRequest, terms: Terms) {
    let name = request.client_order_id.clone();
    match session.submit_with(approve(request), terms).await {
        Submission::Accepted(_) => {}
        Submission::Refused { code, reason } => println_refused(&name.to_string(), code, &reason),
        other => panic!("{name}: {other:?}"),
    }
}

async fn took(session: &Session<Paper>, request: OrderRequest, terms: Terms) -> BrokerOrder {
    match session.submit_with(approve(request), terms).await {
        Submission::Accepted(order) => order,
        other => panic!("{other:?}"),
    }
}

#[expect(clippy::print_stdout, reason = "a check tells what it saw")]
fn println_refused(name: &str, code: Option<i64>, reason: &str) {
    println!("{name} is refused: {reason} ({code:?})");
}

async fn ask(session: &Session<Paper>) -> Price {
    let quotes = session.quotes(&[aapl()]).await.expect("quotes");
    quotes.get(&aapl()).and_then(|quote| quote.ask).expect("an ask")
}

/// A share of a price in per cent, to the cent.
fn cents(price: Price, percent: u32) -> String {
    let share = price.value() * rust_decimal::Decimal::from(percent);
    (share / rust_decimal::Decimal::ONE_HUNDRED).round_dp(2).to_string()
}

fn exact(text: &str) -> Price {
    text.parse().expect("a price")
}

fn whole(moment: Timestamp) -> Timestamp {
    chrono::SubsecRound::trunc_subsecs(moment, 0)
}

fn aapl() -> Symbol {
    symbol("AAPL")
}

fn symbol(text: &str) -> Symbol {
    text.parse().expect("a symbol")
}
