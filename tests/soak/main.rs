//! Many orders by many clients at once, over loopback, while things go wrong; afterwards everybody's
//! books agree.
//!
//! `ATLAS_SOAK_ORDERS=N` sends N orders instead of a thousand, and `ATLAS_SOAK_DISK=1` keeps the
//! venue's state in `SQLite`. Sixteen clients of the Alpaca client
//! trade one account, each a symbol of its own, against a server that loses, delays, repeats and
//! breaks requests, answers and messages at random, from a seed. Nobody stops: an unknown outcome
//! is resolved by the client order id. What the server, the clients, a listener to the order
//! updates and a naive ledger hold to be true at the end must be the same.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::wildcard_enum_match_arm,
    reason = "a check that does not hold fails the test; its size is told from outside, its figures \
              are what it is run for"
)]

mod client;
mod listener;
mod memory;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use atlas_broker::alpaca::{Credentials, Endpoint, Options, OrderFilter, Paper, Session, Which};
use atlas_broker::{Activity, Broker, BrokerOrder, Entry};
use atlas_core::{Fill, Side, Symbol, Weight};
use atlas_tests::ledger::{NaiveLedger, check_books};
use atlas_tests::market::{at, flat};
use atlas_venue::server::{ServeOptions, ServerHandle, serve};
use atlas_venue::{Fault, InProcess, Rule, Target, Venue, VenueConfig};
use rust_decimal::Decimal;

use client::{Client, Tally};
use listener::Listener;
use memory::Memory;

const CLIENTS: usize = 16;

#[test]
fn everybodys_books_agree_after_many_orders_and_faults() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime").block_on(soak());
}

fn orders() -> usize {
    let text = std::env::var("ATLAS_SOAK_ORDERS").unwrap_or_else(|_| "1000".to_owned());
    text.parse().unwrap_or_else(|_| panic!("ATLAS_SOAK_ORDERS is {text:?}: give a number"))
}

/// Whether the venue keeps its state on disk, as a served one does.
fn on_disk() -> bool {
    std::env::var_os("ATLAS_SOAK_DISK").is_some()
}

async fn soak() {
    let symbols: Vec<Symbol> =
        (0..CLIENTS).map(|n| format!("SK{n}").parse().expect("a symbol")).collect();
    let config = VenueConfig {
        cash: "100000000".parse().expect("dollars"),
        split_fills: Weight::from_percent(10).expect("a share"),
        ..VenueConfig::realistic(at("2019-01-03T14:35:00Z"))
    };
    let listings = symbols.iter().map(|symbol| flat(symbol.as_str(), 100.0));
    let dir = on_disk().then(|| tempfile::tempdir().expect("a folder"));
    let folder = dir.as_ref().map(tempfile::TempDir::path);
    let venue = Venue::open(folder, config, listings).expect("a venue");
    let listen = "127.0.0.1:0".parse().expect("an address");
    let server = serve(venue.clone(), listen, ServeOptions::default()).await.expect("a server");

    let memory = Arc::new(Memory::new(orders()));
    let listener = Listener::start(connect(&server)).await;
    script(&server);
    let clients: Vec<_> = symbols
        .iter()
        .enumerate()
        .map(|(number, symbol)| {
            let share = orders() / CLIENTS + usize::from(number < orders() % CLIENTS);
            let client = Client::new(connect(&server), symbol.clone(), number, Arc::clone(&memory));
            tokio::spawn(client.trade(share))
        })
        .collect();
    let mut tallies = Vec::new();
    for client in clients {
        tallies.push(client.await.expect("a client that ends"));
    }

    server.faults().clear();
    // What the listener was not told it finds when it has to connect again.
    server.faults().script(Target::Update, Fault::DropBefore);
    let session = connect(&server);
    let last = Client::new(connect(&server), symbols[0].clone(), CLIENTS, Arc::clone(&memory));
    tallies.push(last.trade_once().await);
    // The fees of the day are posted at its close.
    venue.settle_day().expect("the close");
    let activities = session.activities(None).await.expect("activities");
    compare(&session, &venue, &tallies, &activities).await;
    check_books(&session).await;
    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    println!(
        "{} orders{}: {} taken, {} refused, {} unknown at first, {} sent again, {} fills; the \
         listener connected {} times",
        orders(),
        if on_disk() { ", state on disk" } else { "" },
        sum(|tally| tally.taken.len()),
        sum(|tally| tally.refused.len()),
        sum(|tally| tally.unknown),
        sum(|tally| tally.again),
        fills(&activities).len(),
        listener.connections(),
    );
    memory.report();
    listener.hears_all(&fills(&activities)).await;
    server.stop().await;
}

