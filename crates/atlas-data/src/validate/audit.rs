//! What is odd about whole series, found once instead of at every decision.

use std::collections::BTreeMap;

use atlas_core::Symbol;

use super::Needs;
use crate::market::MarketData;
use crate::series::SeriesView;

/// Where the prices of a market jump or trade nothing, by symbol: found once by
/// [`MarketData::audit`], asked at every decision by
/// [`MarketData::as_of_audited`]. Says nothing that a decision's own check would not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Audit {
    jump: f64,
    odd: BTreeMap<Symbol, Odd>,
}

/// Rows of one series, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Odd {
    rows: usize,
    jumps: Vec<usize>,
    idle: Vec<usize>,
}

impl Audit {
    /// Looks through every series.
    pub(crate) fn of(market: &MarketData, needs: &Needs) -> Self {
        let odd = market.series.iter();
        let odd = odd.map(|(symbol, series)| (symbol.clone(), Odd::of(series.view(), needs.jump)));
        Self { jump: needs.jump, odd: odd.collect() }
    }

    /// Whether nothing of a view's window jumps: if not, the check has to be made.
    pub(super) fn is_calm(&self, view: SeriesView<'_>, needs: &Needs) -> bool {
        // Another threshold asks another question.
        let same = self.jump.to_bits() == needs.jump.to_bits();
        same && self.none_within(view, needs.window, |odd| &odd.jumps)
    }

    /// Whether something was traded in every session of a view's window.
    pub(super) fn is_busy(&self, view: SeriesView<'_>, needs: &Needs) -> bool {
        self.none_within(view, needs.window, |odd| &odd.idle)
    }

    fn none_within(
        &self,
        view: SeriesView<'_>,
        window: usize,
        rows: impl Fn(&Odd) -> &Vec<usize>,
    ) -> bool {
        let Some(odd) = self.odd.get(view.symbol()).filter(|odd| odd.rows >= view.len()) else {
            return false;
        };
        let first = view.len().saturating_sub(window);
        let place = rows(odd).partition_point(|row| *row < first);
        rows(odd).get(place).is_none_or(|row| *row >= view.len())
    }
}

impl Odd {
    fn of(view: SeriesView<'_>, jump: f64) -> Self {
        let closes = view.return_closes();
        let pairs = closes.windows(2).enumerate();
        let jumps = pairs.filter(|(_, pair)| (pair[1] / pair[0] - 1.0).abs() > jump);
        let volume = view.volume().unwrap_or_default().iter().enumerate();
        Self {
            rows: view.len(),
            jumps: jumps.map(|(row, _)| row + 1).collect(),
            idle: volume.filter(|(_, shares)| **shares <= 0.0).map(|(row, _)| row).collect(),
        }
    }
}
