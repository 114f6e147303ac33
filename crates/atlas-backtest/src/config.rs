//! What is tried, over which time, at which costs.

use std::collections::BTreeMap;

use atlas_core::{Bps, Symbol, Usd};
use atlas_data::{MissingVix, Needs, ShortHistory};
use atlas_engine::{Costs, Policy};
use atlas_venue::core::CorporateAction;
use atlas_venue::{CostModel, Slippage};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::strategies::Opinions;
use crate::{Error, Members, Schedule, StrategySpec};

/// A backtest to be run: every choice that is not in the data.
///
/// # Examples
/// ```
/// use atlas_backtest::{Config, Schedule};
/// use atlas_core::time::Mode;
/// use atlas_core::{AccountName, DecisionId};
/// use atlas_engine::Policy;
/// use atlas_risk::Profile;
///
/// let limits = Profile::Standard.limits().check()?;
/// let account = AccountName::new("backtest")?;
/// let policy = Policy::new(account, DecisionId(1), Mode::Replay, "sample".into(), limits);
/// let day = |text: &str| text.parse().unwrap();
/// let config = Config::new(day("2016-01-04"), day("2016-12-30"), Schedule::Monthly, policy);
/// assert!(config.check().is_ok());
/// assert!(Config { to: day("2015-01-02"), ..config }.check().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// First day of the period; decisions are made from then on.
    pub from: NaiveDate,
    /// Last day of the period: the account is marked at the close of its last session.
    pub to: NaiveDate,
    /// How often is decided.
    pub schedule: Schedule,
    /// Who is chosen; the parameters of the 52-week scanner are those in `policy`.
    pub strategy: StrategySpec,
    /// The choices the engine decides by; its decision number is counted by the backtest.
    pub policy: Policy,
    /// Cash the account starts with, above zero.
    pub cash: Usd,
    /// What trading costs at the venue.
    pub costs: CostModel,
    /// What idle cash earns a year, posted at the last close of a month; nothing by default.
    pub idle_rate: Bps,
    /// What companies did to their shares: splits, dividends, new names, delistings. For raw prices
    /// alone: adjusted ones have it in them.
    pub actions: BTreeMap<Symbol, Vec<CorporateAction>>,
    /// All identifiers of the venue are a function of it.
    pub seed: u64,
    /// Sessions from a decision to its act, 1 to 20: 1 is the next one, as everywhere in Atlas;
    /// more only asks what a delay would cost.
    pub delay_sessions: u8,
    /// Minutes after the open at which sending starts, 0 to 29: within the opening phase.
    pub start_after_open_minutes: u8,
    /// What becomes of positions at the end.
    pub finally: Finally,
    /// What a decision does without a VIX.
    pub missing_vix: MissingVix,
    /// What a decision does with a symbol whose history is too short.
    pub short_history: ShortHistory,
    /// Who belonged to the universe when; `None` if all symbols always did.
    pub members: Option<Members>,
}

/// What becomes of positions at the end; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Finally {
    /// They are marked at the last close.
    Marked,
    /// They are sold in the last session, by a last decision that allows nothing to be held.
    Sold,
}

impl Config {
    /// The choices of the main job: $100 000, realistic costs, sending five minutes after the
    /// open, positions marked at the end, no decision without a VIX or on too short a history.
    #[must_use]
    pub fn new(from: NaiveDate, to: NaiveDate, schedule: Schedule, policy: Policy) -> Self {
        Self {
            from,
            to,
            schedule,
            strategy: StrategySpec::high52(),
            policy,
            cash: Usd::new(rust_decimal::Decimal::from(100_000)).unwrap_or(Usd::ZERO),
            costs: CostModel::realistic(),
            idle_rate: Bps::ZERO,
            actions: BTreeMap::new(),
            seed: 0,
            delay_sessions: 1,
            start_after_open_minutes: 5,
            finally: Finally::Marked,
            missing_vix: MissingVix::Refuse,
            short_history: ShortHistory::Refuse,
            members: None,
        }
    }

    /// The same with another strategy; one that ranks takes its place in the policy.
    #[must_use]
    pub fn with_strategy(mut self, strategy: StrategySpec) -> Self {
        if let Some(momentum) = strategy.momentum(self.policy.momentum.top_n) {
            self.policy.momentum = momentum;
        }
        // Only the scanner names a level it leaves each symbol at.
        self.policy.heat = strategy.is_scanner();
        Self { strategy, ..self }
    }

    /// The same in one regime throughout, without asking the detector: no data but prices are
    /// needed then.
    #[must_use]
    pub fn without_regime(mut self) -> Self {
        self.policy.regime_override = Some(atlas_core::Regime::Bull);
        Self { missing_vix: MissingVix::Warn, ..self }
    }

    /// The same at other costs; the engine's estimate of slippage follows.
    #[must_use]
    pub fn at_costs(self, costs: CostModel) -> Self {
        let slippage = slippage_of(&costs);
        let policy = Policy { costs: Costs { slippage, ..self.policy.costs }, ..self.policy };
        Self { policy, costs, ..self }
    }

    /// The same without any costs, which the report then says.
    #[must_use]
    pub fn without_costs(self) -> Self {
        self.at_costs(CostModel::free())
    }

    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Backwards`], [`Error::NoCash`], [`Error::Parameter`].
    pub fn check(&self) -> Result<(), Error> {
        let (from, to) = (self.from, self.to);
        if to < from {
            return Err(Error::Backwards { from, to });
        }
        if self.cash <= Usd::ZERO {
            return Err(Error::NoCash { cash: self.cash });
        }
        if !(1..=20).contains(&self.delay_sessions) {
            return Err(Error::Parameter {
                what: "delay_sessions",
                value: self.delay_sessions.to_string(),
                range: "1 to 20",
            });
        }
        if self.idle_rate < Bps::ZERO || self.idle_rate > Bps::from_int(2_000) {
            return Err(Error::Parameter {
                what: "idle_rate",
                value: self.idle_rate.to_string(),
                range: "0 to 2000 basis points a year",
            });
        }
        if self.start_after_open_minutes > 29 {
            return Err(Error::Parameter {
                what: "start_after_open_minutes",
                value: self.start_after_open_minutes.to_string(),
                range: "0 to 29",
            });
        }
        Ok(())
    }

    /// Sessions of prices a symbol needs before anything can be said about it.
    pub(crate) fn history(&self) -> usize {
        if self.strategy.is_scanner() {
            return self.policy.momentum.window;
        }
        // A strategy that cannot be made is refused before this matters.
        Opinions::warm_up(&self.strategy)
            .map_or(self.policy.momentum.window, |needed| needed.max(2))
    }

    /// What a decision needs of its data; the same as the main job's.
    pub(crate) fn needs(&self) -> Needs {
        Needs {
            vix: Some(VIX_SESSIONS),
            missing_vix: self.missing_vix,
            rate: true,
            short_history: self.short_history,
            ..Needs::new(self.history(), INDEX_SESSIONS)
        }
    }
}

/// Slippage as the engine estimates it.
pub(crate) const fn slippage_of(costs: &CostModel) -> Bps {
    // A model this crate does not know is estimated by nothing rather than by a guess.
    if let Slippage::Fixed(bps) = costs.slippage { bps } else { Bps::ZERO }
}

/// Sessions of VIX history asked for: what the shock rule looks back at, with some to spare.
const VIX_SESSIONS: usize = 21;

/// Sessions of index history asked for; the detector itself says what it needs beyond.
const INDEX_SESSIONS: usize = 2;
