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
    fee: i64,
    /// In units of 10⁻¹⁰.
    slippage: i64,
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
fn units(rate: Bps) -> Option<i64> {
    let units = rate.value() * Decimal::from(1_000_000);
    let range = Decimal::ZERO..Decimal::from(1_000_000_000);
    (units.fract().is_zero() && range.contains(&units)).then(|| units.to_i64()).flatten()
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
    #[inline]
    pub(super) fn fill_price(&self, price: i64, side: Side) -> i64 {
        // In ticks, price × (1 ± slippage) is its whole ticks, and a remainder ± slippage.
        let (whole, rest) = (price / TICK, price % TICK * ONE);
        let Some(slip) = price.checked_mul(self.slippage) else {
            return self.fill_price_wide(price, side);
        };
        let grid = ONE * TICK;
        let ticks = match side {
            Side::Buy => whole + (rest + slip + (grid - 1)).div_euclid(grid),
            Side::Sell => (whole + (rest - slip).div_euclid(grid)).max(1),
        };
        ticks * TICK
    }

    /// The same where the product does not fit into 64 bits.
    #[cold]
    fn fill_price_wide(&self, price: i64, side: Side) -> i64 {
        let (price, one, slippage) =
            (i128::from(price), i128::from(ONE), i128::from(self.slippage));
        let grid = one * i128::from(TICK);
        let ticks = match side {
            Side::Buy => (price * (one + slippage) + grid - 1).div_euclid(grid),
            Side::Sell => (price * (one - slippage)).div_euclid(grid).max(1),
        };
        i64::try_from(ticks).unwrap_or(i64::MAX / TICK) * TICK
    }

    /// The fee on a notional in millionths, rounded up to the cent.
    #[inline]
    pub(super) fn fee(&self, notional: i64) -> i64 {
        let grid = ONE * CENT;
        match notional.checked_mul(self.fee).and_then(|fee| fee.checked_add(grid - 1)) {
            Some(fee) => fee.div_euclid(grid) * CENT,
            None => self.fee_wide(notional),
        }
    }

    /// The same where the product does not fit into 64 bits.
    #[cold]
    fn fee_wide(&self, notional: i64) -> i64 {
        let grid = i128::from(ONE) * i128::from(CENT);
        let cents = (i128::from(notional) * i128::from(self.fee) + grid - 1).div_euclid(grid);
        i64::try_from(cents).unwrap_or(i64::MAX / CENT) * CENT
    }
}

/// One, in units of 10⁻¹⁰.
const ONE: i64 = 10_000_000_000;
/// Four decimals, in millionths.
pub(super) const TICK: i64 = 100;
/// A cent, in millionths.
const CENT: i64 = 10_000;
/// $5 × 10¹², in millionths: with the dearest position it stays below 2⁶³.
const CASH_MAX: i64 = 5_000_000_000_000_000_000;
/// At the highest price, 10¹² dollars.
const SHARES_MAX: u32 = 10_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn narrow_and_wide_agree(
            price in 1_i64..100_000_000_000,
            rate in 0_i64..999_999_999,
            shares in 1_i64..10_000_000,
        ) {
            let bps = Bps::new(Decimal::new(rate, 6)).unwrap();
            let cash = "1000".parse().unwrap();
            let spec = TradingSpec { cash, shares: 1, fee: bps, slippage: bps };
            let trading = spec.check().unwrap();
            for side in [Side::Buy, Side::Sell] {
                let found = trading.fill_price(price, side);
                prop_assert_eq!(found, trading.fill_price_wide(price, side));
            }
            let notional = price * shares;
            prop_assert_eq!(trading.fee(notional), trading.fee_wide(notional));
        }
    }
}
