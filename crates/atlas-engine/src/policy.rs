//! How to decide: the choices a person makes before any data are seen.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::time::Mode;
use atlas_core::{AccountName, Bps, DecisionId, Regime, Symbol, Weight};
use atlas_regime::DetectorParams;
use atlas_risk::{DeskRules, Entries, Limits};
use atlas_strategy::momentum::High52Params;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Everything a person chose; part of a decision's stored inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The account decided for.
    pub account: AccountName,
    /// The decision's number in the account's journal.
    pub decision_id: DecisionId,
    /// Replay, paper or live.
    pub mode: Mode,
    /// Name of the universe, for messages.
    pub universe: String,
    /// The limits of the account.
    pub limits: Limits,
    /// The regime detector.
    pub detector: DetectorParams,
    /// The scanner; its `top_n` is the number of symbols to hold.
    pub momentum: High52Params,
    /// Share of equity each regime allows.
    pub allocations: Allocations,
    /// Regimes in which nothing new is opened although their allocation is above zero. A regime
    /// with an allocation of zero blocks entries anyway.
    pub entries_blocked: BTreeSet<Regime>,
    /// A person's regime in place of the detector's; refused in live mode.
    pub regime_override: Option<Regime>,
    /// What to do about positions Atlas does not own.
    pub unmanaged: Unmanaged,
    /// How far above the decision price a purchase may go: its limit.
    pub buy_limit_collar: Bps,
    /// A held position this near to its part of the budget, as a share of that part, is left alone
    /// where that exceeds neither the budget nor the largest position; zero adjusts to the share.
    /// Exits always go.
    pub drift_band: Weight,
    /// Least share of the universe that must have a close of the decision's session.
    pub fresh_min: Weight,
    /// Estimated costs of trading.
    pub costs: Costs,
    /// Fall assumed in the preview for a position without a stop.
    pub disaster_move: Weight,
    /// Whether the limits' heat holds: purchases are scaled down to it, and its gate is heard at the
    /// plan and at every send. Not in inputs stored before there was the choice, nor for strategies
    /// of a backtest that name no level to leave at.
    #[serde(default)]
    pub heat: bool,
    /// The desk's further rules, heard at the plan and at every send; `None` for none of them. With
    /// them the limits' heat holds as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk: Option<DeskPolicy>,
}

/// The desk's further rules, and what they need to be told.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskPolicy {
    /// The rules.
    pub rules: DeskRules,
    /// The sector of each symbol; one that is not named is of an unknown sector.
    pub sectors: BTreeMap<Symbol, String>,
    /// Sessions of returns a correlation is taken over, 20 to 250.
    pub correlation_sessions: u16,
    /// Sessions the mean volume is taken over, 1 to 250.
    pub volume_sessions: u16,
}

impl DeskPolicy {
    /// The field's windows: correlations over 60 sessions, volumes over 20.
    #[must_use]
    pub const fn new(rules: DeskRules, sectors: BTreeMap<Symbol, String>) -> Self {
        Self { rules, sectors, correlation_sessions: 60, volume_sessions: 20 }
    }

    /// Proves the rules usable beside limits.
    ///
    /// # Errors
    /// [`Error::Risk`] for the rules, [`Error::Policy`] for a window.
    pub fn check(&self, limits: &Limits) -> Result<(), Error> {
        self.rules.check(limits)?;
        let windows = [
            ("desk.correlation_sessions", self.correlation_sessions, 20, "from 20 to 250"),
            ("desk.volume_sessions", self.volume_sessions, 1, "from 1 to 250"),
        ];
        for (name, value, least, rule) in windows {
            if !(least..=250).contains(&value) {
                return Err(Error::Policy { name, value: value.to_string(), rule });
            }
        }
        Ok(())
    }
}

