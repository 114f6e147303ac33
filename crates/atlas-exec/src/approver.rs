//! Who says yes to an order, moments before it is sent.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Account, OrderRequest, Position, Qty, Quote, SignalOutcome, Symbol};
use atlas_risk::{
    Activity, ApprovedOrder, BreakerStance, Hours, LimitsSpec, OpenOrder, Performance, RecentOrder,
    Tradability, TradingState, Verdict,
};
use serde::{Deserialize, Serialize};

use crate::past::Past;
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

    /// As [`approve`](Self::approve), with what every gate said; the shell goes by this one.
    fn hear(&self, leg: &Leg, request: &OrderRequest, context: &FreshContext) -> Heard {
        Heard { verdicts: Vec::new(), word: self.approve(leg, request, context) }
    }

    /// What the gates look at beside the plan and the fresh context. The journal keeps it, so that
    /// they can be heard again; `None` from an approver without gates, whose word is not kept.
    fn gates(&self) -> Option<Gates> {
        None
    }
}

/// What the gates said of one order, and what follows from it.
#[derive(Debug)]
pub struct Heard {
    /// One verdict a gate, in the order of the gates.
    pub verdicts: Vec<Verdict>,
    /// The approval, or why there is none.
    pub word: Result<ApprovedOrder, Denial>,
}

/// What gates look at beside a plan and what is asked of the broker at each send; the same for
/// all sends of an execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gates {
    /// The limits in force, those of the ramp included.
    pub limits: LimitsSpec,
    /// What is known of symbols; one that is not named is tradable.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tradability: BTreeMap<Symbol, Tradability>,
    /// Losses and day trades before the execution, for the gates of the desk.
    #[serde(default, skip_serializing_if = "Past::is_empty")]
    pub past: Past,
}

/// Why an order may not be sent; an outcome, not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Denial {
    /// How the signal ends.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

impl From<&atlas_risk::Denial> for Denial {
    fn from(denial: &atlas_risk::Denial) -> Self {
        let outcome =
            denial.gate().map_or(SignalOutcome::RejectedByLimit, atlas_risk::GateName::outcome);
        Self { outcome, reason: denial.to_string() }
    }
}

impl From<atlas_risk::Denial> for Denial {
    fn from(denial: atlas_risk::Denial) -> Self {
        Self::from(&denial)
    }
}
