//! Who says yes to an order, moments before it is sent.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Account, OrderRequest, Position, Qty, Quote, SignalOutcome, Symbol};
use atlas_risk::{
    Activity, ApprovedOrder, BreakerStance, Hours, OpenOrder, Performance, RecentOrder,
    TradingState,
};

use crate::sequencer::Leg;

/// What was asked of the broker just now, and what the journal adds to it.
#[derive(Debug, Clone)]
pub struct FreshContext {
    /// When the broker was asked.
    pub now: Timestamp,
    /// The account's money.
    pub account: Account,
    /// Every position on the account.
    pub positions: BTreeMap<Symbol, Position>,
    /// The part of the positions that is Atlas's own.
    pub owned: BTreeMap<Symbol, Qty>,
    /// Orders that may still fill, those sent a moment ago included.
    pub open_orders: Vec<OpenOrder>,
    /// Orders of the last day that have ended with a fill.
    pub recent_orders: Vec<RecentOrder>,
    /// The latest quotes of the plan's symbols.
    pub quotes: BTreeMap<Symbol, Quote>,
    /// Whether the broker says that the market is open.
    pub hours: Hours,
    /// The account's state.
    pub state: TradingState,
    /// What was sent before.
    pub activity: Activity,
    /// What the circuit breaker lets through.
    pub breaker: BreakerStance,
    /// How the account has done by the equity that was just reported.
    pub performance: Performance,
}

/// Judges orders on fresh data; the application wires it to [`atlas_risk::Validator`].
pub trait Approver: Send + Sync {
    /// Approves one order, or says why not.
    ///
    /// # Errors
    /// [`Denial`]: the leg ends with its outcome, and the plan goes on.
    fn approve(
        &self,
        leg: &Leg,
        request: &OrderRequest,
        context: &FreshContext,
    ) -> Result<ApprovedOrder, Denial>;
}

/// Why an order may not be sent; an outcome, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// How the signal ends.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

impl From<atlas_risk::Denial> for Denial {
    fn from(denial: atlas_risk::Denial) -> Self {
        let outcome =
            denial.gate().map_or(SignalOutcome::RejectedByLimit, atlas_risk::GateName::outcome);
        Self { outcome, reason: denial.to_string() }
    }
}
