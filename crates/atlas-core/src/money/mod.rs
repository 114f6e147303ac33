//! Exact money: prices, quantities, dollars and ratios over decimals, with named rounding.
//!
//! Only operations that mean something exist, and each says how it can fail:
//!
//! | operation | gives |
//! | --- | --- |
//! | [`Price::notional`]`(qty)` | [`Usd`] |
//! | [`Usd`] ± [`Usd`] (`checked_add`, `checked_sub`) | [`Usd`] |
//! | [`Qty`] ± [`Qty`] (`checked_add`, `checked_sub`) | [`Qty`] |
//! | [`Usd::share`]`(weight)`, [`Usd::bps`]`(bps)` | [`Usd`] |
//! | [`Usd::per_share`]`(qty, …)` | [`Price`] |
//!
//! A price and a quantity cannot be added:
//!
//! ```compile_fail
//! # fn demo(price: atlas_core::Price, qty: atlas_core::Qty) {
//! let _ = price + qty;
//! # }
//! ```
//!
//! nor can a raw and an adjusted price meet:
//!
//! ```compile_fail
//! # use atlas_core::{Adjusted, Price, Raw};
//! # fn demo(raw: Price<Raw>, adjusted: Price<Adjusted>) -> bool {
//! raw < adjusted
//! # }
//! ```

mod price;
mod qty;
mod ratio;
mod usd;

pub use price::Price;
pub use qty::Qty;
pub use ratio::{Bps, Weight};
pub use usd::Usd;

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::Error;

/// Which way a number is rounded; every rounding in Atlas names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// Towards zero.
    Down,
    /// Away from zero.
    Up,
    /// To the nearest, ties to the even neighbour.
    HalfEven,
    /// To the nearest, ties away from zero.
    HalfUp,
}

impl Rounding {
    /// Rounds `value` to `decimals` digits after the point.
    #[must_use]
    pub fn apply(self, value: Decimal, decimals: u32) -> Decimal {
        let strategy = match self {
            Self::Down => RoundingStrategy::ToZero,
            Self::Up => RoundingStrategy::AwayFromZero,
            Self::HalfEven => RoundingStrategy::MidpointNearestEven,
            Self::HalfUp => RoundingStrategy::MidpointAwayFromZero,
        };
        value.round_dp_with_strategy(decimals, strategy)
    }
}

/// Parses plain decimal text, exactly.
fn parse(what: &'static str, text: &str) -> Result<Decimal, Error> {
    Decimal::from_str_exact(text.trim())
        .map_err(|_| Error::NotADecimal { what, text: text.to_owned() })
}

/// Crosses from statistics into money: refuses what is not finite, then rounds as told.
fn from_f64(
    what: &'static str,
    value: f64,
    decimals: u32,
    rounding: Rounding,
) -> Result<Decimal, Error> {
    let exact = Decimal::try_from(value).map_err(|_| Error::OutOfRange {
        what,
        value: value.to_string(),
        range: "a finite number below 7.9e28",
    })?;
    Ok(rounding.apply(exact, decimals))
}

/// Multiplies exactly, or says that the result does not fit.
fn mul(left: Decimal, right: Decimal) -> Result<Decimal, Error> {
    let overflow = Error::Overflow { operation: "product", left, right };
    let product = left.checked_mul(right).ok_or_else(|| overflow.clone())?;
    // `Decimal` drops digits without a word when the mantissa is full; money does not.
    if !product.is_zero() && product.scale() < left.scale() + right.scale() {
        return Err(overflow);
    }
    Ok(product.normalize())
}

/// Adds exactly, or says that the result does not fit.
fn add(left: Decimal, right: Decimal) -> Result<Decimal, Error> {
    let overflow = Error::Overflow { operation: "sum", left, right };
    let sum = left.checked_add(right).ok_or_else(|| overflow.clone())?;
    if sum.scale() < left.scale().max(right.scale()) && sum.checked_sub(right) != Some(left) {
        return Err(overflow);
    }
    Ok(sum)
}

/// The `f64` nearest to `value`: for statistics and display, never back into money unrounded.
fn to_f64(value: Decimal) -> f64 {
    // A decimal is at most 7.9e28 in size, so it always has a nearest f64.
    rust_decimal::prelude::ToPrimitive::to_f64(&value).unwrap_or(f64::NAN)
}
