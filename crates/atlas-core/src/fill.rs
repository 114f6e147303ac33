//! One execution of an order.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::{ClientOrderId, Error, ExecutionId, Price, Qty, Side, Symbol, Usd, VenueOrderId};

/// One execution of an order, as the venue reported it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fill {
    /// The venue's name for the execution.
    pub execution_id: ExecutionId,
    /// Our name for the order.
    pub client_order_id: ClientOrderId,
    /// The venue's name for the order.
    pub venue_order_id: VenueOrderId,
    /// What was traded.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How many shares in this execution alone; above zero.
    pub qty: Qty,
    /// At which price per share.
    pub price: Price,
    /// When it happened at the venue.
    pub ts_event: Timestamp,
}

impl Fill {
    /// Price × quantity.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product does not fit.
    pub fn notional(&self) -> Result<Usd, Error> {
        self.price.notional(self.qty)
    }

    /// What the fill does to cash before fees: negative for a buy.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product does not fit.
    pub fn cash_effect(&self) -> Result<Usd, Error> {
        let notional = self.notional()?;
        Ok(match self.side {
            Side::Buy => -notional,
            Side::Sell => notional,
        })
    }
}
