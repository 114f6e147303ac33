//! Drills: what has to work on the worst day, tried on a quiet one and put on record.

mod recovery;

use std::fmt;

use atlas_core::journal::Hash;
use serde::{Deserialize, Serialize};

pub use recovery::rehearse_recovery;

use crate::error::Error;
use crate::event::Event;
use crate::session::Session;

/// What is rehearsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Drill {
    /// Coming back from nothing but the files: read, prove, fold, decide again, compare.
    Recovery,
    /// Going live: the live configuration through every gate.
    Switchover,
}

impl Drill {
    /// Every drill.
    pub const ALL: [Self; 2] = [Self::Recovery, Self::Switchover];

    /// The word used in messages.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovery => "recovery",
            Self::Switchover => "switchover",
        }
    }
}

impl fmt::Display for Drill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One step of a drill and what it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// What was tried.
    pub name: String,
    /// Whether it went as it should.
    pub passed: bool,
    /// What was found, in one sentence; where it is wrong, what to do about it.
    pub sentence: String,
}

impl Step {
    /// A step from what it found, right or wrong.
    #[must_use]
    pub fn of(name: &str, found: Result<String, String>) -> Self {
        let passed = found.is_ok();
        let sentence = found.unwrap_or_else(|problem| problem);
        Self { name: name.to_owned(), passed, sentence }
    }
}

/// A drill that was walked through, with everything it found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillWalked {
    /// Which.
    pub drill: Drill,
    /// Who walked it.
    pub by: String,
    /// Digest of the configuration it was walked with.
    pub config: Hash,
    /// Its steps, in order.
    pub steps: Vec<Step>,
}

impl DrillWalked {
    /// Whether every step went as it should; a drill without steps proves nothing.
    #[must_use]
    pub fn passed(&self) -> bool {
        !self.steps.is_empty() && self.steps.iter().all(|step| step.passed)
    }
}

impl Session {
    /// Puts a drill on record, whatever came of it.
    ///
    /// # Errors
    /// As [`crate::journal::Journal::append`].
    pub fn record_drill(&mut self, walked: DrillWalked) -> Result<(), Error> {
        self.record(None, Event::DrillWalked(walked))
    }
}
