//! What is traded, and which price of it is known at an instant.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::{Calendar, Session, from_eastern};
use atlas_core::time::{ReplayPermit, Timestamp};
use atlas_core::{Adjusted, Raw, Symbol};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use uuid::Uuid;

use super::path::Path;
use super::{Px, ids};
use crate::Error;
use crate::costs::{RAW_TICK, UNIT_TICK};

/// One series the venue lets people trade.
#[derive(Debug, Clone)]
pub struct Listing {
    source: Source,
}

#[derive(Debug, Clone)]
enum Source {
    Raw(Arc<Bars<Raw>>),
    Units(Arc<Bars<Adjusted>>),
}

impl Listing {
    /// Prices as printed at the exchange.
    pub fn raw(bars: impl Into<Arc<Bars<Raw>>>) -> Self {
        Self { source: Source::Raw(bars.into()) }
    }

    /// Adjusted closes, declared total-return units: orderable in a replay only, traded to six
    /// decimals, and without dividends or splits, which the prices already contain.
    pub fn adjusted_units(bars: impl Into<Arc<Bars<Adjusted>>>, _permit: ReplayPermit) -> Self {
        Self { source: Source::Units(bars.into()) }
    }

    /// What is listed.
    #[must_use]
    pub fn symbol(&self) -> &Symbol {
        match &self.source {
            Source::Raw(bars) => bars.symbol(),
            Source::Units(bars) => bars.symbol(),
        }
    }

    /// Whether prices are units of an adjusted series.
    #[must_use]
    pub const fn is_adjusted(&self) -> bool {
        matches!(self.source, Source::Units(_))
    }

    /// The columns of the series.
    pub(crate) fn columns(&self) -> &Columns {
        match &self.source {
            Source::Raw(bars) => bars.columns(),
            Source::Units(bars) => bars.columns(),
        }
    }

    /// The grid trades are rounded to, in billionths of a dollar.
    pub(crate) const fn trade_tick(&self) -> i64 {
        if self.is_adjusted() { UNIT_TICK } else { RAW_TICK }
    }

    /// Whether an order may name `price`: cents from $1 up, hundredths of a cent below (Rule 612);
    /// units of an adjusted series to six decimals.
    pub(crate) const fn accepts_price(&self, price: Px) -> bool {
        price.is_on(if self.is_adjusted() {
            UNIT_TICK
        } else if price.nanos() >= super::NANO {
            super::NANO / 100
        } else {
            RAW_TICK
        })
    }

    /// The venue's identifier of the symbol: the same in every venue.
    pub(crate) fn asset_id(&self) -> Uuid {
        ids::asset_id(self.symbol())
    }

    /// The row of a session, if the series has it.
    pub(crate) fn row_of(&self, date: NaiveDate) -> Option<usize> {
        self.columns().dates.binary_search(&date).ok()
    }

    /// The number of rows up to and including `date`.
    pub(crate) fn rows_until(&self, date: NaiveDate) -> usize {
        self.columns().dates.partition_point(|day| *day <= date)
    }

    /// The close of the last session up to and including `date`.
    pub(crate) fn close_until(&self, date: NaiveDate) -> Result<Option<Px>, Error> {
        let row = self.rows_until(date).checked_sub(1);
        row.map(|row| Px::from_bar(self.columns().close[row])).transpose()
    }

    /// Shares traded in a session; `None` for data without volume.
    pub(crate) fn volume(&self, row: usize) -> Option<f64> {
        self.columns().volume.get(row).copied()
    }
}

/// Where an instant lies in the trading day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// No regular trading.
    Closed {
        /// The last session that has closed.
        last: NaiveDate,
    },
    /// Regular trading goes on.
    Open(Session),
}

/// Everything listed, and the calendar it trades by.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    listings: BTreeMap<Symbol, Listing>,
    opening: TimeDelta,
}

impl Market {
    /// Lists series; `opening` is how long the price stands at the open.
    pub(crate) fn new(
        listings: impl IntoIterator<Item = Listing>,
        opening: TimeDelta,
    ) -> Result<Self, Error> {
        let mut all = BTreeMap::new();
        for listing in listings {
            let symbol = listing.symbol().clone();
            if all.insert(symbol.clone(), listing).is_some() {
                return Err(Error::ListedTwice { symbol: symbol.to_string() });
            }
        }
        Ok(Self { listings: all, opening })
    }

    /// Everything listed, by symbol.
    pub(crate) const fn listings(&self) -> &BTreeMap<Symbol, Listing> {
        &self.listings
    }

    /// One listing.
    pub(crate) fn listing(&self, symbol: &Symbol) -> Option<&Listing> {
        self.listings.get(symbol)
    }

    /// Where an instant lies in the trading day.
    pub(crate) fn phase(now: Timestamp) -> Result<Phase, Error> {
        let nyse = Calendar::nyse();
        match nyse.session_at(now)? {
            Some(session) => Ok(Phase::Open(session)),
            None => Ok(Phase::Closed { last: nyse.last_closed(now)?.date }),
        }
    }

    /// The way a symbol takes through a session; `None` if it does not trade that day.
    pub(crate) fn path(&self, listing: &Listing, session: &Session) -> Result<Option<Path>, Error> {
        let row = listing.row_of(session.date);
        row.map(|row| Path::new(listing.columns(), row, session, self.opening)).transpose()
    }

    /// The last price anybody could know at `now`: the price on the way of a session that shows
    /// it, otherwise the last close. `None` before the first.
    pub(crate) fn mark(&self, listing: &Listing, now: Timestamp) -> Result<Option<Px>, Error> {
        match Self::phase(now)? {
            Phase::Closed { last } => listing.close_until(last),
            Phase::Open(session) => {
                let path = self.path(listing, &session)?;
                match path.filter(Path::is_visible) {
                    Some(path) => Ok(Some(path.price_at(since_open(&session, now)))),
                    None => {
                        listing.close_until(Calendar::nyse().previous_session(session.date)?.date)
                    }
                }
            }
        }
    }

    /// The close of the session before the one of `now`, or of the last two when closed: what a
    /// day's change is counted from.
    pub(crate) fn previous_close(listing: &Listing, now: Timestamp) -> Result<Option<Px>, Error> {
        let day = match Self::phase(now)? {
            Phase::Closed { last } => last,
            Phase::Open(session) => session.date,
        };
        listing.close_until(Calendar::nyse().previous_session(day)?.date)
    }
}

impl Market {
    /// The first moment of a day in New York: the stamp of its bar.
    pub(crate) fn midnight(date: NaiveDate) -> Timestamp {
        let utc = || date.and_time(NaiveTime::MIN).and_utc();
        from_eastern(date, NaiveTime::MIN).unwrap_or_else(|_| utc())
    }
}

/// Milliseconds since the session's open.
pub(crate) fn since_open(session: &Session, now: Timestamp) -> i64 {
    (now - session.open).num_milliseconds()
}
