//! An order on its way out.

use atlas_core::Side;
use atlas_core::time::Timestamp;
use chrono::SecondsFormat;
use serde::Serialize;
use uuid::Uuid;

use super::super::lens::shown;
use crate::core::ids;
use crate::core::{
    Class, Exchange, Intent, Kind, OrderRecord, Role, Size, Status, Taken, Trail, trail_stop,
};

/// An order in Alpaca's shape; what is absent is present as `null`.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct OrderBody {
    id: Uuid,
    client_order_id: String,
    created_at: String,
    updated_at: String,
    submitted_at: String,
    filled_at: Option<String>,
    expired_at: Option<String>,
    expires_at: String,
    canceled_at: Option<String>,
    failed_at: Option<String>,
    replaced_at: Option<String>,
    replaced_by: Option<Uuid>,
    replaces: Option<Uuid>,
    asset_id: Uuid,
    symbol: String,
    asset_class: &'static str,
    notional: Option<String>,
    qty: Option<String>,
    filled_qty: String,
    filled_avg_price: Option<String>,
    order_class: &'static str,
    order_type: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    side: Side,
    position_intent: &'static str,
    time_in_force: &'static str,
    limit_price: Option<String>,
    stop_price: Option<String>,
    status: &'static str,
    extended_hours: bool,
    legs: Option<Vec<Self>>,
    trail_percent: Option<String>,
    trail_price: Option<String>,
    hwm: Option<String>,
    subtag: Option<String>,
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_role: Option<&'static str>,
}

/// A moment as Alpaca writes it, as the request under way is shown it.
pub(crate) fn moment(stamp: Timestamp) -> String {
    self::stamp(shown(stamp))
}

/// A moment that is shown already, as Alpaca writes it.
pub(crate) fn stamp(shown: Timestamp) -> String {
    shown.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

impl OrderBody {
    /// An order by itself.
    pub(crate) fn new(order: &OrderRecord) -> Self {
        let ended = |status| order.times.ended.filter(|_| order.status == status).map(moment);
        let (trail_price, trail_percent) = match order.kind {
            Kind::Trailing(Trail::Price(width)) => (Some(width.to_string()), None),
            Kind::Trailing(Trail::Percent(percent)) => (None, Some(percent.to_string())),
            Kind::Market | Kind::Limit(_) | Kind::Stop(_) | Kind::StopLimit { .. } => (None, None),
        };
        let submitted = moment(order.times.submitted);
        Self {
            id: order.id,
            client_order_id: order.client_order_id.clone(),
            created_at: submitted.clone(),
            updated_at: moment(order.times.updated),
            submitted_at: submitted,
            filled_at: ended(Status::Filled),
            expired_at: ended(Status::Expired),
            expires_at: moment(order.times.expires),
            canceled_at: ended(Status::Canceled),
            failed_at: ended(Status::Rejected),
            replaced_at: ended(Status::Replaced),
            replaced_by: order.replaced_by,
            replaces: order.replaces,
            asset_id: ids::asset_id(&order.symbol),
            symbol: order.symbol.to_string(),
            asset_class: if order.symbol.is_crypto() { "crypto" } else { "us_equity" },
            notional: match order.size {
                Size::Notional(amount) => Some(amount.to_string()),
                Size::Shares(_) => None,
            },
            qty: order.qty().map(|qty| qty.to_string()),
            filled_qty: order.filled.to_string(),
            filled_avg_price: order.avg_price().map(|price| price.to_string()),
            order_class: match order.class {
                Class::Simple => "",
                Class::Bracket | Class::Oco | Class::Oto => order.class.as_str(),
            },
            order_type: order.kind.as_str(),
            kind: order.kind.as_str(),
            side: order.side,
            position_intent: Intent::of(order.side, order.is_short).as_str(),
            time_in_force: order.tif.as_str(),
            limit_price: order.kind.limit().map(|price| price.to_string()),
            stop_price: stop_of(order),
            status: order.status_text(),
            extended_hours: order.extended_hours,
            legs: None,
            trail_percent,
            trail_price,
            hwm: order.best.map(|price| price.to_string()),
            subtag: None,
            source: None,
            // The venue's name for the order that opened the group is a function of its number.
            group_id: order.group().map(|seq| ids::uuid(0, ids::Kind::Group, seq)),
            group_role: match order.role {
                Role::Alone => None,
                Role::Entry => Some("entry"),
                Role::TakeProfit => Some("take_profit"),
                Role::StopLoss => Some("stop_loss"),
            },
        }
    }

    /// An order with the exits that belong to it inside.
    pub(crate) fn nested(exchange: &Exchange, order: &OrderRecord) -> Self {
        Self::new(order).with(exchange.legs(order))
    }

    /// An order as it was when it was taken, with its exits inside.
    pub(crate) fn taken(taken: &Taken) -> Self {
        Self::new(&taken.order).with(&taken.legs)
    }

    fn with<'a>(self, legs: impl IntoIterator<Item = &'a OrderRecord>) -> Self {
        let legs: Vec<Self> = legs.into_iter().map(Self::new).collect();
        Self { legs: (!legs.is_empty()).then_some(legs), ..self }
    }
}

fn stop_of(order: &OrderRecord) -> Option<String> {
    let stop = match order.kind {
        Kind::Trailing(trail) => trail_stop(order.side, trail, order.best?),
        Kind::Market | Kind::Limit(_) | Kind::Stop(_) | Kind::StopLimit { .. } => order.kind.stop(),
    };
    stop.map(|price| price.to_string())
}
