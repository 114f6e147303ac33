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

    /// Reads stays from CSV: a header, then a line a stay with symbol, first day and day of leaving,
    /// which is empty while the stay lasts. A symbol may come again; lines may be in any order. The
    /// day of leaving is the first one on which it does not belong any more.
    ///
    /// # Errors
    /// [`Error::MembersLine`] naming the first line that is no stay; as [`new`](Self::new).
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::Members;
    ///
    /// let members = Members::from_csv("ticker,start_date,end_date\nGE,1990-01-02,2018-06-26\n")?;
    /// assert!(members.has(&"GE".parse()?, "2018-06-25".parse().unwrap()));
    /// assert!(!members.has(&"GE".parse()?, "2018-06-26".parse().unwrap()));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_csv(text: &str) -> Result<Self, Error> {
        let mut all: BTreeMap<Symbol, Vec<Stay>> = BTreeMap::new();
        for (row, line) in text.lines().enumerate().skip(1) {
            if line.trim().is_empty() {
                continue;
            }
            let stay = stay_of(line);
            let stay = stay.ok_or_else(|| Error::MembersLine {
                line: row + 1,
                text: line.chars().take(60).collect(),
            });
            let (symbol, stay) = stay?;
            all.entry(symbol).or_default().push(stay);
        }
        for stays in all.values_mut() {
            stays.sort_unstable();
        }
        Self::new(all)
    }

    /// Symbols that belonged on some day of a period.
    pub fn during(&self, from: NaiveDate, to: NaiveDate) -> impl Iterator<Item = &Symbol> {
        let meets = move |stay: &Stay| stay.from <= to && stay.until.is_none_or(|u| from <= u);
        self.0.iter().filter(move |(_, stays)| stays.iter().any(meets)).map(|(symbol, _)| symbol)
    }

    /// Whether a symbol belonged on a day.
    #[must_use]
    pub fn has(&self, symbol: &Symbol, on: NaiveDate) -> bool {
        let stays = self.0.get(symbol).map_or(&[][..], Vec::as_slice);
        stays.iter().any(|stay| stay.from <= on && stay.until.is_none_or(|until| on <= until))
    }
}

/// A line of CSV; `None` if it is no stay.
fn stay_of(line: &str) -> Option<(Symbol, Stay)> {
    let mut cells = line.split(',').map(str::trim);
    let (symbol, from) = (cells.next()?.parse().ok()?, cells.next()?.parse().ok()?);
    let until = match cells.next().filter(|cell| !cell.is_empty()) {
        Some(left) => Some(left.parse::<NaiveDate>().ok()?.pred_opt()?),
        None => None,
    };
    cells.next().is_none().then_some((symbol, Stay { from, until }))
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

    #[test]
    fn stays_are_read_in_any_order_and_a_bad_line_is_named() {
        let text =
            "ticker,start,end\nB,2005-01-03,\nA,2003-01-02,2004-01-02\nA,2000-01-03,2001-01-03\n";
        let members = Members::from_csv(text).unwrap();
        let day = |text: &str| text.parse().unwrap();
        let has = |symbol: &str, on| members.has(&symbol.parse().unwrap(), day(on));
        assert!(has("A", "2001-01-02") && !has("A", "2001-01-03") && has("A", "2003-06-02"));
        let names = |from, to| -> Vec<String> {
            members.during(day(from), day(to)).map(ToString::to_string).collect()
        };
        assert_eq!(names("2001-06-01", "2002-06-03"), Vec::<String>::new());
        assert_eq!(names("2003-06-02", "2006-01-03"), ["A", "B"]);
        for bad in ["A", "A,yesterday,", "A,2001-01-02,soon", "A,2001-01-02,,x", ",2001-01-02,"] {
            let error = Members::from_csv(&format!("ticker,start,end\n{bad}\n")).unwrap_err();
            assert!(error.to_string().contains("line 2"), "{error}");
        }
        assert!(Members::from_csv("t,s,e\nA,2001-01-02,2001-01-02\n").is_err(), "it never was");
    }
}
