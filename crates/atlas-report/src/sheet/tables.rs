//! The tables of a tear sheet.

use std::fmt::{self, Write as _};

use atlas_backtest::BacktestReport;
use atlas_backtest::honesty::Judgement;
use atlas_backtest::metrics::Metrics;
use atlas_core::Usd;

use super::svg::Escaped;

/// Costs, timing, data and trials: what has to be known first.
pub(super) fn head(out: &mut String, report: &BacktestReport, judged: &Judgement) -> fmt::Result {
    let header = &report.header;
    let universe = if header.members_by_date { "members by date" } else { "fixed universe" };
    let timing = header.conventions.first().map_or("", String::as_str);
    let trials = judged.deflation.trials;
    let trials = format!("{trials} on this history, this one included");
    let data = format!("{} · {} symbols, {universe}", header.data, header.symbols.len());
    let cash = format!("{} USD, {} decisions", money(header.cash), header.schedule);
    out.write_str("<dl>")?;
    for (name, text) in [
        ("costs", header.costs.stated.as_str()),
        ("timing", timing),
        ("data", &data),
        ("hash of the data", &header.data_sha256),
        ("start", &cash),
        ("trials", &trials),
    ] {
        write!(out, "<dt>{name}</dt><dd>{}</dd>", Escaped(text))?;
    }
    out.write_str("</dl>")
}

/// The figures one looks at first.
pub(super) fn key_figures(
    out: &mut String,
    report: &BacktestReport,
    judged: &Judgement,
) -> fmt::Result {
    let metrics = &report.metrics;
    let last = report.days.last().map_or_else(String::new, |day| money(day.equity));
    out.write_str("<div class=\"cards\">")?;
    for (name, value) in [
        ("final equity", last),
        ("return a year", percent(metrics.annual_return)),
        ("volatility", percent(metrics.annual_volatility)),
        ("Sharpe", number(metrics.sharpe)),
        ("deepest fall", percent(metrics.max_drawdown)),
        ("mean exposure", percent(report.mean_exposure)),
        ("P(Sharpe &gt; 0)", percent(judged.deflation.probabilistic)),
        ("the same, deflated", percent(judged.deflation.deflated)),
    ] {
        write!(out, "<div class=\"card\"><span>{name}</span><b>{value}</b></div>")?;
    }
    out.write_str("</div>")
}

/// One sentence a line.
pub(super) fn sentences(out: &mut String, all: &[String], otherwise: &str) -> fmt::Result {
    if all.is_empty() {
        return write!(out, "<p>{otherwise}</p>");
    }
    out.write_str("<ul>")?;
    for sentence in all {
        write!(out, "<li>{}</li>", Escaped(sentence))?;
    }
    out.write_str("</ul>")
}

/// Account, index and null models side by side.
pub(super) fn metrics(out: &mut String, report: &BacktestReport) -> fmt::Result {
    let mut columns: Vec<(String, &Metrics)> = vec![("account".to_owned(), &report.metrics)];
    columns.extend(report.benchmark.as_ref().map(|b| (b.name.clone(), &b.metrics)));
    let models = report.nulls.models.iter();
    columns.extend(models.map(|model| (model.rule.words().to_owned(), &model.metrics)));
    out.write_str("<div class=\"wide\"><table><tr><th></th>")?;
    for (name, _) in &columns {
        write!(out, "<th>{}</th>", Escaped(name))?;
    }
    out.write_str("</tr>")?;
    for (name, show) in ROWS {
        write!(out, "<tr><td>{name}</td>")?;
        for (_, metrics) in &columns {
            write!(out, "<td>{}</td>", show(metrics))?;
        }
        out.write_str("</tr>")?;
    }
    out.write_str("</table></div>")?;
    if let Some(relative) = report.benchmark.as_ref().map(|benchmark| &benchmark.relative) {
        write!(
            out,
            "<p>Against the index: beta {}, alpha {} a year, information ratio {}, tracking error \
             {}.</p>",
            number(relative.beta),
            percent(relative.alpha),
            number(relative.information_ratio),
            percent(relative.tracking_error)
        )?;
    }
    let trades = &report.trade_statistics;
    write!(
        out,
        "<p>{} fills, {} round trips; {} of them won; profit factor {}; expectancy {} USD; turnover \
         {} a year.</p>",
        trades.fills,
        trades.round_trips,
        percent(trades.win_rate),
        number(trades.profit_factor),
        number(trades.expectancy),
        percent(report.annual_turnover)
    )
}

