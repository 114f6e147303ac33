//! Decides one rebalance for an account that holds nothing but cash: a pure function, no broker.
//!
//! `cargo run -p atlas-examples --example plan_a_rebalance`
#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use std::collections::BTreeMap;

use anyhow::Result;
use atlas_core::time::Mode;
use atlas_core::{Account, DecisionId, Usd};
use atlas_data::{BarSource, LevelsView, Needs, SampleSource, SeriesView, Universe};
use atlas_engine::{AccountSnapshot, MarketView, Policy, PriceSeries, plan};
use atlas_regime::Series;
use atlas_risk::Profile;

fn main() -> Result<()> {
    let universe = Universe::resolve(Some("sample"), &SampleSource)?;
    let market = SampleSource.load(&universe)?;
    let as_of = atlas_data::sample::default_as_of();
    let needs = Needs { vix: Some(21), rate: true, ..Needs::new(252, 1_010) };
    let seen = market.as_of(as_of, &needs)?;
    let view = MarketView {
        as_of,
        execute_on: atlas_core::calendar::Calendar::nyse().next_session(as_of)?.date,
        universe: seen.series.values().map(prices).collect(),
        others: Vec::new(),
        tradability: BTreeMap::new(),
        index: Series { dates: seen.index.dates(), values: seen.index.close() },
        vix: seen.vix.map(levels),
        rate: seen.rate.map(levels),
    };

    let cash: Usd = "10109.39".parse()?;
    let account = Account {
        account_number: "EXAMPLE".to_owned(),
        cash,
        equity: cash,
        buying_power: cash,
        trading_blocked: false,
    };
    let snapshot = AccountSnapshot::fresh(account, BTreeMap::new());
    let limits = Profile::Standard.limits().check()?;
    let (name, id) = ("example".parse()?, DecisionId(1));
    let policy = Policy::new(name, id, Mode::Replay, universe.name().to_owned(), limits);

    let plan = plan(&view, &snapshot, &policy, seen.session.close)?;
    println!("{as_of}: {}, so {} USD may be invested", plan.regime.regime, plan.budget);
    for order in &plan.orders {
        let request = &order.request;
        println!("  {} {} {}: {}", request.side, request.qty, request.symbol, order.reason);
    }
    assert!(plan.preview.exposure_worst <= plan.budget);
    Ok(())
}

fn prices<'a>(series: &SeriesView<'a>) -> PriceSeries<'a> {
    match series {
        SeriesView::Raw(view) => PriceSeries::Raw(*view),
        SeriesView::Adjusted(view) => PriceSeries::Adjusted(*view),
    }
}

fn levels(view: LevelsView<'_>) -> Series<'_> {
    Series { dates: view.dates(), values: view.values() }
}
