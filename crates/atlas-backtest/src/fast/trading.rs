//! How much is bought, with what, at which costs.

use atlas_core::{Bps, Side, Usd};
use atlas_venue::costs::Commission;
use atlas_venue::{CostModel, Slippage};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::Error;

/// How a single instrument is traded, unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradingSpec {
    /// Cash at the start, a whole number of cents up to $5 × 10¹².
    pub cash: Usd,
    /// Whole shares an entry.
    pub shares: u32,
    /// The broker's charge on the notional, rounded up to the cent on each fill.
    pub fee: Bps,
    /// How much worse than the market a fill is, rounded to four decimals against the taker.
    pub slippage: Bps,
}

/// How a single instrument is traded: checked, in whole numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trading {
    spec: TradingSpec,
    pub(super) cash: i64,
    pub(super) shares: i64,
    /// In units of 10⁻¹⁰.
    fee: i128,
    /// In units of 10⁻¹⁰.
    slippage: i128,
}

impl TradingSpec {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Parameter`] naming the first that cannot be used.
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::fast::TradingSpec;
    /// use atlas_core::Bps;
    ///
    /// let spec = TradingSpec {
    ///     cash: "1000000000".parse()?,
    ///     shares: 10,
    ///     fee: Bps::from_int(10),
    ///     slippage: Bps::from_int(5),
    /// };
    /// assert!(spec.check().is_ok());
    /// assert!(TradingSpec { shares: 0, ..spec }.check().is_err());
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn check(self) -> Result<Trading, Error> {
        let wrong = |what, value: String, range| Err(Error::Parameter { what, value, range });
        let cash = self.cash.value() * Decimal::from(1_000_000);
        let whole_cents = (cash % Decimal::from(CENT)).is_zero();
        let cash = cash.to_i64().filter(|cash| whole_cents && (1..=CASH_MAX).contains(cash));
        let Some(cash) = cash else {
            let range = "whole cents above zero, at most 5 * 10^12 dollars";
            return wrong("cash", self.cash.to_string(), range);
        };
        if self.shares == 0 || self.shares > SHARES_MAX {
            return wrong("shares", self.shares.to_string(), "1 to 10000000");
        }
        let range = "0 or more and below 1000 bps, with at most six decimals";
        let Some(fee) = units(self.fee) else { return wrong("fee", self.fee.to_string(), range) };
        let Some(slippage) = units(self.slippage) else {
            return wrong("slippage", self.slippage.to_string(), range);
        };
        Ok(Trading { spec: self, cash, shares: self.shares.into(), fee, slippage })
    }
}

/// A rate in units of 10⁻¹⁰, if it is one exactly.
fn units(rate: Bps) -> Option<i128> {
    let units = rate.value() * Decimal::from(1_000_000);
    let range = Decimal::ZERO..Decimal::from(1_000_000_000);
    (units.fract().is_zero() && range.contains(&units)).then(|| units.to_i128()).flatten()
}

impl Trading {
    /// What was checked.
    #[must_use]
    pub const fn spec(&self) -> TradingSpec {
        self.spec
    }

    /// The same costs at the simulated venue.
    #[must_use]
    pub fn costs(&self) -> CostModel {
        let fee = self.spec.fee;
        let of_notional = (fee > Bps::ZERO).then_some(fee);
        CostModel {
            slippage: Slippage::Fixed(self.spec.slippage),
            commission: Commission { of_notional, ..Commission::default() },
            regulatory: false,
        }
    }

    /// The price of a fill where the market stands at `price`, in millionths: worse by the
    /// slippage, on a grid of four decimals against the taker, as the venue has it.
    pub(super) fn fill_price(&self, price: i64, side: Side) -> i64 {
        let price = i128::from(price);
        let grid = ONE * i128::from(TICK);
        let ticks = match side {
            Side::Buy => (price * (ONE + self.slippage) + grid - 1).div_euclid(grid),
            Side::Sell => (price * (ONE - self.slippage)).div_euclid(grid).max(1),
        };
        i64::try_from(ticks).unwrap_or(i64::MAX / TICK) * TICK
    }

    /// The fee on a notional in millionths, rounded up to the cent.
    pub(super) fn fee(&self, notional: i64) -> i64 {
        let grid = ONE * i128::from(CENT);
        let cents = (i128::from(notional) * self.fee + grid - 1).div_euclid(grid);
        i64::try_from(cents).unwrap_or(i64::MAX / CENT) * CENT
    }
}

/// One, in units of 10⁻¹⁰.
const ONE: i128 = 10_000_000_000;
/// Four decimals, in millionths.
const TICK: i64 = 100;
/// A cent, in millionths.
const CENT: i64 = 10_000;
/// $5 × 10¹², in millionths: with the dearest position it stays below 2⁶³.
const CASH_MAX: i64 = 5_000_000_000_000_000_000;
/// At the highest price, 10¹² dollars.
const SHARES_MAX: u32 = 10_000_000;
