//! Several strategies beside each other: a table, and three charts.

use std::fmt::{self, Write as _};

use atlas_backtest::BacktestReport;
use chrono::NaiveDate;
use serde::Serialize;

use super::style;
use super::svg::{Escaped, Plot, WIDTH};
use super::tables::{number, percent};
use crate::tables::optional;

/// One strategy's figures; shares are fractions, undefined is `None`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// The strategy with its parameters.
    pub strategy: String,
    /// Whether trading cost anything.
    pub costs_on: bool,
    /// First session.
    pub from: NaiveDate,
    /// Last session.
    pub to: NaiveDate,
    /// Decisions made.
    pub decisions: usize,
    /// Equity at the end, USD.
    pub final_equity: String,
    /// Compound simple return.
    pub total_return: Option<f64>,
    /// The same a year.
    pub annual_return: Option<f64>,
    /// Volatility a year.
    pub annual_volatility: Option<f64>,
    /// Sharpe ratio a year.
    pub sharpe: Option<f64>,
    /// Sortino ratio a year.
    pub sortino: Option<f64>,
    /// Calmar ratio.
    pub calmar: Option<f64>,
    /// Deepest fall, zero or below.
    pub max_drawdown: Option<f64>,
    /// Share of round trips that gained.
    pub win_rate: Option<f64>,
    /// Gains over losses.
    pub profit_factor: Option<f64>,
    /// Round trips.
    pub round_trips: usize,
    /// Mean share of equity that was invested.
    pub mean_exposure: Option<f64>,
    /// Half of what was traded over mean equity, a year.
    pub annual_turnover: Option<f64>,
    /// What trading cost, USD.
    pub costs: String,
    /// SHA-256 of the data.
    pub data_sha256: String,
}

impl Compared {
    /// Of a report.
    #[must_use]
    pub fn of(report: &BacktestReport) -> Self {
        let (header, metrics) = (&report.header, &report.metrics);
        Self {
            strategy: header.strategy.to_string(),
            costs_on: header.costs.on,
            from: header.first_session,
            to: header.last_session,
            decisions: report.decisions.len(),
            final_equity: report.days.last().map_or_else(String::new, |d| d.equity.to_string()),
            total_return: metrics.total_return,
            annual_return: metrics.annual_return,
            annual_volatility: metrics.annual_volatility,
            sharpe: metrics.sharpe,
            sortino: metrics.sortino,
            calmar: metrics.calmar,
            max_drawdown: metrics.max_drawdown,
            win_rate: report.trade_statistics.win_rate,
            profit_factor: report.trade_statistics.profit_factor,
            round_trips: report.trade_statistics.round_trips,
            mean_exposure: report.mean_exposure,
            annual_turnover: report.annual_turnover,
            costs: report.costs.total.to_string(),
            data_sha256: header.data_sha256.clone(),
        }
    }
}

/// One row a strategy, with and without costs.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn comparison_csv(rows: &[Compared]) -> Result<String, fmt::Error> {
    let mut out = String::from(
        "strategy,costs,from,to,decisions,final_equity,total_return,annual_return,\
         annual_volatility,sharpe,sortino,calmar,max_drawdown,win_rate,profit_factor,round_trips,\
         mean_exposure,annual_turnover,costs_paid,data_sha256\n",
    );
    for row in rows {
        writeln!(
            out,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            row.strategy,
            if row.costs_on { "on" } else { "off" },
            row.from,
            row.to,
            row.decisions,
            row.final_equity,
            optional(row.total_return),
            optional(row.annual_return),
            optional(row.annual_volatility),
            optional(row.sharpe),
            optional(row.sortino),
            optional(row.calmar),
            optional(row.max_drawdown),
            optional(row.win_rate),
            optional(row.profit_factor),
            row.round_trips,
            optional(row.mean_exposure),
            optional(row.annual_turnover),
            row.costs,
            row.data_sha256
        )?;
    }
    Ok(out)
}

