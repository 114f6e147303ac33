//! Text forms of the fixed-point numbers: plain decimals, without exponents or rounding.

use std::fmt;

use crate::Error;

/// Writes `units` of 10^-`scale` as plain decimal text without trailing zeros.
pub(super) fn plain(f: &mut fmt::Formatter<'_>, units: i128, scale: u32) -> fmt::Result {
    let one = 10_u128.pow(scale);
    let size = units.unsigned_abs();
    let (whole, mut rest, mut digits) = (size / one, size % one, scale as usize);
    let sign = if units < 0 { "-" } else { "" };
    if rest == 0 {
        return write!(f, "{sign}{whole}");
    }
    while rest % 10 == 0 {
        rest /= 10;
        digits -= 1;
    }
    write!(f, "{sign}{whole}.{rest:0digits$}")
}

/// Reads plain decimal text as a whole number of 10^-`scale` units.
pub(super) fn read(what: &'static str, text: &str, scale: u32) -> Result<i128, Error> {
    let wrong = || Error::Core(atlas_core::Error::NotADecimal { what, text: text.to_owned() });
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let clean = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let too_fine = part.len() > scale as usize;
    if whole.is_empty() || !clean(whole) || !clean(part) || too_fine {
        return Err(wrong());
    }
    let joined = format!("{whole}{part:0<width$}", width = scale as usize);
    let size: i128 = joined.parse().map_err(|_| wrong())?;
    Ok(if negative { -size } else { size })
}

/// Text forms: `Display`, `FromStr` and serde, all of them plain decimal text.
macro_rules! as_text {
    ($name:ident, $what:literal, $scale:literal, $narrow:expr) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                text::plain(f, self.0.into(), $scale)
            }
        }
        impl std::str::FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                let narrow: fn(i128) -> Option<Self> = $narrow;
                narrow(text::read($what, text, $scale)?).ok_or(Error::Overflow { what: $what })
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <String as serde::Deserialize>::deserialize(deserializer)?
                    .parse()
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(super) use as_text;
