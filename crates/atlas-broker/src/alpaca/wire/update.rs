//! Messages of the `trade_updates` stream.

use atlas_core::time::Timestamp;
use atlas_core::{Fill, Qty};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::activity::execution_id;
use super::{Amount, Fault, WireOrder};
use crate::{BrokerOrder, OrderNews};

/// One message.
#[derive(Debug)]
pub(crate) enum StreamFrame {
    /// Whether the keys were taken.
    Authorization(bool),
    /// What is listened to now.
    Listening(Vec<String>),
    /// Something happened to an order.
    Update(Box<WireUpdate>),
    /// The server complains.
    Error(String),
    /// Anything else.
    Other,
}

#[derive(Debug, Deserialize)]
struct Envelope<'a> {
    stream: Option<String>,
    action: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
struct Authorization {
    status: String,
}

#[derive(Debug, Deserialize)]
struct Listening {
    streams: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Complaint {
    error_message: Option<String>,
}

impl StreamFrame {
    /// Reads one message.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        fn inner<'a, T: Deserialize<'a>>(data: &'a RawValue) -> Result<T, Fault> {
            serde_json::from_str(data.get()).map_err(|error| Fault::field("data", &error))
        }
        let envelope: Envelope<'_> =
            serde_json::from_slice(bytes).map_err(|error| Fault::Bad(error.to_string()))?;
        let Some(data) = envelope.data else { return Ok(Self::Other) };
        if envelope.action.as_deref() == Some("error") {
            let words = inner::<Complaint>(data)?.error_message;
            return Ok(Self::Error(words.unwrap_or_else(|| "no reason given".to_owned())));
        }
        match envelope.stream.as_deref() {
            Some("authorization") => {
                Ok(Self::Authorization(inner::<Authorization>(data)?.status == "authorized"))
            }
            Some("listening") => {
                Ok(Self::Listening(inner::<Listening>(data)?.streams.unwrap_or_default()))
            }
            Some("trade_updates") => Ok(Self::Update(Box::new(inner(data)?))),
            _ => Ok(Self::Other),
        }
    }
}

/// Something happened to an order: `price` and `qty` are of this execution, the order's amounts
/// are cumulative.
#[derive(Debug, Deserialize)]
pub(crate) struct WireUpdate {
    pub(crate) event: String,
    order: WireOrder,
    timestamp: Option<Timestamp>,
    price: Option<Amount>,
    qty: Option<Amount>,
}

/// An update in our words.
#[derive(Debug)]
pub(crate) struct ReadUpdate {
    pub(crate) news: OrderNews,
    pub(crate) order: BrokerOrder,
    pub(crate) ts_event: Option<Timestamp>,
    /// The execution, if it is told completely.
    pub(crate) fill: Option<Fill>,
}

impl ReadUpdate {
    /// Whether shares changed hands.
    pub(crate) const fn is_fill(&self) -> bool {
        matches!(self.news, OrderNews::Fill | OrderNews::PartialFill)
    }
}

impl WireUpdate {
    /// The update in our words.
    pub(crate) fn read(&self) -> Result<ReadUpdate, Fault> {
        let news = news(&self.event);
        let order = self.order.order()?;
        let told = self.qty.zip(self.price).zip(self.timestamp);
        let fill = match (&news, told) {
            (OrderNews::Fill | OrderNews::PartialFill, Some(((qty, price), ts_event))) => {
                Some(self.fill(&order, qty.qty("qty")?, price, ts_event)?)
            }
            _ => None,
        };
        Ok(ReadUpdate { news, order, ts_event: self.timestamp, fill })
    }

    fn fill(
        &self,
        order: &BrokerOrder,
        qty: Qty,
        price: Amount,
        ts_event: Timestamp,
    ) -> Result<Fill, Fault> {
        Ok(Fill {
            execution_id: execution_id(&order.venue_order_id, Some(self.order.filled_qty), "")?,
            client_order_id: order.client_order_id.clone(),
            venue_order_id: order.venue_order_id.clone(),
            symbol: order.symbol.clone(),
            side: order.side,
            qty,
            price: price.price("price")?,
            ts_event,
        })
    }
}

/// What happened, in our words.
fn news(event: &str) -> OrderNews {
    match event {
        "accepted" | "pending_new" | "new" => OrderNews::Accepted,
        "partial_fill" => OrderNews::PartialFill,
        "fill" => OrderNews::Fill,
        "canceled" => OrderNews::Canceled,
        "expired" => OrderNews::Expired,
        "done_for_day" => OrderNews::DoneForDay,
        "replaced" => OrderNews::Replaced,
        "rejected" => OrderNews::Rejected,
        "held" => OrderNews::Held,
        "pending_cancel" => OrderNews::PendingCancel,
        "pending_replace" => OrderNews::PendingReplace,
        "order_cancel_rejected" => OrderNews::CancelRejected,
        "order_replace_rejected" => OrderNews::ReplaceRejected,
        other => OrderNews::Unknown(other.to_owned()),
    }
}
