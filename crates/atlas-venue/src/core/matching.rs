//! Orders meet prices.
//!
//! The venue stands on the other side of every order, quoting the price on the session's way (see
//! the module `path`) made worse by the slippage. An order fills when that quote reaches it:
//!
//! - a marketable order at once, at the quote;
//! - a resting limit order when the quote arrives at the limit, at the limit: never better;
//! - a stop wakes when the price itself touches it, and is a market or limit order from then on.
//!
//! Fills of a symbol in a session are limited to a share of the bar's volume. A buy pays only what
//! the cash account has: the rest of it is canceled rather than paid on credit.

use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use atlas_core::{Bps, Side, Symbol};
use chrono::TimeDelta;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::events::Event;
use super::exchange::Exchange;
use super::market::{Listing, since_open};
use super::order::{Kind, OrderRecord, Status, Tif, Trail, Wake};
use super::path::Path;
use super::{Money, NANO, Px, Shares};
use crate::Error;

/// What can happen to an order next, and when, in milliseconds since the open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Next {
    at: i64,
    seq: u64,
    deed: Deed,
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    /// Its stop is touched.
    Trigger,
    /// It trades at a price, while the market stands at the reference.
    Trade { reference: Px, price: Px },
}

impl Exchange {
    /// Moves the clock within a session, letting every order meet the prices on the way.
    pub(super) fn walk(&mut self, session: &Session, to: Timestamp) -> Result<(), Error> {
        let end = since_open(session, to);
        let mut paths = Vec::new();
        for symbol in self.open.keys() {
            if let Some(listing) = self.market.listing(symbol)
                && let Some(path) = self.market.path(listing, session)?
            {
                paths.push((symbol.clone(), path));
            }
        }
        loop {
            let from = since_open(session, self.state.clock);
            let mut next: Option<Next> = None;
            for (symbol, path) in &paths {
                let range = path.range(from, end);
                for seq in self.open.get(symbol).into_iter().flatten() {
                    if !self.order(*seq).is_some_and(|order| may_meet(order, range)) {
                        continue;
                    }
                    let found = self.next_for(*seq, path, from, end)?;
                    // The earlier one; at the same moment, the order that came first.
                    next = next.into_iter().chain(found).min_by_key(|next| (next.at, next.seq));
                }
            }
            let stop = next.map_or(end, |next| next.at);
            for (symbol, path) in &paths {
                self.follow(symbol, path, from, stop)?;
            }
            self.state.clock = session.open + TimeDelta::milliseconds(stop);
            let Some(next) = next else { return Ok(()) };
            self.carry_out(next)?;
        }
    }

    /// Opens a session: queued orders come to work, oldest first, and meet the opening price.
    pub(super) fn open_session(&mut self, session: &Session) -> Result<(), Error> {
        self.state.traded.clear();
        let mut queued: Vec<u64> = self.open.values().flatten().copied().collect();
        queued.sort_unstable();
        for seq in queued {
            let limited = |order: &OrderRecord| order.most.is_some() && order.status.is_working();
            if self.order(seq).is_some_and(limited) {
                self.change(seq, |order| order.most = None)?;
            }
            if self.order(seq).is_some_and(|order| order.status == Status::Accepted) {
                self.set_status(seq, Status::New, Event::New)?;
                self.meet(seq, session)?;
            }
        }
        Ok(())
    }

    /// Closes a session: the closing auction, expiries, fees.
    pub(super) fn close_session(&mut self, session: &Session) -> Result<(), Error> {
        let mut open: Vec<u64> = self.open.values().flatten().copied().collect();
        open.sort_unstable();
        for seq in open {
            let Some(order) = self.order(seq) else { continue };
            if !order.status.is_working() && order.status != Status::Held {
                continue;
            }
            match order.tif {
                Tif::Cls => self.auction(seq, session)?,
                Tif::Day | Tif::Gtc | Tif::Opg | Tif::Ioc | Tif::Fok => {
                    if order.times.expires <= session.close + TimeDelta::minutes(15) {
                        self.set_status(seq, Status::Expired, Event::Expired)?;
                    }
                }
            }
        }
        self.post_fees()?;
        self.state.last_equity = self.equity_at_close(session)?;
        Ok(())
    }

