//! The real validator with limits so wide that only sense is checked, but for those of the story.

use std::collections::BTreeMap;

use atlas_core::time::Mode;
use atlas_core::{Bps, OrderRequest, Qty, Regime, Usd, Weight};
use atlas_exec::sequencer::Leg;
use atlas_exec::{Approver, Denial, FreshContext};
use atlas_risk::{
    ApprovedOrder, Authority, Context, Entries, LimitsSpec, Phase, Profile, SymbolMarket,
    Tradability, Validator,
};
use chrono::NaiveDate;

pub(crate) struct Wide {
    validator: Validator,
    session: NaiveDate,
}

impl Wide {
    pub(crate) fn new(session: NaiveDate, limits: LimitsSpec) -> Self {
        Self { validator: Validator::new(&limits.check().unwrap()), session }
    }
}

/// Limits so wide that only sense is checked, but for those a story is about.
pub(crate) fn limits(daily: Weight, drawdown: Weight, orders_per_day: u32) -> LimitsSpec {
    LimitsSpec {
        position_warn: Weight::ONE,
        position_deny: Weight::ONE,
        heat_warn: Weight::ONE,
        heat_deny: Weight::ONE,
        max_order_notional: "100000000".parse().unwrap(),
        max_order_qty: Qty::from_shares(1_000_000),
        collar_close: Bps::from_int(9_000),
        collar_quote: Bps::from_int(9_000),
        quote_max_age_seconds: 100_000,
        orders_per_minute: 1_000,
        orders_per_day,
        daily_loss: daily,
        drawdown_warn: drawdown,
        drawdown_deny: drawdown,
        turnover_per_day: 1_000.into(),
        min_position: Usd::ZERO,
        duplicate_window_seconds: 1,
        ..Profile::Standard.limits()
    }
}

impl Approver for Wide {
    fn approve(
        &self,
        leg: &Leg,
        request: &OrderRequest,
        fresh: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        let known = |decision_price, quote| SymbolMarket {
            decision_price,
            session: self.session,
            quote,
            tradability: Tradability::Tradable,
        };
        let mut market: BTreeMap<_, _> = fresh
            .quotes
            .iter()
            .filter_map(|(symbol, quote)| {
                Some((symbol.clone(), known(quote.ask?, Some(quote.clone()))))
            })
            .collect();
        let quote = fresh.quotes.get(&request.symbol).cloned();
        market.insert(request.symbol.clone(), known(leg.decision_price, quote));
        let context = Context {
            now: fresh.now,
            phase: Phase::Send,
            mode: Mode::Paper,
            state: fresh.state,
            authority: Authority::Engine,
            hours: fresh.hours,
            regime: Regime::Bull,
            entries: Entries::Allowed,
            equity: "100000000".parse().unwrap(),
            budget: "100000000".parse().unwrap(),
            account: &fresh.account,
            positions: &fresh.positions,
            open_orders: &fresh.open_orders,
            recent_orders: &fresh.recent_orders,
            market: &market,
            decision_session: self.session,
            activity: fresh.activity,
            performance: fresh.performance,
            breaker: fresh.breaker,
        };
        Ok(self.validator.approve(request.clone(), &context)?)
    }
}
