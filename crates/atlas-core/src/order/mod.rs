//! Orders: what is asked for, and the one table of states.

mod state;

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use state::{OrderEvent, OrderStatus};

use crate::money::Rounding;
use crate::{ClientOrderId, Error, ExecutionId, Fill, Price, Qty, Symbol, Usd, VenueOrderId};

/// Which way an order trades.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Shares in, cash out.
    Buy,
    /// Shares out, cash in.
    Sell,
}

impl Side {
    /// The word the venue uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// How an order executes, with the prices that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
#[non_exhaustive]
pub enum OrderType {
    /// At whatever the market gives.
    Market,
    /// At the limit or better.
    Limit {
        /// Highest price to pay, lowest price to take.
        limit_price: Price,
    },
    /// A market order once the stop is touched.
    Stop {
        /// The price that wakes the order.
        stop_price: Price,
    },
    /// A limit order once the stop is touched.
    StopLimit {
        /// The price that wakes the order.
        stop_price: Price,
        /// Highest price to pay, lowest price to take.
        limit_price: Price,
    },
}

/// How long an order works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TimeInForce {
    /// Until the session's close.
    Day,
    /// Until canceled, at most 90 days at Alpaca.
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

impl TimeInForce {
    /// The word the venue uses.
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

/// Everything the venue is asked for; made before it is judged, and unchanged when it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRequest {
    /// Our name for the order.
    pub client_order_id: ClientOrderId,
    /// What to trade.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// How many shares, above zero.
    pub qty: Qty,
    /// How it executes.
    #[serde(flatten)]
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
}

impl OrderRequest {
    /// The price no execution can be worse than, if the order has one.
    #[must_use]
    pub const fn limit_price(&self) -> Option<Price> {
        match self.order_type {
            OrderType::Limit { limit_price } | OrderType::StopLimit { limit_price, .. } => {
                Some(limit_price)
            }
            OrderType::Market | OrderType::Stop { .. } => None,
        }
    }
}

/// An order of ours through its life.
///
/// # Examples
/// ```
/// use atlas_core::{Order, OrderEvent, OrderRequest, OrderStatus, OrderType, Qty, Side, TimeInForce};
///
/// let mut order = Order::new(OrderRequest {
///     client_order_id: "atlas-demo-1-buy-AAPL-0".parse()?,
///     symbol: "AAPL".parse()?,
///     side: Side::Buy,
///     qty: Qty::from_shares(10),
///     order_type: OrderType::Market,
///     time_in_force: TimeInForce::Day,
/// });
/// order.apply(&OrderEvent::Submitted)?;
/// order.apply(&OrderEvent::Rejected { reason: "no".into() })?;
/// assert_eq!(order.status(), OrderStatus::Rejected);
/// assert!(order.apply(&OrderEvent::Submitted).is_err());
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    request: OrderRequest,
    status: OrderStatus,
    venue_order_id: Option<VenueOrderId>,
    filled_qty: Qty,
    filled_notional: Usd,
    executions: BTreeSet<ExecutionId>,
    reason: Option<String>,
}

impl Order {
    /// An order that exists in our books only.
    #[must_use]
    pub const fn new(request: OrderRequest) -> Self {
        Self {
            request,
            status: OrderStatus::Initialized,
            venue_order_id: None,
            filled_qty: Qty::ZERO,
            filled_notional: Usd::ZERO,
            executions: BTreeSet::new(),
            reason: None,
        }
    }

    /// What was asked for.
    #[must_use]
    pub const fn request(&self) -> &OrderRequest {
        &self.request
    }

    /// Where it stands.
    #[must_use]
    pub const fn status(&self) -> OrderStatus {
        self.status
    }

    /// The venue's name for it, once the venue has it.
    #[must_use]
    pub const fn venue_order_id(&self) -> Option<&VenueOrderId> {
        self.venue_order_id.as_ref()
    }

    /// Shares filled so far.
    #[must_use]
    pub const fn filled_qty(&self) -> Qty {
        self.filled_qty
    }

    /// Shares not filled so far.
    #[must_use]
    pub fn leaves_qty(&self) -> Qty {
        self.request.qty.saturating_sub(self.filled_qty)
    }

    /// Dollars traded so far: the sum of price × quantity over its fills.
    #[must_use]
    pub const fn filled_notional(&self) -> Usd {
        self.filled_notional
    }

    /// Mean fill price, rounded half to even at six decimals; `None` before the first fill.
    #[must_use]
    pub fn avg_fill_price(&self) -> Option<Price> {
        self.filled_notional.per_share(self.filled_qty, 6, Rounding::HalfEven).ok()
    }

