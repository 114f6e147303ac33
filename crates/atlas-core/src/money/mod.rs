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

/// Printing, parsing and reading of a type over one decimal with a checked constructor `new`.
macro_rules! decimal_text {
    ($name:ident, $what:literal) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            fn from_str(text: &str) -> Result<Self, crate::Error> {
                Self::new(super::parse($what, text)?)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value =
                    <rust_decimal::Decimal as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(value).map_err(serde::de::Error::custom)
            }
        }
    };
}

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

/// The same number without zeros at its end, and zero without a sign.
///
/// As [`Decimal::normalize`], which divides to find out; most numbers can be told by a glance.
fn tidy(value: Decimal) -> Decimal {
    let mantissa = value.mantissa();
    // What is odd does not end in a zero, and a number without decimals has none to lose.
    if mantissa % 2 != 0 || (value.scale() == 0 && mantissa != 0) {
        return value;
    }
    value.normalize()
}

/// Multiplies exactly, or says that the result does not fit.
fn mul(left: Decimal, right: Decimal) -> Result<Decimal, Error> {
    let overflow = || Error::Overflow { operation: "product", left, right };
    let product = left.checked_mul(right).ok_or_else(overflow)?;
    // `Decimal` drops digits without a word when the mantissa is full; money does not.
    if !product.is_zero() && product.scale() < left.scale() + right.scale() {
        return Err(overflow());
    }
    Ok(tidy(product))
}

/// Adds exactly, or says that the result does not fit.
fn add(left: Decimal, right: Decimal) -> Result<Decimal, Error> {
    let overflow = || Error::Overflow { operation: "sum", left, right };
    let sum = left.checked_add(right).ok_or_else(overflow)?;
    if sum.scale() < left.scale().max(right.scale()) && sum.checked_sub(right) != Some(left) {
        return Err(overflow());
    }
    Ok(sum)
}

