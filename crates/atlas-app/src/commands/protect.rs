//! `atlas protect`: gives every position the stop it is to have.

use std::collections::BTreeMap;

use anyhow::Result;
use atlas_core::Symbol;
use atlas_exec::TradingState;
use atlas_exec::protection::{Cover, cover};
use serde::Serialize;

use super::{sentences, take_existing};
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::protection;
use crate::seat::Post;

/// The document of the command.
#[derive(Debug, Serialize)]
struct Done {
    state: TradingState,
    acted: bool,
    protected: BTreeMap<Symbol, Cover>,
    bare: BTreeMap<Symbol, Cover>,
}

/// Compares, places what is missing, and says what is protected.
pub(super) async fn protect(mut job: Job) -> Result<()> {
    if job.config.protection.stop_below_bps.is_none() {
        return Err(Failure::error(
            Exit::Refused,
            "no position is to be protected: set protection.stop_below_bps",
        ));
    }
    let unused = format!("account {} has no journal: there is nothing to protect", job.account);
    let hold = take_existing(&job, &unused).await?;
    let mut post = hold.stand(&mut job).await?;
    let result = protect_at(&job, &mut post).await;
    post.desk.close().await;
    result
}

async fn protect_at(job: &Job, post: &mut Post) -> Result<()> {
    let found = post.compare(job).await?;
    let done = protection::restore(&mut post.session, &post.desk, job).await?;
    let state = post.session.trading_state();
    let mut protected = cover(post.session.state());
    protected.retain(|symbol, _| !done.bare.contains_key(symbol));
    let bare = done.bare;
    let body = Done { state, acted: done.acted, protected, bare };
    tell(job, &body, &text(job, &body))?;
    if !found.is_clean() {
        let sentence = format!("account {} is {state}: {}", job.account, sentences(&found));
        return Err(Failure::error(Exit::Paused, sentence));
    }
    match (body.bare.len(), done.held_back) {
        (0, _) => Ok(()),
        (count, Some(why)) => Err(Failure::error(
            Exit::Paused,
            format!("{count} positions of account {} stay without a stop: {why}", job.account),
        )),
        (count, None) => Err(Failure::error(
            Exit::Broker,
            format!("{count} positions of account {} could not be given a stop", job.account),
        )),
    }
}

fn text(job: &Job, done: &Done) -> String {
    let mut out = vec![format!("Account {} is {}.", job.account, done.state)];
    for (symbol, cover) in &done.protected {
        let stop = cover.stop_price.map_or_else(String::new, |stop| format!(" at {stop}"));
        out.push(format!("  protected    {} {symbol}{stop}", cover.protected));
    }
    for (symbol, cover) in &done.bare {
        out.push(format!("  BARE         {} of {} {symbol}", cover.protected, cover.owned));
    }
    if done.protected.is_empty() && done.bare.is_empty() {
        out.push("  nothing is held".to_owned());
    }
    out.join("\n")
}
