//! A ledger entry on its way out.

use serde_json::{Value, json};

use super::super::lens::{shown, shown_date};
use super::moment;
use crate::core::{Activity, Delta, Entry, Status, date_of};

/// A ledger entry in Alpaca's shape.
pub(crate) fn activity(entry: &Activity) -> Value {
    match &entry.entry {
        Entry::Fill(fill) => json!({
            "id": entry.id,
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
            "id": entry.id,
            "activity_type": "CSD",
            "date": date_of(shown(entry.stamp)),
            "created_at": moment(entry.stamp),
            "net_amount": amount,
            "description": "deposit",
            "status": "executed",
        }),
        Entry::Fee { kind, date, .. } => json!({
            "id": entry.id,
            "activity_type": "FEE",
            "date": shown_date(*date),
            "created_at": moment(entry.stamp),
            "net_amount": entry.entry.cash_effect(),
            "description": kind.description(),
            "status": "executed",
        }),
        Entry::Posting(posting) => {
            let mut body = json!({
                "id": entry.id,
                "activity_type": posting.kind.code(),
                "date": posting.date,
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
