//! The way a price takes through a session that only a daily bar is known of.
//!
//! A bar says where the price opened, how far it went and where it closed, not in which order.
//! The venue takes one stated way:
//!
//! - during the opening phase the price stands at the open;
//! - the rest of the session has three equal parts, each a straight line: to the first extreme, to
//!   the second, to the close;
//! - the first extreme is the **low if the bar closed at or above its open**, otherwise the high.
//!
//! A bar without an open price stands at its close all session long. No price on the way lies
//! outside of the bar's range. Bars within the day (see the module `fine`) each have such a way of
//! their own, without an opening phase.

use std::sync::Arc;

use atlas_core::bars::Columns;
use atlas_core::calendar::Session;
use chrono::TimeDelta;

use super::Px;
use crate::Error;

/// One session's way, as straight parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    corners: Corners,
    /// Whether the day's own price may be shown before its close.
    is_visible: bool,
}

/// Corners in milliseconds since the open, with their prices, at least two, ascending in time. Two
/// at the same moment are a jump.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Corners {
    /// Those of a daily bar: five, and one more at either end where prices outside of regular hours
    /// are made; with whether the bar says its lowest and highest price.
    Daily { all: [(i64, Px); 7], first: u8, last: u8, has_range: bool },
    /// Those of bars within the day, with the lowest and highest price of each.
    Fine(Arc<[(i64, Px)]>, Arc<[Reach]>),
}

/// How far the price went in a bar within the day, in milliseconds since the open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) from: i64,
    pub(crate) to: i64,
    pub(crate) low: Px,
    pub(crate) high: Px,
}

/// A straight part of the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg {
    /// Milliseconds since the open at which it starts.
    pub(crate) from: i64,
    /// Milliseconds since the open at which it ends, not before the start.
    pub(crate) to: i64,
    /// Price at the start.
    pub(crate) start: Px,
    /// Price at the end.
    pub(crate) end: Px,
}

impl Path {
    /// The way of one row of a series through its session.
    pub(crate) fn new(
        columns: &Columns,
        row: usize,
        session: &Session,
        opening: TimeDelta,
    ) -> Result<Self, Error> {
        let at = |column: &[f64]| column.get(row).copied().map(Px::from_bar).transpose();
        let close = Px::from_bar(columns.close[row])?;
        let end = (session.close - session.open).num_milliseconds();
        let Some(open) = at(&columns.open)? else {
            return Ok(Self {
                is_visible: false,
                ..Self::daily([(0, close); 4], (end, close), false)
            });
        };
        let high = at(&columns.high)?.unwrap_or(open).max(open).max(close);
        let low = at(&columns.low)?.unwrap_or(open).min(open).min(close);
        let (first, second) = if close >= open { (low, high) } else { (high, low) };
        let still = opening.num_milliseconds().clamp(0, end);
        let third = (end - still) / 3;
        let corners =
            [(0, open), (still, open), (still + third, first), (still + 2 * third, second)];
        let has_range = !columns.high.is_empty() && !columns.low.is_empty();
        Ok(Self::daily(corners, (end, close), has_range))
    }

    const fn daily(c: [(i64, Px); 4], end: (i64, Px), has_range: bool) -> Self {
        let all = [c[0], c[0], c[1], c[2], c[3], end, end];
        Self { corners: Corners::Daily { all, first: 1, last: 5, has_range }, is_visible: true }
    }

    /// The way of bars within the day.
    pub(crate) const fn fine(corners: Arc<[(i64, Px)]>, reaches: Arc<[Reach]>) -> Self {
        Self { corners: Corners::Fine(corners, reaches), is_visible: true }
    }

