//! Orders, both ways.

use atlas_core::time::Timestamp;
use atlas_core::{
    ClientOrderId, OrderRequest, OrderStatus, OrderType, Price, Qty, Side, TimeInForce, Usd,
    VenueOrderId,
};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::{Amount, Fault, symbol};
use crate::{BrokerOrder, Sent, Terms, Trail};

/// The body of `POST /v2/orders`; amounts as strings, absent values left out.
#[derive(Debug, Serialize)]
pub(crate) struct OrderBody<'a> {
    symbol: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<Qty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notional: Option<Usd>,
    side: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    time_in_force: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_percent: Option<Decimal>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    extended_hours: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    order_class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    take_profit: Option<TakeProfitBody>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_loss: Option<StopLossBody>,
    client_order_id: &'a str,
}

#[derive(Debug, Serialize)]
struct TakeProfitBody {
    limit_price: Price,
}

#[derive(Debug, Serialize)]
struct StopLossBody {
    stop_price: Price,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Price>,
}

impl<'a> OrderBody<'a> {
    /// The request on the wire: the same bytes whenever it is sent.
    ///
    /// # Errors
    /// The reason in words if Alpaca has no such order.
    pub(crate) fn new(request: &'a OrderRequest, terms: Terms) -> Result<Self, String> {
        let kind = kind(&request.order_type, terms)
            .ok_or_else(|| format!("this client cannot send {:?}", request.order_type))?;
        if let Some(reason) = unsendable(request, terms).or_else(|| terms.conflict(request)) {
            return Err(reason.to_owned());
        }
        let (trail_price, trail_percent) = match terms.trail() {
            Some(Trail::Price(price)) => (Some(price), None),
            Some(Trail::Percent(percent)) => (None, Some(percent)),
            None => (None, None),
        };
        let class = terms.order_class();
        // Of two exits Alpaca takes the one with a gain from `take_profit`, not from the order.
        let paired = class == "oco";
        let gain = if paired { request.limit_price() } else { terms.take_profit() };
        Ok(Self {
            symbol: request.symbol.as_str(),
            qty: terms.notional().is_none().then_some(request.qty),
            notional: terms.notional(),
            side: request.side.as_str(),
            kind,
            time_in_force: request.time_in_force.as_str(),
            limit_price: request.limit_price().filter(|_| !paired),
            stop_price: stop_price(&request.order_type).filter(|_| terms.trail().is_none()),
            trail_price,
            trail_percent,
            extended_hours: terms == Terms::ExtendedHours,
            order_class: (class != "simple").then_some(class),
            take_profit: gain.map(|limit_price| TakeProfitBody { limit_price }),
            stop_loss: terms.stop_loss().map(|exit| StopLossBody {
                stop_price: exit.stop_price,
                limit_price: exit.limit_price,
            }),
            client_order_id: request.client_order_id.as_str(),
        })
    }
}

/// The body of `PATCH /v2/orders/{id}`: what is to change, and the successor's name.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PatchBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    qty: Option<Qty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    time_in_force: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<Price>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<Price>,
    client_order_id: &'a str,
}

impl<'a> PatchBody<'a> {
    /// The changes that make `request` of `old`.
    ///
    /// # Errors
    /// The reason in words if the one cannot become the other.
    pub(crate) fn new(old: &WireOrder, request: &'a OrderRequest) -> Result<Self, String> {
        let symbol = symbol(&old.symbol, old.asset_class.as_deref()).ok();
        if old.notional.is_some() {
            return Err("an order for an amount of money cannot be replaced".to_owned());
        }
        let same = symbol.as_ref() == Some(&request.symbol)
            && side(&old.side).ok() == Some(request.side)
            && old.kind.as_deref() == kind(&request.order_type, Terms::Simple);
        if !same {
            return Err("a replacement keeps symbol, side and type of the order".to_owned());
        }
        if let Some(reason) = unsendable(request, Terms::Simple) {
            return Err(reason.to_owned());
        }
        let (limit, stop) = (request.limit_price(), stop_price(&request.order_type));
        let differs = |new: Decimal, old: Option<Amount>| old.is_none_or(|old| old.0 != new);
        let body = Self {
            qty: Some(request.qty).filter(|qty| differs(qty.value(), old.qty)),
            time_in_force: Some(request.time_in_force.as_str())
                .filter(|word| old.time_in_force.as_deref() != Some(*word)),
            limit_price: limit.filter(|price| differs(price.value(), old.limit_price)),
            stop_price: stop.filter(|price| differs(price.value(), old.stop_price)),
            client_order_id: request.client_order_id.as_str(),
        };
        let changes = body.qty.is_some()
            || body.time_in_force.is_some()
            || body.limit_price.is_some()
            || body.stop_price.is_some();
        if changes { Ok(body) } else { Err("the replacement changes nothing".to_owned()) }
    }
}

