//! Where two accounts part ways.

mod journal;
mod lines;

use atlas_core::{ClientOrderId, Side, Symbol, Usd};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use self::lines::Line;
pub use self::lines::{Difference, FillLine, OrderLine};
use crate::Error;
use crate::report::{BacktestReport, Day, DecisionRecord, OrderRecord, Trade};

/// What is compared of an account: orders and fills in their order, and equity at the close.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Course {
    /// The account's name as its orders have it; accounts of different names call the same order
    /// differently, which then is no difference.
    pub account: Option<String>,
    /// Every order that was sent, oldest first.
    pub orders: Vec<OrderLine>,
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
    /// Number of closes both know.
    pub common_days: usize,
    /// Largest distance of equity on a day both know, as a share of the first one's initial
    /// equity; `None` without a common day.
    pub gap: Option<f64>,
    /// Whether that is within [`GAP_MAX`].
    pub within: bool,
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
            account: Some(report.header.policy.account.to_string()),
            orders: report.decisions.iter().flat_map(orders_of).collect(),
            fills: report.trades.iter().map(fill).collect(),
            equity: report.days.iter().map(equity).collect(),
        }
    }

    /// The part of it within two days, both included.
    #[must_use]
    pub fn between(mut self, from: NaiveDate, to: NaiveDate) -> Self {
        let within = |date: NaiveDate| from <= date && date <= to;
        self.orders.retain(|order| within(order.date));
        self.fills.retain(|fill| within(fill.date));
        self.equity.retain(|(date, _)| within(*date));
        self
    }

    /// Compares two courses: orders and fills one by one, and equity on every day that both know.
    /// The first difference is the earliest by session; within one, orders come before fills and
    /// fills before equity.
    ///
    /// # Errors
    /// [`Error::Core`] if a difference of equities does not fit.
    pub fn compare(&self, other: &Self) -> Result<Parity, Error> {
        let named = match (&self.account, &other.account) {
            (Some(left), Some(right)) => left == right,
            (None, _) | (_, None) => true,
        };
        let order = first_of(&self.orders, &other.orders, named)
            .map(|(number, left, right)| Difference::Order { number, left, right });
        let fill = first_of(&self.fills, &other.fills, named)
            .map(|(number, left, right)| Difference::Fill { number, left, right });
        let mut equity = None;
        let mut widest: Option<Usd> = None;
        let mut common_days = 0;
        for (date, left) in &self.equity {
            let Ok(row) = other.equity.binary_search_by_key(date, |(date, _)| *date) else {
                continue;
            };
            let Some((_, right)) = other.equity.get(row) else { continue };
            common_days += 1;
            let gap = left.checked_sub(*right)?.abs();
            widest = Some(widest.map_or(gap, |widest| widest.max(gap)));
            if !gap.is_zero() && equity.is_none() {
                equity = Some(Difference::Equity { date: *date, left: *left, right: *right });
            }
        }
        let initial = self.equity.first().map(|(_, equity)| equity.to_f64());
        let gap = widest.zip(initial.filter(|initial| *initial > 0.0));
        let gap = gap.map(|(widest, initial)| widest.to_f64() / initial);
        // The first of equal ones is kept: orders before fills before equity.
        let found = [order, fill, equity].into_iter().flatten();
        let first = found.min_by_key(Difference::date);
        let within = gap.is_some_and(|gap| gap <= GAP_MAX);
        Ok(Parity { first, common_days, gap, within })
    }

    /// Learns the account's name from the name of one of its orders.
    fn note_account(&mut self, id: &ClientOrderId, side: Side, symbol: &Symbol) {
        if self.account.is_none() {
            let own = id.as_str().strip_prefix("atlas-");
            let leg = own.and_then(|own| own.rsplit_once(&format!("-{side}-{symbol}-")));
            let parts = leg.and_then(|(decision, _)| decision.rsplit_once('-'));
            self.account = parts.map(|(account, _)| account.to_owned());
        }
    }
}

/// What a decision sent.
fn orders_of(decision: &DecisionRecord) -> impl Iterator<Item = OrderLine> {
    let sent = decision.orders.iter().filter(|order| order.status.is_some());
    sent.map(|order: &OrderRecord| OrderLine {
        date: decision.execute_on,
        client_order_id: order.client_order_id.clone(),
        symbol: order.symbol.clone(),
        side: order.side,
        qty: order.sent_qty,
        limit_price: order.limit_price,
    })
}

/// The first line that differs, with its number.
fn first_of<L: Line>(
    left: &[L],
    right: &[L],
    named: bool,
) -> Option<(usize, Option<L>, Option<L>)> {
    let differ = |number: &usize| match (left.get(*number), right.get(*number)) {
        (Some(left), Some(right)) if named => left != right,
        (Some(left), Some(right)) => !left.same_but_name(right),
        (left, right) => left.is_some() || right.is_some(),
    };
    let number = (0..left.len().max(right.len())).find(differ)?;
    Some((number, left.get(number).cloned(), right.get(number).cloned()))
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
            side: Side::Buy,
            qty: atlas_core::Qty::from_shares(number),
            price: "50".parse().unwrap(),
        };
        Course {
            account: None,
            orders: Vec::new(),
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
        flipped.fills[3].side = Side::Sell;
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

    #[test]
    fn the_earliest_difference_counts_and_an_order_comes_before_its_fill() {
        let (mut whole, mut other) = (course(), course());
        let order = |fill: &FillLine| OrderLine {
            date: fill.date,
            client_order_id: fill.client_order_id.clone(),
            symbol: fill.symbol.clone(),
            side: fill.side,
            qty: fill.qty,
            limit_price: None,
        };
        whole.orders = whole.fills.iter().map(order).collect();
        other.orders = whole.orders.clone();
        other.fills[2].qty = atlas_core::Qty::from_shares(9);
        let named = |other: &Course| whole.compare(other).unwrap().first.unwrap();
        assert!(matches!(named(&other), Difference::Fill { number: 2, .. }));
        other.orders[4].qty = atlas_core::Qty::from_shares(9);
        assert!(matches!(named(&other), Difference::Order { number: 4, .. }));
        other.equity[0] = (whole.equity[0].0, "99".parse().unwrap());
        other.orders = whole.orders.clone();
        other.fills[2].date = whole.equity[1].0;
        other.fills[2].qty = whole.fills[2].qty;
        assert!(matches!(named(&other), Difference::Fill { number: 2, .. }));
        let part = other.between(whole.equity[1].0, whole.equity[1].0);
        assert_eq!((part.fills.len(), part.equity.len()), (1, 1));
    }

    #[test]
    fn other_accounts_call_the_same_order_differently() {
        let (mut whole, mut other) = (course(), course());
        for fill in &mut other.fills {
            let id = fill.client_order_id.as_str().replace("atlas-", "atlas-other-");
            fill.client_order_id = id.parse().unwrap();
        }
        assert!(whole.compare(&other).unwrap().first.is_some(), "nobody knows whose they are");
        whole.account = Some("default".to_owned());
        let (symbol, id) = ("BRK.B".parse().unwrap(), "atlas-a-b-7-sell-BRK.B-0".parse().unwrap());
        other.note_account(&id, Side::Sell, &symbol);
        assert_eq!(other.account.as_deref(), Some("a-b"));
        assert_eq!(whole.compare(&other).unwrap().first, None);
    }
}
