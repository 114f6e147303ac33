//! Orders as they come in.

use atlas_core::time::Timestamp;
use atlas_core::{
    ClientOrderId, OrderRequest, OrderStatus, OrderType, Price, Qty, Side, VenueOrderId,
};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::order_body::{kind, stop_price};
use super::{Amount, Fault, symbol};
use crate::{BrokerOrder, Sent, Terms, Trail};

/// An order as Alpaca shows it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct WireOrder {
    pub(crate) id: String,
    pub(crate) client_order_id: Option<String>,
    pub(crate) symbol: String,
    pub(crate) asset_class: Option<String>,
    pub(crate) side: String,
    pub(crate) qty: Option<Amount>,
    pub(crate) notional: Option<Amount>,
    pub(crate) filled_qty: Amount,
    pub(crate) filled_avg_price: Option<Amount>,
    #[serde(rename = "type")]
    pub(crate) kind: Option<String>,
    pub(crate) limit_price: Option<Amount>,
    pub(crate) stop_price: Option<Amount>,
    pub(crate) trail_price: Option<Amount>,
    pub(crate) trail_percent: Option<Amount>,
    pub(crate) status: String,
    pub(crate) time_in_force: Option<String>,
    pub(crate) order_class: Option<String>,
    pub(crate) legs: Option<Box<RawValue>>,
    pub(crate) replaced_by: Option<String>,
    pub(crate) replaces: Option<String>,
    pub(crate) submitted_at: Option<Timestamp>,
    pub(crate) created_at: Option<Timestamp>,
}

impl WireOrder {
    /// The order in our words.
    pub(crate) fn order(&self) -> Result<BrokerOrder, Fault> {
        let filled_qty = self.filled_qty.qty("filled_qty")?;
        let status = self.status(filled_qty)?;
        let limit = self.limit_price.filter(|amount| !amount.0.is_zero());
        Ok(BrokerOrder {
            venue_order_id: self.venue_order_id()?,
            client_order_id: self.client_order_id()?,
            symbol: symbol(&self.symbol, self.asset_class.as_deref())?,
            side: side(&self.side)?,
            qty: self.asked(filled_qty, status)?,
            notional: self.notional.map(|amount| amount.usd("notional")).transpose()?,
            filled_qty,
            avg_fill_price: self.filled_avg_price.and_then(Amount::mean),
            status,
            limit_price: limit.map(|amount| amount.price("limit_price")).transpose()?,
            submitted_at: self.instant().ok_or_else(|| Fault::missing("submitted_at"))?,
            replaces: self
                .replaces
                .as_ref()
                .map(|id| VenueOrderId::new(id))
                .transpose()
                .map_err(|error| Fault::field("replaces", &error))?,
        })
    }

    /// When the broker took it, if told.
    pub(crate) fn instant(&self) -> Option<Timestamp> {
        self.submitted_at.or(self.created_at)
    }

    /// The exits that hang on it, if they were asked for and told.
    pub(crate) fn legs(&self) -> Result<Vec<BrokerOrder>, Fault> {
        let Some(raw) = &self.legs else { return Ok(Vec::new()) };
        let legs: Option<Vec<Self>> =
            serde_json::from_str(raw.get()).map_err(|error| Fault::field("legs", &error))?;
        legs.unwrap_or_default().iter().map(Self::order).collect()
    }

    /// The broker's name for it.
    pub(crate) fn venue_order_id(&self) -> Result<VenueOrderId, Fault> {
        VenueOrderId::new(&self.id).map_err(|error| Fault::field("id", &error))
    }

    /// Our name for it. Other clients may name theirs as they like; a name that cannot be one of
    /// ours is only a label here, so what does not fit is escaped, and a missing one made up from
    /// the broker's.
    pub(crate) fn client_order_id(&self) -> Result<ClientOrderId, Fault> {
        let name = self.client_order_id.as_deref().unwrap_or_default();
        if let Ok(id) = ClientOrderId::new(name) {
            return Ok(id);
        }
        let label = if name.is_empty() {
            format!("unnamed-{}", self.id)
        } else {
            name.bytes()
                .flat_map(|byte| {
                    let plain = byte.is_ascii_graphic();
                    let text =
                        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") };
                    text.into_bytes()
                })
                .take(128)
                .map(char::from)
                .collect()
        };
        ClientOrderId::new(&label).map_err(|error| Fault::field("client_order_id", &error))
    }