    /// Lets one order that has just come to work meet the present price.
    pub(super) fn meet(&mut self, seq: u64, session: &Session) -> Result<(), Error> {
        let now = since_open(session, self.state.clock);
        let path = match self.order(seq).and_then(|order| self.market.listing(&order.symbol)) {
            Some(listing) => self.market.path(listing, session)?,
            None => None,
        };
        if let Some(path) = &path {
            self.start_following(seq, path.price_at(now))?;
            // At most a trigger and a trade; a trade that changes nothing ends it.
            while let Some(next) = self.next_for(seq, path, now, now)? {
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

    /// The closing auction for one order: it trades at the close or is canceled.
    fn auction(&mut self, seq: u64, session: &Session) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(()) };
        if let Some(row) = listing.row_of(session.date) {
            let reference = Px::from_bar(listing.columns().close[row])?;
            let price = self.slippage.worsened(reference, order.side, listing.trade_tick());
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

    /// What happens next to an order from `from` up to `to`, if anything does.
    fn next_for(&self, seq: u64, path: &Path, from: i64, to: i64) -> Result<Option<Next>, Error> {
        let Some(order) = self.order(seq).filter(|order| order.status.is_working()) else {
            return Ok(None);
        };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(None) };
        if order.tif == Tif::Cls || self.room(order, listing, path)?.is_zero() {
            return Ok(None);
        }
        let next = |(at, deed)| Next { at, seq, deed };
        let found = match (order.kind, order.wake) {
            (Kind::Market, _) | (Kind::Stop(_) | Kind::Trailing(_), Wake::Touched) => {
                Some((from, self.at_market(order, listing, path.price_at(from))))
            }
            (Kind::Limit(limit), _) | (Kind::StopLimit { limit, .. }, Wake::Touched) => {
                self.at_limit(order, listing, limit, path, from, to)
            }
            (Kind::Stop(stop) | Kind::StopLimit { stop, .. }, Wake::Asleep) => {
                let falling = order.side == Side::Sell;
                reached(path, stop, falling, from, to).map(|(at, _)| (at, Deed::Trigger))
            }
            (Kind::Trailing(trail), Wake::Asleep) => {
                trailing(order, trail, path, from, to).map(|at| (at, Deed::Trigger))
            }
        };
        Ok(found.map(next))
    }

    fn at_market(&self, order: &OrderRecord, listing: &Listing, reference: Px) -> Deed {
        let price = self.slippage.worsened(reference, order.side, listing.trade_tick());
        Deed::Trade { reference, price }
    }

    fn at_limit(
        &self,
        order: &OrderRecord,
        listing: &Listing,
        limit: Px,
        path: &Path,
        from: i64,
        to: i64,
    ) -> Option<(i64, Deed)> {
        let level = self.slippage.reference_for(limit, order.side, listing.trade_tick())?;
        let (at, reference) = reached(path, level, order.side == Side::Buy, from, to)?;
        if at == from {
            return Some((at, self.at_market(order, listing, reference)));
        }
        Some((at, Deed::Trade { reference, price: limit }))
    }

    /// Shares of the bar's volume that are left for the order; its own leaves if no limit is set.
    pub(super) fn room(
        &self,
        order: &OrderRecord,
        listing: &Listing,
        path: &Path,
    ) -> Result<Shares, Error> {
        let leaves = order.leaves(path.price_at(0));
        let leaves = order.most.map_or(leaves, |most| leaves.min(most.minus(order.filled)));
        let volume = self.trading_day()?.and_then(|session| listing.row_of(session.date));
        let volume = volume.and_then(|row| listing.volume(row));
        let (Some(share), Some(volume)) = (self.config.participation, volume) else {
            return Ok(leaves);
        };
        Ok(leaves.min(self.volume_left(&order.symbol, share, volume)))
    }

    fn volume_left(&self, symbol: &Symbol, share: Bps, volume: f64) -> Shares {
        let most = Decimal::try_from(volume.floor()).ok();
        let most = most.and_then(|volume| volume.checked_mul(share.fraction())?.trunc().to_i64());
        let most = most.and_then(|shares| Shares::from_nanos(shares.checked_mul(NANO)?));
        let used = self.state.traded.get(symbol).copied().unwrap_or_default();
        // A volume beyond what shares can count sets no limit.
        most.map_or(Shares::MAX, |most| most.minus(used).whole())
    }

    /// Does what comes next; says whether anything changed.
    fn carry_out(&mut self, next: Next) -> Result<bool, Error> {
        match next.deed {
            Deed::Trigger => {
                let stamp = self.stamp();
                self.change(next.seq, |order| {
                    order.wake = Wake::Touched;
                    order.times.updated = stamp;
                })?;
                Ok(true)
            }
            Deed::Trade { reference, price } => self.trade(next.seq, reference, price),
        }
    }

    /// Begins to follow the price for a trailing stop.
    fn start_following(&mut self, seq: u64, price: Px) -> Result<(), Error> {
        let follows = |order: &OrderRecord| matches!(order.kind, Kind::Trailing(_));
        if self.order(seq).is_some_and(|order| follows(order) && order.best.is_none()) {
            self.change(seq, |order| order.best = Some(price))?;
        }
        Ok(())
    }

    /// Lets trailing stops of a symbol follow the price over a stretch of its way.
    fn follow(&mut self, symbol: &Symbol, path: &Path, from: i64, to: i64) -> Result<(), Error> {
        let open = self.open.get(symbol).into_iter().flatten().copied();
        let trails = |seq: &u64| {
            self.order(*seq).is_some_and(|order| matches!(order.kind, Kind::Trailing(_)))
        };
        let following: Vec<u64> = open.filter(trails).collect();
        for seq in following {
            let Some(order) = self.order(seq) else { continue };
            let (Kind::Trailing(_), true, Wake::Asleep) =
                (order.kind, order.status.is_working(), order.wake)
            else {
                continue;
            };
            let best = path.legs(from, to).fold(order.best, |best, leg| {
                let ends = [leg.price_at(from.max(leg.from)), leg.price_at(to.min(leg.to))];
                ends.into_iter().fold(best, |best, price| Some(better(order.side, best, price)))
            });
            if best != order.best {
                self.change(seq, |order| order.best = best)?;
            }
        }
        Ok(())
    }

    /// The session whose day a trade at this moment belongs to: at the close itself, that session.
    pub(super) fn trading_day(&self) -> Result<Option<Session>, Error> {
        if let Some(session) = self.session()? {
            return Ok(Some(session));
        }
        let last = Calendar::nyse().last_closed(self.state.clock)?;
        Ok((last.close == self.state.clock).then_some(last))
    }

    fn equity_at_close(&self, session: &Session) -> Result<Money, Error> {
        let mut equity = self.state.ledger.cash;
        for (symbol, holding) in &self.state.ledger.holdings {
            let listing = self.market.listing(symbol);
            let close = listing.map(|listing| listing.close_until(session.date)).transpose()?;
            let unknown = || Error::NotListed { symbol: symbol.to_string() };
            equity = equity.plus(close.flatten().ok_or_else(unknown)?.times(holding.qty))?;
        }
        Ok(equity)
    }
}

/// Whether an order can have anything to do with prices between a lowest and a highest one; false
/// only if it certainly cannot. Most orders on most days end here.
fn may_meet(order: &OrderRecord, (low, high): (Px, Px)) -> bool {
    let reaches = |price: Px, falling: bool| if falling { low <= price } else { high >= price };
    let is_buy = order.side == Side::Buy;
    match (order.kind, order.wake) {
        // The quote is never better than the price.
        (Kind::Limit(limit), _) | (Kind::StopLimit { limit, .. }, Wake::Touched) => {
            reaches(limit, is_buy)
        }
        (Kind::Stop(stop) | Kind::StopLimit { stop, .. }, Wake::Asleep) => reaches(stop, !is_buy),
        (Kind::Market | Kind::Trailing(_), _) | (Kind::Stop(_), Wake::Touched) => true,
    }
}

/// The first moment from `from` up to `to` at which the price is at or beyond `level`.
fn reached(path: &Path, level: Px, falling: bool, from: i64, to: i64) -> Option<(i64, Px)> {
    let met = path.legs(from, to).find_map(|leg| leg.reaches(level, falling, from));
    met.filter(|(at, _)| *at <= to)
}

/// The first moment at which the price has gone back from its best by the trail.
fn trailing(order: &OrderRecord, trail: Trail, path: &Path, from: i64, to: i64) -> Option<i64> {
    let mut best = order.best;
    for leg in path.legs(from, to) {
        let seen = better(order.side, best, leg.price_at(from.max(leg.from)));
        let stop = trail_stop(order.side, trail, seen)?;
        let met = leg.reaches(stop, order.side == Side::Sell, from);
        if let Some((at, _)) = met.filter(|(at, _)| *at <= to) {
            return Some(at);
        }
        best = Some(better(order.side, Some(seen), leg.end));
    }
    None
}

/// The better of two prices for a trailing stop of `side` to follow.
fn better(side: Side, best: Option<Px>, price: Px) -> Px {
    match (side, best) {
        (_, None) => price,
        (Side::Sell, Some(best)) => best.max(price),
        (Side::Buy, Some(best)) => best.min(price),
    }
}

/// Where a trailing stop stands for the best price so far, to 10⁻⁹ dollars away from the price.
pub(crate) fn trail_stop(side: Side, trail: Trail, best: Px) -> Option<Px> {
    let best = i128::from(best.nanos());
    let width = match trail {
        Trail::Price(width) => i128::from(width.nanos()),
        // Percent in billionths of one per cent.
        Trail::Percent(percent) => best * i128::from(percent.nanos()) / (100 * i128::from(NANO)),
    };
    let stop = match side {
        Side::Sell => best - width,
        Side::Buy => best + width,
    };
    Px::from_nanos(i64::try_from(stop).ok()?)
}
