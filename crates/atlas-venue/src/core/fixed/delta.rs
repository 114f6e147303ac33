//! Changes of a number of shares.

use atlas_core::Side;

use super::text::{self, as_text};
use super::{Money, Px, Shares};
use crate::Error;

/// A change of a number of shares, signed, in billionths of a share: what comes is above zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Delta(i64);

impl Delta {
    /// No change.
    pub const ZERO: Self = Self(0);

    /// Takes a number of billionths of a share.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The number of billionths of a share.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// What buying or selling `qty` does to a position.
    #[must_use]
    pub const fn of(side: Side, qty: Shares) -> Self {
        match side {
            Side::Buy => Self(qty.0),
            Side::Sell => Self(-qty.0),
        }
    }

    /// The number of shares, whichever way.
    #[must_use]
    pub const fn size(self) -> Shares {
        Shares(self.0.saturating_abs())
    }

    /// Whether shares go, or are owed.
    #[must_use]
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::Overflow`] beyond 9.2 × 10⁹ shares.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        self.0.checked_add(other.0).map(Self).ok_or(Error::Overflow { what: "quantity" })
    }

    /// So many shares at a price: what they are worth, or what they are owed at.
    #[must_use]
    pub const fn at(self, price: Px) -> Money {
        Money(price.0 as i128 * self.0 as i128)
    }
}

as_text!(Delta, "change of a quantity", 9, |units| i64::try_from(units).ok().map(Delta));
