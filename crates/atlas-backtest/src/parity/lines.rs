//! What is compared of an account, line by line.

use std::fmt;

use atlas_core::{ClientOrderId, Price, Qty, Side, Symbol, Usd};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One order as it was sent, from wherever it is known: a backtest, a rehearsal, a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderLine {
    /// The session it was sent in.
    pub date: NaiveDate,
    /// Our name for it.
    pub client_order_id: ClientOrderId,
    /// The symbol.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares; zero for an order of an amount of money.
    pub qty: Qty,
    /// Its limit.
    pub limit_price: Option<Price>,
}

/// One fill, from wherever it is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillLine {
    /// The session.
    pub date: NaiveDate,
    /// Our name for the order.
    pub client_order_id: ClientOrderId,
    /// The symbol.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares.
    pub qty: Qty,
    /// Price a share.
    pub price: Price,
}

/// The first event that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Difference {
    /// An order is missing, is another one, or differs.
    Order {
        /// Its number, from 0.
        number: usize,
        /// The first account's; `None` if it has no such order.
        left: Option<OrderLine>,
        /// The second account's.
        right: Option<OrderLine>,
    },
    /// A fill is missing, is another one, or differs.
    Fill {
        /// Its number, from 0.
        number: usize,
        /// The first account's; `None` if it has no such fill.
        left: Option<FillLine>,
        /// The second account's.
        right: Option<FillLine>,
    },
    /// Everything before agrees, and equity does not.
    Equity {
        /// The session.
        date: NaiveDate,
        /// The first account's.
        left: Usd,
        /// The second account's.
        right: Usd,
    },
}

/// A line that two accounts can have in common.
pub(super) trait Line: Clone + PartialEq {
    /// The session.
    fn date(&self) -> NaiveDate;

    /// Whether it is the same, whatever the order is called.
    fn same_but_name(&self, other: &Self) -> bool;
}

impl Line for OrderLine {
    fn date(&self) -> NaiveDate {
        self.date
    }

    fn same_but_name(&self, other: &Self) -> bool {
        let client_order_id = self.client_order_id.clone();
        *self == Self { client_order_id, ..other.clone() }
    }
}

impl Line for FillLine {
    fn date(&self) -> NaiveDate {
        self.date
    }

    fn same_but_name(&self, other: &Self) -> bool {
        let client_order_id = self.client_order_id.clone();
        *self == Self { client_order_id, ..other.clone() }
    }
}

impl Difference {
    /// The session in which it shows.
    #[must_use]
    pub fn date(&self) -> NaiveDate {
        match self {
            Self::Order { left, right, .. } => date_of(left.as_ref(), right.as_ref()),
            Self::Fill { left, right, .. } => date_of(left.as_ref(), right.as_ref()),
            Self::Equity { date, .. } => *date,
        }
    }
}

/// The earlier session of two lines, one of which may be missing.
fn date_of<L: Line>(left: Option<&L>, right: Option<&L>) -> NaiveDate {
    left.into_iter().chain(right).map(Line::date).min().unwrap_or(NaiveDate::MAX)
}

impl fmt::Display for OrderLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, client_order_id, symbol, side, qty, limit_price } = self;
        write!(f, "{date} {side} {qty} {symbol}")?;
        if let Some(limit) = limit_price {
            write!(f, " up to {limit}")?;
        }
        write!(f, " ({client_order_id})")
    }
}

impl fmt::Display for FillLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { date, client_order_id, symbol, side, qty, price } = self;
        write!(f, "{date} {side} {qty} {symbol} at {price} ({client_order_id})")
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Order { number, left, right } => {
                write!(
                    f,
                    "order {number} is {} and {}",
                    words(left.as_ref()),
                    words(right.as_ref())
                )
            }
            Self::Fill { number, left, right } => {
                write!(f, "fill {number} is {} and {}", words(left.as_ref()), words(right.as_ref()))
            }
            Self::Equity { date, left, right } => {
                write!(f, "equity at the close of {date} is {left} and {right} USD")
            }
        }
    }
}

fn words(line: Option<&impl fmt::Display>) -> String {
    line.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}
