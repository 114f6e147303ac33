//! The day of the exchange: its opening, the way of the prices, its close. What is before and after
//! is in the module `extended`.
//!
//! At the opening, in this order: what companies do to their shares, liquidation, queued orders,
//! oldest first. At the close: the closing auction and expiries, oldest order first, the fees of the
//! day, interest, what the next day's rules are counted from.

use atlas_core::Side;
use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

use super::Px;
use super::events::Event;
use super::exchange::Exchange;
use super::market::{Trading, since_open, utc_day};
use super::matching::{Next, Way, may_meet};
use super::order::OrderRecord;
use super::path::Path;
use super::terms::{Status, Tif};
use crate::Error;

impl Exchange {
    /// Moves the clock, letting every order meet the prices on the way: those of the session, and
    /// of crypto around the clock, a UTC day at a time. With the session comes whether these are
    /// its regular hours.
    pub(super) fn walk(
        &mut self,
        session: Option<(&Session, bool)>,
        to: Timestamp,
    ) -> Result<(), Error> {
        loop {
            let mut stop = to;
            if self.open.keys().any(atlas_core::Symbol::is_crypto) {
                stop = to.min(utc_day(self.state.clock.date_naive()).close);
            }
            let volume = self.next_volume(session.map(|(session, _)| session));
            stop = volume.map_or(stop, |next| stop.min(next));
            self.walk_part(session, stop)?;
            if self.state.clock >= to {
                if volume == Some(stop) {
                    // What the new bar has room for trades in its first moment.
                    self.walk_part(session, stop)?;
                }
                return Ok(());
            }
        }
    }

    /// When the next bar begins that limits what can be traded, of any symbol with an open order.
    fn next_volume(&self, session: Option<&Session>) -> Option<Timestamp> {
        self.config.participation?;
        let now = self.state.clock;
        let next = |symbol: &atlas_core::Symbol| {
            let listing = self.market.listing(symbol).filter(|listing| listing.has_intraday())?;
            let crypto = listing.is_crypto().then(|| utc_day(now.date_naive()));
            let day = crypto.as_ref().or(session)?;
            let next = listing.fine_day(day.date)?.next_start(since_open(day, now))?;
            Some(day.open + TimeDelta::milliseconds(next))
        };
        self.open.keys().filter_map(next).min()
    }

    fn walk_part(&mut self, session: Option<(&Session, bool)>, to: Timestamp) -> Result<(), Error> {
        let ways = self.ways(session)?;
        if ways.is_empty() {
            self.state.clock = to;
            return Ok(());
        }
        let end = to.timestamp_millis();
        loop {
            let now = self.state.clock.timestamp_millis();
            let mut next: Option<Next> = None;
            for way in &ways {
                let (from, until) = (now - way.opens, end - way.opens);
                let range = way.path.range(from, until);
                for seq in self.open.get(&way.symbol).into_iter().flatten() {
                    let meets = |order: &OrderRecord| way.is_for(order) && may_meet(order, range);
                    if !self.order(*seq).is_some_and(meets) {
                        continue;
                    }
                    let found = self.next_for(*seq, &way.path, from, until)?;
                    let found = found.map(|next| Next { at: next.at + way.opens, ..next });
                    // The earlier one; at the same moment, the order that came first.
                    next = next.into_iter().chain(found).min_by_key(|next| (next.at, next.seq));
                }
            }
            let stop = next.map_or(end, |next| next.at);
            for way in ways.iter().filter(|way| way.is_regular) {
                self.follow_best(&way.symbol, &way.path, now - way.opens, stop - way.opens)?;
            }
            self.state.clock += TimeDelta::milliseconds(stop - now);
            let Some(next) = next else { return Ok(()) };
            self.carry_out(next)?;
        }
    }

    /// The ways of all symbols whose orders could meet a price of their day at all.
    fn ways(&self, session: Option<(&Session, bool)>) -> Result<Vec<Way>, Error> {
        let mut ways = Vec::new();
        let (session, regular) = session.map_or((None, true), |(day, reg)| (Some(day), reg));
        for (symbol, open) in &self.open {
            let Some(listing) = self.market.listing(symbol) else { continue };
            let crypto = listing.is_crypto().then(|| utc_day(self.state.clock.date_naive()));
            let Some(day) = crypto.as_ref().or(session) else { continue };
            let Some(row) = listing.row_of(day.date) else { continue };
            if self.state.halted.contains(symbol) || self.state.quotes.contains_key(symbol) {
                continue;
            }
            let is_regular = regular || crypto.is_some();
            let mut orders = open.iter().filter_map(|seq| self.order(*seq));
            let meets = if is_regular {
                let bounds = Path::bounds(listing.columns(), row)?;
                orders.any(|order| may_meet(order, bounds))
            } else {
                orders.any(|order| order.extended_hours) && self.market.extends(listing)
            };
            if !meets {
                continue;
            }
            if let Some(path) = self.market.path(listing, day)? {
                let opens = day.open.timestamp_millis();
                let way = Way { symbol: symbol.clone(), path, opens, is_regular };
                if is_regular || way.path.is_visible() {
                    ways.push(way);
                }
            }
        }
        Ok(ways)
    }

