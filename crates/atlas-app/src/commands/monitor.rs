//! `atlas monitor`: orders until they have ended, from beside the process that trades.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use atlas_core::{ClientOrderId, Clock as _, DecisionId};
use atlas_exec::folder::AccountFolder;
use atlas_exec::monitor::{CSV_HEAD, Ended, Monitor as Watch, More, Sighting};
use atlas_exec::state::State;
use atlas_exec::{Error, TokioTimer, peek};
use serde::Serialize;

use super::operate::existing;
use crate::accounts::{self, SystemClock};
use crate::cli::Monitor;
use crate::config::AccountConfig;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render;

/// What is watched.
enum Subject {
    Order(ClientOrderId),
    Plan(DecisionId),
}

/// Watches until everything has ended.
pub(super) async fn monitor(job: &Job, flags: &Monitor) -> Result<()> {
    let folder = existing(job, "to watch")?;
    let AccountConfig::Alpaca(config) = &job.place else {
        return Err(Failure::error(
            Exit::Refused,
            "orders at the embedded venue end within the run that sends them: `atlas why` tells \
             what became of them",
        ));
    };
    let state = peek(&folder)?.unwrap_or_default();
    let subject = subject(&state, &flags.what)?;
    let desk = accounts::open_to_stop(job, config).await?;
    let (path, mut audit) = audit(&folder, flags)?;
    let watch = Watch {
        broker: desk.broker(),
        timer: &TokioTimer,
        clock: &SystemClock,
        poll: Duration::from_secs(flags.poll.into()),
        most: flags.timeout.map(|seconds| Duration::from_secs(seconds.into())),
        bookmark: state.bookmark().cloned(),
    };
    let mut seen = Vec::new();
    let mut tell_one = |sighting: &Sighting| {
        let told = show(job, &mut audit, sighting);
        seen.push(sighting.clone());
        told.map_err(|source| Error::Io { doing: "write", path: path.clone(), source })
    };
    let ended = watch.watch(&mut || orders(&folder, &subject), &mut tell_one).await?;
    finish(job, ended, &path, &seen)
}

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    ended: Ended,
    csv: &'a Path,
    sightings: &'a [Sighting],
}

fn finish(job: &Job, ended: Ended, path: &Path, seen: &[Sighting]) -> Result<()> {
    let text = match ended {
        Ended::Terminal => format!("Everything has ended; the audit is {}.", path.display()),
        Ended::TimeOver => format!("Not everything has ended; the audit is {}.", path.display()),
    };
    tell(job, &Body { ended, csv: path, sightings: seen }, &text)
}

/// Which orders may be at the broker by now.
fn orders(folder: &AccountFolder, subject: &Subject) -> Result<(Vec<ClientOrderId>, More), Error> {
    let id = match subject {
        Subject::Order(id) => return Ok((vec![id.clone()], More::No)),
        Subject::Plan(id) => *id,
    };
    let state = peek(folder)?.unwrap_or_default();
    let decision = state.decisions().get(&id).ok_or(Error::NoSuchDecision { id })?;
    let sent = decision.planned.legs.iter().filter(|leg| state.orders().contains_key(leg.id()));
    let more = if decision.is_pending() { More::Yes } else { More::No };
    Ok((sent.map(|leg| leg.id().clone()).collect(), more))
}

fn subject(state: &State, what: &str) -> Result<Subject> {
    let unknown = || {
        let sentence = format!(
            "the journal knows no order, plan or decision {what}: `atlas status` names what is pending"
        );
        Failure::error(Exit::Refused, sentence)
    };
    if let Ok(id) = what.parse::<ClientOrderId>()
        && id.is_ours()
    {
        return if state.orders().contains_key(&id) {
            Ok(Subject::Order(id))
        } else {
            Err(unknown())
        };
    }
    let by_hash = |hash: &str| {
        let mut latest = state.decisions().values().rev();
        latest.find(|decision| {
            hash.len() >= 8 && decision.planned.plan_hash.to_string().starts_with(hash)
        })
    };
    let by_number = |text: &str| state.decisions().get(&DecisionId(text.parse().ok()?));
    let decision = by_hash(what).or_else(|| by_number(what)).ok_or_else(unknown)?;
    Ok(Subject::Plan(decision.planned.decision_id))
}

/// A new file for the audit, with its head.
fn audit(folder: &AccountFolder, flags: &Monitor) -> Result<(PathBuf, File)> {
    let path = if let Some(path) = &flags.csv {
        path.clone()
    } else {
        let place = folder.root().join("monitor");
        fs::create_dir_all(&place)?;
        let stamp = SystemClock.now().format("%Y%m%dT%H%M%S%6fZ");
        place.join(format!("{}-{stamp}.csv", flags.what))
    };
    let file = OpenOptions::new().create_new(true).write(true).open(&path);
    let mut file = file.map_err(|error| {
        Failure::error(
            Exit::Refused,
            format!("{} cannot be made ({error}): name a new file", path.display()),
        )
    })?;
    writeln!(file, "{CSV_HEAD}")?;
    Ok((path, file))
}

fn show(job: &Job, audit: &mut File, sighting: &Sighting) -> std::io::Result<()> {
    writeln!(audit, "{}", sighting.csv())?;
    if !job.json {
        let status = sighting.status.map_or("not at the broker", |status| status.as_str());
        let (at, id) = (sighting.at.format("%T"), &sighting.client_order_id);
        let line = format!("{at} {id} is {status}, {} filled\n", sighting.filled_qty);
        // Nobody reading is no reason to stop the audit.
        drop(render::print(&line));
    }
    Ok(())
}
