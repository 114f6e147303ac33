//! `atlas watchdog`: stops an account whose process falls silent.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use atlas_broker::beacon::Beacon;
use atlas_core::Clock as _;
use atlas_exec::folder::{AccountFolder, Fence};
use atlas_exec::kill::{self, Scope, Suspension};
use atlas_exec::watchdog::{Sight, look};
use atlas_exec::{Timer as _, TokioTimer};
use atlas_report::incident::{self, Incident, Severity};
use chrono::TimeDelta;
use serde::Serialize;

use super::operate::existing;
use super::schedule;
use crate::accounts::{self, SystemClock};
use crate::cli::Watchdog;
use crate::config::{AccountConfig, AlpacaConfig};
use crate::document::tell;
use crate::exit::{Exit, Failure, code_of};
use crate::job::Job;

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a deed that was done or not")]
struct Body<'a> {
    #[serde(flatten)]
    sight: &'a Sight,
    alarm: bool,
    canceled: usize,
    suspended: bool,
}

/// Looks until it is stopped, or once. An alarm ends nothing: what could not be canceled is tried
/// again, and whatever happens after somebody has let the account go on is noticed as well.
pub(super) async fn watchdog(job: &Job, flags: &Watchdog) -> Result<()> {
    let folder = existing(job, "to watch over")?;
    let AccountConfig::Alpaca(config) = &job.place else {
        return Err(Failure::error(
            Exit::Refused,
            "the embedded venue lives and stands still with the process that holds it: a watchdog \
             needs a broker of its own to ask",
        ));
    };
    let ping = flags.ping.as_deref().map(|text| Ping::of(text, job.timeout())).transpose()?;
    let silence = TimeDelta::seconds(flags.silence.into());
    let (mut told, mut blind, mut stop) = (None, None, Stop::default());
    loop {
        let now = SystemClock.now();
        let sight = match look(&folder, now, silence, schedule::hours(job)) {
            Ok(sight) => {
                blind = None;
                sight
            }
            Err(error) if flags.once => return Err(error.into()),
            Err(error) => {
                let since = *blind.get_or_insert(now);
                tracing::error!(%error, "the account could not be looked at");
                if now - since <= silence {
                    TokioTimer.sleep(Duration::from_secs(flags.interval.into())).await;
                    continue;
                }
                Sight::Blind { since, problem: error.to_string() }
            }
        };
        if sight.is_alarm() {
            stop.hold(job, flags, &folder, config, &sight).await?;
            TokioTimer.sleep(Duration::from_secs(flags.interval.into())).await;
            continue;
        }
        stop = Stop::default();
        if sight.is_late() {
            if told.as_ref() != Some(&sight) {
                tell_late(job, flags, &folder, &sight)?;
            }
            told = Some(sight);
            // Without a ping somebody else notices, too.
            TokioTimer.sleep(Duration::from_secs(flags.interval.into())).await;
            continue;
        }
        told = None;
        tracing::info!(%sight, "all is well");
        if let Some(ping) = &ping
            && let Err(error) = ping.send().await
        {
            tracing::warn!(%error, "the ping did not go out");
        }
        if flags.once {
            let body = Body { sight: &sight, alarm: false, canceled: 0, suspended: false };
            return tell(job, &body, &format!("Account {}: {sight}.", job.account));
        }
        TokioTimer.sleep(Duration::from_secs(flags.interval.into())).await;
    }
}

/// What should have been done was not: nothing has to be stopped, and a person is told, once.
///
/// # Errors
/// [`Exit::Alarm`] if that was all that was asked for.
fn tell_late(job: &Job, flags: &Watchdog, folder: &AccountFolder, sight: &Sight) -> Result<()> {
    let sentence = format!("account {}: {sight}", job.account);
    let (at, cause) = (SystemClock.now(), sight.to_string());
    let action = "nothing was stopped: see whether `atlas schedule` runs".to_owned();
    let incident = Incident { at, severity: Severity::Error, cause, action };
    let noted = incident::append(folder.root(), &incident);
    run_hook(flags, &sentence);
    noted?;
    if !flags.once {
        tracing::error!("{sentence}");
        return Ok(());
    }
    let body = Body { sight, alarm: false, canceled: 0, suspended: false };
    tell(job, &body, &sentence)?;
    Err(Failure::error(Exit::Alarm, sentence))
}