    /// The lowest and highest price of the bar of a moment, up to and including its end; `None`
    /// where no bar says them: of a series of closes, outside of the hours a daily bar is of, and
    /// in a hole between bars.
    pub(crate) fn bar_at(&self, at: i64) -> Option<(Px, Px)> {
        match &self.corners {
            Corners::Daily { all, has_range, .. } => {
                let bar = &all[1..=5];
                let during = *has_range && at >= 0 && at <= bar[4].0;
                during.then(|| {
                    let start = (bar[0].1, bar[0].1);
                    bar.iter().fold(start, |(low, high), (_, px)| (low.min(*px), high.max(*px)))
                })
            }
            Corners::Fine(_, reaches) => {
                let next = reaches.partition_point(|bar| bar.from <= at);
                let bar = reaches[..next].last().filter(|bar| at <= bar.to);
                bar.map(|bar| (bar.low, bar.high))
            }
        }
    }

    /// The first moment from `from` up to `to` at which a bar begins, or goes on, whose prices are
    /// all among those that `fits` takes.
    pub(crate) fn bar_that(
        &self,
        from: i64,
        to: i64,
        fits: impl Fn((Px, Px)) -> bool,
    ) -> Option<i64> {
        if self.bar_at(from).is_some_and(&fits) {
            return Some(from);
        }
        let Corners::Fine(_, reaches) = &self.corners else { return None };
        let next = reaches.partition_point(|bar| bar.from <= from);
        let rest = reaches[next..].iter().take_while(|bar| bar.from <= to);
        rest.into_iter().find(|bar| fits((bar.low, bar.high))).map(|bar| bar.from)
    }

    /// The same with a straight part before the open, from a corner on, and one after the close, up
    /// to a corner; only of a daily bar.
    pub(crate) const fn between(mut self, early: (i64, Px), late: (i64, Px)) -> Self {
        if let Corners::Daily { all, first, last, .. } = &mut self.corners {
            (all[0], all[6]) = (early, late);
            (*first, *last) = (0, 6);
        }
        self
    }

    /// A way on which the price stands still for ever.
    pub(crate) const fn still(price: Px) -> Self {
        Self::daily([(0, price); 4], (i64::MAX / 2, price), false)
    }

    fn corners(&self) -> &[(i64, Px)] {
        match &self.corners {
            Corners::Daily { all, first, last, .. } => {
                &all[usize::from(*first)..=usize::from(*last)]
            }
            Corners::Fine(all, _) => all,
        }
    }

    /// From when to when there are prices, in milliseconds since the open.
    pub(crate) fn span(&self) -> (i64, i64) {
        let all = self.corners();
        let at = |corner: Option<&(i64, Px)>| corner.map_or(0, |(at, _)| *at);
        (at(all.first()), at(all.last()))
    }

    /// The lowest and highest price of a row; no price of its way is outside of them.
    pub(crate) fn bounds(columns: &Columns, row: usize) -> Result<(Px, Px), Error> {
        let at = |column: &[f64]| column.get(row).copied();
        let close = columns.close[row];
        let ends = [close, at(&columns.open).unwrap_or(close)];
        // Without an open there is no way: the price stands at the close.
        let has_open = !columns.open.is_empty();
        let low = at(&columns.low).filter(|_| has_open).into_iter().chain(ends);
        let high = at(&columns.high).filter(|_| has_open).into_iter().chain(ends);
        let low = low.fold(f64::INFINITY, f64::min);
        let high = high.fold(0.0, f64::max);
        Ok((Px::from_bar(low)?, Px::from_bar(high)?))
    }

    /// Whether the day's own price may be shown before its close: not for a series of closes.
    pub(crate) const fn is_visible(&self) -> bool {
        self.is_visible
    }

