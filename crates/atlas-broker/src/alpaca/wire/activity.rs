//! The ledger.

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, ExecutionId, Fill, Qty, Usd, VenueOrderId};
use chrono::{DateTime, NaiveDate};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::order::side;
use super::{Amount, Fault, symbol};
use crate::{CashEntry, CashKind, Entry, SharesEntry, SharesKind};

/// One entry of `GET /v2/account/activities`, before its kind decides how to read it.
#[derive(Debug)]
pub(crate) struct WireActivity {
    pub(crate) id: String,
    pub(crate) entry: WireEntry,
}

/// An entry by its kind.
#[derive(Debug)]
pub(crate) enum WireEntry {
    Fill(WireFill),
    Cash(WireCash),
}

/// What every entry has.
#[derive(Debug, Deserialize)]
struct Head {
    id: String,
    activity_type: String,
}

impl WireActivity {
    /// Reads one entry.
    pub(crate) fn read(raw: &RawValue) -> Result<Self, Fault> {
        let bad = |error: serde_json::Error| Fault::Bad(format!("an activity: {error}"));
        let head: Head = serde_json::from_str(raw.get()).map_err(bad)?;
        if head.id.is_empty() {
            return Err(Fault::missing("id of an activity"));
        }
        let entry = if head.activity_type == "FILL" {
            WireEntry::Fill(serde_json::from_str(raw.get()).map_err(bad)?)
        } else {
            WireEntry::Cash(serde_json::from_str(raw.get()).map_err(bad)?)
        };
        Ok(Self { id: head.id, entry })
    }
}

/// An execution.
#[derive(Debug, Deserialize)]
pub(crate) struct WireFill {
    pub(crate) order_id: String,
    symbol: String,
    asset_class: Option<String>,
    side: String,
    qty: Amount,
    price: Amount,
    cum_qty: Option<Amount>,
    transaction_time: Timestamp,
}

impl WireFill {
    /// The broker's name for the order.
    pub(crate) fn venue_order_id(&self) -> Result<VenueOrderId, Fault> {
        VenueOrderId::new(&self.order_id).map_err(|error| Fault::field("order_id", &error))
    }

    /// When it was executed.
    pub(crate) const fn instant(&self) -> Timestamp {
        self.transaction_time
    }

    /// How much of the order was filled after it, if told.
    pub(crate) fn cumulative(&self) -> Result<Option<Qty>, Fault> {
        self.cum_qty.map(|amount| amount.qty("cum_qty")).transpose()
    }

    /// The fill in our words, under the order's name.
    pub(crate) fn fill(&self, id: &str, order: ClientOrderId) -> Result<Fill, Fault> {
        let venue_order_id = self.venue_order_id()?;
        Ok(Fill {
            execution_id: execution_id(&venue_order_id, self.cum_qty, id)?,
            client_order_id: order,
            venue_order_id,
            symbol: symbol(&self.symbol, self.asset_class.as_deref())?,
            side: side(&self.side)?,
            qty: self.qty.qty("qty")?,
            price: self.price.price("price")?,
            ts_event: self.transaction_time,
        })
    }
}

/// The name of an execution: the order and how much of it was filled after it.
///
/// The stream and the ledger name executions differently; both tell the cumulative quantity, which
/// no two executions of an order share. Without it the entry's own id must do.
pub(crate) fn execution_id(
    order: &VenueOrderId,
    cumulative: Option<Amount>,
    fallback: &str,
) -> Result<ExecutionId, Fault> {
    let name = match cumulative {
        Some(Amount(qty)) => format!("{order}:{}", qty.normalize()),
        None => fallback.to_owned(),
    };
    ExecutionId::new(&name).map_err(|error| Fault::field("execution id", &error))
}

/// Any other entry.
#[derive(Debug, Deserialize)]
pub(crate) struct WireCash {
    activity_type: String,
    date: Option<String>,
    net_amount: Option<Amount>,
    qty: Option<Amount>,
    symbol: Option<String>,
    status: Option<String>,
    description: Option<String>,
}

