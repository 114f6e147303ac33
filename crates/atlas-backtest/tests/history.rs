//! The backtest over the bundled sample: exact books, no look-ahead, the same bytes each time.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use atlas_backtest::critique::critique;
use atlas_backtest::honesty::sharpe::Estimate;
use atlas_backtest::honesty::{Trial, TrialLedger};
use atlas_backtest::lookahead::lookahead_check;
use atlas_backtest::parity::{Course, Difference};
use atlas_backtest::report::{Day, DecisionRecord};
use atlas_backtest::sensitivity::{Assumption, sensitivity};
use atlas_backtest::{Backtest, BacktestReport, Config, Error, Finally, Members, Schedule, Stay};
use atlas_core::bars::{Bars, Columns};
use atlas_core::time::Mode;
use atlas_core::{
    AccountName, Adjusted, DecisionId, Price, Qty, Regime, Rounding, Side, Symbol, Usd,
};
use atlas_data::{BarSource, Levels, MarketData, MissingVix, SampleSource, Series, Universe};
use atlas_engine::Policy;
use atlas_regime::{Detector, Inputs, VixPolicy};
use atlas_risk::Profile;
use chrono::NaiveDate;
use proptest::prelude::*;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// The sample, read once.
fn sample() -> &'static MarketData {
    static SAMPLE: LazyLock<MarketData> = LazyLock::new(|| {
        SampleSource.load(&Universe::resolve(None, &SampleSource).unwrap()).unwrap()
    });
    &SAMPLE
}

fn config(from: &str, to: &str, schedule: Schedule) -> Config {
    let limits = Profile::Standard.limits().check().unwrap();
    let account = AccountName::new("backtest").unwrap();
    let policy = Policy::new(account, DecisionId(1), Mode::Replay, "sample".to_owned(), limits);
    Config::new(day(from), day(to), schedule, policy)
}

fn run(market: &MarketData, config: &Config) -> BacktestReport {
    Backtest::new(market).unwrap().run(config).unwrap()
}

/// What a decision wanted, without what became of it in the session after.
fn wanted(report: &BacktestReport, until: NaiveDate) -> Vec<String> {
    let made = report.decisions.iter().filter(|decision| decision.as_of <= until);
    let words = made.map(|d| {
        let orders: Vec<String> = d
            .orders
            .iter()
            .map(|o| format!("{} {} {:?}", o.client_order_id, o.planned_qty, o.limit_price))
            .collect();
        format!("{} {:?} {} {} {orders:?} {:?}", d.as_of, d.regime, d.equity, d.budget, d.notes)
    });
    words.collect()
}

fn days_until(report: &BacktestReport, until: NaiveDate) -> Vec<Day> {
    report.days.iter().filter(|day| day.date <= until).cloned().collect()
}

/// The same market with every adjusted close after `until` changed, or gone.
fn changed(market: &MarketData, until: NaiveDate, change: Option<f64>) -> MarketData {
    let columns = |columns: &Columns| {
        let rows = columns.dates.partition_point(|date| *date <= until);
        let mut columns = columns.clone();
        match change {
            None => {
                columns.dates.truncate(rows);
                columns.close.truncate(rows);
            }
            Some(factor) => {
                for (row, close) in columns.close.iter_mut().enumerate().skip(rows) {
                    let odd = if row % 2 == 0 { factor } else { 1.0 / factor };
                    *close = (*close * odd * 100.0).round().max(1.0) / 100.0;
                }
            }
        }
        columns
    };
    let bars =
        |bars: &Bars<Adjusted>| Bars::new(bars.symbol().clone(), columns(bars.columns())).unwrap();
    let series = market.series.iter().map(|(symbol, series)| {
        let Series::Adjusted(adjusted) = series else { panic!("the sample is adjusted") };
        (symbol.clone(), Series::Adjusted(bars(adjusted)))
    });
    let levels = |levels: &Levels| {
        let view = levels.as_of(until);
        Levels::new(view.name(), view.dates().to_vec(), view.values().to_vec()).unwrap()
    };
    MarketData {
        series: series.collect(),
        index: bars(&market.index),
        vix: match change {
            None => market.vix.as_ref().map(levels),
            Some(_) => market.vix.clone(),
        },
        rate: market.rate.clone(),
        source: market.source.clone(),
    }
}

