//! The days of one symbol, as far as they are known at a moment.

use std::ops::Range;

use atlas_core::calendar::{Calendar, Session, to_eastern};
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};

use super::timeframe::midnight;
use super::{Candle, Day, Tick, Timeframe};
use crate::Error;
use crate::core::{Listing, Px, View, utc_day};
use crate::server::lens;

/// The days of one symbol, as far as they are known.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Days<'a> {
    view: &'a View,
    listing: &'a Listing,
    now: Timestamp,
    /// Number of rows of which something may be known.
    rows: usize,
}

impl<'a> Days<'a> {
    /// The days of a listing at the venue's present, or before it when prices are stale.
    pub(crate) fn new(view: &'a View, listing: &'a Listing) -> Result<Self, Error> {
        Self::at(view, listing, view.now() - lens::staleness())
    }

    /// The days of a listing at a moment of the past.
    pub(crate) fn at(view: &'a View, listing: &'a Listing, now: Timestamp) -> Result<Self, Error> {
        let today =
            if listing.is_crypto() { now.date_naive() } else { to_eastern(now)?.date_naive() };
        Ok(Self { view, listing, now, rows: listing.rows_until(today) })
    }

    /// Of what they are.
    pub(crate) const fn listing(&self) -> &'a Listing {
        self.listing
    }

    /// Number of rows of which something may be known.
    pub(crate) const fn len(&self) -> usize {
        self.rows
    }

    /// The first row that may have something at or after a shown moment.
    pub(crate) fn first_row(&self, shown: Timestamp) -> usize {
        let dates = &self.listing.columns().dates[..self.rows];
        let around = self.listing.is_crypto();
        dates.partition_point(|date| {
            // A day, and the night after it, lie behind.
            midnight(self.shown_date(*date), around) + TimeDelta::days(2) <= shown
        })
    }

    /// The first row that may have something at or after a moment of the venue.
    pub(crate) fn row_at(&self, moment: Timestamp) -> usize {
        let before = moment.date_naive() - TimeDelta::days(1);
        self.listing.columns().dates[..self.rows].partition_point(|date| *date < before)
    }

    /// The rows that may have something between two shown moments.
    pub(crate) fn rows(&self, start: Timestamp, end: Timestamp) -> Range<usize> {
        let first = self.first_row(start);
        let around = self.listing.is_crypto();
        let behind = self.listing.columns().dates[..self.rows].partition_point(|date| {
            // A session that is shown as now may begin on the evening before.
            midnight(self.shown_date(*date), around) - TimeDelta::days(1) <= end
        });
        first..behind.max(first)
    }

    /// The date a row is shown on.
    pub(crate) fn shown_date(&self, date: NaiveDate) -> NaiveDate {
        if self.listing.is_crypto() { lens::shown_day(date) } else { lens::shown_date(date) }
    }

    /// One day; `None` if nothing of it is known yet.
    pub(crate) fn day(&self, row: usize) -> Result<Option<Day>, Error> {
        let date = self.listing.columns().dates[row];
        let session = session_of(self.listing, date)?;
        let Some(path) = self.view.market().path(self.listing, &session)? else {
            return Ok(None);
        };
        let opens = session.open + TimeDelta::milliseconds(path.span().0.min(0));
        if self.now < opens || (!path.is_visible() && self.now < session.close) {
            return Ok(None);
        }
        let (seed, rate) = (self.view.seed(), self.view.slippage());
        let mut day = Day::new(self.listing, session, path, seed, rate, self.now - session.open);
        day.shift = lens::session_shift(&session, self.listing.is_crypto());
        Ok(Some(day))
    }

    /// The bar of a whole row, or of as much of it as is known, stamped with its first moment.
    pub(crate) fn daily(&self, row: usize) -> Result<Option<Candle>, Error> {
        let Some(day) = self.day(row)? else { return Ok(None) };
        let around = self.listing.is_crypto();
        let start = midnight(self.shown_date(day.session.date), around);
        let whole = day.bar(0, day.close());
        Ok(whole.map(|bar| Candle { start, ..bar }))
    }

    /// The newest bars of whole rows, so many of them at most, the newest first.
    pub(crate) fn latest(&self, count: usize) -> Result<Vec<Candle>, Error> {
        let mut found = Vec::with_capacity(count);
        for row in (0..self.rows).rev() {
            if found.len() == count {
                break;
            }
            found.extend(self.daily(row)?);
        }
        Ok(found)
    }

    /// The bars of some minutes within a row, in order.
    pub(crate) fn within(&self, row: usize, minutes: u32) -> Result<Vec<Candle>, Error> {
        let Some(day) = self.day(row)? else { return Ok(Vec::new()) };
        let around = self.listing.is_crypto();
        let length = TimeDelta::minutes(minutes.into());
        let (mut bars, end) = (Vec::new(), day.end());
        let mut start = bucket(day.start(), length, around);
        while start < end {
            if let Some(bar) = day.bar(day.place(start), day.place(start + length)) {
                bars.push(Candle { start, ..bar });
            }
            start = bucket(start + length, length, around).max(start + TimeDelta::minutes(1));
        }
        Ok(bars)
    }

    /// The bars of a day, a week or months that some rows come to, oldest or newest first, each day
    /// as `change` leaves it: as many as are taken. False if one was not.
    pub(crate) fn long(
        &self,
        rows: Range<usize>,
        (frame, newest_first): (Timeframe, bool),
        change: impl Fn(usize, Candle) -> Candle,
        mut take: impl FnMut(&Candle) -> bool,
    ) -> Result<bool, Error> {
        let around = self.listing.is_crypto();
        let mut open: Option<Candle> = None;
        for row in in_order(rows, newest_first) {
            let Some(bar) = self.daily(row)? else { continue };
            let date = self.shown_date(self.listing.columns().dates[row]);
            let start = midnight(frame.first_date(date), around);
            let bar = Candle { start, ..change(row, bar) };
            open = match open {
                Some(last) if last.start == start && newest_first => Some(bar.then(&last)),
                Some(last) if last.start == start => Some(last.then(&bar)),
                Some(last) if !take(&last) => return Ok(false),
                Some(_) | None => Some(bar),
            };
        }
        Ok(open.is_none_or(|last| take(&last)))
    }
}

