//! `atlas quality`: what fills cost, by symbol, hour and size; from the journal alone.

use std::fmt::Write as _;

use anyhow::Result;
use atlas_exec::peek;
use atlas_exec::quality::{Quality, Sample, Summary, samples, summarize};
use serde::Serialize;

use super::operate::existing;
use crate::cli::QualityFlags;
use crate::document::tell;
use crate::job::Job;
use crate::render::dollars;

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    quality: &'a Quality,
    #[serde(skip_serializing_if = "Option::is_none")]
    fills: Option<&'a [Sample]>,
}

/// Sums up, and shows every fill where that is asked for.
pub(super) fn quality(job: &Job, flags: &QualityFlags) -> Result<()> {
    let folder = existing(job, "to measure")?;
    let state = peek(&folder)?.unwrap_or_default();
    let all = samples(&state);
    let chosen: Vec<Sample> = match &flags.symbol {
        Some(symbol) => all.into_iter().filter(|sample| sample.symbol == *symbol).collect(),
        None => all,
    };
    let found = summarize(&chosen);
    let body = Body { quality: &found, fills: flags.fills.then_some(&chosen) };
    tell(job, &body, &text(job, &found, flags.fills.then_some(&chosen))?)
}

fn text(job: &Job, found: &Quality, fills: Option<&[Sample]>) -> Result<String> {
    let mut out = String::new();
    if found.all.fills == 0 {
        writeln!(out, "Account {} has no fill to measure.", job.account)?;
        return Ok(out);
    }
    writeln!(
        out,
        "Execution quality of account {}; basis points above zero are a cost.\n",
        job.account
    )?;
    writeln!(
        out,
        "  {:<16} {:>6} {:>16} {:>10} {:>10} {:>9}",
        "", "fills", "USD", "slippage", "shortfall", "seconds"
    )?;
    row(&mut out, "all", &found.all)?;
    for (symbol, summary) in &found.by_symbol {
        row(&mut out, symbol.as_str(), summary)?;
    }
    for (hour, summary) in &found.by_hour {
        row(&mut out, &format!("{hour:02}:00 New York"), summary)?;
    }
    for (size, summary) in &found.by_size {
        row(&mut out, size.as_str(), summary)?;
    }
    for sample in fills.unwrap_or_default() {
        write_sample(&mut out, sample)?;
    }
    Ok(out)
}

fn row(out: &mut String, name: &str, summary: &Summary) -> Result<()> {
    let bps = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |bps| format!("{bps:.2}"));
    writeln!(
        out,
        "  {name:<16} {:>6} {:>16.2} {:>10} {:>10} {:>9}",
        summary.fills,
        summary.notional,
        bps(summary.slippage_bps),
        bps(summary.shortfall_bps),
        bps(summary.seconds_to_fill),
    )?;
    Ok(())
}

fn write_sample(out: &mut String, sample: &Sample) -> Result<()> {
    let quoted = |quoted: Option<(atlas_core::Price, atlas_core::Price)>| {
        quoted.map_or_else(|| "no quote".to_owned(), |(bid, ask)| format!("{bid}/{ask}"))
    };
    let price = |price: Option<atlas_core::Price>| {
        price.map_or_else(|| "–".to_owned(), |price| price.to_string())
    };
    writeln!(out, "\n{} {} {} {}", sample.client_order_id, sample.side, sample.qty, sample.symbol)?;
    if let Some(at) = sample.decided_at {
        writeln!(
            out,
            "  decided  {at} at {}, {}",
            price(sample.decision_price),
            quoted(sample.quoted_at_decision)
        )?;
    }
    writeln!(out, "  sent     {}, {}", sample.sent_at, quoted(sample.quoted))?;
    writeln!(
        out,
        "  filled   {} at {}, {:.3} s after the send",
        sample.at,
        sample.price,
        sample.time_to_fill.as_seconds_f64()
    )?;
    let bps = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |bps| format!("{bps:.2}"));
    writeln!(
        out,
        "  cost     mid {}, spread {} bps, slippage {} bps, shortfall {} bps ({})",
        sample.mid_at_send.map_or_else(|| "–".to_owned(), |mid| mid.to_string()),
        bps(sample.spread_bps),
        bps(sample.slippage_bps),
        bps(sample.shortfall_bps),
        sample.shortfall.map_or_else(|| "–".to_owned(), dollars)
    )?;
    if let Some(conditions) = &sample.conditions {
        let open = if conditions.open { "open" } else { "closed" };
        let part = serde_json::to_value(conditions.part)?;
        let part = part.as_str().unwrap_or_default().to_owned();
        writeln!(out, "  venue    {open}, {part} of the session, {:02}:00 New York", sample.hour)?;
    }
    Ok(())
}
