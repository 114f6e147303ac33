//! `atlas schedule`: the ordering of the day, done by the clock.

use std::time::Duration;

use anyhow::Result;
use atlas_core::Clock as _;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_exec::agenda::{self, Done, Due, Hours, Task};
use atlas_exec::folder::{AccountFolder, Heartbeat};
use atlas_exec::{Timer as _, TokioTimer, peek};
use atlas_report::incident::{self, Incident, Severity};

use super::rebalance::{self, Extent};
use super::{check, execute, operate, protect, shadow};
use crate::accounts::SystemClock;
use crate::cli::{Common, Decide, ScheduleFlags};
use crate::exit::{Exit, Failure, code_of};
use crate::job::Job;
use crate::render;
use crate::serve::Stop;

/// Longest time between two looks at the journal: a person may have approved a plan meanwhile.
const LOOK: Duration = Duration::from_mins(1);

/// Does what is due until it is stopped, or once.
pub(super) async fn schedule(common: Common, flags: &ScheduleFlags) -> Result<()> {
    let job = Job::new("schedule", common.clone())?;
    if job.is_replay() {
        return Err(Failure::error(
            Exit::Refused,
            "the embedded venue has a clock of its own: `atlas rebalance` moves it; a schedule needs \
             an account in real time",
        ));
    }
    if flags.once {
        return keep(&job, &common, true).await;
    }
    let beat = Heartbeat::of_schedule(&AccountFolder::new(&job.state_dir, &job.account));
    let mut stop = Stop::listen()?;
    let kept = tokio::select! {
        kept = keep(&job, &common, false) => kept,
        () = stop.wait() => Ok(()),
    };
    // Whoever watches is told that this end was meant; a process that dies tells nobody.
    beat.end()?;
    kept
}

/// The schedule, over and over or once.
async fn keep(job: &Job, common: &Common, once: bool) -> Result<()> {
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    let beat = Heartbeat::of_schedule(&folder);
    let mut done = Done::default();
    let mut failures = Failures::default();
    loop {
        if !once && folder.root().is_dir() {
            beat.beat(SystemClock.now())?;
        }
        let due = match next(job, done) {
            // A journal that cannot be read now may be read in a minute; nobody else would look.
            Err(error) if !once => {
                failures.tell(job, None, &error)?;
                rest_alive(&beat, LOOK).await?;
                continue;
            }
            due => due?,
        };
        match due {
            Due::Now(task) if !once && failures.rest_of(task, SystemClock.now()).is_some() => {
                let rest = failures.rest_of(task, SystemClock.now()).unwrap_or_default();
                // Something else may come due meanwhile, such as a window that opens.
                rest_alive(&beat, rest.min(LOOK)).await?;
            }
            Due::Now(task) => {
                let work = Box::pin(carry_out(task, common));
                let result = if once { work.await } else { while_alive(&beat, work).await };
                if once {
                    return result;
                }
                if is_settled(task, &result) {
                    note_tried(&mut done, task)?;
                }
                match result {
                    Ok(()) => failures.forget(task),
                    Err(error) => failures.tell(job, Some(task), &error)?,
                }
            }
            Due::At(at) if once => {
                return render::print(&format!(
                    "Nothing is due for account {} before {at}.\n",
                    job.account
                ));
            }
            Due::At(at) => {
                let rest = (at - SystemClock.now()).to_std().unwrap_or_default();
                TokioTimer.sleep(rest.min(LOOK).max(Duration::from_secs(1))).await;
            }
        }
    }
}

/// Does something, with a sign of life every minute.
async fn while_alive<T>(beat: &Heartbeat, mut work: impl Future<Output = T> + Unpin) -> T {
    loop {
        tokio::select! {
            done = &mut work => return done,
            () = TokioTimer.sleep(LOOK) => {
                // The watchdog will notice a sign that is missing; the work does not depend on it.
                if let Err(error) = beat.beat(SystemClock.now()) {
                    tracing::warn!(%error, "no sign of life could be given");
                }
            }
        }
    }
}

/// Waits, with a sign of life every minute.
async fn rest_alive(beat: &Heartbeat, mut rest: Duration) -> Result<()> {
    while !rest.is_zero() {
        beat.beat(SystemClock.now())?;
        let part = rest.min(LOOK);
        TokioTimer.sleep(part).await;
        rest -= part;
    }
    Ok(())
}

