//! What goes wrong, each by its rule, in simulated time.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use atlas_broker::market_data::{BarKind, MarketBar};
use atlas_core::Symbol;
use atlas_core::signal::Direction;
use atlas_core::time::Timestamp;
use atlas_engine::Engine;
use atlas_engine::step::Watch;
use atlas_exec::folder::{Fence, FenceNote};
use atlas_exec::states::Cause;
use atlas_exec::trade::{Report, Settings};
use atlas_exec::{Error, TradingState};
use atlas_strategy::indicator::Ohlcv;
use atlas_strategy::{Opinion, Strategy};
use atlas_tests::block_on;
use atlas_tests::market::{at, symbol};
use atlas_tests::world::Door;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::mortal::Mortal;
use crate::stage::{Came, MINUTE, came, process, settings, spec, world};
use crate::tape::{Beat, Tape, quote};

/// Buys and sells by turns, every few bars; misbehaves if told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Turns {
    every: u64,
    bars: u64,
    trouble: Option<(u64, Trouble)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Trouble {
    Panic,
    Nan,
    /// Somebody kills the account while it thinks.
    Kill,
}

/// The folder of the account that is killed.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

impl Strategy for Turns {
    fn name(&self) -> &'static str {
        "turns"
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        self.bars += 1;
        let mut strength = 1.0;
        match self.trouble.filter(|(when, _)| *when == self.bars) {
            Some((_, Trouble::Panic)) => panic!("as told"),
            Some((_, Trouble::Nan)) => strength = f64::NAN,
            Some((_, Trouble::Kill)) => {
                let folder = atlas_exec::folder::AccountFolder::new(
                    FOLDER.get().unwrap(),
                    &"day".parse().unwrap(),
                );
                let (by, why) = ("a test".to_owned(), "now".to_owned());
                let note = FenceNote { cause: Cause::Kill, by, at: Timestamp::default(), why };
                Fence::of(&folder).raise(&note).unwrap();
            }
            None => {}
        }
        if !self.bars.is_multiple_of(self.every) {
            return None;
        }
        let long = (self.bars / self.every) % 2 == 1;
        Some(Opinion {
            direction: if long { Direction::Long } else { Direction::Exit },
            strength,
            confidence: 0.5,
            horizon: 5,
            stop: long.then_some(bar.close * 0.9),
            target: None,
            evidence: [("close", bar.close)].into(),
        })
    }
}

fn spy() -> Symbol {
    symbol("SPY")
}

/// A minute whose price says when it was.
fn minute(start: Timestamp) -> MarketBar {
    let cents = i64::from(u16::try_from(start.timestamp() / 60 % 97).unwrap());
    let price = atlas_core::Price::new(rust_decimal::Decimal::new(50_000 + cents, 2)).unwrap();
    let volume = atlas_core::Qty::from_shares(1_000);
    MarketBar {
        start,
        open: price,
        high: price,
        low: price,
        close: price,
        volume,
        trades: None,
        vwap: None,
    }
}

fn minutes(from: &str, count: i64, beat: fn(Symbol, MarketBar) -> Beat) -> Vec<Beat> {
    let from = at(from);
    (0..count).map(|n| beat(spy(), minute(from + TimeDelta::minutes(n)))).collect()
}

fn one(trouble: Option<(u64, Trouble)>) -> Engine<Turns> {
    engine(&[("turns", trouble)])
}

fn engine(strategies: &[(&str, Option<(u64, Trouble)>)]) -> Engine<Turns> {
    let names: Vec<&str> = strategies.iter().map(|(name, _)| *name).collect();
    let watches = strategies.iter().enumerate().map(|(n, (name, trouble))| Watch {
        strategy: (*name).to_owned(),
        symbol: spy(),
        timeframe: MINUTE,
        brain: Turns { every: 4 + u64::try_from(n).unwrap(), bars: 0, trouble: *trouble },
    });
    Engine::new(spec(&names), watches.collect()).unwrap()
}

