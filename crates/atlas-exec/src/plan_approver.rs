//! The gates of `atlas-risk`, in front of the orders of a journaled plan.

use std::collections::BTreeMap;

use atlas_core::{OrderRequest, Symbol};
use atlas_engine::{Fresh, RebalancePlan};
use atlas_risk::{ApprovedOrder, Authority, Limits, Tradability, Validator};

use crate::approver::{Approver, Denial, FreshContext, Gates, Heard};
use crate::error::Error;
use crate::past::Past;
use crate::sequencer::Leg;

/// Judges a plan's orders by every gate, on what was asked of the broker moments ago and what the
/// plan itself was allowed: its equity, its budget and its decision prices.
///
/// Whatever else it looks at is part of its [`Gates`], which the journal keeps; otherwise `atlas
/// why` could not hear the gates again.
#[derive(Debug)]
pub struct PlanApprover<'a> {
    plan: &'a RebalancePlan,
    validator: Validator,
    gates: Gates,
}

impl<'a> PlanApprover<'a> {
    /// The gates of an account with these limits and this past; those of the desk included where the
    /// plan was held to its rules.
    ///
    /// # Errors
    /// [`Error::Desk`] if the limits and the rules of the plan's desk contradict each other.
    pub fn new(plan: &'a RebalancePlan, limits: &Limits, past: Past) -> Result<Self, Error> {
        Self::of(plan, limits, past).map_err(Error::Desk)
    }

    fn of(plan: &'a RebalancePlan, limits: &Limits, past: Past) -> Result<Self, atlas_risk::Error> {
        let validator = match (&plan.desk, &plan.falls) {
            (Some(desk), _) => Validator::with_desk(limits, &desk.rules)?,
            (None, Some(_)) => Validator::with_heat(limits),
            (None, None) => Validator::new(limits),
        };
        // The past is looked at by the desk alone, and kept for it alone.
        let past = if plan.desk.is_some() { past } else { Past::default() };
        let limits = limits.get().clone();
        let gates = Gates { limits, tradability: BTreeMap::new(), past };
        Ok(Self { plan, validator, gates })
    }

    /// The same, with what is known now of whether symbols may be traded.
    #[must_use]
    pub fn knowing(mut self, tradability: BTreeMap<Symbol, Tradability>) -> Self {
        self.gates.tradability = tradability;
        self
    }

    /// Hears every gate on one order.
    pub(crate) fn judge(&self, request: &OrderRequest, context: &FreshContext) -> Heard {
        let market = self.plan.market(&context.quotes, &self.gates.tradability);
        let fresh = Fresh {
            now: context.now,
            state: context.state,
            authority: Authority::Engine,
            hours: context.hours,
            account: &context.account,
            positions: &context.positions,
            open_orders: &context.open_orders,
            recent_orders: &context.recent_orders,
            market: &market,
            activity: context.activity,
            performance: context.performance,
            breaker: context.breaker,
            last_losses: Some(&self.gates.past.last_losses),
            day_trades: self.gates.past.day_trades,
        };
        // A price that is out of range leaves no desk, and without one nothing is opened.
        let desk = self.plan.desk(&fresh).and_then(Result::ok);
        let context = self.plan.context(&fresh);
        match self.validator.approve_heard(request.clone(), &context, desk.as_ref()) {
            Ok((approved, said)) => Heard { verdicts: said.verdicts, word: Ok(approved) },
            Err(denial) => {
                let word = Err(Denial::from(&denial));
                Heard { verdicts: denial.judgement.verdicts, word }
            }
        }
    }

    /// The gates of a plan as they were when it was executed.
    ///
    /// # Errors
    /// [`atlas_risk::Error::Limit`] if the limits, or the rules of the plan's desk, cannot be used.
    pub fn again(plan: &'a RebalancePlan, gates: &Gates) -> Result<Self, atlas_risk::Error> {
        let limits = gates.limits.clone().check()?;
        let again = Self::of(plan, &limits, gates.past.clone())?;
        Ok(again.knowing(gates.tradability.clone()))
    }
}

impl Approver for PlanApprover<'_> {
    fn approve(
        &self,
        leg: &Leg,
        request: &OrderRequest,
        context: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        self.hear(leg, request, context).word
    }

    fn hear(&self, _: &Leg, request: &OrderRequest, context: &FreshContext) -> Heard {
        self.judge(request, context)
    }

    fn gates(&self) -> Option<Gates> {
        Some(self.gates.clone())
    }
}
