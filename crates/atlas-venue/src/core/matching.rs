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

use super::exchange::{Event, Exchange};
use super::ids::{self, Kind as IdKind};
use super::ledger::{Entry, Execution};
use super::market::{Listing, since_open};
use super::order::{Kind, OrderRecord, Size, Status, Tif, Trail, Wake};
use super::path::Path;
use super::{Money, NANO, Px, Shares};
use crate::Error;
use crate::costs::DayFees;

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
                for seq in self.open.get(symbol).into_iter().flatten() {
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
    fn room(&self, order: &OrderRecord, listing: &Listing, path: &Path) -> Result<Shares, Error> {
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

    /// Trades as much of an order as volume and cash permit; says whether anything changed.
    fn trade(&mut self, seq: u64, reference: Px, price: Px) -> Result<bool, Error> {
        let Some(order) = self.order(seq) else { return Ok(false) };
        let Some(session) = self.trading_day()? else { return Ok(false) };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(false) };
        let Some(path) = self.market.path(listing, &session)? else { return Ok(false) };
        let wanted = order.leaves(price);
        let (tif, side, whole) = (order.tif, order.side, order.qty().is_none_or(Shares::is_whole));
        let room = self.room(order, listing, &path)?.min(wanted);
        let paid = match side {
            Side::Buy => self.affordable(room, price, &session, whole)?,
            Side::Sell => room,
        };
        if paid.is_zero() || (tif == Tif::Fok && paid < wanted) {
            if paid < room || tif == Tif::Fok {
                self.set_status(seq, Status::Canceled, Event::Canceled)?;
                return Ok(true);
            }
            return Ok(false);
        }
        let first = self.first_part(seq, paid, whole);
        if let Some(first) = first {
            self.execute(seq, first, reference, price, &session)?;
        }
        let rest = paid.minus(first.unwrap_or_default());
        self.execute(seq, rest, reference, price, &session)?;
        if paid < room {
            // What the account cannot pay for is not bought on credit.
            self.set_status(seq, Status::Canceled, Event::Canceled)?;
        }
        Ok(true)
    }

    /// The first of two executions an order trades in, if the draw says two: of a random size.
    fn first_part(&self, seq: u64, qty: Shares, whole: bool) -> Option<Shares> {
        let (chance, size) = ids::draw(self.state.seed, seq);
        let often = self.config.split_fills.value();
        let is_new = self.order(seq).is_some_and(|order| order.filled.is_zero());
        if often.is_zero() || !is_new || Decimal::from(chance) >= often * Decimal::from(u32::MAX) {
            return None;
        }
        let step = if whole { NANO } else { 1 };
        let steps = qty.nanos() / step;
        let part = 1 + i64::from(size) % steps.saturating_sub(1).max(1);
        Shares::from_nanos(part * step).filter(|part| *part < qty)
    }

    /// Shares the account can pay for, fees included.
    fn affordable(
        &self,
        wanted: Shares,
        price: Px,
        session: &Session,
        whole: bool,
    ) -> Result<Shares, Error> {
        let ledger = &self.state.ledger;
        let fees = |qty: Shares| {
            let mut fees: DayFees = ledger.fees;
            fees.add(&self.config.costs, Side::Buy, qty, price, session.date)?;
            fees.total(session.date)
        };
        if price.times(wanted).plus(fees(wanted)?)? <= ledger.cash {
            return Ok(wanted);
        }
        // The fee of the larger quantity bounds that of the smaller one.
        let most = ledger.cash.minus(fees(wanted)?)?.buys(price).min(wanted);
        Ok(if whole { most.whole() } else { most })
    }

    fn execute(
        &mut self,
        seq: u64,
        qty: Shares,
        reference: Px,
        price: Px,
        session: &Session,
    ) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let cum_qty = order.filled.plus(qty)?;
        let is_filled = match order.size {
            Size::Shares(asked) => cum_qty >= asked,
            Size::Notional(_) => qty >= order.leaves(price),
        };
        let leaves_qty = match order.size {
            Size::Shares(asked) => asked.minus(cum_qty),
            Size::Notional(_) if is_filled => Shares::ZERO,
            Size::Notional(_) => order.leaves(price).minus(qty),
        };
        let status = if is_filled { Status::Filled } else { Status::PartiallyFilled };
        let id = ids::uuid(self.state.seed, IdKind::Activity, self.state.activities + 1);
        let (side, symbol) = (order.side, order.symbol.clone());
        let fill = Execution {
            id,
            order_seq: seq,
            order_id: order.id,
            client_order_id: order.client_order_id.clone(),
            symbol: symbol.clone(),
            side,
            qty,
            price,
            reference,
            cum_qty,
            leaves_qty,
            order_status: status,
        };
        let notional = order.filled_notional.plus(price.times(qty))?;
        let costs = self.config.costs.clone();
        self.state.ledger.fees.add(&costs, side, qty, price, session.date)?;
        self.state.ledger.fees_date = Some(session.date);
        let traded = self.state.traded.entry(symbol).or_default();
        *traded = traded.plus(qty)?;
        let stamp = self.post(Entry::Fill(fill))?;
        self.change(seq, |order| {
            order.status = status;
            order.filled = cum_qty;
            order.filled_notional = notional;
            order.times.updated = stamp;
            if is_filled {
                order.times.ended = Some(stamp);
            }
        })?;
        let event = if is_filled { Event::Fill } else { Event::PartialFill };
        self.tell(seq, event, stamp, Some((id, price, qty)));
        self.after_fill(seq, qty, session)
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
        let following: Vec<u64> = self.open.get(symbol).into_iter().flatten().copied().collect();
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
    fn trading_day(&self) -> Result<Option<Session>, Error> {
        if let Some(session) = self.session()? {
            return Ok(Some(session));
        }
        let last = Calendar::nyse().last_closed(self.state.clock)?;
        Ok((last.close == self.state.clock).then_some(last))
    }

    /// Posts the fees of the day, one entry for each kind.
    fn post_fees(&mut self) -> Result<(), Error> {
        let Some(date) = self.state.ledger.fees_date.take() else { return Ok(()) };
        let fees = std::mem::take(&mut self.state.ledger.fees);
        for (kind, amount) in fees.charges(date)? {
            self.post(Entry::Fee { kind, date, amount })?;
        }
        Ok(())
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