/// Trades the beats from 14:30 on.
fn played(
    engine: Engine<Turns>,
    beats: Vec<Beat>,
    change: impl FnOnce(&mut Settings),
) -> (Result<Report, Error>, Came, u32) {
    block_on(async {
        let world = world(Door::InProcess, "2024-02-22T14:31:00Z").await;
        let venue = world.venue().clone();
        let tape = Tape::new(venue.clone(), Vec::new(), beats);
        let broker = Mortal::new(world.broker(), tape.answers.clone());
        let dir = tempfile::tempdir().unwrap();
        if serde_json::to_string(&engine).unwrap().contains("Kill") {
            FOLDER.set(dir.path().to_owned()).unwrap();
        }
        let mut settings = Settings { beat: Duration::from_millis(2), ..settings() };
        change(&mut settings);
        let report = process(dir.path(), &venue, &broker, &tape, engine, &settings).await;
        let came = came(dir.path(), &venue, world.broker()).await;
        (report.unwrap(), came, broker.submits())
    })
}

fn said(came: &Came, what: &str) -> usize {
    came.incidents.iter().filter(|told| told.contains(what)).count()
}

#[test]
fn bad_data_is_told_of_and_changes_nothing() {
    let clean = minutes("2024-02-22T14:31:00Z", 40, Beat::Minute);
    let (report, whole, submits) = played(one(None), clean.clone(), |_| {});
    assert!(submits >= 6, "{submits}: {report:?}");
    let mut dirty = Vec::new();
    for (n, beat) in clean.into_iter().enumerate() {
        dirty.push(beat);
        let last = at("2024-02-22T14:31:00Z") + TimeDelta::minutes(i64::try_from(n).unwrap());
        let odd = quote(&spy(), "500".parse().unwrap(), last);
        let (bid, ask) = (odd.ask, odd.bid);
        let tell = |kind, start| Beat::Tell(spy(), kind, minute(start));
        dirty.push(match n % 5 {
            // The same minute again, one from before, a correction, a symbol nobody watches.
            0 => tell(BarKind::Minute, last),
            1 => tell(BarKind::Minute, last - TimeDelta::minutes(7)),
            2 => tell(BarKind::Updated, last),
            3 => Beat::Tell(symbol("QQQ"), BarKind::Minute, minute(last)),
            _ => Beat::Quote(atlas_core::Quote { bid, ask, ..odd }),
        });
    }
    let (report, came, again) = played(one(None), dirty, |_| {});
    // One of those from before is from before the opening.
    assert_eq!(report.unwrap().late, 15);
    assert_eq!((came.orders.clone(), came.cash, again), (whole.orders, whole.cash, submits));
    assert_eq!(came.engine, whole.engine);
    assert_eq!(said(&came, "late or twice"), 15);
    assert_eq!(said(&came, "nobody watches"), 8);
    assert_eq!(said(&came, "is crossed"), 8);
}

#[test]
fn a_lost_stream_is_caught_up_on_and_opens_nothing_on_the_past() {
    let mut beats = minutes("2024-02-22T14:31:00Z", 9, Beat::Minute);
    beats.push(Beat::Lost);
    beats.extend(minutes("2024-02-22T14:40:00Z", 14, Beat::Hidden));
    beats.extend(minutes("2024-02-22T14:54:00Z", 10, Beat::Minute));
    let (report, came, _) = played(one(None), beats, |_| {});
    let report = report.unwrap();
    assert_eq!((report.state, report.bars), (TradingState::Active, 33));
    assert_eq!(said(&came, "the data stream was lost"), 1);
    assert_eq!(said(&came, "14 missing minutes of SPY were caught up on"), 1);
    // All bars were seen, in order: the strategy is where it would have been.
    let slot = &came.engine["desks"][1]["slots"][0];
    let slot = if slot.is_null() { &came.engine["desks"][0]["slots"][0] } else { slot };
    assert_eq!(slot["brain"]["bars"], 33);
    // Of the purchases at 14:43 and 14:51 none was made; that of 14:59 was.
    let bought: Vec<&String> = came.orders.iter().filter(|o| o.contains("-buy-")).collect();
    assert_eq!(bought.len(), 2, "{:#?}", came.orders);
}