    /// Opens a session.
    pub(super) fn open_session(&mut self, session: &Session) -> Result<(), Error> {
        self.state.traded.retain(|symbol, _| symbol.is_crypto());
        self.state.quotes.retain(|symbol, _| symbol.is_crypto());
        self.apply_actions(session.date)?;
        if self.config.account.liquidation {
            self.liquidate()?;
        }
        let waits = |order: &OrderRecord| order.status == Status::Accepted || order.most.is_some();
        if !self.open_orders().any(waits) {
            return Ok(());
        }
        let mut queued: Vec<u64> = self.open.values().flatten().copied().collect();
        queued.sort_unstable();
        for seq in queued {
            let limited = |order: &OrderRecord| order.most.is_some() && order.status.is_working();
            if self.order(seq).is_some_and(limited) {
                self.change(seq, |order| order.most = None)?;
            }
            if self.order(seq).is_some_and(|order| order.status == Status::Accepted) {
                self.set_status(seq, Status::New, Event::New)?;
                self.meet(seq)?;
            }
        }
        Ok(())
    }

    /// Closes a session.
    pub(super) fn close_session(&mut self, session: &Session) -> Result<(), Error> {
        let ends = |order: &OrderRecord| {
            order.tif == Tif::Cls || (order.tif != Tif::Gtc && order.times.expires <= session.close)
        };
        if self.open_orders().any(ends) {
            self.end_orders(session)?;
        }
        self.post_fees()?;
        self.accrue(session)?;
        self.state.last_equity = self.equity()?;
        self.close_margin(session)
    }

    fn end_orders(&mut self, session: &Session) -> Result<(), Error> {
        let mut open: Vec<u64> = self.open.values().flatten().copied().collect();
        open.sort_unstable();
        for seq in open {
            let Some(order) = self.order(seq) else { continue };
            if !order.status.is_working() && order.status != Status::Held {
                continue;
            }
            match order.tif {
                Tif::Cls => self.auction(seq, session)?,
                // These run out a quarter of an hour later.
                Tif::Gtc => {}
                Tif::Day | Tif::Opg | Tif::Ioc | Tif::Fok => {
                    if order.times.expires <= session.close {
                        self.set_status(seq, Status::Expired, Event::Expired)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Lets one order that has just come to work meet the present price.
    pub(super) fn meet(&mut self, seq: u64) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let halted = self.state.halted.contains(&order.symbol);
        let way = if halted { None } else { self.way_now(order)? };
        if let Some((path, now)) = way {
            self.start_following(seq, path.price_at(now))?;
            // At most a trigger and a trade; a trade that changes nothing ends it.
            while let Some(next) = self.next_for(seq, &path, now, now)? {
                if !self.carry_out(next)? {
                    break;
                }
            }
        }
        let Some(order) = self.order(seq).filter(|order| order.status.is_working()) else {
            return Ok(());
        };
        match order.tif {
            Tif::Ioc | Tif::Fok | Tif::Opg => {
                self.set_status(seq, Status::Canceled, Event::Canceled)
            }
            Tif::Day | Tif::Gtc | Tif::Cls => Ok(()),
        }
    }

    /// The way an order's symbol takes today, and the milliseconds since its opening.
    fn way_now(&self, order: &OrderRecord) -> Result<Option<(Path, i64)>, Error> {
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(None) };
        let trading = self.market.trading(listing, self.state.clock)?;
        let fits = |trading: &Trading| trading.is_regular || order.extended_hours;
        let Some(Trading { day, .. }) = trading.filter(fits) else { return Ok(None) };
        let path = self.path_of(order, listing, &day)?;
        Ok(path.map(|path| (path, since_open(&day, self.state.clock))))
    }

    /// The closing auction for one order: it trades at the close or is canceled.
    fn auction(&mut self, seq: u64, session: &Session) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(()) };
        let row = listing.row_of(session.date);
        let close = row.map(|row| Px::from_bar(listing.columns().close[row])).transpose()?;
        let reference = match self.state.quotes.get(&order.symbol) {
            Some(book) => book.touch(order.side),
            None => close,
        };
        if let Some(reference) = reference.filter(|_| !self.state.halted.contains(&order.symbol)) {
            let rate = self.rate_of(order, listing, reference);
            // The auction belongs to the session's bar; with quotes no bar counts.
            let path = self.path_of(order, listing, session)?;
            let bar = path.and_then(|path| path.bar_at(since_open(session, session.close)));
            let price = rate.within(reference, order.side, listing.trade_tick(), bar);
            let within = order.kind.limit().is_none_or(|limit| match order.side {
                Side::Buy => price <= limit,
                Side::Sell => price >= limit,
            });
            if within {
                self.trade(seq, reference, price)?;
            }
        }
        if self.order(seq).is_some_and(|order| order.status.is_working()) {
            self.set_status(seq, Status::Canceled, Event::Canceled)?;
        }
        Ok(())
    }
}
