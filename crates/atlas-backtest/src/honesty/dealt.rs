//! The same trades in another order, or others like them.

use serde::{Deserialize, Serialize};

use super::Random;
use super::bootstrap::Bootstrap;
use crate::Error;
use crate::metrics::stats::{float, quantile_of_sorted};
use crate::report::BacktestReport;

/// What trades like those made could have come to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DealtTrades {
    /// Round trips there are to draw from.
    pub trades: usize,
    /// Histories drawn.
    pub draws: usize,
    /// Sum of the profits as they were, USD, after slippage and before fees.
    pub profit: f64,
    /// Profit of as many trades drawn with replacement: 5 %, 50 % and 95 % of histories have less.
    pub profits: Quantiles,
    /// Share of those histories in which the profit is zero or below.
    pub at_most_zero: f64,
    /// Deepest fall of cash plus closed profits as a share of the highest before, trades shuffled:
    /// 5 %, 50 % and 95 % of histories fall less.
    pub falls: Quantiles,
    /// Share of those histories that fall by more than 30 %.
    pub falls_deep: f64,
}

/// Where a figure lies in the drawn histories.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    /// A twentieth of histories have less.
    pub low: f64,
    /// Half of histories have less.
    pub middle: f64,
    /// A twentieth of histories have more.
    pub high: f64,
}

impl DealtTrades {
    /// Deals the round trips of a report again; `None` if it has fewer than two.
    ///
    /// Trades are drawn one by one: what hung together in time does not any more, so that this asks
    /// about luck in order and choice of the trades, not about that of the market.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a number of draws outside of 1 to 100 000.
    pub fn of(report: &BacktestReport, draws: usize, seed: u64) -> Result<Option<Self>, Error> {
        let profits: Vec<f64> =
            report.round_trips.iter().map(|trip| trip.profit.to_f64()).collect();
        Self::of_profits(&profits, report.header.cash.to_f64(), draws, seed)
    }

    /// The same of profits in USD, on so much cash.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::honesty::dealt::DealtTrades;
    ///
    /// let profits = [100.0, -50.0, 80.0, -20.0, 60.0];
    /// let found = DealtTrades::of_profits(&profits, 1_000.0, 500, 7)?.unwrap();
    /// assert_eq!(found.profit, 170.0);
    /// assert!(found.profits.low < 170.0 && 170.0 < found.profits.high);
    /// # Ok::<(), atlas_backtest::Error>(())
    /// ```
    pub fn of_profits(
        profits: &[f64],
        cash: f64,
        draws: usize,
        seed: u64,
    ) -> Result<Option<Self>, Error> {
        Bootstrap { draws, mean_block: 1.0, seed }.check()?;
        if profits.len() < 2 {
            return Ok(None);
        }
        let mut random = Random::seeded(seed);
        let (mut sums, mut falls) = (Vec::with_capacity(draws), Vec::with_capacity(draws));
        let mut shuffled = profits.to_vec();
        for _ in 0..draws {
            let drawn = (0..profits.len()).filter_map(|_| profits.get(random.below(profits.len())));
            sums.push(drawn.sum::<f64>());
            for last in (1..shuffled.len()).rev() {
                shuffled.swap(last, random.below(last + 1));
            }
            falls.push(deepest_fall(cash, &shuffled));
        }
        sums.sort_by(f64::total_cmp);
        falls.sort_by(f64::total_cmp);
        let none = sums.partition_point(|sum| *sum <= 0.0);
        let shallow = falls.partition_point(|fall| *fall <= DEEP);
        let found = quantiles(&sums).zip(quantiles(&falls)).map(|(profits_of, falls_of)| Self {
            trades: profits.len(),
            draws,
            profit: profits.iter().sum(),
            profits: profits_of,
            at_most_zero: float(none) / float(draws),
            falls: falls_of,
            falls_deep: float(draws - shallow) / float(draws),
        });
        Ok(found)
    }
}

fn deepest_fall(cash: f64, profits: &[f64]) -> f64 {
    let (mut equity, mut peak, mut deepest) = (cash, cash, 0.0_f64);
    for profit in profits {
        equity += profit;
        peak = peak.max(equity);
        deepest = deepest.max((peak - equity) / peak);
    }
    deepest
}

fn quantiles(sorted: &[f64]) -> Option<Quantiles> {
    let at = |share| quantile_of_sorted(sorted, share);
    Some(Quantiles { low: at(0.05)?, middle: at(0.5)?, high: at(0.95)? })
}

/// A fall most people do not sit through, as a share.
const DEEP: f64 = 0.3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_changes_the_falls_and_choice_the_profit() {
        let profits: Vec<f64> = (0..60).map(|i| if i % 3 == 0 { -150.0 } else { 100.0 }).collect();
        let found = DealtTrades::of_profits(&profits, 1_000.0, 2_000, 1).unwrap().unwrap();
        assert_eq!((found.trades, found.profit), (60, 1_000.0));
        assert!((found.profits.middle - 1_000.0).abs() < 100.0, "{found:?}");
        assert!(found.falls.low < found.falls.middle && found.falls.middle < found.falls.high);
        assert!(found.at_most_zero < 0.5);
        assert_eq!(DealtTrades::of_profits(&profits, 1_000.0, 2_000, 1).unwrap(), Some(found));
        // The same profits in any order sum up to the same, and never fall.
        let level = DealtTrades::of_profits(&[5.0; 9], 100.0, 50, 1).unwrap().unwrap();
        assert_eq!((level.profits.low, level.profits.high, level.falls.high), (45.0, 45.0, 0.0));
        assert_eq!(DealtTrades::of_profits(&[1.0], 100.0, 50, 1).unwrap(), None);
        assert!(DealtTrades::of_profits(&[1.0, 2.0], 100.0, 0, 1).is_err());
    }

    #[test]
    fn a_fall_is_a_share_of_the_highest_before() {
        assert!((deepest_fall(100.0, &[100.0, -50.0, 10.0, -60.0]) - 0.5).abs() < 1e-12);
        assert!(deepest_fall(100.0, &[]).abs() < 1e-12);
    }
}
