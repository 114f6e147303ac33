//! A search as CSV and as a page with the map of its first two parameters.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use atlas_backtest::search::{Found, Plateau};

use super::style;
use super::svg::Escaped;
use super::tables::{number, percent};
use crate::tables::optional;

/// One row a run, in the order they were asked for: parameters, then figures.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn search_csv(found: &[Found]) -> Result<String, fmt::Error> {
    let params: BTreeSet<&str> =
        found.iter().flat_map(|one| one.strategy.params().keys().map(String::as_str)).collect();
    let mut out = String::from("strategy");
    for param in &params {
        write!(out, ",{param}")?;
    }
    out.push_str(
        ",final_equity,total_return,annual_return,annual_volatility,sharpe,sortino,calmar,\
         max_drawdown,win_rate,profit_factor,round_trips,mean_exposure,annual_turnover,costs\n",
    );
    for one in found {
        out.push_str(one.strategy.name());
        for param in &params {
            write!(out, ",{}", optional(one.strategy.value(param)))?;
        }
        let (metrics, trades) = (&one.metrics, &one.trades);
        writeln!(
            out,
            ",{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            one.final_equity,
            optional(metrics.total_return),
            optional(metrics.annual_return),
            optional(metrics.annual_volatility),
            optional(metrics.sharpe),
            optional(metrics.sortino),
            optional(metrics.calmar),
            optional(metrics.max_drawdown),
            optional(trades.win_rate),
            optional(trades.profit_factor),
            trades.round_trips,
            optional(one.mean_exposure),
            optional(one.annual_turnover),
            one.costs
        )?;
    }
    Ok(out)
}

/// The page: what was searched and what the tests say, each one sentence, the map, and every run,
/// best first.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn search_page(
    title: &str,
    sentences: &[String],
    found: &[Found],
    map: Option<&Plateau>,
) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(100_000);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}</title><style>{1}\
         </style></head><body><main><h1>{0}</h1>",
        Escaped(title),
        style::CSS
    )?;
    super::tables::sentences(&mut out, sentences, "")?;
    if let Some(map) = map {
        plateau(&mut out, map)?;
    }
    let mut order: Vec<&Found> = found.iter().collect();
    let ratio = |one: &Found| one.metrics.sharpe.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    out.write_str(
        "<h2>Runs, best first</h2><div class=\"wide\"><table><tr><th>strategy</th><th>return a year\
         </th><th>Sharpe</th><th>deepest fall</th><th>round trips</th><th>win rate</th></tr>",
    )?;
    for one in order {
        write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            Escaped(&one.strategy.to_string()),
            percent(one.metrics.annual_return),
            number(one.metrics.sharpe),
            percent(one.metrics.max_drawdown),
            one.trades.round_trips,
            percent(one.trades.win_rate)
        )?;
    }
    out.write_str("</table></div></main></body></html>")?;
    Ok(out)
}

fn plateau(out: &mut String, map: &Plateau) -> fmt::Result {
    let all = || map.sharpe.iter().flatten().flatten().copied();
    let most = all().map(f64::abs).fold(0.01, f64::max);
    write!(
        out,
        "<h2>Sharpe ratio by {} (down) and {} (along)</h2><div class=\"wide\"><table class=\"heat\">\
         <tr><th></th>",
        Escaped(&map.rows.0),
        Escaped(&map.columns.0)
    )?;
    for value in &map.columns.1 {
        write!(out, "<th>{value}</th>")?;
    }
    out.write_str("</tr>")?;
    for (at, (value, cells)) in map.rows.1.iter().zip(&map.sharpe).enumerate() {
        write!(out, "<tr><th>{value}</th>")?;
        for (column, cell) in cells.iter().enumerate() {
            let Some(ratio) = cell else {
                out.write_str("<td></td>")?;
                continue;
            };
            let strength = (ratio.abs() / most) * 0.75;
            let colour = if *ratio < 0.0 { "200,60,50" } else { "40,140,80" };
            let best = if map.best == Some((at, column)) { ";font-weight:700" } else { "" };
            write!(
                out,
                "<td style=\"background:rgba({colour},{strength:.2}){best}\">{ratio:.2}</td>"
            )?;
        }
        out.write_str("</tr>")?;
    }
    out.write_str("</table></div>")?;
    match map.flatness {
        Some(flat) => write!(
            out,
            "<p>The neighbours of the best one have {:.0} % of its Sharpe ratio on average.</p>",
            flat * 100.0
        ),
        None => Ok(()),
    }
}
