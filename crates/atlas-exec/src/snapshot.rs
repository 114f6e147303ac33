//! The account as a decision sees it: the broker's word, and the journal's memory beside it.

use atlas_broker::{Broker, BrokerOrder};
use atlas_core::calendar::Calendar;
use atlas_engine::AccountSnapshot;
use atlas_risk::{BreakerStance, OpenOrder, TradingState};
use chrono::NaiveDate;

use crate::error::Error;
use crate::session::Session;
use crate::states::Cause;

impl Session {
    /// Asks the broker for the account and adds what the journal knows: what Atlas owns, its
    /// state, what was sent lately, how it has done by the trading day `day`, the breaker.
    ///
    /// # Errors
    /// [`Error::Broker`] if the broker cannot be asked, [`Error::Core`] if amounts do not fit.
    pub async fn snapshot(
        &self,
        broker: &dyn Broker,
        day: NaiveDate,
    ) -> Result<AccountSnapshot, Error> {
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        let positions = broker.positions().await.map_err(Error::broker("ask for positions"))?;
        let open = broker.open_orders().await.map_err(Error::broker("ask for open orders"))?;
        let (recent_orders, activity) = self.recent()?;
        // The plan acts in the next session, so it is judged by what the breaker lets through then.
        let next = Calendar::nyse().next_session(day);
        let acts = next.map_or(self.now(), |next| next.open.max(self.now()));
        let breaker = self.state().breaker(acts);
        let past = self.past();
        Ok(AccountSnapshot {
            performance: self.performance(account.equity, day)?,
            account,
            positions,
            // Protective orders give way before their symbol is traded, so they bind no share.
            open_orders: open.into_iter().filter(|o| !self.protects(o)).map(still_open).collect(),
            recent_orders,
            owned: self.state().books().all_owned().into_keys().collect(),
            state: self.state_then(breaker),
            activity,
            breaker,
            last_losses: past.last_losses,
            day_trades: past.day_trades,
        })
    }
}

impl Session {
    /// The account's state once the breaker stands as given; everything else as it is now.
    fn state_then(&self, breaker: BreakerStance) -> TradingState {
        let causes = self.state().trading().causes().keys();
        let holds = |cause: &&Cause| **cause != Cause::Breaker || breaker == BreakerStance::Open;
        let strictest = causes.filter(holds).map(|cause| cause.state()).max();
        // A journal that has failed halts without a cause on record.
        let failed = self.state().trading().state() != self.trading_state();
        if failed { self.trading_state() } else { strictest.unwrap_or(TradingState::Active) }
    }

    fn protects(&self, order: &BrokerOrder) -> bool {
        let tracked = self.state().orders().get(&order.client_order_id);
        tracked.is_some_and(|tracked| tracked.protects)
    }
}

/// A working order as the gates see it.
pub(crate) fn still_open(order: BrokerOrder) -> OpenOrder {
    OpenOrder {
        leaves_qty: order.qty.saturating_sub(order.filled_qty),
        client_order_id: order.client_order_id,
        symbol: order.symbol,
        side: order.side,
        limit_price: order.limit_price,
    }
}
