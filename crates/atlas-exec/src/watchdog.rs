//! The watchdog: notices, from a process and a connection of its own, that whoever trades has
//! fallen silent, and stops the account.

use std::fmt;

use atlas_core::DecisionId;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};
use serde::Serialize;

use crate::agenda::{self, Done, Due, Hours, Task};
use crate::error::Error;
use crate::folder::{AccountFolder, AccountLock, Heartbeat, Holder};
use crate::peek::peek;
use crate::state::State;

/// What the watchdog sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "sight", rename_all = "snake_case")]
pub enum Sight {
    /// Nobody works on the account, and nothing is under way.
    Idle,
    /// Somebody works on it and gives signs of life.
    Alive {
        /// Who.
        holder: Holder,
        /// The last sign.
        last: Timestamp,
    },
    /// Somebody holds it and gives none.
    Silent {
        /// Who.
        holder: Holder,
        /// The last sign; `None` if there never was one.
        last: Option<Timestamp>,
    },
    /// The process that keeps the schedule gives no sign of life, and has not ended as it should.
    Unscheduled {
        /// The last sign.
        last: Timestamp,
    },
    /// An approved plan is to be carried out, and nobody has begun.
    Overdue {
        /// The decision.
        decision_id: DecisionId,
    },
    /// A session is over, and books and broker were not compared since.
    Unclosed {
        /// The trading day.
        day: NaiveDate,
    },
    /// Nobody has been able to tell for longer than silence may last.
    Blind {
        /// Since when.
        since: Timestamp,
        /// What is in the way.
        problem: String,
    },
    /// A plan is under way, and nobody works on it.
    Abandoned {
        /// The decision.
        decision_id: DecisionId,
        /// When the journal was last written.
        last: Timestamp,
    },
}

impl Sight {
    /// Whether the account is to be stopped.
    #[must_use]
    pub const fn is_alarm(&self) -> bool {
        matches!(
            self,
            Self::Silent { .. }
                | Self::Abandoned { .. }
                | Self::Unscheduled { .. }
                | Self::Blind { .. }
        )
    }

    /// Whether a person is to be told, though there is nothing to be stopped: what should have been
    /// done was not.
    #[must_use]
    pub const fn is_late(&self) -> bool {
        matches!(self, Self::Overdue { .. } | Self::Unclosed { .. })
    }
}

impl fmt::Display for Sight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle => f.write_str("nobody works on the account, and nothing is under way"),
            Self::Alive { holder, last } => write!(f, "{holder} works on it, last seen {last}"),
            Self::Silent { holder, last: Some(last) } => {
                write!(f, "{holder} holds the account and has been silent since {last}")
            }
            Self::Silent { holder, last: None } => {
                write!(f, "{holder} holds the account and has given no sign of life")
            }
            Self::Unscheduled { last } => {
                write!(f, "the process that keeps the schedule has been silent since {last}")
            }
            Self::Blind { since, problem } => {
                write!(
                    f,
                    "nobody can tell since {since} whether the account is looked after: {problem}"
                )
            }
            Self::Overdue { decision_id } => write!(
                f,
                "decision {decision_id} is approved and to be carried out now, and nobody has begun"
            ),
            Self::Unclosed { day } => write!(
                f,
                "the session of {day} is over, and books and broker were not compared since"
            ),
            Self::Abandoned { decision_id, last } => write!(
                f,
                "decision {decision_id} is under way, and nobody has worked on it since {last}"
            ),
        }
    }
}

/// Looks once. Silence of up to `silence` is no alarm; a holder that has just come gets as long for
/// its first sign. What the schedule of `hours` has due may be late by [`LATE`], or by the silence
/// where that is longer; a day that is not closed counts where a schedule is kept.
///
/// # Errors
/// [`Error::Io`] if nobody can tell who holds the account; as [`peek`] for a journal that cannot be
/// trusted.
pub fn look(
    folder: &AccountFolder,
    now: Timestamp,
    silence: TimeDelta,
    hours: Hours,
) -> Result<Sight, Error> {
    let beat = Heartbeat::of(folder).last();
    if let Some(holder) = AccountLock::holder(folder)? {
        // One without a name has not even read the journal, so it cannot send: it has just come.
        if holder.pid == 0 {
            return Ok(Sight::Alive { holder, last: now });
        }
        // A sign that another process has left says nothing of this one.
        let last = beat.filter(|beat| beat.pid == holder.pid).map(|beat| beat.at);
        return Ok(match last {
            Some(last) if now - last <= silence => Sight::Alive { holder, last },
            None if now - holder.since <= silence => {
                let last = holder.since;
                Sight::Alive { holder, last }
            }
            last => Sight::Silent { holder, last },
        });
    }
    let Some(state) = peek(folder)? else { return Ok(Sight::Idle) };
    let last = state.last().unwrap_or_default();
    let begun = state.pending().filter(|pending| pending.started.is_some());
    if let Some(pending) = begun.filter(|_| now - last > silence) {
        return Ok(Sight::Abandoned { decision_id: pending.planned.decision_id, last });
    }
    let schedule = Heartbeat::of_schedule(folder).last();
    // It gives a sign once a minute, and while it computes none at all.
    let patience = silence + TimeDelta::minutes(5);
    if let Some(beat) = schedule.filter(|beat| now - beat.at.max(last) > patience) {
        return Ok(Sight::Unscheduled { last: beat.at });
    }
    Ok(late(&state, now, silence, (hours, schedule.is_some())).unwrap_or(Sight::Idle))
}

