//! What a search needs of memory, before it is begun.

use atlas_data::MarketData;

use crate::Error;
use crate::config::Config;

/// An estimate in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Prices, shared by all runs.
    pub market: usize,
    /// What one run needs while it goes on.
    pub run: usize,
    /// What is kept of all of them.
    pub kept: usize,
}

impl Memory {
    /// All of it on so many threads.
    #[must_use]
    pub const fn total(&self, threads: usize) -> usize {
        self.market.saturating_add(self.run.saturating_mul(threads)).saturating_add(self.kept)
    }

    /// Refuses what does not fit.
    ///
    /// # Errors
    /// [`Error::Memory`] with both figures.
    pub fn check(&self, threads: usize, available: usize) -> Result<(), Error> {
        let needed = self.total(threads);
        if needed <= available {
            return Ok(());
        }
        Err(Error::Memory { needed: needed.div_ceil(MIB), available: available / MIB })
    }
}

/// Estimates what so many runs need: prices once, each thread's run with its decisions and days,
/// and of each run that is over its figures and returns.
///
/// # Errors
/// [`Error::Core`] outside of the calendar's years.
pub fn memory_of(market: &MarketData, config: &Config, runs: usize) -> Result<Memory, Error> {
    let columns = |series: &atlas_data::Series| series.view().len().saturating_mul(7 * 8);
    let prices: usize = market.series.values().map(columns).sum();
    let sessions = atlas_core::calendar::Calendar::nyse().sessions(config.from, config.to)?.count();
    let decisions =
        config.schedule.slots(config.from, config.to, config.delay_sessions.into())?.len();
    let symbols = market.series.len();
    let run = sessions
        .saturating_mul(DAY)
        .saturating_add(decisions.saturating_mul(DECISION + symbols.saturating_mul(SIGNAL)));
    Ok(Memory { market: prices, run, kept: runs.saturating_mul(sessions * 8 + FOUND) })
}

/// Bytes of one session of a run, as measured.
const DAY: usize = 256;
/// Bytes of one decision with its journal.
const DECISION: usize = 24_000;
/// Bytes of one symbol's signal in a decision.
const SIGNAL: usize = 1_200;
/// Bytes of what is kept of a run besides its returns.
const FOUND: usize = 2_000;
const MIB: usize = 1 << 20;
