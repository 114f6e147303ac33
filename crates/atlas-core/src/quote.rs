//! The best bid and offer.

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::{Price, Side, Symbol};

/// The best bid and offer of a symbol at an instant; a side without offers is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// What is quoted.
    pub symbol: Symbol,
    /// Highest price somebody would pay.
    pub bid: Option<Price>,
    /// Lowest price somebody would take.
    pub ask: Option<Price>,
    /// When the venue made it.
    pub ts_event: Timestamp,
}

impl Quote {
    /// The price one would trade at: the ask for a buy, the bid for a sell.
    #[must_use]
    pub const fn touch(&self, side: Side) -> Option<Price> {
        match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        }
    }

    /// Whether bid and ask are both there and the bid is above the ask.
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        matches!((self.bid, self.ask), (Some(bid), Some(ask)) if bid > ask)
    }
}
