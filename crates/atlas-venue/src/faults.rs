//! Misbehaviour on order: the cases in which clients lose money.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_core::Weight;
use serde::{Deserialize, Serialize};

/// Which requests a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// Sending an order.
    Submit,
    /// Canceling or replacing one.
    Change,
    /// Everything else.
    Read,
    /// A message of the `trade_updates` stream: it may be skipped, repeated or delayed, or the
    /// connection be cut instead.
    Update,
}

/// What goes wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The connection is cut before anything was done.
    DropBefore,
    /// The request is carried out, and the connection cut instead of an answer.
    DropAfter,
    /// Nothing is done, and a gateway's page with this HTTP status is the answer.
    FailBefore(u16),
    /// The request is carried out, and a gateway's page with this HTTP status is the answer.
    FailAfter(u16),
    /// The request is refused with this status, code and message.
    Reject {
        /// HTTP status.
        status: u16,
        /// Alpaca's code.
        code: i64,
        /// The sentence.
        message: String,
    },
    /// Nothing is done, and no answer ever comes.
    HangBefore,
    /// The request is carried out, and no answer ever comes.
    HangAfter,
    /// The request waits this long first.
    Delay(Duration),
    /// A message of a stream is left out.
    Skip,
    /// A message of a stream is sent twice.
    Repeat,
    /// The next order fills at most this share of its quantity in the present session.
    PartialFill(Weight),
}

/// The faults that are still to come, in order; cheap to clone, all clones are the same script.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    script: Arc<Mutex<VecDeque<(Target, Fault)>>>,
}

impl Faults {
    /// Adds a fault for the next request of `target` that has none before it.
    pub fn script(&self, target: Target, fault: Fault) {
        self.lock().push_back((target, fault));
    }

    /// How many faults are still to come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.lock().len()
    }

    /// Forgets the rest of the script.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// The fault for a request that has just come in.
    pub(crate) fn take(&self, target: Target) -> Option<Fault> {
        let mut script = self.lock();
        let at = script.iter().position(|(wanted, _)| *wanted == target)?;
        script.remove(at).map(|(_, fault)| fault)
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(Target, Fault)>> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
