//! The gates of `atlas-risk`, in front of the orders of a journaled plan.

use std::collections::BTreeMap;

use atlas_core::OrderRequest;
use atlas_engine::{Fresh, RebalancePlan};
use atlas_risk::{ApprovedOrder, Authority, Limits, Performance, Validator};

use crate::approver::{Approver, Denial, FreshContext};
use crate::sequencer::Leg;

/// Judges a plan's orders by every gate, on what was asked of the broker moments ago and what the
/// plan itself was allowed: its equity, its budget and its decision prices.
#[derive(Debug)]
pub struct PlanApprover<'a> {
    plan: &'a RebalancePlan,
    validator: Validator,
    performance: Performance,
}

impl<'a> PlanApprover<'a> {
    /// The gates of an account with these limits, which has done so up to now.
    #[must_use]
    pub fn new(plan: &'a RebalancePlan, limits: &Limits, performance: Performance) -> Self {
        Self { plan, validator: Validator::new(limits), performance }
    }
}

impl Approver for PlanApprover<'_> {
    fn approve(
        &self,
        _leg: &Leg,
        request: &OrderRequest,
        context: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        let market = self.plan.market(&context.quotes, &BTreeMap::new());
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
            performance: self.performance,
            breaker: context.breaker,
        };
        Ok(self.validator.approve(request.clone(), &self.plan.context(&fresh))?)
    }
}
