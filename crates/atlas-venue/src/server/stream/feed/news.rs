//! What the clock has passed between two moments.

use atlas_core::time::Timestamp;
use chrono::TimeDelta;
use serde_json::{Value, json};

use super::super::super::data::{Market, bar, quote, trade};
use super::super::super::wire::stamp;
use super::subscription::Subscription;
use crate::Error;
use crate::core::View;
use crate::tape::{Candle, Day, Days, MINUTE};

/// All a client wants to hear of what happened after `from` up to `to`, in the order of happening;
/// `newest` is where the clock stands, if this is a part of what it has passed.
pub(super) fn between(
    view: &View,
    wishes: &Subscription,
    (from, to): (Timestamp, Timestamp),
    newest: Timestamp,
) -> Result<Vec<Value>, Error> {
    let mut all = Vec::new();
    for (name, listing) in wishes.listings(view.listings()) {
        let days = Days::at(view, listing, to)?;
        let mut story = Story { wishes, name: &name, told: Vec::new() };
        for row in days.row_at(from)..days.len() {
            let Some(day) = days.day(row)? else { continue };
            let place = |moment: Timestamp| (moment - day.session.open).num_milliseconds();
            let (after, until) = (place(from), place(to));
            story.ticks(&day, after.max(place(newest) - TICKS_FOR), until);
            story.bars(&day, || days.daily(row), after, until)?;
            story.statuses(&day, after, until);
        }
        all.append(&mut story.told);
    }
    all.sort_by_key(|(at, _)| *at);
    Ok(all.into_iter().map(|(_, message)| message).collect())
}

/// What happened to one symbol.
struct Story<'a> {
    wishes: &'a Subscription,
    name: &'a str,
    told: Vec<(Timestamp, Value)>,
}

impl Story<'_> {
    fn add(&mut self, at: Timestamp, kind: &str, mut message: Value) {
        message["T"] = json!(kind);
        message["S"] = json!(self.name);
        self.told.push((at, message));
    }

    /// Trades and quotes; of a long time the caller asks for the last ones alone, for nobody can act
    /// on the others.
    fn ticks(&mut self, day: &Day, after: i64, until: i64) {
        let market = self.wishes.market;
        if self.wishes.wants("trades", self.name) {
            for tick in day.trades(after + 1, until) {
                self.add(tick.at, "t", trade(&tick, market));
            }
        }
        let (quotes, books) =
            (self.wishes.wants("quotes", self.name), self.wishes.wants("orderbooks", self.name));
        if !quotes && !books {
            return;
        }
        for tick in day.quotes(after + 1, until) {
            let made = quote(&tick, market);
            if books {
                let side = |price: &str, size: &str| json!([{ "p": made[price], "s": made[size] }]);
                let book = json!({
                    "t": made["t"], "b": side("bp", "bs"), "a": side("ap", "as"), "r": true,
                });
                self.add(tick.at, "o", book);
            }
            if quotes {
                self.add(tick.at, "q", made);
            }
        }
    }

    /// The minutes that have ended, and with each the day so far.
    fn bars(
        &mut self,
        day: &Day,
        daily: impl FnOnce() -> Result<Option<Candle>, Error>,
        after: i64,
        until: i64,
    ) -> Result<(), Error> {
        let (minutes, days) =
            (self.wishes.wants("bars", self.name), self.wishes.wants("dailyBars", self.name));
        if !minutes && !days {
            return Ok(());
        }
        // Only whoever wants it pays for it.
        let daily = if days { daily()? } else { None };
        let first = day.place(day.start());
        let mut end = (after.max(first).div_euclid(MINUTE) + 1) * MINUTE;
        while end <= until {
            if end > day.known() {
                return Ok(());
            }
            // There is none in a minute in which nobody traded.
            let Some(minute) = day.bar(end - MINUTE, end) else {
                end += MINUTE;
                continue;
            };
            let at = day.stamp(end);
            if minutes {
                self.add(at, "b", bar(&minute, self.wishes.market));
            }
            let so_far = day.bar(0, end.min(day.close()));
            if let (true, Some(whole), Some(so_far)) = (days, daily.as_ref(), so_far) {
                let so_far = Candle { start: whole.start, ..so_far };
                self.add(at, "d", bar(&so_far, self.wishes.market));
            }
            end += MINUTE;
        }
        Ok(())
    }

    /// Trading starts and ends.
    fn statuses(&mut self, day: &Day, after: i64, until: i64) {
        if !self.wishes.wants("statuses", self.name) || self.wishes.market == Market::Crypto {
            return;
        }
        let close = day.close();
        for (place, (code, words)) in [(0, RESUMED), (close, HALTED)] {
            if place > after && place <= until {
                let at = day.session.open + TimeDelta::milliseconds(place) + day.shift;
                self.told.push((at, status(self.name, code, words, at)));
            }
        }
    }
}

/// The status of a symbol from a moment on.
pub(super) fn status(name: &str, code: &str, words: &str, shown: Timestamp) -> Value {
    json!({
        "T": "s", "S": name, "sc": code, "sm": words, "rc": "", "rm": "", "t": stamp(shown),
        "z": "A",
    })
}

/// Code and words of a halt.
pub(super) const HALTED: (&str, &str) = ("H", "Trading Halt");
/// Code and words of its end.
pub(super) const RESUMED: (&str, &str) = ("T", "Trading Resumption");
/// Of how many milliseconds at most trades and quotes are told at once.
const TICKS_FOR: i64 = 10 * MINUTE;
