//! Orders as the venue keeps them.

use atlas_core::time::Timestamp;
use atlas_core::{OrderStatus, Side, Symbol};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::listing::Listing;
use super::terms::{Class, Kind, Role, Size, Status, Tif, Wake};
use super::{Money, Px, Shares};

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
    /// order works in regular hours like any other, from the next opening on if there are none now.
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
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, each with its own name on the wire"
)]
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
    /// Whether it belongs to a short position: a sale opens it, a buy closes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_short: bool,
    /// Price a share of it is reserved at while it is open; `None` for orders that close.
    pub reserve: Option<Px>,
    /// Shares a sale for an amount of money holds: what the amount came to when it was taken. It
    /// never sells more, even if that is worth less by then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Shares>,
    /// Whether its cancellation was accepted and is still to come, where a fault says so. Not kept
    /// on disk: whoever was to carry it out is gone then.
    #[serde(skip)]
    pub canceling: bool,
    /// Whether its replacement was accepted and is still to come, where a fault says so. Not kept on
    /// disk either: the successor that waited is rejected when the account is taken up again.
    #[serde(skip)]
    pub replacing: bool,
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

    /// Where it stands, in the wire's words: `pending_cancel` while its cancellation is to come,
    /// `pending_replace` while its successor is.
    #[must_use]
    pub const fn status_text(&self) -> &'static str {
        if self.canceling && !self.status.is_final() {
            return "pending_cancel";
        }
        if self.replacing && !self.status.is_final() {
            return "pending_replace";
        }
        self.status.as_str()
    }

    /// Where it stands, in the words of `atlas-core`.
    #[must_use]
    pub const fn core_status(&self) -> OrderStatus {
        if self.canceling && !self.status.is_final() {
            return OrderStatus::PendingCancel;
        }
        if self.replacing && !self.status.is_final() {
            return OrderStatus::PendingReplace;
        }
        self.status.to_core()
    }

    /// Whether it waits to take another order's place, and does nothing until then.
    #[must_use]
    pub const fn waits(&self) -> bool {
        matches!(self.status, Status::PendingNew) && self.replaces.is_some()
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

    /// The step its executions come in: an increment of crypto, a whole share where whole shares
    /// were asked for, else a billionth.
    pub(crate) fn step(&self, listing: &Listing) -> Shares {
        match listing.crypto_rules() {
            Some(rules) => rules.min_trade_increment,
            None if self.qty().is_some_and(Shares::is_whole) => Shares::ONE,
            None => Shares::SMALLEST,
        }
    }

    /// Whether it closes a position, or part of one.
    #[must_use]
    pub const fn is_closing(&self) -> bool {
        matches!((self.side, self.is_short), (Side::Sell, false) | (Side::Buy, true))
    }

    /// Mean price of the fills so far, to nine decimals.
    #[must_use]
    pub fn avg_price(&self) -> Option<Px> {
        self.filled_notional.mean_price(self.filled)
    }

    /// Shares the order holds back of the position it closes; none for orders that open one, for
    /// exits and successors that wait and for orders that have ended.
    #[must_use]
    pub fn holds(&self) -> Shares {
        let is_idle = self.status == Status::Held || self.status.is_final() || self.waits();
        if !self.is_closing() || is_idle {
            return Shares::ZERO;
        }
        self.hold.or_else(|| self.qty()).unwrap_or_default().minus(self.filled)
    }

    /// Buying power the order holds back; nothing for orders that close a position and
    /// for orders that have ended.
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
