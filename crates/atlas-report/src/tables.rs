//! Results as CSV, for whoever goes on with them.

use std::fmt::{self, Write as _};

use atlas_backtest::BacktestReport;

/// One row a session: date, equity, cash, positions, simple return, drawdown, exposure, and the
/// index at the same start where there is one. What is undefined is empty.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn equity_csv(report: &BacktestReport) -> Result<String, fmt::Error> {
    let mut out =
        String::from("date,equity,cash,positions,simple_return,drawdown,exposure,index_wealth\n");
    let wealth = report.benchmark.as_ref().map(|benchmark| &benchmark.wealth);
    for (row, day) in report.days.iter().enumerate() {
        let index = wealth.and_then(|wealth| wealth.get(row).copied());
        writeln!(
            out,
            "{},{},{},{},{},{},{},{}",
            day.date,
            day.equity,
            day.cash,
            day.positions,
            optional(day.simple_return),
            day.drawdown,
            optional(day.exposure),
            optional(index)
        )?;
    }
    Ok(out)
}

/// One row a fill, with the decision behind it.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn trades_csv(report: &BacktestReport) -> Result<String, fmt::Error> {
    let mut out = String::from(
        "date,decision_id,regime,signal_id,client_order_id,symbol,side,qty,price,market_price,\
         decision_price,notional,slippage,realized\n",
    );
    for trade in &report.trades {
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            trade.date,
            trade.decision_id,
            trade.regime,
            trade.signal_id,
            trade.client_order_id,
            trade.symbol,
            trade.side,
            trade.qty,
            trade.price,
            trade.market_price,
            trade.decision_price,
            trade.notional,
            trade.slippage,
            trade.realized.map_or_else(String::new, |realized| realized.to_string())
        )?;
    }
    Ok(out)
}

/// A number, or nothing.
pub(crate) fn optional(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
