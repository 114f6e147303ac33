//! The gates of `atlas-risk`, in front of the orders of a journaled plan.

use std::collections::BTreeMap;

use atlas_core::{OrderRequest, Symbol};
use atlas_engine::{Fresh, RebalancePlan};
use atlas_risk::{ApprovedOrder, Authority, Limits, Tradability, Validator};

use crate::approver::{Approver, Denial, FreshContext};
use crate::sequencer::Leg;

/// Judges a plan's orders by every gate, on what was asked of the broker moments ago and what the
/// plan itself was allowed: its equity, its budget and its decision prices.
#[derive(Debug)]
pub struct PlanApprover<'a> {
    plan: &'a RebalancePlan,
    validator: Validator,
    tradability: BTreeMap<Symbol, Tradability>,
}

impl<'a> PlanApprover<'a> {
    /// The gates of an account with these limits.
    #[must_use]
    pub fn new(plan: &'a RebalancePlan, limits: &Limits) -> Self {
        let validator = match plan.falls {
            Some(_) => Validator::with_heat(limits),
            None => Validator::new(limits),
        };
        Self { plan, validator, tradability: BTreeMap::new() }
    }

    /// The same, with what is known now of whether symbols may be traded.
    #[must_use]
    pub fn knowing(self, tradability: BTreeMap<Symbol, Tradability>) -> Self {
        Self { tradability, ..self }
    }
}

impl Approver for PlanApprover<'_> {
    fn approve(
        &self,
        _leg: &Leg,
        request: &OrderRequest,
        context: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        let market = self.plan.market(&context.quotes, &self.tradability);
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
        };
        // A price that is out of range leaves no desk, and without one nothing is opened.
        let desk = self.plan.desk(&fresh).and_then(Result::ok);
        let context = self.plan.context(&fresh);
        Ok(self.validator.approve_with(request.clone(), &context, desk.as_ref())?)
    }
}
