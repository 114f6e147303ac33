//! The account as a decision sees it: the broker's word, and the journal's memory beside it.

use atlas_broker::{Broker, BrokerOrder};
use atlas_engine::AccountSnapshot;
use atlas_risk::OpenOrder;
use chrono::NaiveDate;

use crate::error::Error;
use crate::session::Session;

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
        Ok(AccountSnapshot {
            performance: self.performance(account.equity, day)?,
            account,
            positions,
            open_orders: open.into_iter().map(still_open).collect(),
            recent_orders,
            owned: self.state().books().all_owned().into_keys().collect(),
            state: self.trading_state(),
            activity,
            breaker: self.state().breaker(self.now()),
        })
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
