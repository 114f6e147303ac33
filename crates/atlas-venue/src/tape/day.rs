//! One day of one symbol.

use std::sync::Arc;

use atlas_core::Side;
use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

use super::candle::between;
use super::{Candle, MINUTE, SLOT};
use crate::core::ids;
use crate::core::{FineBar, Leg, Listing, Path, Px};
use crate::costs::SlippageRate;

/// One day of one symbol, as far as it is known.
#[derive(Debug)]
pub(crate) struct Day {
    pub(crate) session: Session,
    /// What is added to the venue's time when the day is shown.
    pub(crate) shift: TimeDelta,
    path: Path,
    seed: u64,
    /// The smallest price step, in billionths.
    tick: i64,
    /// How far the quote is from the price.
    slippage: SlippageRate,
    around_the_clock: bool,
    /// From when on there are prices, and up to when, in milliseconds since the open.
    span: (i64, i64),
    /// Bars the data have within the day.
    bars: Option<Arc<[FineBar]>>,
    /// What was traded before each minute from the first one on, and in all.
    traded: Vec<f64>,
    /// How far it is known, in milliseconds since the open.
    until: i64,
}

/// A price at a moment, with a size.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Tick {
    /// As it is shown.
    pub(crate) at: Timestamp,
    /// The number of its five seconds in the day.
    pub(crate) slot: i64,
    pub(crate) price: Px,
    /// What is quoted, each side in its own way rounded; `None` where nobody bids or offers.
    pub(crate) sides: (Option<Px>, Option<Px>),
    /// Shares or coins traded.
    pub(crate) size: f64,
    /// Two draws from 1 to 10.
    pub(crate) depth: (u32, u32),
}

impl Day {
    /// Reads a day off its way; `known` is how long after the open it is known.
    pub(crate) fn new(
        listing: &Listing,
        session: Session,
        path: Path,
        seed: u64,
        slippage: SlippageRate,
        known: TimeDelta,
    ) -> Self {
        let around_the_clock = listing.is_crypto();
        let close = (session.close - session.open).num_milliseconds();
        let (from, to) = path.span();
        let span = (from.min(0), to.max(close));
        let until = known.num_milliseconds().clamp(span.0, span.1);
        let seed = seed_of(seed, listing.symbol().as_str(), session);
        let bars = listing.fine_day(session.date).map(|day| Arc::clone(day.bars()));
        let row = listing.row_of(session.date);
        let volume = row.and_then(|row| listing.volume(row)).unwrap_or_else(|| {
            let million = 1.0 + f64::from(ids::draw(seed, VOLUME).0) / f64::from(u32::MAX) * 4.0;
            million * if around_the_clock { 1e3 } else { 1e6 }
        });
        let traded = match &bars {
            Some(bars) if bars.iter().all(|bar| bar.volume.is_some()) => given(span, bars),
            Some(_) | None => spread(span, close, seed, volume),
        };
        let tick = listing.trade_tick();
        let shift = TimeDelta::zero();
        Self {
            session,
            shift,
            path,
            seed,
            tick,
            slippage,
            around_the_clock,
            span,
            bars,
            traded,
            until,
        }
    }

    /// How far the day is known, as it is shown.
    pub(crate) fn end(&self) -> Timestamp {
        self.stamp(self.until)
    }

    /// A moment of the day as it is shown.
    pub(crate) fn stamp(&self, at: i64) -> Timestamp {
        self.session.open + TimeDelta::milliseconds(at) + self.shift
    }

    /// A shown moment in milliseconds since the open.
    pub(crate) fn place(&self, shown: Timestamp) -> i64 {
        (shown - self.shift - self.session.open).num_milliseconds()
    }

    /// The first moment with a price, as it is shown.
    pub(crate) fn start(&self) -> Timestamp {
        self.stamp(self.span.0)
    }

    /// The place of the close.
    pub(crate) fn close(&self) -> i64 {
        (self.session.close - self.session.open).num_milliseconds()
    }

    /// How far the day is known, in milliseconds since the open.
    pub(crate) const fn known(&self) -> i64 {
        self.until
    }

    /// Whether all of it is known: nothing trades in it any more.
    pub(crate) const fn is_over(&self) -> bool {
        self.until >= self.span.1
    }

    /// The bar of what is known between two places; `None` if nothing is.
    pub(crate) fn bar(&self, from: i64, to: i64) -> Option<Candle> {
        let (from, to) = (from.max(self.span.0), to.min(self.until));
        if from >= to {
            return None;
        }
        let Some(bars) = &self.bars else { return Some(self.made(from, to)) };
        let first = bars.partition_point(|bar| bar.to <= from);
        let within = bars[first..].iter().take_while(|bar| bar.from < to);
        let pieces = within.map(|bar| {
            let is_whole = bar.from >= from && bar.to <= to;
            if is_whole { self.of(bar) } else { self.made(bar.from.max(from), bar.to.min(to)) }
        });
        pieces.reduce(|whole, piece| whole.then(&piece))
    }