/// Whether a task that leaves no mark in the journal is over for now: it was done, or what it said
/// does not change by trying again. A broker or data that cannot be reached are tried again, with
/// growing pauses, until the next opening.
fn is_settled(task: Task, result: &Result<()>) -> bool {
    let said = |error| matches!(code_of(error), Exit::Refused | Exit::Config | Exit::Usage);
    task == Task::Protect || result.as_ref().err().is_none_or(said)
}

/// The failure that repeats itself, how often it has, and until when its task rests.
#[derive(Debug, Default)]
struct Failures {
    cause: String,
    times: u32,
    rests: Option<(Task, Timestamp)>,
}

impl Failures {
    /// Tells a failure unless it was told last, and lets its task rest.
    fn tell(&mut self, job: &Job, task: Option<Task>, error: &anyhow::Error) -> Result<()> {
        let what = task.map_or_else(|| "Agenda".to_owned(), |task| format!("{task:?}"));
        let (new, rest) = self.note(&format!("{what}: {error:#}"));
        self.rests = task.map(|task| (task, SystemClock.now() + rest));
        if new { tell_failure(job, &what, error) } else { Ok(()) }
    }

    /// How long a task still rests.
    fn rest_of(&self, task: Task, now: Timestamp) -> Option<Duration> {
        let (_, until) = self.rests.filter(|(resting, _)| *resting == task)?;
        (until - now).to_std().ok().filter(|rest| !rest.is_zero())
    }

    /// A task that was done has no failure any more.
    fn forget(&mut self, task: Task) {
        if self.rests.is_none_or(|(resting, _)| resting == task) {
            *self = Self::default();
        }
    }

    /// Whether a failure is another one than the last, and how long to wait before the next try:
    /// a minute, doubled each time up to eight, since a session's window is open for hours.
    fn note(&mut self, cause: &str) -> (bool, Duration) {
        let new = self.cause != cause;
        self.times = if new { 0 } else { self.times.saturating_add(1) };
        cause.clone_into(&mut self.cause);
        (new, LOOK * 2_u32.pow(self.times.min(3)))
    }
}

fn next(job: &Job, done: Done) -> Result<Due> {
    let state = peek(&AccountFolder::new(&job.state_dir, &job.account))?.unwrap_or_default();
    Ok(agenda::due(&state, SystemClock.now(), hours(job), done)?)
}

/// When things are due by the configuration.
pub(super) fn hours(job: &Job) -> Hours {
    let (execution, schedule) = (&job.config.execution, &job.config.schedule);
    Hours {
        check_before_open_min: schedule.check_before_open_min,
        start_after_open_min: execution.start_after_open_min,
        stop_before_close_min: execution.stop_before_close_min,
        end_after_close_min: schedule.end_after_close_min,
        decide: schedule.decide,
        protect: job.config.protection.stop_below_bps.is_some(),
    }
}

/// What leaves no mark in the journal is remembered here, so that it is done once.
fn note_tried(done: &mut Done, task: Task) -> Result<()> {
    let now: Timestamp = SystemClock.now();
    let last = Calendar::nyse().last_closed(now)?.date;
    match task {
        Task::Check => done.checked = Some(Calendar::nyse().next_session(last)?.date),
        Task::Decide => done.decided = Some(last),
        Task::Protect => done.protected = Some(now),
        Task::Execute | Task::Compare | Task::EndOfDay => {}
    }
    Ok(())
}

async fn carry_out(task: Task, common: &Common) -> Result<()> {
    let common = common.clone();
    match task {
        Task::Check => Box::pin(check::check(Job::new("check", common)?)).await,
        Task::Execute => Box::pin(execute::execute(Job::new("execute", common)?)).await,
        Task::Compare => Box::pin(operate::reconcile(Job::new("reconcile", common)?, None)).await,
        Task::EndOfDay => {
            // A plan that was under way ends with its session, and only then the day is closed. It
            // buys nothing, so it asks for no more than a comparison does.
            let mut job = Job::new("reconcile", common.clone())?;
            let ended = Box::pin(execute::end_overdue(&mut job)).await;
            let reconcile = Job::new("reconcile", common.clone())?;
            let compared = Box::pin(operate::reconcile(reconcile, None)).await;
            // What is held is protected whatever becomes of the shadow.
            let shadowed = keep_shadow(&common);
            ended.and(compared).and(keep_protected(common).await).and(shadowed)
        }
        Task::Protect => keep_protected(common).await,
        Task::Decide => {
            let flags =
                Decide { dry_run: false, force: false, universe: None, top_n: None, regime: None };
            let job = Job::new("rebalance", common.clone())?;
            Box::pin(rebalance::rebalance(job, flags, Extent::Execute)).await?;
            keep_shadow(&common)
        }
    }
}

