//! Bars of the past: to warm strategies up, and to make up for what a gap has hidden.

use std::collections::BTreeMap;

use atlas_broker::market_data::{BarsRequest, MarketBar, Timeframe as Span};
use atlas_core::Symbol;
use atlas_core::time::Timestamp;
use atlas_engine::Event;
use atlas_engine::step::{BarClosed, History, Severity, Timeframe};
use chrono::TimeDelta;

use super::agenda::delta;
use super::bars::{Aggregator, Taken, ohlcv};
use super::run::{Brain, Trader};
use crate::error::Error;

/// Seconds of a day.
const DAY: u32 = 86_400;
/// Seconds of regular trading in the shortest session: what a half day has.
const SHORT_SESSION: i64 = 12_600;

impl<S: Brain> Trader<'_, '_, S> {
    /// Warms the strategies on a symbol up; without history they wait and open nothing.
    pub(super) async fn warm(
        &mut self,
        symbol: &Symbol,
        timeframe: Timeframe,
        bars: usize,
    ) -> Result<(), Error> {
        let now = self.session.now();
        let from = self.start_of(symbol, timeframe, bars, now)?;
        let closed = match self.closed_bars(symbol, timeframe, from, now).await? {
            Ok(closed) => closed,
            Err(why) => {
                let what = format!("{symbol} cannot be warmed up, its strategies wait: {why}");
                return self.incident(Severity::Warning, what);
            }
        };
        let Some(last_close) = closed.last().map(|bar| bar.closed_at) else {
            let what = format!("there is no history of {symbol}: its strategies begin cold");
            return self.incident(Severity::Warning, what);
        };
        if closed.len() < bars {
            let (have, span) = (closed.len(), timeframe.0);
            let what = format!("{symbol} has {have} bars of {span} s of {bars} to warm up on");
            self.incident(Severity::Notice, what)?;
        }
        let skip = closed.len().saturating_sub(bars.max(1).saturating_mul(WARMTH));
        let bars = closed.into_iter().skip(skip).map(|bar| bar.bar).collect();
        let symbol = symbol.clone();
        self.queue.first(Event::History(History { symbol, timeframe, last_close, bars }));
        Ok(())
    }

    /// Fetches the minutes of every symbol after its last one that ended by `now`, as if the stream had
    /// told them.
    pub(super) async fn catch_up(&mut self, now: Timestamp) -> Result<(), Error> {
        let mut oldest: BTreeMap<Symbol, Option<Timestamp>> = BTreeMap::new();
        let mut days = Vec::new();
        for ((symbol, timeframe), close) in self.engine()?.last_closes() {
            if timeframe.0 >= DAY {
                days.push((symbol, timeframe, close));
                continue;
            }
            let entry = oldest.entry(symbol).or_insert(close);
            *entry = (*entry).min(close);
        }
        for (symbol, close) in oldest {
            let Some(close) = close else { continue };
            let from = self
                .kept
                .bars
                .last(&symbol)
                .map_or(close, |last| (last + TimeDelta::minutes(1)).max(close));
            if now - from > delta(self.ground.settings.longest_gap) {
                self.warm_anew(&symbol, from, now).await?;
            } else {
                self.fetch_minutes(&symbol, from, now).await?;
            }
        }
        for (symbol, timeframe, close) in days {
            let Some(close) = close else { continue };
            if let Ok(bars) = self.closed_bars(&symbol, timeframe, close, now).await? {
                for bar in bars {
                    self.queue.market(Event::Bar(bar));
                }
            }
        }
        Ok(())
    }

    /// A gap too long to catch up on.
    async fn warm_anew(
        &mut self,
        symbol: &Symbol,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let hours = (now - from).num_hours();
        let what = format!("{symbol} has a gap of {hours} h: its strategies are warmed up anew");
        self.incident(Severity::Notice, what)?;
        self.kept.bars.restart(symbol, None);
        let wanted: Vec<_> = self
            .engine()?
            .warm_up()
            .filter(|(of, timeframe, _)| *of == symbol && timeframe.0 < DAY)
            .map(|(_, timeframe, bars)| (timeframe, bars))
            .collect();
        for (timeframe, bars) in spans(wanted) {
            self.warm(symbol, timeframe, bars).await?;
        }
        Ok(())
    }

