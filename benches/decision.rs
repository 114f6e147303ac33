//! The decision of the main job: bars in memory to a validated plan.
//!
//! `cargo bench -p atlas-benches --bench decision`

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up fails")]

use std::collections::BTreeMap;
use std::hint::black_box;

use atlas_benches::{Market, market};
use atlas_core::time::Mode;
use atlas_core::{Account, DecisionId, Usd};
use atlas_engine::{AccountSnapshot, MarketView, Policy, PriceSeries, plan};
use atlas_regime::Series;
use atlas_risk::Profile;
use criterion::{Criterion, criterion_group, criterion_main};

/// Sessions of every series.
const SESSIONS: usize = 2_500;

fn view(market: &Market) -> MarketView<'_> {
    let as_of = market.dates[SESSIONS - 1];
    MarketView {
        as_of,
        execute_on: as_of.succ_opt().unwrap(),
        universe: market.bars.iter().map(|bars| PriceSeries::Adjusted(bars.view())).collect(),
        others: Vec::new(),
        tradability: BTreeMap::new(),
        index: Series { dates: &market.dates, values: &market.index },
        vix: Some(Series { dates: &market.dates, values: &market.vix }),
        rate: None,
    }
}

fn snapshot() -> AccountSnapshot {
    let cash = Usd::new(1_000_000.into()).unwrap();
    let account = Account {
        account_number: "BENCH".to_owned(),
        cash,
        equity: cash,
        buying_power: cash,
        trading_blocked: false,
    };
    AccountSnapshot::fresh(account, BTreeMap::new())
}

fn decision(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decision");
    for symbols in [20, 500] {
        let market = market(symbols, SESSIONS);
        let (view, snapshot) = (view(&market), snapshot());
        let limits = Profile::Standard.limits().check().unwrap();
        let account = "bench".parse().unwrap();
        let policy = Policy::new(account, DecisionId(1), Mode::Replay, "bench".to_owned(), limits);
        let now = view.as_of.and_hms_opt(21, 0, 0).unwrap().and_utc();
        // A plan that does nothing would measure nothing.
        let made = plan(&view, &snapshot, &policy, now).unwrap();
        assert!(!made.orders.is_empty(), "{:?}", made.notes);
        group.bench_function(format!("{symbols}x{SESSIONS}"), |bencher| {
            bencher.iter(|| plan(black_box(&view), &snapshot, &policy, now).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, decision);
criterion_main!(benches);
