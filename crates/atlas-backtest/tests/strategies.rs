//! Named strategies, searches and what holding brings in, over the bundled sample.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::sync::LazyLock;

use atlas_backtest::search::{grid, memory_of, plateau, search};
use atlas_backtest::{Backtest, BacktestReport, Config, Schedule, StrategySpec};
use atlas_core::signal::Direction;
use atlas_core::time::Mode;
use atlas_core::{AccountName, Bps, DecisionId, Usd};
use atlas_data::{BarSource, MarketData, SampleSource, Universe};
use atlas_engine::Policy;
use atlas_risk::Profile;
use atlas_venue::core::{ActionKind, CorporateAction, PostingKind};

/// The sample, or its raw part.
fn load(universe: Option<&str>) -> MarketData {
    SampleSource.load(&Universe::resolve(universe, &SampleSource).unwrap()).unwrap()
}

fn sample() -> &'static MarketData {
    static SAMPLE: LazyLock<MarketData> = LazyLock::new(|| load(None));
    &SAMPLE
}

fn config(from: &str, to: &str, schedule: Schedule) -> Config {
    let limits = Profile::Standard.limits().check().unwrap();
    let account = AccountName::new("backtest").unwrap();
    let policy = Policy::new(account, DecisionId(1), Mode::Replay, "sample".to_owned(), limits);
    Config::new(from.parse().unwrap(), to.parse().unwrap(), schedule, policy)
}

fn run(market: &MarketData, config: &Config) -> BacktestReport {
    Backtest::new(market).unwrap().run(config).unwrap()
}

fn spec(text: &str) -> StrategySpec {
    text.parse().unwrap()
}

fn last(report: &BacktestReport) -> Usd {
    report.days.last().unwrap().equity
}

#[test]
fn the_scanner_by_name_is_the_policys() {
    let plain = config("2017-01-31", "2017-06-30", Schedule::Monthly);
    let named = plain.clone().with_strategy(spec("high52"));
    assert_eq!(run(sample(), &plain), run(sample(), &named));
    let other = run(sample(), &plain.with_strategy(spec("high52 window=120 entry=0.95 exit=0.9")));
    assert_eq!(other.header.policy.momentum.window, 120);
    assert_eq!(other.header.strategy.value("exit"), Some(0.9));
}

#[test]
fn a_watcher_acts_on_its_opinions_and_holds_at_most_n() {
    let config = config("2017-01-31", "2017-03-31", Schedule::Daily).without_regime();
    let report = run(sample(), &config.with_strategy(spec("sma fast=5 slow=20")));
    assert!(report.trades.len() > 20, "{}", report.trades.len());
    for decision in &report.decisions {
        let selected = decision.signals.iter().filter(|s| s.reason.contains("of the best 5"));
        assert!(selected.count() <= 5);
        assert!(decision.signals.iter().all(|signal| signal.strategy == "sma-cross"));
    }
    let count = |direction| {
        let all = report.decisions.iter().flat_map(|decision| &decision.signals);
        all.filter(|signal| signal.direction == direction).count()
    };
    assert!(count(Direction::Long) > 0 && count(Direction::Exit) > 0);
    // Nobody is both bought and sold by one decision.
    for decision in &report.decisions {
        let symbols: BTreeSet<_> = decision.orders.iter().map(|order| &order.symbol).collect();
        assert_eq!(symbols.len(), decision.orders.len());
    }
}

#[test]
fn the_longest_period_ends_where_the_vix_does() {
    let backtest = Backtest::new(sample()).unwrap();
    let wide = config("1990-01-02", "2030-12-31", Schedule::Monthly);
    let (from, to) = backtest.longest_period(&wide).unwrap();
    assert_eq!((from.to_string(), to.to_string()), ("2014-02-28".into(), "2019-01-31".into()));
    let calm = wide.without_regime();
    let (from, to) = backtest.longest_period(&calm).unwrap();
    assert_eq!((from.to_string(), to.to_string()), ("1990-12-31".into(), "2022-12-28".into()));
    assert!(backtest.run(&Config { from, to: "1991-06-28".parse().unwrap(), ..calm }).is_ok());
}

#[test]
fn a_search_equals_single_runs() {
    let config = config("2017-01-31", "2017-04-28", Schedule::Weekly).without_regime();
    let axes = ["fast=5,10", "slow=20,30"].map(|text| text.parse().unwrap());
    let (specs, left_out) = grid("sma", &axes).unwrap();
    assert_eq!((specs.len(), left_out), (4, 0));
    let backtest = Backtest::new(sample()).unwrap();
    let two = NonZeroUsize::new(2).unwrap();
    let found = search(&backtest, &config, &specs, two, &|_| true).unwrap();
    assert!(found.is_complete());
    for (one, spec) in found.found.iter().zip(&specs) {
        let report = backtest.run(&config.clone().with_strategy(spec.clone())).unwrap();
        assert_eq!((&one.strategy, one.final_equity), (spec, last(&report)));
        assert_eq!(one.returns, report.returns());
    }
    let map = plateau(&found.found, &axes).unwrap();
    assert_eq!((map.rows.1.len(), map.columns.1.len()), (2, 2));
    let needed = memory_of(sample(), &config, 4).unwrap();
    assert!(needed.check(2, 1 << 30).is_ok());
    let refused = needed.check(2, 1 << 20).unwrap_err().to_string();
    assert!(refused.contains("MiB") && !refused.contains('\n'), "{refused}");
}

#[test]
fn idle_cash_earns_what_is_stated() {
    let plain = config("2017-01-31", "2017-06-30", Schedule::Monthly);
    let paid = Config { idle_rate: Bps::from_int(400), ..plain.clone() };
    let (plain, paid) = (run(sample(), &plain), run(sample(), &paid));
    assert!(plain.costs.income.is_empty());
    assert!(paid.costs.income[&PostingKind::CashInterest] > Usd::ZERO);
    assert!(last(&paid) > last(&plain));
    assert!(paid.header.conventions.iter().any(|said| said.contains("400 bps a year")));
}

#[test]
fn dividends_and_a_delisting_reach_books_and_round_trips() {
    let raw = load(Some("sample-ohlc"));
    let day = |text: &str| text.parse().unwrap();
    let dividend = CorporateAction {
        date: day("2012-02-08"),
        kind: ActionKind::Dividend { per_share: "0.75".parse().unwrap(), pay_date: None },
    };
    let end = CorporateAction {
        date: day("2012-03-08"),
        kind: ActionKind::Delisting { delisting_return: Bps::from_int(-3_000) },
    };
    let plain = config("2011-11-30", "2012-03-28", Schedule::Monthly).without_regime();
    let held = run(&raw, &plain);
    let symbol = held.round_trips.iter().find(|trip| trip.marked).unwrap().symbol.clone();
    let bought = held.round_trips.iter().any(|t| t.symbol == symbol && t.opened < dividend.date);
    let actions = [(symbol.clone(), vec![dividend, end])].into();
    // The symbol has prices beyond its end, so a decision must come before it.
    let report = run(&raw, &Config { actions, to: day("2012-03-28"), ..plain });
    assert_eq!(report.costs.income.contains_key(&PostingKind::Dividend), bought);
    assert!(report.costs.income[&PostingKind::Delisting] > Usd::ZERO);
    let ended: Vec<_> = report.round_trips.iter().filter(|trip| trip.symbol == symbol).collect();
    assert!(ended.iter().any(|trip| !trip.marked && trip.closed == day("2012-03-08")), "{ended:?}");
    assert_eq!(report.header.corporate_actions, 2);
}
