//! Bars within the day, where the data have them.
//!
//! A day that has them takes its way from them instead of from its daily bar: through each the price
//! goes from its open to the nearer extreme of its direction, to the other, to its close, in equal
//! parts of its time; from one bar to the next it jumps. In minutes without a bar it stands still.
//! Before the first bar of regular hours it stands at that bar's open, after the last one at its close,
//! up to the close of the session.
//!
//! The daily bar of such a day is made of its bars in regular hours. A bar that begins before the
//! opening and ends after it counts from the opening on, one that begins before the close ends with
//! it; the others are of the hours before and after, from 04:00 to 20:00 New York time (four hours
//! after the close on half days).

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::bars::{Columns, IntradayBars};
use atlas_core::calendar::{Calendar, Session, to_eastern};
use atlas_core::time::Timestamp;
use chrono::NaiveDate;

use super::path::Reach;
use super::{Px, hours, market};
use crate::Error;

/// A day of bars within it.
#[derive(Debug, Clone)]
pub(crate) struct FineDay {
    corners: Arc<[(i64, Px)]>,
    reaches: Arc<[Reach]>,
    bars: Arc<[FineBar]>,
    regular: Regular,
    is_extended: bool,
}

/// One bar within a day; moments in milliseconds since the open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FineBar {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) open: Px,
    pub(crate) high: Px,
    pub(crate) low: Px,
    pub(crate) close: Px,
    /// Shares or coins traded.
    pub(crate) volume: Option<f64>,
    pub(crate) mean: Option<Px>,
    pub(crate) trades: Option<u64>,
}

/// What the bars of regular hours come to.
#[derive(Debug, Clone, Copy)]
struct Regular {
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: Option<f64>,
}

impl FineDay {
    /// Whether it has bars outside of regular hours.
    pub(crate) const fn is_extended(&self) -> bool {
        self.is_extended
    }

    /// The way of the price.
    pub(crate) fn corners(&self) -> Arc<[(i64, Px)]> {
        Arc::clone(&self.corners)
    }

    /// How far each of its bars went.
    pub(crate) fn reaches(&self) -> Arc<[Reach]> {
        Arc::clone(&self.reaches)
    }

    /// Its bars, in order.
    pub(crate) const fn bars(&self) -> &Arc<[FineBar]> {
        &self.bars
    }

    /// The bar of a moment.
    pub(crate) fn bar_at(&self, at: i64) -> Option<&FineBar> {
        let next = self.bars.partition_point(|bar| bar.from <= at);
        self.bars[..next].last().filter(|bar| at < bar.to)
    }

    /// When the first bar after a moment begins.
    pub(crate) fn next_start(&self, at: i64) -> Option<i64> {
        let next = self.bars.partition_point(|bar| bar.from <= at);
        self.bars.get(next).map(|bar| bar.from)
    }

    fn new(session: &Session, bars: &IntradayBars, rows: &[usize]) -> Result<Self, Error> {
        let end = (session.close - session.open).num_milliseconds();
        let columns = bars.columns();
        let mut fine = Vec::with_capacity(rows.len());
        let mut regular: Option<Regular> = None;
        for &row in rows {
            let from = (columns.starts[row] - session.open).num_milliseconds();
            let to = from + bars.length().num_milliseconds();
            // What straddles the opening or the close is of regular hours.
            let from = if from < 0 && to > 0 { 0 } else { from };
            let to = if from < end { to.min(end) } else { to };
            let price = |column: &[f64]| Px::from_bar(column[row]);
            let volume = columns.volume.get(row).copied();
            if from >= 0 && from < end {
                let next = Regular {
                    open: columns.open[row],
                    high: columns.high[row],
                    low: columns.low[row],
                    close: columns.close[row],
                    volume,
                };
                regular = Some(regular.map_or(next, |before| before.then(&next)));
            }
            fine.push(FineBar {
                from,
                to,
                open: price(&columns.open)?,
                high: price(&columns.high)?,
                low: price(&columns.low)?,
                close: price(&columns.close)?,
                volume,
                mean: columns.vwap.get(row).copied().map(Px::from_bar).transpose()?,
                trades: columns.trades.get(row).copied(),
            });
        }
        let regular =
            regular.ok_or_else(|| wrong(bars, session.date, "no bar in regular hours"))?;
        let is_extended = fine.iter().any(|bar| bar.from < 0 || bar.from >= end);
        let reach =
            |bar: &FineBar| Reach { from: bar.from, to: bar.to, low: bar.low, high: bar.high };
        let reaches = fine.iter().map(reach).collect();
        let corners = corners(&fine, end).into();
        Ok(Self { corners, reaches, bars: fine.into(), regular, is_extended })
    }
}

impl Regular {
    fn then(self, later: &Self) -> Self {
        Self {
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume: self.volume.zip(later.volume).map(|(before, after)| before + after),
        }
    }
}