    /// Why it was denied, rejected or not placed, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Takes in one event. Returns false for a fill that was counted before.
    ///
    /// # Errors
    /// [`Error::OrderTransition`] if the state does not allow the event, [`Error::OrderQuantity`]
    /// if a fill belongs to another order or exceeds what is left; the order is unchanged then.
    pub fn apply(&mut self, event: &OrderEvent) -> Result<bool, Error> {
        if let OrderEvent::Filled(fill) = event {
            return self.apply_fill(fill);
        }
        self.status = self.next(event)?;
        match event {
            OrderEvent::Accepted { venue_order_id } => {
                self.venue_order_id = Some(venue_order_id.clone());
            }
            OrderEvent::Denied { reason }
            | OrderEvent::Rejected { reason }
            | OrderEvent::NotPlaced { reason } => self.reason = Some(reason.clone()),
            OrderEvent::Submitted
            | OrderEvent::Filled(_)
            | OrderEvent::CancelRequested
            | OrderEvent::CancelRejected
            | OrderEvent::Canceled
            | OrderEvent::Expired
            | OrderEvent::ReplaceRequested
            | OrderEvent::ReplaceRejected
            | OrderEvent::Replaced => {}
        }
        Ok(true)
    }

    /// Takes another request under the same name, as a venue makes it of an order that works when
    /// the shares are split or get another symbol. What was filled stays as it is.
    ///
    /// # Errors
    /// [`Error::OrderQuantity`] if it is another order's, for the other side, or for less than was
    /// filled; the order is unchanged then.
    pub fn restate(&mut self, request: OrderRequest) -> Result<(), Error> {
        let same = request.client_order_id == self.request.client_order_id
            && request.side == self.request.side;
        if !same || request.qty < self.filled_qty || self.status.is_terminal() {
            return Err(Error::OrderQuantity {
                order: self.request.client_order_id.to_string(),
                problem: format!(
                    "it cannot become an order of {} {}: {} of {} were filled",
                    request.qty, request.symbol, self.filled_qty, self.request.qty
                ),
            });
        }
        self.request = request;
        Ok(())
    }

    fn next(&self, event: &OrderEvent) -> Result<OrderStatus, Error> {
        self.status.next(event, self.filled_qty.is_zero()).ok_or_else(|| Error::OrderTransition {
            order: self.request.client_order_id.to_string(),
            event: event.name(),
            status: self.status.as_str(),
        })
    }

