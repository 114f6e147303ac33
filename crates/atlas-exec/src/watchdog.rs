//! The watchdog: notices, from a process and a connection of its own, that whoever trades has
//! fallen silent, and stops the account.

use std::fmt;

use atlas_core::DecisionId;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;
use serde::Serialize;

use crate::error::Error;
use crate::folder::{AccountFolder, AccountLock, Heartbeat, Holder};
use crate::peek::peek;

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
        matches!(self, Self::Silent { .. } | Self::Abandoned { .. })
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
            Self::Abandoned { decision_id, last } => write!(
                f,
                "decision {decision_id} is under way, and nobody has worked on it since {last}"
            ),
        }
    }
}

/// Looks once. Silence of up to `silence` is no alarm; a holder that has just come gets as long for
/// its first sign.
///
/// # Errors
/// [`Error::Io`] if nobody can tell who holds the account; as [`peek`] for a journal that cannot be
/// trusted.
pub fn look(folder: &AccountFolder, now: Timestamp, silence: TimeDelta) -> Result<Sight, Error> {
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
    let Some(pending) = state.pending().filter(|pending| pending.started.is_some()) else {
        return Ok(Sight::Idle);
    };
    let last = state.last().unwrap_or_default();
    if now - last <= silence {
        return Ok(Sight::Idle);
    }
    Ok(Sight::Abandoned { decision_id: pending.planned.decision_id, last })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_is_measured_from_the_last_sign_of_the_holder_itself() {
        let dir = tempfile::tempdir().unwrap();
        let folder = AccountFolder::new(dir.path(), &"demo".parse().unwrap());
        folder.create().unwrap();
        let start: Timestamp = "2019-01-03T14:35:00Z".parse().unwrap();
        let at = |seconds| start + TimeDelta::seconds(seconds);
        let look = |seconds| look(&folder, at(seconds), TimeDelta::seconds(60)).unwrap();
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
