//! What came of a backtest.

pub(crate) mod assemble;
mod attribution;
mod benchmark;
mod costs;
mod day;
mod decision;
mod header;
mod nulls;
mod periods;
mod trade;
mod warnings;

use serde::{Deserialize, Serialize};

pub use attribution::{RegimeShare, SymbolShare};
pub use benchmark::Benchmark;
pub use costs::CostsPaid;
pub use day::Day;
pub use decision::{DecisionRecord, DeniedOrder, OrderRecord, SignalRecord};
pub use header::{Header, StatedCosts};
pub use nulls::{NullModel, NullRule, Nulls, PERMUTATIONS, PermutedSpells};
pub use periods::PeriodReturn;
pub use trade::{RoundTrip, Trade, TradeStatistics};

pub(crate) use trade::{Cause, Ledger};

use crate::metrics::{Drawdown, Metrics};

/// What came of a backtest. The same data and choices give the same bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BacktestReport {
    /// What was tried, on which data, under which conventions.
    pub header: Header,
    /// What a reader ought to know before believing it, each one sentence.
    pub warnings: Vec<String>,
    /// The account at the close of every session, the first being the one it was opened in.
    pub days: Vec<Day>,
    /// Every decision: what it saw, wanted, was denied and got.
    pub decisions: Vec<DecisionRecord>,
    /// Every fill, with the decision that caused it.
    pub trades: Vec<Trade>,
    /// Every stretch in which a symbol was held.
    pub round_trips: Vec<RoundTrip>,
    /// What the round trips amount to.
    pub trade_statistics: TradeStatistics,
    /// What the daily returns amount to.
    pub metrics: Metrics,
    /// The deepest five falls.
    pub drawdowns: Vec<Drawdown>,
    /// Mean share of equity that was invested at the close; `None` if equity was ever zero.
    pub mean_exposure: Option<f64>,
    /// Share of sessions with anything held at the close.
    pub time_in_market: f64,
    /// Half of all dollars traded over mean equity, a year; `None` without a mean above zero.
    pub annual_turnover: Option<f64>,
    /// What trading cost, by kind.
    pub costs: CostsPaid,
    /// Simple returns by calendar month.
    pub monthly: Vec<PeriodReturn>,
    /// Simple returns by calendar year.
    pub yearly: Vec<PeriodReturn>,
    /// The sessions under each regime, by the decision in force.
    pub by_regime: Vec<RegimeShare>,
    /// What each traded symbol brought in.
    pub by_symbol: Vec<SymbolShare>,
    /// The index bought and held; `None` where it lacks a session.
    pub benchmark: Option<Benchmark>,
    /// What somebody without the strategy could have had.
    pub nulls: Nulls,
}

impl BacktestReport {
    /// Simple returns from close to close, one for each day but the first.
    #[must_use]
    pub fn returns(&self) -> Vec<f64> {
        self.days.iter().filter_map(|day| day.simple_return).collect()
    }
}
