//! A number of shares.

use rust_decimal::Decimal;
use serde::Serialize;

use super::{Rounding, add, from_f64, to_f64};
use crate::Error;

/// A number of shares or coins: zero or more, at most 10¹², at most nine decimals.
///
/// A quantity has no sign: which way it goes is the order's [`Side`](crate::Side).
///
/// # Examples
/// ```
/// use atlas_core::Qty;
///
/// let held: Qty = "10".parse()?;
/// assert_eq!(held.checked_sub("4".parse()?)?, Qty::from_shares(6));
/// assert!(Qty::from_shares(1).checked_sub(held).is_err());
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
#[serde(transparent)]
pub struct Qty(Decimal);

impl Qty {
    /// No shares.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Makes a quantity from an exact number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless `0 ≤ value ≤ 10¹²` with at most nine decimals.
    pub fn new(value: Decimal) -> Result<Self, Error> {
        let value = super::tidy(value);
        let fits = value >= Decimal::ZERO
            && value <= Decimal::from(1_000_000_000_000_i64)
            && value.scale() <= 9;
        if !fits {
            return Err(Error::OutOfRange {
                what: "quantity",
                value: value.to_string(),
                range: "0 to 1000000000000 with at most nine decimals",
            });
        }
        Ok(Self(value))
    }

    /// A whole number of shares.
    #[must_use]
    pub fn from_shares(shares: u32) -> Self {
        Self(Decimal::from(shares))
    }

    /// Crosses from statistics, rounding to `decimals` digits as named.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the value is not finite or the rounded number is not a quantity.
    pub fn from_f64(value: f64, decimals: u32, rounding: Rounding) -> Result<Self, Error> {
        Self::new(from_f64("quantity", value, decimals, rounding)?)
    }

    /// The exact number of shares.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`, for statistics.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// Whether this is no shares at all.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0.is_zero()
    }

    /// Whether this is a whole number of shares.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.0.fract().is_zero()
    }

    /// Rounded down to whole shares.
    #[must_use]
    pub fn whole(self) -> Self {
        Self(self.0.trunc().normalize())
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] above 10¹² shares.
    pub fn checked_add(self, other: Self) -> Result<Self, Error> {
        Self::new(add(self.0, other.0)?)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if `other` is larger.
    pub fn checked_sub(self, other: Self) -> Result<Self, Error> {
        Self::new(add(self.0, -other.0)?)
    }

    /// The difference, or zero if `other` is larger.
    #[must_use]
    pub fn saturating_sub(self, other: Self) -> Self {
        self.checked_sub(other).unwrap_or(Self::ZERO)
    }
}

decimal_text!(Qty, "quantity");
