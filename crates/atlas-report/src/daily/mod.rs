//! One row of figures for every trading day that has an artifact: `metrics.csv`.
//!
//! Rows are a function of artifacts and of the money that came and went; the file is written anew
//! as a whole, so that it can be thrown away at any time.

mod csv;
mod trades;

use std::collections::BTreeMap;

use atlas_core::{OrderStatus, Side, Symbol, Usd};
use chrono::NaiveDate;
use serde::Serialize;

use crate::history::Day;
use crate::metrics::{max_drawdown, sharpe};
use crate::run::{Books, RunReport};

pub use csv::{metrics_csv, write_metrics};
use trades::Trades;

/// Sessions the rolling Sharpe ratio looks back on.
pub const SHARPE_SESSIONS: usize = 63;
/// Sessions correlations look back on, and how many of them two symbols must share.
const CORRELATION_SESSIONS: (usize, usize) = (60, 20);
const SESSIONS_PER_YEAR: f64 = 252.0;

/// The figures of one trading day; what is not defined is `None`, never zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DayFigures {
    /// The trading day.
    pub date: NaiveDate,
    /// Equity at its end, USD.
    pub equity: Usd,
    /// Return since the row before, without deposits and withdrawals.
    pub daily_return: Option<f64>,
    /// Return since the first row, daily returns compounded.
    pub cumulative_return: f64,
    /// Largest fall of the compounded returns from their peak so far, as a positive share.
    pub max_drawdown: f64,
    /// Annualised Sharpe ratio of the last [`SHARPE_SESSIONS`] daily returns, not in excess of a
    /// rate; `None` before there are as many.
    pub rolling_sharpe: Option<f64>,
    /// Share of all sales so far that were made above average cost.
    pub win_rate: Option<f64>,
    /// Gains over losses of all sales so far, against average cost; `None` without a loss.
    pub profit_factor: Option<f64>,
    /// Loss if everything held fell to its stop, as a share of equity at decision prices.
    pub heat: Option<f64>,
    /// Worth of all positions as a share of equity.
    pub exposure: f64,
    /// The largest position as a share of equity; `None` without positions.
    pub concentration: Option<f64>,
    /// Mean correlation of the daily returns of each two symbols held, over the last 60 rows.
    pub correlation: Option<f64>,
    /// Orders the gates denied or the broker rejected, as a share of all.
    pub rejection_rate: Option<f64>,
    /// Mean cost of the day's fills against the price of decision, basis points, each order
    /// counting the same; above zero is worse.
    pub slippage_bps: Option<f64>,
    /// Wall time of the run, milliseconds.
    pub runtime_ms: f64,
    /// Regime in force.
    pub regime: String,
    /// Orders that filled, at least in part.
    pub orders_filled: usize,
    /// Whether a purchase filled.
    pub bought: bool,
    /// Each position as a share of equity.
    pub weights: BTreeMap<Symbol, f64>,
}

/// A row for every day, which [`crate::history::executed`] has put in order. `flows` is what was
/// paid in (above zero) or out by calendar day.
#[must_use]
pub fn figures(days: &[&Day], flows: &BTreeMap<NaiveDate, Usd>) -> Vec<DayFigures> {
    let mut rows: Vec<DayFigures> = Vec::with_capacity(days.len());
    let mut wealth = vec![1.0];
    let mut returns = Vec::new();
    let mut trades = Trades::default();
    let mut prices = Prices::default();
    for day in days {
        let report = &day.report;
        let Some(after) = &report.account_after else { continue };
        let equity = after.account.equity.to_f64();
        let daily = rows.last().and_then(|before| {
            let came = flows.range(..=day.date).filter(|(date, _)| **date > before.date);
            let came: f64 = came.map(|(_, flow)| flow.to_f64()).sum();
            let start = before.equity.to_f64();
            (start > 0.0).then(|| (equity - came) / start - 1.0)
        });
        if let Some(daily) = daily {
            returns.push(daily);
            wealth.push(wealth.last().copied().unwrap_or(1.0) * (1.0 + daily));
        }
        trades.add(report);
        prices.add(after);
        let weights = weights(after);
        let window = returns.len().checked_sub(SHARPE_SESSIONS);
        rows.push(DayFigures {
            date: day.date,
            equity: after.account.equity,
            daily_return: daily,
            cumulative_return: wealth.last().copied().unwrap_or(1.0) - 1.0,
            max_drawdown: max_drawdown(&wealth).unwrap_or(1.0),
            rolling_sharpe: window.and_then(|from| sharpe(&returns[from..], SESSIONS_PER_YEAR)),
            win_rate: trades.win_rate(),
            profit_factor: trades.profit_factor(),
            heat: share(report.preview.loss_if_stopped, report.equity),
            // From zero: an empty sum of floats is minus zero.
            exposure: weights.values().fold(0.0, |sum, weight| sum + weight),
            concentration: weights.values().copied().reduce(f64::max),
            correlation: prices.mean_correlation(after),
            rejection_rate: rejection_rate(report),
            slippage_bps: slippage(report),
            runtime_ms: report.stages.iter().map(|stage| stage.ms).sum(),
            regime: report.regime.regime.to_string(),
            bought: report.orders.iter().any(|o| o.side == Side::Buy && !o.filled_qty.is_zero()),
            orders_filled: report.orders.iter().filter(|o| !o.filled_qty.is_zero()).count(),
            weights,
        });
    }
    rows
}

