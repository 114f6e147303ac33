//! Why no plan could be made. A plan that does nothing is not among the reasons.

use atlas_core::time::Mode;
use atlas_core::{Symbol, Usd};
use chrono::NaiveDate;

/// Why no plan could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A person's regime in place of the detector's, with real money.
    #[error("a regime override is refused in live mode: leave --regime out")]
    OverrideInLive,
    /// A policy value that cannot be used.
    #[error("policy {name} = {value} cannot be used: it must be {rule}")]
    Policy {
        /// The value's name.
        name: &'static str,
        /// The value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// The regime could not be detected, and none is made up.
    #[error("the regime of {as_of} cannot be detected: {source}")]
    Regime {
        /// The session in question.
        as_of: NaiveDate,
        /// What the detector said.
        source: atlas_regime::Error,
    },
    /// An estimate of another session was handed in.
    #[error("the regime handed in is of {found}, and the decision is of {as_of}")]
    Estimate {
        /// The decision's session.
        as_of: NaiveDate,
        /// The estimate's session.
        found: NaiveDate,
    },
    /// Detector parameters that cannot be used.
    #[error("the detector's parameters cannot be used: {0}")]
    Detector(atlas_regime::Error),
    /// Too many symbols of the universe have no price of the decision's session.
    #[error(
        "only {fresh} of {of} symbols of universe {universe} have a close of {as_of}: \
         update the data or choose an earlier date"
    )]
    Stale {
        /// The universe.
        universe: String,
        /// The session in question.
        as_of: NaiveDate,
        /// Symbols with a close of it.
        fresh: usize,
        /// Symbols in all.
        of: usize,
    },
    /// Adjusted prices outside of a replay.
    #[error("prices of {symbol} are adjusted, which {mode} mode cannot order on: use raw prices")]
    Adjusted {
        /// The first such symbol.
        symbol: Symbol,
        /// The mode.
        mode: Mode,
    },
    /// A price that cannot be ordered on.
    #[error("the close of {symbol} on {as_of} is no price one can order on")]
    Unpriceable {
        /// The symbol.
        symbol: Symbol,
        /// The session.
        as_of: NaiveDate,
    },
    /// The same symbol twice in the view.
    #[error("prices of {symbol} are given twice: name each symbol once")]
    Twice {
        /// The symbol.
        symbol: Symbol,
    },
    /// A position that Atlas neither opened nor adopted, under the policy to refuse those.
    #[error(
        "the account holds {symbol}, which Atlas does not own: adopt it, or set the policy \
         `unmanaged = \"ignore\"`"
    )]
    Unmanaged {
        /// The position.
        symbol: Symbol,
    },
    /// A fill of more shares than its order's parts have room for.
    #[error("{qty} shares of fill {execution} belong to no part of its order")]
    Unattributed {
        /// The fill.
        execution: String,
        /// Shares left over.
        qty: String,
    },
    /// Nothing to invest.
    #[error("equity at decision prices is {equity} USD: there is nothing to plan with")]
    NoEquity {
        /// Cash plus positions at the closes.
        equity: Usd,
    },
    /// A sizing method or a limit refused its input.
    #[error(transparent)]
    Risk(#[from] atlas_risk::Error),
    /// A strategy refused its parameters or input.
    #[error(transparent)]
    Strategy(#[from] atlas_strategy::Error),
    /// A value that cannot be: money that overflows, a name that is too long, a bar out of order.
    #[error(transparent)]
    Core(#[from] atlas_core::Error),
}