#[test]
fn books_are_exact_on_every_day() {
    let market = sample();
    let report = run(market, &config("2017-10-02", "2018-12-31", Schedule::Monthly));
    let mut cash = report.header.cash;
    let mut held: BTreeMap<Symbol, Qty> = BTreeMap::new();
    let mut fees = Usd::ZERO;
    for day in &report.days {
        for trade in report.trades.iter().filter(|trade| trade.date == day.date) {
            assert_eq!(trade.price.notional(trade.qty).unwrap(), trade.notional);
            let qty = held.entry(trade.symbol.clone()).or_insert(Qty::ZERO);
            (cash, *qty) = match trade.side {
                Side::Buy => {
                    (cash.checked_sub(trade.notional).unwrap(), qty.checked_add(trade.qty).unwrap())
                }
                Side::Sell => {
                    (cash.checked_add(trade.notional).unwrap(), qty.checked_sub(trade.qty).unwrap())
                }
            };
        }
        // What is left unexplained of cash are the fees of that day.
        let fee = cash.checked_sub(day.cash).unwrap();
        assert!(!fee.is_negative(), "{day:?}");
        fees = fees.checked_add(fee).unwrap();
        cash = day.cash;
        assert!(!cash.is_negative());
        let values = held.iter().filter(|(_, qty)| !qty.is_zero()).map(|(symbol, qty)| {
            let close = market.bar_on(symbol, day.date).unwrap().close;
            let price: Price = Price::from_f64(close, 9, Rounding::HalfEven).unwrap();
            price.notional(*qty).unwrap()
        });
        let positions = Usd::sum(values).unwrap();
        assert_eq!(positions, day.positions, "{day:?}");
        assert_eq!(cash.checked_add(positions).unwrap(), day.equity);
    }
    assert_eq!(fees, Usd::sum(report.costs.fees.values().copied()).unwrap());
    let paid = report.costs.slippage.checked_add(fees).unwrap();
    assert_eq!(paid, report.costs.total);

    // What was gained is what round trips gained, less fees.
    let gained = report.days.last().unwrap().equity.checked_sub(report.header.cash).unwrap();
    let profits = Usd::sum(report.round_trips.iter().map(|trip| trip.profit)).unwrap();
    assert_eq!(gained, profits.checked_sub(fees).unwrap());
    let by_symbol = Usd::sum(report.by_symbol.iter().map(|share| share.profit)).unwrap();
    assert_eq!(by_symbol, profits);
}

/// Every fill of a decision leads back to its order, its signal and its regime.
fn trace(report: &BacktestReport, decision: &DecisionRecord) {
    assert!(decision.as_of < decision.execute_on);
    assert!(decision.signals.iter().all(|signal| signal.outcome.is_some()), "{decision:?}");
    for trade in report.trades.iter().filter(|t| t.decision_id == decision.decision_id) {
        assert_eq!((trade.date, trade.regime), (decision.execute_on, decision.regime));
        let id = &trade.client_order_id;
        let order = decision.orders.iter().find(|order| order.client_order_id == *id).unwrap();
        assert_eq!(order.signal_id, trade.signal_id);
        assert!(decision.signals.iter().any(|signal| signal.id == trade.signal_id));
    }
    if decision.regime == Regime::Crash {
        let after = report.days.iter().find(|day| day.date == decision.execute_on).unwrap();
        assert!(after.positions.is_zero(), "a crash leaves nothing");
    }
}

#[test]
fn every_decision_can_be_traced() {
    let market = sample();
    let report = run(market, &config("2018-04-30", "2018-12-31", Schedule::Monthly));
    let regimes: Vec<Regime> = report.decisions.iter().map(|decision| decision.regime).collect();
    for regime in Regime::ALL {
        assert!(regimes.contains(&regime), "{regimes:?}");
    }
    report.decisions.iter().for_each(|decision| trace(&report, decision));
    let sessions: usize = report.monthly.iter().map(|month| month.sessions).sum();
    assert_eq!(sessions, report.days.len() - 1);
    assert_eq!(report.by_regime.iter().map(|share| share.decisions).sum::<usize>(), 8);
    let benchmark = report.benchmark.as_ref().unwrap();
    assert_eq!(benchmark.wealth.len(), report.days.len());
    assert!(report.warnings.iter().any(|warning| warning.contains("survivors")));
    assert!(critique(&report).iter().any(|doubt| doubt.to_string().contains("round trips")));
}

#[test]
fn the_same_bytes_each_time_and_back() {
    let market = sample();
    let config = config("2018-08-01", "2018-11-30", Schedule::Weekly);
    let bytes = serde_json::to_vec(&run(market, &config)).unwrap();
    assert_eq!(serde_json::to_vec(&run(market, &config)).unwrap(), bytes);
    let back: BacktestReport = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(serde_json::to_vec(&back).unwrap(), bytes);
}

