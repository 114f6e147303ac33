//! The hours before the opening and after the close.
//!
//! Only orders with `extended_hours` trade there: limit orders, DAY or GTC (contract §8). They work
//! from 04:00 New York time to 20:00, four hours after the close on half days; one that is sent
//! between 20:00 and 04:00 is queued for 04:00. A DAY order for extended hours expires at the end
//! of the day it works in, after the close instead of at it. At 04:00 happens, too, what companies do
//! to their shares, which without such hours happens at the opening.
//!
//! Where the data have bars outside of regular hours, prices are theirs. Where they have none and
//! [`made_extended_hours`](crate::VenueConfig::made_extended_hours) is on, they are made by this rule,
//! which draws from the venue's seed, the symbol and the date:
//!
//! - **before the opening** the price goes in a straight line from 04:00 to the open; it starts up
//!   to half of the way back to the close before (divided by a split of the day);
//! - **after the close** it goes in a straight line to 20:00, where it stands up to 0.3 % above or
//!   below the close.
//!
//! A series of closes alone has no such hours: its open would be made up from its close.

use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

use super::actions::ActionKind;
use super::events::Event;
use super::exchange::Exchange;
use super::listing::Listing;
use super::order::OrderRecord;
use super::path::Path;
use super::terms::{Status, Tif};
use super::{Px, hours, ids};
use crate::Error;

impl Exchange {
    /// Moves the clock towards the opening of a session while the exchange is closed.
    pub(super) fn walk_closed(&mut self, next: &Session, to: Timestamp) -> Result<(), Error> {
        let before = self.next_session.checked_sub(1).and_then(hours::session);
        if let Some(before) = before
            && !self.end_old(before, to)?
        {
            return Ok(());
        }
        if !self.market.has_extended() {
            return self.walk(None, to);
        }
        if let Some(before) = before {
            let (_, end) = hours::extended(before);
            if self.state.clock < end {
                self.walk(Some((before, false)), to.min(end))?;
                if to < end {
                    return Ok(());
                }
                self.end_late(end)?;
            }
        }
        let (start, _) = hours::extended(next);
        if self.state.clock < start {
            self.walk(None, to.min(start))?;
            if to < start {
                return Ok(());
            }
            self.open_early(next)?;
        }
        self.walk(Some((next, false)), to)
    }

    /// Lets the GTC orders end whose last day a session was, a quarter of an hour after its close;
    /// false if the clock does not come to that.
    fn end_old(&mut self, session: &Session, to: Timestamp) -> Result<bool, Error> {
        let end = session.close + QUARTER;
        let ends = |order: &&OrderRecord| order.tif == Tif::Gtc && order.times.expires <= end;
        if self.state.clock >= end || !self.open_orders().any(|order| ends(&order)) {
            return Ok(true);
        }
        let hours = self.market.has_extended().then_some((session, false));
        self.walk(hours, to.min(end))?;
        if to < end {
            return Ok(false);
        }
        self.expire(ends)?;
        Ok(true)
    }

    /// Begins the hours before an opening: orders that wait for them begin to work.
    fn open_early(&mut self, session: &Session) -> Result<(), Error> {
        self.apply_actions(session.date)?;
        let waits = |order: &OrderRecord| order.extended_hours && order.status == Status::Accepted;
        let mut queued: Vec<u64> =
            self.open_orders().filter(|order| waits(order)).map(|order| order.seq).collect();
        queued.sort_unstable();
        for seq in queued {
            if self.order(seq).is_some_and(waits) && self.trades_now(seq)? {
                self.set_status(seq, Status::New, Event::New)?;
                self.meet(seq)?;
            }
        }
        Ok(())
    }

    /// Ends the hours after a close: DAY orders that worked in them expire.
    fn end_late(&mut self, end: Timestamp) -> Result<(), Error> {
        self.expire(|order| order.tif == Tif::Day && order.times.expires <= end)
    }

    /// Lets orders expire, oldest first.
    fn expire(&mut self, ends: impl Fn(&&OrderRecord) -> bool) -> Result<(), Error> {
        let mut open: Vec<u64> = self.open_orders().filter(ends).map(|order| order.seq).collect();
        open.sort_unstable();
        for seq in open {
            if self.order(seq).is_some_and(|order| !order.status.is_final()) {
                self.set_status(seq, Status::Expired, Event::Expired)?;
            }
        }
        Ok(())
    }
}

/// How long after a close GTC orders run out.
pub(super) const QUARTER: TimeDelta = TimeDelta::minutes(15);

/// A way with the prices made before its opening and after its close, by the rule above; the way as
/// it is if there is no close before.
///
/// # Errors
/// [`Error::Core`] and [`Error::Overflow`] for prices that are none.
pub(super) fn made(
    path: Path,
    listing: &Listing,
    row: usize,
    session: &Session,
    seed: u64,
) -> Result<Path, Error> {
    let Some(before) = row.checked_sub(1) else { return Ok(path) };
    let mut close_before = listing.columns().close[before];
    for action in listing.actions().iter().filter(|action| action.date == session.date) {
        if let ActionKind::Split { new, old } = action.kind {
            close_before *= f64::from(old) / f64::from(new);
        }
    }
    let end = (session.close - session.open).num_milliseconds();
    let (open, close) = (path.price_at(0), path.price_at(end));
    let symbol = listing.symbol().as_str().bytes();
    let seed = symbol.fold(seed, |hash, byte| {
        let (high, low) = ids::draw(hash, u64::from(byte));
        u64::from(high) << 32 | u64::from(low)
    });
    let (back, on) = ids::draw(seed, session.open.timestamp().unsigned_abs());
    let first = part_way(open, Px::from_bar(close_before)?, i128::from(back), 2)?;
    // From -1 to 1, of 0.3 %.
    let drift = i128::from(on) * 2 - i128::from(u32::MAX);
    let moved = i128::from(close.nanos()) * 3 * drift / (1_000 * i128::from(u32::MAX));
    let last = on_cents(i128::from(close.nanos()) + moved)?;
    let (start, finish) = hours::extended(session);
    let at = |moment: Timestamp| (moment - session.open).num_milliseconds();
    Ok(path.between((at(start), first), (at(finish), last)))
}

/// The price so far from one to another: a draw's share of it, divided.
fn part_way(from: Px, to: Px, draw: i128, divisor: i128) -> Result<Px, Error> {
    let way = i128::from(to.nanos()) - i128::from(from.nanos());
    on_cents(i128::from(from.nanos()) + way * draw / (divisor * i128::from(u32::MAX)))
}

/// Nano-dollars as a price in cents, below $1 in hundredths of a cent.
fn on_cents(nanos: i128) -> Result<Px, Error> {
    let tick = if nanos >= i128::from(super::NANO) { 10_000_000 } else { 100_000 };
    let whole = (nanos / tick).max(1) * tick;
    i64::try_from(whole).ok().and_then(Px::from_nanos).ok_or(Error::Overflow { what: "price" })
}