/// Smallest value of a crypto order, in US dollars.
const CRYPTO_MINIMUM: Decimal = Decimal::TEN;

/// The reason a crypto order below that is not sent.
pub(crate) const SMALL_CRYPTO: &str = "crypto orders are for 10 US dollars or more";

/// Whether a crypto order of this quantity is too small at this price.
pub(crate) fn is_small_crypto(request: &OrderRequest, price: Price) -> bool {
    let value = price.value().checked_mul(request.qty.value());
    request.symbol.is_crypto() && value.is_some_and(|value| value < CRYPTO_MINIMUM)
}

/// Why no broker behind this client would take the order, if that is certain.
fn unsendable(request: &OrderRequest, terms: Terms) -> Option<&'static str> {
    let crypto = request.symbol.is_crypto();
    let small = match (terms.notional(), request.limit_price()) {
        (Some(amount), _) => crypto && amount.value() < CRYPTO_MINIMUM,
        (None, Some(price)) => is_small_crypto(request, price),
        (None, None) => false,
    };
    let lasting = matches!(request.time_in_force, TimeInForce::Gtc | TimeInForce::Ioc);
    [
        (request.qty.is_zero(), "a quantity of zero cannot be sent"),
        (crypto && !lasting, "crypto orders are gtc or ioc"),
        (
            crypto && matches!(request.order_type, OrderType::Stop { .. }),
            "crypto orders are market, limit or stop-limit orders",
        ),
        (small, SMALL_CRYPTO),
    ]
    .into_iter()
    .find_map(|(wrong, reason)| wrong.then_some(reason))
}

/// Alpaca's word for an order type.
const fn kind(order_type: &OrderType, terms: Terms) -> Option<&'static str> {
    match order_type {
        OrderType::Stop { .. } if matches!(terms, Terms::Trailing(_)) => Some("trailing_stop"),
        OrderType::Market => Some("market"),
        OrderType::Limit { .. } => Some("limit"),
        OrderType::Stop { .. } => Some("stop"),
        OrderType::StopLimit { .. } => Some("stop_limit"),
        _ => None,
    }
}

const fn stop_price(order_type: &OrderType) -> Option<Price> {
    match order_type {
        OrderType::Stop { stop_price } | OrderType::StopLimit { stop_price, .. } => {
            Some(*stop_price)
        }
        OrderType::Market | OrderType::Limit { .. } | _ => None,
    }
}

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
            submitted_at: self
                .submitted_at
                .or(self.created_at)
                .ok_or_else(|| Fault::missing("submitted_at"))?,
            replaces: self
                .replaces
                .as_ref()
                .map(|id| VenueOrderId::new(id))
                .transpose()
                .map_err(|error| Fault::field("replaces", &error))?,
        })
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
        };
        // Alpaca turns a buy stop into a stop-limit by itself, with a limit of its own.
        let protected = request.side == Side::Buy
            && matches!(request.order_type, OrderType::Stop { .. })
            && self.kind.as_deref() == Some("stop_limit");
        let kinds = self.kind.as_deref().zip(kind(&request.order_type, terms));
        let trailing = matches!(terms, Terms::Trailing(_));
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
            (!trailing && stop != wanted, "stop price"),
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
