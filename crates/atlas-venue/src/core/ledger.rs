//! The account's books: cash, positions, what is owed and not posted yet, and every entry that moved
//! them.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::carry::Accrued;
use super::posting::Posting;
use super::terms::Status;
use super::{Delta, Money, Px, Shares};
use crate::Error;
use crate::costs::{DayFees, FeeKind};

/// One entry of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Activity {
    /// Its number, from 1, in the order of posting.
    pub seq: u64,
    /// Its name: `YYYYMMDDhhmmssmmm::<uuid>`; sorts like the number.
    pub id: String,
    /// When it was posted.
    pub stamp: Timestamp,
    /// What it says.
    pub entry: Entry,
}

/// What an entry of the ledger says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// An execution.
    Fill(Execution),
    /// Money paid in.
    Deposit(Money),
    /// A fee, as an amount above zero.
    Fee {
        /// Which one.
        kind: FeeKind,
        /// The trading day it is for.
        date: NaiveDate,
        /// What was charged.
        amount: Money,
    },
    /// Money or shares that came or went in another way.
    Posting(Posting),
}

/// One execution of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Execution {
    /// Its name; also the second half of the entry's name.
    pub id: Uuid,
    /// Number of the order.
    pub order_seq: u64,
    /// The venue's name for the order.
    pub order_id: Uuid,
    /// The sender's name for the order.
    pub client_order_id: String,
    /// What was traded.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares of this execution alone.
    pub qty: Shares,
    /// Price a share, slippage included.
    pub price: Px,
    /// Price the market stood at, within the bar's range.
    pub reference: Px,
    /// Shares of the order filled so far, this execution included.
    pub cum_qty: Shares,
    /// Shares of the order still open.
    pub leaves_qty: Shares,
    /// State of the order afterwards.
    pub order_status: Status,
}

impl Entry {
    /// What the entry does to cash.
    #[must_use]
    pub fn cash_effect(&self) -> Money {
        match self {
            Self::Fill(fill) => {
                let notional = fill.price.times(fill.qty);
                match fill.side {
                    Side::Buy => Money::from_attos(-notional.attos()),
                    Side::Sell => notional,
                }
            }
            Self::Deposit(amount) => *amount,
            Self::Fee { amount, .. } => amount.negated(),
            Self::Posting(posting) => posting.amount,
        }
    }

    /// What the entry does to a position; `None` if it is about money alone.
    #[must_use]
    pub fn position_effect(&self) -> Option<(&Symbol, Delta)> {
        match self {
            Self::Fill(fill) => Some((&fill.symbol, Delta::of(fill.side, fill.qty))),
            Self::Posting(posting) => {
                posting.symbol.as_ref().map(|symbol| (symbol, posting.change))
            }
            Self::Deposit(_) | Self::Fee { .. } => None,
        }
    }
}

/// A position in one symbol: shares held, or shares sold short and owed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holding {
    /// Shares, above zero whichever way.
    pub qty: Shares,
    /// What they cost, or were sold short for, before fees; what closes part of the position takes
    /// its share of it away.
    pub cost: Money,
    /// Whether the shares are owed instead of held.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_short: bool,
}

impl Holding {
    /// The shares as a signed number: below zero if they are owed.
    #[must_use]
    pub const fn signed(&self) -> Delta {
        Delta::of(if self.is_short { Side::Sell } else { Side::Buy }, self.qty)
    }

    /// The way an order goes that closes the position.
    #[must_use]
    pub const fn closing_side(&self) -> Side {
        if self.is_short { Side::Buy } else { Side::Sell }
    }
}

/// The account's books.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Cash, to 10⁻¹⁸ dollars; below zero is borrowed.
    pub(crate) cash: Money,
    /// What is held or owed, by symbol; nothing with zero shares.
    pub(crate) holdings: BTreeMap<Symbol, Holding>,
    /// Fees of the trading day that are owed and not posted yet.
    pub(crate) fees: DayFees,
    /// The trading day those fees are of.
    pub(crate) fees_date: Option<NaiveDate>,
    /// Interest and borrow fees of the month that are not posted yet.
    #[serde(default)]
    pub(crate) accrued: Accrued,
    /// What trades have moved and not settled yet, by the day it settles.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unsettled: BTreeMap<NaiveDate, Unsettled>,
    /// Dividends earned or owed that are paid later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) dividends: Vec<(NaiveDate, Posting)>,
}

impl Ledger {
    /// Posts an entry. Nothing changes if it fails.
    pub(crate) fn post(&mut self, entry: &Entry) -> Result<(), Error> {
        let cash = self.cash.plus(entry.cash_effect())?;
        match entry {
            Entry::Fill(fill) => {
                self.hold(&fill.symbol, Delta::of(fill.side, fill.qty), fill.price)?;
            }
            Entry::Posting(posting) => self.adjust(posting)?,
            Entry::Deposit(_) | Entry::Fee { .. } => {}
        }
        self.cash = cash;
        Ok(())
    }