/// What was due a while ago and still is. A restart or a broker that answers late is no lateness.
fn late(
    state: &State,
    now: Timestamp,
    silence: TimeDelta,
    (hours, scheduled): (Hours, bool),
) -> Option<Sight> {
    // Of the tasks these leave their mark in the journal, so they stay due until they are done.
    let hours = Hours { decide: false, protect: false, ..hours };
    let due = |at| match agenda::due(state, at, hours, Done::default()) {
        Ok(Due::Now(task)) => Some(task),
        Ok(Due::At(_)) | Err(_) => None,
    };
    let task = due(now).filter(|task| due(now - LATE.max(silence)) == Some(*task))?;
    match task {
        Task::Execute => {
            let decision_id = state.pending()?.planned.decision_id;
            Some(Sight::Overdue { decision_id })
        }
        Task::EndOfDay if scheduled => {
            let day = Calendar::nyse().last_closed(now).ok()?.date;
            Some(Sight::Unclosed { day })
        }
        Task::Check | Task::Compare | Task::Protect | Task::EndOfDay | Task::Decide => None,
    }
}

/// How late something may be done before a person is told.
pub const LATE: TimeDelta = TimeDelta::minutes(15);

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::event::{AccountOpened, Event};
    use crate::journal::{Draft, Journal, SqliteStorage};

    const HOURS: Hours = Hours {
        check_before_open_min: 10,
        start_after_open_min: 5,
        stop_before_close_min: 5,
        end_after_close_min: 15,
        decide: false,
        protect: false,
    };

    fn opened() -> Event {
        Event::AccountOpened(AccountOpened {
            account_number: "1".to_owned(),
            cash: atlas_core::Usd::ZERO,
            positions: BTreeMap::new(),
            bookmark: None,
        })
    }

    #[test]
    fn a_schedule_that_died_and_a_day_that_nobody_closes_are_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let mut journal =
            Journal::open(Box::new(SqliteStorage::open(&folder.journal()).unwrap())).unwrap();
        let then = at("2019-01-03T14:35:00Z");
        let draft = Draft { ts_event: then, decision_id: None, event: opened() };
        journal.append(then, vec![draft]).unwrap();
        drop(journal);
        let look = |text| look(&folder, at(text), TimeDelta::seconds(180), HOURS).unwrap();
        // Without a schedule nobody promised to compare.
        assert_eq!(look("2019-01-03T22:00:00Z"), Sight::Idle);
        let beat = Heartbeat::of_schedule(&folder);
        beat.beat(at("2019-01-03T21:29:00Z")).unwrap();
        assert_eq!(look("2019-01-03T21:29:30Z"), Sight::Idle);
        beat.beat(at("2019-01-03T21:30:00Z")).unwrap();
        let late = look("2019-01-03T21:30:00Z");
        assert_eq!(late, Sight::Unclosed { day: "2019-01-03".parse().unwrap() });
        assert!(late.is_late() && !late.is_alarm());
        assert!(look("2019-01-03T21:38:00Z").is_late());
        let dead = look("2019-01-03T21:38:01Z");
        assert_eq!(dead, Sight::Unscheduled { last: at("2019-01-03T21:30:00Z") });
        assert!(dead.is_alarm());
        // One that was stopped as it should be is missed by nobody.
        beat.end().unwrap();
        assert_eq!(look("2019-01-03T21:38:01Z"), Sight::Idle);
    }

    #[test]
    fn silence_is_measured_from_the_last_sign_of_the_holder_itself() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let start: Timestamp = "2019-01-03T14:35:00Z".parse().unwrap();
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let look = |seconds| look(&folder, at(seconds), TimeDelta::seconds(60), HOURS).unwrap();
        assert_eq!(look(0), Sight::Idle);
        let held = AccountLock::acquire(&folder, start).unwrap();
        assert!(matches!(look(60), Sight::Alive { .. }));
        assert!(matches!(look(61), Sight::Silent { last: None, .. }));
        Heartbeat::of(&folder).beat(at(50)).unwrap();
        assert!(matches!(look(110), Sight::Alive { .. }));
        let silent = look(111);
        assert!(silent.is_alarm() && silent.to_string().contains("silent since"), "{silent}");
        drop(held);
        assert_eq!(look(1_000), Sight::Idle);
    }
}
