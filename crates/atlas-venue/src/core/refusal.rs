//! An order or request the venue says no to, in Alpaca's terms.

use serde::Serialize;
use uuid::Uuid;

use super::{Money, Px, Shares};

/// Why the venue refuses something: an outcome, not a failure of the venue.
///
/// Status and code are Alpaca's; the words are the venue's own.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The request itself is not well formed (422, 40010001).
    Malformed(String),
    /// The request breaks a rule of the market (422, 42210000).
    Rule(String),
    /// The client order id was used before, ever (422, 40010001).
    Duplicate,
    /// Not enough money (403, 40310000).
    BuyingPower {
        /// What could be spent.
        buying_power: Money,
        /// What the order needs.
        cost_basis: Money,
    },
    /// Not enough shares (403, 40310000).
    QtyAvailable {
        /// The symbol.
        symbol: String,
        /// Shares asked for.
        requested: Shares,
        /// Shares held.
        held: Shares,
        /// Shares other open orders hold.
        held_for_orders: Shares,
        /// Those orders.
        related_orders: Vec<Uuid>,
    },
    /// It could trade against the account's own order (403, 40310000).
    WashTrade {
        /// The order in the way.
        existing: Uuid,
        /// Whether that order is a limit order.
        is_limit: bool,
    },
    /// An exit lies on the wrong side of its entry (422, 42210000).
    Exits {
        /// The sentence.
        message: String,
        /// The price the exits are measured from.
        base_price: Px,
    },
    /// The account or asset does not permit it (403, 40310000).
    Forbidden(String),
    /// It would be one day trade too many (403, 40310100).
    DayTrading,
    /// There is no such thing (404, 40410000).
    NotFound(String),
    /// The order is past canceling or replacing (422, 42210000).
    Ended {
        /// The state it is in.
        status: &'static str,
    },
    /// Too many requests (429, 42910000).
    RateLimited,
    /// The venue itself failed (500, 50010000).
    Internal(String),
}

/// The further members of a refusal's body.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Extras {
    /// What could be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub buying_power: Option<String>,
    /// What the order needs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_basis: Option<String>,
    /// The symbol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Shares that could be sold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available: Option<String>,
    /// Shares held.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_qty: Option<String>,
    /// Shares other open orders hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_for_orders: Option<String>,
    /// Those orders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related_orders: Vec<Uuid>,
    /// The order in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub existing_order_id: Option<Uuid>,
    /// Why it is in the way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reject_reason: Option<&'static str>,
    /// The price exits are measured from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_price: Option<String>,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed(_)
            | Self::Rule(_)
            | Self::Duplicate
            | Self::Exits { .. }
            | Self::Ended { .. } => 422,
            Self::BuyingPower { .. }
            | Self::QtyAvailable { .. }
            | Self::WashTrade { .. }
            | Self::DayTrading
            | Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::RateLimited => 429,
            Self::Internal(_) => 500,
        }
    }

    /// Alpaca's code.
    #[must_use]
    pub const fn code(&self) -> i64 {
        match self {
            Self::Malformed(_) | Self::Duplicate => 40_010_001,
            Self::Rule(_) | Self::Exits { .. } | Self::Ended { .. } => 42_210_000,
            Self::BuyingPower { .. }
            | Self::QtyAvailable { .. }
            | Self::WashTrade { .. }
            | Self::Forbidden(_) => 40_310_000,
            Self::DayTrading => 40_310_100,
            Self::NotFound(_) => 40_410_000,
            Self::RateLimited => 42_910_000,
            Self::Internal(_) => 50_010_000,
        }
    }

    /// The sentence.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Malformed(text)
            | Self::Rule(text)
            | Self::Forbidden(text)
            | Self::NotFound(text)
            | Self::Exits { message: text, .. }
            | Self::Internal(text) => text.clone(),
            Self::Duplicate => "client_order_id must be unique".to_owned(),
            Self::BuyingPower { .. } => "insufficient buying power".to_owned(),
            Self::QtyAvailable { symbol, requested, held, held_for_orders, .. } => {
                let available = held.minus(*held_for_orders);
                format!(
                    "insufficient qty available for order of {symbol} \
                     (requested: {requested}, available: {available})"
                )
            }
            Self::WashTrade { .. } => {
                "potential wash trade detected. use complex orders".to_owned()
            }
            Self::DayTrading => "trade denied due to pattern day trading protection".to_owned(),
            Self::Ended { status } => format!("order is already in \"{status}\" state"),
            Self::RateLimited => "rate limit exceeded".to_owned(),
        }
    }

    /// The further members of the body.
    #[must_use]
    pub fn extras(&self) -> Extras {
        let mut extras = Extras::default();
        match self {
            Self::BuyingPower { buying_power, cost_basis } => {
                extras.buying_power = Some(buying_power.to_string());
                extras.cost_basis = Some(cost_basis.to_string());
            }
            Self::QtyAvailable { symbol, held, held_for_orders, related_orders, .. } => {
                extras.symbol = Some(symbol.clone());
                extras.available = Some(held.minus(*held_for_orders).to_string());
                extras.existing_qty = Some(held.to_string());
                extras.held_for_orders = Some(held_for_orders.to_string());
                extras.related_orders.clone_from(related_orders);
            }
            Self::WashTrade { existing, is_limit } => {
                extras.existing_order_id = Some(*existing);
                extras.reject_reason = Some(if *is_limit {
                    "opposite side limit order exists"
                } else {
                    "opposite side market/stop order exists"
                });
            }
            Self::Exits { base_price, .. } => extras.base_price = Some(base_price.to_string()),
            Self::Malformed(_)
            | Self::Rule(_)
            | Self::Duplicate
            | Self::DayTrading
            | Self::Forbidden(_)
            | Self::NotFound(_)
            | Self::Ended { .. }
            | Self::RateLimited
            | Self::Internal(_) => {}
        }
        extras
    }
}

impl From<crate::Error> for Refusal {
    fn from(error: crate::Error) -> Self {
        Self::Internal(error.to_string())
    }
}