    fn apply_fill(&mut self, fill: &Fill) -> Result<bool, Error> {
        let wrong = |problem: String| Error::OrderQuantity {
            order: self.request.client_order_id.to_string(),
            problem,
        };
        let same = fill.client_order_id == self.request.client_order_id
            && fill.symbol == self.request.symbol
            && fill.side == self.request.side;
        if !same {
            return Err(wrong(format!("fill {} belongs to another order", fill.execution_id)));
        }
        if self.executions.contains(&fill.execution_id) {
            return Ok(false);
        }
        let filled_qty = self.filled_qty.checked_add(fill.qty)?;
        if fill.qty.is_zero() || filled_qty > self.request.qty {
            return Err(wrong(format!(
                "fill {} of {} does not fit: {} of {} were filled before",
                fill.execution_id, fill.qty, self.filled_qty, self.request.qty
            )));
        }
        let filled_notional = self.filled_notional.checked_add(fill.notional()?)?;
        let mut status = self.next(&OrderEvent::Filled(fill.clone()))?;
        if filled_qty == self.request.qty {
            status = OrderStatus::Filled;
        }
        self.status = status;
        self.filled_qty = filled_qty;
        self.filled_notional = filled_notional;
        self.venue_order_id.get_or_insert_with(|| fill.venue_order_id.clone());
        self.executions.insert(fill.execution_id.clone());
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn request(qty: u32) -> OrderRequest {
        OrderRequest {
            client_order_id: "atlas-test-1-buy-AAPL-0".parse().unwrap(),
            symbol: "AAPL".parse().unwrap(),
            side: Side::Buy,
            qty: Qty::from_shares(qty),
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
        }
    }

    fn fill(id: u32, qty: u32) -> OrderEvent {
        OrderEvent::Filled(Fill {
            execution_id: format!("x{id}").parse().unwrap(),
            client_order_id: request(1).client_order_id,
            venue_order_id: "v".parse().unwrap(),
            symbol: "AAPL".parse().unwrap(),
            side: Side::Buy,
            qty: Qty::from_shares(qty),
            price: "10.5".parse().unwrap(),
            ts_event: DateTime::UNIX_EPOCH,
        })
    }

    fn accepted() -> OrderEvent {
        OrderEvent::Accepted { venue_order_id: "v".parse().unwrap() }
    }

    /// Applies the events and gives the state, `None` where one of them is refused.
    fn check(events: &[OrderEvent]) -> Option<OrderStatus> {
        let mut order = Order::new(request(10));
        events.iter().try_for_each(|event| order.apply(event).map(drop)).ok()?;
        Some(order.status())
    }

    #[test]
    fn what_must_not_be() {
        let sent = OrderEvent::Submitted;
        let no = OrderEvent::Rejected { reason: "no".into() };
        let denied = OrderEvent::Denied { reason: "limit".into() };
        let cases = [
            vec![accepted()],
            vec![fill(1, 1)],
            vec![sent.clone(), fill(1, 11)],
            vec![sent.clone(), fill(1, 6), fill(2, 6)],
            vec![sent.clone(), fill(1, 4), no],
            vec![sent.clone(), fill(1, 10), OrderEvent::Canceled],
            vec![denied, sent],
        ];
        for events in cases {
            assert_eq!(check(&events), None, "{events:?}");
        }
    }

    #[test]
    fn the_table() {
        use OrderEvent as E;
        use OrderStatus as S;
        let sent = E::Submitted;
        let no = E::Rejected { reason: "no".into() };
        let cases = [
            (vec![], Some(S::Initialized)),
            (vec![sent.clone(), accepted(), fill(1, 10)], Some(S::Filled)),
            (vec![sent.clone(), accepted(), fill(1, 4)], Some(S::PartiallyFilled)),
            (vec![sent.clone(), fill(1, 4), accepted()], Some(S::PartiallyFilled)),
            (vec![sent.clone(), fill(1, 4), fill(1, 4)], Some(S::PartiallyFilled)),
            (vec![sent.clone(), sent.clone(), accepted()], Some(S::Accepted)),
            (vec![sent.clone(), accepted(), E::CancelRequested, fill(1, 10)], Some(S::Filled)),
            (
                vec![sent.clone(), accepted(), E::CancelRequested, fill(1, 1)],
                Some(S::PendingCancel),
            ),
            (vec![sent.clone(), accepted(), E::Canceled, fill(1, 1)], Some(S::Canceled)),
            (vec![sent.clone(), no], Some(S::Rejected)),
            (vec![sent, E::NotPlaced { reason: "gone".into() }], Some(S::NotPlaced)),
            (vec![E::Denied { reason: "limit".into() }], Some(S::Denied)),
        ];
        for (events, expected) in cases {
            assert_eq!(check(&events), expected, "{events:?}");
        }
    }

    fn any_event() -> impl Strategy<Value = OrderEvent> {
        prop_oneof![
            Just(OrderEvent::Submitted),
            Just(accepted()),
            Just(OrderEvent::CancelRequested),
            Just(OrderEvent::CancelRejected),
            Just(OrderEvent::Canceled),
            Just(OrderEvent::Expired),
            Just(OrderEvent::ReplaceRequested),
            Just(OrderEvent::ReplaceRejected),
            Just(OrderEvent::Rejected { reason: "no".into() }),
            (0_u32..6, 1_u32..6).prop_map(|(id, qty)| fill(id, qty)),
        ]
    }

    proptest! {
        #[test]
        fn no_sequence_of_events_breaks_the_books(events in prop::collection::vec(any_event(), 0..30)) {
            let mut order = Order::new(request(10));
            let mut counted = std::collections::BTreeMap::new();
            for event in &events {
                let before = order.clone();
                if let Ok(new) = order.apply(event) {
                    if let OrderEvent::Filled(fill) = event {
                        prop_assert_eq!(new, !counted.contains_key(&fill.execution_id));
                        counted.entry(fill.execution_id.clone()).or_insert(fill.qty);
                    }
                    let still = before.status() == order.status()
                        || order.status() == OrderStatus::Filled;
                    prop_assert!(!before.status().is_terminal() || still);
                } else {
                    prop_assert_eq!(&before, &order);
                }
                let filled = counted.values().try_fold(Qty::ZERO, |sum, qty| sum.checked_add(*qty));
                prop_assert_eq!(order.filled_qty(), filled.unwrap());
                prop_assert!(order.filled_qty() <= order.request().qty);
                let full = order.leaves_qty().is_zero();
                prop_assert_eq!(full, order.status() == OrderStatus::Filled);
            }
            let json = serde_json::to_string(&order).unwrap();
            prop_assert_eq!(serde_json::from_str::<Order>(&json).unwrap(), order);
        }
    }
}
