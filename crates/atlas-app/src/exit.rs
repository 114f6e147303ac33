//! The one table of exit codes.

use std::process::ExitCode;

/// How a run ended, as a process tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The job is done, or there was nothing to do and the output says why.
    Done = 0,
    /// Something Atlas has no name for went wrong.
    Internal = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The configuration is wrong.
    Config = 3,
    /// The market data are missing, malformed, stale or too short, or no regime can be inferred.
    Data = 4,
    /// The state directory is locked, not writable or corrupt.
    State = 5,
    /// The broker or venue cannot be reached, does not answer or refuses the credentials.
    Broker = 6,
    /// Atlas is paused or halted, or books and broker disagree: nothing new is sent.
    Paused = 7,
    /// The request is understood and refused: a date before the account's clock, an override in
    /// live mode, a plan that is not approved, or whose approval no longer holds.
    Refused = 8,
    /// A decision computed again from its stored inputs is not the journaled one, or two courses
    /// that should be one are not.
    Differs = 9,
    /// The watchdog has stopped an account whose process fell silent.
    Alarm = 10,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// The table as the command line's help shows it.
pub(crate) const TABLE: &str = "\
Exit codes:
  0  done, or nothing to do (the output says why)
  1  internal error
  2  the command line is wrong
  3  the configuration is wrong
  4  market data missing, malformed, stale or too short; no regime
  5  the state directory is locked, not writable or corrupt
  6  the broker or venue cannot be reached, does not answer, or refuses the credentials
  7  paused or halted, or books and broker disagree: nothing new is sent
  8  understood and refused (date before the account's clock, plan not approved, ...)
  9  a decision computed again, or a course held against another, came out differently
  10 the watchdog has stopped an account whose process fell silent";

/// An error that knows its exit code.
#[derive(Debug, thiserror::Error)]
#[error("{sentence}")]
pub(crate) struct Failure {
    /// How the process ends.
    pub(crate) exit: Exit,
    /// What, where, and what to do about it.
    pub(crate) sentence: String,
}

impl Failure {
    /// A failure in one sentence.
    pub(crate) fn error(exit: Exit, sentence: impl Into<String>) -> anyhow::Error {
        Self { exit, sentence: sentence.into() }.into()
    }
}

/// The exit code of an error: that of the innermost cause with a known one.
pub(crate) fn code_of(error: &anyhow::Error) -> Exit {
    error.chain().find_map(code_of_cause).unwrap_or(Exit::Internal)
}

fn code_of_cause(cause: &(dyn std::error::Error + 'static)) -> Option<Exit> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return Some(failure.exit);
    }
    if let Some(error) = cause.downcast_ref::<atlas_exec::Error>() {
        return of_exec(error);
    }
    if let Some(error) = cause.downcast_ref::<atlas_venue::Error>() {
        return of_venue(error);
    }
    if let Some(error) = cause.downcast_ref::<atlas_broker::Error>() {
        return Some(of_broker(error));
    }
    if let Some(error) = cause.downcast_ref::<atlas_engine::Error>() {
        return of_engine(error);
    }
    if let Some(error) = cause.downcast_ref::<atlas_core::Error>() {
        return of_core(error);
    }
    if cause.is::<atlas_data::Error>() || cause.is::<atlas_regime::Error>() {
        return Some(Exit::Data);
    }
    cause.is::<atlas_report::Error>().then_some(Exit::State)
}

// In the following, `None` leaves the word to the error's own cause. Libraries may add errors: the
// rest of each has one meaning for a process, so a wildcard is meant.

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest has one meaning")]
fn of_exec(error: &atlas_exec::Error) -> Option<Exit> {
    use atlas_exec::Error as E;
    match error {
        E::Broker { .. } | E::Core(_) => None,
        E::NotPermitted { .. } => Some(Exit::Paused),
        E::Differs { .. } => Some(Exit::Differs),
        E::Desk(_) => Some(Exit::Config),
        E::WrongAccount { .. }
        | E::Busy { .. }
        | E::PendingDecision { .. }
        | E::NoSuchDecision { .. }
        | E::NoSuchPlan { .. }
        | E::Approval { .. }
        | E::Unexplained { .. }
        | E::TestOnly
        | E::Adopt { .. } => Some(Exit::Refused),
        _ => Some(Exit::State),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest has one meaning")]
fn of_venue(error: &atlas_venue::Error) -> Option<Exit> {
    use atlas_venue::Error as E;
    match error {
        E::Core(_) => None,
        E::ClockBackwards { .. } => Some(Exit::Refused),
        E::NotListed { .. } | E::ListedTwice { .. } => Some(Exit::Data),
        E::Setting { .. } | E::NotLoopback { .. } => Some(Exit::Config),
        E::Listen { .. } => Some(Exit::Broker),
        _ => Some(Exit::State),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest has one meaning")]
const fn of_broker(error: &atlas_broker::Error) -> Exit {
    use atlas_broker::Error as E;
    match error {
        E::Address { .. } | E::Setup { .. } => Exit::Config,
        E::NoBars { .. } | E::Published { .. } | E::Cache { .. } => Exit::Data,
        _ => Exit::Broker,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest has one meaning")]
fn of_engine(error: &atlas_engine::Error) -> Option<Exit> {
    use atlas_engine::Error as E;
    match error {
        E::Regime { .. } | E::Risk(_) | E::Core(_) => None,
        E::Policy { .. } | E::Detector(_) | E::Strategy(_) => Some(Exit::Config),
        E::OverrideInLive | E::Unmanaged { .. } | E::NoEquity { .. } => Some(Exit::Refused),
        _ => Some(Exit::Data),
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the rest has one meaning")]
const fn of_core(error: &atlas_core::Error) -> Option<Exit> {
    use atlas_core::Error as E;
    match error {
        E::NotASession { .. } | E::CalendarRange { .. } | E::BadBar { .. } => Some(Exit::Data),
        _ => None,
    }
}
