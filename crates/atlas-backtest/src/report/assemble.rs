//! Putting a report together.

use atlas_core::Usd;
use atlas_data::MarketData;
use atlas_venue::core::Activity;
use chrono::NaiveDate;

use super::{
    BacktestReport, Benchmark, CostsPaid, Day, DecisionRecord, Header, Nulls, RoundTrip, Trade,
    TradeStatistics, attribution, periods, warnings,
};
use crate::Error;
use crate::config::Config;
use crate::metrics::stats::{float, mean};
use crate::metrics::{Conventions, Drawdown, Metrics};

/// What a run has made, before anything is computed from it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) sessions: (NaiveDate, NaiveDate),
    pub(crate) days: Vec<Day>,
    pub(crate) decisions: Vec<DecisionRecord>,
    pub(crate) trades: Vec<Trade>,
    pub(crate) round_trips: Vec<RoundTrip>,
    pub(crate) activities: Vec<Activity>,
}

impl Made {
    pub(crate) fn into_report(
        self,
        market: &MarketData,
        config: &Config,
    ) -> Result<BacktestReport, Error> {
        let Self { sessions, days, decisions, trades, round_trips, activities } = self;
        let returns: Vec<f64> = days.iter().filter_map(|day| day.simple_return).collect();
        let curve: Vec<(NaiveDate, f64)> =
            days.iter().skip(1).map(|day| (day.date, day.drawdown)).collect();
        let (monthly, yearly) = periods::by_month_and_year(&days);
        let benchmark = Benchmark::of(&days, market.index.view())?;
        let metrics = Metrics::of(&returns, Conventions::SESSIONS)?;
        let nulls = Nulls::of(&days, &decisions, market.index.view(), &metrics, config.seed)?;
        let mut report = BacktestReport {
            header: Header::new(market, config, sessions),
            warnings: Vec::new(),
            metrics,
            nulls,
            drawdowns: Drawdown::deepest(sessions.0, &curve, DRAWDOWNS),
            mean_exposure: mean_exposure(&days),
            time_in_market: time_in_market(&days),
            annual_turnover: annual_turnover(&days, &trades)?,
            costs: CostsPaid::of(&trades, &activities)?,
            trade_statistics: TradeStatistics::of(trades.len(), &round_trips),
            by_regime: attribution::by_regime(&days, &decisions)?,
            by_symbol: attribution::by_symbol(&round_trips)?,
            days,
            decisions,
            trades,
            round_trips,
            monthly,
            yearly,
            benchmark,
        };
        report.warnings = warnings::of(&report, market, config)?;
        Ok(report)
    }
}

fn mean_exposure(days: &[Day]) -> Option<f64> {
    let exposures: Option<Vec<f64>> = days.iter().map(|day| day.exposure).collect();
    mean(&exposures?)
}

fn time_in_market(days: &[Day]) -> f64 {
    let invested = days.iter().filter(|day| day.positions > Usd::ZERO).count();
    if days.is_empty() { 0.0 } else { float(invested) / float(days.len()) }
}

/// Half of what was traded over mean equity, a year of 252 sessions.
fn annual_turnover(days: &[Day], trades: &[Trade]) -> Result<Option<f64>, Error> {
    let traded = Usd::sum(trades.iter().map(|trade| trade.notional))?.to_f64();
    let equity: Vec<f64> = days.iter().map(|day| day.equity.to_f64()).collect();
    let years = float(days.len().saturating_sub(1)) / Conventions::SESSIONS.periods_per_year;
    let base = mean(&equity).filter(|mean| *mean > 0.0 && years > 0.0);
    Ok(base.map(|mean| traded / 2.0 / mean / years))
}

/// Falls that are listed.
const DRAWDOWNS: usize = 5;