/// A figure's name and how it is shown.
type Row = (&'static str, fn(&Metrics) -> String);

const ROWS: [Row; 16] = [
    ("total return", |m| percent(m.total_return)),
    ("return a year", |m| percent(m.annual_return)),
    ("volatility a year", |m| percent(m.annual_volatility)),
    ("Sharpe", |m| number(m.sharpe)),
    ("Sortino", |m| number(m.sortino)),
    ("Calmar", |m| number(m.calmar)),
    ("Omega", |m| number(m.omega)),
    ("deepest fall", |m| percent(m.max_drawdown)),
    ("sessions below a peak", |m| m.max_drawdown_periods.to_string()),
    ("value at risk, 5 %", |m| percent(m.value_at_risk)),
    ("expected shortfall, 5 %", |m| percent(m.expected_shortfall)),
    ("skewness", |m| number(m.skewness)),
    ("kurtosis (normal 3)", |m| number(m.kurtosis)),
    ("tail ratio", |m| number(m.tail_ratio)),
    ("stability", |m| number(m.stability)),
    ("sessions above zero", |m| percent(m.positive)),
];

/// What trading cost, by kind.
pub(super) fn costs(out: &mut String, report: &BacktestReport) -> fmt::Result {
    out.write_str("<table>")?;
    let row = |out: &mut String, name: &str, amount: Usd| {
        write!(out, "<tr><td>{}</td><td>{} USD</td></tr>", Escaped(name), money(amount))
    };
    row(out, "slippage, in the prices", report.costs.slippage)?;
    for (kind, amount) in &report.costs.fees {
        row(out, &format!("{kind:?}"), *amount)?;
    }
    row(out, "all of it", report.costs.total)?;
    write!(
        out,
        "<tr><td>of what was traded</td><td>{}</td></tr></table>",
        percent(report.costs.of_traded)
    )
}

/// Sessions under each regime.
pub(super) fn by_regime(out: &mut String, report: &BacktestReport) -> fmt::Result {
    out.write_str(
        "<table><tr><th>regime</th><th>decisions</th><th>sessions</th><th>return</th>\
         <th>Sharpe</th><th>deepest fall</th></tr>",
    )?;
    for share in &report.by_regime {
        let metrics = &share.metrics;
        write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            share.regime,
            share.decisions,
            metrics.periods,
            percent(metrics.total_return),
            number(metrics.sharpe),
            percent(metrics.max_drawdown)
        )?;
    }
    out.write_str("</table>")
}

/// What each symbol brought in, most first.
pub(super) fn by_symbol(out: &mut String, report: &BacktestReport) -> fmt::Result {
    let mut shares: Vec<_> = report.by_symbol.iter().collect();
    shares.sort_by(|a, b| b.profit.cmp(&a.profit).then_with(|| a.symbol.cmp(&b.symbol)));
    out.write_str("<table><tr><th>symbol</th><th>round trips</th><th>profit, USD</th></tr>")?;
    for share in shares {
        let (symbol, trips) = (Escaped(share.symbol.as_str()), share.round_trips);
        let profit = money(share.profit);
        write!(out, "<tr><td>{symbol}</td><td>{trips}</td><td>{profit}</td></tr>")?;
    }
    out.write_str("</table>")
}

/// The deepest falls.
pub(super) fn drawdowns(out: &mut String, report: &BacktestReport) -> fmt::Result {
    out.write_str("<table><tr><th>peak</th><th>trough</th><th>recovered</th><th>depth</th></tr>")?;
    for fall in &report.drawdowns {
        let end = fall.recovered.map_or_else(|| "not yet".to_owned(), |date| date.to_string());
        let depth = percent(Some(fall.depth));
        write!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{end}</td><td>{depth}</td></tr>",
            fall.peak, fall.trough
        )?;
    }
    out.write_str("</table>")
}

/// Dollars and cents with thousands separated.
pub(crate) fn money(amount: Usd) -> String {
    let text = format!("{:.2}", amount.abs().to_cents(atlas_core::Rounding::HalfEven).value());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}{grouped}.{cents}", if amount.is_negative() { "-" } else { "" })
}

/// A share in per cent; a dash where it is undefined.
pub(crate) fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "–".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

/// A number; a dash where it is undefined.
pub(crate) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"))
}
