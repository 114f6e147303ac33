//! Whether a decision knows what it cannot know.

use std::fmt;

use atlas_core::Basis;
use atlas_core::bars::{Bars, Columns};
use atlas_data::{Levels, MarketData, Series};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::config::Config;
use crate::report::{BacktestReport, DecisionRecord};
use crate::run::Backtest;

/// What was done to the data; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// Everything after the session was cut off.
    Truncated,
    /// Every price after the session was moved up or down by a factor of 1.5, in turns.
    Perturbed,
    /// Every price of all time was doubled: what is decided by returns alone stays the same.
    Rescaled,
}

/// The first decision that changed though nothing it may know did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookAhead {
    /// What was done to the data.
    pub change: Change,
    /// The session up to which the past was left as it was.
    pub kept_until: NaiveDate,
    /// The decision's session.
    pub as_of: NaiveDate,
    /// What it decided on the data as they are.
    pub before: String,
    /// What it decided on the changed data.
    pub after: String,
}

impl fmt::Display for LookAhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.change {
            Change::Truncated => "data after",
            Change::Perturbed => "prices after",
            Change::Rescaled => "the scale of prices from before",
        };
        write!(
            f,
            "the decision of {} changed with {what} {}: {} became {}",
            self.as_of, self.kept_until, self.before, self.after
        )
    }
}

/// Runs a backtest again on data that were cut off after each of the given sessions, on data that
/// were perturbed after each, and on rescaled data, and gives the first decision that changed.
///
/// Truncation and perturbation leave every decision up to the session the same, to the share;
/// rescaling leaves regimes and signals the same, whatever becomes of share counts.
///
/// # Errors
/// As [`Backtest::run`]; [`Error::Parameter`] if no session is given, or one is not after the
/// first decision's.
pub fn lookahead_check(
    market: &MarketData,
    config: &Config,
    sessions: &[NaiveDate],
) -> Result<Option<LookAhead>, Error> {
    let whole = Backtest::new(market)?.run(config)?;
    let first = whole.header.first_session;
    if sessions.is_empty() || sessions.iter().any(|session| *session <= first) {
        return Err(Error::Parameter {
            what: "the sessions to cut at",
            value: format!("{sessions:?}"),
            range: "one or more, each after the first decision's",
        });
    }
    for until in sessions {
        let cut = market_with(market, *until, Change::Truncated)?;
        let shorter = Config { to: (*until).min(config.to), ..config.clone() };
        // Too short a past for another decision leaves nothing to compare.
        match Backtest::new(&cut)?.run(&shorter) {
            Ok(again) => {
                let found = differ(&whole, &again, Change::Truncated, *until);
                if found.is_some() {
                    return Ok(found);
                }
            }
            Err(Error::Empty { .. }) => {}
            Err(error) => return Err(error),
        }
        let moved = market_with(market, *until, Change::Perturbed)?;
        let again = Backtest::new(&moved)?.run(config)?;
        let found = differ(&whole, &again, Change::Perturbed, *until);
        if found.is_some() {
            return Ok(found);
        }
    }
    let scaled = market_with(market, first, Change::Rescaled)?;
    let again = Backtest::new(&scaled)?.run(config)?;
    Ok(differ(&whole, &again, Change::Rescaled, first))
}

/// The first decision that should be the same and is not.
fn differ(
    whole: &BacktestReport,
    again: &BacktestReport,
    change: Change,
    until: NaiveDate,
) -> Option<LookAhead> {
    let known = |decision: &&DecisionRecord| match change {
        Change::Rescaled => true,
        // The data end where the last of these acts.
        Change::Truncated => decision.execute_on <= until,
        Change::Perturbed => decision.as_of <= until,
    };
    let words = |decision: Option<&DecisionRecord>| {
        decision.map_or_else(|| "nothing".to_owned(), |decision| told(decision, change))
    };
    let mut others = again.decisions.iter();
    for decision in whole.decisions.iter().filter(known) {
        let (before, after) = (words(Some(decision)), words(others.next()));
        if before != after {
            let (as_of, kept_until) = (decision.as_of, until);
            return Some(LookAhead { change, kept_until, as_of, before, after });
        }
    }
    None
}

