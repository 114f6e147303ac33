//! The one table from (state, event) to the next state.

use serde::{Deserialize, Serialize};

use crate::{Fill, VenueOrderId};

/// Where an order stands; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// In our books, not sent.
    Initialized,
    /// Our own risk check said no; final.
    Denied,
    /// Sent, or about to be: whether it reached the venue is not known yet.
    Submitted,
    /// The venue has it and works it.
    Accepted,
    /// Part of it is filled.
    PartiallyFilled,
    /// We asked the venue to cancel it.
    PendingCancel,
    /// We asked the venue to replace it.
    PendingReplace,
    /// All of it is filled; final.
    Filled,
    /// Canceled, perhaps after part of it was filled; final.
    Canceled,
    /// Its time ran out, perhaps after part of it was filled; final.
    Expired,
    /// The venue said no; final.
    Rejected,
    /// Another order took its place; final.
    Replaced,
    /// It is certain that it never reached the venue; final.
    NotPlaced,
}

impl OrderStatus {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Initialized,
        Self::Denied,
        Self::Submitted,
        Self::Accepted,
        Self::PartiallyFilled,
        Self::PendingCancel,
        Self::PendingReplace,
        Self::Filled,
        Self::Canceled,
        Self::Expired,
        Self::Rejected,
        Self::Replaced,
        Self::NotPlaced,
    ];

    /// The word used in the journal and in artifacts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initialized => "initialized",
            Self::Denied => "denied",
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::PartiallyFilled => "partially_filled",
            Self::PendingCancel => "pending_cancel",
            Self::PendingReplace => "pending_replace",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
            Self::Replaced => "replaced",
            Self::NotPlaced => "not_placed",
        }
    }

    /// Whether nothing can be expected of the order any more. A late fill of a canceled or
    /// expired order is still counted.
    #[must_use]
    pub const fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Denied
                | Self::Filled
                | Self::Canceled
                | Self::Expired
                | Self::Rejected
                | Self::Replaced
                | Self::NotPlaced
        )
    }

    /// Whether the order may be working at the venue.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !self.is_terminal() && !matches!(self, Self::Initialized)
    }

    /// The state after `event`, or `None` if the event cannot happen here. `unfilled` says that no
    /// share of the order was filled before. A fill leads to `Filled` only by the order's own
    /// arithmetic, so here every fill is a partial one.
    #[must_use]
    pub const fn next(self, event: &OrderEvent, unfilled: bool) -> Option<Self> {
        use OrderEvent as E;
        let working = if unfilled { Self::Accepted } else { Self::PartiallyFilled };
        Some(match (self, event) {
            (Self::Initialized, E::Denied { .. }) => Self::Denied,
            // A resend after an unknown outcome submits again, under the same id.
            (Self::Initialized | Self::Submitted, E::Submitted) => Self::Submitted,
            (Self::Submitted, E::NotPlaced { .. }) => Self::NotPlaced,
            // Accepted may be told late, after fills, or again by a poll: never a step back.
            (Self::Submitted | Self::Accepted | Self::PartiallyFilled, E::Accepted { .. }) => {
                working
            }
            // The venue may reject after it acknowledged, even while a cancel is under way.
            (Self::Submitted | Self::Accepted | Self::PendingCancel, E::Rejected { .. }) => {
                Self::Rejected
            }
            // A fill can overtake the answer to the submit, a cancel or a replace.
            (Self::Submitted | Self::Accepted | Self::PartiallyFilled, E::Filled(_)) => {
                Self::PartiallyFilled
            }
            // A fill that was under way when the order ended: counted, and the state stays. So does
            // the state when a poll tells of an order that is being canceled or replaced.
            (Self::PendingCancel | Self::PendingReplace, E::Accepted { .. })
            | (
                Self::PendingCancel
                | Self::PendingReplace
                | Self::Canceled
                | Self::Expired
                | Self::Replaced,
                E::Filled(_),
            ) => self,
            (
                Self::Submitted | Self::Accepted | Self::PartiallyFilled | Self::PendingCancel,
                E::CancelRequested,
            ) => Self::PendingCancel,
            (Self::PendingCancel, E::CancelRejected)
            | (Self::PendingReplace, E::ReplaceRejected) => working,
            (Self::Accepted | Self::PartiallyFilled, E::ReplaceRequested) => Self::PendingReplace,
            // Another client may replace it, even while our cancel is under way.
            (
                Self::Accepted | Self::PartiallyFilled | Self::PendingCancel | Self::PendingReplace,
                E::Replaced,
            ) => Self::Replaced,
            // The venue may cancel or expire by itself, at any time it holds the order.
            (
                Self::Submitted
                | Self::Accepted
                | Self::PartiallyFilled
                | Self::PendingCancel
                | Self::PendingReplace
                | Self::Canceled,
                E::Canceled,
            ) => Self::Canceled,
            (
                Self::Submitted
                | Self::Accepted
                | Self::PartiallyFilled
                | Self::PendingCancel
                | Self::PendingReplace
                | Self::Expired,
                E::Expired,
            ) => Self::Expired,
            _ => return None,
        })
    }
}

/// What can happen to an order; complete on purpose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum OrderEvent {
    /// Our own risk check said no.
    Denied {
        /// Why, in words.
        reason: String,
    },
    /// It is being sent.
    Submitted,
    /// The venue has it.
    Accepted {
        /// The venue's name for it.
        venue_order_id: VenueOrderId,
    },
    /// The venue said no.
    Rejected {
        /// Why, in the venue's words.
        reason: String,
    },
    /// It is certain that it never reached the venue.
    NotPlaced {
        /// Why, in words.
        reason: String,
    },
    /// Some or all of it was executed.
    Filled(Fill),
    /// We asked the venue to cancel it.
    CancelRequested,
    /// The venue did not cancel it.
    CancelRejected,
    /// It was canceled.
    Canceled,
    /// Its time ran out.
    Expired,
    /// We asked the venue to replace it.
    ReplaceRequested,
    /// The venue did not replace it.
    ReplaceRejected,
    /// Another order took its place.
    Replaced,
}

impl OrderEvent {
    /// The word used in messages.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Denied { .. } => "denied",
            Self::Submitted => "submitted",
            Self::Accepted { .. } => "accepted",
            Self::Rejected { .. } => "rejected",
            Self::NotPlaced { .. } => "not placed",
            Self::Filled(_) => "filled",
            Self::CancelRequested => "cancel requested",
            Self::CancelRejected => "cancel rejected",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::ReplaceRequested => "replace requested",
            Self::ReplaceRejected => "replace rejected",
            Self::Replaced => "replaced",
        }
    }
}
