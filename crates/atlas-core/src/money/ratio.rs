//! Shares of a whole, as weights and as basis points.

use rust_decimal::Decimal;
use serde::Serialize;

use super::to_f64;
use crate::Error;

/// A share of equity from 0 (nothing) to 1 (everything).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Weight(Decimal);

impl Weight {
    /// Nothing.
    pub const ZERO: Self = Self(Decimal::ZERO);
    /// Everything.
    pub const ONE: Self = Self(Decimal::ONE);

    /// Makes a weight from an exact number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless `0 ≤ value ≤ 1` with at most nine decimals.
    pub fn new(value: Decimal) -> Result<Self, Error> {
        let value = value.normalize();
        if value < Decimal::ZERO || value > Decimal::ONE || value.scale() > 9 {
            return Err(Error::OutOfRange {
                what: "weight",
                value: value.to_string(),
                range: "0 to 1 with at most nine decimals",
            });
        }
        Ok(Self(value))
    }

    /// A whole number of per cent.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] above 100.
    pub fn from_percent(percent: u8) -> Result<Self, Error> {
        Self::new(Decimal::new(i64::from(percent), 2))
    }

    /// The exact share.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`, for statistics.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// A part of this part, rounded down to nine decimals.
    #[must_use]
    pub fn times(self, other: Self) -> Self {
        // Both factors are within 0 and 1, so the rounded product is as well.
        Self(super::Rounding::Down.apply(self.0 * other.0, 9).normalize())
    }
}

decimal_text!(Weight, "weight");

/// Hundredths of a per cent, signed: 25 is a quarter of one per cent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Bps(Decimal);

impl Bps {
    /// None.
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// Makes basis points from an exact number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] beyond ±100 000 (ten times the whole) or with more than six decimals.
    pub fn new(value: Decimal) -> Result<Self, Error> {
        let value = value.normalize();
        if value.abs() > Decimal::from(100_000) || value.scale() > 6 {
            return Err(Error::OutOfRange {
                what: "basis points",
                value: value.to_string(),
                range: "within ±100000 with at most six decimals",
            });
        }
        Ok(Self(value))
    }

    /// A whole number of basis points.
    #[must_use]
    pub fn from_int(bps: i16) -> Self {
        Self(Decimal::from(bps))
    }

    /// The exact number of basis points.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`, for statistics.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// As a fraction of one: 25 bps are 0.0025.
    #[must_use]
    pub fn fraction(self) -> Decimal {
        self.0 * Decimal::new(1, 4)
    }
}

decimal_text!(Bps, "basis points");
