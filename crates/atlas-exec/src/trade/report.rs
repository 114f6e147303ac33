//! What a run of continuous trading came to.

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Side, Symbol};
use atlas_engine::step::{Purpose, Severity};
use serde::Serialize;

use crate::states::TradingState;

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Incident {
    /// When.
    pub at: Timestamp,
    /// How grave.
    pub severity: Severity,
    /// What, in one sentence.
    pub what: String,
}

/// An order that stays at the broker after the stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Resting {
    /// Its name.
    pub client_order_id: ClientOrderId,
    /// What it is for.
    pub purpose: Purpose,
    /// What it trades.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Why it ended, in one sentence.
    pub ended: String,
    /// The account's state at the end.
    pub state: TradingState,
    /// Orders sent.
    pub sent: u64,
    /// Cancels asked for.
    pub canceled: u64,
    /// Bars closed and taken in.
    pub bars: u64,
    /// Quotes that a newer one took the place of before the engine saw them.
    pub conflated: u64,
    /// Minutes that came too late.
    pub late: u64,
    /// Orders that stay at the broker.
    pub resting: Vec<Resting>,
    /// What differed between books and broker at the end; empty if nothing did.
    pub differences: Vec<String>,
    /// Incidents, in order; the latest thousand.
    pub incidents: Vec<Incident>,
}

impl Report {
    pub(super) fn new() -> Self {
        Self {
            ended: String::new(),
            state: TradingState::Active,
            sent: 0,
            canceled: 0,
            bars: 0,
            conflated: 0,
            late: 0,
            resting: Vec::new(),
            differences: Vec::new(),
            incidents: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, incident: Incident) {
        if self.incidents.len() == INCIDENTS {
            self.incidents.remove(0);
        }
        self.incidents.push(incident);
    }
}

/// Incidents a report holds; the journal has them all.
const INCIDENTS: usize = 1_000;
