//! `atlas cross-validate`.

use anyhow::Result;
use atlas_backtest::StrategySpec;
use atlas_backtest::honesty::cross::{Cross, CrossPlan, cross_validate};
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::outcome::{number, percent, table};
use super::sweep::{Done, Space, carry_out};
use super::{ledger, told};
use crate::job::Job;
use crate::render;

/// What to choose among, and how to deal history.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    choices: Choices,
    #[command(flatten)]
    space: Space,
    /// Equal blocks history is cut into, 2 to 16.
    #[arg(long, default_value_t = 6, value_name = "N")]
    blocks: usize,
    /// Blocks that are judged by at a time.
    #[arg(long, default_value_t = 2, value_name = "N")]
    judged: usize,
    /// Sessions left out before and after judged blocks.
    #[arg(long, default_value_t = 1, value_name = "N")]
    purge: usize,
    /// Sessions left out after judged blocks besides.
    #[arg(long, default_value_t = 0, value_name = "N")]
    embargo: usize,
}

/// What `--json` prints: a function of data and choices alone.
#[derive(Serialize)]
struct Document<'a> {
    data: &'a str,
    data_sha256: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    plan: CrossPlan,
    candidates: Vec<&'a StrategySpec>,
    complete: bool,
    found: &'a Cross,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let Flags { choices, space, blocks, judged, purge, embargo } = flags;
    let plan = CrossPlan { blocks, judged, purge, embargo };
    let done = carry_out(&job, choices, space).await?;
    let candidates = &done.searched.found;
    let returns: Vec<Vec<f64>> = candidates.iter().map(|one| one.returns.clone()).collect();
    let found = cross_validate(&returns, plan).map_err(told)?;
    // Every candidate was looked at, so every one is a trial.
    ledger::with(&job.state_dir, |ledger| {
        for one in candidates {
            ledger.record(one.trial.clone());
        }
        Ok(())
    })?;
    if job.json {
        let document = Document {
            data: &done.source.0,
            data_sha256: &done.source.1,
            from: done.config.from,
            to: done.config.to,
            plan,
            candidates: candidates.iter().map(|one| &one.strategy).collect(),
            complete: done.searched.is_complete(),
            found: &found,
        };
        return render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    render::print(&in_words(&done, plan, &found))
}

fn in_words(done: &Done, plan: CrossPlan, found: &Cross) -> String {
    let (ran, asked) = (done.searched.found.len(), done.searched.asked);
    let CrossPlan { blocks, judged, purge, embargo } = plan;
    let mut lines = vec![format!(
        "Cross-validation over {ran} candidates · {} to {}",
        done.config.from, done.config.to
    )];
    if ran < asked {
        lines.push(format!(
            "STOPPED: {ran} of {asked} candidates were run; what follows is of those"
        ));
    }
    lines.push(format!(
        "{} deals: {judged} of {blocks} blocks judged at a time, {purge} sessions purged, {embargo} \
         embargoed",
        found.deals.len()
    ));
    let mut counts = vec![0_usize; ran];
    for chosen in found.deals.iter().filter_map(|deal| deal.chosen) {
        if let Some(count) = counts.get_mut(chosen) {
            *count += 1;
        }
    }
    let mut order: Vec<(usize, usize)> = counts.into_iter().enumerate().collect();
    order.sort_by_key(|(number, count)| (std::cmp::Reverse(*count), *number));
    let mut rows = table(&["chosen", "times"]);
    for (at, count) in order.into_iter().filter(|(_, count)| *count > 0).take(SHOWN) {
        if let Some(one) = done.searched.found.get(at) {
            rows.add_row([one.strategy.to_string(), count.to_string()]);
        }
    }
    lines.extend([String::new(), rows.to_string(), String::new()]);
    let (low, middle, high) =
        found.range.map_or((None, None, None), |(l, m, h)| (Some(l), Some(m), Some(h)));
    lines.push(format!(
        "Sharpe ratio of {} paths that are all future: mean {}, {} to {}, middle {}; zero or below on \
         {} of them. The chosen ones had {} in their pasts.",
        found.paths.len(),
        number(found.mean),
        number(low),
        number(high),
        number(middle),
        percent(found.at_most_zero),
        number(found.mean_past)
    ));
    lines.push(String::new());
    lines.join("\n")
}

/// Candidates that are shown.
const SHOWN: usize = 10;
