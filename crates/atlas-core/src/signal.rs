//! What a strategy wants, and how that ends.

use std::fmt;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{SignalId, Symbol};

/// Which way a signal points; Atlas is long only, so the opposite of long is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Hold the symbol.
    Long,
    /// Do not hold it.
    Exit,
}

/// A wish of a strategy about one symbol, with the evidence for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// Unique within the account.
    pub id: SignalId,
    /// The strategy that made it.
    pub strategy: String,
    /// What it is about.
    pub symbol: Symbol,
    /// Which way it points.
    pub direction: Direction,
    /// Rank order among signals of one strategy: the larger the stronger; dimensionless.
    pub strength: f64,
    /// Last session whose bar the strategy had seen.
    pub as_of: NaiveDate,
    /// The numbers it rests on, by name, in the order they matter.
    pub evidence: Vec<(String, f64)>,
}

/// How a signal ended; exactly one for each signal. The reason in words stands beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[non_exhaustive]
pub enum SignalOutcome {
    /// Its order filled completely.
    Executed,
    /// Its order filled in part, the rest ended.
    PartiallyExecuted,
    /// What it wants is already held, or already gone.
    AlreadyAtTarget,
    /// It met an opposite signal of the same size.
    Netted,
    /// A rule of the strategy itself dropped it, such as being below the best N.
    Filtered,
    /// Too correlated with what is held.
    RejectedByCorrelation,
    /// Portfolio heat would exceed its limit.
    RejectedByHeat,
    /// The circuit breaker is open.
    RejectedByCircuitBreaker,
    /// No order of a permitted size exists.
    RejectedBySizing,
    /// The broker refused the order.
    RejectedByBroker,
    /// The regime allows no such position.
    RejectedByRegime,
    /// The money was not there.
    RejectedByBuyingPower,
    /// The same order is already on its way.
    RejectedByDuplicate,
    /// The market is not open for it.
    RejectedByMarketHours,
    /// The symbol may not be traded.
    RejectedBySymbol,
    /// The price is too far from the reference.
    RejectedByPriceCollar,
    /// Its prices are too old.
    RejectedByStaleData,
    /// A limit on size, number or turnover would be exceeded.
    RejectedByLimit,
    /// Atlas was paused.
    RejectedByPaused,
    /// A person said no.
    RejectedByOperator,
    /// Its order ended without a fill.
    ExpiredUnfilled,
    /// A later decision took its place.
    Superseded,
}

impl fmt::Display for SignalOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Executed => "EXECUTED",
            Self::PartiallyExecuted => "PARTIALLY_EXECUTED",
            Self::AlreadyAtTarget => "ALREADY_AT_TARGET",
            Self::Netted => "NETTED",
            Self::Filtered => "FILTERED",
            Self::RejectedByCorrelation => "REJECTED_BY_CORRELATION",
            Self::RejectedByHeat => "REJECTED_BY_HEAT",
            Self::RejectedByCircuitBreaker => "REJECTED_BY_CIRCUIT_BREAKER",
            Self::RejectedBySizing => "REJECTED_BY_SIZING",
            Self::RejectedByBroker => "REJECTED_BY_BROKER",
            Self::RejectedByRegime => "REJECTED_BY_REGIME",
            Self::RejectedByBuyingPower => "REJECTED_BY_BUYING_POWER",
            Self::RejectedByDuplicate => "REJECTED_BY_DUPLICATE",
            Self::RejectedByMarketHours => "REJECTED_BY_MARKET_HOURS",
            Self::RejectedBySymbol => "REJECTED_BY_SYMBOL",
            Self::RejectedByPriceCollar => "REJECTED_BY_PRICE_COLLAR",
            Self::RejectedByStaleData => "REJECTED_BY_STALE_DATA",
            Self::RejectedByLimit => "REJECTED_BY_LIMIT",
            Self::RejectedByPaused => "REJECTED_BY_PAUSED",
            Self::RejectedByOperator => "REJECTED_BY_OPERATOR",
            Self::ExpiredUnfilled => "EXPIRED_UNFILLED",
            Self::Superseded => "SUPERSEDED",
        })
    }
}
