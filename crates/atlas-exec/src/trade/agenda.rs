//! What the clock brings: sessions, timers, ends of bars, and what is wrong with the clock itself.

use std::time::Duration;

use atlas_broker::market_data::{BarKind, DataEvent};
use atlas_core::time::Timestamp;
use atlas_engine::Event;
use atlas_engine::step::{Command, Severity};
use chrono::TimeDelta;

use super::bars::{Taken, ohlcv};
use super::run::{Brain, Trader};
use crate::error::Error;

/// What the shell knows of time.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "three troubles that do not exclude each other")]
pub(super) struct Watch {
    /// The last look at the clock.
    seen: Timestamp,
    /// How long was to be waited since, at most.
    waited: Duration,
    /// The last look at the broker.
    pub(super) looked: Timestamp,
    /// The last word of the data stream.
    heard: Timestamp,
    /// Whether the clock went back and that was told.
    behind: bool,
    /// Whether minutes may be missing.
    pub(super) gap: bool,
    /// Whether the stream was found silent and that was told.
    silent: bool,
}

impl Watch {
    pub(super) const fn at(now: Timestamp) -> Self {
        Self {
            seen: now,
            waited: Duration::ZERO,
            looked: now,
            heard: now,
            behind: false,
            gap: true,
            silent: false,
        }
    }

    pub(super) const fn waited(&mut self, wait: Duration) {
        self.waited = wait;
    }
}

impl<S: Brain> Trader<'_, '_, S> {
    /// Everything that is due by the clock.
    pub(super) async fn by_clock(&mut self) -> Result<(), Error> {
        let now = self.session.now();
        self.check_clock(now)?;
        self.session.take_commands()?;
        self.session.take_note_of_fence()?;
        self.heed_state();
        self.change_day(now).await?;
        self.look_if_due(false).await?;
        if self.regime_due {
            self.ask_regime(now).await?;
        }
        self.close_bars(now - delta(self.ground.settings.grace));
        let due = self.kept.wakes.first().is_some_and(|at| *at <= now);
        if due {
            self.kept.wakes.retain(|at| *at > now);
            self.queue.first(Event::Timer);
        }
        self.check_silence(now)
    }

    /// A clock that moved on by itself, or back.
    fn check_clock(&mut self, now: Timestamp) -> Result<(), Error> {
        let Watch { seen, waited, behind, .. } = self.clock;
        (self.clock.seen, self.clock.waited) = (seen.max(now), Duration::ZERO);
        if now < seen {
            if !behind {
                self.clock.behind = true;
                let what =
                    format!("the clock went back from {seen} to {now}: time stands until then");
                self.incident(Severity::Warning, what)?;
            }
            return Ok(());
        }
        self.clock.behind = false;
        let beyond = now - seen - delta(waited);
        if beyond > delta(self.ground.settings.jump) {
            self.clock.gap = true;
            // The broker is asked before anything else is done.
            self.clock.looked = Timestamp::default();
            self.context = None;
            let seconds = beyond.num_seconds();
            let what = format!(
                "{seconds} s passed unseen until {now}: the clock jumped or the machine slept"
            );
            self.incident(Severity::Warning, what)?;
        }
        Ok(())
    }

    /// Tells the engine of sessions that ended and began.
    async fn change_day(&mut self, now: Timestamp) -> Result<(), Error> {
        if let Some(day) = self.day.filter(|day| now >= day.close) {
            // Bars that end with the session belong to it.
            self.close_bars(day.close);
            self.work_boxed().await?;
            self.day = None;
            self.queue.first(Event::SessionClose { date: day.date });
        }
        if self.day.is_some() {
            return Ok(());
        }
        if let Some(day) = self.ground.calendar.session_at(now)? {
            self.session.begin_trading_day(day.open)?;
            self.ask_regime(now).await?;
            self.told.retain(|_, order| !order.status().is_terminal());
            self.day = Some(day);
            self.queue.first(Event::SessionOpen(day));
        }
        Ok(())
    }

    /// Closes bars by the clock; while minutes are missing none is, since it would not be complete.
    fn close_bars(&mut self, until: Timestamp) {
        if self.clock.gap {
            return;
        }
        for bar in self.kept.bars.close_until(until) {
            self.report.bars += 1;
            self.queue.market(Event::Bar(bar));
        }
    }

    async fn work_boxed(&mut self) -> Result<(), Error> {
        Box::pin(self.work()).await
    }

