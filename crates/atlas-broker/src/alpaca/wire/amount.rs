//! Numbers as the wire has them, taken exactly.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::Fault;
use atlas_core::{Price, Qty, Rounding, Usd};

/// A number that may come in a string or bare, in plain or exponent form; never through `f64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let token = <&RawValue>::deserialize(deserializer)?.get();
        let text = token.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(token);
        parse(text).map(Self).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            serde::de::Error::custom(format!("{shown:?} is not a decimal number"))
        })
    }
}

/// The number a text stands for, if it can be held exactly.
fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let Some((base, exponent)) = text.split_once(['e', 'E']) else {
        return Decimal::from_str_exact(text).ok();
    };
    let base = Decimal::from_str_exact(base).ok()?;
    let exponent: i32 = exponent.parse().ok()?;
    let power = |n: u32| {
        let scale = (n <= 28).then_some(n)?;
        Decimal::try_new(1, scale).ok()
    };
    if exponent <= 0 {
        let factor = power(exponent.unsigned_abs())?;
        let product = base.checked_mul(factor)?;
        let whole = product.scale() == base.scale().checked_add(factor.scale())?;
        (whole || base.is_zero()).then_some(product)
    } else {
        base.checked_div(power(exponent.unsigned_abs())?)
    }
}

impl Amount {
    /// As a quantity.
    pub(crate) fn qty(self, field: &str) -> Result<Qty, Fault> {
        Qty::new(self.0).map_err(|error| Fault::field(field, &error))
    }

    /// As an amount of money.
    pub(crate) fn usd(self, field: &str) -> Result<Usd, Fault> {
        Usd::new(self.0).map_err(|error| Fault::field(field, &error))
    }

    /// As a price that is traded at: exact, or refused.
    pub(crate) fn price(self, field: &str) -> Result<Price, Fault> {
        Price::new(self.0).map_err(|error| Fault::field(field, &error))
    }

    /// As a price that only informs: rounded half to even at nine decimals; `None` unless above
    /// zero.
    pub(crate) fn mean(self) -> Option<Price> {
        Price::new(Rounding::HalfEven.apply(self.0, 9)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str) -> Option<String> {
        serde_json::from_str::<Amount>(json).ok().map(|amount| amount.0.normalize().to_string())
    }

    #[test]
    fn numbers_come_in_strings_or_bare_and_stay_exact() {
        for (json, number) in [
            (r#""3""#, "3"),
            ("3.000000000", "3"),
            ("0.1", "0.1"),
            (r#""123456789.123456789""#, "123456789.123456789"),
            ("1e3", "1000"),
            (r#""-1.5E-7""#, "-0.00000015"),
            ("0e-9", "0"),
            ("79228162514264337593543950335", "79228162514264337593543950335"),
        ] {
            assert_eq!(check(json).as_deref(), Some(number), "{json}");
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for json in [
            "null",
            "true",
            "[]",
            "{}",
            r#""""#,
            r#""abc""#,
            r#""NaN""#,
            r#""1e""#,
            "1e99",
            "1e-99",
            r#""1e2147483648""#,
            "0.00000000000000000000000000000001",
            r#""\u0031""#,
            "792281625142643375935439503350",
        ] {
            assert_eq!(check(json), None, "{json}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_decimal_survives(mantissa in proptest::num::i64::ANY, scale in 0_u32..=18) {
            let number = Decimal::new(mantissa, scale);
            for json in [format!("\"{number}\""), number.to_string()] {
                proptest::prop_assert_eq!(serde_json::from_str::<Amount>(&json).unwrap().0, number);
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,60}", digits in "[-+0-9.eE]{0,40}") {
            let _ = (parse(&text), parse(&digits));
        }
    }
}
