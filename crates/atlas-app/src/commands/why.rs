//! `atlas why`: the chain behind an order, a symbol or a date, proven before it is shown.

use std::fmt::Write as _;

use anyhow::Result;
use atlas_exec::folder::AccountFolder;
use atlas_exec::why::{self, Bars, Chain, Explanation, Question, Unplanned};
use atlas_risk::{Verdict, VerdictKind};
use serde::Serialize;

use super::operate::existing;
use crate::document::tell;
use crate::job::Job;
use crate::render::{dollars, evidence};

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    recomputed: &'static str,
    #[serde(flatten)]
    told: &'a Explanation,
}

/// Proves and shows.
pub(super) fn why(job: &Job, about: &Question) -> Result<()> {
    let folder: AccountFolder = existing(job, "to explain")?;
    if let Question::Order(id) = about
        && let Some(told) = why::unplanned(&folder, id)?
    {
        return tell(job, &told, &unplanned_text(job, &told)?);
    }
    let told = why::explain(&folder, about)?;
    let body = Body { recomputed: "identical", told: &told };
    // On a whole decision, what the strategy itself dropped is counted rather than shown.
    let brief = matches!(about, Question::Date(_) | Question::Decision(_));
    tell(job, &body, &text(job, &told, brief)?)
}

/// An order that follows no plan: by whose word, what was sent, what came of it.
fn unplanned_text(job: &Job, told: &Unplanned) -> Result<String> {
    let (request, mut out) = (&told.request, String::new());
    writeln!(
        out,
        "Order {} of account {}: {} {} {}, part of no plan",
        request.client_order_id, job.account, request.side, request.qty, request.symbol
    )?;
    match &told.asked {
        Some(asked) => writeln!(out, "  asked    by {} at {}: {}", asked.by, asked.at, asked.why)?,
        None => writeln!(out, "  asked    by no command: continuous trading sent it")?,
    }
    writeln!(out, "  intended {}", told.intended_at)?;
    match told.sent_at {
        Some(at) => writeln!(out, "  sent     {at}")?,
        None => writeln!(out, "  sent     never by this journal's account")?,
    }
    for fill in &told.fills {
        writeln!(out, "  filled   {} at {}, {}", fill.qty, fill.price, fill.ts_event)?;
    }
    let (filled, status) = (told.filled_qty, told.status.as_str());
    write!(out, "  ended    {status}, {filled} filled, {} USD realised", told.realised)?;
    Ok(out)
}

fn text(job: &Job, told: &Explanation, brief: bool) -> Result<String> {
    let mut out = String::new();
    writeln!(
        out,
        "Decision {} of account {} ({}), after the close of {}, for {}",
        told.decision_id, job.account, told.mode, told.as_of, told.execute_on
    )?;
    writeln!(
        out,
        "  proven   computed again from its stored inputs: the same plan to the byte, {}",
        told.plan_hash.short()
    )?;
    write_bars(&mut out, "index", told.index.as_ref())?;
    write_bars(&mut out, "VIX", told.vix.as_ref())?;
    let regime = &told.regime;
    let by = if regime.overridden { ", by override" } else { "" };
    writeln!(out, "  regime   {}{by}", regime.regime.to_string().to_uppercase())?;
    if let Some(estimate) = &regime.estimate {
        writeln!(out, "           {}", evidence(estimate))?;
    }
    writeln!(out, "  money    equity {}, budget {}", dollars(told.equity), dollars(told.budget))?;
    if let Some((by, at)) = &told.approved {
        writeln!(out, "  approved by {by} at {at}")?;
    }
    if let Some(summary) = &told.completed {
        writeln!(out, "  ended    {summary}")?;
    }
    let shown = told.chains.iter().filter(|chain| !brief || chain.order.is_some());
    let mut count = 0;
    for chain in shown {
        count += 1;
        write_chain(&mut out, chain)?;
    }
    if count < told.chains.len() {
        let rest = told.chains.len() - count;
        writeln!(
            out,
            "\n{rest} more signals came to no order; ask for a symbol to see its reason."
        )?;
    }
    Ok(out)
}

fn write_bars(out: &mut String, what: &str, bars: Option<&Bars>) -> Result<()> {
    if let Some(Bars { rows, first, last, value }) = bars {
        writeln!(out, "  {what:<8} {rows} sessions {first} … {last}, last {value}")?;
    }
    Ok(())
}

fn write_verdicts(out: &mut String, what: &str, verdicts: &[Verdict]) -> Result<()> {
    for verdict in verdicts {
        let word = match verdict.kind {
            VerdictKind::Pass => "pass",
            VerdictKind::Warn => "WARN",
            VerdictKind::Deny => "DENY",
        };
        writeln!(out, "  {what:<8} {word} {verdict}")?;
    }
    Ok(())
}

fn write_chain(out: &mut String, chain: &Chain) -> Result<()> {
    writeln!(out, "\n{}", chain.symbol)?;
    write_bars(out, "bars", chain.bars.as_ref())?;
    let signal = &chain.signal;
    let numbers: Vec<String> =
        signal.evidence.iter().map(|(name, value)| format!("{name} {value:.4}")).collect();
    writeln!(
        out,
        "  signal   {}: {:?} by {}, {}",
        signal.id,
        signal.direction,
        signal.strategy,
        numbers.join(", ")
    )?;
    if let Some(target) = &chain.target {
        writeln!(
            out,
            "  sizing   {} held, {} wanted, at {}",
            target.held, target.target, target.decision_price
        )?;
    }
    if let Some(order) = &chain.order {
        write_verdicts(&mut *out, "gate", &order.verdicts)?;
        let request = &order.request;
        let (side, qty) = (request.side, request.qty);
        let denied = if chain.denied { ", denied" } else { "" };
        writeln!(
            out,
            "  order    {}: {side} {qty}{denied}; {}",
            request.client_order_id, order.reason
        )?;
    }
    if chain.heard.is_empty() && !chain.steps.is_empty() {
        writeln!(
            out,
            "  at send  not on record: this journal was written before the gates were kept"
        )?;
    }
    for heard in &chain.heard {
        writeln!(
            out,
            "  at send  the gates heard at {}, and again now with the same result",
            heard.at.format("%F %T%.3f")
        )?;
        if let Some(ramp) = &heard.ramp {
            let word = ramp.denied.as_ref().map_or_else(
                || format!("pass ramp: within its {} stage", ramp.stage),
                |reason| format!("DENY ramp: {reason}"),
            );
            writeln!(out, "  at send  {word}")?;
        }
        write_verdicts(&mut *out, "at send", &heard.verdicts)?;
    }
    for step in &chain.steps {
        writeln!(out, "  {:>8} {} {}", step.seq, step.at.format("%F %T%.3f"), step.what)?;
    }
    for (id, steps) in &chain.guards {
        writeln!(out, "  stop     {id}")?;
        for step in steps {
            writeln!(out, "  {:>8} {} {}", step.seq, step.at.format("%F %T%.3f"), step.what)?;
        }
    }
    let outcome = chain.outcome.map_or_else(|| "open".to_owned(), |outcome| outcome.to_string());
    writeln!(out, "  end      {outcome}: {}", chain.reason)?;
    Ok(())
}
