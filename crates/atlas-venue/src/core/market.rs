//! Which price of a listing is known at an instant, and when it trades.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use atlas_core::calendar::{Calendar, Session, from_eastern};
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::actions::{ActionKind, CorporateAction};
use super::listing::Listing;
use super::path::Path;
use super::{Px, hours};
use crate::Error;

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
    /// Days on which something is done to shares, in order.
    action_days: Vec<(NaiveDate, Symbol)>,
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
        let mut action_days: Vec<(NaiveDate, Symbol)> = Vec::new();
        for (symbol, listing) in &all {
            for action in listing.actions() {
                if let ActionKind::Rename { to } = &action.kind
                    && !all.contains_key(to)
                {
                    return Err(Error::NotListed { symbol: to.to_string() });
                }
                action_days.push((action.date, symbol.clone()));
            }
        }
        action_days.sort();
        action_days.dedup();
        Ok(Self { listings: all, opening, action_days })
    }

    /// Whether any company ever does anything to its shares.
    pub(crate) const fn has_actions(&self) -> bool {
        !self.action_days.is_empty()
    }

    /// What is done to shares after one day up to and including another, in order.
    pub(crate) fn actions(
        &self,
        after: NaiveDate,
        until: NaiveDate,
    ) -> Vec<(Symbol, CorporateAction)> {
        let first = self.action_days.partition_point(|(day, _)| *day <= after);
        let days = self.action_days.iter().skip(first).take_while(|(day, _)| *day <= until);
        let mut found = Vec::new();
        for (day, symbol) in days {
            let all = self.listing(symbol).map(Listing::actions).unwrap_or_default();
            let due = all.iter().filter(|action| action.date == *day);
            found.extend(due.map(|action| (symbol.clone(), action.clone())));
        }
        found
    }

    /// The trading day of a listing at an instant: the exchange's session, the UTC day of crypto.
    /// `None` while it does not trade.
    pub(crate) fn trading(listing: &Listing, now: Timestamp) -> Result<Option<Session>, Error> {
        if listing.is_crypto() {
            return Ok(Some(utc_day(now.date_naive())));
        }
        match Self::phase(now)? {
            Phase::Open(session) => Ok(Some(session)),
            Phase::Closed { .. } => Ok(None),
        }
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
        Self::phase_of(hours::around(now), now)
    }

    /// The same, without a search if `next` is the number of the first session that has not closed.
    pub(crate) fn phase_near(next: usize, now: Timestamp) -> Result<Phase, Error> {
        Self::phase_of(hours::around_near(next, now), now)
    }

    fn phase_of(
        around: Option<(Option<&'static Session>, &'static Session)>,
        now: Timestamp,
    ) -> Result<Phase, Error> {
        if let Some((open, last)) = around {
            let closed = Phase::Closed { last: last.date };
            return Ok(open.map_or(closed, |session| Phase::Open(*session)));
        }
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
        self.mark_in(listing, now, || Self::phase(now))
    }

    /// The same, told how to find the phase of the day.
    pub(crate) fn mark_in(
        &self,
        listing: &Listing,
        now: Timestamp,
        phase: impl FnOnce() -> Result<Phase, Error>,
    ) -> Result<Option<Px>, Error> {
        if listing.is_crypto() {
            let day = utc_day(now.date_naive());
            let path = self.path(listing, &day)?.filter(Path::is_visible);
            return match (path, day.date.pred_opt()) {
                (Some(path), _) => Ok(Some(path.price_at(since_open(&day, now)))),
                (None, Some(before)) => listing.close_until(before),
                (None, None) => Ok(None),
            };
        }
        match phase()? {
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
        if listing.is_crypto() {
            let before = now.date_naive().pred_opt();
            return before.map_or(Ok(None), |before| listing.close_until(before));
        }
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

/// A day of crypto trading: from midnight to midnight, UTC.
pub(crate) fn utc_day(date: NaiveDate) -> Session {
    let open = date.and_time(NaiveTime::MIN).and_utc();
    Session { date, open, close: open + TimeDelta::days(1), early_close: false }
}

/// Milliseconds since the session's open.
pub(crate) fn since_open(session: &Session, now: Timestamp) -> i64 {
    (now - session.open).num_milliseconds()
}
