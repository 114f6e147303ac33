//! The venue's matching core: a session over resting orders, and an order that fills at once.
//!
//! `cargo bench -p atlas-benches --bench venue`

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up fails")]
#![expect(clippy::disallowed_methods, reason = "a bench reads the clock: that is its job")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use atlas_benches::walk;
use atlas_core::bars::Columns;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Bars, Raw, Side};
use atlas_venue::VenueConfig;
use atlas_venue::core::{Class, Exchange, Kind, Listing, NewOrder, Px, Size, Tif, Trail};
use chrono::{NaiveDate, TimeDelta};
use criterion::{Criterion, criterion_group, criterion_main};

/// Sessions between the taking of the orders and their end: a gtc order lives 90 days.
const SESSIONS: usize = 60;
/// Orders filled before the books are started anew.
const ORDERS: u64 = 1_000;

fn sessions() -> Vec<Session> {
    let first = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
    Calendar::nyse().sessions(first, Calendar::LAST).unwrap().take(SESSIONS + 1).collect()
}

/// One symbol around $100 with open, high, low, close and volume.
fn listing(sessions: &[Session]) -> Listing {
    let close: Vec<f64> = walk(7, sessions.len(), 0.005, 0.0)
        .iter()
        .map(|price| (price * 100.0).round() / 100.0)
        .collect();
    let cents = |price: f64| (price * 100.0).round() / 100.0;
    let columns = Columns {
        dates: sessions.iter().map(|session| session.date).collect(),
        open: close.iter().map(|price| cents(price * 1.001)).collect(),
        high: close.iter().map(|price| cents(price * 1.01)).collect(),
        low: close.iter().map(|price| cents(price * 0.99)).collect(),
        volume: vec![1_000_000.0; close.len()],
        close,
        ..Columns::default()
    };
    let bars: Bars<Raw> = Bars::new("AAPL".parse().unwrap(), columns).unwrap();
    Listing::raw(bars)
}

fn order(kind: Kind, tif: Tif) -> NewOrder {
    NewOrder {
        client_order_id: None,
        symbol: "AAPL".parse().unwrap(),
        side: Side::Buy,
        size: Size::Shares("1".parse().unwrap()),
        kind,
        tif,
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    }
}

fn exchange(sessions: &[Session]) -> Exchange {
    let mut config = VenueConfig::realistic(sessions[0].open + TimeDelta::minutes(5));
    config.cash = "100000000".parse().unwrap();
    config.participation = None;
    Exchange::new(config, [listing(sessions)]).unwrap()
}

fn px(cents: i64) -> Px {
    Px::from_nanos(cents * 10_000_000).unwrap()
}

/// Ten orders that rest outside of the range of every session.
fn resting() -> Vec<Kind> {
    let limits = (0..5).map(|step| Kind::Limit(px(5_000 + step * 100)));
    limits.chain((0..5).map(|step| Kind::Stop(px(16_000 + step * 100)))).collect()
}

/// One session, from close to close: with ten orders that rest outside of its range, and with one
/// of the ten a trailing stop, for which the way of the prices is followed.
fn match_bar(criterion: &mut Criterion) {
    sessions_over(criterion, "venue/match_bar", &resting());
    let mut touched = resting();
    touched[9] = Kind::Trailing(Trail::Price(px(5_000)));
    sessions_over(criterion, "venue/match_bar/touched", &touched);
}

fn sessions_over(criterion: &mut Criterion, name: &str, kinds: &[Kind]) {
    let sessions = sessions();
    let mut fresh = exchange(&sessions);
    for kind in kinds {
        fresh.submit(order(*kind, Tif::Gtc)).unwrap();
    }
    fresh.advance_to(sessions[0].close).unwrap();
    assert_eq!(fresh.open_orders().count(), 10);
    criterion.bench_function(name, |bencher| {
        bencher.iter_custom(|bars| {
            let (mut left, mut spent) = (bars, Duration::ZERO);
            while left > 0 {
                let mut exchange = fresh.clone();
                let many = left.min(SESSIONS as u64);
                let start = Instant::now();
                for session in sessions.iter().skip(1).take(many.try_into().unwrap()) {
                    exchange.advance_to(black_box(session.close)).unwrap();
                }
                spent += start.elapsed();
                assert_eq!(exchange.open_orders().count(), 10, "the orders must rest");
                left -= many;
            }
            spent
        });
    });
}

/// A market order from its taking to its complete fill, fees and reserve included.
fn submit_fill(criterion: &mut Criterion) {
    let sessions = sessions();
    let fresh = exchange(&sessions);
    criterion.bench_function("venue/submit_fill", |bencher| {
        bencher.iter_custom(|orders| {
            let (mut left, mut spent) = (orders, Duration::ZERO);
            while left > 0 {
                let mut exchange = fresh.clone();
                let many = left.min(ORDERS);
                let asked: Vec<NewOrder> =
                    (0..many).map(|_| order(Kind::Market, Tif::Day)).collect();
                let start = Instant::now();
                for order in asked {
                    exchange.submit(black_box(order)).unwrap();
                }
                spent += start.elapsed();
                assert_eq!(exchange.open_orders().count(), 0, "every order must fill");
                left -= many;
            }
            spent
        });
    });
}

criterion_group!(benches, match_bar, submit_fill);
criterion_main!(benches);