/// The `f64` nearest to `value`: for statistics and display, never back into money unrounded.
fn to_f64(value: Decimal) -> f64 {
    // A decimal is at most 7.9e28 in size, so it always has a nearest f64.
    rust_decimal::prelude::ToPrimitive::to_f64(&value).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Raw;

    fn dec(text: &str) -> Decimal {
        Decimal::from_str_exact(text).unwrap()
    }

    #[test]
    fn refuses_what_is_not_money() {
        for text in ["", "abc", "1e5", "NaN", "inf", "--1", "1,000"] {
            assert!(text.parse::<Usd>().is_err(), "{text}");
        }
        for text in ["0", "-1", "1000000001", "0.0000000001"] {
            assert!(text.parse::<Price>().is_err(), "{text}");
        }
        for value in [f64::NAN, f64::INFINITY, -1.0, 0.0, 1e30] {
            assert!(Price::<Raw>::from_f64(value, 4, Rounding::HalfEven).is_err(), "{value}");
        }
        assert!("-0.1".parse::<Qty>().is_err());
        assert!("1.1".parse::<Weight>().is_err());
    }

    #[test]
    fn rounding_does_what_it_is_named() {
        let check = |rounding: Rounding, value: &str, expected: &str| {
            assert_eq!(rounding.apply(dec(value), 2), dec(expected), "{rounding:?} of {value}");
        };
        check(Rounding::Down, "1.239", "1.23");
        check(Rounding::Down, "-1.239", "-1.23");
        check(Rounding::Up, "1.231", "1.24");
        check(Rounding::Up, "-1.231", "-1.24");
        check(Rounding::HalfEven, "1.225", "1.22");
        check(Rounding::HalfEven, "1.235", "1.24");
        check(Rounding::HalfUp, "1.225", "1.23");
    }

    #[test]
    fn a_product_with_more_digits_than_fit_is_refused() {
        let price: Price = "999999999.123456789".parse().unwrap();
        let qty: Qty = "999999999999.123456789".parse().unwrap();
        assert!(matches!(price.notional(qty), Err(Error::Overflow { .. })));
    }

    #[test]
    fn ticks_never_make_a_limit_more_aggressive() {
        let price: Price = "12.345".parse().unwrap();
        assert_eq!(price.to_limit_tick(crate::Side::Buy).unwrap(), "12.34".parse().unwrap());
        assert_eq!(price.to_limit_tick(crate::Side::Sell).unwrap(), "12.35".parse().unwrap());
        let penny: Price = "0.12345".parse().unwrap();
        assert_eq!(penny.to_limit_tick(crate::Side::Buy).unwrap(), "0.1234".parse().unwrap());
    }

    #[test]
    fn an_amount_buys_whole_shares_only() {
        let price: Price = "3".parse().unwrap();
        assert_eq!("10".parse::<Usd>().unwrap().whole_shares(price), Qty::from_shares(3));
        assert_eq!("-10".parse::<Usd>().unwrap().whole_shares(price), Qty::ZERO);
    }

    prop_compose! {
        fn amount()(units in -1_000_000_000_000_i64..1_000_000_000_000, scale in 0_u32..7) -> Usd {
            Usd::new(Decimal::new(units, scale)).unwrap()
        }
    }
    prop_compose! {
        fn price()(units in 1_i64..1_000_000_000, scale in 0_u32..7) -> Price {
            Price::new(Decimal::new(units, scale)).unwrap()
        }
    }
    prop_compose! {
        fn qty()(units in 0_i64..1_000_000_000, scale in 0_u32..10) -> Qty {
            Qty::new(Decimal::new(units, scale)).unwrap()
        }
    }

    proptest! {
        #[test]
        fn printing_and_parsing_round_trip(usd in amount(), price in price(), qty in qty()) {
            prop_assert_eq!(usd.to_string().parse::<Usd>().unwrap(), usd);
            prop_assert_eq!(price.to_string().parse::<Price>().unwrap(), price);
            prop_assert_eq!(qty.to_string().parse::<Qty>().unwrap(), qty);
            let json = serde_json::to_string(&(usd, price, qty)).unwrap();
            prop_assert_eq!(serde_json::from_str::<(Usd, Price, Qty)>(&json).unwrap(), (usd, price, qty));
        }

        #[test]
        fn addition_is_undone_by_subtraction(a in amount(), b in amount()) {
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
            prop_assert_eq!(a.checked_add(b).unwrap(), b.checked_add(a).unwrap());
        }

        #[test]
        fn tidy_is_normalize(mantissa in -1_000_000_i64..1_000_000, zeros in 0_u32..6, scale in 0_u32..12) {
            let value = Decimal::new(mantissa * 10_i64.pow(zeros), scale);
            let (tidied, expected) = (tidy(value), value.normalize());
            prop_assert_eq!(tidied.serialize(), expected.serialize());
            prop_assert_eq!(tidy(-Decimal::new(0, scale)).serialize(), Decimal::ZERO.serialize());
        }

        #[test]
        fn notional_agrees_with_integers(cents in 1_i64..10_000_000, shares in 0_u32..1_000_000) {
            let price = Price::<Raw>::new(Decimal::new(cents, 2)).unwrap();
            let notional = price.notional(Qty::from_shares(shares)).unwrap();
            prop_assert_eq!(notional.value(), Decimal::new(cents * i64::from(shares), 2));
        }

        #[test]
        fn six_decimals_survive_the_way_through_f64(units in 1_i64..100_000_000_000) {
            let price = Price::<Raw>::new(Decimal::new(units, 6)).unwrap();
            let back = Price::from_f64(price.to_f64(), 6, Rounding::HalfEven).unwrap();
            prop_assert_eq!(back, price);
        }

        #[test]
        fn what_an_amount_buys_costs_no_more_than_it(usd in amount(), price in price()) {
            let shares = usd.whole_shares(price);
            let cost = price.notional(shares).unwrap();
            prop_assert!(shares.is_whole());
            prop_assert!(cost <= usd.max(Usd::ZERO));
        }
    }
}
