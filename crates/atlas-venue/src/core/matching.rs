//! Orders meet prices.
//!
//! The venue stands on the other side of every order, quoting the price on the session's way (see
//! the module `path`) made worse by the slippage. An order fills when that quote reaches it:
//!
//! - a marketable order at once, at the quote, which the slippage takes no further than the lowest
//!   and highest price of the bar (see `Path::bar_at`), each rounded away from the other;
//! - a resting limit order when the quote arrives at the limit, at the limit: never better;
//! - a stop wakes when the price itself touches it, and is a market or limit order from then on.
//!
//! Fills of a symbol in a session are limited to a share of the bar's volume; on a day with bars
//! within it, those in each of these bars to a share of its. An order that opens a
//! position gets only what cash and credit cover: the rest of it is canceled. A buy stop that is
//! touched becomes a limit order a little above its stop (contract §8), unless that is off.

use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Bps, Side, Symbol};
use chrono::TimeDelta;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::exchange::Exchange;
use super::fine::FineDay;
use super::listing::Listing;
use super::order::OrderRecord;
use super::path::Path;
use super::terms::{Kind, Size, Tif, Trail, Wake};
use super::{NANO, Px, Shares};
use crate::Error;
use crate::costs::{Slippage, SlippageRate};

/// What can happen to an order next, and when, in milliseconds since the open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) at: i64,
    pub(super) seq: u64,
    pub(super) deed: Deed,
}

/// The way a symbol takes through its day.
#[derive(Debug)]
pub(super) struct Way {
    pub(super) symbol: Symbol,
    pub(super) path: Path,
    /// When the day opens, in milliseconds of the epoch.
    pub(super) opens: i64,
    /// Whether these are regular hours.
    pub(super) is_regular: bool,
}

impl Way {
    /// Whether an order trades in these hours.
    pub(super) const fn is_for(&self, order: &OrderRecord) -> bool {
        self.is_regular || order.extended_hours
    }
}

/// What happens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deed {
    /// Its stop is touched.
    Trigger,
    /// It trades at a price, while the market stands at the reference.
    Trade { reference: Px, price: Px },
}

