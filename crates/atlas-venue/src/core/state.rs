//! What is kept of the exchange besides orders and ledger entries.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::Symbol;
use atlas_core::time::Timestamp;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::daytrade::MarginState;
use super::ledger::Ledger;
use super::margin::Multiplier;
use super::quotes::Book;
use super::watchlist::Watchlist;
use super::{Money, Shares};

/// What is kept of the exchange besides orders and ledger entries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent settings of the owner, each kept under its own name"
)]
pub(crate) struct State {
    pub(crate) seed: u64,
    /// Where the clock was set.
    pub(crate) clock: Timestamp,
    /// Stamp of the last event.
    pub(crate) stamp: Timestamp,
    /// When the account was opened.
    pub(crate) opened: Timestamp,
    pub(crate) orders: u64,
    pub(crate) activities: u64,
    /// Number of messages told so far.
    #[serde(default)]
    pub(crate) updates: u64,
    pub(crate) ledger: Ledger,
    /// Shares traded in the present session, by symbol.
    pub(crate) traded: BTreeMap<Symbol, Shares>,
    /// Shares traded in the bar within the day that was traded in last, by symbol, with its start.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) bars: BTreeMap<Symbol, (Timestamp, Shares)>,
    /// Equity at the last close.
    pub(crate) last_equity: Money,
    /// The owner's lists of symbols, oldest first.
    #[serde(default)]
    pub(crate) watchlists: Vec<Watchlist>,
    /// Whether the account's owner has suspended trading.
    #[serde(default)]
    pub(crate) suspended: bool,
    /// Whether the account's owner has forbidden short sales.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) no_shorting: bool,
    /// Whether the account's owner has forbidden to buy fractions of shares.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) no_fractions: bool,
    /// The largest multiplier the account's owner permits, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) max_multiplier: Option<Multiplier>,
    /// Settings of the owner's that change nothing at this venue, as they were sent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) preferences: BTreeMap<String, serde_json::Value>,
    /// What is kept of an account on credit.
    #[serde(default)]
    pub(crate) margin: MarginState,
    /// The last session whose corporate actions were applied.
    #[serde(default)]
    pub(crate) actions_until: Option<NaiveDate>,
    /// Symbols whose trading is halted.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(crate) halted: BTreeSet<Symbol>,
    /// The UTC day the crypto part of `traded` is of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) crypto_day: Option<NaiveDate>,
    /// What is bid and offered where quotes come in, by symbol.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) quotes: BTreeMap<Symbol, Book>,
}