fn share(part: Usd, whole: Usd) -> Option<f64> {
    (whole > Usd::ZERO).then(|| part.to_f64() / whole.to_f64())
}

fn weights(books: &Books) -> BTreeMap<Symbol, f64> {
    let equity = books.account.equity;
    let weight = |value: Usd| share(value, equity);
    let positions = books.positions.values();
    positions
        .filter_map(|held| Some((held.symbol.clone(), weight(held.market_value().ok()?)?)))
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a number of orders is far below 2^53")]
fn rejection_rate(report: &RunReport) -> Option<f64> {
    let rejected =
        |status: OrderStatus| matches!(status, OrderStatus::Rejected | OrderStatus::Denied);
    let rejected = report.orders.iter().filter(|order| rejected(order.status)).count();
    let (denied, all) = (report.denied.len(), report.orders.len() + report.denied.len());
    (all > 0).then(|| (rejected + denied) as f64 / all as f64)
}

#[expect(clippy::cast_precision_loss, reason = "a number of orders is far below 2^53")]
fn slippage(report: &RunReport) -> Option<f64> {
    let fills = &report.verification.as_ref()?.fills;
    let sum: f64 = fills.iter().map(|fill| fill.worse_bps.to_f64()).sum();
    (!fills.is_empty()).then(|| sum / fills.len() as f64)
}

/// Prices of what was held, by row.
#[derive(Default)]
struct Prices(Vec<BTreeMap<Symbol, f64>>);

impl Prices {
    fn add(&mut self, books: &Books) {
        let row = books.positions.values();
        self.0.push(row.map(|held| (held.symbol.clone(), held.current_price.to_f64())).collect());
    }

    fn mean_correlation(&self, books: &Books) -> Option<f64> {
        let from = self.0.len().saturating_sub(CORRELATION_SESSIONS.0 + 1);
        let held: Vec<&Symbol> = books.positions.keys().collect();
        let pairs =
            held.iter().enumerate().flat_map(|(i, a)| held[i + 1..].iter().map(move |b| (*a, *b)));
        let found: Vec<f64> =
            pairs.filter_map(|(a, b)| correlation(&self.0[from..], a, b)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of pairs is far below 2^53")]
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        (!found.is_empty()).then_some(mean)
    }
}

/// Pearson's correlation of the returns of two symbols between rows that hold both.
#[expect(clippy::cast_precision_loss, reason = "a number of rows is far below 2^53")]
fn correlation(rows: &[BTreeMap<Symbol, f64>], one: &Symbol, other: &Symbol) -> Option<f64> {
    let returns = rows.windows(2).filter_map(|pair| {
        let change = |symbol| Some(pair[1].get(symbol)? / pair[0].get(symbol)? - 1.0);
        Some((change(one)?, change(other)?))
    });
    let returns: Vec<(f64, f64)> = returns.collect();
    if returns.len() < CORRELATION_SESSIONS.1 {
        return None;
    }
    let mean =
        |of: fn(&(f64, f64)) -> f64| returns.iter().map(of).sum::<f64>() / returns.len() as f64;
    let (mean_one, mean_other) = (mean(|r| r.0), mean(|r| r.1));
    let mut sums = (0.0, 0.0, 0.0);
    for (x, y) in &returns {
        let (x, y) = (x - mean_one, y - mean_other);
        sums = (sums.0 + x * y, sums.1 + x * x, sums.2 + y * y);
    }
    let scale = (sums.1 * sums.2).sqrt();
    (scale > 0.0).then(|| sums.0 / scale)
}