    /// The regime of the moment; without one nothing is opened.
    pub(super) async fn ask_regime(&mut self, now: Timestamp) -> Result<(), Error> {
        match self.ground.regimes.regime(now).await {
            Ok(regime) => {
                self.regime = Some(regime);
                self.queue.first(Event::Regime(regime));
                if std::mem::take(&mut self.regime_due) {
                    self.incident(
                        Severity::Notice,
                        format!("the regime is known again: {regime}"),
                    )?;
                    self.heeded = crate::states::TradingState::Active;
                    self.queue.first(Event::Command(Command::Resume));
                    self.heed_state();
                }
            }
            Err(why) => {
                self.regime = None;
                if !self.regime_due {
                    self.regime_due = true;
                    let what = format!("there is no regime, so nothing is opened: {why}");
                    self.incident(Severity::Warning, what)?;
                    self.queue.first(Event::Command(Command::Reduce));
                }
            }
        }
        Ok(())
    }

    /// A stream that says nothing while something that is watched trades.
    fn check_silence(&mut self, now: Timestamp) -> Result<(), Error> {
        let crypto = self.engine()?.symbols().any(atlas_core::Symbol::is_crypto);
        let since = match (crypto, self.day) {
            (true, _) => self.clock.heard,
            (false, Some(day)) => self.clock.heard.max(day.open),
            (false, None) => return Ok(()),
        };
        let quiet = now - since;
        if quiet > delta(self.ground.settings.silence) && !self.clock.silent {
            (self.clock.silent, self.clock.gap) = (true, true);
            let what = format!("the data stream has said nothing for {} s", quiet.num_seconds());
            self.incident(Severity::Warning, what)?;
        }
        Ok(())
    }

    /// Takes in one event of the data stream.
    pub(super) async fn hear(
        &mut self,
        event: Result<DataEvent, atlas_broker::Error>,
    ) -> Result<(), Error> {
        let event = match event {
            Ok(event) => event,
            Err(
                error @ (atlas_broker::Error::Auth { .. } | atlas_broker::Error::Refused { .. }),
            ) => {
                return Err(Error::Broker { doing: "listen to market data", source: error });
            }
            Err(error) => DataEvent::Lost(error),
        };
        if let DataEvent::Lost(error) = event {
            self.clock.gap = true;
            return self.incident(Severity::Warning, format!("the data stream was lost: {error}"));
        }
        self.clock.heard = self.session.now();
        if std::mem::take(&mut self.clock.silent) {
            self.incident(Severity::Notice, "the data stream speaks again".to_owned())?;
        }
        // A minute that comes shows up to where others are missing.
        if self.clock.gap
            && let DataEvent::Bar { kind: BarKind::Minute, bar, .. } = &event
        {
            self.clock.gap = false;
            self.catch_up(bar.start).await?;
        }
        match event {
            DataEvent::Quote(quote) => self.queue.market(Event::Quote(quote)),
            DataEvent::Trade { symbol, trade } => {
                self.queue.market(Event::Trade { symbol, price: trade.price });
            }
            DataEvent::Bar { symbol, kind: BarKind::Minute, bar } => {
                let taken =
                    self.kept.bars.take(&symbol, bar.start, &ohlcv(&bar), self.day.as_ref());
                self.note_taken(&symbol, bar.start, taken)?;
            }
            // A bar that was decided on is not revised; the session's bar comes with its close.
            DataEvent::Bar { kind: BarKind::Updated | BarKind::Daily, .. }
            | DataEvent::Connected => {}
            other @ (DataEvent::Lost(_) | _) => tracing::debug!(?other, "nothing to take in"),
        }
        Ok(())
    }

    pub(super) fn note_taken(
        &mut self,
        symbol: &atlas_core::Symbol,
        start: Timestamp,
        taken: Taken,
    ) -> Result<(), Error> {
        match taken {
            Taken::Closed(bars) => {
                for bar in bars {
                    self.report.bars += 1;
                    self.queue.market(Event::Bar(bar));
                }
                Ok(())
            }
            Taken::Late => {
                self.report.late += 1;
                let what =
                    format!("the minute {start} of {symbol} came late or twice, and is left out");
                self.incident(Severity::Notice, what)
            }
            Taken::Unwatched => {
                self.incident(Severity::Notice, format!("a bar of {symbol}, which nobody watches"))
            }
            Taken::Outside => Ok(()),
        }
    }
}

pub(super) fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX)
}
