//! A price per share, raw or adjusted by its type.

use std::cmp::Ordering;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Qty, Rounding, Usd, from_f64, mul, parse, to_f64};
use crate::bars::{Adjusted, Basis, Raw};
use crate::time::ReplayPermit;
use crate::{Error, Side};

/// A price in US dollars per share: greater than zero, at most 10⁹, at most nine decimals.
///
/// `Price` alone is a raw price, as it is printed at the exchange; `Price<Adjusted>` is one from
/// a back-adjusted series and cannot be ordered on outside of a replay.
///
/// # Examples
/// ```
/// use atlas_core::{Price, Qty, Usd};
///
/// let price: Price = "12.50".parse()?;
/// let qty: Qty = "3".parse()?;
/// assert_eq!(price.notional(qty)?, "37.5".parse::<Usd>()?);
/// assert!("0".parse::<Price>().is_err());
/// # Ok::<(), atlas_core::Error>(())
/// ```
pub struct Price<B: Basis = Raw>(Decimal, PhantomData<B>);

/// Most digits after the point of a price.
const DECIMALS_MAX: u32 = 9;

impl<B: Basis> Price<B> {
    /// Makes a price from an exact number.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] unless `0 < value ≤ 10⁹` with at most nine decimals.
    pub fn new(value: Decimal) -> Result<Self, Error> {
        let value = super::tidy(value);
        let fits = value > Decimal::ZERO
            && value <= Decimal::from(1_000_000_000)
            && value.scale() <= DECIMALS_MAX;
        if !fits {
            return Err(Error::OutOfRange {
                what: "price",
                value: value.to_string(),
                range: "above 0, at most 1000000000, with at most nine decimals",
            });
        }
        Ok(Self(value, PhantomData))
    }

    /// Crosses from statistics into money, rounding to `decimals` digits as named.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the value is not finite or the rounded number is not a price.
    pub fn from_f64(value: f64, decimals: u32, rounding: Rounding) -> Result<Self, Error> {
        Self::new(from_f64("price", value, decimals, rounding)?)
    }

    /// The exact number, in US dollars per share.
    #[must_use]
    pub const fn value(self) -> Decimal {
        self.0
    }

    /// The nearest `f64`, for statistics.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        to_f64(self.0)
    }

    /// Price × quantity, exactly.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact product has more than 28 digits.
    pub fn notional(self, qty: Qty) -> Result<Usd, Error> {
        mul(self.0, qty.value()).and_then(Usd::new)
    }

    /// This price moved by `fraction` (0.03 is three per cent up), not rounded beyond nine digits.
    ///
    /// # Errors
    /// [`Error::Overflow`] or [`Error::OutOfRange`] if the result is not a price.
    pub fn moved(self, fraction: Decimal) -> Result<Self, Error> {
        let factor = super::add(Decimal::ONE, fraction)?;
        Self::new(Rounding::HalfEven.apply(mul(self.0, factor)?, DECIMALS_MAX))
    }

    /// Rounded to the exchange's tick (Rule 612): cents from $1 up, hundredths of a cent below.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if rounding reaches zero.
    pub fn to_tick(self, rounding: Rounding) -> Result<Self, Error> {
        let decimals = if self.0 >= Decimal::ONE { 2 } else { 4 };
        Self::new(rounding.apply(self.0, decimals))
    }

    /// Rounded to the tick so that a limit of `side` never becomes more aggressive.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if rounding reaches zero.
    pub fn to_limit_tick(self, side: Side) -> Result<Self, Error> {
        self.to_tick(match side {
            Side::Buy => Rounding::Down,
            Side::Sell => Rounding::Up,
        })
    }
}

impl Price<Adjusted> {
    /// Takes an adjusted price as the price of a total-return unit, which only a replay may do.
    #[must_use]
    pub const fn as_replay_unit(self, _permit: ReplayPermit) -> Price<Raw> {
        Price(self.0, PhantomData)
    }
}

// Written out: a derive would ask the marker to implement these traits too.
#[expect(clippy::expl_impl_clone_on_copy, reason = "a derive would bound the marker")]
impl<B: Basis> Clone for Price<B> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<B: Basis> Copy for Price<B> {}
impl<B: Basis> PartialEq for Price<B> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<B: Basis> Eq for Price<B> {}
impl<B: Basis> PartialOrd for Price<B> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<B: Basis> Ord for Price<B> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<B: Basis> std::hash::Hash for Price<B> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<B: Basis> fmt::Debug for Price<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Price<{}>({})", B::NAME, self.0)
    }
}
impl<B: Basis> fmt::Display for Price<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
impl<B: Basis> FromStr for Price<B> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(parse("price", text)?)
    }
}
impl<B: Basis> Serialize for Price<B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Serialize::serialize(&self.0, serializer)
    }
}
impl<'de, B: Basis> Deserialize<'de> for Price<B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(<Decimal as Deserialize>::deserialize(deserializer)?)
            .map_err(serde::de::Error::custom)
    }
}
