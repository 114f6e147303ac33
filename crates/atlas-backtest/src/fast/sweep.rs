//! Many strategies on many series.

use std::num::NonZeroUsize;

use super::{BarStrategy, Figures, FixedSeries, Trading, summarize};
use crate::Error;

/// Runs every strategy on every series; `result[series][strategy]`.
///
/// Work is cut into blocks by series and strategy and its results put where they belong, so that
/// the number of threads changes nothing but the time. Nothing is kept of a run but its figures.
///
/// # Errors
/// As [`summarize`], for the first run in the order of the result that has one.
///
/// # Examples
/// ```
/// use atlas_backtest::fast::{FixedSeries, SmaCross, TradingSpec, random_walk, sweep};
/// use atlas_core::Bps;
/// use std::num::NonZeroUsize;
///
/// let series = [FixedSeries::new(None, random_walk(1, 2_000))?];
/// let crosses = [SmaCross::new(5, 20)?, SmaCross::new(10, 30)?];
/// let (fee, slippage) = (Bps::from_int(10), Bps::from_int(5));
/// let spec = TradingSpec { cash: "1000000".parse()?, shares: 10, fee, slippage };
/// let two = NonZeroUsize::new(2).unwrap();
/// let figures = sweep(&series, &crosses, &spec.check()?, two)?;
/// assert_eq!((figures.len(), figures[0].len()), (1, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn sweep<S: BarStrategy>(
    series: &[FixedSeries],
    strategies: &[S],
    trading: &Trading,
    threads: NonZeroUsize,
) -> Result<Vec<Vec<Figures>>, Error> {
    let per_thread = strategies.len().div_ceil(threads.get()).max(1);
    let block = |part: &[S]| -> Result<Vec<Vec<Figures>>, Error> {
        let on = |one: &FixedSeries| part.iter().map(|s| summarize(one, s, trading)).collect();
        series.iter().map(on).collect()
    };
    let parts: Vec<Result<Vec<Vec<Figures>>, Error>> = std::thread::scope(|scope| {
        let handles: Vec<_> =
            strategies.chunks(per_thread).map(|part| scope.spawn(move || block(part))).collect();
        let lost = || Err(Error::Waits { what: "a thread of the sweep that was lost" });
        handles.into_iter().map(|handle| handle.join().unwrap_or_else(|_| lost())).collect()
    });
    let mut all: Vec<Vec<Figures>> = series.iter().map(|_| Vec::new()).collect();
    for part in parts {
        for (whole, found) in all.iter_mut().zip(part?) {
            whole.extend(found);
        }
    }
    Ok(all)
}
