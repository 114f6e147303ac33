//! How a leg ended, from what became of its order.

use atlas_core::{OrderStatus, Qty, SignalOutcome};

use super::Leg;

/// The end of a leg, which is the end of its signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegEnd {
    /// How.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

/// The end of a leg whose order of `qty` shares stands at `status` with `filled` shares filled;
/// `None` if the order has not ended. `why` is what the venue or the gates said, if they did.
///
/// A buy that was rescaled and then filled completely is `PARTIALLY_EXECUTED`: its signal wanted
/// more.
#[must_use]
pub fn end_of(
    leg: &Leg,
    qty: Qty,
    status: OrderStatus,
    filled: Qty,
    why: Option<&str>,
) -> Option<LegEnd> {
    if !status.is_terminal() {
        return None;
    }
    let planned = leg.request.qty;
    let because = why.map(|why| format!(": {why}")).unwrap_or_default();
    let (outcome, reason) = if filled == planned {
        (SignalOutcome::Executed, format!("all {planned} shares filled"))
    } else if filled == qty {
        let allowed = if leg.reduces() {
            "its protective order had sold the rest"
        } else {
            "as the money allowed"
        };
        let reason = format!("{filled} of {planned} shares filled, {allowed}");
        (SignalOutcome::PartiallyExecuted, reason)
    } else if !filled.is_zero() {
        let reason =
            format!("{filled} of {planned} shares filled, the rest {}{because}", words(status));
        (SignalOutcome::PartiallyExecuted, reason)
    } else {
        let outcome = match status {
            OrderStatus::Rejected => SignalOutcome::RejectedByBroker,
            OrderStatus::Denied => SignalOutcome::RejectedByLimit,
            OrderStatus::Initialized
            | OrderStatus::Submitted
            | OrderStatus::Accepted
            | OrderStatus::PartiallyFilled
            | OrderStatus::PendingCancel
            | OrderStatus::PendingReplace
            | OrderStatus::Filled
            | OrderStatus::Canceled
            | OrderStatus::Expired
            | OrderStatus::Replaced
            | OrderStatus::NotPlaced => SignalOutcome::ExpiredUnfilled,
        };
        (outcome, format!("no share filled, the order {}{because}", words(status)))
    };
    Some(LegEnd { outcome, reason })
}

/// The state in words that end a sentence.
const fn words(status: OrderStatus) -> &'static str {
    match status {
        OrderStatus::Denied => "was denied",
        OrderStatus::Filled => "was filled",
        OrderStatus::Canceled => "was canceled",
        OrderStatus::Expired => "expired",
        OrderStatus::Rejected => "was rejected by the broker",
        OrderStatus::Replaced => "was replaced",
        OrderStatus::NotPlaced => "never reached the broker",
        OrderStatus::Initialized
        | OrderStatus::Submitted
        | OrderStatus::Accepted
        | OrderStatus::PartiallyFilled
        | OrderStatus::PendingCancel
        | OrderStatus::PendingReplace => "is still open",
    }
}
