//! A backtest as one page of HTML that needs nothing else: figures, charts, what speaks against it.

mod charts;
pub(crate) mod compare;
pub(crate) mod search;
pub(crate) mod style;
pub(crate) mod svg;
mod tables;

use std::fmt::{self, Write as _};

use atlas_backtest::BacktestReport;
use atlas_backtest::honesty::Judgement;

use svg::Escaped;

/// The page. The same report and judgement give the same bytes.
///
/// # Errors
/// None in fact: writing to memory does not fail.
pub fn tear_sheet(report: &BacktestReport, judgement: &Judgement) -> Result<String, fmt::Error> {
    let mut out = String::with_capacity(200_000);
    let header = &report.header;
    let title =
        format!("{} · {} to {}", header.strategy, header.first_session, header.last_session);
    write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{0}</title><style>{1}</style></head><body><main>\
         <h1>{0}</h1>",
        Escaped(&title),
        style::CSS
    )?;
    if !header.costs.on {
        out.write_str("<p class=\"bad\">Costs are off.</p>")?;
    }
    tables::head(&mut out, report, judgement)?;
    tables::key_figures(&mut out, report, judgement)?;
    section(&mut out, "Equity", |out| charts::equity(out, report))?;
    section(&mut out, "Drawdown", |out| charts::drawdown(out, report))?;
    section(&mut out, "Exposure", |out| charts::exposure(out, report))?;
    section(&mut out, "Returns by month, per cent", |out| charts::months(out, report))?;
    section(&mut out, "What speaks against it", |out| {
        tables::sentences(out, &judgement.doubts, "Nothing that is looked for was found.")
    })?;
    section(&mut out, "What to know", |out| tables::sentences(out, &report.warnings, "Nothing."))?;
    section(&mut out, "Figures", |out| tables::metrics(out, report))?;
    section(&mut out, "Costs", |out| tables::costs(out, report))?;
    section(&mut out, "By regime", |out| tables::by_regime(out, report))?;
    section(&mut out, "By symbol", |out| tables::by_symbol(out, report))?;
    section(&mut out, "Deepest falls", |out| tables::drawdowns(out, report))?;
    section(&mut out, "How it was simulated", |out| {
        tables::sentences(out, &header.conventions, "")
    })?;
    write!(
        out,
        "<footer>atlas {} · result {} · ledger {}</footer></main></body></html>",
        Escaped(&header.version),
        judgement.result_sha256,
        judgement.ledger_sha256
    )?;
    Ok(out)
}

fn section(
    out: &mut String,
    title: &str,
    body: impl FnOnce(&mut String) -> fmt::Result,
) -> fmt::Result {
    write!(out, "<section><h2>{title}</h2>")?;
    body(out)?;
    out.write_str("</section>")
}
