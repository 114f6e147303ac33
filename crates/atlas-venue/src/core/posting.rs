//! Entries of the ledger other than trades, deposits and the day's fees.

use atlas_core::Symbol;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Delta, Money, Px};

/// Why money or shares came or went without a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PostingKind {
    /// Interest on a debit balance, for the month.
    MarginInterest,
    /// Interest on idle cash, for the month.
    CashInterest,
    /// What borrowing sold shares cost, for the month.
    BorrowFee,
    /// A cash dividend: received for shares held, paid for shares owed.
    Dividend,
    /// A split: so many shares more or fewer for the same money.
    Split,
    /// Another symbol for the same shares: once out of the old, once into the new one.
    Rename,
    /// The end of a listing: the shares against what they were still worth.
    Delisting,
    /// A fee on a crypto trade, taken from what the trade credits.
    CryptoFee,
}

impl PostingKind {
    /// Alpaca's word for such an activity.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::MarginInterest | Self::CashInterest => "INT",
            Self::BorrowFee => "FEE",
            Self::Dividend => "DIV",
            Self::Split => "SPLIT",
            Self::Rename => "NC",
            Self::Delisting => "REORG",
            Self::CryptoFee => "CFEE",
        }
    }

    /// The words of the ledger entry.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::MarginInterest => "Margin interest",
            Self::CashInterest => "Interest on cash",
            Self::BorrowFee => "Borrow fee on short positions",
            Self::Dividend => "Cash dividend",
            Self::Split => "Split",
            Self::Rename => "Symbol change",
            Self::Delisting => "Delisting",
            Self::CryptoFee => "Crypto trading fee",
        }
    }
}

/// Money or shares that came or went without a trade.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// Why.
    pub kind: PostingKind,
    /// The session it belongs to; the ex-date of a dividend, the UTC day of a crypto trade.
    pub date: NaiveDate,
    /// What it is about, if it is about one symbol.
    pub symbol: Option<Symbol>,
    /// What it does to cash; below zero for what goes.
    pub amount: Money,
    /// What it does to the position in `symbol`.
    pub change: Delta,
    /// What it does to the cost of that position.
    pub cost: Money,
    /// Dollars a share, where that is what it is counted from.
    pub per_share: Option<Px>,
}

impl Posting {
    /// Money alone.
    pub(crate) const fn money(kind: PostingKind, date: NaiveDate, amount: Money) -> Self {
        Self {
            kind,
            date,
            symbol: None,
            amount,
            change: Delta::ZERO,
            cost: Money::ZERO,
            per_share: None,
        }
    }
}
