//! Instants, the clock that is handed in, and the mode a run is in.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// An instant in UTC.
pub type Timestamp = DateTime<Utc>;

/// What tells the time; library code never asks the system.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still: for decisions about the past and for tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

impl<C: Clock + ?Sized> Clock for std::sync::Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// Whose prices and whose money a run deals with; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Recorded data, simulated venue.
    Replay,
    /// Real data, the broker's simulated account.
    Paper,
    /// Real money.
    Live,
}

impl Mode {
    /// The right to treat adjusted prices as orderable, which only a replay has.
    #[must_use]
    pub const fn replay_permit(self) -> Option<ReplayPermit> {
        match self {
            Self::Replay => Some(ReplayPermit(())),
            Self::Paper | Self::Live => None,
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Replay => "replay",
            Self::Paper => "paper",
            Self::Live => "live",
        })
    }
}

/// Proof that the run is a replay; see [`Mode::replay_permit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplayPermit(());
