//! Which price of a listing is known at an instant, and when it trades.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use atlas_core::calendar::{Calendar, Session, from_eastern};
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::actions::{ActionKind, CorporateAction};
use super::listing::Listing;
use super::path::Path;
use super::{Px, extended, hours};
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

/// The trading day of a listing at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trading {
    /// The exchange's session, or the UTC day of crypto.
    pub(crate) day: Session,
    /// Whether these are regular hours; outside of them only orders for extended hours trade.
    pub(crate) is_regular: bool,
}

/// Everything listed, and the calendar it trades by.
#[derive(Debug, Clone)]
pub(crate) struct Market {
    listings: BTreeMap<Symbol, Listing>,
    opening: TimeDelta,
    /// The seed of the prices made outside of regular hours, if they are.
    made_extended: Option<u64>,
    has_extended: bool,
    /// Days on which something is done to shares, in order.
    action_days: Vec<(NaiveDate, Symbol)>,
}

impl Market {
    /// Lists series; `opening` is how long the price stands at the open, `made_extended` the seed of
    /// the prices made outside of regular hours.
    pub(crate) fn new(
        listings: impl IntoIterator<Item = Listing>,
        opening: TimeDelta,
        made_extended: Option<u64>,
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
        let has_extended = all.values().any(|listing| {
            listing.has_extended() || (made_extended.is_some() && can_be_made(listing))
        });
        Ok(Self { listings: all, opening, made_extended, has_extended, action_days })
    }

    /// Whether anything trades outside of regular hours.
    pub(crate) const fn has_extended(&self) -> bool {
        self.has_extended
    }

    /// Whether a listing trades outside of regular hours.
    pub(crate) fn extends(&self, listing: &Listing) -> bool {
        listing.has_extended() || (self.made_extended.is_some() && can_be_made(listing))
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

    /// The trading day of a listing at an instant; `None` while it does not trade.
    pub(crate) fn trading(
        &self,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Option<Trading>, Error> {
        if listing.is_crypto() {
            return Ok(Some(Trading { day: utc_day(now.date_naive()), is_regular: true }));
        }
        match Self::phase(now)? {
            Phase::Open(day) => Ok(Some(Trading { day, is_regular: true })),
            Phase::Closed { .. } => {
                let outside = self.way_outside(listing, now)?;
                Ok(outside.map(|(day, _)| Trading { day, is_regular: false }))
            }
        }
    }

    /// The session in whose hours before the opening or after the close `now` lies, with the way of a
    /// listing that trades in those hours, if not yet or no more at this moment.
    fn way_outside(
        &self,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Option<(Session, Path)>, Error> {
        let Some(session) = hours::outside(now).filter(|_| self.has_extended) else {
            return Ok(None);
        };
        let close = since_open(session, session.close);
        let way = self.path(listing, session)?.filter(|path| {
            let (first, last) = path.span();
            path.is_visible() && if now < session.open { first < 0 } else { last > close }
        });
        Ok(way.map(|way| (*session, way)))
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
        let Some(row) = listing.row_of(session.date) else { return Ok(None) };
        if let Some(day) = listing.fine_day(session.date) {
            return Ok(Some(Path::fine(day.corners(), day.reaches())));
        }
        let path = Path::new(listing.columns(), row, session, self.opening)?;
        match self.made_extended.filter(|_| path.is_visible() && can_be_made(listing)) {
            Some(seed) => extended::made(path, listing, row, session, seed).map(Some),
            None => Ok(Some(path)),
        }
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
            Phase::Closed { last } => match self.mark_outside(listing, now)? {
                Some(price) => Ok(Some(price)),
                None => listing.close_until(last),
            },
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

    /// The lowest and highest price of the bar a listing trades in at `now`; `None` while it does
    /// not trade, and where no bar says them.
    pub(crate) fn bar(&self, listing: &Listing, now: Timestamp) -> Result<Option<(Px, Px)>, Error> {
        let Some(Trading { day, .. }) = self.trading(listing, now)? else { return Ok(None) };
        let path = self.path(listing, &day)?.filter(Path::is_visible);
        Ok(path.and_then(|path| path.bar_at(since_open(&day, now))))
    }

    /// The last price of the hours before an opening or after a close: that of the moment in them,
    /// at night that of their end. `None` where there are none.
    fn mark_outside(&self, listing: &Listing, now: Timestamp) -> Result<Option<Px>, Error> {
        if !self.has_extended {
            return Ok(None);
        }
        if let Some((session, way)) = self.way_outside(listing, now)?
            && way.span().0 <= since_open(&session, now)
        {
            return Ok(Some(way.price_at(since_open(&session, now))));
        }
        let last = hours::next_number(now).checked_sub(1).and_then(hours::session);
        let Some(last) = last else { return Ok(None) };
        let way = self.path(listing, last)?.filter(Path::is_visible);
        Ok(way.map(|way| way.price_at(since_open(last, now))))
    }

    /// The close of the session before the one of `now`, or of the last two when closed: what a
    /// day's change is counted from.
    pub(crate) fn previous_close(
        &self,
        listing: &Listing,
        now: Timestamp,
    ) -> Result<Option<Px>, Error> {
        if listing.is_crypto() {
            let before = now.date_naive().pred_opt();
            return before.map_or(Ok(None), |before| listing.close_until(before));
        }
        let day = match Self::phase(now)? {
            // Before an opening the day has begun with its first price.
            Phase::Closed { last } => match self.way_outside(listing, now)? {
                Some((session, _)) => session.date,
                None => last,
            },
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

/// Whether prices outside of regular hours can be made for a listing.
const fn can_be_made(listing: &Listing) -> bool {
    !listing.is_crypto() && !listing.is_adjusted()
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
