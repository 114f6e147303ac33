//! `atlas gate`: what the account has shown for going live.

use std::sync::Arc;

use anyhow::Result;
use atlas_core::Clock as _;
use atlas_core::time::Mode;
use atlas_exec::event::OverrideRecorded;
use atlas_exec::evidence::{self, Heard};
use atlas_exec::peek;
use atlas_exec::ramp::{self, Standing};
use atlas_exec::state::trading_day;
use serde::Serialize;

use super::operate::existing;
use crate::accounts::SystemClock;
use crate::cli::Gate;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat;

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    open: bool,
    gates: &'a [Heard],
    ramp: &'a Standing,
}

/// Records an override if one is asked for, then shows every gate.
pub(super) fn gate(job: &Job, flags: &Gate) -> Result<()> {
    let folder = existing(job, "to judge")?;
    if let (Some(name), Some(why)) = (&flags.put_aside, &flags.why) {
        put_aside(job, name, why, &flags.by)?;
    }
    let state = peek(&folder)?.unwrap_or_default();
    let today = trading_day(SystemClock.now());
    let heard = evidence::hear(&state, today, job.config_hash()?);
    let ramp = ramp::standing(&state, Mode::Live, today);
    let open = heard.iter().all(Heard::lets_through);
    let mut lines: Vec<String> = heard.iter().map(line).collect();
    lines.push(format!("  {:<22} {} stage: {}", "ramp", ramp.stage, ramp.sentence));
    tell(job, &Body { open, gates: &heard, ramp: &ramp }, &lines.join("\n"))?;
    if open {
        return Ok(());
    }
    let shut: Vec<&str> =
        heard.iter().filter(|heard| !heard.lets_through()).map(|h| h.gate.as_str()).collect();
    Err(Failure::error(
        Exit::Refused,
        format!("account {} is not ready for live trading: {}", job.account, shut.join(", ")),
    ))
}

fn line(heard: &Heard) -> String {
    let word = match (heard.passed, &heard.overridden_by) {
        (true, _) => "passed".to_owned(),
        (false, Some(by)) => format!("put aside by {by}"),
        (false, None) => "HOLDS BACK".to_owned(),
    };
    format!("  {:<22} {word}: {}", heard.gate.as_str(), heard.sentence)
}

fn put_aside(job: &Job, name: &str, why: &str, by: &str) -> Result<()> {
    let found = evidence::Gate::ALL.into_iter().find(|gate| gate.as_str() == name);
    let refuse = |sentence: String| Err(Failure::error(Exit::Refused, sentence));
    let Some(gate) = found else {
        return refuse(format!("there is no gate {name}: `atlas gate` shows their names"));
    };
    if gate.is_safety() {
        return refuse(format!("{name} guards safety, and nobody can put it aside"));
    }
    let mut session = seat::open(job, Arc::new(SystemClock))?;
    let recorded = OverrideRecorded {
        what: name.to_owned(),
        from: "holds back".to_owned(),
        to: "put aside".to_owned(),
        by: by.to_owned(),
        why: why.to_owned(),
        config: Some(job.config_hash()?),
    };
    Ok(session.record_override(None, recorded)?)
}
