//! An amount of US dollars.

use std::ops::Neg;

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Bps, Price, Qty, Rounding, Weight, add, from_f64, mul, to_f64};
use crate::Error;
use crate::bars::Basis;

/// An amount of US dollars, negative for what is owed; exact, at most 10¹⁵ in size.
///
/// # Examples
/// ```
/// use atlas_core::{Rounding, Usd, Weight};
///
/// let equity: Usd = "10109.39".parse()?;
/// let neutral: Weight = "0.7".parse()?;
/// assert_eq!(equity.share(neutral)?.to_cents(Rounding::HalfEven), "7076.57".parse()?);
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Usd(Decimal);

impl Usd {
    /// No money.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// Half a cent: the tolerance of comparisons against limits.
    pub const HALF_CENT: Self = Self(Decimal::from_parts(5, 0, 0, false, 3));

    /// Makes an amount from an exact number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] beyond 10¹⁵ in size.
    pub fn new(value: Decimal) -> Result<Self, Error> {
        const MOST: i128 = 1_000_000_000_000_000;
        // What has so few digits is small wherever the point stands.
        let small = (-MOST..=MOST).contains(&value.mantissa());
        if !small && value.abs() > Decimal::from_i128_with_scale(MOST, 0) {
            return Err(Error::OutOfRange {
                what: "amount in USD",
                value: value.to_string(),
                range: "within ±1000000000000000",
            });
        }
        Ok(Self(super::tidy(value)))
    }

    /// Crosses from statistics, rounding to `decimals` digits as named.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the value is not finite or too large.
    pub fn from_f64(value: f64, decimals: u32, rounding: Rounding) -> Result<Self, Error> {
        Self::new(from_f64("amount in USD", value, decimals, rounding)?)
    }

    /// The exact number of dollars.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`, for statistics.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::Overflow`] or [`Error::OutOfRange`] if it does not fit.
    pub fn checked_add(self, other: Self) -> Result<Self, Error> {
        Self::new(add(self.0, other.0)?)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`Error::Overflow`] or [`Error::OutOfRange`] if it does not fit.
    pub fn checked_sub(self, other: Self) -> Result<Self, Error> {
        Self::new(add(self.0, -other.0)?)
    }

    /// The sum of many amounts.
    ///
    /// # Errors
    /// [`Error::Overflow`] or [`Error::OutOfRange`] if it does not fit.
    pub fn sum(amounts: impl IntoIterator<Item = Self>) -> Result<Self, Error> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }

    /// A share of this amount, not rounded.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product does not fit.
    pub fn share(self, weight: Weight) -> Result<Self, Error> {
        Self::new(mul(self.0, weight.value())?)
    }

    /// So many basis points of this amount, not rounded.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product does not fit.
    pub fn bps(self, bps: Bps) -> Result<Self, Error> {
        Self::new(mul(self.0, bps.fraction())?)
    }

    /// This amount spread over `qty` shares, rounded to `decimals` digits as named.
    ///
    /// # Errors
    /// [`Error::Overflow`] if `qty` is zero; [`Error::OutOfRange`] if the result is not a price.
    pub fn per_share<B: Basis>(
        self,
        qty: Qty,
        decimals: u32,
        rounding: Rounding,
    ) -> Result<Price<B>, Error> {
        let quotient = self.0.checked_div(qty.value()).ok_or(Error::Overflow {
            operation: "quotient",
            left: self.0,
            right: qty.value(),
        })?;
        Price::new(rounding.apply(quotient, decimals))
    }

    /// How many whole shares this amount pays for at `price`; none if it is negative.
    #[must_use]
    pub fn whole_shares(self, price: Price) -> Qty {
        let shares = self.0.checked_div(price.value()).unwrap_or_default().trunc();
        Qty::new(shares.max(Decimal::ZERO)).unwrap_or(Qty::ZERO)
    }

    /// Rounded to cents as named.
    #[must_use]
    pub fn to_cents(self, rounding: Rounding) -> Self {
        Self(rounding.apply(self.0, 2).normalize())
    }

    /// The amount without its sign.
    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// Whether this is less than nothing.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0.is_sign_negative() && !self.0.is_zero()
    }

    /// Whether this is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Neg for Usd {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

decimal_text!(Usd, "amount in USD");
