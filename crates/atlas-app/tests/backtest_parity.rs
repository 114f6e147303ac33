//! A backtest places the very orders that the program places, date by date, and ends at the same
//! equity to the last digit.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use atlas_backtest::report::Trade;
use atlas_backtest::{Backtest, BacktestReport, Config, Schedule};
use atlas_core::time::Mode;
use atlas_core::{AccountName, DecisionId};
use atlas_data::{BarSource, SampleSource, Universe};
use atlas_engine::Policy;
use atlas_risk::Profile;
use common::atlas;
use rust_decimal::Decimal;
use serde_json::Value;
use tempfile::TempDir;

/// What identifies a fill: order, symbol, side, shares, price.
type FillLine = (String, String, String, Decimal, Decimal);

fn number(value: &Value) -> Decimal {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).parse().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn backtest(schedule: Schedule, from: &str, to: &str) -> BacktestReport {
    let market = SampleSource.load(&Universe::resolve(None, &SampleSource).unwrap()).unwrap();
    let limits = Profile::Standard.limits().check().unwrap();
    let account = AccountName::new("default").unwrap();
    let policy = Policy::new(account, DecisionId(1), Mode::Replay, "sample".to_owned(), limits);
    let config = Config::new(from.parse().unwrap(), to.parse().unwrap(), schedule, policy);
    Backtest::new(&market).unwrap().run(&config).unwrap()
}

fn line_of_trade(trade: &Trade) -> FillLine {
    (
        trade.client_order_id.to_string(),
        trade.symbol.to_string(),
        trade.side.to_string(),
        trade.qty.value(),
        trade.price.value(),
    )
}

fn line_of_fill(fill: &Value) -> FillLine {
    (
        text(&fill["client_order_id"]),
        text(&fill["symbol"]),
        text(&fill["side"]),
        number(&fill["qty"]),
        number(&fill["price"]),
    )
}

/// Runs the program on every decision's date, on one account, and compares after each.
fn check(schedule: Schedule, from: &str, to: &str, regimes: &[&str]) {
    let report = backtest(schedule, from, to);
    let state = TempDir::new().unwrap();
    let mut seen = Vec::new();
    for decision in &report.decisions {
        let run = atlas(state.path(), &format!("rebalance --as-of {} --json", decision.as_of));
        let run = run.json();
        let on = decision.execute_on;
        assert_eq!(text(&run["regime"]["regime"]), decision.regime.as_str(), "{on}");
        seen.push(text(&run["regime"]["regime"]));

        let own = report.trades.iter().filter(|trade| trade.decision_id == decision.decision_id);
        let own: Vec<FillLine> = own.map(line_of_trade).collect();
        let theirs: Vec<FillLine> =
            run["fills"].as_array().unwrap().iter().map(line_of_fill).collect();
        assert_eq!(own, theirs, "{on}");

        let planned = run["orders"].as_array().unwrap().len();
        assert_eq!(decision.orders.len(), planned, "{on}");
        let ends = |signals: &Value| -> Vec<(String, String)> {
            let signals = signals.as_array().unwrap();
            let end = |signal: &Value| (text(&signal["signal"]["id"]), text(&signal["outcome"]));
            signals.iter().map(end).collect()
        };
        let own: Vec<(String, String)> = decision
            .signals
            .iter()
            .map(|signal| (signal.id.to_string(), signal.outcome.unwrap().to_string()))
            .collect();
        assert_eq!(own, ends(&run["signals"]), "{on}");

        let day = report.days.iter().find(|day| day.date == on).unwrap();
        let account = &run["account_after"]["account"];
        assert_eq!(number(&account["equity"]), day.equity.value(), "{on}");
        assert_eq!(number(&account["cash"]), day.cash.value(), "{on}");
    }
    for regime in regimes {
        assert!(seen.iter().any(|word| word == regime), "{regime} among {seen:?}");
    }
    assert!(!report.trades.is_empty());
}

#[test]
fn month_ends_through_all_four_regimes() {
    let regimes = ["bull", "neutral", "bear", "crash"];
    check(Schedule::Monthly, "2018-04-30", "2019-01-02", &regimes);
}

#[test]
fn every_session_of_a_shock() {
    check(Schedule::Daily, "2018-01-22", "2018-02-07", &["crash"]);
}
