//! The same engine, the same history, three drivers: a plain loop over the venue, as a backtest is;
//! the shell on the venue in process; the shell on the venue's server through the real client. All
//! want the same, in the same order.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::market_data::MarketBar;
use atlas_broker::{Broker, Entry, Submission};
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Order, OrderEvent, OrderStatus, Price, Qty, Regime, Symbol, Usd};
use atlas_engine::step::{BarClosed, Watch};
use atlas_engine::{Action, Engine, Event};
use atlas_exec::trade::ohlcv;
use atlas_strategy::Bundled;
use atlas_strategy::ensemble::{Conflict, Vote};
use atlas_strategy::reversion::RsiReversion;
use atlas_strategy::trend::{SmaCross, SmaSet};
use atlas_tests::approval::approve;
use atlas_tests::block_on;
use atlas_tests::market::{at, symbol};
use atlas_tests::world::Door;
use chrono::TimeDelta;
use proptest::prelude::*;
use rust_decimal::Decimal;

use crate::mortal::Mortal;
use crate::stage::{MINUTE, came, process, settings, spec, world};
use crate::tape::{Beat, Tape};

const START: &str = "2024-02-22T14:36:00Z";

fn engine() -> Engine<Bundled> {
    let sma = |fast, slow| Bundled::from(SmaCross::new(SmaSet { fast, slow }).unwrap());
    let rsi = || Bundled::from(RsiReversion::new(3, 40.0, 60.0).unwrap());
    let vote = Vote::Consensus { needed: 2 };
    let members = vec![sma(2, 4), sma(3, 6), rsi()];
    let brains = [
        ("fast", sma(2, 4)),
        ("swing", rsi()),
        ("vote", Bundled::ensemble(members, vote, Conflict::Reduce).unwrap()),
    ];
    let mut spec = spec(&["fast", "swing", "vote"]);
    spec.strategies[1].exits.max_bars = Some(6);
    spec.strategies[2].exits.trailing = Some("0.002".parse().unwrap());
    let watches = brains.map(|(name, brain)| Watch {
        strategy: name.to_owned(),
        symbol: symbol("SPY"),
        timeframe: MINUTE,
        brain,
    });
    Engine::new(spec, watches.into()).unwrap()
}

/// Minutes whose closes change by so many hundredths of a per cent.
fn history(changes: &[i16]) -> Vec<(Symbol, MarketBar)> {
    let mut close = Decimal::from(500);
    let mut all = Vec::new();
    for (n, change) in changes.iter().enumerate() {
        let start = at(START) + TimeDelta::minutes(i64::try_from(n).unwrap());
        let open = close;
        close = (close * (Decimal::ONE + Decimal::new(i64::from(*change), 4))).round_dp(2);
        let price = |value| Price::new(value).unwrap();
        let volume = Qty::from_shares(1_000);
        let (high, low) = (price(open.max(close)), price(open.min(close)));
        let (open, close) = (price(open), price(close));
        let bar = MarketBar { start, open, high, low, close, volume, trades: None, vwap: None };
        all.push((symbol("SPY"), bar));
    }
    all
}

/// What the engine wants in the shell, through a door.
fn in_the_shell(door: Door, minutes: &[(Symbol, MarketBar)]) -> Vec<String> {
    let beats = minutes.iter().map(|(symbol, bar)| Beat::Minute(symbol.clone(), *bar)).collect();
    block_on(async {
        let world = world(door, START).await;
        let venue = world.venue().clone();
        let tape = Tape::new(venue.clone(), Vec::new(), beats);
        let broker = Mortal::new(world.broker(), tape.answers.clone());
        let dir = tempfile::tempdir().unwrap();
        let ended = process(dir.path(), &venue, &broker, &tape, engine(), &settings()).await;
        assert_eq!(ended.unwrap().unwrap().differences, [""; 0]);
        came(dir.path(), &venue, world.broker()).await.told
    })
}

/// A plain loop: prices, news of orders, bar, orders.
struct Loop<'a> {
    engine: Engine<Bundled>,
    broker: &'a dyn Broker,
    now: Timestamp,
    told: BTreeMap<ClientOrderId, Order>,
    wakes: BTreeSet<Timestamp>,
    wanted: Vec<String>,
}

