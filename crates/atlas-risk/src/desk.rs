//! What the risk desk's further gates look at, and their limits.
//!
//! Heat needs stops alone and is judged by a validator made with
//! [`Validator::with_heat`](crate::Validator::with_heat). The others need correlations, sectors,
//! volumes and the account's past, which not every account is told of, and are judged by one made
//! with [`Validator::with_desk`](crate::Validator::with_desk). Every number that a rule asks for and
//! that is missing denies an opening order.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Price, Symbol, Usd, Weight};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::correlations::Correlations;
use crate::limits::Limits;

/// Limits of the further gates; no default. Those of heat stand in
/// [`LimitsSpec`](crate::LimitsSpec). A limit nothing can exceed switches its rule off: what it would
/// look at need not be known then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskRules {
    /// Highest correlation with any one position, 0 to 1; 1 switches the rule off.
    pub pair_correlation: f64,
    /// Highest mean correlation with all positions, 0 to 1; 1 switches the rule off.
    pub mean_correlation: f64,
    /// Largest share of equity in one sector; 1 switches the rule off.
    pub sector: Weight,
    /// Largest exposure as a multiple of equity; of a long-only account it is gross and net.
    pub exposure: Decimal,
    /// Least mean volume, shares a session, not adjusted for splits to come; 0 switches it off.
    pub min_volume: f64,
    /// Least raw price, USD a share; 0 switches it off.
    pub min_price: Usd,
    /// The day-trade rule, where the account is under it; without it there is none.
    pub day_trades: Option<DayTradeRule>,
    /// Seconds after a loss in a symbol during which it is not entered again; 0 switches it off.
    pub cooldown_seconds: u32,
}

/// The pattern day trader rule of FINRA Rule 4210, which ended on 2026-06-03 but for brokers that
/// keep it until 2027-10-20 (Regulatory Notice 26-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DayTradeRule {
    /// Day trades within five sessions from which entries stop: one below what the rule forbids.
    pub count: u32,
    /// Equity from which the rule does not matter, USD.
    pub equity: Usd,
    /// Last day on which the broker applies it.
    pub last_day: NaiveDate,
}

impl DeskRules {
    /// Proves the rules usable.
    ///
    /// # Errors
    /// [`Error::Limit`] for a correlation outside of 0 to 1, a volume that is not finite and zero or
    /// more, a least price below 0, an exposure that is not above 0, a sector share that is not above that of a single position.
    pub fn check(&self, limits: &Limits) -> Result<(), Error> {
        let require = |name, value: &dyn ToString, holds: bool, rule| {
            if holds { Ok(()) } else { Err(Error::Limit { name, value: value.to_string(), rule }) }
        };
        let share = 0.0..=1.0;
        let rule = "from 0 to 1";
        let (pair, mean) = (self.pair_correlation, self.mean_correlation);
        require("desk.pair_correlation", &pair, share.contains(&pair), rule)?;
        require("desk.mean_correlation", &mean, share.contains(&mean), rule)?;
        let volume = self.min_volume.is_finite() && self.min_volume >= 0.0;
        require("desk.min_volume", &self.min_volume, volume, "finite and 0 or more")?;
        let price = !self.min_price.is_negative();
        require("desk.min_price", &self.min_price, price, "0 or more")?;
        let positive = "above 0";
        require("desk.exposure", &self.exposure, self.exposure > Decimal::ZERO, positive)?;
        let wide = self.sector > limits.get().position_deny || self.sector == Weight::ONE;
        require("desk.sector", &self.sector, wide, "above position_deny")
    }
}

/// What is known of one symbol beyond its price.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct SymbolDesk {
    /// The price at which the position is left.
    pub stop: Option<Price>,
    /// Its sector.
    pub sector: Option<String>,
    /// Mean volume, shares a session; of the order of 20 sessions.
    pub mean_volume: Option<f64>,
    /// Its price as printed at the exchange.
    pub raw_price: Option<Price>,
    /// When it was last left with a loss.
    pub last_loss: Option<Timestamp>,
}

/// What the further gates look at.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Desk {
    /// What is known of each symbol, held or ordered.
    pub symbols: BTreeMap<Symbol, SymbolDesk>,
    /// Correlations of returns.
    pub correlations: Correlations,
    /// Day trades within the last five sessions.
    pub day_trades: Option<u32>,
}

impl Desk {
    /// The correlation of two symbols; `None` if it is missing or no number.
    #[must_use]
    pub fn correlation(&self, one: &Symbol, other: &Symbol) -> Option<f64> {
        self.correlations.of(one, other)
    }

    pub(crate) fn of(&self, symbol: &Symbol) -> Option<&SymbolDesk> {
        self.symbols.get(symbol)
    }
}
