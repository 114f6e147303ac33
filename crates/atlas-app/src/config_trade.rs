//! The part of the configuration about continuous trading.

use std::collections::BTreeSet;

use anyhow::Result;
use atlas_backtest::StrategySpec as Named;
use atlas_core::{AccountName, Bps, Regime, Symbol, Usd, Weight};
use atlas_engine::step::{EngineSpec, Exits, StrategySpec, Timeframe, Watch, Window};
use atlas_engine::{Allocations, Engine};
use atlas_exec::trade::AtStop;
use atlas_strategy::Bundled;
use serde::{Deserialize, Serialize};

use crate::exit::{Exit, Failure};

/// Continuous trading.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct TradeConfig {
    /// Money of all strategies together, USD; it has to be there.
    pub(crate) capital: Option<Usd>,
    /// How far above the decision price a purchase may go.
    pub(crate) buy_collar_bps: Bps,
    /// Minutes after the open and before the close in which stocks are not traded.
    pub(crate) after_open_min: u32,
    /// As `after_open_min`, before the close.
    pub(crate) before_close_min: u32,
    /// Seconds an order may work before the rest of it is canceled.
    pub(crate) fill_wait_s: u32,
    /// Seconds after its close from which a bar opens nothing any more.
    pub(crate) bar_max_age_s: u32,
    /// Seconds the data stream may say nothing.
    pub(crate) silence_s: u32,
    /// What becomes of resting orders when trading is stopped.
    pub(crate) at_stop: StopWord,
    /// The strategies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) strategies: Vec<StrategyConfig>,
}

/// What becomes of resting orders when trading is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum StopWord {
    /// They stay.
    Keep,
    /// Entries are canceled, stops stay.
    CancelEntries,
    /// All are canceled.
    CancelAll,
}

/// One strategy, on symbols.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StrategyConfig {
    /// Its name; 1 to 32 of a-z, 0-9 and '-'.
    pub(crate) name: String,
    /// What it is, such as `sma fast=5 slow=15`.
    pub(crate) strategy: String,
    /// What it trades.
    pub(crate) symbols: Vec<Symbol>,
    /// Seconds of its bars.
    pub(crate) bars_s: u32,
    /// Its share of the capital.
    pub(crate) capital: Weight,
    /// Most symbols it holds at a time.
    #[serde(default = "ten")]
    pub(crate) max_positions: u16,
    /// Most a position may cost, of what the strategy is worth.
    #[serde(default)]
    pub(crate) max_position: Option<Weight>,
    /// What may be lost between entry and stop, of what the strategy is worth.
    #[serde(default)]
    pub(crate) risk_per_trade: Option<Weight>,
    /// Most entries a trading day.
    #[serde(default)]
    pub(crate) trades_per_day: Option<u32>,
    /// Bars without a new entry after an exit at a loss.
    #[serde(default)]
    pub(crate) cooldown: u32,
    /// Regimes in which it may open; bull and neutral unless named.
    #[serde(default)]
    pub(crate) opens_in: Option<BTreeSet<Regime>>,
    /// Whether a signal's target ends a position.
    #[serde(default)]
    pub(crate) take_profit: bool,
    /// Distance of a stop that follows the price.
    #[serde(default)]
    pub(crate) trailing: Option<Weight>,
    /// Bars after which a position ends.
    #[serde(default)]
    pub(crate) max_bars: Option<u32>,
}

const fn ten() -> u16 {
    10
}

impl Default for TradeConfig {
    fn default() -> Self {
        Self {
            capital: None,
            buy_collar_bps: Bps::from_int(50),
            after_open_min: 5,
            before_close_min: 5,
            fill_wait_s: 120,
            bar_max_age_s: 90,
            silence_s: 120,
            at_stop: StopWord::CancelEntries,
            strategies: Vec::new(),
        }
    }
}

impl From<StopWord> for AtStop {
    fn from(word: StopWord) -> Self {
        match word {
            StopWord::Keep => Self::Keep,
            StopWord::CancelEntries => Self::CancelEntries,
            StopWord::CancelAll => Self::CancelAll,
        }
    }
}

impl TradeConfig {
    /// The engine that is configured, with decisions numbered after `decisions`.
    ///
    /// # Errors
    /// [`Exit::Config`] naming what is missing or makes no sense.
    pub(crate) fn engine(&self, account: &AccountName, decisions: u64) -> Result<Engine<Bundled>> {
        let wrong = |problem: String| Failure::error(Exit::Config, format!("trade: {problem}"));
        let Some(capital) = self.capital else {
            return Err(wrong(
                "capital is not named; say how much the strategies trade with".into(),
            ));
        };
        if self.strategies.is_empty() {
            return Err(wrong("there is no [[trade.strategies]]; name one".into()));
        }
        let mut watches = Vec::new();
        for strategy in &self.strategies {
            let named = strategy.strategy.parse::<Named>().and_then(|named| named.build());
            let brain = named.map_err(|error| wrong(format!("{}: {error}", strategy.name)))?;
            if strategy.bars_s == 0 || !strategy.bars_s.is_multiple_of(60) {
                let (name, span) = (&strategy.name, strategy.bars_s);
                return Err(wrong(format!("{name}: bars_s is {span}; use whole minutes")));
            }
            watches.extend(strategy.symbols.iter().map(|symbol| Watch {
                strategy: strategy.name.clone(),
                symbol: symbol.clone(),
                timeframe: Timeframe(strategy.bars_s),
                brain: brain.clone(),
            }));
        }
        let spec = EngineSpec {
            account: account.clone(),
            decisions,
            capital,
            strategies: self.strategies.iter().map(StrategyConfig::spec).collect(),
            allocations: Allocations::standard(),
            buy_limit_collar: self.buy_collar_bps,
            window: Window { after_open: self.after_open_min, before_close: self.before_close_min },
            fill_wait: self.fill_wait_s,
            bar_max_age: self.bar_max_age_s,
            exit_attempts: 3,
        };
        Engine::new(spec, watches).map_err(|error| wrong(error.to_string()))
    }

    /// Every symbol that is traded, ascending.
    pub(crate) fn symbols(&self) -> BTreeSet<Symbol> {
        self.strategies.iter().flat_map(|strategy| strategy.symbols.iter().cloned()).collect()
    }
}

impl StrategyConfig {
    fn spec(&self) -> StrategySpec {
        let usual = StrategySpec::named(&self.name);
        StrategySpec {
            capital: self.capital,
            max_positions: self.max_positions,
            max_position: self.max_position.unwrap_or(usual.max_position),
            risk_per_trade: self.risk_per_trade.unwrap_or(usual.risk_per_trade),
            trades_per_day: self.trades_per_day.unwrap_or(usual.trades_per_day),
            cooldown: self.cooldown,
            opens_in: self.opens_in.clone().unwrap_or(usual.opens_in),
            exits: Exits {
                take_profit: self.take_profit,
                trailing: self.trailing,
                max_bars: self.max_bars,
            },
            ..usual
        }
    }
}
