//! Dual momentum: the strongest of a universe, and those only that beat cash.

use std::collections::BTreeSet;

use atlas_core::signal::Direction;
use atlas_core::{DecisionId, Signal, SignalId, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::high52::Warming;
use crate::Error;
use crate::history::History;
use crate::indicator::period;

/// Parameters of [`DualMomentum`], unchecked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DualMomentumParams {
    /// Sessions back to where the return starts.
    pub lookback: usize,
    /// Newest sessions that are left out of it.
    pub skip: usize,
    /// Symbols selected at most.
    pub top_n: usize,
}

impl Default for DualMomentumParams {
    /// Twelve months without the last one (252 and 21 sessions), the best five.
    fn default() -> Self {
        Self { lookback: 252, skip: 21, top_n: 5 }
    }
}

impl DualMomentumParams {
    /// Proves the parameters usable and makes the scanner.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `skip` is below `lookback` and `top_n` is 1 or more.
    pub fn check(self) -> Result<DualMomentum, Error> {
        period(OWNER, "lookback", self.lookback, self.skip.saturating_add(1), "above skip")?;
        period(OWNER, "top_n", self.top_n, 1, "1 or more")?;
        Ok(DualMomentum { params: self })
    }
}

/// What the scanner made of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DualSelection {
    /// Among the best N, and above cash.
    Selected,
    /// Above cash, and N others are stronger.
    Outranked,
    /// Not above cash.
    BelowCash,
}

/// One symbol with its signal: long if selected or only looked at, exit if held and to be left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DualRow {
    /// The signal; its strength is the return above cash, never below zero.
    pub signal: Signal,
    /// Return over the lookback, the newest sessions left out; a simple return.
    pub change: f64,
    /// 1 for the strongest.
    pub rank: usize,
    /// What became of it.
    pub selection: DualSelection,
    /// Whether it is held.
    pub held: bool,
}

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DualScan {
    /// Every symbol with enough history, strongest first, ties by symbol.
    pub rows: Vec<DualRow>,
    /// Symbols without enough history, by symbol: they have no signal.
    pub warming: Vec<Warming>,
}

/// Selects the symbols with the largest return over a year, the last month left out, as far as it
/// is above that of cash over the same time.
///
/// Relative momentum ranks the universe, absolute momentum keeps out what does not beat cash: in a
/// falling market nothing is selected. Whoever is held and not selected gets an exit signal. Assumes
/// closes adjusted for splits and dividends. Source: G. Antonacci, "Risk Premia Harvesting Through
/// Dual Momentum" (2012).
///
/// # Examples
/// ```
/// use std::collections::BTreeSet;
///
/// use atlas_core::{DecisionId, Symbol};
/// use atlas_strategy::History;
/// use atlas_strategy::momentum::{DualMomentumParams, DualSelection};
///
/// let (strong, weak): (Symbol, Symbol) = ("STRONG".parse()?, "WEAK".parse()?);
/// let scanner = DualMomentumParams { lookback: 3, skip: 1, top_n: 1 }.check()?;
/// let histories = [
///     History::of_closes(&weak, &[100.0, 101.0, 102.0, 90.0]),
///     History::of_closes(&strong, &[100.0, 110.0, 120.0, 90.0]),
/// ];
/// let as_of = "2019-01-02".parse()?;
/// let scan = scanner.scan(&histories, 0.04, &BTreeSet::new(), DecisionId(1), as_of)?;
/// assert_eq!(scan.rows[0].signal.symbol, strong);
/// assert_eq!(scan.rows[0].selection, DualSelection::Selected);
/// assert!((scan.rows[0].change - 0.2).abs() < 1e-12);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DualMomentum {
    params: DualMomentumParams,
}

impl DualMomentum {
    /// The name its signals carry.
    pub const NAME: &'static str = "dual-momentum";

    /// Its parameters.
    #[must_use]
    pub const fn params(&self) -> &DualMomentumParams {
        &self.params
    }

    /// The return of a symbol over the lookback, `None` during warm-up or where the price it starts
    /// from is no base for one.
    #[must_use]
    pub fn change(&self, history: &History<'_>) -> Option<f64> {
        let closes = history.closes();
        let end = closes.len().checked_sub(self.params.skip + 1)?;
        let start = closes.len().checked_sub(self.params.lookback + 1)?;
        let change = closes[end] / closes[start] - 1.0;
        change.is_finite().then_some(change)
    }

