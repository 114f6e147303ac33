//! What an account remembers beyond money and orders: regime, signals, trades judged, drills.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, OrderStatus, Side, Symbol};
use atlas_engine::plan::RegimeDecision;

use super::{State, TrackedOrder};
use crate::drill::{Drill, DrillWalked};
use crate::event::{Event, Kept, KeptSignal, LimitsChanged};

/// A drill as it was walked through last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDrill {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub walked: DrillWalked,
}

/// A person's word that put something aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastOverride {
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The configuration it was given under, if it was tied to one.
    pub config: Option<Hash>,
}

impl State {
    /// The regime of the last decision with its evidence; `None` before the first.
    #[must_use]
    pub const fn regime(&self) -> Option<&RegimeDecision> {
        self.regime.as_ref()
    }

    /// Digest of the last checkpoint of the regime model among the stored inputs; `None` before the
    /// first.
    #[must_use]
    pub const fn model(&self) -> Option<Hash> {
        self.model
    }

    /// The last signal of every symbol there ever was one for.
    #[must_use]
    pub const fn last_signals(&self) -> &BTreeMap<Symbol, KeptSignal> {
        &self.signals
    }

    /// Every drill as it was walked through last.
    #[must_use]
    pub const fn drills(&self) -> &BTreeMap<Drill, LastDrill> {
        &self.drills
    }

    /// Sells of ours that have ended with a fill, and of which the circuit breaker was not told.
    pub fn unjudged_trades(&self) -> impl Iterator<Item = (&ClientOrderId, &TrackedOrder)> {
        self.orders.iter().filter(|(id, tracked)| {
            let order = &tracked.order;
            order.request().side == Side::Sell
                && order.status().is_terminal()
                && !order.filled_qty().is_zero()
                && !self.judged.contains(*id)
        })
    }

    /// Protective orders that may still fill, or of which nobody knows.
    pub fn guards(&self) -> impl Iterator<Item = &TrackedOrder> {
        self.open_orders().filter(|tracked| tracked.protects)
    }

    /// Protective orders whose fate is not known: sent, or about to be, and never answered for.
    pub(crate) fn doubtful_guards(&self) -> impl Iterator<Item = &TrackedOrder> {
        self.guards().filter(|tracked| tracked.order.status() == OrderStatus::Submitted)
    }

    /// Torn ends of the journal's file that were set aside, by path within the account's folder.
    #[must_use]
    pub const fn set_aside(&self) -> &BTreeSet<String> {
        &self.set_aside
    }

    /// The limits last on record, by name and as the configuration writes them; empty before the
    /// first.
    #[must_use]
    pub const fn limits(&self) -> &BTreeMap<String, serde_json::Value> {
        &self.limits
    }

    /// Keeps what is only looked at.
    pub(super) fn keep(&mut self, event: Event) {
        if let Event::TailSetAside(aside) = event {
            self.set_aside.insert(aside.path);
        } else if let Event::LimitsChanged(limits) = event {
            self.on_limits(*limits);
        } else if let Event::CommandTaken(taken) = event {
            self.commands.insert(taken.file);
        }
    }

    fn on_limits(&mut self, limits: LimitsChanged) {
        for (name, change) in limits.changed {
            match change.to {
                Some(limit) => self.limits.insert(name, limit),
                None => self.limits.remove(&name),
            };
        }
    }

    pub(super) fn remember(&mut self, kept: &Kept) {
        if let Some(regime) = &kept.regime {
            self.regime = Some(regime.clone());
        }
        // A decision without a model leaves the one before in force.
        self.model = kept.model.or(self.model);
        for (symbol, signal) in &kept.signals {
            self.signals.insert(symbol.clone(), signal.clone());
        }
    }
}
