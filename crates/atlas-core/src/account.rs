//! What the broker says is there: money and positions.

use serde::{Deserialize, Serialize};

use crate::{Error, Price, Qty, Symbol, Usd};

/// A position as the broker reports it; long only, so `qty` has no sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// What is held.
    pub symbol: Symbol,
    /// Shares held, above zero.
    pub qty: Qty,
    /// Shares not reserved by open sell orders.
    pub qty_available: Qty,
    /// Average price paid, as the broker computes it; advisory.
    pub avg_entry_price: Price,
    /// Last price the broker knows.
    pub current_price: Price,
}

impl Position {
    /// Shares × last price.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product does not fit.
    pub fn market_value(&self) -> Result<Usd, Error> {
        self.current_price.notional(self.qty)
    }
}

/// The account's money as the broker reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The broker's number of the account.
    pub account_number: String,
    /// Settled and unsettled cash.
    pub cash: Usd,
    /// Cash plus the market value of positions.
    pub equity: Usd,
    /// What the broker would let us buy for.
    pub buying_power: Usd,
    /// Whether the broker refuses orders on this account.
    pub trading_blocked: bool,
}

impl Account {
    /// What may be spent without margin: the smaller of cash and buying power, never below zero.
    #[must_use]
    pub fn spendable(&self) -> Usd {
        self.cash.min(self.buying_power).max(Usd::ZERO)
    }
}
