//! Where two accounts part ways.

use std::fmt;

use atlas_core::Usd;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::report::{BacktestReport, Day, Trade};

/// One fill, from wherever it came: a backtest, a rehearsal, a journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillLine {
    /// The session.
    pub date: NaiveDate,
    /// Our name for the order.
    pub client_order_id: atlas_core::ClientOrderId,
    /// The symbol.
    pub symbol: atlas_core::Symbol,
    /// Which way.
    pub side: atlas_core::Side,
    /// Shares.
    pub qty: atlas_core::Qty,
    /// Price a share.
    pub price: atlas_core::Price,
}

/// What is compared of an account: fills in their order and equity at the close.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// Every fill, oldest first.
    pub fills: Vec<FillLine>,
    /// Equity at the closes that are known, oldest first.
    pub equity: Vec<(NaiveDate, Usd)>,
}

/// How two courses compare.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parity {
    /// The first event that differs; `None` if nothing does.
    pub first: Option<Difference>,
    /// Largest distance of equity on a day both know, as a share of the first one's initial
    /// equity; `None` without a common day.
    pub gap: Option<f64>,
    /// Whether that is within [`GAP_MAX`].
    pub within: bool,
}

/// The first event that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Difference {
    /// A fill is missing, is another one, or differs.
    Fill {
        /// Its number, from 0.
        number: usize,
        /// The first account's; `None` if it has no such fill.
        left: Option<FillLine>,
        /// The second account's.
        right: Option<FillLine>,
    },
    /// Fills agree, and equity does not.
    Equity {
        /// The session.
        date: NaiveDate,
        /// The first account's.
        left: Usd,
        /// The second account's.
        right: Usd,
    },
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
            Self::Fill { number, left, right } => {
                let words = |fill: &Option<FillLine>| {
                    fill.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
                };
                write!(f, "fill {number} is {} and {}", words(left), words(right))
            }
            Self::Equity { date, left, right } => {
                write!(f, "equity at the close of {date} is {left} and {right} USD")
            }
        }
    }
}

impl Course {
    /// That of a backtest.
    #[must_use]
    pub fn of(report: &BacktestReport) -> Self {
        let fill = |trade: &Trade| FillLine {
            date: trade.date,
            client_order_id: trade.client_order_id.clone(),
            symbol: trade.symbol.clone(),
            side: trade.side,
            qty: trade.qty,
            price: trade.price,
        };
        let equity = |day: &Day| (day.date, day.equity);
        Self {
            fills: report.trades.iter().map(fill).collect(),
            equity: report.days.iter().map(equity).collect(),
        }
    }

    /// Compares two courses: fills one by one, then equity on every day that both know.
    ///
    /// # Errors
    /// [`Error::Core`] if a difference of equities does not fit.
    pub fn compare(&self, other: &Self) -> Result<Parity, Error> {
        let most = self.fills.len().max(other.fills.len());
        let fill = |number: usize| {
            let (left, right) = (self.fills.get(number), other.fills.get(number));
            let found = || (left.cloned(), right.cloned());
            (left != right).then(found).map(|(left, right)| Difference::Fill {
                number,
                left,
                right,
            })
        };
        let mut first = (0..most).find_map(fill);
        let mut widest: Option<Usd> = None;
        for (date, left) in &self.equity {
            let Ok(row) = other.equity.binary_search_by_key(date, |(date, _)| *date) else {
                continue;
            };
            let Some((_, right)) = other.equity.get(row) else { continue };
            let gap = left.checked_sub(*right)?.abs();
            widest = Some(widest.map_or(gap, |widest| widest.max(gap)));
            if !gap.is_zero() && first.is_none() {
                first = Some(Difference::Equity { date: *date, left: *left, right: *right });
            }
        }
        let initial = self.equity.first().map(|(_, equity)| equity.to_f64());
        let gap = widest.zip(initial.filter(|initial| *initial > 0.0));
        let gap = gap.map(|(widest, initial)| widest.to_f64() / initial);
        Ok(Parity { first, gap, within: gap.is_some_and(|gap| gap <= GAP_MAX) })
    }
}

/// Largest gap of equity as a share of initial equity that two courses of one strategy may have.
pub const GAP_MAX: f64 = 0.05;

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        let date = NaiveDate::from_ymd_opt(2019, 1, 3).unwrap();
        let fill = |number: u32| FillLine {
            date,
            client_order_id: format!("atlas-{number}").parse().unwrap(),
            symbol: "KO".parse().unwrap(),
            side: atlas_core::Side::Buy,
            qty: atlas_core::Qty::from_shares(number),
            price: "50".parse().unwrap(),
        };
        Course {
            fills: (1..6).map(fill).collect(),
            equity: vec![
                (date, "100".parse().unwrap()),
                (date.succ_opt().unwrap(), "90".parse().unwrap()),
            ],
        }
    }

    #[test]
    fn one_fill_that_was_flipped_is_named() {
        let whole = course();
        assert_eq!(whole.compare(&whole).unwrap().first, None);
        let mut flipped = whole.clone();
        flipped.fills[3].side = atlas_core::Side::Sell;
        let found = whole.compare(&flipped).unwrap().first.unwrap();
        assert!(matches!(found, Difference::Fill { number: 3, .. }));
        assert!(found.to_string().contains("atlas-4"), "{found}");
        flipped = whole.clone();
        flipped.fills.truncate(4);
        let found = flipped.compare(&whole).unwrap().first.unwrap();
        assert!(found.to_string().starts_with("fill 4 is nothing and"), "{found}");
    }

    #[test]
    fn a_gap_is_a_share_of_initial_equity() {
        let (whole, mut other) = (course(), course());
        other.equity[1].1 = "84".parse().unwrap();
        let found = whole.compare(&other).unwrap();
        assert!(matches!(found.first, Some(Difference::Equity { .. })));
        assert!((found.gap.unwrap() - 0.06).abs() < 1e-12 && !found.within);
        other.equity.clear();
        assert_eq!(whole.compare(&other).unwrap().gap, None);
    }
}