impl Loop<'_> {
    /// What the broker knows of orders and the engine does not.
    async fn news(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        let ledger = self.broker.activities(None).await.unwrap();
        for (id, told) in &mut self.told {
            if told.status().is_terminal() {
                continue;
            }
            let Some(order) = self.broker.order(id).await.unwrap() else { continue };
            let fresh = told.status() == OrderStatus::Submitted;
            let mut tell = |change: OrderEvent| {
                if told.apply(&change).is_ok_and(|new| new) {
                    events.push(match change {
                        OrderEvent::Filled(fill) => Event::Fill { fill, fee: Usd::ZERO },
                        change => Event::Order { id: id.clone(), change },
                    });
                }
            };
            if fresh {
                tell(OrderEvent::Accepted { venue_order_id: order.venue_order_id.clone() });
            }
            for activity in &ledger {
                if let Entry::Fill(fill) = &activity.entry
                    && fill.client_order_id == *id
                {
                    tell(OrderEvent::Filled(fill.clone()));
                }
            }
            match order.status {
                OrderStatus::Canceled => tell(OrderEvent::Canceled),
                OrderStatus::Expired => tell(OrderEvent::Expired),
                _ => {}
            }
        }
        events
    }

    async fn take(&mut self, mut events: Vec<Event>) {
        while !events.is_empty() {
            let mut acts = Vec::new();
            for event in events {
                acts.extend(self.engine.step(self.now, &event));
            }
            let mut sent = false;
            for action in acts {
                match &action {
                    Action::WakeAt(at) => {
                        self.wakes.insert(*at);
                        continue;
                    }
                    Action::Incident { .. } => continue,
                    Action::Submit { request, .. } => {
                        let mut order = Order::new(request.clone());
                        order.apply(&OrderEvent::Submitted).unwrap();
                        self.told.insert(request.client_order_id.clone(), order);
                        let answer = self.broker.submit(approve(request.clone())).await;
                        assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
                        sent = true;
                    }
                    Action::Cancel { id, .. } => {
                        self.told.get_mut(id).unwrap().apply(&OrderEvent::CancelRequested).unwrap();
                        let order = self.broker.order(id).await.unwrap().unwrap();
                        self.broker.cancel(&order.venue_order_id).await.unwrap();
                        sent = true;
                    }
                    _ => {}
                }
                self.wanted.push(serde_json::to_string(&action).unwrap());
            }
            events = if sent { self.news().await } else { Vec::new() };
        }
    }
}

fn in_a_loop(minutes: &[(Symbol, MarketBar)]) -> Vec<String> {
    let beats = minutes.iter().map(|(symbol, bar)| Beat::Minute(symbol.clone(), *bar)).collect();
    block_on(async {
        let world = world(Door::InProcess, START).await;
        let venue = world.venue().clone();
        let tape = Tape::new(venue.clone(), Vec::new(), beats);
        let mut all = Loop {
            engine: engine(),
            broker: world.broker(),
            now: venue.now(),
            told: BTreeMap::new(),
            wakes: BTreeSet::new(),
            wanted: Vec::new(),
        };
        let session = Calendar::nyse().session_at(all.now).unwrap().unwrap();
        all.take(vec![Event::Regime(Regime::Bull), Event::SessionOpen(session)]).await;
        for (symbol, bar) in minutes {
            tape.play(symbol, bar);
            all.now = venue.now();
            let mut first = all.news().await;
            if all.wakes.first().is_some_and(|at| *at <= all.now) {
                all.wakes.retain(|at| *at > all.now);
                first.push(Event::Timer);
            }
            all.take(first).await;
            let (closed_at, timeframe) = (bar.start + TimeDelta::minutes(1), MINUTE);
            let (symbol, bar) = (symbol.clone(), ohlcv(bar));
            all.take(vec![Event::Bar(BarClosed { symbol, timeframe, closed_at, bar })]).await;
        }
        all.wanted
    })
}

#[test]
fn the_stories_are_not_empty() {
    let changes: Vec<i16> = (0..90_i16).map(|n| if (n / 5) % 2 == 0 { 9 } else { -8 }).collect();
    let wanted = in_a_loop(&history(&changes));
    for what in ["\"entry\"", "\"exit\"", "\"guard\"", "\"crossed\"", "attributed", "cancel"] {
        assert!(wanted.iter().any(|told| told.contains(what)), "{what}: {wanted:#?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn three_drivers_want_the_same(changes in proptest::collection::vec(-25_i16..26, 20..60)) {
        let minutes = history(&changes);
        let plain = in_a_loop(&minutes);
        prop_assert_eq!(&in_the_shell(Door::InProcess, &minutes), &plain);
        prop_assert_eq!(&in_the_shell(Door::Alpaca, &minutes), &plain);
    }
}