    /// Shares asked for; of an order for an amount of money, those filled so far. One that is open
    /// and not of Atlas's making is not understood: nobody here knows how many shares it may move.
    fn asked(&self, filled_qty: Qty, status: OrderStatus) -> Result<Qty, Fault> {
        match (self.qty, self.notional) {
            (Some(qty), _) => qty.qty("qty"),
            (None, Some(_)) if status.is_terminal() || self.is_ours() => Ok(filled_qty),
            (None, Some(_)) => Err(Fault::Unsupported {
                what: format!("open order {} for an amount of money instead of shares", self.id),
                remedy: "wait until it has ended, or cancel it at the broker",
            }),
            (None, None) => Err(Fault::missing("qty")),
        }
    }

    /// Whether its name is one Atlas gives.
    fn is_ours(&self) -> bool {
        self.client_order_id.as_deref().is_some_and(|name| name.starts_with("atlas-"))
    }

    /// Where it stands: the one table from Alpaca's words to ours.
    fn status(&self, filled_qty: Qty) -> Result<OrderStatus, Fault> {
        let working =
            if filled_qty.is_zero() { OrderStatus::Accepted } else { OrderStatus::PartiallyFilled };
        Ok(match self.status.as_str() {
            // `held` legs and `suspended` orders cannot execute now, but may later; `calculated`
            // and `done_for_day` may be followed by more on the next day.
            "new"
            | "accepted"
            | "pending_new"
            | "accepted_for_bidding"
            | "pending_review"
            | "held"
            | "stopped"
            | "suspended"
            | "calculated"
            | "done_for_day"
            | "partially_filled" => working,
            "pending_cancel" => OrderStatus::PendingCancel,
            "pending_replace" => OrderStatus::PendingReplace,
            "filled" => OrderStatus::Filled,
            "canceled" => OrderStatus::Canceled,
            "expired" => OrderStatus::Expired,
            "rejected" => OrderStatus::Rejected,
            "replaced" => OrderStatus::Replaced,
            state => {
                return Err(Fault::UnknownState {
                    order: self.id.clone(),
                    state: state.chars().take(40).collect(),
                });
            }
        })
    }

    /// What differs between this order, read before, and a request that should have made it.
    pub(crate) fn mismatch(
        &self,
        order: &BrokerOrder,
        request: &OrderRequest,
        sent: &Sent,
    ) -> Option<String> {
        // A replacement keeps the class of the order it replaces, whatever that was.
        let (terms, replacing) = match sent {
            Sent::Submitted(terms) => (*terms, false),
            Sent::Replacing(_) => (Terms::Simple, true),
            Sent::ReplacingTrail(_, trail) => (Terms::Trailing(*trail), true),
        };
        // Alpaca turns a buy stop into a stop-limit by itself, with a limit of its own.
        let protected = request.side == Side::Buy
            && matches!(request.order_type, OrderType::Stop { .. })
            && self.kind.as_deref() == Some("stop_limit");
        let kinds = self.kind.as_deref().zip(kind(&request.order_type, terms));
        let trail = match terms.trail() {
            Some(Trail::Price(width)) => Some((width.value(), self.trail_price)),
            Some(Trail::Percent(percent)) => Some((percent, self.trail_percent)),
            None => None,
        };
        let trail_differs =
            trail.is_some_and(|(ours, theirs)| theirs.is_some_and(|theirs| theirs.0 != ours));
        let class =
            self.order_class.as_deref().map(|word| if word.is_empty() { "simple" } else { word });
        let class_differs = class.is_some_and(|class| class != terms.order_class());
        let stop = self.stop_price.map_or(Decimal::ZERO, |amount| amount.0);
        let wanted = stop_price(&request.order_type).map_or(Decimal::ZERO, Price::value);
        [
            (order.client_order_id != request.client_order_id, "client order id"),
            (order.symbol != request.symbol, "symbol"),
            (order.side != request.side, "side"),
            (order.notional != terms.notional(), "amount of money"),
            (order.notional.is_none() && order.qty != request.qty, "quantity"),
            (!protected && kinds.is_some_and(|(theirs, ours)| theirs != ours), "type"),
            (!protected && order.limit_price != request.limit_price(), "limit price"),
            (trail.is_none() && stop != wanted, "stop price"),
            (trail_differs, "trail"),
            (!replacing && class_differs, "class"),
        ]
        .into_iter()
        .find_map(|(differs, what)| differs.then(|| format!("its {what} differs")))
    }
}

/// Which way, in our words; `sell_short` and its like are sells.
pub(crate) fn side(text: &str) -> Result<Side, Fault> {
    match text {
        "buy" | "buy_minus" | "buy_to_open" | "buy_to_close" | "buy_to_cover" => Ok(Side::Buy),
        "sell" | "sell_plus" | "sell_short" | "sell_short_exempt" | "sell_to_open"
        | "sell_to_close" => Ok(Side::Sell),
        other => Err(Fault::field("side", &format!("{other:?} is neither a buy nor a sell"))),
    }
}