/// What goes wrong, and how often.
fn script(server: &ServerHandle) {
    let faults = server.faults();
    faults.seed(4711);
    let at_random = |target, fault, chance| {
        faults.add(Rule { target, fault, chance, times: None, path: None, account: None });
    };
    at_random(Target::Submit, Fault::DropBefore, 0.004);
    at_random(Target::Submit, Fault::DropAfter, 0.004);
    at_random(Target::Submit, Fault::FailBefore(503), 0.004);
    at_random(Target::Submit, Fault::FailAfter(504), 0.004);
    at_random(Target::Submit, Fault::HangAfter, 0.000_5);
    at_random(Target::Submit, Fault::HangBefore, 0.000_5);
    at_random(Target::Submit, Fault::Delay(Duration::from_millis(20)), 0.01);
    let (code, message) = (40_310_000, "account is restricted".to_owned());
    at_random(Target::Submit, Fault::Reject { status: 403, code, message }, 0.002);
    at_random(Target::Change, Fault::DropAfter, 0.01);
    at_random(Target::Change, Fault::FailBefore(503), 0.01);
    at_random(Target::Read, Fault::DropBefore, 0.001);
    at_random(Target::Read, Fault::FailBefore(502), 0.001);
    at_random(Target::Update, Fault::Repeat, 0.01);
    at_random(Target::Update, Fault::Swap, 0.01);
    at_random(Target::Update, Fault::Skip, 0.001);
    at_random(Target::Update, Fault::DropBefore, 0.000_05);
}

fn connect(server: &ServerHandle) -> Session<Paper> {
    let (key_id, secret) = (server.key_id.clone(), server.secret.expose().to_owned());
    let keys = Credentials::<Paper>::new(key_id, secret).expect("keys");
    let options = Options { timeout: Duration::from_secs(2), ..Options::default() };
    Session::connect(&Endpoint::loopback(server.addr), &keys, &options).expect("a session")
}

fn fills(activities: &[Activity]) -> Vec<Fill> {
    let fill = |activity: &Activity| match &activity.entry {
        Entry::Fill(fill) => Some(fill.clone()),
        _ => None,
    };
    activities.iter().filter_map(fill).collect()
}

/// Server, clients and the naive ledger tell the same story.
async fn compare(
    session: &Session<Paper>,
    venue: &Venue,
    tallies: &[Tally],
    activities: &[Activity],
) {
    let filter = OrderFilter { which: Which::All, ..OrderFilter::default() };
    let listed = session.orders(&filter).await.expect("orders");
    let by_name: BTreeMap<String, &BrokerOrder> =
        listed.iter().map(|order| (order.client_order_id.to_string(), order)).collect();
    assert_eq!(by_name.len(), listed.len(), "a name belongs to one order");
    let taken: BTreeSet<&String> = tallies.iter().flat_map(|tally| &tally.taken).collect();
    let there: BTreeSet<&String> = by_name.keys().collect();
    assert_eq!(taken, there, "what clients hold to be taken, and nothing else, is there");

    let ledger = NaiveLedger::of(activities);
    let inside = InProcess::new(venue.clone()).account().await.expect("the account");
    assert_eq!(inside.cash.value(), ledger.cash, "the venue's own cash is the sum of the ledger");
    let mut shares: BTreeMap<Symbol, Decimal> = BTreeMap::new();
    for order in &listed {
        assert!(!order.status.is_open(), "still open: {order:?}");
        let filled = order.filled_qty.value();
        let told = ledger.traded.get(order.client_order_id.as_str()).copied();
        // A replacement counts what the order before it filled; none of those here filled.
        assert_eq!(filled, told.unwrap_or_default(), "{}", order.client_order_id);
        let held = shares.entry(order.symbol.clone()).or_default();
        *held += if order.side == Side::Buy { filled } else { -filled };
    }
    shares.retain(|_, held| !held.is_zero());
    assert_eq!(shares, ledger.shares, "orders and executions give the same positions");
    // The last client trades the symbol of the first: what counts is what both hold together.
    let mut held: BTreeMap<Symbol, Decimal> = BTreeMap::new();
    for tally in tallies {
        *held.entry(tally.symbol.clone()).or_default() += tally.held;
    }
    held.retain(|_, held| !held.is_zero());
    assert_eq!(held, shares, "clients hold what orders and executions say");
}
