//! Amounts: strings or numbers on the way in, never through a float.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::core::{Money, Px};

/// A decimal number, written as a string or as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Amount(pub(crate) Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: Box<RawValue> = Deserialize::deserialize(deserializer)?;
        let text = raw.get().trim_matches('"');
        let parsed = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
        parsed
            .map(Self)
            .map_err(|_| serde::de::Error::custom(format!("{text:?} is not a decimal number")))
    }
}

/// A price as an exact JSON number.
pub(crate) fn number(price: Px) -> Box<RawValue> {
    let null = || RawValue::NULL.to_owned();
    // Plain decimal text is a JSON number.
    RawValue::from_string(price.to_string()).unwrap_or_else(|_| null())
}

/// An amount of dollars as an exact JSON number.
pub(crate) fn dollars(amount: Money) -> Box<RawValue> {
    RawValue::from_string(amount.to_string()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_exact() {
        let read = |text: &str| serde_json::from_str::<Amount>(text).map(|a| a.0.to_string());
        assert_eq!(read("\"1.10\"").unwrap(), "1.10");
        assert_eq!(read("2.0").unwrap(), "2.0");
        assert_eq!(read("0.1").unwrap(), "0.1");
        assert_eq!(read("1e-7").unwrap(), "0.0000001");
        for bad in ["\"abc\"", "true", "[]", "\"\"", "{}"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
