//! Strategies by name, and what they think of every symbol at every decision.

mod kinds;
mod make;
mod opinions;

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use atlas_strategy::momentum::High52Params;
use serde::{Deserialize, Serialize};

pub use kinds::{KINDS, Kind, Param};

pub(crate) use opinions::Opinions;

use crate::Error;

/// A strategy by name with the parameters that were chosen; what is not named is the default.
///
/// # Examples
/// ```
/// use atlas_backtest::StrategySpec;
///
/// let spec: StrategySpec = "sma fast=10 slow=30".parse()?;
/// assert_eq!(spec.value("fast"), Some(10.0));
/// assert_eq!(spec.to_string(), "sma fast=10 slow=30");
/// let wrong = "sma fats=10".parse::<StrategySpec>().unwrap_err().to_string();
/// assert!(wrong.contains("fats") && wrong.contains("fast, slow"), "{wrong}");
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StrategySpec {
    /// One of [`KINDS`].
    name: String,
    /// Every parameter of that kind.
    params: BTreeMap<String, f64>,
}

impl StrategySpec {
    /// A strategy with parameters, checked.
    ///
    /// # Errors
    /// [`Error::Strategy`] for a name or parameter that does not exist, or values that cannot be
    /// used together.
    pub fn new<'a>(
        name: &str,
        params: impl IntoIterator<Item = (&'a str, f64)>,
    ) -> Result<Self, Error> {
        let kind = Kind::named(name)?;
        let mut all: BTreeMap<String, f64> =
            kind.params.iter().map(|param| (param.name.to_owned(), param.default)).collect();
        for (param, value) in params {
            let Some(known) = all.get_mut(param) else {
                let known: Vec<&str> = kind.params.iter().map(|param| param.name).collect();
                return Err(Error::Strategy {
                    strategy: kind.name,
                    problem: format!(
                        "has no parameter {param}: it takes {}",
                        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
                    ),
                });
            };
            *known = value;
        }
        let spec = Self { name: kind.name.to_owned(), params: all };
        spec.check()?;
        Ok(spec)
    }

    /// The scanner of 52-week highs as the policy has it.
    #[must_use]
    pub fn high52() -> Self {
        Self { name: kinds::HIGH52.to_owned(), params: kinds::defaults(kinds::HIGH52) }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every parameter by name.
    #[must_use]
    pub const fn params(&self) -> &BTreeMap<String, f64> {
        &self.params
    }

    /// The value of a parameter it has.
    #[must_use]
    pub fn value(&self, param: &str) -> Option<f64> {
        self.params.get(param).copied()
    }

    /// The scanner's parameters, if it is the scanner.
    pub(crate) fn momentum(&self, top_n: usize) -> Option<High52Params> {
        let scanner = self.is_scanner().then(|| make::high52(self, top_n).ok()).flatten()?;
        Some(scanner.params().clone())
    }

    /// The scanner as a policy has it.
    pub(crate) fn of_momentum(params: &High52Params) -> Self {
        let mut spec = Self::high52();
        #[expect(clippy::cast_precision_loss, reason = "sessions stay far below 2^53")]
        let values =
            [("window", params.window as f64), ("entry", params.entry), ("exit", params.exit)];
        for (name, value) in values {
            spec.params.insert(name.to_owned(), value);
        }
        spec
    }

    /// Whether symbols are ranked against each other instead of watched one by one.
    #[must_use]
    pub fn is_scanner(&self) -> bool {
        self.name == kinds::HIGH52
    }

    /// The strategy itself, new, to watch one symbol.
    ///
    /// # Errors
    /// [`Error::Strategy`] for the scanner, which ranks symbols against each other.
    pub fn build(&self) -> Result<atlas_strategy::Bundled, Error> {
        make::strategy(self)
    }

    fn check(&self) -> Result<(), Error> {
        if self.is_scanner() {
            make::high52(self, 1).map(drop)
        } else {
            make::strategy(self).map(drop)
        }
    }
}

impl fmt::Display for StrategySpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        // In the order people know them by.
        for param in Kind::named(&self.name).map(|kind| kind.params).unwrap_or_default() {
            if let Some(value) = self.value(param.name) {
                write!(f, " {}={value}", param.name)?;
            }
        }
        Ok(())
    }
}

/// `name key=value key=value`.
impl FromStr for StrategySpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let mut words = text.split_whitespace();
        let name = words.next().unwrap_or_default();
        let params: Vec<(&str, f64)> = words.map(param).collect::<Result<_, _>>()?;
        Self::new(name, params)
    }
}

/// Reads `key=value`.
///
/// # Errors
/// [`Error::Parameter`] for text of another form or a value that is no finite number.
pub fn param(text: &str) -> Result<(&str, f64), Error> {
    let wrong = || Error::Parameter {
        what: "a parameter",
        value: text.to_owned(),
        range: "NAME=NUMBER, such as fast=10",
    };
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let value = value.parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(wrong)?;
    Ok((name.trim(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_defaults_that_work() {
        for kind in KINDS {
            let spec = StrategySpec::new(kind.name, []).unwrap();
            let again: StrategySpec = spec.to_string().parse().unwrap();
            assert_eq!(again, spec);
            assert_eq!(spec.params().len(), kind.params.len());
        }
        assert_eq!(StrategySpec::new("high52", []).unwrap(), StrategySpec::high52());
    }

    #[test]
    fn wrong_words_are_one_sentence_each() {
        let check = |text: &str, words: &[&str]| {
            let sentence = text.parse::<StrategySpec>().unwrap_err().to_string();
            for word in words {
                assert!(sentence.contains(word), "{sentence:?} should name {word:?}");
            }
        };
        check("smaa", &["smaa", "sma, ", "high52"]);
        check("sma fast=ten", &["fast=ten", "NAME=NUMBER"]);
        check("sma fast=30 slow=10", &["slow", "above fast"]);
        check("sma fast=2.5", &["fast", "2.5", "whole"]);
        check("strat fast=1", &["strat", "none"]);
        check("high52 entry=1.5", &["entry", "1.5"]);
    }
}