    /// Scans histories that all end at `as_of`; `cash` is the return of cash over the lookback.
    ///
    /// # Errors
    /// [`Error::Parameter`] if `cash` is no number, [`Error::Name`] if a signal cannot be named.
    pub fn scan(
        &self,
        histories: &[History<'_>],
        cash: f64,
        held: &BTreeSet<Symbol>,
        decision: DecisionId,
        as_of: NaiveDate,
    ) -> Result<DualScan, Error> {
        if !cash.is_finite() {
            let (value, rule) = (cash.to_string(), "finite");
            return Err(Error::Parameter { owner: OWNER, name: "cash", value, rule });
        }
        let (mut changes, mut warming) = (Vec::with_capacity(histories.len()), Vec::new());
        for history in histories {
            let symbol = history.symbol();
            match self.change(history) {
                Some(change) => changes.push((symbol, change)),
                None => {
                    warming.push(Warming { symbol: symbol.clone(), sessions: history.len() });
                }
            }
        }
        warming.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        changes.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let mut rows = Vec::with_capacity(changes.len());
        for (index, (symbol, change)) in changes.into_iter().enumerate() {
            let (rank, is_held) = (index + 1, held.contains(symbol));
            let selection = if change <= cash {
                DualSelection::BelowCash
            } else if rank <= self.params.top_n {
                DualSelection::Selected
            } else {
                DualSelection::Outranked
            };
            let exit = is_held && selection != DualSelection::Selected;
            let signal = Signal {
                id: SignalId::new(&format!("{decision}-{}-{symbol}", Self::NAME))?,
                strategy: Self::NAME.to_owned(),
                symbol: symbol.clone(),
                direction: if exit { Direction::Exit } else { Direction::Long },
                strength: (change - cash).max(0.0),
                as_of,
                evidence: vec![("return".to_owned(), change), ("cash".to_owned(), cash)],
            };
            rows.push(DualRow { signal, change, rank, selection, held: is_held });
        }
        Ok(DualScan { rows, warming })
    }
}

const OWNER: &str = "dual momentum";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn symbols(count: usize) -> Vec<Symbol> {
        (0..count).map(|n| format!("S{n}").parse().unwrap()).collect()
    }

    fn scan(
        params: DualMomentumParams,
        closes: &[Vec<f64>],
        cash: f64,
        held: &[usize],
    ) -> DualScan {
        let names = symbols(closes.len());
        let histories: Vec<History<'_>> = names
            .iter()
            .zip(closes)
            .map(|(name, closes)| History::of_closes(name, closes))
            .collect();
        let held = held.iter().map(|at| names[*at].clone()).collect();
        let as_of = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
        params.check().unwrap().scan(&histories, cash, &held, DecisionId(1), as_of).unwrap()
    }

    fn summary(scan: &DualScan) -> Vec<(String, DualSelection, Direction)> {
        let row =
            |row: &DualRow| (row.signal.symbol.to_string(), row.selection, row.signal.direction);
        scan.rows.iter().map(row).collect()
    }

    #[test]
    fn relative_ranks_and_absolute_keeps_out() {
        use Direction::{Exit, Long};
        use DualSelection::{BelowCash, Outranked, Selected};
        let params = DualMomentumParams { lookback: 2, skip: 0, top_n: 2 };
        let closes = vec![
            vec![100.0, 100.0, 130.0],
            vec![100.0, 100.0, 110.0],
            vec![100.0, 100.0, 120.0],
            vec![100.0, 100.0],
        ];
        let found = scan(params, &closes, 0.05, &[1]);
        let row = |name: &str, selection, direction| (name.to_owned(), selection, direction);
        let expected =
            [row("S0", Selected, Long), row("S2", Selected, Long), row("S1", Outranked, Exit)];
        assert_eq!(summary(&found), expected);
        assert_eq!(found.warming, [Warming { symbol: "S3".parse().unwrap(), sessions: 2 }]);
        // Cash at 20 % beats S2, whose return is not above it.
        let found = scan(params, &closes, 0.2, &[0, 2]);
        let expected =
            [row("S0", Selected, Long), row("S2", BelowCash, Exit), row("S1", BelowCash, Long)];
        assert_eq!(summary(&found), expected);
        assert!(found.rows[1].signal.strength.abs() < 1e-12);
    }

    #[test]
    fn parameters_are_checked() {
        let field = DualMomentumParams::default();
        assert_eq!((field.lookback, field.skip, field.top_n), (252, 21, 5));
        assert!(field.check().is_ok());
        assert!(DualMomentumParams { lookback: 21, ..field }.check().is_err());
        assert!(DualMomentumParams { top_n: 0, ..field }.check().is_err());
        let as_of = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
        let nan =
            field.check().unwrap().scan(&[], f64::NAN, &BTreeSet::new(), DecisionId(1), as_of);
        assert!(nan.is_err());
    }

    proptest! {
        /// The past alone decides, and neither scale nor the order of the universe matters.
        #[test]
        fn decisions_are_causal_and_scale_free(
            walks in prop::collection::vec(prop::collection::vec(1_u32..10_000, 12), 1..6),
            cut in 8_usize..12,
            exponent in -4_i32..4,
        ) {
            let params = DualMomentumParams { lookback: 6, skip: 2, top_n: 2 };
            let past = |factor: f64| -> Vec<Vec<f64>> {
                walks
                    .iter()
                    .map(|walk| walk[..cut].iter().map(|x| f64::from(*x) * factor).collect())
                    .collect()
            };
            let plain = scan(params, &past(1.0), 0.0, &[0]);
            prop_assert_eq!(&plain, &scan(params, &past(1.0), 0.0, &[0]));
            prop_assert_eq!(&plain, &scan(params, &past(2_f64.powi(exponent)), 0.0, &[0]));
            let short: Vec<Vec<f64>> = past(1.0).iter().map(|walk| walk[..6].to_vec()).collect();
            prop_assert!(scan(params, &short, 0.0, &[0]).rows.is_empty(), "warm-up has no signal");
            let chosen =
                plain.rows.iter().filter(|row| row.selection == DualSelection::Selected).count();
            prop_assert!(chosen <= 2);
        }
    }
}
