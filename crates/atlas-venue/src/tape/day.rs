//! One day of one symbol.

use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

use super::candle::between;
use super::{Candle, MINUTE, SLOT};
use crate::core::ids;
use crate::core::{Leg, Listing, Path, Px};

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
    around_the_clock: bool,
    /// Weights of the minutes before each minute, added up; the last one is their sum.
    weights: Vec<u32>,
    volume: f64,
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
        known: TimeDelta,
    ) -> Self {
        let around_the_clock = listing.is_crypto();
        let length = (session.close - session.open).num_milliseconds();
        let until = known.num_milliseconds().clamp(0, length);
        let seed = seed_of(seed, listing.symbol().as_str(), session);
        let minutes = u64::try_from(length / MINUTE).unwrap_or_default();
        let weights = (0..minutes).scan(0, |sum, minute| {
            *sum += FULL + ids::draw(seed, minute).0 / 4_194_304;
            Some(*sum)
        });
        let weights: Vec<u32> = std::iter::once(0).chain(weights).collect();
        let row = listing.row_of(session.date);
        let volume = row.and_then(|row| listing.volume(row)).unwrap_or_else(|| {
            let million = 1.0 + f64::from(ids::draw(seed, VOLUME).0) / f64::from(u32::MAX) * 4.0;
            million * if around_the_clock { 1e3 } else { 1e6 }
        });
        let tick = listing.trade_tick();
        let shift = TimeDelta::zero();
        Self { session, shift, path, seed, tick, around_the_clock, weights, volume, until }
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

    /// The bar of what is known between two places; `None` if nothing is.
    pub(crate) fn bar(&self, from: i64, to: i64) -> Option<Candle> {
        let (from, to) = (from.max(0), to.min(self.until));
        if from >= to {
            return None;
        }
        let volume = self.volume_between(from, to);
        let slots = u64::try_from((to - from) / SLOT).unwrap_or_default();
        Some(Candle {
            start: self.stamp(from),
            open: self.price(from),
            high: self.on_grid(self.highest(from, to)),
            low: self.on_grid(self.lowest(from, to)),
            close: self.price(to),
            volume,
            trades: slots.max(1),
            mean: self.mean(from, to),
        })
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
        let last = self.until.min((self.session.close - self.session.open).num_milliseconds() - 1);
        from.max(0) / SLOT..to.min(last).div_euclid(SLOT) + 1
    }

    fn trade(&self, slot: i64) -> Tick {
        let (jitter, _) = self.drawn(slot, 2);
        let at = slot * SLOT + i64::from(jitter) % SLOT;
        let size = self.volume_between(slot * SLOT, (slot + 1) * SLOT);
        Tick { at: self.stamp(at), slot, price: self.price(at), size, depth: (1, 1) }
    }

    fn quote(&self, slot: i64) -> Tick {
        let (bid, ask) = self.drawn(slot, 3);
        let at = slot * SLOT;
        let depth = (1 + bid % 10, 1 + ask % 10);
        Tick { at: self.stamp(at), slot, price: self.price(at), size: 0.0, depth }
    }

    /// Draws for five seconds of the day; `kind` keeps them apart.
    fn drawn(&self, slot: i64, kind: u64) -> (u32, u32) {
        ids::draw(self.seed, kind << 32 | slot.unsigned_abs())
    }

    /// The price at a place, on the grid of trades.
    pub(crate) fn price(&self, at: i64) -> Px {
        self.on_grid(self.path.price_at(at))
    }

    fn on_grid(&self, price: Px) -> Px {
        Px::from_nanos(price.nanos() / self.tick * self.tick).unwrap_or(price)
    }

    fn ends(&self, from: i64, to: i64) -> impl Iterator<Item = Px> + '_ {
        let legs = self.path.legs(from, to);
        let cut = move |leg: Leg| [leg.price_at(from.max(leg.from)), leg.price_at(to.min(leg.to))];
        legs.flat_map(cut)
    }

    fn highest(&self, from: i64, to: i64) -> Px {
        let start = self.path.price_at(from);
        self.ends(from, to).fold(start, Px::max)
    }

    fn lowest(&self, from: i64, to: i64) -> Px {
        let start = self.path.price_at(from);
        self.ends(from, to).fold(start, Px::min)
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
        let last = self.weights.len().saturating_sub(1);
        let minute = usize::try_from(at / MINUTE).unwrap_or_default().min(last);
        let (before, after) = (self.weights[minute], self.weights[(minute + 1).min(last)]);
        let total = self.weights[last].max(1);
        #[expect(clippy::cast_precision_loss, reason = "milliseconds of a minute")]
        let part = (at % MINUTE) as f64 / MINUTE as f64;
        let weight = f64::from(before) + f64::from(after - before) * part;
        let volume = self.volume * weight / f64::from(total);
        let unit = self.unit();
        (volume * unit).floor() / unit
    }
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
/// The number of the draw for a day's volume, beyond all minutes.
const VOLUME: u64 = 1 << 40;
