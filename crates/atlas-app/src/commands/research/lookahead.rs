//! `atlas lookahead-check`.

use anyhow::Result;
use atlas_backtest::Backtest;
use atlas_backtest::lookahead::{LookAhead, lookahead_check};
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::told;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render;

/// What to check, and where to change the future.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    choices: Choices,
    /// Sessions after which the data are changed; without it four, spread over the period.
    #[arg(long, value_name = "YYYY-MM-DD", value_delimiter = ',')]
    at: Vec<NaiveDate>,
}

#[derive(Serialize)]
struct Document<'a> {
    strategy: String,
    from: NaiveDate,
    to: NaiveDate,
    changed_after: &'a [NaiveDate],
    found: Option<LookAhead>,
}

pub(super) fn run(job: &Job, flags: &Flags) -> Result<()> {
    let choices = &flags.choices;
    let spec = choices.spec()?;
    let strategy = spec.to_string();
    let (universe, market) = choices.market(job)?;
    let backtest = Backtest::new(&market).map_err(told)?;
    let config = choices.config(job, &universe, spec)?;
    let config = choices.dated(&backtest, config)?;
    let sessions = if flags.at.is_empty() {
        let all = config.schedule.sessions(config.from, config.to).map_err(told)?;
        let place = |fifth: usize| all.get(all.len() * fifth / 5).copied();
        let mut spread: Vec<NaiveDate> = (1..=4).filter_map(place).collect();
        spread.dedup();
        spread.retain(|date| Some(date) != all.first());
        spread
    } else {
        flags.at.clone()
    };
    let found = lookahead_check(&market, &config, &sessions).map_err(told)?;
    let sentence = found.as_ref().map(ToString::to_string);
    let (from, to) = (config.from, config.to);
    if job.json {
        let document = Document { strategy, from, to, changed_after: &sessions, found };
        render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
    } else if sentence.is_none() {
        let dates: Vec<String> = sessions.iter().map(ToString::to_string).collect();
        render::print(&format!(
            "{strategy}, {from} to {to}: no decision changed with data cut off or moved after {}, \
             or with prices doubled.\n",
            dates.join(", ")
        ))?;
    }
    match sentence {
        Some(sentence) => Err(Failure::error(Exit::Refused, format!("look-ahead: {sentence}"))),
        None => Ok(()),
    }
}
