//! Ticker symbols.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Error;

/// A ticker symbol: 1 to 15 characters of `A`–`Z`, `0`–`9`, `.`, `-`, `/`, the first one a letter or
/// digit. Cheap to clone.
///
/// # Examples
/// ```
/// use atlas_core::Symbol;
///
/// let symbol: Symbol = "BRK.B".parse()?;
/// assert_eq!(symbol.as_str(), "BRK.B");
/// assert!("aapl".parse::<Symbol>().is_err());
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(Arc<str>);

impl Symbol {
    /// Checks and takes a symbol.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the text breaks the rule above.
    pub fn new(text: &str) -> Result<Self, Error> {
        let known = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || ".-/".contains(c);
        let starts = text.starts_with(|c: char| c.is_ascii_uppercase() || c.is_ascii_digit());
        if text.len() > 15 || !starts || !text.chars().all(known) {
            return Err(Error::Malformed {
                what: "symbol",
                text: text.to_owned(),
                rule: "use 1 to 15 of A-Z, 0-9, '.', '-', '/', starting with a letter or digit",
            });
        }
        Ok(Self(Arc::from(text)))
    }

    /// The symbol as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a crypto pair such as `BTC/USD`.
    #[must_use]
    pub fn is_crypto(&self) -> bool {
        self.0.contains('/')
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for Symbol {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::new(text)
    }
}

impl Serialize for Symbol {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Symbol {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
