//! The charts of a tear sheet: equity under its regimes, drawdown, exposure, months.

use std::fmt::{self, Write as _};

use atlas_backtest::BacktestReport;
use atlas_backtest::report::PeriodReturn;
use chrono::NaiveDate;

use super::svg::{Escaped, Plot};

/// Equity at the close, the index beside it, the regime in force behind both.
pub(super) fn equity(out: &mut String, report: &BacktestReport) -> fmt::Result {
    let days = &report.days;
    let own: Vec<f64> = days.iter().map(|day| day.equity.to_f64()).collect();
    let first = own.first().copied().unwrap_or(0.0);
    let index = report.benchmark.as_ref();
    let index: Vec<f64> =
        index.map(|b| b.wealth.iter().map(|wealth| wealth * first).collect()).unwrap_or_default();
    let plot = Plot::around(320.0, own.len(), own.iter().chain(&index).copied());
    plot.open(out, "equity at the close, with the regime in force behind it")?;
    regimes(out, &plot, report)?;
    plot.y_axis(out, dollars)?;
    plot.dates(out, days.iter().map(|day| day.date))?;
    if !index.is_empty() {
        plot.line(out, "l2", index.iter().copied())?;
    }
    plot.line(out, "l1", own.iter().copied())?;
    out.write_str("</svg>")?;
    let other = report.benchmark.as_ref().map(|b| b.name.as_str());
    legend(out, other)
}

/// Shades from the session a decision acts in to the next one's.
fn regimes(out: &mut String, plot: &Plot, report: &BacktestReport) -> fmt::Result {
    let place = |date: NaiveDate| report.days.partition_point(|day| day.date < date);
    let last = report.days.len().saturating_sub(1);
    let mut spells: Vec<(usize, &str)> = Vec::new();
    for decision in &report.decisions {
        let regime = decision.regime.as_str();
        if spells.last().is_none_or(|(_, before)| *before != regime) {
            spells.push((place(decision.execute_on), regime));
        }
    }
    for (at, (from, regime)) in spells.iter().enumerate() {
        let to = spells.get(at + 1).map_or(last, |next| next.0);
        plot.shade(out, &format!("r-{regime}"), (*from, to), regime)?;
    }
    Ok(())
}

fn legend(out: &mut String, index: Option<&str>) -> fmt::Result {
    out.write_str("<p class=\"key\"><span class=\"k1\"></span>account")?;
    if let Some(index) = index {
        write!(out, " <span class=\"k2\"></span>{}", Escaped(index))?;
    }
    for regime in ["bull", "neutral", "bear", "crash"] {
        write!(out, " <span class=\"kr r-{regime}\"></span>{regime}")?;
    }
    out.write_str("</p>")
}

/// The fall from the highest equity so far.
pub(super) fn drawdown(out: &mut String, report: &BacktestReport) -> fmt::Result {
    let falls = || report.days.iter().map(|day| day.drawdown);
    let plot = Plot::around(170.0, report.days.len(), falls().chain([0.0]));
    plot.open(out, "fall from the highest equity so far")?;
    plot.y_axis(out, percent)?;
    plot.dates(out, report.days.iter().map(|day| day.date))?;
    plot.area(out, "a3", 0.0, falls())?;
    out.write_str("</svg>")
}

/// Positions as a share of equity.
pub(super) fn exposure(out: &mut String, report: &BacktestReport) -> fmt::Result {
    let shares = || report.days.iter().map(|day| day.exposure.unwrap_or(0.0));
    let plot = Plot::around(130.0, report.days.len(), shares().chain([0.0, 1.0]));
    plot.open(out, "positions as a share of equity")?;
    plot.y_axis(out, percent)?;
    plot.dates(out, report.days.iter().map(|day| day.date))?;
    plot.area(out, "a1", 0.0, shares())?;
    out.write_str("</svg>")
}

/// One cell a month, redder or greener by its return, and the year beside them.
pub(super) fn months(out: &mut String, report: &BacktestReport) -> fmt::Result {
    out.write_str("<table class=\"heat\"><tr><th></th>")?;
    for month in MONTHS {
        write!(out, "<th>{month}</th>")?;
    }
    out.write_str("<th>year</th></tr>")?;
    for year in &report.yearly {
        write!(out, "<tr><th>{}</th>", year.year)?;
        for number in 1..=12 {
            let one = |p: &&PeriodReturn| p.year == year.year && p.month == Some(number);
            match report.monthly.iter().find(one) {
                Some(month) => cell(out, month.simple_return)?,
                None => out.write_str("<td></td>")?,
            }
        }
        cell(out, year.simple_return)?;
        out.write_str("</tr>")?;
    }
    out.write_str("</table>")
}

/// Full colour at ten per cent.
fn cell(out: &mut String, simple_return: f64) -> fmt::Result {
    let strength = (simple_return.abs() / 0.10).min(1.0) * 0.75;
    let colour = if simple_return < 0.0 { "200,60,50" } else { "40,140,80" };
    let shown = format!("{:.1}", simple_return * 100.0);
    // Nothing is less than nothing.
    let shown = if shown == "-0.0" { "0.0" } else { &shown };
    write!(out, "<td style=\"background:rgba({colour},{strength:.2})\">{shown}</td>")
}

pub(super) fn dollars(value: f64) -> String {
    if value.abs() >= 1e6 {
        return format!("${:.2}M", value / 1e6);
    }
    // Where steps are smaller than a thousand, a label without them would come twice.
    let whole = (value / 1e3 - (value / 1e3).round()).abs() < 1e-9;
    if whole { format!("${:.0}k", value / 1e3) } else { format!("${:.1}k", value / 1e3) }
}

fn percent(value: f64) -> String {
    format!("{:.0} %", value * 100.0)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