impl Exchange {
    /// What happens next to an order from `from` up to `to`, if anything does.
    pub(super) fn next_for(
        &self,
        seq: u64,
        path: &Path,
        from: i64,
        to: i64,
    ) -> Result<Option<Next>, Error> {
        let Some(order) = self.order(seq).filter(|order| order.status.is_working()) else {
            return Ok(None);
        };
        let Some(listing) = self.market.listing(&order.symbol) else { return Ok(None) };
        if order.tif == Tif::Cls || self.room(order, listing, path.price_at(0))?.is_zero() {
            return Ok(None);
        }
        let next = |(at, deed)| Next { at, seq, deed };
        let found = match (order.kind, order.wake) {
            (Kind::Stop(stop), Wake::Touched) if self.is_protected(order, listing) => {
                guard(stop).and_then(|limit| self.at_limit(order, listing, limit, path, from, to))
            }
            (Kind::Market, _) | (Kind::Stop(_) | Kind::Trailing(_), Wake::Touched) => {
                Some((from, self.at_market(order, listing, path, (from, path.price_at(from)))))
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

    fn at_market(
        &self,
        order: &OrderRecord,
        listing: &Listing,
        path: &Path,
        (at, reference): (i64, Px),
    ) -> Deed {
        let rate = self.rate_of(order, listing, path.price_at(0));
        let tick = listing.trade_tick();
        Deed::Trade { reference, price: rate.within(reference, order.side, tick, path.bar_at(at)) }
    }

    /// The slippage of an order: by the whole of what it asks for, whatever has filled of it.
    pub(super) fn rate_of(
        &self,
        order: &OrderRecord,
        listing: &Listing,
        price: Px,
    ) -> SlippageRate {
        if self.state.quotes.contains_key(&order.symbol) {
            // The spread is in the quote.
            return Slippage::None.rate_for(Shares::ZERO, None);
        }
        if self.config.costs.slippage.is_flat() {
            return self.slippage;
        }
        let qty = match order.size {
            Size::Shares(qty) => qty,
            Size::Notional(amount) => amount.buys(price),
        };
        let day = self.day_of(listing).ok().flatten();
        let row = day.and_then(|day| listing.row_of(day.date));
        self.config.costs.slippage.rate_for(qty, row.and_then(|row| listing.volume(row)))
    }

    /// Whether a stop becomes a limit order once it is touched.
    fn is_protected(&self, order: &OrderRecord, listing: &Listing) -> bool {
        order.side == Side::Buy && self.config.account.protect_buy_stops && !listing.is_crypto()
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
        let rate = self.rate_of(order, listing, path.price_at(0));
        let tick = listing.trade_tick();
        // The quote never leaves its bar: a limit beyond the bar is reached all through it.
        let beyond = path.bar_that(from, to, |bar| match order.side {
            Side::Buy => rate.within(bar.1, Side::Buy, tick, Some(bar)) <= limit,
            Side::Sell => rate.within(bar.0, Side::Sell, tick, Some(bar)) >= limit,
        });
        let level = rate.reference_for(limit, order.side, tick);
        let met = level
            .and_then(|level| reached(path, level, order.side == Side::Buy, from, to))
            .filter(|(at, _)| beyond.is_none_or(|first| *at < first));
        let Some((at, reference)) = met else {
            let spot = beyond.map(|at| (at, path.price_at(at)))?;
            return Some((spot.0, self.at_market(order, listing, path, spot)));
        };
        // At once, or after a jump beyond the level: at what is quoted then.
        if at == from || Some(reference) != level {
            return Some((at, self.at_market(order, listing, path, (at, reference))));
        }
        Some((at, Deed::Trade { reference, price: limit }))
    }

    /// Shares of the bar's volume that are left for the order, in the steps it trades in; its own
    /// leaves at `price` if no limit is set.
    pub(super) fn room(
        &self,
        order: &OrderRecord,
        listing: &Listing,
        price: Px,
    ) -> Result<Shares, Error> {
        let step = order.step(listing);
        let leaves = order.leaves(price).on_grid(step);
        let leaves =
            order.most.map_or(leaves, |most| leaves.min(most.minus(order.filled).on_grid(step)));
        let day = self.day_of(listing)?;
        let Some(share) = self.config.participation else { return Ok(leaves) };
        let fine = day.and_then(|day| Some((day, listing.fine_day(day.date)?)));
        let left = if let Some((day, fine)) = fine {
            self.bar_left(listing, &day, fine, share)
        } else {
            let row = day.and_then(|day| listing.row_of(day.date));
            let volume = row.and_then(|row| listing.volume(row));
            volume.map(|volume| self.volume_left(listing, share, volume))
        };
        // Data without volume set no limit.
        Ok(left.map_or(leaves, |left| leaves.min(left).on_grid(step)))
    }

    /// What is left of the bar of this moment, of a day that has bars within it; nothing where
    /// nobody traded.
    fn bar_left(
        &self,
        listing: &Listing,
        day: &Session,
        fine: &FineDay,
        share: Bps,
    ) -> Option<Shares> {
        let at = (self.state.clock - day.open).num_milliseconds();
        let Some(bar) = fine.bar_at(at) else {
            let has_volume = fine.bars().iter().any(|bar| bar.volume.is_some());
            return has_volume.then_some(Shares::ZERO);
        };
        let most = share_of(bar.volume?, share);
        let used = self.state.bars.get(listing.symbol());
        let start = day.open + TimeDelta::milliseconds(bar.from);
        let used = used.filter(|(of, _)| *of == start).map(|(_, used)| *used);
        let left = most.minus(used.unwrap_or_default());
        Some(if listing.is_crypto() { left } else { left.whole() })
    }

    fn volume_left(&self, listing: &Listing, share: Bps, volume: f64) -> Shares {
        let most = share_of(volume, share);
        let symbol = listing.symbol();
        if listing.is_crypto() {
            let today = self.state.crypto_day == Some(self.state.clock.date_naive());
            let used = self.state.traded.get(symbol).copied().filter(|_| today);
            return most.minus(used.unwrap_or_default());
        }
        most.minus(self.state.traded.get(symbol).copied().unwrap_or_default()).whole()
    }

    /// Does what comes next; says whether anything changed.
    pub(super) fn carry_out(&mut self, next: Next) -> Result<bool, Error> {
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
    pub(super) fn start_following(&mut self, seq: u64, price: Px) -> Result<(), Error> {
        let follows = |order: &OrderRecord| matches!(order.kind, Kind::Trailing(_));
        if self.order(seq).is_some_and(|order| follows(order) && order.best.is_none()) {
            self.change(seq, |order| order.best = Some(price))?;
        }
        Ok(())
    }

    /// Lets trailing stops of a symbol follow the price over a stretch of its way.
    pub(super) fn follow_best(
        &mut self,
        symbol: &Symbol,
        path: &Path,
        from: i64,
        to: i64,
    ) -> Result<(), Error> {
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

    /// The day a trade of a listing at this moment belongs to: at the close itself, the session that
    /// closes; for crypto, the UTC day.
    pub(super) fn day_of(&self, listing: &Listing) -> Result<Option<Session>, Error> {
        let now = self.state.clock;
        if let Some(trading) = self.market.trading(listing, now)? {
            return Ok(Some(trading.day));
        }
        let last = Calendar::nyse().last_closed(now)?;
        Ok((last.close == now).then_some(last))
    }
}

/// A share of a volume; one beyond what shares can count sets no limit.
fn share_of(volume: f64, share: Bps) -> Shares {
    let most = Decimal::try_from(volume).ok();
    let most = most.and_then(|volume| volume.checked_mul(share.fraction()));
    let nanos = most.and_then(|most| most.checked_mul(Decimal::from(NANO))?.to_i64());
    nanos.and_then(Shares::from_nanos).unwrap_or(Shares::MAX)
}

/// The limit of a buy stop that was touched: 4 % above a stop below $50, otherwise 2.5 %
/// (contract §8), to the cent below.
fn guard(stop: Px) -> Option<Px> {
    let permille = if stop.nanos() < 50 * NANO { 1_040 } else { 1_025 };
    let raised = i128::from(stop.nanos()) * permille / 1_000;
    let tick = if stop.nanos() >= NANO { NANO / 100 } else { NANO / 10_000 };
    let nanos = raised / i128::from(tick) * i128::from(tick);
    // A stop that is finer than the tick keeps its own price.
    Px::from_nanos(i64::try_from(nanos).ok()?.max(stop.nanos()))
}

/// Whether an order can have anything to do with prices between a lowest and a highest one; false
/// only if it certainly cannot. Most orders on most days end here.
pub(super) fn may_meet(order: &OrderRecord, (low, high): (Px, Px)) -> bool {
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
pub(super) fn better(side: Side, best: Option<Px>, price: Px) -> Px {
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
