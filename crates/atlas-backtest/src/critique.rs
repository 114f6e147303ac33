//! What speaks against a result, with numbers.

use std::fmt;

use atlas_core::{Side, Usd};
use atlas_risk::GateName;
use serde::{Deserialize, Serialize};

use crate::report::{BacktestReport, NullRule};

/// One thing that speaks against a result; printed, it is one sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Doubt {
    /// Too few round trips to tell skill from luck.
    FewTrades {
        /// How many there are.
        round_trips: usize,
    },
    /// One symbol brought in most of it.
    OneSymbol {
        /// The symbol.
        symbol: atlas_core::Symbol,
        /// Its share of the profit of all round trips.
        share: f64,
    },
    /// One month brought in most of it.
    OneMonth {
        /// The year.
        year: i32,
        /// The month.
        month: u32,
        /// Its share of the sum of log returns.
        share: f64,
    },
    /// Costs alone decide its sign.
    OnlyWithoutCosts {
        /// What was lost, USD.
        loss: Usd,
        /// What costs came to, USD.
        costs: Usd,
    },
    /// It fell deeper than most people bear.
    DeepDrawdown {
        /// The fall as a fraction, below zero.
        depth: f64,
    },
    /// Hardly ever invested, or at times beyond equity.
    Exposure {
        /// Mean share of equity.
        mean: f64,
        /// Largest share of equity.
        most: f64,
    },
    /// The drawdown limit kept it from opening anything until the end: what follows is waiting.
    Halted {
        /// Session of the first decision it was held back in for good.
        since: chrono::NaiveDate,
    },
    /// A rule that knows nothing of the strategy did as well.
    NullAsGood {
        /// Which.
        rule: NullRule,
        /// Sharpe ratio a year of the account.
        own: f64,
        /// Sharpe ratio a year of the rule.
        other: f64,
    },
    /// The same exposures at other times would have done as well.
    TimingByChance {
        /// Share of other orders of the regime's spells that did.
        share: f64,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FewTrades { round_trips } => {
                write!(f, "{round_trips} round trips are too few, {TRADES_MIN} are the least")
            }
            Self::OneSymbol { symbol, share } => {
                write!(f, "{symbol} alone made {:.0} % of the profit", share * 100.0)
            }
            Self::OneMonth { year, month, share } => {
                write!(f, "{year}-{month:02} alone made {:.0} % of the return", share * 100.0)
            }
            Self::OnlyWithoutCosts { loss, costs } => {
                write!(f, "it lost {loss} USD, and would have gained without costs of {costs} USD")
            }
            Self::DeepDrawdown { depth } => {
                write!(f, "it fell {:.1} % from its peak", depth * -100.0)
            }
            Self::Exposure { mean, most } => write!(
                f,
                "its exposure was {:.1} % on average and {:.1} % at most",
                mean * 100.0,
                most * 100.0
            ),
            Self::Halted { since } => write!(
                f,
                "the drawdown limit let it open nothing from {since} to the end: a person would have \
                 had to decide whether to go on"
            ),
            Self::NullAsGood { rule, own, other } => write!(
                f,
                "its Sharpe ratio of {own:.2} is no better than {other:.2}, that of the index {}",
                match rule {
                    NullRule::ConstantExposure => "at any constant exposure",
                    NullRule::TwoHundredDays => "above its mean of 200 sessions",
                    NullRule::VolatilityTarget => "at the same volatility",
                }
            ),
            Self::TimingByChance { share } => write!(
                f,
                "{:.0} % of other orders of the regimes would have timed the index as well",
                share * 100.0
            ),
        }
    }
}

/// Lists what speaks against a result.
#[must_use]
pub fn critique(report: &BacktestReport) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    let round_trips = report.trade_statistics.round_trips;
    if round_trips < TRADES_MIN {
        doubts.push(Doubt::FewTrades { round_trips });
    }
    doubts.extend(one_symbol(report));
    doubts.extend(one_month(report));
    doubts.extend(only_without_costs(report));
    if let Some(depth) = report.metrics.max_drawdown.filter(|depth| *depth < DRAWDOWN_MIN) {
        doubts.push(Doubt::DeepDrawdown { depth });
    }
    doubts.extend(halted(report));
    doubts.extend(exposure(report));
    for model in &report.nulls.models {
        if let (Some(own), Some(other)) = (report.metrics.sharpe, model.metrics.sharpe)
            && own <= other
        {
            doubts.push(Doubt::NullAsGood { rule: model.rule, own, other });
        }
    }
    let chance = report.nulls.permuted.map(|permuted| permuted.as_good);
    if let Some(share) = chance.filter(|share| *share > CHANCE_MAX) {
        doubts.push(Doubt::TimingByChance { share });
    }
    doubts
}

fn one_symbol(report: &BacktestReport) -> Option<Doubt> {
    let total: f64 = report.by_symbol.iter().map(|share| share.profit.to_f64()).sum();
    let best = report.by_symbol.iter().max_by_key(|share| share.profit)?;
    let share = best.profit.to_f64() / total;
    let symbol = best.symbol.clone();
    (total > 0.0 && share > SHARE_MAX).then_some(Doubt::OneSymbol { symbol, share })
}

fn one_month(report: &BacktestReport) -> Option<Doubt> {
    let log = |r: f64| if r > -1.0 { libm::log1p(r) } else { f64::NEG_INFINITY };
    let total: f64 = report.monthly.iter().map(|month| log(month.simple_return)).sum();
    let best = report.monthly.iter().max_by(|a, b| a.simple_return.total_cmp(&b.simple_return))?;
    let share = log(best.simple_return) / total;
    let (year, month) = (best.year, best.month?);
    (total > 0.0 && share > SHARE_MAX).then_some(Doubt::OneMonth { year, month, share })
}

fn only_without_costs(report: &BacktestReport) -> Option<Doubt> {
    let (first, last) = (report.days.first()?.equity, report.days.last()?.equity);
    let loss = first.checked_sub(last).ok()?;
    let costs = report.costs.total;
    (loss > Usd::ZERO && loss < costs).then_some(Doubt::OnlyWithoutCosts { loss, costs })
}

/// Whether the last decisions that wanted to open anything were all denied for the drawdown.
fn halted(report: &BacktestReport) -> Option<Doubt> {
    let mut since = None;
    for decision in report.decisions.iter().rev() {
        let opened = decision.orders.iter().any(|order| order.side == Side::Buy);
        let held_back =
            decision.denied.iter().any(|order| order.gates.contains(&GateName::Drawdown));
        if opened {
            break;
        }
        if held_back {
            since = Some(decision.as_of);
        }
    }
    since.map(|since| Doubt::Halted { since })
}

fn exposure(report: &BacktestReport) -> Option<Doubt> {
    let mean = report.mean_exposure?;
    let most = report.days.iter().filter_map(|day| day.exposure).fold(0.0, f64::max);
    (mean < EXPOSURE_MIN || most > 1.0).then_some(Doubt::Exposure { mean, most })
}

/// Fewer round trips say nothing.
const TRADES_MIN: usize = 30;
/// A larger share of the result from one source is luck until shown otherwise.
const SHARE_MAX: f64 = 0.5;
/// Timing that is met more often by chance is none.
const CHANCE_MAX: f64 = 0.05;
/// A deeper fall is more than most people bear.
const DRAWDOWN_MIN: f64 = -0.30;
/// A lower mean exposure leaves the result to chance.
const EXPOSURE_MIN: f64 = 0.05;
