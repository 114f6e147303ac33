//! A ledger entry on its way out.

use std::borrow::Cow;

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::lens::{shown, shown_date};
use super::moment;
use crate::core::{Activity, Delta, Entry, Status, date_of, ids};

/// The name of a ledger entry, with the moment it is shown at.
pub(crate) fn activity_id(entry: &Activity) -> Cow<'_, str> {
    let seen = shown(entry.stamp);
    if seen == entry.stamp {
        return Cow::Borrowed(&entry.id);
    }
    let named = entry.id.split_once("::").and_then(|(_, name)| Uuid::parse_str(name).ok());
    let made = named.and_then(|name| ids::activity_id(seen, name).ok());
    made.map_or(Cow::Borrowed(&entry.id), Cow::Owned)
}

/// A ledger entry in Alpaca's shape.
pub(crate) fn activity(entry: &Activity) -> Value {
    match &entry.entry {
        Entry::Fill(fill) => json!({
            "id": activity_id(entry),
            "activity_type": "FILL",
            "transaction_time": moment(entry.stamp),
            "type": if fill.order_status == Status::Filled { "fill" } else { "partial_fill" },
            "price": fill.price,
            "qty": fill.qty,
            "side": fill.side,
            "symbol": fill.symbol,
            "leaves_qty": fill.leaves_qty,
            "order_id": fill.order_id,
            "cum_qty": fill.cum_qty,
            "order_status": fill.order_status,
        }),
        Entry::Deposit(amount) => json!({
            "id": activity_id(entry),
            "activity_type": "CSD",
            "date": date_of(shown(entry.stamp)),
            "created_at": moment(entry.stamp),
            "net_amount": amount,
            "description": "deposit",
            "status": "executed",
        }),
        Entry::Fee { kind, date, .. } => json!({
            "id": activity_id(entry),
            "activity_type": "FEE",
            "date": shown_date(*date),
            "created_at": moment(entry.stamp),
            "net_amount": entry.entry.cash_effect(),
            "description": kind.description(),
            "status": "executed",
        }),
        Entry::Posting(posting) => {
            let mut body = json!({
                "id": activity_id(entry),
                "activity_type": posting.kind.code(),
                "date": shown_date(posting.date),
                "created_at": moment(entry.stamp),
                "net_amount": posting.amount,
                "symbol": posting.symbol,
                "qty": (posting.change != Delta::ZERO).then_some(posting.change),
                "per_share_amount": posting.per_share,
                "description": posting.kind.description(),
                "status": "executed",
            });
            // What does not apply is absent, not null.
            if let Some(members) = body.as_object_mut() {
                members.retain(|_, value| !value.is_null());
            }
            body
        }
    }
}
