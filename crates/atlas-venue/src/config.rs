//! How the venue behaves.

use atlas_core::time::Timestamp;
use atlas_core::{Bps, Usd, Weight};
use chrono::TimeDelta;

use crate::costs::CostModel;
use crate::{Error, costs};

/// How the venue behaves.
///
/// What was decided when the account was opened is kept with it: on a venue opened again from disk
/// `cash`, `seed` and `start` have no effect, everything else has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VenueConfig {
    /// Paid in when the account is opened; $100 000 by default.
    pub cash: Usd,
    /// What trading costs.
    pub costs: CostModel,
    /// All identifiers, and the key pair, are a function of it.
    pub seed: u64,
    /// Where the clock stands when the account is opened.
    pub start: Timestamp,
    /// How long after the open the price stands at the open; 30 minutes by default, 0 to 60.
    pub opening: TimeDelta,
    /// Buying power a market buy reserves beyond the quote; 400 bps by default.
    pub collar: Bps,
    /// Most of a bar's volume all fills of a symbol in a session may come to; 250 bps by default.
    /// `None`, and data without volume, set no limit.
    pub participation: Option<Bps>,
    /// How often an order that trades at once does so in two executions, the first of a random size;
    /// drawn from the seed, never by default.
    pub split_fills: Weight,
    /// Whether an order is refused that could trade against the account's own; on by default.
    pub refuse_wash_trades: bool,
}

impl VenueConfig {
    /// The profile for backtests, rehearsals and the embedded venue: costs on, fills limited to a
    /// share of the volume. The clock starts at `start`.
    #[must_use]
    pub fn realistic(start: Timestamp) -> Self {
        Self {
            cash: Usd::new(rust_decimal::Decimal::from(100_000)).unwrap_or(Usd::ZERO),
            costs: CostModel::realistic(),
            seed: 0,
            start,
            opening: TimeDelta::minutes(30),
            collar: Bps::from_int(400),
            participation: Some(Bps::from_int(250)),
            split_fills: Weight::ZERO,
            refuse_wash_trades: true,
        }
    }

    /// The profile that behaves as Alpaca's paper service does: no costs, no limit by volume, and
    /// one order in ten trades in two executions. The clock starts at `start`.
    #[must_use]
    pub fn alpaca_paper(start: Timestamp) -> Self {
        Self {
            costs: CostModel::free(),
            participation: None,
            split_fills: Weight::from_percent(10).unwrap_or(Weight::ZERO),
            ..Self::realistic(start)
        }
    }

    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.cash.is_negative() {
            return Err(Error::Setting {
                setting: "cash",
                value: self.cash.to_string(),
                range: "zero or more",
            });
        }
        if self.opening < TimeDelta::zero() || self.opening > TimeDelta::hours(1) {
            return Err(Error::Setting {
                setting: "opening",
                value: format!("{} s", self.opening.num_seconds()),
                range: "0 to 3600 seconds",
            });
        }
        let bps = |bps: Bps| costs::Slippage::Fixed(bps).rate().is_ok();
        if !bps(self.collar) || self.participation.is_some_and(|share| !bps(share)) {
            return Err(Error::Setting {
                setting: "collar or participation",
                value: format!("{} bps, {:?}", self.collar, self.participation),
                range: "0 or more and below 10000 bps",
            });
        }
        self.costs.slippage.rate().map(|_| ())
    }
}
