//! Money inside of the matching core: checked fixed-point integers, decimals at the border.
//!
//! | type | unit | holds |
//! | --- | --- | --- |
//! | [`Px`] | 10⁻⁹ US dollars a share | every [`Price`] |
//! | [`Shares`] | 10⁻⁹ shares | up to 9.2 × 10⁹ shares |
//! | [`Delta`] | 10⁻⁹ shares | a change of shares, signed |
//! | [`Money`] | 10⁻¹⁸ US dollars | every price × every quantity, exactly |
//!
//! A price times a quantity is one integer product, without rounding. Every conversion to and from
//! the decimals of `atlas-core` is exact or an error.

use atlas_core::money::Rounding;
use atlas_core::{Price, Qty, Usd, Weight};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

pub use self::delta::Delta;
use self::text::as_text;
use crate::Error;

mod delta;
mod text;

/// A price per share, above zero, in billionths of a dollar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Px(i64);

/// A number of shares, zero or more, in billionths of a share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Shares(i64);

/// An amount of US dollars, signed, in units of 10⁻¹⁸ dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i128);

/// Units of a [`Px`] in a dollar, and of [`Shares`] in a share.
pub const NANO: i64 = 1_000_000_000;
/// Units of [`Money`] in a cent.
const CENT: i128 = 10_000_000_000_000_000;

impl Px {
    /// The least price.
    pub const SMALLEST: Self = Self(1);

    /// Takes a number of billionths; `None` unless above zero.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos > 0 { Some(Self(nanos)) } else { None }
    }

    /// The number of billionths of a dollar.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// A price out of a series of bars: half to even at six decimals, as
    /// [`BarsView::last_price`](atlas_core::bars::BarsView::last_price) does.
    ///
    /// # Errors
    /// [`Error::Core`] if the number is not a price.
    pub fn from_bar(value: f64) -> Result<Self, Error> {
        // Nearly every price in a file is the double nearest to a number of millionths: exact then,
        // and many times faster than the way through decimals.
        let millionths = (value * 1e6).round();
        if value > 0.0 && value < 1e6 && millionths >= 1.0 {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number below 10^12")]
            let whole = millionths as i64;
            #[expect(clippy::cast_precision_loss, reason = "below 2^53, so exact")]
            let back = whole as f64 / 1e6;
            if back.to_bits() == value.to_bits() {
                return Ok(Self(whole * 1_000));
            }
        }
        let price: Price = Price::from_f64(value, 6, Rounding::HalfEven)?;
        Self::try_from(price)
    }

    /// The same price as a decimal.
    ///
    /// # Errors
    /// [`Error::Core`] above the range of [`Price`].
    pub fn to_price(self) -> Result<Price, Error> {
        Ok(Price::new(Decimal::from_i128_with_scale(i128::from(self.0), 9))?)
    }

    /// Price × quantity, exactly; every product fits.
    #[must_use]
    pub const fn times(self, qty: Shares) -> Money {
        // Two factors below 2^63 stay below 2^126.
        Money(self.0 as i128 * qty.0 as i128)
    }

    /// The price rounded down to whole steps of `tick` billionths; one below the first step stays.
    #[must_use]
    pub(crate) fn down_to(self, tick: i64) -> Self {
        Self::from_nanos(self.0 / tick * tick).unwrap_or(self)
    }

    /// Whether the price is a whole number of `tick` billionths.
    #[must_use]
    pub const fn is_on(self, tick: i64) -> bool {
        self.0 % tick == 0
    }
}

impl TryFrom<Price> for Px {
    type Error = Error;

    fn try_from(price: Price) -> Result<Self, Error> {
        scaled(price.value()).map(Self).ok_or(Error::Overflow { what: "price" })
    }
}

impl Shares {
    /// No shares.
    pub const ZERO: Self = Self(0);
    /// The least quantity that is not none.
    pub const SMALLEST: Self = Self(1);
    /// One share.
    pub const ONE: Self = Self(NANO);
    /// The largest quantity.
    pub const MAX: Self = Self(i64::MAX);