/// The corners of the way through a day's bars, which covers regular hours at least.
fn corners(bars: &[FineBar], end: i64) -> Vec<(i64, Px)> {
    let mut all: Vec<(i64, Px)> = Vec::with_capacity(bars.len() * 4 + 4);
    let mut push = |corner: (i64, Px)| {
        if all.last() != Some(&corner) {
            all.push(corner);
        }
    };
    let first = bars.iter().find(|bar| bar.from >= 0);
    let mut before: Option<&FineBar> = None;
    for bar in bars {
        if let Some(before) = before.filter(|before| before.to < bar.from) {
            // Nobody traded in between: the price stands, at the opening it jumps.
            if before.to <= 0 && bar.from > 0 {
                push((0, before.close));
                push((0, bar.open));
            }
            let stands = if before.to <= 0 && bar.from > 0 { bar.open } else { before.close };
            push((bar.from, stands));
        } else if before.is_none() && bar.from > 0 {
            push((0, first.map_or(bar.open, |first| first.open)));
        }
        let third = (bar.to - bar.from) / 3;
        let (near, far) =
            if bar.close >= bar.open { (bar.low, bar.high) } else { (bar.high, bar.low) };
        push((bar.from, bar.open));
        push((bar.from + third, near));
        push((bar.from + 2 * third, far));
        push((bar.to, bar.close));
        before = Some(bar);
    }
    if let Some(last) = before.filter(|last| last.to < end) {
        push((end, last.close));
    }
    all
}

/// Days by date, and the daily series with the days' own bars in the place of its rows.
///
/// # Errors
/// [`Error::Setting`] for a bar on a day without trading or outside of trading hours, a day without
/// a bar in regular hours, and a daily series without open, high and low.
pub(crate) fn days(
    bars: &IntradayBars,
    around_the_clock: bool,
) -> Result<BTreeMap<NaiveDate, FineDay>, Error> {
    let mut by_date: BTreeMap<NaiveDate, Vec<usize>> = BTreeMap::new();
    for (row, start) in bars.columns().starts.iter().enumerate() {
        let date = date_of(*start, around_the_clock)?;
        by_date.entry(date).or_default().push(row);
    }
    let mut days = BTreeMap::new();
    for (date, rows) in by_date {
        let session = if around_the_clock {
            market::utc_day(date)
        } else {
            let known = Calendar::nyse().session(date);
            known.map_err(|_| wrong(bars, date, "bars on a day without trading"))?
        };
        let starts = &bars.columns().starts;
        let first = rows.first().map(|row| starts[*row]);
        let last = rows.last().map(|row| starts[*row]);
        let (from, until) = hours::extended(&session);
        let is_outside = first.is_some_and(|first| first + bars.length() <= from)
            || last.is_some_and(|last| last >= until);
        if !around_the_clock && is_outside {
            return Err(wrong(bars, date, "bars before 04:00 or four hours after the close"));
        }
        days.insert(date, FineDay::new(&session, bars, &rows)?);
    }
    Ok(days)
}

fn date_of(start: Timestamp, around_the_clock: bool) -> Result<NaiveDate, Error> {
    if around_the_clock { Ok(start.date_naive()) } else { Ok(to_eastern(start)?.date_naive()) }
}

/// The daily columns with the rows of `days` made from their bars.
///
/// # Errors
/// [`Error::Setting`] for a daily series without open, high and low, and for a day whose adjusted
/// close cannot be known.
pub(crate) fn merged(
    daily: &Columns,
    days: &BTreeMap<NaiveDate, FineDay>,
    symbol: &str,
) -> Result<Columns, Error> {
    if !daily.dates.is_empty() && (daily.open.is_empty() || daily.high.is_empty()) {
        return Err(Error::Setting {
            setting: "bars within days",
            value: format!("a daily series of {symbol} without open, high and low"),
            range: "a daily series that has them, or none",
        });
    }
    let has_volume = (daily.dates.is_empty() || !daily.volume.is_empty())
        && days.values().all(|day| day.regular.volume.is_some());
    let mut dates: Vec<NaiveDate> = daily.dates.clone();
    dates.extend(days.keys());
    dates.sort_unstable();
    dates.dedup();
    let mut made = Columns::default();
    for date in dates {
        let row = daily.dates.binary_search(&date).ok();
        let given = |column: &[f64]| row.and_then(|row| column.get(row)).copied();
        let day = days.get(&date).map(|day| day.regular).or_else(|| {
            Some(Regular {
                open: given(&daily.open)?,
                high: given(&daily.high)?,
                low: given(&daily.low)?,
                close: given(&daily.close)?,
                volume: given(&daily.volume),
            })
        });
        let Some(day) = day else { continue };
        if !daily.adj_close.is_empty() && row.is_none() && daily.dates.last() > Some(&date) {
            return Err(Error::Setting {
                setting: "bars within days",
                value: format!("bars of {symbol} on {date}, of which the daily series has no row"),
                range: "days of the daily series, or after it, where it has adjusted closes",
            });
        }
        made.dates.push(date);
        made.open.push(day.open);
        made.high.push(day.high);
        made.low.push(day.low);
        made.close.push(day.close);
        if has_volume {
            made.volume.push(day.volume.unwrap_or_default());
        }
        if !daily.adj_close.is_empty() {
            // What was given out since does not depend on which close is taken.
            let factor = given(&daily.adj_close).zip(given(&daily.close));
            made.adj_close.push(factor.map_or(day.close, |(adj, close)| adj / close * day.close));
        }
    }
    Ok(made)
}

fn wrong(bars: &IntradayBars, date: NaiveDate, what: &str) -> Error {
    Error::Setting {
        setting: "bars within days",
        value: format!("{what} of {} on {date}", bars.symbol()),
        range: "on trading days, between 04:00 and 20:00 New York time, some of them in regular hours",
    }
}