/// Keeps the shadow's book and the day's report after every decision and every end of a day. A
/// shadow that cannot be kept is an incident and holds nothing back.
fn keep_shadow(common: &Common) -> Result<()> {
    let job = Job::new("shadow", common.clone())?;
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    if peek(&folder)?.is_none_or(|state| state.decisions().is_empty()) {
        return Ok(());
    }
    shadow::shadow(&job).or_else(|error| {
        let cause = format!("the shadow could not be kept: {error:#}");
        let (at, action) =
            (SystemClock.now(), "the schedule goes on; see `atlas shadow`".to_owned());
        let incident = Incident { at, severity: Severity::Warning, cause, action };
        Ok(incident::append(folder.root(), &incident)?)
    })
}

/// Gives positions the stops they lack, where any are to have one.
async fn keep_protected(common: Common) -> Result<()> {
    let job = Job::new("protect", common)?;
    if job.config.protection.stop_below_bps.is_none() {
        return Ok(());
    }
    Box::pin(protect::protect(job)).await
}

/// A failure is an incident and a sentence; the schedule goes on.
fn tell_failure(job: &Job, task: &str, error: &anyhow::Error) -> Result<()> {
    let cause = format!("{task} of the schedule ended with {}: {error:#}", code_of(error) as u8);
    tracing::error!("{cause}");
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    if folder.root().is_dir() {
        let (at, action) = (SystemClock.now(), "the schedule goes on".to_owned());
        let incident = Incident { at, severity: Severity::Error, cause, action };
        incident::append(folder.root(), &incident)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_that_repeats_itself_is_told_once_and_tried_less_often() {
        let mut failures = Failures::default();
        let minutes = |rest: Duration| rest.as_secs() / 60;
        let told: Vec<(bool, u64)> = (0..5)
            .map(|_| failures.note("Execute: stale"))
            .map(|(new, rest)| (new, minutes(rest)))
            .collect();
        assert_eq!(told, [(true, 1), (false, 2), (false, 4), (false, 8), (false, 8)]);
        let (new, rest) = failures.note("Execute: the broker is down");
        assert!(new && minutes(rest) == 1);
    }

    #[test]
    fn what_fails_in_passing_is_tried_again_and_holds_up_nothing_else() {
        let failed = |exit| Err(Failure::error(exit, "a test"));
        for task in [Task::Decide, Task::Check] {
            assert!(is_settled(task, &Ok(())));
            assert!(is_settled(task, &failed(Exit::Refused)));
            assert!(is_settled(task, &failed(Exit::Config)));
            for passing in [Exit::Broker, Exit::Data, Exit::State, Exit::Paused] {
                assert!(!is_settled(task, &failed(passing)), "{task:?} {passing:?}");
            }
        }
        // It has a pause of its own.
        assert!(is_settled(Task::Protect, &failed(Exit::Broker)));
        let now: Timestamp = "2019-01-03T15:30:00Z".parse().unwrap();
        let mut failures = Failures {
            rests: Some((Task::Compare, now + chrono::TimeDelta::minutes(8))),
            ..Failures::default()
        };
        assert_eq!(failures.rest_of(Task::Compare, now), Some(Duration::from_mins(8)));
        assert_eq!(failures.rest_of(Task::Execute, now), None);
        failures.forget(Task::Execute);
        assert!(failures.rest_of(Task::Compare, now).is_some());
        assert_eq!(failures.rest_of(Task::Compare, now + chrono::TimeDelta::minutes(8)), None);
        failures.forget(Task::Compare);
        assert_eq!(failures.rest_of(Task::Compare, now), None);
    }
}