    /// The last whole minute that is known and has a bar.
    pub(crate) fn last_minute(&self) -> Option<Candle> {
        let mut end = self.until.div_euclid(MINUTE) * MINUTE;
        while end > self.span.0 {
            if let Some(bar) = self.bar(end - MINUTE, end) {
                return Some(bar);
            }
            end -= MINUTE;
        }
        None
    }

    /// A bar of the data.
    fn of(&self, bar: &FineBar) -> Candle {
        let made = self.made(bar.from, bar.to);
        Candle {
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume.unwrap_or(made.volume),
            trades: bar.trades.unwrap_or(made.trades),
            mean: bar.mean.unwrap_or(made.mean).max(bar.low).min(bar.high),
            ..made
        }
    }

    /// A bar read off the way.
    fn made(&self, from: i64, to: i64) -> Candle {
        let slots = u64::try_from((to - from) / SLOT).unwrap_or_default();
        let high = self.on_grid(self.ends(from, to).fold(self.path.price_at(from), Px::max));
        let low = self.on_grid(self.ends(from, to).fold(self.path.price_at(from), Px::min));
        Candle {
            start: self.stamp(from),
            open: self.price(from),
            high,
            low,
            close: self.on_grid(self.path.price_before(to)),
            volume: self.volume_between(from, to),
            trades: slots.max(1),
            // The prices are on the grid; their mean stays among them.
            mean: self.mean(from, to).max(low).min(high),
        }
    }

    /// The trades from one place to another, both included, as far as they are known.
    pub(crate) fn trades(&self, from: i64, to: i64) -> impl DoubleEndedIterator<Item = Tick> + '_ {
        let slots = self.slots(from, to);
        slots.map(|slot| self.trade(slot)).filter(move |tick| {
            let place = self.place(tick.at);
            place >= from && place <= to.min(self.until) && tick.size > 0.0
        })
    }

    /// The quotes from one place to another, both included, as far as they are known.
    pub(crate) fn quotes(&self, from: i64, to: i64) -> impl DoubleEndedIterator<Item = Tick> + '_ {
        let slots = self.slots(from, to);
        slots.map(|slot| self.quote(slot)).filter(move |tick| {
            let place = self.place(tick.at);
            place >= from && place <= to.min(self.until)
        })
    }

    fn slots(&self, from: i64, to: i64) -> std::ops::Range<i64> {
        let last = self.until.min(self.span.1 - 1);
        from.max(self.span.0).div_euclid(SLOT)..to.min(last).div_euclid(SLOT) + 1
    }

    fn trade(&self, slot: i64) -> Tick {
        let (jitter, _) = self.drawn(slot, 2);
        let at = slot * SLOT + i64::from(jitter) % SLOT;
        let size = self.volume_between(slot * SLOT, (slot + 1) * SLOT);
        let (price, sides) = (self.price(at), self.sides(at));
        Tick { at: self.stamp(at), slot, price, sides, size, depth: (1, 1) }
    }

    fn quote(&self, slot: i64) -> Tick {
        let (bid, ask) = self.drawn(slot, 3);
        let at = slot * SLOT;
        let depth = (1 + bid % 10, 1 + ask % 10);
        let (price, sides) = (self.price(at), self.sides(at));
        Tick { at: self.stamp(at), slot, price, sides, size: 0.0, depth }
    }

    /// What the core quotes at a place.
    fn sides(&self, at: i64) -> (Option<Px>, Option<Px>) {
        let (mark, bar) = (self.path.price_at(at), self.path.bar_at(at));
        let side = |side| Some(self.slippage.within(mark, side, self.tick, bar));
        (side(Side::Sell), side(Side::Buy))
    }

    /// Draws for five seconds of the day; `kind` keeps them apart.
    fn drawn(&self, slot: i64, kind: u64) -> (u32, u32) {
        // Those before the open draw apart from those after it.
        let side = u64::from(slot < 0) << 60;
        ids::draw(self.seed, side | kind << 32 | slot.unsigned_abs())
    }

    /// The price at a place, on the grid of trades.
    pub(crate) fn price(&self, at: i64) -> Px {
        self.on_grid(self.path.price_at(at))
    }

    fn on_grid(&self, price: Px) -> Px {
        price.down_to(self.tick)
    }

    /// The prices at both ends of each part of the way that takes some of the time between two places.
    fn ends(&self, from: i64, to: i64) -> impl Iterator<Item = Px> + '_ {
        let takes = move |leg: &Leg| leg.from.max(from) < leg.to.min(to);
        let legs = self.path.legs(from, to).filter(takes);
        let cut = move |leg: Leg| [leg.price_at(from.max(leg.from)), leg.price_at(to.min(leg.to))];
        legs.flat_map(cut)
    }

    /// The mean of the way over time.
    fn mean(&self, from: i64, to: i64) -> Px {
        let mut mean = self.path.price_at(from);
        let mut passed = 0_i64;
        for leg in self.path.legs(from, to) {
            let (start, end) = (from.max(leg.from), to.min(leg.to));
            if start >= end {
                continue;
            }
            let part = between(leg.price_at(start), leg.price_at(end), 0.5);
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
            let share = (end - start) as f64 / (passed + end - start) as f64;
            mean = between(mean, part, share);
            passed += end - start;
        }
        mean
    }

    fn volume_between(&self, from: i64, to: i64) -> f64 {
        let unit = self.unit();
        ((self.volume_until(to) - self.volume_until(from)) * unit).round() / unit
    }

    /// Parts of a share or coin that are traded.
    const fn unit(&self) -> f64 {
        if self.around_the_clock { 1e8 } else { 1.0 }
    }

    /// What was traded before a place: whole shares, or coins to eight decimals.
    fn volume_until(&self, at: i64) -> f64 {
        let last = self.traded.len().saturating_sub(1);
        let passed = (at - self.span.0).max(0);
        let minute = usize::try_from(passed / MINUTE).unwrap_or_default().min(last);
        let (before, after) = (self.traded[minute], self.traded[(minute + 1).min(last)]);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a minute")]
        let part = (passed % MINUTE) as f64 / MINUTE as f64;
        let unit = self.unit();
        ((before + (after - before) * part) * unit).floor() / unit
    }
}

