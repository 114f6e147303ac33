//! Rules about trading within a day, by the day they hold.
//!
//! **Until 2026-06-03** the pattern-day-trader rule (FINRA Rule 4210(f)(8)(B)): a margin account
//! below $25,000 makes at most three day trades within five sessions; an order that would make the
//! fourth is refused (403, 40310100), and the account has at most twice its equity. A day trade is
//! the closing of what was opened in the same session, counted once for each symbol and session.
//!
//! **From 2026-06-04** the intraday margin (FINRA Rule 4210(d)(2)): an account may be below its
//! maintenance margin at the end of a day. That deficit counts if it is above the smaller of 5 % of
//! equity and $1,000. One that is still there after the close of the fifth session freezes the
//! account: for 90 days, or until the deficit is gone, it opens nothing. A deficit is no longer
//! outstanding after the fifteenth session.
//!
//! Both are off in the profile `alpaca-paper`: Alpaca does not enforce the old rule since 2026-07-06,
//! and its paper service never closes accounts.

use atlas_core::Symbol;
use atlas_core::calendar::{Calendar, Session};
use chrono::{Datelike, NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::margin::Multiplier;
use super::{Money, Refusal, date_of};
use crate::Error;

/// What is kept of an account on credit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct MarginState {
    /// Maintenance margin at the last close.
    pub(crate) last_maintenance: Money,
    /// What was opened since the last close, less what was closed of it.
    pub(crate) opened_today: Money,
    /// Symbols something was opened in since the last close.
    pub(crate) opened: Vec<Symbol>,
    /// Symbols closed in the session they were opened in, with the session; the last five sessions.
    pub(crate) day_trades: Vec<(NaiveDate, Symbol)>,
    /// The session at whose close the account first fell below its maintenance margin.
    pub(crate) deficit_since: Option<NaiveDate>,
    /// Until when nothing may be opened.
    pub(crate) frozen_until: Option<NaiveDate>,
}

impl Exchange {
    /// Refuses what the rule of the day forbids.
    pub(super) fn check_day_trading(
        &self,
        symbol: &Symbol,
        is_closing: bool,
    ) -> Result<(), Refusal> {
        let rules = self.config.account;
        if !rules.day_trading_rules || rules.multiplier == Multiplier::One {
            return Ok(());
        }
        let today = date_of(self.state.clock);
        if !is_pattern_day(today) {
            let frozen = self.state.margin.frozen_until.is_some_and(|until| today <= until);
            if frozen && !is_closing {
                let text = "account has an unmet intraday margin deficit: only closing orders";
                return Err(Refusal::Forbidden(text.to_owned()));
            }
            return Ok(());
        }
        let state = &self.state.margin;
        let made = (today, symbol.clone());
        let is_new = state.opened.contains(symbol) && !state.day_trades.contains(&made);
        if is_closing && is_new && state.day_trades.len() >= DAY_TRADES {
            let equity = self.equity()?;
            if equity < Money::from_cents(PATTERN_MINIMUM) {
                return Err(Refusal::DayTrading);
            }
        }
        Ok(())
    }

    /// Day trades within the last five sessions, and whether they make a pattern; none once the
    /// pattern-day-trader rule is gone, and no pattern where it is not enforced.
    pub(crate) fn pattern(&self) -> (usize, bool) {
        if !is_pattern_day(date_of(self.state.clock)) {
            return (0, false);
        }
        let made = self.state.margin.day_trades.len();
        (made, self.config.account.day_trading_rules && made > DAY_TRADES)
    }

    /// The multiplier the rule of the day leaves at this equity.
    pub(super) fn day_trading_multiplier(&self, equity: Money) -> Multiplier {
        let applies = self.config.account.day_trading_rules;
        let small = equity < Money::from_cents(PATTERN_MINIMUM);
        if applies && small && is_pattern_day(date_of(self.state.clock)) {
            return Multiplier::Two;
        }
        Multiplier::Four
    }

    /// Notes what an execution opened, or closed of what was opened in the same session.
    pub(super) fn note_day_trade(&mut self, symbol: &Symbol, is_closing: bool, date: NaiveDate) {
        if self.config.account.multiplier == Multiplier::One {
            return;
        }
        let state = &mut self.state.margin;
        let made = (date, symbol.clone());
        if !is_closing {
            if !state.opened.contains(symbol) {
                state.opened.push(symbol.clone());
            }
        } else if state.opened.contains(symbol) && !state.day_trades.contains(&made) {
            state.day_trades.push(made);
        }
    }

    /// At a close: what the next day's rules are counted from.
    pub(super) fn close_margin(&mut self, session: &Session) -> Result<(), Error> {
        if self.config.account.multiplier == Multiplier::One {
            return Ok(());
        }
        let standing = self.standing()?;
        let state = &mut self.state.margin;
        state.last_maintenance = standing.maintenance_margin;
        state.opened_today = Money::ZERO;
        state.opened.clear();
        let nyse = Calendar::nyse();
        let mut kept = Vec::with_capacity(state.day_trades.len());
        for made in std::mem::take(&mut state.day_trades) {
            // Five sessions, the next one among them.
            if nyse.sessions_between(made.0, session.date)? < 4 {
                kept.push(made);
            }
        }
        state.day_trades = kept;
        if !self.config.account.day_trading_rules || is_pattern_day(session.date) {
            return Ok(());
        }
        let deficit = standing.maintenance_margin.minus(standing.equity)?;
        let counts = standing.equity.max(Money::ZERO).fraction(5, 100)?;
        if deficit <= counts.min(Money::from_cents(100_000)) {
            state.deficit_since = None;
            state.frozen_until = None;
            return Ok(());
        }
        let since = *state.deficit_since.get_or_insert(session.date);
        match nyse.sessions_between(since, session.date)? {
            0..5 => {}
            5..15 => {
                let until = session.date + TimeDelta::days(90);
                state.frozen_until.get_or_insert(until);
            }
            _ => state.deficit_since = None,
        }
        Ok(())
    }
}

/// Whether the pattern-day-trader rule holds on a day.
fn is_pattern_day(date: NaiveDate) -> bool {
    (date.year(), date.month(), date.day()) < PATTERN_ENDS
}

/// First day of the intraday margin rule (FINRA's rule change effective 2026-06-04).
const PATTERN_ENDS: (i32, u32, u32) = (2026, 6, 4);
/// Least equity of a pattern day trader, in cents.
const PATTERN_MINIMUM: i64 = 2_500_000;
/// Day trades within five sessions that are not a pattern yet.
const DAY_TRADES: usize = 3;
