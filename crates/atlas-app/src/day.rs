//! The limits of the day and its end, looked at whenever books and broker were compared.

use anyhow::Result;
use atlas_core::calendar::Calendar;
use atlas_core::time::{Mode, Timestamp};
use atlas_exec::Session;
use atlas_exec::day::{DayClosed, Quiet};
use atlas_report::incident::{self, Incident, Severity};

use crate::accounts::Desk;
use crate::job::Job;

/// Holds the account to the limits of its day and closes the day if its session is over.
///
/// # Errors
/// As [`Session::heed_limits`] and [`Session::close_day`].
pub(crate) fn look(session: &mut Session, desk: &Desk, job: &Job) -> Result<Option<DayClosed>> {
    session.heed_limits(job.limits()?.get(), job.config.risk.breaker)?;
    let closed = session.close_day(desk.mode(), |day| is_due(job, desk, day))?;
    if let Some(day) = &closed {
        for cause in odd(day) {
            note(session, desk.clock.now(), Severity::Error, cause, "look at the day's records")?;
        }
    }
    Ok(closed)
}

/// Whether a plan was to be carried out in a session: by the schedule of rebalances, on an account
/// in real time. A replay moves from rebalance to rebalance, whichever those are.
fn is_due(job: &Job, desk: &Desk, day: chrono::NaiveDate) -> bool {
    let decided = Calendar::nyse().previous_session(day);
    desk.mode() != Mode::Replay
        && decided.is_ok_and(|session| job.check_schedule(session.date, false).is_ok())
}

/// What a person should look at.
fn odd(day: &DayClosed) -> Vec<String> {
    let mut odd = Vec::new();
    if !day.open_signals.is_empty() {
        let ids: Vec<&str> = day.open_signals.iter().map(atlas_core::SignalId::as_str).collect();
        odd.push(format!("at the end of {} signals had no end: {}", day.day, ids.join(", ")));
    }
    if day.quiet.as_ref().is_some_and(|quiet| !Quiet::holds(quiet)) {
        odd.push(format!(
            "nothing was executed on {}, and yet gains, fees or positions changed",
            day.day
        ));
    }
    odd
}

/// Writes a line of `incidents.jsonl`.
pub(crate) fn note(
    session: &Session,
    at: Timestamp,
    severity: Severity,
    cause: String,
    action: &str,
) -> Result<()> {
    let Some(folder) = session.folder() else { return Ok(()) };
    let incident = Incident { at, severity, cause, action: action.to_owned() };
    Ok(incident::append(folder.root(), &incident)?)
}

/// A closed day in one sentence.
pub(crate) fn sentence(day: &DayClosed) -> String {
    let verdict = if day.clean { "clean" } else { "NOT clean" };
    let traded = match &day.quiet {
        Some(quiet) if quiet.holds() => {
            format!("nothing executed ({}), nothing changed by it", quiet.reason)
        }
        Some(quiet) => format!("nothing executed ({}), and yet something CHANGED", quiet.reason),
        None => format!(
            "{} executions of {} orders, {} USD traded, {} USD realised",
            day.fills, day.orders, day.traded, day.realised
        ),
    };
    let breaker = match day.breaker {
        atlas_exec::day::BreakerSeen::NotObserved => "the circuit breaker was not observed",
        atlas_exec::day::BreakerSeen::Fired => "the circuit breaker FIRED",
    };
    format!("{} closed, {verdict}: {traded}; {breaker}", day.day)
}