    /// The parts that overlap with the time from `from` to `to`, in order; a jump is a part that
    /// takes no time.
    pub(crate) fn legs(&self, from: i64, to: i64) -> impl Iterator<Item = Leg> + '_ {
        let all = self.corners();
        let first = match &self.corners {
            Corners::Daily { .. } => 0,
            Corners::Fine(all, _) => all.partition_point(|(at, _)| *at < from).saturating_sub(1),
        };
        let leg = |pair: &[(i64, Px)]| Leg {
            from: pair[0].0,
            to: pair[1].0,
            start: pair[0].1,
            end: pair[1].1,
        };
        all[first..]
            .windows(2)
            .map(leg)
            .take_while(move |leg| leg.from <= to)
            .filter(move |leg| leg.to >= from)
    }

    /// The lowest and highest price of the parts that overlap with the time from `from` to `to`.
    pub(crate) fn range(&self, from: i64, to: i64) -> (Px, Px) {
        let start = self.price_at(from);
        self.legs(from, to).fold((start, start), |(low, high), leg| {
            (low.min(leg.start).min(leg.end), high.max(leg.start).max(leg.end))
        })
    }

    /// The price at a moment, in milliseconds since the open: after a jump at that moment, the first
    /// one before there are prices, the last one after.
    pub(crate) fn price_at(&self, at: i64) -> Px {
        let leg = self.legs(at, at).last();
        leg.map_or_else(|| self.edge(at), |leg| leg.price_at(at))
    }

    /// The price just before a moment: before a jump at that moment.
    pub(crate) fn price_before(&self, at: i64) -> Px {
        let leg = self.legs(at, at).find(|leg| leg.from < at);
        leg.map_or_else(|| self.price_at(at), |leg| leg.price_at(at))
    }

    /// The price beyond either end.
    fn edge(&self, at: i64) -> Px {
        let all = self.corners();
        let is_before = all.first().is_some_and(|(first, _)| at < *first);
        let corner = if is_before { all.first() } else { all.last() };
        corner.map_or(Px::SMALLEST, |(_, price)| *price)
    }
}

impl Leg {
    /// The price at a moment within the leg, to a millionth of a dollar towards its start.
    pub(crate) fn price_at(&self, at: i64) -> Px {
        if at >= self.to {
            return self.end;
        }
        if at <= self.from {
            return self.start;
        }
        let rise = i128::from(self.end.nanos()) - i128::from(self.start.nanos());
        let moved = rise * i128::from(at - self.from) / i128::from(self.to - self.from);
        let moved = moved / STEP * STEP;
        // Between two prices, so it is one.
        let nanos = i128::from(self.start.nanos()) + moved;
        i64::try_from(nanos).ok().and_then(Px::from_nanos).unwrap_or(self.start)
    }

    /// The first moment from `from` on at which the price has reached `level` on its way down
    /// (`falling`) or up, and the price there; `None` if this leg does not get there.
    pub(crate) fn reaches(&self, level: Px, falling: bool, from: i64) -> Option<(i64, Px)> {
        let from = from.max(self.from);
        let passed = |price: Px| if falling { price <= level } else { price >= level };
        let here = self.price_at(from);
        if passed(here) {
            return Some((from, here));
        }
        if !passed(self.end) {
            return None;
        }
        // The line gets there: before `from` the price had not passed, at the end it has.
        let way = i128::from(level.nanos()) - i128::from(self.start.nanos());
        let rise = i128::from(self.end.nanos()) - i128::from(self.start.nanos());
        let span = i128::from(self.to - self.from);
        let after = (way * span + rise - rise.signum()) / rise;
        let at = self.from + i64::try_from(after).unwrap_or(self.to - self.from);
        Some((at.clamp(from, self.to), level))
    }
}

/// Prices on the way are multiples of a millionth of a dollar, counted from the leg's start.
const STEP: i128 = 1_000;

#[cfg(test)]
mod tests {
    use atlas_core::calendar::Calendar;

    use super::*;

    fn px(text: &str) -> Px {
        text.parse().unwrap()
    }

    fn path(open: f64, high: f64, low: f64, close: f64) -> Path {
        let columns = Columns {
            dates: vec!["2019-01-03".parse().unwrap()],
            open: vec![open],
            high: vec![high],
            low: vec![low],
            close: vec![close],
            ..Columns::default()
        };
        let session = Calendar::nyse().session("2019-01-03".parse().unwrap()).unwrap();
        Path::new(&columns, 0, &session, TimeDelta::minutes(30)).unwrap()
    }

