//! What flattening sees of the account at the broker.

use std::collections::BTreeMap;

use atlas_broker::{Broker, BrokerOrder};
use atlas_core::Regime;
use atlas_core::time::Timestamp;
use atlas_core::{Account, OrderRequest, Position, Qty, Quote, Side, Symbol, Usd};
use atlas_risk::{
    Activity, ApprovedOrder, Authority, BreakerStance, Context, Entries, Hours, OpenOrder,
    Performance, Phase, SymbolMarket, Tradability, Validator,
};

use super::flatten::Flatten;
use crate::error::Error;
use crate::snapshot::still_open;

/// What was asked of the broker.
pub(super) struct Seen {
    account: Account,
    positions: BTreeMap<Symbol, Position>,
    open: Vec<OpenOrder>,
    market: BTreeMap<Symbol, SymbolMarket>,
    /// Whether the market is open; closed if nobody can tell.
    pub(super) hours: Hours,
}

impl Seen {
    /// Asks for everything. A sale at the market needs neither quotes nor hours: where they cannot
    /// be had, it goes without.
    pub(super) async fn ask(
        broker: &dyn Broker,
        symbols: Vec<Symbol>,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        let positions = broker.positions().await.map_err(Error::broker("ask for positions"))?;
        let open = broker.open_orders().await.map_err(Error::broker("ask for open orders"))?;
        let quotes = broker.quotes(&symbols).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "there are no quotes; what is sold at the market needs none");
            BTreeMap::new()
        });
        let is_open = broker.clock().await.is_ok_and(|clock| clock.is_open);
        let market = positions.values().map(|position| known(position, &quotes, now)).collect();
        Ok(Self {
            account,
            positions,
            open: open.into_iter().map(still_open).collect(),
            market,
            hours: if is_open { Hours::Open } else { Hours::Closed },
        })
    }

    /// Asks for positions and open orders again, more than once if the broker does not answer.
    pub(super) async fn look_again(
        &mut self,
        broker: &dyn Broker,
        order: &Flatten<'_>,
    ) -> Result<(), String> {
        let mut waits = order.waits.iter();
        loop {
            let error = match (broker.positions().await, broker.open_orders().await) {
                (Ok(positions), Ok(open)) => {
                    self.positions = positions;
                    self.open = open.into_iter().map(still_open).collect();
                    return Ok(());
                }
                (Err(error), _) | (_, Err(error)) => error,
            };
            match waits.next() {
                Some(wait) => order.timer.sleep(*wait).await,
                None => return Err(format!("the broker does not say what is there: {error}")),
            }
        }
    }

    /// Shares of a symbol at the broker.
    pub(super) fn held(&self, symbol: &Symbol) -> Qty {
        self.positions.get(symbol).map_or(Qty::ZERO, |position| position.qty)
    }

    /// Shares of a symbol that are owned, there, and not on offer.
    pub(super) fn free(&self, symbol: &Symbol, owned: Qty) -> Result<Qty, String> {
        let held = self.held(symbol);
        let offers = self.open.iter().filter(|o| o.symbol == *symbol && o.side == Side::Sell);
        let free = offers.fold(held, |free, offer| free.saturating_sub(offer.leaves_qty));
        let qty = free.min(owned);
        if qty.is_zero() {
            return Err(format!(
                "{owned} are owned by the journal, {held} are at the broker, none of them free"
            ));
        }
        Ok(qty)
    }

    pub(super) fn approve(
        &self,
        validator: &Validator,
        order: &Flatten<'_>,
        request: OrderRequest,
    ) -> Result<ApprovedOrder, String> {
        let context = Context {
            now: order.now,
            phase: Phase::Send,
            mode: order.mode,
            state: order.state,
            authority: Authority::Operator,
            hours: self.hours,
            regime: Regime::Crash,
            entries: Entries::Blocked,
            equity: self.account.equity,
            budget: Usd::ZERO,
            account: &self.account,
            positions: &self.positions,
            open_orders: &self.open,
            recent_orders: &[],
            market: &self.market,
            decision_session: order.now.date_naive(),
            activity: Activity::NONE,
            performance: Performance { day_return: None, drawdown: None },
            breaker: BreakerStance::Closed,
        };
        validator.approve(request, &context).map_err(|denial| denial.to_string())
    }
}

/// Waits until no order of ours for what is sold is open, for as long as the waits last.
pub(super) async fn wait_for_cancels(broker: &dyn Broker, order: &Flatten<'_>) {
    let ours = |open: &BrokerOrder| {
        open.client_order_id.is_ours() && order.owned.contains_key(&open.symbol)
    };
    for wait in order.waits {
        if broker.open_orders().await.is_ok_and(|open| !open.iter().any(ours)) {
            return;
        }
        order.timer.sleep(*wait).await;
    }
}

fn known(
    position: &Position,
    quotes: &BTreeMap<Symbol, Quote>,
    now: Timestamp,
) -> (Symbol, SymbolMarket) {
    let market = SymbolMarket {
        decision_price: position.current_price,
        session: now.date_naive(),
        quote: quotes.get(&position.symbol).cloned(),
        tradability: Tradability::Tradable,
    };
    (position.symbol.clone(), market)
}