#[test]
fn costs_off_is_said_and_pays() {
    let market = sample();
    let with = config("2018-08-01", "2018-11-30", Schedule::Monthly);
    let without = run(market, &with.clone().without_costs());
    let with = run(market, &with);
    assert!(with.header.costs.on && !without.header.costs.on);
    assert!(without.header.costs.stated.contains("OFF"));
    assert!(without.costs.total.is_zero() && without.costs.fees.is_empty());
    assert!(without.warnings.iter().any(|warning| warning.contains("costs are off")));
    assert!(without.days.last().unwrap().equity > with.days.last().unwrap().equity);
}

#[test]
fn what_is_sold_at_the_end_is_gone() {
    let market = sample();
    let marked = config("2018-08-01", "2018-09-14", Schedule::Monthly);
    let sold = run(market, &Config { finally: Finally::Sold, ..marked.clone() });
    let marked = run(market, &marked);
    assert!(!marked.days.last().unwrap().positions.is_zero());
    assert!(marked.round_trips.iter().all(|trip| trip.marked));
    assert!(sold.days.last().unwrap().positions.is_zero());
    assert!(!sold.round_trips.is_empty() && sold.round_trips.iter().all(|trip| !trip.marked));
    assert_eq!(sold.days.len(), marked.days.len());
}

#[test]
fn who_leaves_the_universe_is_sold() {
    let market = sample();
    let all = config("2018-07-31", "2018-10-15", Schedule::Monthly);
    let first = run(market, &all);
    let bought = first.trades.first().unwrap().symbol.clone();
    let stay = |symbol: &Symbol| Stay {
        from: day("1990-01-02"),
        until: (*symbol == bought).then(|| day("2018-08-15")),
    };
    let members =
        Members::new(market.series.keys().map(|symbol| (symbol.clone(), vec![stay(symbol)])));
    // Its prices end a month later, which nobody minds once it is no member.
    let mut market = market.clone();
    let cut = changed(&market, day("2018-09-14"), None).series.remove(&bought).unwrap();
    market.series.insert(bought.clone(), cut);
    assert!(Backtest::new(&market).unwrap().run(&all).unwrap_err().to_string().contains("2018-09"));
    let report = run(&market, &Config { members: Some(members.unwrap()), ..all });
    let trades: Vec<_> = report.trades.iter().filter(|trade| trade.symbol == bought).collect();
    assert_eq!(
        trades.last().map(|trade| (trade.side, trade.date)),
        Some((Side::Sell, day("2018-09-04")))
    );
    assert!(!report.warnings.iter().any(|warning| warning.contains("survivors")));
}

#[test]
fn regimes_equal_those_of_single_detections() {
    let market = sample();
    let config = config("2017-01-03", "2017-07-31", Schedule::Weekly);
    let report = run(market, &config);
    let detector = Detector::new(config.policy.detector.check().unwrap());
    for decision in report.decisions.iter().step_by(3) {
        let as_of = decision.as_of;
        let (index, vix) = (market.index.as_of(as_of), market.vix.as_ref().unwrap().as_of(as_of));
        let rate = market.rate.as_ref().unwrap().as_of(as_of);
        let covers = rate.carried(as_of, 7).is_some();
        let series = |dates, values| atlas_regime::Series { dates, values };
        let alone = detector
            .detect(&Inputs {
                index: series(index.dates(), index.close()),
                vix: Some(series(vix.dates(), vix.values())),
                rate: covers.then(|| series(rate.dates(), rate.values())),
                as_of,
            })
            .unwrap();
        assert_eq!(decision.evidence.as_ref(), Some(&alone.evidence), "{as_of}");
        assert_eq!(decision.regime, alone.regime);
    }
}

