//! What was tried, on which data, under which conventions.

use atlas_core::{Bps, Symbol, Usd};
use atlas_data::{MissingVix, ShortHistory};
use atlas_engine::Policy;
use atlas_venue::{CostModel, Slippage};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::config::{Config, Finally};
use crate::{Schedule, StrategySpec};

/// What was tried, on which data, under which conventions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Version of the report's form.
    pub schema: u16,
    /// Version of the crate that ran it.
    pub version: String,
    /// The data, by name.
    pub data: String,
    /// SHA-256 of the bytes the data were read from.
    pub data_sha256: String,
    /// Notes of the data's source, each one sentence.
    pub data_notes: Vec<String>,
    /// Every symbol that could be chosen at some time.
    pub symbols: Vec<Symbol>,
    /// First day that was asked for.
    pub from: NaiveDate,
    /// Last day that was asked for.
    pub to: NaiveDate,
    /// First session of the curve: the one of the first decision.
    pub first_session: NaiveDate,
    /// Last session of the curve.
    pub last_session: NaiveDate,
    /// How often was decided.
    pub schedule: Schedule,
    /// Who was chosen.
    pub strategy: StrategySpec,
    /// Cash at the start.
    pub cash: Usd,
    /// What trading cost.
    pub costs: StatedCosts,
    /// What idle cash earned a year, in basis points.
    pub idle_rate: Bps,
    /// Corporate actions the venue knew of, of all symbols.
    pub corporate_actions: usize,
    /// What became of positions at the end.
    pub finally: Finally,
    /// Sessions from a decision to its act.
    pub delay_sessions: u8,
    /// Minutes after the open at which sending started.
    pub start_after_open_minutes: u8,
    /// What a decision did without a VIX.
    pub missing_vix: MissingVix,
    /// What a decision did with a symbol whose history was too short.
    pub short_history: ShortHistory,
    /// Whether the universe was that of the date, and not that of today.
    pub members_by_date: bool,
    /// Seed of the venue.
    pub seed: u64,
    /// Every choice the engine decided by; the decision number is the first one's.
    pub policy: Policy,
    /// How it was simulated, each one sentence.
    pub conventions: Vec<String>,
}

/// What trading cost, stated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedCosts {
    /// Whether there were any.
    pub on: bool,
    /// In words.
    pub stated: String,
}

impl StatedCosts {
    /// Of a cost model.
    #[must_use]
    pub fn of(costs: &CostModel) -> Self {
        if *costs == CostModel::free() {
            let stated = "COSTS OFF: no slippage, no fees, no commission".to_owned();
            return Self { on: false, stated };
        }
        let slippage = match costs.slippage {
            Slippage::None => "no slippage".to_owned(),
            Slippage::Fixed(bps) => format!("{bps} bps of slippage"),
            other @ (Slippage::Growing { .. }
            | Slippage::HalfSpread(_)
            | Slippage::SquareRoot { .. }
            | _) => format!("slippage {other:?}"),
        };
        let fees = if costs.regulatory {
            "US regulatory fees of the day where evidenced"
        } else {
            "no regulatory fees"
        };
        let commission = costs.commission;
        let mut parts = vec![slippage, fees.to_owned()];
        if !commission.per_trade.is_zero() {
            parts.push(format!("{} USD a trade", commission.per_trade));
        }
        if !commission.per_share.is_zero() {
            parts.push(format!("{} USD a share", commission.per_share));
        }
        match commission.of_notional {
            Some(bps) => parts.push(format!("{bps} bps of the notional")),
            None if parts.len() == 2 => parts.push("no commission".to_owned()),
            None => {}
        }
        Self { on: true, stated: parts.join(", ") }
    }
}

impl Header {
    pub(crate) fn new(
        market: &atlas_data::MarketData,
        config: &Config,
        (first_session, last_session): (NaiveDate, NaiveDate),
    ) -> Self {
        Self {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            data: market.source.name.clone(),
            data_sha256: market.source.sha256.clone(),
            data_notes: market.source.notes.clone(),
            symbols: market.series.keys().cloned().collect(),
            from: config.from,
            to: config.to,
            first_session,
            last_session,
            schedule: config.schedule,
            strategy: if config.strategy.is_scanner() {
                StrategySpec::of_momentum(&config.policy.momentum)
            } else {
                config.strategy.clone()
            },
            cash: config.cash,
            costs: StatedCosts::of(&config.costs),
            idle_rate: config.idle_rate,
            corporate_actions: config.actions.values().map(Vec::len).sum(),
            finally: config.finally,
            delay_sessions: config.delay_sessions,
            start_after_open_minutes: config.start_after_open_minutes,
            missing_vix: config.missing_vix,
            short_history: config.short_history,
            members_by_date: config.members.is_some(),
            seed: config.seed,
            policy: config.policy.clone(),
            conventions: conventions(config),
        }
    }
}

fn conventions(config: &Config) -> Vec<String> {
    vec![
        format!(
            "a decision after the close of a session acts {}, {} minutes after the open: at that \
             open where there is one, at that close where only closes are known",
            match config.delay_sessions {
                1 => "in the next one".to_owned(),
                delay => format!("{delay} sessions later, which asks what a delay would cost"),
            },
            config.start_after_open_minutes
        ),
        idle(config),
        "equity is cash plus shares at the close; returns are simple, from close to close; annual \
         figures rest on 252 sessions and a risk-free return of zero"
            .to_owned(),
        "orders went through the same engine, gates, sequencer and venue as a rebalance from the \
         command line"
            .to_owned(),
    ]
}

/// What cash and shares bring in by being held.
fn idle(config: &Config) -> String {
    let cash = if config.idle_rate == Bps::ZERO {
        "idle cash earns nothing".to_owned()
    } else {
        format!("idle cash earns {} bps a year, posted monthly", config.idle_rate)
    };
    let actions: usize = config.actions.values().map(Vec::len).sum();
    let shares = match actions {
        0 => "dividends are not credited on raw prices and are part of adjusted ones".to_owned(),
        count => format!("{count} splits, dividends, new names and delistings were carried out"),
    };
    format!("{cash}; {shares}")
}

/// Version of the report's form; raised with every change a reader could trip over.
pub(super) const SCHEMA: u16 = 2;