#[test]
fn silence_and_a_machine_that_slept_are_incidents() {
    let mut beats = minutes("2024-02-22T14:31:00Z", 9, Beat::Minute);
    beats.push(Beat::Silence(at("2024-02-22T14:44:30Z")));
    beats.extend(minutes("2024-02-22T14:45:00Z", 5, Beat::Minute));
    let (report, came, _) = played(one(None), beats, |settings| {
        settings.silence = Duration::from_mins(2);
        settings.jump = Duration::from_mins(3);
    });
    assert_eq!(report.unwrap().differences, [""; 0]);
    assert_eq!(said(&came, "the data stream has said nothing for"), 1, "{:#?}", came.incidents);
    assert_eq!(said(&came, "the data stream speaks again"), 1);
    assert_eq!(said(&came, "the clock jumped or the machine slept"), 1);
}

#[test]
fn a_day_that_changes_while_nothing_is_heard_is_a_new_day() {
    let mut beats = minutes("2024-02-22T20:30:00Z", 13, Beat::Minute);
    beats.push(Beat::Lost);
    beats.push(Beat::Silence(at("2024-02-23T14:40:00Z")));
    beats.extend(minutes("2024-02-23T14:40:00Z", 20, Beat::Minute));
    let (report, came, _) = played(one(None), beats, |settings| {
        settings.jump = Duration::from_hours(1);
    });
    let report = report.unwrap();
    assert_eq!((report.state, &report.differences[..]), (TradingState::Active, &[][..]));
    assert_eq!(came.engine["session"]["date"], "2024-02-23");
    assert_eq!(said(&came, "the machine slept"), 2, "{:#?}", came.incidents);
    let today = came.orders.iter().filter(|order| order.contains("-buy-")).count();
    assert!(today >= 3, "{:#?}", came.orders);
}

#[test]
fn a_broker_that_does_not_answer_is_sent_nothing_until_it_does() {
    let mut beats = minutes("2024-02-22T14:31:00Z", 9, Beat::Minute);
    beats.push(Beat::Broker(false));
    beats.extend(minutes("2024-02-22T14:40:00Z", 10, Beat::Minute));
    beats.push(Beat::Broker(true));
    beats.extend(minutes("2024-02-22T14:50:00Z", 20, Beat::Minute));
    let (report, came, _) = played(one(None), beats, |_| {});
    let report = report.unwrap();
    assert_eq!((report.state, &report.differences[..]), (TradingState::Active, &[][..]));
    assert_eq!(said(&came, "the way to the broker is closed"), 1, "{:#?}", came.incidents);
    assert_eq!(said(&came, "the way to the broker is open again"), 1);
}

#[test]
fn a_strategy_that_misbehaves_is_alone_in_it() {
    for trouble in [Trouble::Panic, Trouble::Nan] {
        // NaN shows with the first word, which is at the fourth bar.
        let bad = Some((4, trouble));
        let beats = minutes("2024-02-22T14:31:00Z", 40, Beat::Minute);
        let (report, came, submits) =
            played(engine(&[("bad", bad), ("good", None)]), beats, |_| {});
        assert_eq!(report.unwrap().state, TradingState::Active);
        assert_eq!(said(&came, "strategy bad is disabled"), 1, "{:#?}", came.incidents);
        assert!(submits >= 4);
        assert_eq!(came.engine["books"][0]["enabled"], false);
        assert_eq!(came.engine["books"][1]["enabled"], true);
    }
}

#[test]
fn a_kill_while_a_strategy_thinks_lets_nothing_out() {
    // The eighth bar buys on the fourth word of the clock; the fence goes up within it.
    let beats = minutes("2024-02-22T14:31:00Z", 12, Beat::Minute);
    let (report, came, submits) = played(one(Some((8, Trouble::Kill))), beats, |_| {});
    assert_eq!(report.unwrap().state, TradingState::Halted);
    // The purchase of the fourth bar was made, and its stop rests; the sale of the eighth was not.
    assert_eq!(submits, 2, "{:#?}", came.orders);
    assert_eq!(said(&came, "halted: by command"), 1, "{:#?}", came.incidents);
}
