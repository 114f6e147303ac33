//! What the tests trade with: strategies, venue, settings.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atlas_broker::Broker;
use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::Calendar;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{AccountName, Bps, Clock, Qty, Regime, Symbol, Usd, Weight};
use atlas_engine::step::{EngineSpec, StrategySpec, Timeframe, Watch, Window};
use atlas_engine::{Action, Allocations, Engine};
use atlas_exec::event::Event as Record;
use atlas_exec::shell::News;
use atlas_exec::trade::{AtStop, Brain, FileStore, Ground, RegimeSource, Report, Settings, trade};
use atlas_exec::{Error, Session, TokioTimer};
use atlas_strategy::Bundled;
use atlas_strategy::ensemble::{Conflict, Vote};
use atlas_strategy::reversion::RsiReversion;
use atlas_strategy::trend::{MacdTrend, SmaCross, SmaSet};
use atlas_tests::approval::wide_limits;
use atlas_tests::market::{at, symbol};
use atlas_tests::world::{Door, World};
use atlas_venue::core::CryptoRules;
use atlas_venue::{Listing, Venue};

use crate::mortal::Mortal;
use crate::tape::{Stream, Tape};

/// Which market it is; always the same.
pub(crate) struct Always(pub(crate) Regime);

#[async_trait(?Send)]
impl RegimeSource for Always {
    async fn regime(&self, _: Timestamp) -> Result<Regime, String> {
        Ok(self.0)
    }
}

/// A venue with SPY and BTC, of whose prices only quotes tell.
pub(crate) async fn world(door: Door, start: &str) -> World {
    let days = Calendar::nyse()
        .sessions("2024-02-01".parse().unwrap(), "2024-03-28".parse().unwrap())
        .unwrap();
    let dates: Vec<_> = days.map(|day| day.date).collect();
    let first = dates[0];
    let every: Vec<_> = first.iter_days().take(50).collect();
    let bars = |name: &str, dates: Vec<_>, price: f64| {
        let close = vec![price; dates.len()];
        Bars::new(symbol(name), Columns { dates, close, ..Columns::default() }).unwrap()
    };
    let spy = Listing::raw(bars("SPY", dates, 500.0));
    let btc = Listing::crypto(bars("BTC/USD", every, 3_800.0), CryptoRules::FINEST).unwrap();
    World::of(door, at(start), vec![spy, btc]).await
}

pub(crate) const MINUTE: Timeframe = Timeframe(60);
pub(crate) const HOUR: Timeframe = Timeframe(3_600);

pub(crate) fn sma() -> Bundled {
    SmaCross::new(SmaSet::FAST).unwrap().into()
}

fn macd() -> Bundled {
    MacdTrend::new(6, 13, 5).unwrap().into()
}

fn rsi() -> Bundled {
    RsiReversion::new(7, 35.0, 55.0).unwrap().into()
}

fn vote() -> Bundled {
    let vote = Vote::Consensus { needed: 2 };
    Bundled::ensemble(vec![sma(), macd(), rsi()], vote, Conflict::Reduce).unwrap()
}

pub(crate) fn spec(names: &[&str]) -> EngineSpec {
    let part =
        Weight::new(rust_decimal::Decimal::new(96, 2) / rust_decimal::Decimal::from(names.len()));
    let part = part.unwrap();
    EngineSpec {
        account: "day".parse().unwrap(),
        decisions: 1_000_000,
        capital: "100000".parse().unwrap(),
        strategies: names
            .iter()
            .map(|name| StrategySpec {
                capital: part,
                max_position: "0.45".parse().unwrap(),
                risk_per_trade: "0.02".parse().unwrap(),
                ..StrategySpec::named(name)
            })
            .collect(),
        allocations: Allocations::standard(),
        buy_limit_collar: Bps::new(50.into()).unwrap(),
        window: Window::standard(),
        fill_wait: 120,
        bar_max_age: 90,
        exit_attempts: 3,
    }
}

