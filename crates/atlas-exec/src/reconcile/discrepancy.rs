//! What can differ between journal and broker, with both sides' values.

use std::fmt;

use atlas_core::{ClientOrderId, OrderStatus, Price, Qty, Symbol, Usd, VenueOrderId};
use serde::{Deserialize, Serialize};

/// How grave a difference is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth a look; trading goes on.
    Advisory,
    /// The account is PAUSED.
    Mismatch,
}

/// One difference between what the journal expects and what the broker reports.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Discrepancy {
    /// Shares held differ.
    Position {
        /// The symbol.
        symbol: Symbol,
        /// Shares the journal expects.
        ours: Qty,
        /// Shares the broker reports.
        broker: Qty,
    },
    /// Cash differs by more than fees that may still be posted explain.
    Cash {
        /// USD the journal expects.
        ours: Usd,
        /// USD the broker reports.
        broker: Usd,
        /// USD that fees not posted yet may have taken.
        allowance: Usd,
    },
    /// The broker works an order under our prefix that the journal does not know.
    UnknownOrder {
        /// Its name.
        client_order_id: ClientOrderId,
        /// The broker's name for it.
        venue_order_id: VenueOrderId,
    },
    /// The journal says that the broker has an order, and the broker does not know it.
    MissingOrder {
        /// Its name.
        client_order_id: ClientOrderId,
        /// Its state in the journal.
        ours: OrderStatus,
    },
    /// An order at the broker is not the one that was intended under its name.
    OrderBody {
        /// Its name.
        client_order_id: ClientOrderId,
        /// What differs.
        field: String,
        /// As intended.
        ours: String,
        /// As the broker has it.
        broker: String,
    },
    /// An order's state differs after all news was taken in.
    OrderState {
        /// Its name.
        client_order_id: ClientOrderId,
        /// Its state in the journal.
        ours: OrderStatus,
        /// Its state at the broker.
        broker: OrderStatus,
    },
    /// The filled quantity of an order differs after all activities were imported.
    OrderFill {
        /// Its name.
        client_order_id: ClientOrderId,
        /// Shares filled by the journal.
        ours: Qty,
        /// Shares filled by the broker.
        broker: Qty,
    },
    /// Something in the journal does not add up, and nobody accepted it yet.
    Anomaly {
        /// The record.
        seq: u64,
        /// What is odd.
        problem: String,
    },
    /// Shares on the account that Atlas neither opened nor adopted, while the policy is `refuse`.
    Unmanaged {
        /// The symbol.
        symbol: Symbol,
        /// Shares.
        qty: Qty,
    },
    /// Another client's open order on the account, while the policy is `refuse`.
    UnmanagedOrder {
        /// Its name.
        client_order_id: ClientOrderId,
        /// What it trades.
        symbol: Symbol,
    },
    /// The mean price paid differs by more than a cent; brokers compute it in their own ways.
    AvgPrice {
        /// The symbol.
        symbol: Symbol,
        /// By the journal, at average cost.
        ours: Price,
        /// By the broker.
        broker: Price,
    },
}

impl Discrepancy {
    /// How grave it is.
    #[must_use]
    pub const fn severity(&self) -> Severity {
        match self {
            Self::AvgPrice { .. } => Severity::Advisory,
            Self::Position { .. }
            | Self::Cash { .. }
            | Self::UnknownOrder { .. }
            | Self::MissingOrder { .. }
            | Self::OrderBody { .. }
            | Self::OrderState { .. }
            | Self::OrderFill { .. }
            | Self::Anomaly { .. }
            | Self::Unmanaged { .. }
            | Self::UnmanagedOrder { .. } => Severity::Mismatch,
        }
    }
}

impl fmt::Display for Discrepancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position { symbol, ours, broker } => {
                write!(
                    f,
                    "{symbol}: the journal expects {ours} shares, the broker reports {broker}"
                )
            }
            Self::Cash { ours, broker, allowance } => write!(
                f,
                "cash: the journal expects {ours} USD, the broker reports {broker} \
                 (fees not posted yet explain at most {allowance})"
            ),
            Self::UnknownOrder { client_order_id, venue_order_id } => write!(
                f,
                "order {client_order_id} ({venue_order_id}) is at the broker, and the journal does \
                 not know it"
            ),
            Self::MissingOrder { client_order_id, ours } => write!(
                f,
                "order {client_order_id} is {} in the journal, and the broker does not know it",
                ours.as_str()
            ),
            Self::OrderBody { client_order_id, field, ours, broker } => write!(
                f,
                "order {client_order_id}: {field} was intended as {ours}, the broker has {broker}"
            ),
            Self::OrderState { client_order_id, ours, broker } => write!(
                f,
                "order {client_order_id} is {} in the journal and {} at the broker",
                ours.as_str(),
                broker.as_str()
            ),
            Self::OrderFill { client_order_id, ours, broker } => write!(
                f,
                "order {client_order_id}: {ours} shares are filled by the journal, {broker} by \
                 the broker"
            ),
            Self::Anomaly { seq, problem } => write!(f, "journal record {seq}: {problem}"),
            Self::Unmanaged { symbol, qty } => write!(
                f,
                "{qty} shares of {symbol} are not Atlas's: adopt them, or set unmanaged = \"ignore\""
            ),
            Self::UnmanagedOrder { client_order_id, symbol } => write!(
                f,
                "order {client_order_id} for {symbol} is another client's: cancel it, or set \
                 unmanaged = \"ignore\""
            ),
            Self::AvgPrice { symbol, ours, broker } => write!(
                f,
                "{symbol}: mean price paid is {ours} by the journal, {broker} by the broker"
            ),
        }
    }
}