impl WireCash {
    /// The entry in our words. What was canceled moved no money; what moves shares alone, such as
    /// a split, has no amount.
    pub(crate) fn cash(&self, id: &str) -> Result<CashEntry, Fault> {
        let stated = self.net_amount.map(|amount| amount.usd("net_amount")).transpose()?;
        let canceled = self.status.as_deref() == Some("canceled");
        let kind = kind(&self.activity_type, stated.unwrap_or(Usd::ZERO));
        let net_amount = match (stated, &kind) {
            (_, _) if canceled => Usd::ZERO,
            (Some(amount), _) => amount,
            (None, CashKind::Unknown(_)) => Usd::ZERO,
            (None, _) => return Err(Fault::missing(&format!("net_amount of {id}"))),
        };
        let words = self.description.clone().unwrap_or_default();
        Ok(CashEntry {
            kind,
            date: self.day(id)?,
            net_amount,
            taken: self.taken(canceled)?,
            symbol: self.symbol.as_deref().and_then(|text| symbol(text, None).ok()),
            description: if canceled { format!("canceled: {words}") } else { words },
        })
    }

    /// The entry as one of shares where it moves any, as one of money otherwise. One that was
    /// canceled moves nothing.
    pub(crate) fn entry(&self, id: &str) -> Result<Entry, Fault> {
        let moved = self.qty.filter(|Amount(qty)| !qty.is_zero());
        let canceled = self.status.as_deref() == Some("canceled");
        let kind = shares_kind(&self.activity_type);
        let (Some(Amount(change)), Some(kind), Some(name), false) =
            (moved, kind, self.symbol.as_deref(), canceled)
        else {
            return self.cash(id).map(Entry::Cash);
        };
        let stated = self.net_amount.map(|amount| amount.usd("net_amount")).transpose()?;
        Ok(Entry::Shares(SharesEntry {
            kind,
            date: self.day(id)?,
            symbol: symbol(name, None)?,
            change,
            net_amount: stated.unwrap_or(Usd::ZERO),
            description: self.description.clone().unwrap_or_default(),
        }))
    }

    /// Coins that the fee of a crypto purchase took; told as a quantity below zero.
    fn taken(&self, canceled: bool) -> Result<Qty, Fault> {
        match self.qty {
            Some(Amount(qty)) if self.activity_type == "CFEE" && !canceled => {
                Amount((-qty).max(rust_decimal::Decimal::ZERO)).qty("qty")
            }
            Some(_) | None => Ok(Qty::ZERO),
        }
    }

    /// The day it belongs to: its own date, else the one its id starts with.
    fn day(&self, id: &str) -> Result<NaiveDate, Fault> {
        let stated = self.date.as_deref().and_then(|text| {
            NaiveDate::parse_from_str(text, "%Y-%m-%d")
                .or_else(|_| DateTime::parse_from_rfc3339(text).map(|instant| instant.date_naive()))
                .ok()
        });
        let from_id = || NaiveDate::parse_from_str(id.get(..8)?, "%Y%m%d").ok();
        stated.or_else(from_id).ok_or_else(|| Fault::missing(&format!("date of {id}")))
    }
}

/// The kind of an entry by Alpaca's code and the direction of the money.
fn kind(code: &str, amount: Usd) -> CashKind {
    match code {
        "CSD" | "CSR" | "CSW" | "TRANS" | "JNL" | "JNLC" if amount.is_negative() => {
            CashKind::Withdrawal
        }
        "CSW" => CashKind::Withdrawal,
        "CSD" | "CSR" | "TRANS" | "JNL" | "JNLC" => CashKind::Deposit,
        "FEE" | "CFEE" | "PTC" => CashKind::Fee,
        "INT" | "INTNRA" | "INTTW" | "CINT" => CashKind::Interest,
        _ if code.starts_with("DIV") => CashKind::Dividend,
        _ => CashKind::Unknown(code.to_owned()),
    }
}

/// The kind of an entry that may move shares, by Alpaca's code; `None` for one of money alone.
fn shares_kind(code: &str) -> Option<SharesKind> {
    match code {
        "SPLIT" | "SSP" => Some(SharesKind::Split),
        "NC" | "SC" => Some(SharesKind::SymbolChange),
        "MA" | "REORG" => Some(SharesKind::Reorganisation),
        "JNLS" | "SPIN" | "SSO" | "ACATS" => Some(SharesKind::Unknown(code.to_owned())),
        _ => None,
    }
}
