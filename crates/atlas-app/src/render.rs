//! The account of a run for people: what was seen, decided and done.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use anyhow::Result;
use atlas_core::{OrderRequest, OrderStatus, OrderType, Regime, Rounding, SignalOutcome, Usd};
use atlas_regime::{DecidedBy, Naming, RegimeEstimate, ReturnBasis, VixEvidence};
use atlas_report::RunReport;
use atlas_report::run::{Books, OrderReport, RunStatus};
use atlas_risk::VerdictKind;
use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, Table, TableComponent};

use crate::exit::{Exit, Failure};

/// Prints for a person, with colours only on a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Painter {
    colours: bool,
}

impl Painter {
    /// Looks whether standard output is a terminal.
    pub(crate) fn for_stdout() -> Self {
        Self { colours: std::io::stdout().is_terminal() }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colours { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    fn regime(self, regime: Regime) -> String {
        let code = match regime {
            Regime::Bull => "1;32",
            Regime::Neutral => "1;33",
            Regime::Bear => "1;31",
            Regime::Crash => "1;37;41",
        };
        self.paint(code, &regime.to_string().to_uppercase())
    }

    /// What was seen and decided, with the worst that can come of it.
    pub(crate) fn decision(self, report: &RunReport) -> Result<String> {
        let mut out = String::new();
        let title =
            format!("Atlas {} · account {} ({})", report.command, report.account, report.mode);
        writeln!(out, "{}", self.bold(&title))?;
        writeln!(
            out,
            "Decision {} after the close of {}, to be executed on {}",
            report.decision_id, report.as_of, report.execute_on
        )?;
        writeln!(out, "\n{}", self.bold("Seen"))?;
        writeln!(out, "  data     {}", report.data.name)?;
        self.write_regime(&mut out, report)?;
        let held = report.account_before.positions.len();
        writeln!(
            out,
            "  account  equity {} at decision prices, cash {}, {held} position{}",
            dollars(report.equity),
            dollars(report.account_before.account.cash),
            if held == 1 { "" } else { "s" }
        )?;
        writeln!(out, "\n{}", self.bold("Decided"))?;
        writeln!(
            out,
            "  budget   {} ({} of equity)",
            dollars(report.budget),
            percent(report.regime.allocation.value())
        )?;
        let filtered =
            report.signals.iter().filter(|s| s.outcome == Some(SignalOutcome::Filtered)).count();
        writeln!(out, "  signals  {}, of which {filtered} filtered", report.signals.len())?;
        for note in report.data.notes.iter().chain(&report.notes) {
            writeln!(out, "  note     {note}")?;
        }
        if report.orders.is_empty() {
            writeln!(out, "  no orders")?;
        } else {
            writeln!(out, "{}", order_table(&report.orders))?;
        }
        for order in &report.denied {
            let OrderRequest { side, qty, symbol, .. } = &order.request;
            let verdicts = order.verdicts.iter().filter(|said| said.kind == VerdictKind::Deny);
            let why: Vec<String> = verdicts.map(ToString::to_string).collect();
            writeln!(out, "  denied   {side} {qty} {symbol}: {}", why.join("; "))?;
        }
        write_preview(&mut out, report)?;
        Ok(out)
    }

    /// What was done, and how it ended.
    pub(crate) fn outcome(self, report: &RunReport) -> Result<String> {
        let mut out = String::new();
        if report.account_after.is_some() {
            writeln!(out, "\n{}", self.bold("Done"))?;
            if !report.orders.is_empty() {
                writeln!(out, "{}", fill_table(&report.orders))?;
            }
        }
        if let Some(books) = &report.account_after {
            write_books(&mut out, books)?;
        }
        if let Some(found) = &report.reconciliation {
            let verdict = if found.clean {
                "agree with the broker".to_owned()
            } else {
                found.sentences.join("; ")
            };
            writeln!(out, "  books    {verdict}")?;
        }
        if let Some(artifact) = &report.artifact {
            writeln!(out, "  artifact {}", artifact.display())?;
        }
        let total: f64 = report.stages.iter().map(|stage| stage.ms).sum();
        writeln!(out, "  time     {total:.0} ms")?;
        let code = match report.status {
            RunStatus::Executed => "1;32",
            RunStatus::DryRun
            | RunStatus::Planned
            | RunStatus::Approved
            | RunStatus::AlreadyDone => "1",
        };
        writeln!(out, "\n{}", self.paint(code, &report.summary))?;
        Ok(out)
    }

    fn write_regime(self, out: &mut String, report: &RunReport) -> Result<()> {
        let decision = &report.regime;
        let name = self.regime(decision.regime);
        if decision.overridden {
            writeln!(out, "  regime   {name}, by override")?;
        }
        let Some(estimate) = &decision.estimate else { return Ok(()) };
        let by = if decision.overridden { "detected" } else { "regime" };
        let name = self.regime(estimate.regime);
        writeln!(out, "  {by:<8} {name}: {}", evidence(estimate))?;
        Ok(())
    }
}

/// Prints to standard output; a closed pipe is the reader's choice and no error.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::error(Exit::Internal, format!("the report cannot be printed: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// The evidence for a regime in one line.
pub(crate) fn evidence(estimate: &RegimeEstimate) -> String {
    let evidence = &estimate.evidence;
    let rule = match evidence.decided_by {
        DecidedBy::VixShock => format!("VIX shock over a {} model", evidence.model_regime),
        DecidedBy::Ladder => format!(
            "stress {:.2} between bull (0) and bear (1), labels held until the change pays",
            evidence.stress
        ),
        DecidedBy::ZScores | _ => {
            format!("{:?} state with z-scores", evidence.state).to_lowercase()
        }
    };
    let returns = match evidence.returns {
        ReturnBasis::Excess => "excess returns".to_owned(),
        ReturnBasis::RawNoRate => "raw returns, no rate series".to_owned(),
        ReturnBasis::RawRateEnded { last } => format!("raw returns, rates end {last}"),
        _ => "returns as the artifact says".to_owned(),
    };
    let vix = match &evidence.vix {
        VixEvidence::Read(reading) if evidence.vix_unseen > 0 => format!(
            "VIX {:.2}, {} sessions of the hold window without a close",
            reading.close, evidence.vix_unseen
        ),
        VixEvidence::Read(reading) => format!("VIX {:.2}", reading.close),
        VixEvidence::Missing { shock: Some(_), .. } => {
            "VIX missing, the shock before still in force".to_owned()
        }
        VixEvidence::Missing { .. } => "VIX missing, shock rule not applied".to_owned(),
        _ => "VIX as the artifact says".to_owned(),
    };
    let naming = match evidence.naming {
        Naming::Exchanged { .. } => {
            ", INCIDENT: bull and bear changed places since the refit before"
        }
        Naming::Agrees | Naming::NotCompared | _ => "",
    };
    format!("{rule}; {vix}; model of {}{naming}; {returns}", evidence.refit_date)
}

fn write_preview(out: &mut String, report: &RunReport) -> Result<()> {
    let preview = &report.preview;
    writeln!(
        out,
        "  at worst costs {}, loss if all fall to their exit levels {}, exposure {} (all fill), {} (sells only), {} (most)",
        dollars(preview.costs),
        dollars(preview.loss_if_stopped),
        dollars(preview.exposure_all),
        dollars(preview.exposure_sells_only),
        dollars(preview.exposure_worst)
    )?;
    Ok(())
}

fn write_books(out: &mut String, books: &Books) -> Result<()> {
    writeln!(
        out,
        "  account  equity {}, cash {}",
        dollars(books.account.equity),
        dollars(books.account.cash)
    )?;
    let held: Vec<String> =
        books.positions.values().map(|held| format!("{} {}", held.qty, held.symbol)).collect();
    let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
    writeln!(out, "  holding  {held}")?;
    Ok(())
}

fn order_table(orders: &[OrderReport]) -> Table {
    let mut table = table(&["side", "shares", "symbol", "type", "close", "value", "why"]);
    for order in orders {
        let value = order
            .decision_price
            .notional(order.planned_qty)
            .map_or_else(|_| "?".to_owned(), dollars);
        table.add_row(vec![
            order.side.to_string(),
            order.planned_qty.to_string(),
            order.symbol.to_string(),
            kind(&order.order_type),
            order.decision_price.to_string(),
            value,
            order.reason.clone(),
        ]);
    }
    right_align(&mut table, &[1, 4, 5]);
    table
}

fn fill_table(orders: &[OrderReport]) -> Table {
    let mut table = table(&["side", "sent", "filled", "symbol", "at", "status"]);
    for order in orders {
        let dash = || "-".to_owned();
        let mut status = order.status.as_str().replace('_', " ");
        if matches!(
            order.status,
            OrderStatus::Denied | OrderStatus::Rejected | OrderStatus::NotPlaced
        ) || order.sent_qty.is_none()
        {
            status = format!("{status}: {}", order.reason);
        }
        table.add_row(vec![
            order.side.to_string(),
            order.sent_qty.map_or_else(dash, |qty| qty.to_string()),
            order.filled_qty.to_string(),
            order.symbol.to_string(),
            order.avg_fill_price.map_or_else(dash, |price| price.to_string()),
            status,
        ]);
    }
    right_align(&mut table, &[1, 2, 4]);
    table
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_style(TableComponent::HeaderLines, '─')
        .set_style(TableComponent::MiddleHeaderIntersections, '─')
        .set_header(header.to_vec());
    table
}

fn right_align(table: &mut Table, columns: &[usize]) {
    for index in columns {
        if let Some(column) = table.column_mut(*index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn kind(order_type: &OrderType) -> String {
    match order_type {
        OrderType::Market => "market".to_owned(),
        OrderType::Limit { limit_price } => format!("limit {limit_price}"),
        OrderType::Stop { .. } | OrderType::StopLimit { .. } | _ => {
            format!("{order_type:?}").to_lowercase()
        }
    }
}

fn percent(share: rust_decimal::Decimal) -> String {
    format!("{} %", (share * rust_decimal::Decimal::ONE_HUNDRED).normalize())
}

/// Characters of a table's line; longer reasons go on below.
const WIDTH: u16 = 110;

/// Dollars and cents with thousands separated, rounded half to even for display.
pub(crate) fn dollars(amount: Usd) -> String {
    let text = format!("{:.2}", amount.abs().to_cents(Rounding::HalfEven).value());
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{}${grouped}.{cents}", if amount.is_negative() { "-" } else { "" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_grouped() {
        let check = |amount: &str, text: &str| assert_eq!(dollars(amount.parse().unwrap()), text);
        check("0", "$0.00");
        check("999.995", "$1,000.00");
        check("1234567.8", "$1,234,567.80");
        check("-100000", "-$100,000.00");
    }
}