/// Share of equity each regime allows, before the profile's cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allocations {
    /// In a bull market.
    pub bull: Weight,
    /// In a neutral one.
    pub neutral: Weight,
    /// In a bear market.
    pub bear: Weight,
    /// In a crash.
    pub crash: Weight,
}

impl Allocations {
    /// 100, 70, 30 and 0 per cent.
    #[must_use]
    pub fn standard() -> Self {
        Self { bull: Weight::ONE, neutral: percent(70), bear: percent(30), crash: Weight::ZERO }
    }

    /// That of one regime.
    #[must_use]
    pub const fn of(&self, regime: Regime) -> Weight {
        match regime {
            Regime::Bull => self.bull,
            Regime::Neutral => self.neutral,
            Regime::Bear => self.bear,
            Regime::Crash => self.crash,
        }
    }
}

/// Estimated costs of trading, of the notional.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Costs {
    /// Fees.
    pub fee: Bps,
    /// Distance between decision and fill price to one's disadvantage.
    pub slippage: Bps,
}

/// What to do about positions Atlas neither opened nor adopted. They are never sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unmanaged {
    /// Make no plan.
    Refuse,
    /// Leave them alone; they count in exposure.
    Ignore,
}

impl Policy {
    /// The main job's choices: calibrated detector, best N of the 52-week highs with the limits'
    /// top N, 100/70/30/0 per cent, a drift of 2 % left alone, limits 3 % above the close, costs of 5 bps slippage and no fee,
    /// 20 % assumed for a disaster, the limits' heat holds; positions of others are refused, nine tenths of the universe
    /// must be fresh.
    #[must_use]
    pub fn new(
        account: AccountName,
        decision_id: DecisionId,
        mode: Mode,
        universe: String,
        limits: Limits,
    ) -> Self {
        let top_n = usize::try_from(limits.get().top_n).unwrap_or(usize::MAX);
        Self {
            account,
            decision_id,
            mode,
            universe,
            limits,
            detector: DetectorParams::calibrated(),
            momentum: High52Params { top_n, ..High52Params::default() },
            allocations: Allocations::standard(),
            entries_blocked: BTreeSet::new(),
            regime_override: None,
            unmanaged: Unmanaged::Refuse,
            buy_limit_collar: Bps::from_int(300),
            drift_band: percent(2),
            fresh_min: percent(90),
            costs: Costs { fee: Bps::ZERO, slippage: Bps::from_int(5) },
            disaster_move: percent(20),
            heat: true,
            desk: None,
        }
    }

    /// Whether the regime allows entries.
    #[must_use]
    pub fn entries(&self, regime: Regime) -> Entries {
        let blocked =
            self.entries_blocked.contains(&regime) || self.allocations.of(regime) == Weight::ZERO;
        if blocked { Entries::Blocked } else { Entries::Allowed }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.mode == Mode::Live && self.regime_override.is_some() {
            return Err(Error::OverrideInLive);
        }
        let wrong = |name, value: &dyn ToString, rule| {
            Err(Error::Policy { name, value: value.to_string(), rule })
        };
        if self.allocations.crash != Weight::ZERO {
            return wrong("allocations.crash", &self.allocations.crash, "0");
        }
        if let Some(desk) = &self.desk {
            desk.check(&self.limits)?;
        }
        let collar = self.buy_limit_collar;
        if collar < Bps::ZERO || collar > self.limits.get().collar_close {
            return wrong("buy_limit_collar", &collar, "from 0 to the limit collar_close");
        }
        let rates = [("costs.fee", self.costs.fee), ("costs.slippage", self.costs.slippage)];
        for (name, bps) in rates {
            if bps < Bps::ZERO || bps.value() > Decimal::from(1_000) {
                return wrong(name, &bps, "from 0 to 1000 basis points");
            }
        }
        Ok(())
    }
}

/// A whole number of per cent that is at most 100.
fn percent(percent: u8) -> Weight {
    Weight::from_percent(percent).unwrap_or(Weight::ZERO)
}
