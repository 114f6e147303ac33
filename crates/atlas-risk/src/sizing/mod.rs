//! How many shares: from a budget and ranked candidates to targets, every cut reported.
//!
//! A method turns risk into wishes, [`spread`] turns wishes into shares within every limit:
//!
//! | method | gives | wishes |
//! | --- | --- | --- |
//! | [`equal_weight`] | the same to all | [`Wishes::Equal`] |
//! | [`fixed_fractional`], with [`atr_stop`] for a stop by volatility | shares | [`Wishes::Dollars`] |
//! | [`volatility_target`], [`kelly`] | a share of equity | [`Wishes::Dollars`] |
//! | [`inverse_volatility`], [`risk_parity`], then [`correlation_cut`] | proportions | [`Wishes::Weights`] |
//!
//! [`deploy`] adds further candidates where a selection leaves too much of the budget idle, and keeps
//! a reserve.
//!
//! Scaling by regime is the budget's part: it is the regime's allocation of equity. Prices are those
//! one would pay: the ask for purchases, the decision price where there is no quote.

mod deploy;
mod method;
mod risk_parity;
mod spread;

use atlas_core::{Bps, Price, Qty, Symbol, Usd};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use deploy::{Admission, Deployment, deploy};
pub use method::{
    TradeRecord, atr_stop, correlation_cut, fixed_fractional, inverse_volatility, kelly,
    volatility_target,
};
pub use risk_parity::risk_parity;
pub use spread::{Wishes, equal_weight, spread};

use crate::verdict::GateName;

/// One symbol that is to be held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The symbol.
    pub symbol: Symbol,
    /// The decision price, which limits are compared at.
    pub price: Price,
    /// The most a share may cost when it is bought: the limit of the order.
    pub buy_price: Price,
    /// Shares held before.
    pub held: Qty,
}

/// What there is to spread over the candidates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Equity at decision prices, USD.
    pub equity: Usd,
    /// What the candidates may be worth together at decision prices, USD.
    pub budget: Usd,
    /// Money for purchases: spendable cash and the proceeds of positions that are sold whole, USD.
    /// What candidates themselves sell is added by the method.
    pub funds: Usd,
    /// Fee on a purchase, of its cost.
    pub fee: Bps,
    /// Most candidates that can become positions.
    pub slots: usize,
    /// A held position this near to its part of the budget (as a share of that part) is left as it
    /// is, if limits allow.
    pub drift_band: atlas_core::Weight,
}

/// What is to be held of one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sized {
    /// The symbol.
    pub symbol: Symbol,
    /// Shares to be held.
    pub target: Qty,
    /// Whether they are those held before, left alone within the drift band.
    pub left_alone: bool,
}

/// What a rule did to a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CutKind {
    /// It gets fewer shares than its equal part would buy.
    Reduced,
    /// It gets more shares, to reach the smallest position.
    Raised,
    /// It gets none.
    Skipped,
}

/// A rule that changed what a candidate gets, with both numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    /// The candidate.
    pub symbol: Symbol,
    /// The rule.
    pub rule: GateName,
    /// What it did.
    pub kind: CutKind,
    /// What the rule looked at, USD (positions for [`GateName::MaxPositions`]).
    pub value: Decimal,
    /// What it compared with, in the same unit.
    pub limit: Decimal,
    /// The cut in one sentence.
    pub sentence: String,
}

/// Targets by rank, and everything that was cut on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sizing {
    /// What is to be held, in the order of the candidates; those skipped are absent.
    pub targets: Vec<Sized>,
    /// What rules changed, in the order of the candidates.
    pub cuts: Vec<Cut>,
    /// What the targets are worth at decision prices, USD.
    pub invested: Usd,
}