fn run_hook(flags: &Watchdog, sentence: &str) {
    let hooked = flags.hook.as_ref().map(|hook| Command::new(hook).arg(sentence).status());
    if let Some(Err(error)) = hooked {
        tracing::error!(%error, "the hook could not be run");
    }
}

/// How far an account has been stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stop {
    /// It has not been.
    #[default]
    Not,
    /// The fence is up and it was told; entries may be left.
    Told,
    /// No entry was left at the last look.
    Clear,
}

impl Stop {
    /// Stops the account if that is new or somebody has let it go on, and cancels until nothing is
    /// left to be canceled.
    ///
    /// # Errors
    /// [`Exit::Alarm`] if one look was all that was asked for; an incident that cannot be written.
    async fn hold(
        &mut self,
        job: &Job,
        flags: &Watchdog,
        folder: &AccountFolder,
        config: &AlpacaConfig,
        sight: &Sight,
    ) -> Result<()> {
        // A fence of which nobody can tell is raised again: that costs nothing.
        let stands = Fence::of(folder).check().is_ok_and(|note| note.is_some());
        if *self == Self::Not || !stands {
            *self = Self::Told;
            return match alarm(job, flags, folder, config, sight).await {
                Err(error) if flags.once || code_of(&error) != Exit::Alarm => Err(error),
                Err(error) => {
                    tracing::error!("{error:#}");
                    Ok(())
                }
                Ok(()) => Ok(()),
            };
        }
        if *self == Self::Told {
            let again = match accounts::open_to_stop(job, config).await {
                Ok(desk) => kill::cancel(desk.broker(), Scope::Entries).await.map_err(Into::into),
                Err(error) => Err(error),
            };
            match again {
                Ok((canceled, failed)) if canceled.is_empty() && failed.is_empty() => {
                    *self = Self::Clear;
                }
                Ok(_) => {}
                Err(error) => tracing::error!("entries could not be canceled: {error:#}"),
            }
        }
        Ok(())
    }
}

/// Fence, suspension, cancels, incident, hook: each whatever became of the one before.
async fn alarm(
    job: &Job,
    flags: &Watchdog,
    folder: &AccountFolder,
    config: &AlpacaConfig,
    sight: &Sight,
) -> Result<()> {
    let (now, why) = (SystemClock.now(), sight.to_string());
    let fence = Fence::of(folder);
    let raised = kill::raise(&fence, "watchdog", &why, now);
    let stopped = match accounts::open_to_stop(job, config).await {
        Ok(desk) => {
            let killed =
                kill::kill(&fence, desk.broker(), Scope::Entries, "watchdog", &why, now).await;
            killed.context("entries could not be canceled")
        }
        Err(error) => Err(error),
    };
    let action = match (&raised, &stopped) {
        (Ok(()), Ok(killed)) => {
            format!("the fence is up, {} entries canceled", killed.canceled.len())
        }
        (Ok(()), Err(error)) => format!("the fence is up; {error:#}"),
        (Err(error), _) => format!("the fence is NOT up: {error}"),
    };
    let incident =
        Incident { at: now, severity: Severity::Critical, cause: why, action: action.clone() };
    let noted = incident::append(folder.root(), &incident);
    let sentence = format!("account {}: {sight}; {action}", job.account);
    run_hook(flags, &sentence);
    let body = Body {
        sight,
        alarm: true,
        canceled: stopped.as_ref().map_or(0, |killed| killed.canceled.len()),
        suspended: stopped.as_ref().is_ok_and(|killed| killed.suspension == Suspension::Set),
    };
    tell(job, &body, &sentence)?;
    noted?;
    Err(Failure::error(Exit::Alarm, sentence))
}

/// Where signs of the watchdog's own life go.
enum Ping {
    File(std::path::PathBuf),
    Address(Beacon),
}

impl Ping {
    fn of(text: &str, timeout: Duration) -> Result<Self> {
        if !text.contains("://") {
            return Ok(Self::File(text.into()));
        }
        let refused = |error: atlas_broker::Error| {
            let sentence =
                format!("--ping takes a file, an http:// or an https:// address: {error}");
            Failure::error(Exit::Usage, sentence)
        };
        Ok(Self::Address(Beacon::new(text, timeout).map_err(refused)?))
    }

    async fn send(&self) -> Result<()> {
        match self {
            Self::File(path) => Ok(std::fs::write(path, format!("{}\n", SystemClock.now()))?),
            Self::Address(beacon) => Ok(beacon.ping().await?),
        }
    }
}
