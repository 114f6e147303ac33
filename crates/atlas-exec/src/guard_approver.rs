//! The gates of `atlas-risk`, in front of protective orders that belong to no plan.

use std::collections::BTreeMap;

use atlas_core::time::Mode;
use atlas_core::{OrderRequest, Regime, Usd};
use atlas_risk::{
    ApprovedOrder, Authority, Context, Entries, Limits, Phase, SymbolMarket, Tradability, Validator,
};

use crate::approver::{Approver, Denial, FreshContext};
use crate::sequencer::Leg;
use crate::state::trading_day;

/// Judges protective orders by every gate; it lets nothing be opened.
#[derive(Debug)]
pub struct GuardApprover {
    validator: Validator,
    mode: Mode,
}

impl GuardApprover {
    /// The gates of an account with these limits.
    #[must_use]
    pub fn new(limits: &Limits, mode: Mode) -> Self {
        Self { validator: Validator::new(limits), mode }
    }
}

impl Approver for GuardApprover {
    fn approve(
        &self,
        leg: &Leg,
        request: &OrderRequest,
        fresh: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        let session = trading_day(fresh.now);
        let market = SymbolMarket {
            decision_price: leg.decision_price,
            session,
            quote: fresh.quotes.get(&request.symbol).cloned(),
            tradability: Tradability::Tradable,
        };
        let context = Context {
            now: fresh.now,
            phase: Phase::Send,
            mode: self.mode,
            state: fresh.state,
            authority: Authority::Engine,
            hours: fresh.hours,
            regime: Regime::Crash,
            entries: Entries::Blocked,
            equity: fresh.account.equity,
            budget: Usd::ZERO,
            account: &fresh.account,
            positions: &fresh.positions,
            open_orders: &fresh.open_orders,
            recent_orders: &fresh.recent_orders,
            market: &BTreeMap::from([(request.symbol.clone(), market)]),
            decision_session: session,
            activity: fresh.activity,
            performance: fresh.performance,
            breaker: fresh.breaker,
        };
        Ok(self.validator.approve(request.clone(), &context)?)
    }
}