#[test]
fn bad_input_is_one_sentence() {
    let market = sample();
    let check = |config: Config, words: &[&str]| {
        let error: Error = Backtest::new(market).unwrap().run(&config).unwrap_err();
        let sentence = error.to_string();
        assert!(!sentence.contains('\n'), "{sentence}");
        for word in words {
            assert!(sentence.contains(word), "{sentence:?} should name {word:?}");
        }
    };
    let good = config("2018-08-01", "2018-11-30", Schedule::Monthly);
    check(Config { to: day("2018-07-01"), ..good.clone() }, &["2018-07-01", "swap"]);
    check(Config { to: day("2018-08-20"), ..good.clone() }, &["monthly", "2018-08-20", "longer"]);
    check(Config { cash: Usd::ZERO, ..good.clone() }, &["cash", "above zero"]);
    check(Config { to: day("2023-06-01"), ..good.clone() }, &["2022-12-28", "2023-06-01"]);
    check(Config { from: day("2013-10-01"), ..good.clone() }, &["2013-10-31", "VIX"]);
    check(Config { from: day("1990-02-01"), ..good.clone() }, &["1990-02-28"]);
    check(Config { start_after_open_minutes: 30, ..good.clone() }, &["30", "0 to 29"]);
    let mut early = Config { from: day("1992-10-01"), missing_vix: MissingVix::Warn, ..good };
    early.policy.detector.vix_missing = VixPolicy::CarryOn;
    check(early, &["1992-10-30", "1009"]);
    let empty = MarketData { series: BTreeMap::new(), ..market.clone() };
    assert!(Backtest::new(&empty).unwrap_err().to_string().contains("no prices"));
}

#[test]
fn nothing_looks_ahead() {
    let market = sample();
    let config = config("2018-05-31", "2018-10-15", Schedule::Monthly);
    let found = lookahead_check(market, &config, &[day("2018-08-15"), day("2018-09-28")]);
    assert_eq!(found.unwrap().map(|found| found.to_string()), None);
    assert!(lookahead_check(market, &config, &[day("2018-05-31")]).is_err());
}

#[test]
fn other_costs_and_delays_are_told_apart() {
    let market = sample();
    let config = config("2017-01-31", "2017-05-31", Schedule::Monthly);
    let found = sensitivity(&Backtest::new(market).unwrap(), &config).unwrap();
    let assumed: Vec<Assumption> = found.iter().map(|variant| variant.assumption).collect();
    assert_eq!(assumed.len(), 8, "{assumed:?}");
    assert_eq!(assumed.last(), Some(&Assumption::Delay { sessions: 10 }));
    assert!(found[1].costs.is_zero() && found[1].final_equity > found[0].final_equity);
    let costs: Vec<Usd> = found[2..6].iter().map(|variant| variant.costs).collect();
    assert!(costs.is_sorted(), "{costs:?}");
    let weekly = Config { schedule: Schedule::Weekly, delay_sessions: 6, ..config };
    assert!(Backtest::new(market).unwrap().run(&weekly).unwrap_err().to_string().contains('6'));
}

#[test]
fn trials_are_counted_and_ratios_deflated() {
    let market = sample();
    let one = config("2017-01-31", "2017-12-29", Schedule::Monthly);
    let mut other = one.clone();
    other.policy.momentum.top_n = 3;
    let (one, other) = (run(market, &one), run(market, &other));
    let mut ledger = TrialLedger::default();
    for report in [&one, &other, &one] {
        ledger.record(Trial::of(report).unwrap());
    }
    assert_eq!(ledger.len(), 2, "the same choices count once");
    let found = ledger.deflate(&Trial::of(&one).unwrap(), Estimate::of(&one.metrics));
    assert_eq!(found.trials, 2);
    assert!(found.deflated.unwrap() < found.probabilistic.unwrap(), "{found:?}");
    let parity = Course::of(&one).compare(&Course::of(&other)).unwrap();
    assert!(matches!(parity.first, Some(Difference::Order { number: 0, .. })), "{parity:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2))]

    #[test]
    fn the_future_changes_nothing(days in 20_i64..100, factor in 0.3_f64..3.0) {
        let market = sample();
        let config = config("2018-05-01", "2018-10-31", Schedule::Monthly);
        let until = day("2018-06-04") + chrono::TimeDelta::days(days);
        let session = atlas_core::calendar::Calendar::nyse();
        let until = session.previous_session(until).unwrap().date;
        let whole = run(market, &config);

        let perturbed = run(&changed(market, until, Some(factor)), &config);
        prop_assert_eq!(wanted(&perturbed, until), wanted(&whole, until));
        prop_assert_eq!(days_until(&perturbed, until), days_until(&whole, until));

        let cut = changed(market, until, None);
        let truncated = run(&cut, &Config { to: until, ..config });
        prop_assert_eq!(&truncated.days, &days_until(&whole, until));
        let ended = |report: &BacktestReport| {
            let all = report.decisions.iter().filter(|d| d.execute_on <= until);
            all.cloned().collect::<Vec<_>>()
        };
        prop_assert_eq!(ended(&truncated), ended(&whole));
    }
}
