//! What an account remembers beyond money and orders: regime, signals, trades judged, drills.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, OrderStatus, Side, Symbol};
use atlas_engine::plan::RegimeDecision;

use super::{State, TrackedOrder};
use crate::drill::{Drill, DrillWalked};
use crate::event::{Kept, KeptSignal};

/// A drill as it was walked through last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastDrill {
    /// When.
    pub at: Timestamp,
    /// What came of it.
    pub walked: DrillWalked,
}

impl State {
    /// The regime of the last decision with its evidence; `None` before the first.
    #[must_use]
    pub const fn regime(&self) -> Option<&RegimeDecision> {
        self.regime.as_ref()
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

    pub(super) fn remember(&mut self, kept: &Kept) {
        if let Some(regime) = &kept.regime {
            self.regime = Some(regime.clone());
        }
        for (symbol, signal) in &kept.signals {
            self.signals.insert(symbol.clone(), signal.clone());
        }
    }
}
