//! How much worse than the reference price a trade is.

use atlas_core::{Bps, Side};
use rust_decimal::prelude::ToPrimitive;

use crate::Error;
use crate::core::{Money, Px};

/// How far from the reference price the venue trades, always against the taker.
///
/// The venue's quote is made by the same rule, so an order fills at what was quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slippage {
    /// Trades at the reference price.
    None,
    /// A fixed fraction of the price.
    Fixed(Bps),
}

impl Slippage {
    /// The fraction as a whole number of 10⁻¹⁰.
    pub(crate) fn rate(self) -> Result<Rate, Error> {
        let bps = match self {
            Self::None => Bps::ZERO,
            Self::Fixed(bps) => bps,
        };
        let units = (bps.value() * rust_decimal::Decimal::from(1_000_000)).to_i64();
        let units = units.filter(|units| (0..ONE).contains(units));
        units.map(Rate).ok_or(Error::Setting {
            setting: "slippage",
            value: format!("{bps} bps"),
            range: "0 or more and below 10000 bps, with at most six decimals",
        })
    }
}

/// Slippage as a fraction in units of 10⁻¹⁰, at least 0 and below 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate(i64);

impl Rate {
    /// What a taker of `side` gets when the reference is `price`: worse by the rate, rounded to
    /// `tick` in the taker's disfavour.
    pub(crate) fn worsened(self, price: Px, side: Side, tick: i64) -> Px {
        let (price_nanos, grid) = (i128::from(price.nanos()), i128::from(tick));
        let one = i128::from(ONE);
        let worse = match side {
            Side::Buy => ceil(price_nanos * (one + i128::from(self.0)), one * grid) * grid,
            Side::Sell => (price_nanos * (one - i128::from(self.0))).div_euclid(one * grid) * grid,
        };
        let nanos = i64::try_from(worse).unwrap_or(i64::MAX).max(tick);
        Px::from_nanos(nanos).unwrap_or(price)
    }

    /// The reference price at which a taker of `side` just gets `limit` or better: the largest one
    /// for a buy, the smallest one for a sell. `None` if there is no such price.
    pub(crate) fn reference_for(self, limit: Px, side: Side, tick: i64) -> Option<Px> {
        let (limit, grid, one) = (i128::from(limit.nanos()), i128::from(tick), i128::from(ONE));
        let nanos = match side {
            Side::Buy => limit.div_euclid(grid) * grid * one / (one + i128::from(self.0)),
            Side::Sell => ceil(ceil(limit, grid) * grid * one, one - i128::from(self.0)),
        };
        Px::from_nanos(i64::try_from(nanos).ok()?)
    }
}

impl Rate {
    /// This fraction of an amount, rounded up at 10⁻¹⁸ dollars.
    pub(super) fn part_of(self, amount: Money) -> Result<Money, Error> {
        let product = amount.attos().checked_mul(i128::from(self.0));
        let product = product.ok_or(Error::Overflow { what: "fraction of an amount" })?;
        Ok(Money::from_attos(ceil(product, i128::from(ONE))))
    }
}

/// Quotient rounded up; both sides positive.
const fn ceil(value: i128, by: i128) -> i128 {
    (value + by - 1).div_euclid(by)
}

/// The whole, in units of 10⁻¹⁰.
const ONE: i64 = 10_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn px(text: &str) -> Px {
        text.parse().unwrap()
    }

    #[test]
    fn five_basis_points_against_the_taker() {
        let rate = Slippage::Fixed(Bps::from_int(5)).rate().unwrap();
        let tick = 100_000;
        assert_eq!(rate.worsened(px("123.45"), Side::Buy, tick), px("123.5118"));
        assert_eq!(rate.worsened(px("123.45"), Side::Sell, tick), px("123.3882"));
        assert_eq!(rate.worsened(px("0.0001"), Side::Sell, tick), px("0.0001"));
        assert!(Slippage::Fixed(Bps::from_int(-1)).rate().is_err());
        assert!(Slippage::Fixed(Bps::from_int(10_000)).rate().is_err());
    }

    proptest! {
        /// The inverse is exact: at the reference it names a limit is reached, one step beyond not.
        #[test]
        fn the_inverse_is_the_last_price_that_reaches_a_limit(
            limit in 100_000_i64..10_000_000_000_000, bps in 0_i16..500, fine in any::<bool>(),
        ) {
            let tick = if fine { 1_000 } else { 100_000 };
            let rate = Slippage::Fixed(Bps::from_int(bps)).rate().unwrap();
            let limit = Px::from_nanos(limit).unwrap();
            if let Some(at) = rate.reference_for(limit, Side::Buy, tick) {
                prop_assert!(at.nanos() < tick || rate.worsened(at, Side::Buy, tick) <= limit);
                let beyond = Px::from_nanos(at.nanos() + 1).unwrap();
                prop_assert!(rate.worsened(beyond, Side::Buy, tick) > limit);
            }
            let at = rate.reference_for(limit, Side::Sell, tick).unwrap();
            prop_assert!(rate.worsened(at, Side::Sell, tick) >= limit);
            if let Some(beyond) = Px::from_nanos(at.nanos() - 1) {
                prop_assert!(rate.worsened(beyond, Side::Sell, tick) < limit || limit.nanos() <= tick);
            }
        }
    }
}