    /// Takes a number of billionths; `None` below zero.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Option<Self> {
        if nanos >= 0 { Some(Self(nanos)) } else { None }
    }

    /// The number of billionths of a share.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether this is a whole number of shares.
    #[must_use]
    pub const fn is_whole(self) -> bool {
        self.0 % NANO == 0
    }

    /// So large a share of this, rounded down to whole shares.
    #[must_use]
    pub fn portion(self, share: Weight) -> Self {
        let part = (Decimal::from(self.0) * share.value()).trunc();
        Self(part.to_i64().unwrap_or(self.0)).whole()
    }

    /// Rounded down to a multiple of `step`, which is above zero.
    #[must_use]
    pub const fn on_grid(self, step: Self) -> Self {
        if step.0 <= 1 { self } else { Self(self.0 - self.0 % step.0) }
    }

    /// Rounded down to whole shares.
    #[must_use]
    pub const fn whole(self) -> Self {
        Self(self.0 - self.0 % NANO)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::Overflow`] above 9.2 × 10⁹ shares.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        self.0.checked_add(other.0).map(Self).ok_or(Error::Overflow { what: "quantity" })
    }

    /// The difference, or none if `other` is larger.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0).max(0))
    }

    /// The same quantity as a decimal.
    ///
    /// # Errors
    /// [`Error::Core`] never for a quantity of this type; the signature is the border's.
    pub fn to_qty(self) -> Result<Qty, Error> {
        Ok(Qty::new(Decimal::from_i128_with_scale(i128::from(self.0), 9))?)
    }
}

impl TryFrom<Qty> for Shares {
    type Error = Error;

    fn try_from(qty: Qty) -> Result<Self, Error> {
        scaled(qty.value()).map(Self).ok_or(Error::Overflow { what: "quantity" })
    }
}

impl Money {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// Takes a number of 10⁻¹⁸ dollars.
    #[must_use]
    pub const fn from_attos(attos: i128) -> Self {
        Self(attos)
    }

    /// The number of 10⁻¹⁸ dollars.
    #[must_use]
    pub const fn attos(self) -> i128 {
        self.0
    }

    /// A whole number of cents.
    #[must_use]
    pub const fn from_cents(cents: i64) -> Self {
        Self(cents as i128 * CENT)
    }

    /// The sum.
    ///
    /// # Errors
    /// [`Error::Overflow`] beyond 1.7 × 10²⁰ dollars.
    pub fn plus(self, other: Self) -> Result<Self, Error> {
        self.0.checked_add(other.0).map(Self).ok_or(Error::Overflow { what: "amount of money" })
    }

    /// The difference.
    ///
    /// # Errors
    /// [`Error::Overflow`] beyond 1.7 × 10²⁰ dollars.
    pub fn minus(self, other: Self) -> Result<Self, Error> {
        self.0.checked_sub(other.0).map(Self).ok_or(Error::Overflow { what: "amount of money" })
    }

    /// Rounded up to the next cent.
    ///
    /// # Errors
    /// [`Error::Overflow`] at the very end of the range.
    pub fn up_to_cent(self) -> Result<Self, Error> {
        let rest = self.0.rem_euclid(CENT);
        if rest == 0 { Ok(self) } else { self.plus(Self(CENT - rest)) }
    }

    /// Rounded down to the next cent.
    ///
    /// # Errors
    /// [`Error::Overflow`] at the very end of the range.
    pub fn down_to_cent(self) -> Result<Self, Error> {
        self.minus(Self(self.0.rem_euclid(CENT)))
    }

    /// The negative of the amount.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// So many parts of so many, rounded towards zero; `parts` and `of` at most 10¹⁹.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the result leaves the range.
    pub fn fraction(self, parts: i128, of: i128) -> Result<Self, Error> {
        let overflow = || Error::Overflow { what: "fraction of an amount" };
        if of == 0 {
            return Err(overflow());
        }
        // Split so that no product of amount and parts arises.
        let (quotient, rest) = (self.0 / of, self.0 % of);
        let whole = quotient.checked_mul(parts).ok_or_else(overflow)?;
        let part = rest.checked_mul(parts).ok_or_else(overflow)? / of;
        whole.checked_add(part).map(Self).ok_or_else(overflow)
    }

    /// How many billionths of a share this pays for at `price`, rounded down; none if negative.
    #[must_use]
    pub fn buys(self, price: Px) -> Shares {
        let nanos = self.0.max(0) / i128::from(price.0);
        Shares(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    /// The mean price of `qty` shares bought for this amount, to nine decimals, half up.
    #[must_use]
    pub fn mean_price(self, qty: Shares) -> Option<Px> {
        if qty.is_zero() || self.0 <= 0 {
            return None;
        }
        let qty = i128::from(qty.0);
        Px::from_nanos(i64::try_from((self.0 + qty / 2) / qty).ok()?)
    }

    /// The part of this amount that belongs to `part` of `whole` shares, rounded towards zero.
    #[must_use]
    pub fn portion(self, part: Shares, whole: Shares) -> Self {
        if whole.is_zero() || part >= whole {
            return self;
        }
        let (part, whole) = (i128::from(part.0), i128::from(whole.0));
        // Split so that no intermediate product leaves 127 bits.
        let (quotient, rest) = (self.0 / whole, self.0 % whole);
        Self(quotient * part + rest * part / whole)
    }

    /// The same amount as a decimal.
    ///
    /// # Errors
    /// [`Error::Overflow`] if the exact amount has more than 28 digits.
    pub fn to_usd(self) -> Result<Usd, Error> {
        let (units, scale) = trimmed(self.0);
        let decimal = Decimal::try_from_i128_with_scale(units, scale)
            .map_err(|_| Error::Overflow { what: "amount of money" })?;
        Ok(Usd::new(decimal)?)
    }

    /// Rounded to `decimals` digits as named: for prices and ratios that are only shown.
    #[must_use]
    pub fn rounded(self, decimals: u32) -> Self {
        let unit = 10_i128.pow(18_u32.saturating_sub(decimals));
        let rest = self.0.rem_euclid(unit);
        let down = self.0 - rest;
        Self(if rest * 2 >= unit { down.saturating_add(unit) } else { down })
    }
}

impl TryFrom<Usd> for Money {
    type Error = Error;

    fn try_from(amount: Usd) -> Result<Self, Error> {
        let value = amount.value();
        let missing = 18_u32.checked_sub(value.scale());
        missing
            .and_then(|digits| value.mantissa().checked_mul(10_i128.pow(digits)))
            .map(Self)
            .ok_or(Error::Overflow { what: "amount of money" })
    }
}

/// A number of 10⁻¹⁸ without the zeros at its end, and the power of ten it then counts.
///
/// Most amounts are whole billionths: one division of 128 bits takes nine zeros away, and what is
/// left fits into 64.
fn trimmed(attos: i128) -> (i128, u32) {
    const BILLION: i128 = 1_000_000_000;
    let (mut units, mut scale) = (attos, 18);
    let whole = units / BILLION;
    if whole * BILLION == units {
        (units, scale) = (whole, 9);
    }
    if let Ok(mut small) = i64::try_from(units) {
        for (zeros, power) in [(4, 10_000), (2, 100), (1, 10)] {
            while scale >= zeros && small % power == 0 {
                small /= power;
                scale -= zeros;
            }
        }
        return (small.into(), scale);
    }
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    (units, scale)
}

/// A decimal as a whole number of billionths, if it is one and fits.
fn scaled(value: Decimal) -> Option<i64> {
    let value = value.normalize();
    let missing = 9_u32.checked_sub(value.scale())?;
    i64::try_from(value.mantissa().checked_mul(10_i128.pow(missing))?).ok()
}

as_text!(Px, "price", 9, |units| i64::try_from(units).ok().and_then(Px::from_nanos));
as_text!(Shares, "quantity", 9, |units| i64::try_from(units).ok().and_then(Shares::from_nanos));
as_text!(Money, "amount of money", 18, |units| Some(Money(units)));

#[cfg(test)]
mod tests;
