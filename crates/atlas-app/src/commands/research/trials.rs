//! `atlas trials`: what was tried, and counts from elsewhere.

use std::collections::BTreeSet;

use anyhow::Result;
use atlas_backtest::honesty::{Imported, TrialLedger};
use atlas_core::Symbol;
use atlas_data::Universe;
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{ledger, told};
use crate::document::tell;
use crate::job::Job;

/// What to do with the ledger.
#[derive(Debug, Subcommand)]
pub(crate) enum Trials {
    /// Show how many trials were made, on what.
    Show,
    /// Count trials that were made elsewhere: in a notebook, by others, in a paper.
    Import(Import),
}

/// Trials made elsewhere.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// How many.
    #[arg(long, value_name = "N")]
    count: usize,
    /// What they were made on: a named universe, symbols separated by commas, or a file.
    #[arg(long, value_name = "NAME|SYMBOLS|FILE")]
    universe: Option<String>,
    /// First day of their history.
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: NaiveDate,
    /// Last day of their history.
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: NaiveDate,
    /// Where they were made, in a sentence.
    #[arg(long, value_name = "TEXT")]
    source: String,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    trials: usize,
    made_here: usize,
    imported: &'a [Imported],
    new: Option<bool>,
}

pub(super) fn run(job: &Job, what: &Trials) -> Result<()> {
    match what {
        Trials::Show => ledger::with(&job.state_dir, |ledger| show(job, ledger, None)),
        Trials::Import(import) => {
            let imported = imported(job, import)?;
            ledger::with(&job.state_dir, |ledger| {
                let is_new = ledger.import(imported).map_err(told)?;
                show(job, ledger, Some(is_new))
            })
        }
    }
}

fn imported(job: &Job, import: &Import) -> Result<Imported> {
    let source = atlas_data::open(job.data())?;
    let universe = Universe::resolve(import.universe.as_deref(), source.as_ref())?;
    let symbols: BTreeSet<Symbol> = universe.symbols().iter().cloned().collect();
    let Import { count, from, to, source, .. } = import;
    Ok(Imported { symbols, from: *from, to: *to, trials: *count, source: source.clone() })
}

fn show(job: &Job, ledger: &TrialLedger, new: Option<bool>) -> Result<()> {
    let (trials, made_here) = (ledger.len(), ledger.trials().len());
    let document = Document { trials, made_here, imported: ledger.imported(), new };
    let mut lines = Vec::new();
    match new {
        Some(true) => lines.push("Counted.".to_owned()),
        Some(false) => lines.push("That was counted before: nothing changed.".to_owned()),
        None => {}
    }
    lines
        .push(format!("{trials} trials: {made_here} made here, {} elsewhere.", trials - made_here));
    lines.extend(ledger.imported().iter().map(|one| {
        let Imported { symbols, from, to, trials, source } = one;
        format!("  {trials} on {} symbols, {from} to {to}: {source}", symbols.len())
    }));
    tell(job, &document, &lines.join("\n"))
}