    async fn fetch_minutes(
        &mut self,
        symbol: &Symbol,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<(), Error> {
        let minutes = match self.minutes(symbol, from, now).await {
            Ok(minutes) => minutes,
            Err(why) => {
                self.clock.gap = true;
                let what = format!("the missing minutes of {symbol} cannot be had: {why}");
                return self.incident(Severity::Warning, what);
            }
        };
        let mut closed = 0_usize;
        for bar in &minutes {
            let session = self.ground.calendar.session_at(bar.start)?;
            let taken = self.kept.bars.take(symbol, bar.start, &ohlcv(bar), session.as_ref());
            if let Taken::Closed(bars) = taken {
                closed += bars.len();
                self.report.bars += u64::try_from(bars.len()).unwrap_or_default();
                for bar in bars {
                    self.queue.market(Event::Bar(bar));
                }
            }
        }
        if closed == 0 {
            return Ok(());
        }
        let what = format!("{} missing minutes of {symbol} were caught up on", minutes.len());
        self.incident(Severity::Notice, what)
    }

    /// Complete minutes from an instant on.
    async fn minutes(
        &self,
        symbol: &Symbol,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<MarketBar>, String> {
        let end = now - TimeDelta::minutes(1);
        if end < from {
            return Ok(Vec::new());
        }
        self.ask_bars(symbol, Span::Minutes(1), from, end).await
    }

    async fn ask_bars(
        &self,
        symbol: &Symbol,
        timeframe: Span,
        start: Timestamp,
        end: Timestamp,
    ) -> Result<Vec<MarketBar>, String> {
        let request = BarsRequest { symbols: vec![symbol.clone()], timeframe, start, end };
        let bars = self.ground.history.bars(&request).await;
        Ok(bars.map_err(|error| error.to_string())?.remove(symbol).unwrap_or_default())
    }

    /// Bars of a span that closed after `from` and by `now`.
    async fn closed_bars(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Result<Vec<BarClosed>, String>, Error> {
        if timeframe.0 >= DAY {
            return self.closed_days(symbol, timeframe, from, now).await;
        }
        let minutes = match self.minutes(symbol, from, now).await {
            Ok(minutes) => minutes,
            Err(why) => return Ok(Err(why)),
        };
        let mut bars = Aggregator::new([(symbol.clone(), timeframe)]);
        let mut closed = Vec::new();
        for bar in &minutes {
            let session = self.ground.calendar.session_at(bar.start)?;
            if let Taken::Closed(more) = bars.take(symbol, bar.start, &ohlcv(bar), session.as_ref())
            {
                closed.extend(more);
            }
        }
        closed.extend(bars.close_until(now));
        Ok(Ok(closed))
    }

    async fn closed_days(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        from: Timestamp,
        now: Timestamp,
    ) -> Result<Result<Vec<BarClosed>, String>, Error> {
        let days = match self.ask_bars(symbol, Span::Day, from, now).await {
            Ok(days) => days,
            Err(why) => return Ok(Err(why)),
        };
        let mut closed = Vec::new();
        for bar in &days {
            let closed_at = if symbol.is_crypto() {
                bar.start + TimeDelta::days(1)
            } else {
                // A daily bar is stamped with the midnight its session's day begins at.
                self.ground.calendar.session((bar.start + TimeDelta::hours(12)).date_naive())?.close
            };
            if from < closed_at && closed_at <= now {
                let (symbol, bar) = (symbol.clone(), ohlcv(bar));
                closed.push(BarClosed { symbol, timeframe, closed_at, bar });
            }
        }
        Ok(Ok(closed))
    }

    /// An instant from which on there are so many bars, by the calendar.
    fn start_of(
        &self,
        symbol: &Symbol,
        timeframe: Timeframe,
        bars: usize,
        now: Timestamp,
    ) -> Result<Timestamp, Error> {
        let bars = i64::try_from(bars.saturating_mul(WARMTH)).unwrap_or(i64::MAX);
        let seconds = i64::from(timeframe.0).saturating_mul(bars);
        if symbol.is_crypto() {
            return Ok(now - TimeDelta::seconds(seconds.saturating_add(i64::from(timeframe.0))));
        }
        let a_session = if timeframe.0 >= DAY { i64::from(DAY) } else { SHORT_SESSION };
        let sessions = seconds / a_session + 2;
        let calendar = self.ground.calendar;
        let mut day = calendar.last_closed(now)?;
        for _ in 0..sessions {
            day = calendar.previous_session(day.date)?;
        }
        Ok(day.open)
    }
}

/// Each span once, with the most bars that any strategy needs.
pub(super) fn spans(wanted: Vec<(Timeframe, usize)>) -> BTreeMap<Timeframe, usize> {
    let mut all = BTreeMap::new();
    for (timeframe, bars) in wanted {
        let most: &mut usize = all.entry(timeframe).or_default();
        *most = (*most).max(bars);
    }
    all
}

/// How many times the bars that strategies need at least they are warmed up on: averages that never
/// forget settle within that.
const WARMTH: usize = 4;