    #[test]
    fn an_up_day_goes_down_first() {
        let path = path(100.0, 105.0, 98.0, 104.0);
        let minutes = |m: i64| path.price_at(m * 60_000);
        assert_eq!(minutes(0), px("100"));
        assert_eq!(minutes(30), px("100"));
        assert_eq!(minutes(150), px("98"));
        assert_eq!(minutes(270), px("105"));
        assert_eq!(minutes(390), px("104"));
        assert_eq!(minutes(90), px("99"));
    }

    #[test]
    fn a_down_day_goes_up_first() {
        assert_eq!(path(100.0, 105.0, 98.0, 99.0).price_at(150 * 60_000), px("105"));
    }

    #[test]
    fn a_level_is_met_once_on_the_way() {
        let path = path(100.0, 105.0, 98.0, 104.0);
        let end = 390 * 60_000;
        let met = path.legs(0, end).find_map(|leg| leg.reaches(px("99"), true, 0));
        assert_eq!(met, Some((90 * 60_000, px("99"))));
        let never = path.legs(0, end).find_map(|leg| leg.reaches(px("97.99"), true, 0));
        assert_eq!(never, None);
    }

    #[test]
    fn a_jump_takes_no_time() {
        let corners = [(0, "10"), (60, "11"), (60, "13"), (120, "12")];
        let path = Path::fine(corners.map(|(at, price)| (at, px(price))).into(), [].into());
        assert_eq!((path.price_before(60), path.price_at(60)), (px("11"), px("13")));
        assert_eq!((path.price_at(-1), path.price_at(121)), (px("10"), px("12")));
        assert_eq!(path.span(), (0, 120));
        let met = path.legs(0, 120).find_map(|leg| leg.reaches(px("12"), false, 0));
        assert_eq!(met, Some((60, px("13"))));
        assert_eq!(path.range(0, 59), (px("10"), px("11")));
    }

    #[test]
    fn prices_outside_of_regular_hours_join_on() {
        let path = path(100.0, 105.0, 98.0, 104.0);
        let path = path.between((-1000, px("99")), (390 * 60_000 + 1000, px("104.5")));
        assert_eq!((path.price_at(-500), path.price_at(0)), (px("99.5"), px("100")));
        assert_eq!(path.price_at(390 * 60_000), px("104"));
        assert_eq!(path.price_at(390 * 60_000 + 500), px("104.25"));
        assert_eq!(path.price_at(i64::MAX), px("104.5"));
    }

    #[test]
    fn a_series_of_closes_stands_still_and_is_not_shown() {
        let columns = Columns {
            dates: vec!["2019-01-03".parse().unwrap()],
            close: vec![12.345_678],
            ..Columns::default()
        };
        let session = Calendar::nyse().session("2019-01-03".parse().unwrap()).unwrap();
        let path = Path::new(&columns, 0, &session, TimeDelta::minutes(30)).unwrap();
        assert!(!path.is_visible());
        assert_eq!(path.price_at(0), px("12.345678"));
        assert_eq!(path.price_at(390 * 60_000), px("12.345678"));
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn never_outside_of_the_bar(
                low in 1_000_u32..1_000_000, a in 0_u32..10_000, b in 0_u32..10_000,
                c in 0_u32..10_000, at in 0_i64..23_400_000, level in 1_000_u32..1_010_000,
            ) {
                let cents = |units: u32| f64::from(units) / 100.0;
                let high = low + a.max(b).max(c);
                let path = path(cents(low + a), cents(high), cents(low), cents(low + b));
                let price = path.price_at(at);
                let edge = |units: u32| Px::from_bar(cents(units)).unwrap();
                prop_assert!(price >= edge(low) && price <= edge(high));
                for falling in [true, false] {
                    let end = 23_400_000;
                    let met = path.legs(at, end).find_map(|l| l.reaches(edge(level), falling, at));
                    if let Some((when, price)) = met {
                        prop_assert!(when >= at && when <= end);
                        prop_assert!(price >= edge(low) && price <= edge(high));
                    }
                }
            }
        }
    }
}
