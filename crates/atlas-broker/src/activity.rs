//! What moved money or shares on the account, as the broker's ledger tells it.

use atlas_core::{Fill, Qty, Symbol, Usd};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The broker's name for one entry of its ledger; sorts in the order of the entries.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ActivityId(pub String);

/// One entry of the broker's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// The broker's name for it.
    pub id: ActivityId,
    /// What it is.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What an entry of the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Entry {
    /// An execution.
    Fill(Fill),
    /// Money that came or went other than by trading.
    Cash(CashEntry),
    /// Shares that came or went other than by trading, with money or without.
    Shares(SharesEntry),
}

/// Money that came or went other than by trading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CashEntry {
    /// Why.
    pub kind: CashKind,
    /// Session or calendar day it belongs to.
    pub date: NaiveDate,
    /// What came; negative for what went.
    pub net_amount: Usd,
    /// Shares or coins it took away, as the fee of a crypto purchase does.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub taken: Qty,
    /// The symbol it is about, if it is about one.
    pub symbol: Option<Symbol>,
    /// The broker's words; empty if it has none.
    pub description: String,
}

/// Why money came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CashKind {
    /// Paid in (`CSD`, `TRANS`, `JNLC` with a positive amount).
    Deposit,
    /// Paid out (`CSW`, and the negative ones of the above).
    Withdrawal,
    /// A regulatory or other fee (`FEE`, `CFEE`).
    Fee,
    /// A dividend (`DIV` and its kin).
    Dividend,
    /// Interest (`INT`).
    Interest,
    /// A kind this version of Atlas has no word for, by the broker's code.
    Unknown(String),
}

/// Shares that came or went other than by trading: a split, another symbol, the end of a listing.
///
/// A split is one entry of what it adds or takes, or two: all old shares out, all new ones in.
/// Another symbol is two: the shares out of the old one, then into the new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SharesEntry {
    /// Why.
    pub kind: SharesKind,
    /// Session or calendar day it belongs to.
    pub date: NaiveDate,
    /// The symbol whose shares came or went.
    pub symbol: Symbol,
    /// Shares that came; negative for those that went.
    pub change: Decimal,
    /// Money that came with it, such as for fractions or at the end of a listing, in USD.
    pub net_amount: Usd,
    /// The broker's words; empty if it has none.
    pub description: String,
}

/// Why shares came or went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SharesKind {
    /// More or fewer shares for the same money (`SPLIT`, `SSP`).
    Split,
    /// The same shares under another symbol (`NC`, `SC`).
    SymbolChange,
    /// Shares against money, or against nothing: merger, delisting (`MA`, `REORG`).
    Reorganisation,
    /// A kind this version of Atlas has no word for, by the broker's code.
    Unknown(String),
}

fn is_zero(qty: &Qty) -> bool {
    qty.is_zero()
}
