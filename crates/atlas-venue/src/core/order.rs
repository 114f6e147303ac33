//! Orders as the venue keeps them.

use atlas_core::time::Timestamp;
use atlas_core::{OrderStatus, Side, Symbol};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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

/// What somebody asks the venue for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// The name the sender gave it; the venue makes one up otherwise.
    pub client_order_id: Option<String>,
    /// What to trade.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much.
    pub size: Size,
    /// How it executes.
    pub kind: Kind,
    /// How long it works.
    pub tif: Tif,
    /// Whether it may trade outside of regular hours; the venue has no prices there, so such an
    /// order works in regular hours like any other.
    pub extended_hours: bool,
    /// Which group it opens.
    pub class: Class,
    /// Exit at a profit: its limit.
    pub take_profit: Option<Px>,
    /// Exit at a loss: its stop, and its limit if it is a stop-limit.
    pub stop_loss: Option<(Px, Option<Px>)>,
}

/// An order as it was when it was taken, before any fill, with its exits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The order.
    pub order: OrderRecord,
    /// The exits that were taken with it.
    pub legs: Vec<OrderRecord>,
}

/// What is to be changed about a working order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Replacement {
    /// The name of the successor; the venue makes one up otherwise.
    pub client_order_id: Option<String>,
    /// The new total quantity.
    pub qty: Option<Shares>,
    /// The new time in force.
    pub tif: Option<Tif>,
    /// The new limit.
    pub limit: Option<Px>,
    /// The new stop.
    pub stop: Option<Px>,
    /// The new trail, in dollars or per cent as the order has it.
    pub trail: Option<Px>,
}

/// The moments of an order's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Times {
    /// When it came in.
    pub submitted: Timestamp,
    /// When it last changed.
    pub updated: Timestamp,
    /// When it ended, whichever way.
    pub ended: Option<Timestamp>,
    /// When a day or gtc order runs out.
    pub expires: Timestamp,
}

/// An order as the venue keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Its number, from 1, in the order of arrival.
    pub seq: u64,
    /// The venue's name for it.
    pub id: Uuid,
    /// The sender's name for it.
    pub client_order_id: String,
    /// What it trades.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How much was asked for.
    pub size: Size,
    /// How it executes.
    pub kind: Kind,
    /// How long it works.
    pub tif: Tif,
    /// Whether it was sent for extended hours.
    pub extended_hours: bool,
    /// Which group it belongs to.
    pub class: Class,
    /// Where it stands.
    pub status: Status,
    /// Shares filled so far.
    pub filled: Shares,
    /// What the fills came to, before fees.
    pub filled_notional: Money,
    /// Whether its stop was touched.
    pub wake: Wake,
    /// Best price since a trailing stop began to follow it.
    pub best: Option<Px>,
    /// Price a share of it is reserved at while it is open; `None` for sells.
    pub reserve: Option<Px>,
    /// Shares a sale for an amount of money holds: what the amount came to when it was taken. It
    /// never sells more, even if that is worth less by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Shares>,
    /// Most that may fill in the present session, where a fault says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most: Option<Shares>,
    /// What it does in its group.
    pub role: Role,
    /// The order that opened its group.
    pub parent: Option<u64>,
    /// The order it took the place of.
    pub replaces: Option<Uuid>,
    /// The order that took its place.
    pub replaced_by: Option<Uuid>,
    /// The moments of its life.
    pub times: Times,
}

impl OrderRecord {
    /// Shares asked for; `None` for an amount of money.
    #[must_use]
    pub const fn qty(&self) -> Option<Shares> {
        match self.size {
            Size::Shares(qty) => Some(qty),
            Size::Notional(_) => None,
        }
    }

    /// Shares that can still fill; none once the order has ended. An order for an amount of money
    /// has as many as the rest of the amount buys at `price`.
    #[must_use]
    pub fn leaves(&self, price: Px) -> Shares {
        if self.status.is_final() {
            return Shares::ZERO;
        }
        match self.size {
            Size::Shares(qty) => qty.minus(self.filled),
            Size::Notional(amount) => {
                let rest = amount.attos().saturating_sub(self.filled_notional.attos());
                let leaves = Money::from_attos(rest).buys(price);
                self.hold.map_or(leaves, |hold| leaves.min(hold.minus(self.filled)))
            }
        }
    }

    /// The number its whole group shares; `None` outside of a group.
    #[must_use]
    pub const fn group(&self) -> Option<u64> {
        match (self.role, self.parent) {
            (Role::Alone, _) => None,
            (Role::Entry | Role::TakeProfit | Role::StopLoss, Some(parent)) => Some(parent),
            (Role::Entry | Role::TakeProfit | Role::StopLoss, None) => Some(self.seq),
        }
    }

    /// Whether it hangs below another order of its group.
    #[must_use]
    pub const fn is_leg(&self) -> bool {
        match self.class {
            Class::Simple => false,
            Class::Bracket | Class::Oto => !matches!(self.role, Role::Entry),
            Class::Oco => matches!(self.role, Role::StopLoss),
        }
    }

    /// Mean price of the fills so far, to nine decimals.
    #[must_use]
    pub fn avg_price(&self) -> Option<Px> {
        self.filled_notional.mean_price(self.filled)
    }

    /// Shares the order holds back of the position it sells; none for buys, for exits that wait and
    /// for orders that have ended.
    #[must_use]
    pub fn holds(&self) -> Shares {
        if self.side == Side::Buy || self.status == Status::Held || self.status.is_final() {
            return Shares::ZERO;
        }
        self.hold.or_else(|| self.qty()).unwrap_or_default().minus(self.filled)
    }

    /// Buying power the order holds back; nothing for sells and for orders that have ended.
    #[must_use]
    pub fn reserved(&self) -> Money {
        let (Some(price), false) = (self.reserve, self.status.is_final()) else {
            return Money::ZERO;
        };
        match self.size {
            Size::Shares(qty) => price.times(qty.minus(self.filled)),
            Size::Notional(amount) => {
                Money::from_attos((amount.attos() - self.filled_notional.attos()).max(0))
            }
        }
    }
}
