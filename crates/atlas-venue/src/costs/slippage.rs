//! How much worse than the reference price a trade is.

use atlas_core::{Bps, Side};
use rust_decimal::prelude::ToPrimitive;

use crate::Error;
use crate::core::{Money, NANO, Px, Shares};

/// How far from the reference price the venue trades, always against the taker.
///
/// The venue's quote is made by the same rule for the smallest order, so with the models that do not
/// look at the size an order fills at what was quoted; with the others it fills there or worse.
///
/// The volume is that of the whole bar an order meets, known to the model and to nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Slippage {
    /// Trades at the reference price.
    None,
    /// A fixed fraction of the price.
    Fixed(Bps),
    /// Grows in a straight line with the order's share of the bar's volume.
    Growing {
        /// For an order of no size.
        least: Bps,
        /// For an order of `full` of the volume or more, and for data without volume.
        most: Bps,
        /// Share of the volume at which the most is reached, above zero.
        full: Bps,
    },
    /// Half of a spread that is the same fraction of every price: the spread itself is given.
    HalfSpread(Bps),
    /// Half a spread, and the square root of the order's share of the volume times the volatility:
    /// `half_spread + volatility × √(quantity / volume)`.
    ///
    /// Source: the square-root law of market impact, with the customary coefficient of one (N. Torre,
    /// BARRA Market Impact Model Handbook, 1997; R. Almgren et al., Direct Estimation of Equity
    /// Market Impact, 2005, find a power of 0.6).
    SquareRoot {
        /// Half of the spread.
        half_spread: Bps,
        /// Standard deviation of the returns of a day.
        volatility: Bps,
        /// The share of the volume that counts where the data have none.
        without_volume: Bps,
    },
}

impl Slippage {
    /// 2 bps for the smallest order, growing to 10 bps at 2.5 % of the bar's volume.
    #[must_use]
    pub fn growing() -> Self {
        Self::Growing { least: Bps::from_int(2), most: Bps::from_int(10), full: Bps::from_int(250) }
    }

    /// The fraction for an order of no size.
    pub(crate) fn rate(self) -> Result<Rate, Error> {
        self.check()?;
        Ok(self.rate_for(Shares::ZERO, Some(f64::MAX)))
    }

    /// Checks what the types cannot.
    pub(crate) fn check(self) -> Result<(), Error> {
        let (all, above_zero): ([Bps; 3], Bps) = match self {
            Self::None => ([Bps::ZERO; 3], Bps::from_int(1)),
            Self::Fixed(bps) | Self::HalfSpread(bps) => ([bps; 3], Bps::from_int(1)),
            Self::Growing { least, most, full } => ([least, most, full], full),
            Self::SquareRoot { half_spread, volatility, without_volume } => {
                ([half_spread, volatility, without_volume], Bps::from_int(1))
            }
        };
        let wrong = all.into_iter().find(|bps| units(*bps).is_none());
        let wrong = wrong.or((units(above_zero) == Some(0)).then_some(above_zero));
        wrong.map_or(Ok(()), |bps| {
            Err(Error::Setting {
                setting: "slippage",
                value: format!("{bps} bps"),
                range: "0 or more and below 10000 bps, with at most six decimals",
            })
        })
    }

    /// Whether the size of an order makes no difference.
    pub(crate) const fn is_flat(self) -> bool {
        matches!(self, Self::None | Self::Fixed(_) | Self::HalfSpread(_))
    }

    /// The fraction for an order of `qty` that meets a bar of `volume` shares.
    pub(crate) fn rate_for(self, qty: Shares, volume: Option<f64>) -> Rate {
        let of = |bps: Bps| units(bps).unwrap_or(ONE - 1);
        let one = i128::from(ONE);
        let share = volume.and_then(|volume| share_of(qty, volume));
        let rate = match self {
            Self::None => 0,
            Self::Fixed(bps) => of(bps),
            // Half of it, rounded up.
            Self::HalfSpread(spread) => of(spread).div_euclid(2) + of(spread).rem_euclid(2),
            Self::Growing { least, most, full } => {
                let (least, most, full) = (of(least), of(most), of(full).max(1));
                let share = share.map_or(full, |share| share.min(full));
                let more = i128::from(most - least) * i128::from(share) / i128::from(full);
                least + i64::try_from(more).unwrap_or_default()
            }
            Self::SquareRoot { half_spread, volatility, without_volume } => {
                let share = share.unwrap_or_else(|| of(without_volume));
                let root = (i128::from(share) * one).isqrt();
                let impact = i128::from(of(volatility)) * root / one;
                of(half_spread) + i64::try_from(impact).unwrap_or(ONE)
            }
        };
        Rate(rate.clamp(0, ONE - 1))
    }
}