/// Minutes from the first place to the last one.
fn minutes((from, to): (i64, i64)) -> std::ops::Range<i64> {
    from.div_euclid(MINUTE)..(to + MINUTE - 1).div_euclid(MINUTE)
}

/// A volume spread over the minutes of a day by drawn weights, added up.
fn spread(span: (i64, i64), close: i64, seed: u64, volume: f64) -> Vec<f64> {
    let weight = |minute: i64| {
        let outside = minute < 0 || minute * MINUTE >= close;
        let key = minute.unsigned_abs() | u64::from(minute < 0) << 60;
        let drawn = FULL + ids::draw(seed, key).0 / 4_194_304;
        if outside { drawn / OUTSIDE } else { drawn }
    };
    let weights: Vec<u32> = minutes(span).map(weight).collect();
    let total: u32 = weights.iter().sum();
    let mut sum = 0_u32;
    let added = weights.into_iter().map(|weight| {
        sum += weight;
        volume * f64::from(sum) / f64::from(total.max(1))
    });
    std::iter::once(0.0).chain(added).collect()
}

/// The volumes of bars within the day, each spread evenly over its time, added up by minutes.
fn given(span: (i64, i64), bars: &[FineBar]) -> Vec<f64> {
    let mut traded = Vec::with_capacity(1024);
    let (mut next, mut before) = (0, 0.0);
    for minute in minutes(span) {
        let at = minute * MINUTE;
        while let Some(bar) = bars.get(next).filter(|bar| bar.to <= at) {
            before += bar.volume.unwrap_or_default();
            next += 1;
        }
        let within = bars.get(next).filter(|bar| bar.from < at).map_or(0.0, |bar| {
            #[expect(clippy::cast_precision_loss, reason = "milliseconds of a day")]
            let share = (at - bar.from) as f64 / (bar.to - bar.from) as f64;
            bar.volume.unwrap_or_default() * share
        });
        traded.push(before + within);
    }
    let rest = bars.get(next..).unwrap_or_default();
    traded.push(before + rest.iter().filter_map(|bar| bar.volume).sum::<f64>());
    traded
}

/// A seed for a symbol's day.
fn seed_of(seed: u64, symbol: &str, session: Session) -> u64 {
    let mut hash = seed;
    for byte in symbol.bytes() {
        let (high, low) = ids::draw(hash, u64::from(byte));
        hash = u64::from(high) << 32 | u64::from(low);
    }
    let (high, low) = ids::draw(hash, session.open.timestamp().unsigned_abs());
    u64::from(high) << 32 | u64::from(low)
}

/// The smallest weight of a minute; the largest is twice that.
const FULL: u32 = 1024;
/// What a minute's weight is divided by outside of regular hours.
const OUTSIDE: u32 = 64;
/// The number of the draw for a day's volume, beyond all minutes.
const VOLUME: u64 = 1 << 40;
