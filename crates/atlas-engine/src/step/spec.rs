//! What an engine is told before it starts: strategies, their capital and limits, what they watch.

use std::collections::BTreeSet;

use atlas_core::{AccountName, Bps, Regime, Symbol, Usd, Weight};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::event::Timeframe;
use crate::{Allocations, Error};

/// The choices a person makes for an engine; [`Engine::new`](crate::Engine::new) checks them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineSpec {
    /// The account traded on; part of every order's name.
    pub account: AccountName,
    /// The number before the first decision's: decisions count on from here.
    pub decisions: u64,
    /// Money of all strategies together, USD; each gets its share.
    pub capital: Usd,
    /// The strategies, in the order in which they are served.
    pub strategies: Vec<StrategySpec>,
    /// Share of capital each regime lets be invested.
    pub allocations: Allocations,
    /// How far above the decision price a purchase may go: its limit.
    pub buy_limit_collar: Bps,
    /// When equities are traded.
    pub window: Window,
    /// Seconds an entry or exit may work before the rest of it is canceled.
    pub fill_wait: u32,
    /// Seconds after its close from which a bar is of the past and opens nothing.
    pub bar_max_age: u32,
    /// How often an exit that the venue refuses is sent again before the engine pauses.
    pub exit_attempts: u32,
}

/// Minutes of a session in which nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Minutes after the open.
    pub after_open: u32,
    /// Minutes before the close, an early one too.
    pub before_close: u32,
}

/// One strategy's money and limits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StrategySpec {
    /// Its name: unique, 1 to 32 of a-z, 0-9 and '-'.
    pub name: String,
    /// Its share of the engine's capital; all shares together are at most 1.
    pub capital: Weight,
    /// Most symbols it holds at a time.
    pub max_positions: u16,
    /// Most a position may cost, of the strategy's book value.
    pub max_position: Weight,
    /// What may be lost between entry and stop, of the strategy's book value.
    pub risk_per_trade: Weight,
    /// Most entries a trading day.
    pub trades_per_day: u32,
    /// Bars without a new entry after an exit at a loss.
    pub cooldown: u32,
    /// Regimes in which it may open.
    pub opens_in: BTreeSet<Regime>,
    /// How its positions end without being asked.
    pub exits: Exits,
}

/// How positions end without the strategy's asking. The stop that comes with a signal always counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exits {
    /// Whether the signal's target price ends a position.
    pub take_profit: bool,
    /// Distance of a stop that follows the highest price seen, of that price.
    pub trailing: Option<Weight>,
    /// Bars after which a position ends.
    pub max_bars: Option<u32>,
}

/// A strategy's state machine set on a symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Watch<S> {
    /// Whose it is, by [`StrategySpec::name`].
    pub strategy: String,
    /// What it looks at and trades.
    pub symbol: Symbol,
    /// The bars it is pushed.
    pub timeframe: Timeframe,
    /// The state machine, new.
    pub brain: S,
}

impl EngineSpec {
    /// Checks what can be checked without the watches.
    pub(super) fn check(&self) -> Result<(), Error> {
        let refuse = |name, value: String, rule| Err(Error::Policy { name, value, rule });
        if self.capital <= Usd::ZERO {
            return refuse("capital", self.capital.to_string(), "above zero");
        }
        let mut shares = rust_decimal::Decimal::ZERO;
        let mut names = BTreeSet::new();
        for strategy in &self.strategies {
            let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let name = &strategy.name;
            if name.is_empty() || name.len() > 32 || !name.chars().all(fits) {
                return refuse("strategy name", name.clone(), "1 to 32 of a-z, 0-9 and '-'");
            }
            if !names.insert(name) {
                return refuse("strategy name", name.clone(), "used once");
            }
            if strategy.max_positions == 0 {
                return refuse("max_positions", "0".into(), "1 or more");
            }
            shares += strategy.capital.value();
        }
        if shares > rust_decimal::Decimal::ONE {
            return refuse("capital of all strategies", shares.to_string(), "at most 1");
        }
        if self.fill_wait == 0 {
            return refuse("fill_wait", "0".into(), "1 second or more");
        }
        Ok(())
    }
}

impl Window {
    /// The standard: five minutes at both ends.
    #[must_use]
    pub const fn standard() -> Self {
        Self { after_open: 5, before_close: 5 }
    }

    /// Where in `session` orders may be sent.
    pub(super) fn of(
        self,
        session: &atlas_core::calendar::Session,
    ) -> (atlas_core::time::Timestamp, atlas_core::time::Timestamp) {
        (
            session.open + TimeDelta::minutes(i64::from(self.after_open)),
            session.close - TimeDelta::minutes(i64::from(self.before_close)),
        )
    }
}

impl StrategySpec {
    /// A strategy with all of the capital and the field's defaults: 10 positions of at most 20 %,
    /// 1 % risked a trade, 50 entries a day, no cooldown, opening in bull and neutral markets, ended
    /// by its own signals and stops alone.
    #[must_use]
    pub fn named(name: &str) -> Self {
        let percent = |n: u32| Weight::new(rust_decimal::Decimal::new(i64::from(n), 2));
        Self {
            name: name.to_owned(),
            capital: Weight::ONE,
            max_positions: 10,
            max_position: percent(20).unwrap_or(Weight::ZERO),
            risk_per_trade: percent(1).unwrap_or(Weight::ZERO),
            trades_per_day: 50,
            cooldown: 0,
            opens_in: [Regime::Bull, Regime::Neutral].into(),
            exits: Exits { take_profit: false, trailing: None, max_bars: None },
        }
    }
}