/// Three strategies and an ensemble.
pub(crate) fn engine() -> Engine<Bundled> {
    let mut spec = spec(&["macd", "swing", "trend", "vote"]);
    spec.strategies[2].exits.trailing = Some("0.002".parse().unwrap());
    let watch = |strategy: &str, of: &str, timeframe, brain| Watch {
        strategy: strategy.to_owned(),
        symbol: symbol(of),
        timeframe,
        brain,
    };
    let watches = vec![
        watch("macd", "SPY", MINUTE, macd()),
        watch("macd", "BTC/USD", HOUR, macd()),
        watch("swing", "SPY", Timeframe(300), rsi()),
        watch("swing", "BTC/USD", HOUR, rsi()),
        watch("trend", "SPY", MINUTE, sma()),
        watch("trend", "BTC/USD", HOUR, sma()),
        watch("vote", "SPY", MINUTE, vote()),
        watch("vote", "BTC/USD", HOUR, vote()),
    ];
    Engine::new(spec, watches).unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings {
        lookups: vec![Duration::from_millis(1); 2],
        news: News::Polled,
        // The tape's hours go by unseen at night.
        silence: Duration::from_hours(3),
        jump: Duration::from_hours(3),
        // Everything is told before the clock moves on.
        batch: 1,
        at_stop: AtStop::Keep,
        ..Settings::standard(Mode::Replay)
    }
}

/// One process: trades until the tape is over or it is killed, where nothing is given back.
pub(crate) async fn process<S: Brain>(
    dir: &Path,
    venue: &Venue,
    broker: &Mortal<'_>,
    tape: &Tape,
    engine: Engine<S>,
    settings: &Settings,
) -> Option<Result<Report, Error>> {
    let account: AccountName = "day".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(venue.clone());
    let mut session = Session::open(dir, &account, clock).unwrap();
    let mut store = FileStore::of(session.folder().unwrap());
    let limits = wide_limits();
    let mut data = Stream(tape);
    let ground = Ground {
        broker,
        data: &mut data,
        history: tape,
        regimes: &Always(Regime::Bull),
        timer: &TokioTimer,
        store: &mut store,
        calendar: Calendar::nyse(),
        limits: &limits,
        settings,
    };
    let stop = async {
        tape.over.notified().await;
        "the tape is over".to_owned()
    };
    let trading = trade(&mut session, engine, ground, stop);
    tokio::select! {
        biased;
        () = tape.killed.notified() => None,
        () = broker.died.notified() => None,
        report = trading => Some(report),
    }
}

/// What an account came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Came {
    pub(crate) cash: Usd,
    pub(crate) positions: BTreeMap<Symbol, Qty>,
    /// Orders at the venue: name, state, filled.
    pub(crate) orders: Vec<String>,
    /// Signals with their ends, crossings, attributed fills.
    pub(crate) told: Vec<String>,
    pub(crate) incidents: Vec<String>,
    /// The engine as it was kept last.
    pub(crate) engine: serde_json::Value,
}

pub(crate) async fn came(dir: &Path, venue: &Venue, broker: &dyn Broker) -> Came {
    let account: AccountName = "day".parse().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(venue.clone());
    let mut session = Session::open(dir, &account, clock).unwrap();
    let file = session.folder().unwrap().engine();
    let (mut told, mut incidents) = (Vec::new(), Vec::new());
    session
        .journal_mut()
        .replay(&mut |record, _| {
            let event = Record::decode(record.seq, &record.kind, record.version, &record.payload);
            if let Ok(Record::EngineActed(acted)) = event {
                for action in acted.actions {
                    match action {
                        Action::Incident { what, .. } => incidents.push(what),
                        other => told.push(serde_json::to_string(&other).unwrap()),
                    }
                }
            }
            Ok(())
        })
        .unwrap();
    let positions = broker.positions().await.unwrap();
    let orders = venue.inspect(|exchange| {
        let line = |o: &atlas_venue::core::OrderRecord| {
            format!("{} {} {}", o.client_order_id, o.status.as_str(), o.filled)
        };
        exchange.orders().iter().map(line).collect()
    });
    let bytes = std::fs::read(file).unwrap();
    let body = bytes.splitn(2, |byte| *byte == b'\n').nth(1).unwrap();
    let kept: serde_json::Value = serde_json::from_slice(body).unwrap();
    Came {
        cash: broker.account().await.unwrap().cash,
        positions: positions.into_iter().map(|(symbol, p)| (symbol, p.qty)).collect(),
        orders,
        told,
        incidents,
        engine: kept["engine"].clone(),
    }
}
