//! Who belonged to a universe when.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Membership of a universe by date, so that a decision chooses among those that could be chosen
/// then. A symbol that left is sold at the next decision.
///
/// # Examples
/// ```
/// use atlas_backtest::{Members, Stay};
///
/// let day = |text: &str| text.parse().unwrap();
/// let stays = [(
///     "GE".parse()?,
///     vec![Stay { from: day("1990-01-02"), until: Some(day("2018-06-25")) }],
/// )];
/// let members = Members::new(stays)?;
/// assert!(members.has(&"GE".parse()?, day("2018-06-25")));
/// assert!(!members.has(&"GE".parse()?, day("2018-06-26")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Members(BTreeMap<Symbol, Vec<Stay>>);

/// One stay in a universe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Stay {
    /// First day, inclusive.
    pub from: NaiveDate,
    /// Last day, inclusive; `None` while it lasts.
    pub until: Option<NaiveDate>,
}

impl Members {
    /// Stays by symbol.
    ///
    /// # Errors
    /// [`Error::Members`] if stays of a symbol overlap, end before they begin, or are out of order.
    pub fn new(stays: impl IntoIterator<Item = (Symbol, Vec<Stay>)>) -> Result<Self, Error> {
        let all: BTreeMap<Symbol, Vec<Stay>> = stays.into_iter().collect();
        for (symbol, stays) in &all {
            let mut free_from = NaiveDate::MIN;
            for (row, stay) in stays.iter().enumerate() {
                let backwards = stay.until.is_some_and(|until| until < stay.from);
                let goes_on = stay.until.is_none() && row + 1 < stays.len();
                if backwards || goes_on || stay.from < free_from {
                    return Err(Error::Members { symbol: symbol.clone(), from: stay.from });
                }
                free_from = stay.until.and_then(|until| until.succ_opt()).unwrap_or(NaiveDate::MAX);
            }
        }
        Ok(Self(all))
    }

    /// Whether a symbol belonged on a day.
    #[must_use]
    pub fn has(&self, symbol: &Symbol, on: NaiveDate) -> bool {
        let stays = self.0.get(symbol).map_or(&[][..], Vec::as_slice);
        stays.iter().any(|stay| stay.from <= on && stay.until.is_none_or(|until| on <= until))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stays(pairs: &[(&str, Option<&str>)]) -> Result<Members, Error> {
        let stay = |(from, until): &(&str, Option<&str>)| Stay {
            from: from.parse().unwrap(),
            until: until.map(|text| text.parse().unwrap()),
        };
        Members::new([("A".parse().unwrap(), pairs.iter().map(stay).collect())])
    }

    #[test]
    fn stays_follow_each_other() {
        assert!(stays(&[("2000-01-03", Some("2001-01-02")), ("2001-01-03", None)]).is_ok());
        assert!(stays(&[("2000-01-03", Some("2001-01-03")), ("2001-01-03", None)]).is_err());
        assert!(stays(&[("2000-01-03", None), ("2001-01-03", None)]).is_err());
        assert!(stays(&[("2000-01-03", Some("1999-01-04"))]).is_err());
    }
}
