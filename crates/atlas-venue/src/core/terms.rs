//! The words an order is made of: size, kind, time in force, class, role, state.

use atlas_core::{OrderStatus, Side};
use serde::{Deserialize, Serialize};

use super::{Money, Px, Shares};

/// How much is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Size {
    /// So many shares.
    Shares(Shares),
    /// As many shares as this amount trades for, to nine decimals, rounded down.
    Notional(Money),
}

/// How an order executes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// At whatever the market gives.
    Market,
    /// At the limit or better.
    Limit(Px),
    /// A market order once the stop is touched.
    Stop(Px),
    /// A limit order once the stop is touched.
    StopLimit {
        /// The price that wakes the order.
        stop: Px,
        /// Highest price to pay, lowest price to take.
        limit: Px,
    },
    /// A stop that follows the best price since the order was accepted.
    Trailing(Trail),
}

/// How far a trailing stop keeps behind the best price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trail {
    /// So many dollars.
    Price(Px),
    /// So many per cent, in billionths of one per cent.
    Percent(Px),
}

impl Kind {
    /// The word the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Market => "market",
            Self::Limit(_) => "limit",
            Self::Stop(_) => "stop",
            Self::StopLimit { .. } => "stop_limit",
            Self::Trailing(_) => "trailing_stop",
        }
    }

    /// The price no execution can be worse than.
    #[must_use]
    pub const fn limit(self) -> Option<Px> {
        match self {
            Self::Limit(limit) | Self::StopLimit { limit, .. } => Some(limit),
            Self::Market | Self::Stop(_) | Self::Trailing(_) => None,
        }
    }

    /// The fixed price that wakes the order.
    #[must_use]
    pub const fn stop(self) -> Option<Px> {
        match self {
            Self::Stop(stop) | Self::StopLimit { stop, .. } => Some(stop),
            Self::Market | Self::Limit(_) | Self::Trailing(_) => None,
        }
    }
}

/// How long an order works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tif {
    /// Until the session's close.
    Day,
    /// Until canceled, at most 90 days.
    Gtc,
    /// In the opening auction only.
    Opg,
    /// In the closing auction only.
    Cls,
    /// At once what is there, the rest canceled.
    Ioc,
    /// At once completely, or not at all.
    Fok,
}

impl Tif {
    /// The word the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Gtc => "gtc",
            Self::Opg => "opg",
            Self::Cls => "cls",
            Self::Ioc => "ioc",
            Self::Fok => "fok",
        }
    }
}

/// Which group an order belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// None.
    #[default]
    Simple,
    /// An entry with two exits.
    Bracket,
    /// Two exits of which one cancels the other.
    Oco,
    /// An entry with one exit.
    Oto,
}

impl Class {
    /// The word the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Bracket => "bracket",
            Self::Oco => "oco",
            Self::Oto => "oto",
        }
    }
}

/// What an order does in its group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It is in none.
    #[default]
    Alone,
    /// Opens the position.
    Entry,
    /// Closes it with a gain.
    TakeProfit,
    /// Closes it with a loss.
    StopLoss,
}

/// Whether the price that wakes an order has been touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wake {
    /// Not yet, or there is no such price.
    #[default]
    Asleep,
    /// Touched: the order is a market or limit order from now on.
    Touched,
}

/// Where an order stands, in the wire's words; the venue uses these and no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Taken; about to work.
    PendingNew,
    /// Taken outside of trading hours; works from the next opening on.
    Accepted,
    /// An exit that waits for its entry.
    Held,
    /// Working.
    New,
    /// Working, and part of it is filled.
    PartiallyFilled,
    /// All of it is filled; final.
    Filled,
    /// Canceled, perhaps after part of it was filled; final.
    Canceled,
    /// Its time ran out, perhaps after part of it was filled; final.
    Expired,
    /// Another order took its place; final.
    Replaced,
    /// Refused after it was taken; final.
    Rejected,
}

/// What an order does to the position in its symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Buys more of what is held, or begins to.
    BuyToOpen,
    /// Buys back what is owed.
    BuyToClose,
    /// Sells what is not held.
    SellToOpen,
    /// Sells what is held.
    SellToClose,
}

impl Intent {
    /// What an order does that belongs to a short position or does not.
    #[must_use]
    pub const fn of(side: Side, is_short: bool) -> Self {
        match (side, is_short) {
            (Side::Buy, false) => Self::BuyToOpen,
            (Side::Buy, true) => Self::BuyToClose,
            (Side::Sell, false) => Self::SellToClose,
            (Side::Sell, true) => Self::SellToOpen,
        }
    }

    /// The word the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BuyToOpen => "buy_to_open",
            Self::BuyToClose => "buy_to_close",
            Self::SellToOpen => "sell_to_open",
            Self::SellToClose => "sell_to_close",
        }
    }
}

impl Status {
    /// The word the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PendingNew => "pending_new",
            Self::Accepted => "accepted",
            Self::Held => "held",
            Self::New => "new",
            Self::PartiallyFilled => "partially_filled",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Rejected => "rejected",
        }
    }

    /// Whether nothing can be expected of the order any more.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Filled | Self::Canceled | Self::Expired | Self::Replaced | Self::Rejected
        )
    }

    /// Whether the order can execute now.
    #[must_use]
    pub const fn is_working(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }

    /// The state in the words of `atlas-core`.
    #[must_use]
    pub const fn to_core(self) -> OrderStatus {
        match self {
            Self::PendingNew | Self::Accepted | Self::Held | Self::New => OrderStatus::Accepted,
            Self::PartiallyFilled => OrderStatus::PartiallyFilled,
            Self::Filled => OrderStatus::Filled,
            Self::Canceled => OrderStatus::Canceled,
            Self::Expired => OrderStatus::Expired,
            Self::Replaced => OrderStatus::Replaced,
            Self::Rejected => OrderStatus::Rejected,
        }
    }
}

/// The other way.
pub(super) const fn opposite(side: Side) -> Side {
    match side {
        Side::Buy => Side::Sell,
        Side::Sell => Side::Buy,
    }
}