    /// Adds a trade to a position. A trade never turns a position around: what would is an error.
    fn hold(&mut self, symbol: &Symbol, change: Delta, price: Px) -> Result<(), Error> {
        let mut holding = self.holdings.get(symbol).copied().unwrap_or_default();
        let qty = change.size();
        if holding.qty.is_zero() {
            holding.is_short = change.is_negative();
        }
        if holding.is_short == change.is_negative() {
            holding.cost = holding.cost.plus(price.times(qty))?;
            holding.qty = holding.qty.plus(qty)?;
        } else {
            if qty > holding.qty {
                return Err(Error::Overflow { what: "trade beyond the position" });
            }
            holding.cost = holding.cost.minus(holding.cost.portion(qty, holding.qty))?;
            holding.qty = holding.qty.minus(qty);
        }
        self.keep(symbol, holding);
        Ok(())
    }

    /// Applies what a posting does to a position.
    fn adjust(&mut self, posting: &Posting) -> Result<(), Error> {
        let Some(symbol) = &posting.symbol else { return Ok(()) };
        let before = self.holdings.get(symbol).copied().unwrap_or_default();
        let after = before.signed().plus(posting.change)?;
        let holding = Holding {
            qty: after.size(),
            cost: before.cost.plus(posting.cost)?,
            is_short: after.is_negative(),
        };
        self.keep(symbol, holding);
        Ok(())
    }

    fn keep(&mut self, symbol: &Symbol, holding: Holding) {
        if holding.qty.is_zero() {
            self.holdings.remove(symbol);
        } else if let Some(kept) = self.holdings.get_mut(symbol) {
            *kept = holding;
        } else {
            self.holdings.insert(symbol.clone(), holding);
        }
    }

    /// Shares held of a symbol; none of one that is sold short.
    pub(crate) fn held(&self, symbol: &Symbol) -> Shares {
        let long = self.holdings.get(symbol).filter(|holding| !holding.is_short);
        long.map_or(Shares::ZERO, |holding| holding.qty)
    }

    /// Shares of a symbol that were sold short and are owed.
    pub(crate) fn owed(&self, symbol: &Symbol) -> Shares {
        let short = self.holdings.get(symbol).filter(|holding| holding.is_short);
        short.map_or(Shares::ZERO, |holding| holding.qty)
    }

    /// The position in a symbol as a signed number of shares.
    pub(crate) fn position(&self, symbol: &Symbol) -> Delta {
        self.holdings.get(symbol).map_or(Delta::ZERO, Holding::signed)
    }

    /// Fees owed and not posted yet, rounded as they will be posted.
    pub(crate) fn fees_owed(&self) -> Result<Money, Error> {
        self.fees_date.map_or(Ok(Money::ZERO), |date| self.fees.total(date))
    }

    /// Everything owed and not posted yet: fees, interest, borrow fees, dividends on shorts.
    pub(crate) fn owed_total(&self) -> Result<Money, Error> {
        let mut sum = self.fees_owed()?.plus(self.accrued.owed()?)?;
        for (_, dividend) in &self.dividends {
            sum = sum.minus(dividend.amount.min(Money::ZERO))?;
        }
        Ok(sum)
    }

    /// Notes that a trade's money settles on `date`.
    pub(crate) fn settles(
        &mut self,
        date: NaiveDate,
        side: Side,
        notional: Money,
    ) -> Result<(), Error> {
        let sums = self.unsettled.entry(date).or_default();
        match side {
            Side::Buy => sums.bought = sums.bought.plus(notional)?,
            Side::Sell => sums.sold = sums.sold.plus(notional)?,
        }
        Ok(())
    }

    /// Cash that has settled by the end of `date`.
    pub(crate) fn settled(&self, date: NaiveDate) -> Result<Money, Error> {
        let later = self.unsettled.iter().filter(|(day, _)| **day > date);
        later
            .map(|(_, sums)| sums)
            .try_fold(self.cash, |cash, sums| cash.plus(sums.bought)?.minus(sums.sold))
    }

    /// Proceeds of sales that have not settled by the end of `date`.
    pub(crate) fn unsettled_credit(&self, date: NaiveDate) -> Result<Money, Error> {
        let later = self.unsettled.iter().filter(|(day, _)| **day > date);
        later.map(|(_, sums)| sums.sold).try_fold(Money::ZERO, Money::plus)
    }
}

/// What trades have moved and not settled yet, each zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Unsettled {
    bought: Money,
    sold: Money,
}