/// One column of equity a strategy, one row a session that all have.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn curves_csv(reports: &[&BacktestReport]) -> Result<String, fmt::Error> {
    let mut out = String::from("date");
    for report in reports {
        write!(out, ",{}", report.header.strategy)?;
    }
    out.push('\n');
    let latest = reports.iter().filter_map(|report| report.days.first()).map(|day| day.date).max();
    let longest = reports.iter().map(|report| &report.days).max_by_key(|days| days.len());
    let common = longest.into_iter().flatten().filter(|day| Some(day.date) >= latest);
    for day in common {
        write!(out, "{}", day.date)?;
        for report in reports {
            let at = report.days.binary_search_by_key(&day.date, |day| day.date).ok();
            let equity = at.and_then(|at| report.days.get(at)).map(|day| day.equity.to_string());
            write!(out, ",{}", equity.unwrap_or_default())?;
        }
        out.push('\n');
    }
    Ok(out)
}

/// The page: returns against falls, win rate against Sharpe ratio, equity over time, the table.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn comparison_page(
    reports: &[&BacktestReport],
    rows: &[Compared],
) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(300_000);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Strategies compared\
         </title><style>{}</style></head><body><main><h1>Strategies compared</h1>",
        style::CSS
    )?;
    if let Some(header) = reports.first().map(|report| &report.header) {
        write!(
            out,
            "<p>{} to {} · {} · {} · hash of the data {}</p>",
            header.first_session,
            header.last_session,
            Escaped(&header.data),
            Escaped(&header.costs.stated),
            Escaped(&header.data_sha256)
        )?;
    }
    out.write_str("<section><h2>Equity</h2>")?;
    curves(&mut out, reports)?;
    out.write_str("</section><section><h2>Return a year against deepest fall</h2>")?;
    bars(&mut out, rows)?;
    out.write_str("</section><section><h2>Win rate against Sharpe ratio</h2>")?;
    scatter(&mut out, rows)?;
    out.write_str("</section><section><h2>Figures</h2>")?;
    table(&mut out, rows)?;
    out.write_str("</section></main></body></html>")?;
    Ok(out)
}

fn curves(out: &mut String, reports: &[&BacktestReport]) -> fmt::Result {
    let Some(longest) = reports.iter().max_by_key(|report| report.days.len()) else {
        return Ok(());
    };
    let count = longest.days.len();
    let equity = |report: &&BacktestReport| -> Vec<f64> {
        let missing = count - report.days.len();
        let days = report.days.iter().map(|day| day.equity.to_f64());
        std::iter::repeat_n(f64::NAN, missing).chain(days).collect()
    };
    let all: Vec<Vec<f64>> = reports.iter().map(equity).collect();
    let plot = Plot::around(340.0, count, all.iter().flatten().copied());
    plot.open(out, "equity of every strategy at the close")?;
    plot.y_axis(out, super::charts::dollars)?;
    plot.dates(out, longest.days.iter().map(|day| day.date))?;
    for (at, values) in all.iter().enumerate() {
        plot.line(out, &format!("l{}", at % 8 + 1), values.iter().copied())?;
    }
    out.write_str("</svg><p class=\"key\">")?;
    for (at, report) in reports.iter().enumerate() {
        write!(
            out,
            "<svg viewBox=\"0 0 20 8\" style=\"display:inline;width:20px;height:8px\"><line \
             class=\"l{}\" x1=\"0\" x2=\"20\" y1=\"4\" y2=\"4\"/></svg> {} &nbsp; ",
            at % 8 + 1,
            Escaped(&report.header.strategy.to_string())
        )?;
    }
    out.write_str("</p>")
}

/// Two bars a strategy from a common middle, each with its figure: the return to the right, the fall
/// to the left. What is undefined has no bar and says so.
fn bars(out: &mut String, rows: &[Compared]) -> fmt::Result {
    let rows: Vec<&Compared> = rows.iter().filter(|row| row.costs_on).collect();
    let sizes = rows.iter().flat_map(|row| [row.annual_return, row.max_drawdown]);
    let most = sizes.flatten().map(f64::abs).fold(0.01, f64::max);
    let (middle, unit) = (630.0, 250.0 / most);
    #[expect(clippy::cast_precision_loss, reason = "a number of strategies")]
    let height = rows.len() as f64 * 30.0 + 10.0;
    write!(
        out,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"return a year and deepest \
         fall of every strategy\">"
    )?;
    let mut y = 6.0;
    for row in rows {
        write!(
            out,
            "<text class=\"t\" x=\"0\" y=\"{:.1}\">{}</text>",
            y + 13.0,
            Escaped(&short(&row.strategy, 48))
        )?;
        let fall = row.max_drawdown.map(|fall| -fall.abs());
        bar(out, ("bar", y), row.annual_return, (middle, unit))?;
        bar(out, ("bar2", y + 10.0), fall, (middle, unit))?;
        y += 30.0;
    }
    out.write_str("</svg>")
}

