//! Recorded minutes, as a stream that moves the venue's clock and as history.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use atlas_broker::market_data::{
    Adjustment, BarKind, BarsRequest, DataEvent, DataStream, MarketBar, Snapshot, Trade,
};
use atlas_broker::{Error, MarketClock, MarketData};
use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use atlas_core::{Adjusted, Price, Quote, Rounding, Symbol};
use atlas_venue::Venue;
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use tokio::sync::Notify;

/// One event of a tape, at the end of its minute.
#[derive(Debug, Clone)]
pub(crate) enum Beat {
    /// A minute of a symbol: the venue's prices go through it, then the stream tells it.
    Minute(Symbol, MarketBar),
    /// A minute the venue trades through and the stream does not tell; history has it.
    Hidden(Symbol, MarketBar),
    /// The venue's clock moves on, and the stream says nothing until somebody asks again.
    Silence(Timestamp),
    /// The broker answers, or does not.
    Broker(bool),
    /// The stream is lost and says so.
    Lost,
    /// The stream tells this, whatever the venue does.
    Tell(Symbol, BarKind, MarketBar),
    /// The stream tells a quote.
    Quote(Quote),
}

/// Minutes in the order of their ends, and how far they were told.
pub(crate) struct Tape {
    venue: Venue,
    beats: Vec<Beat>,
    past: Vec<(Symbol, MarketBar)>,
    told: Mutex<usize>,
    /// The beat before which the process is killed.
    pub(crate) kill_at: Mutex<Option<usize>>,
    pub(crate) killed: Notify,
    pub(crate) over: Notify,
    /// Whether the broker answers.
    pub(crate) answers: Arc<AtomicBool>,
}

impl Tape {
    pub(crate) fn new(venue: Venue, past: Vec<(Symbol, MarketBar)>, beats: Vec<Beat>) -> Self {
        let told = Mutex::new(0);
        let kill_at = Mutex::new(None);
        let answers = Arc::new(AtomicBool::new(true));
        let (killed, over) = (Notify::new(), Notify::new());
        Self { venue, beats, past, told, kill_at, killed, over, answers }
    }

    /// Lets the venue's price go through a minute: open, the nearer extreme, the other, close.
    pub(crate) fn play(&self, symbol: &Symbol, bar: &MarketBar) {
        let rising = bar.close >= bar.open;
        let (first, second) = if rising { (bar.low, bar.high) } else { (bar.high, bar.low) };
        for (seconds, price) in [(15, bar.open), (30, first), (45, second), (60, bar.close)] {
            let ts_event = (bar.start + TimeDelta::seconds(seconds)).max(self.venue.now());
            self.venue.take_quote(&quote(symbol, price, ts_event)).unwrap();
        }
    }
}

/// A cent to either side of a price.
pub(crate) fn quote(symbol: &Symbol, price: Price, ts_event: Timestamp) -> Quote {
    let cent = Decimal::new(1, 2);
    let at = |value: Decimal| Price::new(Rounding::HalfEven.apply(value, 2)).unwrap();
    let (bid, ask) = (Some(at(price.value() - cent)), Some(at(price.value() + cent)));
    Quote { symbol: symbol.clone(), bid, ask, ts_event }
}

pub(crate) struct Stream<'a>(pub(crate) &'a Tape);

#[async_trait]
impl DataStream for Stream<'_> {
    async fn next(&mut self) -> Result<DataEvent, Error> {
        loop {
            let beat = {
                let mut told = self.0.told.lock().unwrap();
                let mut kill = self.0.kill_at.lock().unwrap();
                if *kill == Some(*told) {
                    *kill = None;
                    self.0.killed.notify_one();
                    None
                } else {
                    let beat = self.0.beats.get(*told).cloned();
                    *told += 1;
                    if beat.is_none() {
                        self.0.over.notify_one();
                    }
                    beat
                }
            };
            let Some(beat) = beat else { return std::future::pending().await };
            match beat {
                Beat::Minute(symbol, bar) => {
                    self.0.play(&symbol, &bar);
                    return Ok(DataEvent::Bar { symbol, kind: BarKind::Minute, bar });
                }
                Beat::Tell(symbol, kind, bar) => return Ok(DataEvent::Bar { symbol, kind, bar }),
                Beat::Quote(quote) => return Ok(DataEvent::Quote(quote)),
                Beat::Lost => {
                    let (venue, request) = ("the tape".to_owned(), "the stream".to_owned());
                    let reason = "cut".to_owned();
                    return Ok(DataEvent::Lost(Error::NoAnswer { venue, request, reason }));
                }
                Beat::Silence(until) => {
                    self.0.venue.advance_to(until.max(self.0.venue.now())).unwrap();
                    return std::future::pending().await;
                }
                Beat::Hidden(symbol, bar) => self.0.play(&symbol, &bar),
                Beat::Broker(answers) => self.0.answers.store(answers, Ordering::Relaxed),
            }
        }
    }
}

#[async_trait]
impl MarketData for Tape {
    async fn bars(&self, request: &BarsRequest) -> Result<BTreeMap<Symbol, Vec<MarketBar>>, Error> {
        let now = self.venue.now();
        let minutes = self.beats.iter().filter_map(|beat| match beat {
            Beat::Minute(symbol, bar) | Beat::Hidden(symbol, bar) => Some((symbol, bar)),
            _ => None,
        });
        let past = self.past.iter().map(|(symbol, bar)| (symbol, bar));
        let mut all: BTreeMap<Symbol, Vec<MarketBar>> = BTreeMap::new();
        for (symbol, bar) in past.chain(minutes) {
            let asked = request.symbols.contains(symbol)
                && (request.start..=request.end).contains(&bar.start)
                && bar.start + TimeDelta::minutes(1) <= now;
            if asked {
                all.entry(symbol.clone()).or_default().push(*bar);
            }
        }
        Ok(all)
    }

    async fn adjusted_bars(
        &self,
        _: &BarsRequest,
        _: Adjustment,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error> {
        Err(none())
    }

    async fn latest_quotes(&self, _: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        Err(none())
    }

    async fn latest_trades(&self, _: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error> {
        Err(none())
    }

    async fn snapshots(&self, _: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error> {
        Err(none())
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        Err(none())
    }

    async fn calendar(&self, _: NaiveDate, _: NaiveDate) -> Result<Vec<Session>, Error> {
        Err(none())
    }
}

fn none() -> Error {
    let (venue, what) = ("the tape".to_owned(), "that".to_owned());
    Error::Unsupported { venue, what, remedy: "ask for bars" }
}
