//! A backtest in words.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use atlas_backtest::BacktestReport;
use atlas_backtest::honesty::Judgement;
use atlas_core::{Rounding, Usd};
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};

/// The header, the figures that matter, what speaks against them, and the files that were written.
pub(super) fn told(
    report: &BacktestReport,
    judged: &Judgement,
    written: &[PathBuf],
) -> Result<String> {
    let mut out = String::new();
    let header = &report.header;
    writeln!(
        out,
        "Backtest of {} · {} to {}, decided {}",
        header.strategy, header.first_session, header.last_session, header.schedule
    )?;
    writeln!(out, "  costs    {}", header.costs.stated)?;
    writeln!(out, "  timing   {}", header.conventions.first().map_or("", String::as_str))?;
    let (data, symbols) = (&header.data, header.symbols.len());
    writeln!(out, "  data     {data}, {symbols} symbols, sha256 {}", short(&header.data_sha256))?;
    let trials = judged.deflation.trials;
    writeln!(out, "  trials   {trials} on this history, this one included")?;
    for warning in &report.warnings {
        writeln!(out, "  warning  {warning}")?;
    }
    writeln!(out, "\n{}", figures(report))?;
    let deflation = &judged.deflation;
    writeln!(
        out,
        "\nProbability that the true Sharpe ratio is above zero: {}; after {trials} trial{}: {}",
        percent(deflation.probabilistic),
        if trials == 1 { "" } else { "s" },
        percent(deflation.deflated)
    )?;
    if !judged.doubts.is_empty() {
        writeln!(out, "\nWhat speaks against it")?;
        for doubt in &judged.doubts {
            writeln!(out, "  - {doubt}")?;
        }
    }
    if !written.is_empty() {
        let paths: Vec<String> = written.iter().map(|path| path.display().to_string()).collect();
        writeln!(out, "\nwritten: {}", paths.join(", "))?;
    }
    Ok(out)
}

/// Account and index side by side.
fn figures(report: &BacktestReport) -> Table {
    let (own, index) = (&report.metrics, report.benchmark.as_ref().map(|b| &b.metrics));
    let mut table = table(&["", "account", "index held"]);
    let last = report.days.last().map_or_else(String::new, |day| cents(day.equity));
    let mut row = |name: &str, own: String, other: String| {
        table.add_row([name.to_owned(), own, other]);
    };
    row("final equity", last, String::new());
    let pair = |read: fn(&atlas_backtest::metrics::Metrics) -> Option<f64>,
                show: fn(Option<f64>) -> String| {
        (show(read(own)), index.map_or_else(String::new, |index| show(read(index))))
    };
    for (name, (own, other)) in [
        ("total return", pair(|m| m.total_return, percent)),
        ("return a year", pair(|m| m.annual_return, percent)),
        ("volatility a year", pair(|m| m.annual_volatility, percent)),
        ("Sharpe", pair(|m| m.sharpe, number)),
        ("Sortino", pair(|m| m.sortino, number)),
        ("deepest fall", pair(|m| m.max_drawdown, percent)),
    ] {
        row(name, own, other);
    }
    row("mean exposure", percent(report.mean_exposure), String::new());
    row("turnover a year", percent(report.annual_turnover), String::new());
    row("costs", cents(report.costs.total), String::new());
    let trades = &report.trade_statistics;
    row("fills, round trips", format!("{}, {}", trades.fills, trades.round_trips), String::new());
    row("win rate", percent(trades.win_rate), String::new());
    table
}

/// A plain table whose numbers stand to the right.
pub(super) fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header(header.to_vec());
    for column in 1..header.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

/// A share in per cent; a dash where it is undefined.
pub(super) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

/// A number; a dash where it is undefined.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}

fn cents(amount: Usd) -> String {
    format!("{:.2} USD", amount.to_cents(Rounding::HalfEven).value())
}

/// The first twelve digits.
fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