/// Rows, the oldest or the newest first.
pub(crate) fn in_order(rows: Range<usize>, newest_first: bool) -> impl Iterator<Item = usize> {
    let (first, end) = (rows.start, rows.end);
    rows.map(move |row| if newest_first { first + end - 1 - row } else { row })
}

/// What of the newest is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Newest {
    Trade,
    Quote,
}

/// The price of the present moment, which is both the last trade and what is quoted around; while
/// nothing trades, the last price at the moment of the last trade or quote there was.
pub(crate) fn present(view: &View, listing: &Listing, what: Newest) -> Result<Option<Tick>, Error> {
    let last = last(view, listing, what)?;
    let at = view.clock() - lens::staleness();
    let mark = view.market().mark(listing, at)?;
    let slot = at.timestamp() / 5;
    let size = if listing.is_crypto() { 0.01 } else { 100.0 };
    let on_grid = |price: Px| price.down_to(listing.trade_tick());
    // A quote that came in is what trades; of older ones nothing is kept.
    let book = view.book(listing.symbol()).filter(|_| lens::staleness().is_zero());
    let mark = book.and_then(|book| book.middle()).or(mark);
    let sides = match book {
        Some(book) => (book.bid, book.ask),
        None => view.quote_at(listing, at)?.unzip(),
    };
    let now = |price| Tick { at: lens::shown(view.now()), slot, price, sides, size, depth: (1, 1) };
    let tick = |price| last.map_or_else(|| now(price), |last| Tick { price, sides, ..last });
    Ok(mark.map(on_grid).map(tick))
}

/// The last trade or quote there was, if nothing trades and no quotes come in.
fn last(view: &View, listing: &Listing, what: Newest) -> Result<Option<Tick>, Error> {
    // While the exchange is open a quote stands, also where nothing is known of the session yet but
    // that: on daily bars its way shows when it is over.
    let open = Calendar::nyse().session_at(view.clock())?.is_some() && !listing.is_crypto();
    if open || view.book(listing.symbol()).is_some() {
        return Ok(None);
    }
    let Some(day) = ended(view, listing)? else { return Ok(None) };
    let (from, to) = (day.place(day.start()), day.known());
    Ok(match what {
        Newest::Trade => day.trades(from, to).next_back(),
        Newest::Quote => day.quotes(from, to).next_back(),
    })
}

/// The last day there is anything of, if it is over.
fn ended(view: &View, listing: &Listing) -> Result<Option<Day>, Error> {
    let days = Days::at(view, listing, view.clock())?;
    for row in (0..days.len()).rev() {
        if let Some(day) = days.day(row)? {
            return Ok(Some(day).filter(Day::is_over));
        }
    }
    Ok(None)
}

/// The last whole minute that is known, looking back over a few days.
pub(crate) fn last_minute(days: &Days<'_>) -> Result<Option<Candle>, Error> {
    for row in (0..days.len()).rev().take(3) {
        let Some(day) = days.day(row)? else { continue };
        if let Some(bar) = day.last_minute() {
            return Ok(Some(bar));
        }
    }
    Ok(None)
}

/// When a symbol trades on a date: in the session, or around the clock in UTC.
fn session_of(listing: &Listing, date: NaiveDate) -> Result<Session, Error> {
    if listing.is_crypto() { Ok(utc_day(date)) } else { Ok(Calendar::nyse().session(date)?) }
}

/// The start of the bar a shown moment belongs to, counted from midnight.
fn bucket(shown: Timestamp, length: TimeDelta, around_the_clock: bool) -> Timestamp {
    let date = if around_the_clock { shown.date_naive() } else { crate::core::date_of(shown) };
    let midnight = midnight(date, around_the_clock);
    let passed = (shown - midnight).num_milliseconds();
    midnight + TimeDelta::milliseconds(passed - passed % length.num_milliseconds().max(1))
}
