//! A day of SPY minutes and BTC hours, traded by three strategies and an ensemble.

use atlas_core::time::Timestamp;
use atlas_tests::block_on;
use atlas_tests::world::Door;
use serde_json::Value;

use crate::mortal::{Death, Mortal};
use crate::recorded::days;
use crate::stage::{Came, came, engine, process, settings, world};
use crate::tape::{Beat, Tape};

/// Where a process is killed.
#[derive(Debug, Clone, Copy)]
enum Kill {
    AtBeat(usize),
    In(Death),
}

/// Trades the day up to so many beats through a door, killed where told and started again each time.
fn traded(door: Door, most: usize, kills: &[Kill]) -> Option<(Came, u32)> {
    let all = days()?;
    let start = "2024-02-22T00:30:00Z";
    let from: Timestamp = start.parse().unwrap();
    let (past, today): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, bar)| bar.start < from);
    let beats = today.into_iter().take(most);
    let beats = beats.map(|(symbol, bar)| Beat::Minute(symbol, bar)).collect();
    Some(block_on(async {
        let world = world(door, start).await;
        let venue = world.venue().clone();
        let tape = Tape::new(venue.clone(), past, beats);
        let broker = Mortal::new(world.broker(), tape.answers.clone());
        let dir = tempfile::tempdir().unwrap();
        for kill in kills {
            match kill {
                Kill::AtBeat(beat) => *tape.kill_at.lock().unwrap() = Some(*beat),
                Kill::In(death) => *broker.death.lock().unwrap() = Some(*death),
            }
            let ended = process(dir.path(), &venue, &broker, &tape, engine(), &settings()).await;
            assert!(ended.is_none(), "{kill:?} did not happen: {ended:?}");
        }
        let ended = process(dir.path(), &venue, &broker, &tape, engine(), &settings()).await;
        let report = ended.unwrap().unwrap();
        assert_eq!(report.differences, [""; 0]);
        assert_eq!(report.state, atlas_exec::TradingState::Active);
        let came = came(dir.path(), &venue, world.broker()).await;
        (came, broker.submits())
    }))
}

fn skipped() {
    eprintln!("skipped: ../shared/data/intraday is not there");
}

/// Every difference fails; what is printed is the first.
fn same(broken: &Came, whole: &Came, kills: &[Kill]) {
    assert_eq!(broken.orders, whole.orders, "{kills:?}");
    assert_eq!((broken.cash, &broken.positions), (whole.cash, &whole.positions), "{kills:?}");
    assert_eq!(broken.told, whole.told, "{kills:?}");
    let mut differ = Vec::new();
    compare("", &broken.engine, &whole.engine, &mut differ);
    assert_eq!(differ, [""; 0], "{kills:?}");
}

/// The places at which two documents differ.
fn compare(at: &str, one: &Value, other: &Value, differ: &mut Vec<String>) {
    match (one, other) {
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            for (key, one) in a {
                compare(&format!("{at}/{key}"), one, &b[key], differ);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (n, (one, other)) in a.iter().zip(b).enumerate() {
                compare(&format!("{at}/{n}"), one, other, differ);
            }
        }
        _ if one == other => {}
        _ => differ.push(format!("{at}: {one} and {other}")),
    }
}

/// The whole day over a socket, killed twice: once between an order's journey to the venue and the
/// answer, once before an order leaves.
#[test]
fn a_day_killed_twice_comes_to_the_same_books() {
    let Some((whole, submits)) = traded(Door::Alpaca, usize::MAX, &[]) else { return skipped() };
    assert!(submits >= 100, "only {submits} orders");
    let has = |what: &str| whole.told.iter().filter(|told| told.contains(what)).count();
    for what in ["\"signal\"", "attributed", "EXECUTED", "\"guard\"", "BTC/USD", "SPY"] {
        assert!(has(what) >= 2, "{what}: {:#?}", whole.told);
    }
    let kills = [Kill::In(Death::After(40)), Kill::In(Death::Before(90))];
    let (broken, again) = traded(Door::Alpaca, usize::MAX, &kills).unwrap();
    same(&broken, &whole, &kills);
    assert_eq!(again, submits, "no order is sent twice");
}

/// Its first hours, by calls, killed at all kinds of moments; and no different from over the socket.
#[test]
fn wherever_it_is_killed_it_goes_on() {
    const BEATS: usize = 420;
    let Some((whole, submits)) = traded(Door::InProcess, BEATS, &[]) else { return skipped() };
    let (socket, _) = traded(Door::Alpaca, BEATS, &[]).unwrap();
    assert_eq!(socket, whole, "the door makes no difference");
    let cases = [
        [Kill::AtBeat(345), Kill::AtBeat(400)],
        [Kill::In(Death::Before(1)), Kill::In(Death::After(1))],
        [Kill::In(Death::After(7)), Kill::In(Death::Before(submits - 2))],
    ];
    for kills in cases {
        let (broken, again) = traded(Door::InProcess, BEATS, &kills).unwrap();
        same(&broken, &whole, &kills);
        assert_eq!(again, submits, "an order was sent twice: {kills:?}");
    }
}
