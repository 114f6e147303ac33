//! Execution: writing the journal, remembering it, comparing it with the broker, and sending a plan.

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up has nothing to measure")]

mod long;
mod wire;

use std::collections::BTreeMap;
use std::hint::black_box;

use atlas_core::time::Timestamp;
use atlas_core::{Account, Position, Price, Qty, Symbol};
use atlas_exec::event::{AccountOpened, Event, OverrideRecorded};
use atlas_exec::journal::{Draft, Journal, MemoryStorage, SqliteStorage};
use atlas_exec::reconcile::{Policy, Report, Unmanaged, compare};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn now() -> Timestamp {
    "2019-01-03T14:35:00Z".parse().unwrap()
}

fn small() -> Draft {
    let event = Event::OverrideRecorded(OverrideRecorded {
        what: "regime".into(),
        from: "bull".into(),
        to: "bear".into(),
        by: "me".into(),
        why: "a bench".into(),
        config: None,
    });
    Draft { ts_event: now(), decision_id: None, event }
}

/// Durable appends, one commit a record and one commit for many.
fn journal_append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("exec/journal_append");
    for batch in [1_usize, 20] {
        let dir = tempfile::tempdir().unwrap();
        let storage = SqliteStorage::open(&dir.path().join("journal.sqlite")).unwrap();
        let mut journal = Journal::open(Box::new(storage)).unwrap();
        group.throughput(Throughput::Elements(batch as u64));
        group.bench_function(BenchmarkId::from_parameter(batch), |bencher| {
            bencher.iter(|| journal.append(now(), vec![small(); batch]).unwrap());
        });
    }
    group.finish();
}

/// Opening a journal of 100 000 records: read, chain checked, folded.
fn recover(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("journal.sqlite");
    let open = || Journal::open(Box::new(SqliteStorage::open(&path).unwrap())).unwrap();
    long::live(&mut open(), 100_000);
    let mut group = criterion.benchmark_group("exec");
    group.sample_size(10);
    group.bench_function("recover_100k_events", |bencher| bencher.iter(|| black_box(open())));
    group.finish();
}

/// The comparison itself, over a thousand positions.
fn reconcile(criterion: &mut Criterion) {
    let price: Price = "100".parse().unwrap();
    let symbols = (0..1000).map(|number| format!("S{number}").parse::<Symbol>().unwrap());
    let held: BTreeMap<Symbol, Qty> =
        symbols.map(|symbol| (symbol, Qty::from_shares(10))).collect();
    let account = Account {
        account_number: "PA1".into(),
        cash: "100000".parse().unwrap(),
        equity: "1100000".parse().unwrap(),
        buying_power: "100000".parse().unwrap(),
        trading_blocked: false,
    };
    let mut journal = Journal::open(Box::new(MemoryStorage::new())).unwrap();
    let opened = AccountOpened {
        account_number: account.account_number.clone(),
        cash: account.cash,
        positions: held.clone(),
        bookmark: None,
    };
    let event = Event::AccountOpened(opened);
    journal.append(now(), vec![Draft { ts_event: now(), decision_id: None, event }]).unwrap();
    let position = |(symbol, qty): (Symbol, Qty)| {
        let position = Position {
            symbol: symbol.clone(),
            qty,
            qty_available: qty,
            avg_entry_price: price,
            current_price: price,
        };
        (symbol, position)
    };
    let report = Report {
        account,
        positions: held.into_iter().map(position).collect(),
        open_orders: Vec::new(),
        others: BTreeMap::new(),
    };
    let policy = Policy { unmanaged: Unmanaged::Ignore, ..Policy::default() };
    criterion.bench_function("exec/reconcile_1k_positions", |bencher| {
        bencher.iter(|| {
            let found = compare(journal.state(), black_box(&report), &policy).unwrap();
            assert!(found.is_empty());
        });
    });
}

criterion_group!(benches, journal_append, recover, reconcile, wire::plan_to_wire);
criterion_main!(benches);
