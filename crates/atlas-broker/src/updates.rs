//! What a broker tells about orders by itself.

use async_trait::async_trait;
use atlas_core::Fill;
use atlas_core::time::Timestamp;

use crate::{BrokerOrder, Error};

/// One thing a stream of order updates tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum Update {
    /// The connection stands, and everything that happened before it did has been told.
    CaughtUp,
    /// The connection is gone; the stream will make another one and catch up.
    Lost(Error),
    /// Something happened to an order; fills are told apart, before this.
    Order(OrderUpdate),
    /// Part or all of an order was executed.
    Fill(Fill),
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderUpdate {
    /// What happened.
    pub news: OrderNews,
    /// The order after it.
    pub order: BrokerOrder,
    /// When the broker says it happened; `None` if it was found out by asking.
    pub ts_event: Option<Timestamp>,
}

/// What happened to an order, in the broker's word; it describes, the order's state decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum OrderNews {
    /// The broker has it: `accepted`, `pending_new`, `new`.
    Accepted,
    /// Part of it was executed: `partial_fill`.
    PartialFill,
    /// The rest of it was executed: `fill`.
    Fill,
    /// It was canceled.
    Canceled,
    /// Its time ran out: `expired`.
    Expired,
    /// It is done for the day.
    DoneForDay,
    /// Another order took its place.
    Replaced,
    /// The broker rejected it.
    Rejected,
    /// It waits for another order: `held`.
    Held,
    /// A cancel was asked for: `pending_cancel`.
    PendingCancel,
    /// A replacement was asked for: `pending_replace`.
    PendingReplace,
    /// It was not canceled: `order_cancel_rejected`.
    CancelRejected,
    /// It was not replaced: `order_replace_rejected`.
    ReplaceRejected,
    /// It was found to have changed while nobody listened.
    Found,
    /// Anything else, by the broker's word.
    Unknown(String),
}

/// A stream of order updates that makes up for what it missed.
///
/// What any implementation must keep:
/// - every execution after the bookmark the stream was opened with is told once, in the order of
///   each order's executions, and the quantities told for an order add up;
/// - after [`Update::CaughtUp`] nothing from before it is missing;
/// - an order is never told to be where it was before.
#[async_trait]
pub trait UpdateStream: Send {
    /// Waits for the next update, for as long as it takes. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::Auth`] if the keys are refused, [`Error::UnknownState`] for an order nobody here
    /// understands, [`Error::BadAnswer`] if executions do not add up. Asking again reconnects.
    async fn next(&mut self) -> Result<Update, Error>;
}
