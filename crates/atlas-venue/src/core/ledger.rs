//! The account's books: cash, holdings, fees owed, and every entry that moved them.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::order::Status;
use super::{Money, Px, Shares};
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
            Self::Fee { amount, .. } => Money::from_attos(-amount.attos()),
        }
    }
}

/// What is held of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Holding {
    /// Shares, above zero.
    pub qty: Shares,
    /// What they cost before fees; sales take their share of it away.
    pub cost: Money,
}

/// The account's books.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Cash, to 10⁻¹⁸ dollars.
    pub(crate) cash: Money,
    /// What is held, by symbol; nothing with zero shares.
    pub(crate) holdings: BTreeMap<Symbol, Holding>,
    /// Fees of the trading day that are owed and not posted yet.
    pub(crate) fees: DayFees,
    /// The trading day those fees are of.
    pub(crate) fees_date: Option<NaiveDate>,
}

impl Ledger {
    /// Posts an entry. Nothing changes if it fails.
    pub(crate) fn post(&mut self, entry: &Entry) -> Result<(), Error> {
        let cash = self.cash.plus(entry.cash_effect())?;
        if let Entry::Fill(fill) = entry {
            self.hold(fill)?;
        }
        self.cash = cash;
        Ok(())
    }

    fn hold(&mut self, fill: &Execution) -> Result<(), Error> {
        let mut holding = self.holdings.get(&fill.symbol).copied().unwrap_or_default();
        match fill.side {
            Side::Buy => {
                holding.cost = holding.cost.plus(fill.price.times(fill.qty))?;
                holding.qty = holding.qty.plus(fill.qty)?;
            }
            Side::Sell => {
                if fill.qty > holding.qty {
                    return Err(Error::Overflow { what: "sale beyond what is held" });
                }
                holding.cost = holding.cost.minus(holding.cost.portion(fill.qty, holding.qty))?;
                holding.qty = holding.qty.minus(fill.qty);
            }
        }
        if holding.qty.is_zero() {
            self.holdings.remove(&fill.symbol);
        } else {
            self.holdings.insert(fill.symbol.clone(), holding);
        }
        Ok(())
    }

    /// Shares held of a symbol.
    pub(crate) fn held(&self, symbol: &Symbol) -> Shares {
        self.holdings.get(symbol).map_or(Shares::ZERO, |holding| holding.qty)
    }

    /// Fees owed and not posted yet, rounded as they will be posted.
    pub(crate) fn fees_owed(&self) -> Result<Money, Error> {
        self.fees_date.map_or(Ok(Money::ZERO), |date| self.fees.total(date))
    }
}
