//! Many strategies on the same history: grids and random search, run on many threads.

mod memory;
mod plateau;
mod space;

use std::num::NonZeroUsize;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use atlas_core::Usd;
use serde::{Deserialize, Serialize};

pub use memory::{Memory, memory_of};
pub use plateau::{Plateau, plateau};
pub use space::{Axis, grid, random};

use crate::config::Config;
use crate::honesty::Trial;
use crate::metrics::Metrics;
use crate::report::{BacktestReport, TradeStatistics};
use crate::run::Backtest;
use crate::{Error, StrategySpec};

/// What is kept of one run of many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// The strategy.
    pub strategy: StrategySpec,
    /// Equity at the end.
    pub final_equity: Usd,
    /// What trading cost.
    pub costs: Usd,
    /// What the daily returns amount to.
    pub metrics: Metrics,
    /// What the round trips amount to.
    pub trades: TradeStatistics,
    /// Mean share of equity that was invested.
    pub mean_exposure: Option<f64>,
    /// Half of what was traded over mean equity, a year.
    pub annual_turnover: Option<f64>,
    /// Simple returns from close to close.
    pub returns: Vec<f64>,
    /// What the ledger enters.
    pub trial: Trial,
}

impl Found {
    /// Of a report.
    ///
    /// # Errors
    /// As [`Trial::of`]; [`Error::Empty`] if the report has no day.
    pub fn of(report: &BacktestReport) -> Result<Self, Error> {
        let header = &report.header;
        let empty = Error::Empty { schedule: header.schedule, from: header.from, to: header.to };
        Ok(Self {
            strategy: header.strategy.clone(),
            final_equity: report.days.last().map(|day| day.equity).ok_or(empty)?,
            costs: report.costs.total,
            metrics: report.metrics.clone(),
            trades: report.trade_statistics.clone(),
            mean_exposure: report.mean_exposure,
            annual_turnover: report.annual_turnover,
            returns: report.returns(),
            trial: Trial::of(report)?,
        })
    }
}

/// What came of a search.
#[derive(Debug, Clone, PartialEq)]
pub struct Searched {
    /// What was found, in the order of the strategies; those that were not run are left out.
    pub found: Vec<Found>,
    /// How many were asked for.
    pub asked: usize,
}

impl Searched {
    /// Whether all of them were run.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.found.len() == self.asked
    }

    /// The one with the highest Sharpe ratio, the first of equal ones.
    #[must_use]
    pub fn best(&self) -> Option<&Found> {
        let ratio = |found: &&Found| found.metrics.sharpe;
        self.found.iter().filter(|found| ratio(found).is_some()).fold(None, |best, next| match best
        {
            Some(best) if ratio(&best) >= ratio(&next) => Some(best),
            Some(_) | None => Some(next),
        })
    }
}

/// Runs every strategy on the same dates, costs and regimes, which are detected once.
///
/// `watch` hears after each run how many are done and says whether to go on; what was run until
/// then is kept. As long as all are run, the number of threads changes nothing but the time.
///
/// # Errors
/// As [`Backtest::run`], for the first strategy in their order that fails.
pub fn search(
    backtest: &Backtest<'_>,
    config: &Config,
    strategies: &[StrategySpec],
    threads: NonZeroUsize,
    watch: &(dyn Fn(usize) -> bool + Sync),
) -> Result<Searched, Error> {
    let prepared = backtest.prepare(config)?;
    let one = |at: usize| {
        let strategy = strategies.get(at)?.clone();
        let config = config.clone().with_strategy(strategy);
        Some(backtest.run_prepared(&config, &prepared).and_then(|report| Found::of(&report)))
    };
    let found = each(strategies.len(), threads, watch, one).into_iter().flatten().flatten();
    Ok(Searched { found: found.collect::<Result<_, _>>()?, asked: strategies.len() })
}

/// Does numbered pieces of work on many threads, results in the order of their numbers; `None` for
/// what was not begun when `watch`, which hears after each piece how many are done, said to stop.
pub fn each<T: Send>(
    count: usize,
    threads: NonZeroUsize,
    watch: &(dyn Fn(usize) -> bool + Sync),
    work: impl Fn(usize) -> T + Sync,
) -> Vec<Option<T>> {
    let places: Vec<Mutex<Option<T>>> = (0..count).map(|_| Mutex::new(None)).collect();
    let (next, done, go_on) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicBool::new(true));
    let worker = || {
        while go_on.load(Ordering::Relaxed) {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(place) = places.get(at) else { break };
            let result = work(at);
            if let Ok(mut place) = place.lock() {
                *place = Some(result);
            }
            if !watch(done.fetch_add(1, Ordering::Relaxed) + 1) {
                go_on.store(false, Ordering::Relaxed);
            }
        }
    };
    std::thread::scope(|scope| {
        // This thread works too.
        for _ in 1..threads.get().min(count.max(1)) {
            scope.spawn(worker);
        }
        worker();
    });
    places.into_iter().map(|place| place.into_inner().ok().flatten()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_put_where_it_belongs_and_can_be_stopped() {
        let three = NonZeroUsize::new(3).unwrap();
        let all = each(100, three, &|_| true, |at| at * at);
        assert_eq!(all, (0..100).map(|at| Some(at * at)).collect::<Vec<_>>());
        let part = each(100, NonZeroUsize::MIN, &|done| done < 7, |at| at);
        assert_eq!(part.iter().flatten().count(), 7);
        assert_eq!(part[6], Some(6));
        assert!(each(0, three, &|_| true, |at| at).is_empty());
    }
}
