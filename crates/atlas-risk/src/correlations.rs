//! How alike symbols move: a dense triangle of correlations.

use atlas_core::Symbol;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Correlations of returns between symbols, each pair once; what nobody knows is absent.
///
/// # Examples
/// ```
/// use atlas_core::Symbol;
/// use atlas_risk::Correlations;
///
/// let (a, b): (Symbol, Symbol) = ("A".parse()?, "B".parse()?);
/// let mut alike = Correlations::among([a.clone(), b.clone()]);
/// assert_eq!(alike.of(&a, &b), None);
/// alike.set(&b, &a, 0.5);
/// assert_eq!(alike.of(&a, &b), Some(0.5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Correlations {
    /// Ascending, once each.
    symbols: Vec<Symbol>,
    /// That of the symbols at `i` and `j < i` stands at `i (i − 1) / 2 + j`.
    values: Vec<Option<f64>>,
}

/// As it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    symbols: Vec<Symbol>,
    values: Vec<Option<f64>>,
}

impl Correlations {
    /// A triangle of these symbols in which nothing is known yet.
    #[must_use]
    pub fn among(symbols: impl IntoIterator<Item = Symbol>) -> Self {
        let mut symbols: Vec<Symbol> = symbols.into_iter().collect();
        symbols.sort_unstable();
        symbols.dedup();
        let values = vec![None; triangle(symbols.len())];
        Self { symbols, values }
    }

    /// States the correlation of two symbols; a number that is none, or outside of ±1 by more than
    /// rounding, makes it unknown. Symbols outside of the triangle are taken in.
    pub fn set(&mut self, one: &Symbol, other: &Symbol, value: f64) {
        if one == other {
            return;
        }
        self.take_in(one);
        self.take_in(other);
        if let (Some(row), Some(column)) = (self.row(one), self.row(other)) {
            self.values[place(row, column)] = (value.abs() <= MOST).then_some(value);
        }
    }

    /// The correlation of two symbols; `None` if nobody knows it.
    #[must_use]
    pub fn of(&self, one: &Symbol, other: &Symbol) -> Option<f64> {
        let (row, column) = (self.row(one)?, self.row(other)?);
        if row == column { None } else { self.at(row, column) }
    }

    /// Where a symbol stands.
    pub(crate) fn row(&self, symbol: &Symbol) -> Option<usize> {
        self.symbols.binary_search(symbol).ok()
    }

    /// The correlation of the symbols at two different places.
    pub(crate) fn at(&self, row: usize, column: usize) -> Option<f64> {
        self.values.get(place(row, column)).copied().flatten()
    }

    fn take_in(&mut self, symbol: &Symbol) {
        if self.row(symbol).is_some() {
            return;
        }
        let mut wider = Self::among(self.symbols.iter().chain([symbol]).cloned());
        for (row, one) in self.symbols.iter().enumerate() {
            for (column, other) in self.symbols[..row].iter().enumerate() {
                if let Some(value) = self.at(row, column) {
                    wider.set(one, other, value);
                }
            }
        }
        *self = wider;
    }
}

impl From<Correlations> for Written {
    fn from(Correlations { symbols, values }: Correlations) -> Self {
        Self { symbols, values }
    }
}

impl TryFrom<Written> for Correlations {
    type Error = Error;

    fn try_from(Written { symbols, values }: Written) -> Result<Self, Error> {
        let wrong = |name, value: String, rule| Err(Error::Limit { name, value, rule });
        if !symbols.is_sorted_by(|a, b| a < b) {
            return wrong(
                "correlations.symbols",
                symbols.len().to_string(),
                "ascending, once each",
            );
        }
        if values.len() != triangle(symbols.len()) {
            return wrong("correlations.values", values.len().to_string(), "one a pair");
        }
        match values.iter().flatten().find(|value| !(0.0..=MOST).contains(&value.abs())) {
            Some(odd) => wrong("correlations.values", odd.to_string(), "from -1 to 1"),
            None => Ok(Self { symbols, values }),
        }
    }
}

/// One, and what rounding adds to it.
const MOST: f64 = 1.000_001;

/// Pairs of so many symbols.
const fn triangle(symbols: usize) -> usize {
    symbols * symbols.saturating_sub(1) / 2
}

/// Where the pair of two different rows stands.
const fn place(row: usize, column: usize) -> usize {
    let (high, low) = if row > column { (row, column) } else { (column, row) };
    triangle(high) + low
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbol(name: &str) -> Symbol {
        name.parse().unwrap()
    }

    #[test]
    fn every_pair_has_a_place_of_its_own_either_way_round() {
        let names = ["A", "B", "C", "D", "E"].map(symbol);
        let mut alike = Correlations::among(names.clone());
        let value = |i: usize, j: usize| f64::from(u32::try_from(10 * i + j).unwrap()) / 100.0;
        for (i, one) in names.iter().enumerate() {
            for (j, other) in names[..i].iter().enumerate() {
                alike.set(other, one, value(i, j));
            }
        }
        for (i, one) in names.iter().enumerate() {
            assert_eq!(alike.of(one, one), None);
            for (j, other) in names[..i].iter().enumerate() {
                assert_eq!(alike.of(one, other), Some(value(i, j)));
                assert_eq!(alike.of(other, one), Some(value(i, j)));
            }
        }
        // A symbol that comes later moves nothing.
        let (late, first) = (symbol("BB"), symbol("A"));
        alike.set(&late, &first, -0.5);
        assert_eq!(alike.of(&first, &late), Some(-0.5));
        assert_eq!(alike.of(&symbol("E"), &symbol("D")), Some(value(4, 3)));
        assert_eq!(alike.of(&symbol("E"), &late), None);
    }

    #[test]
    fn what_is_no_correlation_is_unknown() {
        let (a, b) = (symbol("A"), symbol("B"));
        let mut alike = Correlations::default();
        alike.set(&a, &b, 0.5);
        for odd in [f64::NAN, f64::INFINITY, 1.1, -1.1] {
            alike.set(&a, &b, odd);
            assert_eq!(alike.of(&a, &b), None, "{odd}");
        }
        assert_eq!(alike.of(&a, &symbol("C")), None);
    }

    #[test]
    fn it_survives_json_and_nonsense_is_refused() {
        let mut alike = Correlations::among(["A", "B", "C"].map(symbol));
        alike.set(&symbol("C"), &symbol("A"), 0.25);
        let text = serde_json::to_string(&alike).unwrap();
        assert_eq!(text, r#"{"symbols":["A","B","C"],"values":[null,0.25,null]}"#);
        assert_eq!(serde_json::from_str::<Correlations>(&text).unwrap(), alike);
        for (from, to) in [("0.25", "2.5"), ("null,0.25,", "0.25,"), (r#""A","B""#, r#""B","A""#)] {
            let wrong = text.replace(from, to);
            assert!(serde_json::from_str::<Correlations>(&wrong).is_err(), "{wrong}");
        }
    }
}
