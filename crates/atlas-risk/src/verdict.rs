//! What a gate says about an order.

use std::borrow::Cow;
use std::fmt;

use atlas_core::SignalOutcome;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Whether an order adds risk or takes it away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It may add exposure: a buy, or a sell of more than is held and free.
    Opening,
    /// It sells at most what is held minus open sells.
    Reducing,
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Opening => "opening",
            Self::Reducing => "reducing",
        })
    }
}

/// How grave a verdict is; ordered from harmless to final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VerdictKind {
    /// Nothing to say against it.
    Pass,
    /// Worth a person's look; the order may go.
    Warn,
    /// The order may not go.
    Deny,
}

/// What one gate says about one order. Every gate gives one on every order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Which gate speaks.
    pub gate: GateName,
    /// What it says.
    pub kind: VerdictKind,
    /// The number it looked at, in the gate's unit (see [`Gate::unit`](crate::Gate::unit));
    /// `None` when it looks at no number or the number is missing.
    pub value: Option<Decimal>,
    /// The limit it compared with, in the same unit.
    pub limit: Option<Decimal>,
    /// The verdict in one sentence.
    pub sentence: Cow<'static, str>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.gate, self.sentence)
    }
}

/// What a gate finds, before the validator weighs it against the order's effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub(crate) kind: VerdictKind,
    pub(crate) value: Option<Decimal>,
    pub(crate) limit: Option<Decimal>,
    pub(crate) sentence: Cow<'static, str>,
}

impl Finding {
    pub(crate) const fn pass(sentence: &'static str) -> Self {
        Self::say(VerdictKind::Pass, Cow::Borrowed(sentence))
    }

    pub(crate) const fn warn(sentence: String) -> Self {
        Self::say(VerdictKind::Warn, Cow::Owned(sentence))
    }

    pub(crate) const fn deny(sentence: String) -> Self {
        Self::say(VerdictKind::Deny, Cow::Owned(sentence))
    }

    /// A number the gate needs is not there, or is no number.
    pub(crate) const fn missing(sentence: &'static str) -> Self {
        Self::say(VerdictKind::Deny, Cow::Borrowed(sentence))
    }

    /// The same finding with the two numbers it rests on.
    pub(crate) fn with(mut self, value: Decimal, limit: Decimal) -> Self {
        // Normalized, so that what is read back from JSON is written the same: no minus zero.
        self.value = Some(tidy(value));
        self.limit = Some(tidy(limit));
        self
    }

    const fn say(kind: VerdictKind, sentence: Cow<'static, str>) -> Self {
        Self { kind, value: None, limit: None, sentence }
    }
}

/// As [`Decimal::normalize`], which divides even where there is no zero to lose.
fn tidy(value: Decimal) -> Decimal {
    if value.mantissa() % 2 == 0 { value.normalize() } else { value }
}

/// Declares the gates once: name, word, the outcome of a signal it ends, whether it may deny a
/// reducing order.
macro_rules! gate_names {
    ($($(#[$doc:meta])* $name:ident $word:literal $outcome:ident $reducing:literal;)*) => {
        /// The name of a gate, as it stands in plans, artifacts and the journal.
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[non_exhaustive]
        pub enum GateName {
            $($(#[$doc])* #[serde(rename = $word)] $name,)*
        }

        impl GateName {
            /// Every gate, in the order in which they speak.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Whether only a validator made with
            /// [`Validator::with_desk`](crate::Validator::with_desk) has this gate. Heat is none of
            /// them: its limits are the profile's.
            #[must_use]
            pub const fn is_of_desk(self) -> bool {
                matches!(
                    self,
                    Self::PairCorrelation
                        | Self::MeanCorrelation
                        | Self::Sector
                        | Self::Exposure
                        | Self::Liquidity
                        | Self::DayTrades
                        | Self::Cooldown
                )
            }

            /// The word used in artifacts and on the command line.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// How a signal ends whose order this gate denies.
            #[must_use]
            pub const fn outcome(self) -> SignalOutcome {
                match self {
                    $(Self::$name => SignalOutcome::$outcome,)*
                }
            }

            /// Whether this gate may deny an order that reduces; all others only warn on one.
            #[must_use]
            pub const fn may_deny_reducing(self) -> bool {
                match self {
                    $(Self::$name => $reducing,)*
                }
            }
        }
    };
}

gate_names! {
    /// The symbol exists and may be traded.
    Symbol "symbol" RejectedBySymbol true;
    /// Trading in the symbol is not halted.
    SymbolHalt "symbol-halt" RejectedBySymbol true;
    /// The state of Atlas and of the account allows such an order.
    TradingState "trading-state" RejectedByPaused true;
    /// The quantity is one the venue takes.
    Quantity "quantity" RejectedBySizing true;
    /// No order on the same symbol and side is on its way or was just sent.
    Duplicate "duplicate" RejectedByDuplicate true;
    /// Orders a minute, the hard limit.
    MessageRate "message-rate" RejectedByLimit true;
    /// The symbol is not on the list of those not to be bought.
    Restricted "restricted" RejectedBySymbol false;
    /// Nothing is sold that is not held.
    LongOnly "long-only" RejectedByLimit false;
    /// The market is open, or the venue queues.
    MarketHours "market-hours" RejectedByMarketHours false;
    /// The decision price is of the expected session.
    DataAge "data-age" RejectedByStaleData false;
    /// The quote is there, fresh, not crossed and not too wide.
    Quote "quote" RejectedByStaleData false;
    /// The limit is near the quote and the close.
    PriceCollar "price-collar" RejectedByPriceCollar false;
    /// The regime allows entries.
    Regime "regime" RejectedByRegime false;
    /// Largest order.
    OrderNotional "order-notional" RejectedByLimit false;
    /// Smallest position.
    MinPosition "min-position" RejectedBySizing false;
    /// Largest position.
    PositionSize "position-size" RejectedByLimit false;
    /// Most positions.
    MaxPositions "max-positions" RejectedByLimit false;
    /// The regime's budget.
    TotalAllocation "total-allocation" RejectedByRegime false;
    /// The money is there.
    BuyingPower "buying-power" RejectedByBuyingPower false;
    /// Orders a day.
    OrdersPerDay "orders-per-day" RejectedByLimit false;
    /// Dollars traded a day.
    Turnover "turnover" RejectedByLimit false;
    /// Loss of the day.
    DailyLoss "daily-loss" RejectedByLimit false;
    /// Loss from the peak.
    Drawdown "drawdown" RejectedByLimit false;
    /// Failures and losses of late.
    CircuitBreaker "circuit-breaker" RejectedByCircuitBreaker false;
    /// Loss if every stop is hit; heard wherever stops are known.
    Heat "heat" RejectedByHeat false;
    /// Correlation with the most alike position; a gate of the desk, as are those below.
    PairCorrelation "pair-correlation" RejectedByCorrelation false;
    /// Mean correlation with the positions.
    MeanCorrelation "mean-correlation" RejectedByCorrelation false;
    /// Share of equity in one sector.
    Sector "sector" RejectedByLimit false;
    /// Exposure as a multiple of equity.
    Exposure "exposure" RejectedByLimit false;
    /// Least volume and raw price.
    Liquidity "liquidity" RejectedByLimit false;
    /// The day-trade rule, while it lasts.
    DayTrades "day-trades" RejectedByLimit false;
    /// Time after a loss in the symbol.
    Cooldown "cooldown" RejectedByLimit false;
}

impl fmt::Display for GateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
