//! What the exchange tells of each call.

use std::collections::BTreeSet;

use atlas_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::order::OrderRecord;
use super::{Delta, Px, Shares};

/// What happened to an order, in the words of the `trade_updates` stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// Taken outside of trading hours.
    Accepted,
    /// Taken; about to work.
    PendingNew,
    /// Working.
    New,
    /// An exit waits for its entry.
    Held,
    /// Part of it was filled.
    PartialFill,
    /// The rest of it was filled.
    Fill,
    /// A cancellation was accepted and is still to come.
    PendingCancel,
    /// Canceled.
    Canceled,
    /// Its time ran out.
    Expired,
    /// Another order took its place.
    Replaced,
    /// A replacement was accepted and is still to come.
    PendingReplace,
    /// The replacement that was accepted does not come: the order ended first, or cannot become
    /// what was asked for any more.
    OrderReplaceRejected,
    /// Refused after it was taken.
    Rejected,
}

impl Event {
    /// The word the wire uses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::PendingNew => "pending_new",
            Self::New => "new",
            Self::Held => "held",
            Self::PartialFill => "partial_fill",
            Self::Fill => "fill",
            Self::PendingCancel => "pending_cancel",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::PendingReplace => "pending_replace",
            Self::OrderReplaceRejected => "order_replace_rejected",
            Self::Rejected => "rejected",
        }
    }
}

/// One message of the `trade_updates` stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Update {
    /// Its number among all messages of the account, from 1 on.
    pub seq: u64,
    /// What happened.
    pub event: Event,
    /// When.
    pub stamp: Timestamp,
    /// The order afterwards.
    pub order: OrderRecord,
    /// The execution, for fills: its name, price and quantity.
    pub execution: Option<(Uuid, Px, Shares)>,
    /// The position in the symbol afterwards, below zero if it is short, for fills.
    pub position_qty: Option<Delta>,
}

/// What one or more calls changed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Changes {
    /// Numbers of the orders that are new or changed.
    pub(crate) orders: BTreeSet<u64>,
    /// Number of entries the ledger had before.
    pub(crate) activities_before: usize,
    /// Messages in the order of happening.
    pub(crate) updates: Vec<Update>,
}
