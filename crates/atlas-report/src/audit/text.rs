//! The audit as Markdown.

use std::fmt::{self, Write as _};

use super::{Audit, Spell};
use crate::daily::DayFigures;

pub(super) fn markdown(audit: &Audit) -> Result<String, fmt::Error> {
    let mut out = String::new();
    write(&mut out, audit)?;
    Ok(out)
}

fn write(out: &mut String, audit: &Audit) -> fmt::Result {
    writeln!(out, "# Audit of account {}\n", audit.account)?;
    if let Some((from, to)) = audit.stretch {
        let days = audit.days.len();
        writeln!(out, "{from} to {to}: {} sessions, {days} carried out.\n", audit.sessions)?;
    }
    writeln!(out, "**Verdict: {}.**\n", audit.verdict.as_str())?;
    writeln!(out, "| criterion | holds | finding |\n| --- | --- | --- |")?;
    for criterion in &audit.criteria {
        let holds = if criterion.holds { "yes" } else { "**no**" };
        let finding = cell(&criterion.finding);
        writeln!(out, "| {} | {holds} | {finding} |", criterion.question.statement())?;
    }
    writeln!(out, "\n## Result\n")?;
    for (name, value) in result(audit) {
        writeln!(out, "* {name}: {value}")?;
    }
    writeln!(out, "\n## Regimes\n")?;
    for (regime, days) in &audit.regimes {
        writeln!(out, "* {regime}: {days} days")?;
    }
    writeln!(out, "\n## Days\n")?;
    writeln!(out, "| day | regime | orders filled | equity | return | exposure | heat |")?;
    writeln!(out, "| --- | --- | ---: | ---: | ---: | ---: | ---: |")?;
    for day in &audit.days {
        let cells = cells(day);
        writeln!(out, "| {} |", cells.join(" | "))?;
    }
    let events: Vec<String> = audit.risk_events.iter().map(spell).collect();
    list(out, "Risk events", &events, "Nothing held trading back.")?;
    let incidents: Vec<String> = (audit.incidents.iter())
        .map(|i| format!("{} ({}): {}; {}", i.at, i.severity.as_str(), i.cause, i.action))
        .collect();
    list(out, "Operational issues", &incidents, "None.")?;
    list(out, "What persons did", &audit.interventions, "Nothing beside the commands.")
}

fn list(out: &mut String, title: &str, lines: &[String], none: &str) -> fmt::Result {
    writeln!(out, "\n## {title}\n")?;
    if lines.is_empty() {
        writeln!(out, "{none}")?;
    }
    lines.iter().try_for_each(|line| writeln!(out, "* {line}"))
}

/// A bar would end the cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// A cause that held trading back, in one line.
pub(super) fn spell(spell: &Spell) -> String {
    let Spell { cause, state, detail, since, ended } = spell;
    match ended {
        Some((at, by)) => format!("{since}: {state}, {cause}: {detail}; ended {at} by {by}"),
        None => format!("{since}: {state}, {cause}: {detail}; holds still"),
    }
}

/// What the stretch earned, as it is.
pub(super) fn result(audit: &Audit) -> Vec<(&'static str, String)> {
    let Some(last) = audit.days.last() else {
        return vec![("days carried out", "none".to_owned())];
    };
    let trades: usize = audit.days.iter().map(|day| day.orders_filled).sum();
    let quiet = audit.days.iter().filter(|day| day.orders_filled == 0).count();
    let cost: Vec<f64> = audit.days.iter().filter_map(|day| day.slippage_bps).collect();
    #[expect(clippy::cast_precision_loss, reason = "a number of days is far below 2^53")]
    let mean = cost.iter().sum::<f64>() / cost.len() as f64;
    vec![
        ("return", percent(Some(last.cumulative_return))),
        ("largest fall", percent(Some(last.max_drawdown))),
        ("equity at the end", format!("{} USD", last.equity)),
        ("orders filled", trades.to_string()),
        ("days without a trade", quiet.to_string()),
        ("win rate of sales", percent(last.win_rate)),
        ("profit factor of sales", number(last.profit_factor)),
        ("mean cost against the price of decision", bps((!cost.is_empty()).then_some(mean))),
    ]
}

/// A day's row.
pub(super) fn cells(day: &DayFigures) -> [String; 7] {
    [
        day.date.to_string(),
        day.regime.clone(),
        day.orders_filled.to_string(),
        day.equity.to_string(),
        percent(day.daily_return),
        percent(Some(day.exposure)),
        percent(day.heat),
    ]
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(|| "undefined".to_owned(), |share| format!("{:.2} %", share * 100.0))
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.2}"))
}

fn bps(value: Option<f64>) -> String {
    value.map_or_else(|| "undefined".to_owned(), |value| format!("{value:.1} bps"))
}