/// Basis points as a whole number of 10⁻¹⁰, at least 0 and below the whole.
fn units(bps: Bps) -> Option<i64> {
    let units = (bps.value() * rust_decimal::Decimal::from(1_000_000)).to_i64();
    units.filter(|units| (0..ONE).contains(units))
}

/// Which share of a volume a quantity is, in units of 10⁻¹⁰; `None` of no volume at all.
fn share_of(qty: Shares, volume: f64) -> Option<i64> {
    // Beyond what shares can count, the share is nothing.
    let whole = rust_decimal::Decimal::try_from(volume.floor()).ok();
    let Some(whole) = whole.and_then(|volume| volume.to_i128()) else { return Some(0) };
    let nanos = whole.checked_mul(i128::from(NANO))?;
    let share = (i128::from(qty.nanos()) * i128::from(ONE)).checked_div(nanos)?;
    Some(i64::try_from(share).unwrap_or(i64::MAX))
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

    /// The same, but no further than the lowest and highest price of the bar it trades in, where
    /// they are known: each rounded to `tick` away from the other.
    pub(crate) fn within(self, price: Px, side: Side, tick: i64, bar: Option<(Px, Px)>) -> Px {
        let worse = self.worsened(price, side, tick);
        let Some((low, high)) = bar else { return worse };
        match side {
            Side::Buy => worse.min(Self(0).worsened(high, side, tick)),
            Side::Sell => worse.max(Self(0).worsened(low, side, tick)),
        }
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
    pub(crate) fn part_of(self, amount: Money) -> Result<Money, Error> {
        let product = amount.attos().checked_mul(i128::from(self.0));
        let product = product.ok_or(Error::Overflow { what: "fraction of an amount" })?;
        Ok(Money::from_attos(ceil(product, i128::from(ONE))))
    }

    /// This fraction of a quantity, rounded up at 10⁻⁹, never more than it.
    pub(crate) fn part_of_shares(self, qty: Shares) -> Shares {
        let product = i128::from(qty.nanos()) * i128::from(self.0);
        let nanos = i64::try_from(ceil(product, i128::from(ONE))).ok();
        nanos.and_then(Shares::from_nanos).map_or(qty, |part| part.min(qty))
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

    #[test]
    fn size_dependent_models() {
        let rate = |model: Slippage, qty: &str, volume| {
            model.check().unwrap();
            model.rate_for(qty.parse().unwrap(), volume)
        };
        let bps = |bps| Slippage::Fixed(Bps::from_int(bps)).rate().unwrap();
        let growing = Slippage::growing();
        assert_eq!(rate(growing, "0", Some(1e6)), bps(2));
        assert_eq!(rate(growing, "12500", Some(1e6)), bps(6));
        assert_eq!(rate(growing, "25000", Some(1e6)), bps(10));
        assert_eq!(rate(growing, "900000", Some(1e6)), bps(10));
        assert_eq!(rate(growing, "1", None), bps(10));
        let root = Slippage::SquareRoot {
            half_spread: Bps::from_int(1),
            volatility: Bps::from_int(200),
            without_volume: Bps::from_int(100),
        };
        // One per cent of the volume: a tenth of the volatility, and the spread.
        assert_eq!(rate(root, "10000", Some(1e6)), bps(21));
        assert_eq!(rate(root, "10000", None), bps(21));
        assert_eq!(Slippage::HalfSpread(Bps::from_int(4)).rate().unwrap(), bps(2));
        assert!(
            Slippage::Growing { least: Bps::ZERO, most: Bps::ZERO, full: Bps::ZERO }
                .check()
                .is_err()
        );
        assert_eq!(rate(growing, "1", Some(0.0)), bps(10));
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