/// What was decided, in words that differ if it does.
fn told(decision: &DecisionRecord, change: Change) -> String {
    let signals = decision.signals.iter();
    let signals: Vec<String> = signals
        .map(|s| format!("{} {:?} {} {}", s.strategy, s.direction, s.symbol, s.strength))
        .collect();
    let head = format!("{} {} [{}]", decision.as_of, decision.regime, signals.join(", "));
    if change == Change::Rescaled {
        return head;
    }
    let orders = decision.orders.iter().map(|order| {
        let limit = order.limit_price.map_or_else(String::new, |limit| format!(" at {limit}"));
        format!("{} {} {}{limit}", order.side, order.planned_qty, order.symbol)
    });
    let orders: Vec<String> = orders.collect();
    let denied = decision.denied.iter().map(|order| format!("{} denied", order.symbol));
    let denied: Vec<String> = denied.collect();
    let money = format!("equity {}, budget {}", decision.equity, decision.budget);
    format!("{head}: {money}, {}; {}", orders.join(", "), denied.join(", "))
}

/// The market with one change made to it.
fn market_with(market: &MarketData, until: NaiveDate, change: Change) -> Result<MarketData, Error> {
    let mut series = std::collections::BTreeMap::new();
    for (symbol, prices) in &market.series {
        let changed = match prices {
            Series::Raw(bars) => bars_with(bars, until, change)?.map(Series::Raw),
            Series::Adjusted(bars) => bars_with(bars, until, change)?.map(Series::Adjusted),
        };
        series.extend(changed.map(|changed| (symbol.clone(), changed)));
    }
    let place = || market.source.name.clone();
    let levels = |levels: &Levels| match change {
        Change::Truncated => {
            let view = levels.as_of(until);
            Levels::new(view.name(), view.dates().to_vec(), view.values().to_vec())
        }
        Change::Perturbed | Change::Rescaled => Ok(levels.clone()),
    };
    let data = |source| Error::Data { as_of: until, source: Box::new(source) };
    let index = bars_with(&market.index, until, change)?;
    Ok(MarketData {
        series,
        index: index.ok_or_else(|| Error::NoPrices { place: place() })?,
        vix: market.vix.as_ref().map(levels).transpose().map_err(data)?,
        rate: market.rate.as_ref().map(levels).transpose().map_err(data)?,
        source: market.source.clone(),
    })
}

/// `None` if nothing is left.
fn bars_with<B: Basis>(
    bars: &Bars<B>,
    until: NaiveDate,
    change: Change,
) -> Result<Option<Bars<B>>, Error> {
    let mut columns: Columns = bars.columns().clone();
    let known = columns.dates.partition_point(|date| *date <= until);
    match change {
        Change::Truncated => {
            columns.dates.truncate(known);
            each_price(&mut columns, |column| column.truncate(known));
            columns.volume.truncate(known);
        }
        Change::Perturbed => each_price(&mut columns, |column| {
            for (row, price) in column.iter_mut().enumerate().skip(known) {
                let moved = if row % 2 == 0 { *price * 1.5 } else { *price / 1.5 };
                // Six decimals is what the venue reads; rounding keeps high above low.
                *price = ((moved * 1e6).round() / 1e6).max(1e-6);
            }
        }),
        Change::Rescaled => {
            each_price(&mut columns, |column| column.iter_mut().for_each(|price| *price *= 2.0));
        }
    }
    if columns.dates.is_empty() {
        return Ok(None);
    }
    Ok(Some(Bars::new(bars.symbol().clone(), columns)?))
}

fn each_price(columns: &mut Columns, mut change: impl FnMut(&mut Vec<f64>)) {
    let Columns { open, high, low, close, adj_close, .. } = columns;
    [open, high, low, close, adj_close].into_iter().for_each(&mut change);
}