/// One bar from the middle with its figure at its end.
fn bar(
    out: &mut String,
    (class, y): (&str, f64),
    value: Option<f64>,
    (middle, unit): (f64, f64),
) -> fmt::Result {
    let Some(value) = value else {
        return write!(
            out,
            "<text class=\"v\" x=\"{:.1}\" y=\"{:.1}\">undefined</text>",
            middle + 5.0,
            y + 8.0
        );
    };
    let width = value.abs() * unit;
    let (x, end, anchor) = if value < 0.0 {
        (middle - width, middle - width - 5.0, " e")
    } else {
        (middle, middle + width + 5.0, "")
    };
    write!(
        out,
        "<rect class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"8\"/>\
         <text class=\"v{anchor}\" x=\"{end:.1}\" y=\"{:.1}\">{}</text>",
        y + 8.0,
        percent(Some(value))
    )
}

/// A name that fits into so many letters.
fn short(name: &str, most: usize) -> String {
    if name.chars().count() <= most {
        return name.to_owned();
    }
    name.chars().take(most - 1).chain(['…']).collect()
}

fn scatter(out: &mut String, rows: &[Compared]) -> fmt::Result {
    let points: Vec<(&str, f64, f64)> = rows
        .iter()
        .filter(|row| row.costs_on)
        .filter_map(|row| Some((row.strategy.as_str(), row.win_rate?, row.sharpe?)))
        .collect();
    // A place for each per mille of win rate, and some for the last label.
    let plot = Plot::linear(300.0, 1_031, points.iter().map(|(_, _, sharpe)| *sharpe));
    plot.open(out, "win rate along, Sharpe ratio up")?;
    plot.y_axis(out, |value| format!("{value:.2}"))?;
    let labels = [(0, "0 %"), (250, "25 %"), (500, "50 %"), (750, "75 %"), (1_000, "100 %")];
    plot.x_axis(out, labels.into_iter())?;
    for (name, wins, sharpe) in points {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1000")]
        let place = (wins.clamp(0.0, 1.0) * 1_000.0).round() as usize;
        let (x, y) = (plot.x(place), plot.y(sharpe));
        // The name stands where there is room for it.
        let (class, at) = if place > 600 { ("t e", x - 7.0) } else { ("t", x + 7.0) };
        write!(
            out,
            "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>\
             <text class=\"{class}\" x=\"{at:.1}\" y=\"{:.1}\">{}</text>",
            y + 4.0,
            Escaped(name)
        )?;
    }
    out.write_str("</svg>")
}

fn table(out: &mut String, rows: &[Compared]) -> fmt::Result {
    out.write_str(
        "<div class=\"wide\"><table><tr><th>strategy</th><th>costs</th><th>return a year</th>\
         <th>volatility</th><th>Sharpe</th><th>Sortino</th><th>deepest fall</th><th>win rate</th>\
         <th>round trips</th><th>exposure</th><th>turnover</th></tr>",
    )?;
    for row in rows {
        write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&row.strategy),
            if row.costs_on { "on" } else { "off" },
            percent(row.annual_return),
            percent(row.annual_volatility),
            number(row.sharpe),
            number(row.sortino),
            percent(row.max_drawdown),
            percent(row.win_rate),
            row.round_trips,
            percent(row.mean_exposure),
            percent(row.annual_turnover)
        )?;
    }
    out.write_str("</table></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_undefined_has_no_bar() {
        let mut out = String::new();
        bar(&mut out, ("bar", 0.0), None, (630.0, 100.0)).unwrap();
        assert!(out.contains(">undefined<") && !out.contains("<rect"), "{out}");
        out.clear();
        bar(&mut out, ("bar", 0.0), Some(-0.5), (630.0, 100.0)).unwrap();
        assert!(out.contains("x=\"580.0\"") && out.contains("width=\"50.0\""), "{out}");
        assert!(out.contains("-50.00 %"), "{out}");
    }

    #[test]
    fn long_names_are_cut_between_letters() {
        assert_eq!(short("z-score größer", 11), "z-score gr…");
        assert_eq!(short("sma", 3), "sma");
    }
}
