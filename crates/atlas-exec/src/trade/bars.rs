//! Bars of any span from one-minute bars, causally.
//!
//! - Spans are aligned to the clock in UTC: an hour's bar begins at the full hour. A stock's bar ends
//!   at the session's close at the latest, and only minutes of regular trading count.
//! - A bar is closed by the minute that completes it, else by the first minute after it, else by the
//!   clock some seconds after its end. A minute without a trade is missing, not filled in.
//! - **Late data.** A minute that is not after the last one of its symbol is late: it is told of and
//!   left out. So is one whose bar the clock has closed. What was decided on is never revised.

use atlas_broker::market_data::MarketBar;
use atlas_core::Symbol;
use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use atlas_engine::step::{BarClosed, Timeframe};
use atlas_strategy::indicator::Ohlcv;
use chrono::{DateTime, TimeDelta};
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

/// Seconds of a bar that comes in.
const MINUTE: i64 = 60;

/// Bars that are being put together, by symbol.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Aggregator {
    /// By symbol, ascending.
    series: Vec<Series>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Series {
    symbol: Symbol,
    /// Start of the last minute taken in.
    last: Option<Timestamp>,
    spans: Vec<Span>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Span {
    timeframe: Timeframe,
    /// The end of the last bar closed.
    closed: Option<Timestamp>,
    building: Option<Building>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Building {
    ends: Timestamp,
    bar: Ohlcv,
}

/// What became of a minute.
#[derive(Debug, Clone, PartialEq)]
pub enum Taken {
    /// It counts; these bars closed by it, in the order of their ends.
    Closed(Vec<BarClosed>),
    /// It came after a later one, or after its bar was closed.
    Late,
    /// It is not of regular trading.
    Outside,
    /// Nobody watches the symbol.
    Unwatched,
}

impl Aggregator {
    /// For symbols and the spans that are wanted of each.
    pub fn new(wanted: impl IntoIterator<Item = (Symbol, Timeframe)>) -> Self {
        let mut new = Self::default();
        for (symbol, timeframe) in wanted {
            let at = match new.series.binary_search_by(|series| series.symbol.cmp(&symbol)) {
                Ok(at) => at,
                Err(at) => {
                    new.series.insert(at, Series { symbol, last: None, spans: Vec::new() });
                    at
                }
            };
            let spans = &mut new.series[at].spans;
            if spans.iter().all(|span| span.timeframe != timeframe) {
                spans.push(Span { timeframe, closed: None, building: None });
                spans.sort_by_key(|span| span.timeframe);
            }
        }
        new
    }

    /// Takes in the minute that starts at `start`; `session` is the stock exchange's at that moment.
    pub fn take(
        &mut self,
        symbol: &Symbol,
        start: Timestamp,
        bar: &Ohlcv,
        session: Option<&Session>,
    ) -> Taken {
        let Ok(at) = self.series.binary_search_by(|series| series.symbol.cmp(symbol)) else {
            return Taken::Unwatched;
        };
        let crypto = symbol.is_crypto();
        let close = session.filter(|session| session.is_open_at(start)).map(|s| s.close);
        if !crypto && close.is_none() {
            return Taken::Outside;
        }
        let series = &mut self.series[at];
        let late = |span: &Span| span.closed.is_some_and(|closed| start < closed);
        if series.last.is_some_and(|last| start <= last) || series.spans.iter().all(late) {
            return Taken::Late;
        }
        series.last = Some(start);
        let mut closed = Vec::new();
        for span in &mut series.spans {
            span.take(symbol, start, bar, close.filter(|_| !crypto), &mut closed);
        }
        closed.sort_by_key(|bar| (bar.closed_at, bar.timeframe));
        Taken::Closed(closed)
    }

    /// Closes every bar that ended at `until` or before, by symbol, then end.
    pub fn close_until(&mut self, until: Timestamp) -> Vec<BarClosed> {
        let mut closed = Vec::new();
        for series in &mut self.series {
            for span in &mut series.spans {
                if span.building.is_some_and(|building| building.ends <= until) {
                    span.close(&series.symbol, &mut closed);
                }
            }
        }
        closed
    }

    /// When the next bar ends that is being put together.
    #[must_use]
    pub fn next_end(&self) -> Option<Timestamp> {
        let spans = self.series.iter().flat_map(|series| &series.spans);
        spans.filter_map(|span| span.building.map(|building| building.ends)).min()
    }

    /// Start of the last minute taken in of a symbol.
    #[must_use]
    pub fn last(&self, symbol: &Symbol) -> Option<Timestamp> {
        let at = self.series.binary_search_by(|series| series.symbol.cmp(symbol)).ok()?;
        self.series[at].last
    }

    /// Forgets what is being put together of a symbol, and begins anew after `last`.
    pub fn restart(&mut self, symbol: &Symbol, last: Option<Timestamp>) {
        if let Ok(at) = self.series.binary_search_by(|series| series.symbol.cmp(symbol)) {
            let series = &mut self.series[at];
            series.last = series.last.max(last);
            series.spans.iter_mut().for_each(|span| span.building = None);
        }
    }
}

impl Span {
    fn take(
        &mut self,
        symbol: &Symbol,
        start: Timestamp,
        bar: &Ohlcv,
        close: Option<Timestamp>,
        closed: &mut Vec<BarClosed>,
    ) {
        let ends = end_of(start, self.timeframe, close);
        if self.closed.is_some_and(|closed| start < closed) {
            return;
        }
        if self.building.is_some_and(|building| building.ends < ends) {
            self.close(symbol, closed);
        }
        match &mut self.building {
            Some(building) => merge(&mut building.bar, bar),
            None => self.building = Some(Building { ends, bar: *bar }),
        }
        if start + TimeDelta::seconds(MINUTE) >= ends {
            self.close(symbol, closed);
        }
    }

    fn close(&mut self, symbol: &Symbol, closed: &mut Vec<BarClosed>) {
        if let Some(Building { ends, bar }) = self.building.take() {
            self.closed = Some(ends);
            let (symbol, timeframe) = (symbol.clone(), self.timeframe);
            closed.push(BarClosed { symbol, timeframe, closed_at: ends, bar });
        }
    }
}

/// The end of the span an instant is in.
fn end_of(start: Timestamp, timeframe: Timeframe, close: Option<Timestamp>) -> Timestamp {
    let span = i64::from(timeframe.0).max(1);
    let from = start.timestamp().div_euclid(span).saturating_mul(span);
    let ends = DateTime::from_timestamp(from.saturating_add(span), 0).unwrap_or(start);
    close.map_or(ends, |close| ends.min(close))
}

fn merge(bar: &mut Ohlcv, next: &Ohlcv) {
    bar.high = bar.high.max(next.high);
    bar.low = bar.low.min(next.low);
    bar.close = next.close;
    bar.volume += next.volume;
}

/// A bar of exact numbers as strategies see it.
#[must_use]
pub fn ohlcv(bar: &MarketBar) -> Ohlcv {
    Ohlcv {
        open: bar.open.to_f64(),
        high: bar.high.to_f64(),
        low: bar.low.to_f64(),
        close: bar.close.to_f64(),
        // What is no number is found impossible by whoever takes the bar in.
        volume: bar.volume.value().to_f64().unwrap_or(f64::NAN),
    }
}

#[cfg(test)]
mod tests {
    use atlas_core::calendar::Calendar;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn flat(price: f64) -> Ohlcv {
        Ohlcv { open: price, high: price, low: price, close: price, volume: 1.0 }
    }

    fn session() -> Session {
        Calendar::nyse().session("2024-02-20".parse().unwrap()).unwrap()
    }

    fn closes(taken: &Taken) -> Vec<(u32, String, f64)> {
        let Taken::Closed(bars) = taken else { panic!("{taken:?}") };
        let of = |bar: &BarClosed| (bar.timeframe.0, bar.closed_at.to_string(), bar.bar.volume);
        bars.iter().map(of).collect()
    }

    #[test]
    fn minutes_make_bars_and_late_ones_are_left_out() {
        let spy: Symbol = "SPY".parse().unwrap();
        let wanted = [60, 300].map(|span| (spy.clone(), Timeframe(span)));
        let mut bars = Aggregator::new(wanted);
        let session = session();
        let mut take = |time: &str| {
            bars.take(&spy, at(&format!("2024-02-20T{time}:00Z")), &flat(1.0), Some(&session))
        };
        assert_eq!(take("14:29"), Taken::Outside);
        assert_eq!(closes(&take("14:30")), [(60, "2024-02-20 14:31:00 UTC".into(), 1.0)]);
        assert_eq!(closes(&take("14:32")).len(), 1);
        assert_eq!(take("14:31"), Taken::Late);
        assert_eq!(take("14:32"), Taken::Late);
        // The five minutes end with the first minute after them; one of them is missing.
        let closed = closes(&take("14:35"));
        assert_eq!(closed[0], (300, "2024-02-20 14:35:00 UTC".into(), 2.0));
        assert_eq!(take("21:00"), Taken::Outside);
        assert_eq!(closes(&take("20:59")).len(), 3, "the last minute closes all there is");
    }

    #[test]
    fn the_clock_closes_what_no_minute_completes() {
        let btc: Symbol = "BTC/USD".parse().unwrap();
        let mut bars = Aggregator::new([(btc.clone(), Timeframe(3_600))]);
        let minute = at("2019-01-01T10:05:00Z");
        assert_eq!(bars.take(&btc, minute, &flat(2.0), None), Taken::Closed(Vec::new()));
        assert_eq!(bars.next_end(), Some(at("2019-01-01T11:00:00Z")));
        assert!(bars.close_until(at("2019-01-01T10:59:59Z")).is_empty());
        assert_eq!(bars.close_until(at("2019-01-01T11:00:05Z")).len(), 1);
        assert_eq!(bars.take(&btc, at("2019-01-01T10:59:00Z"), &flat(2.0), None), Taken::Late);
        let eth: Symbol = "ETH/USD".parse().unwrap();
        assert_eq!(bars.take(&eth, minute, &flat(2.0), None), Taken::Unwatched);
    }

    proptest! {
        /// Bars up to a moment do not depend on minutes after it, and no volume is lost.
        #[test]
        fn bars_are_causal_and_complete(minutes in proptest::collection::btree_set(0_i64..600, 1..80)) {
            let btc: Symbol = "BTC/USD".parse().unwrap();
            let wanted = [60, 300, 3_600].map(|span| (btc.clone(), Timeframe(span)));
            let base = at("2019-01-01T00:00:00Z");
            let run = |minutes: &[i64]| {
                let mut bars = Aggregator::new(wanted.clone());
                let mut all = Vec::new();
                for minute in minutes {
                    let start = base + TimeDelta::minutes(*minute);
                    if let Taken::Closed(closed) = bars.take(&btc, start, &flat(1.0), None) {
                        prop_assert!(closed.iter().all(|b| b.closed_at <= start + TimeDelta::minutes(1)));
                        all.extend(closed);
                    }
                }
                Ok((all, bars.close_until(base + TimeDelta::days(1))))
            };
            let minutes: Vec<i64> = minutes.into_iter().collect();
            let (whole, rest) = run(&minutes)?;
            let (part, _) = run(&minutes[..minutes.len() / 2])?;
            prop_assert_eq!(&whole[..part.len()], &part[..]);
            for span in [60, 300, 3_600] {
                let of = |bars: &[BarClosed]| -> f64 {
                    bars.iter().filter(|b| b.timeframe.0 == span).map(|b| b.bar.volume).sum()
                };
                let volume = of(&whole) + of(&rest);
                prop_assert!((volume - minutes.len().to_f64().unwrap()).abs() < 1e-9);
            }
        }
    }
}
