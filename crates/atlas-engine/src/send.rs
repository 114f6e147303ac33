//! What an order of a journaled plan is judged against just before it is sent.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Account, Position, Quote, Symbol};
use atlas_risk::{
    Activity, Authority, BreakerStance, Context, Desk, Entries, Hours, OpenOrder, Performance,
    Phase, RecentOrder, SymbolDesk, SymbolMarket, Tradability, TradingState,
};

use crate::Error;
use crate::plan::RebalancePlan;

/// What was asked again just before a send.
#[derive(Debug, Clone, Copy)]
pub struct Fresh<'a> {
    /// The present.
    pub now: Timestamp,
    /// The state Atlas is in.
    pub state: TradingState,
    /// Who asks.
    pub authority: Authority,
    /// Whether the market is open.
    pub hours: Hours,
    /// The account's money.
    pub account: &'a Account,
    /// Every position on the account.
    pub positions: &'a BTreeMap<Symbol, Position>,
    /// Orders that may still fill.
    pub open_orders: &'a [OpenOrder],
    /// Orders sent lately that have ended; see [`RecentOrder`].
    pub recent_orders: &'a [RecentOrder],
    /// From [`RebalancePlan::market`], with the latest quotes.
    pub market: &'a BTreeMap<Symbol, SymbolMarket>,
    /// What was sent before.
    pub activity: Activity,
    /// How the account has done.
    pub performance: Performance,
    /// What the circuit breaker lets through.
    pub breaker: BreakerStance,
    /// When each symbol was last left with a loss; `None` for what was known at the decision.
    pub last_losses: Option<&'a BTreeMap<Symbol, Timestamp>>,
    /// Day trades within the last five sessions.
    pub day_trades: Option<u32>,
}

impl RebalancePlan {
    /// The plan's symbols at their decision prices, with the latest quotes; a symbol that
    /// `tradability` does not name is tradable, as it was when the plan was made.
    #[must_use]
    pub fn market(
        &self,
        quotes: &BTreeMap<Symbol, Quote>,
        tradability: &BTreeMap<Symbol, Tradability>,
    ) -> BTreeMap<Symbol, SymbolMarket> {
        let entry = |target: &crate::plan::Target| {
            let symbol = target.symbol.clone();
            let known = tradability.get(&symbol).cloned();
            let market = SymbolMarket {
                decision_price: target.decision_price,
                session: self.as_of,
                quote: quotes.get(&symbol).cloned(),
                tradability: known.unwrap_or(Tradability::Tradable),
            };
            (symbol, market)
        };
        self.targets.iter().map(entry).collect()
    }

    /// What the gates of heat and of the desk look at: the stops of the plan's symbols and of all that
    /// is held, at the prices [`context`](Self::context) has, and what else was known at the decision,
    /// with the losses there have been since; `None` for a plan that was not held to the limit.
    ///
    /// # Errors
    /// [`Error::Core`] if a price overflows.
    #[must_use]
    pub fn desk(&self, fresh: &Fresh<'_>) -> Option<Result<Desk, Error>> {
        let decided = fresh.market.iter().map(|(symbol, market)| (symbol, market.decision_price));
        let others = fresh.positions.values().filter(|p| !fresh.market.contains_key(&p.symbol));
        let others = others.map(|position| (&position.symbol, position.current_price));
        let stops = self.falls.as_ref()?.desk(decided.chain(others));
        let Some(planned) = &self.desk else { return Some(stops) };
        Some(stops.map(|mut stops| {
            for (symbol, known) in &mut stops.symbols {
                let stop = known.stop;
                if let Some(decided) = planned.desk.symbols.get(symbol) {
                    *known = SymbolDesk { stop, ..decided.clone() };
                }
                if let Some(losses) = fresh.last_losses {
                    known.last_loss = losses.get(symbol).copied();
                }
            }
            let day_trades = fresh.day_trades;
            Desk { day_trades, correlations: planned.desk.correlations.clone(), ..stops }
        }))
    }

    /// What the plan's orders are judged against: its own equity, budget and decision prices, and
    /// everything else as it is now.
    #[must_use]
    pub const fn context<'a>(&self, fresh: &Fresh<'a>) -> Context<'a> {
        Context {
            now: fresh.now,
            phase: Phase::Send,
            mode: self.mode,
            state: fresh.state,
            authority: fresh.authority,
            hours: fresh.hours,
            regime: self.regime.regime,
            // Where the regime blocks entries the plan holds none.
            entries: Entries::Allowed,
            equity: self.equity,
            budget: self.budget,
            account: fresh.account,
            positions: fresh.positions,
            open_orders: fresh.open_orders,
            recent_orders: fresh.recent_orders,
            market: fresh.market,
            decision_session: self.as_of,
            activity: fresh.activity,
            performance: fresh.performance,
            breaker: fresh.breaker,
        }
    }
}
