//! Large falls of the index, when they were called, and what a follower of the labels lost in them.

use atlas_regime::RegimeEstimate;
use chrono::NaiveDate;

use super::labels::{Market, Reading, budget, day, defensive};
use super::{Dated, Outcome, float};

/// Peaks of the index before falls.
const PEAKS: [(i32, u32, u32); 8] = [
    (1998, 7, 17),
    (2000, 9, 1),
    (2007, 10, 9),
    (2011, 4, 29),
    (2015, 7, 20),
    (2018, 9, 20),
    (2020, 2, 19),
    (2022, 1, 3),
];

/// A fall from a peak to the lowest close before the peak's level is seen again.
#[derive(Debug, Clone, Copy)]
pub struct Fall {
    pub peak: NaiveDate,
    pub low: NaiveDate,
    /// A negative fraction.
    pub depth: f64,
}

/// When a fall was called.
pub enum Called {
    /// Defensive before it began, which is no detection.
    Before,
    /// So many sessions after the peak, with this part of the fall gone and the index at this
    /// fraction below the peak.
    After {
        sessions: usize,
        part: f64,
        down: f64,
        too_late: bool,
    },
    Never,
}

impl Fall {
    /// All falls studied, by date.
    pub fn all(index: &Dated) -> Outcome<Vec<Self>> {
        PEAKS.iter().map(|(y, m, d)| Ok(Self::from(index, day(*y, *m, *d)?))).collect()
    }

    fn from(index: &Dated, peak: NaiveDate) -> Self {
        let from = index.dates.partition_point(|d| *d < peak);
        let top = index.values[from];
        let under = (from + 1..index.values.len()).take_while(|t| index.values[*t] < top);
        let lowest = under.min_by(|a, b| index.values[*a].total_cmp(&index.values[*b]));
        let lowest = lowest.unwrap_or(from);
        Self { peak, low: index.dates[lowest], depth: index.values[lowest] / top - 1.0 }
    }

    pub fn name(&self) -> String {
        format!("{} to {} ({:.1} %)", self.peak, self.low, 100.0 * self.depth)
    }

    /// Where the peak is in what was said, and where the session after the low.
    fn span(&self, said: &[RegimeEstimate]) -> (usize, usize) {
        let from = said.partition_point(|e| e.as_of < self.peak);
        (from, said.partition_point(|e| e.as_of <= self.low))
    }

    /// The first defensive label from the peak on.
    pub fn called(&self, market: &Market, said: &[RegimeEstimate], label: Reading) -> Called {
        let (from, to) = self.span(said);
        let found = (from..said.len()).find(|t| defensive(label(&said[*t])));
        let Some(found) = found else { return Called::Never };
        if found == from {
            return Called::Before;
        }
        let down = market.level(&said[found]) / market.level(&said[from]) - 1.0;
        let (sessions, too_late) = (found - from, found >= to);
        Called::After { sessions, part: down / self.depth, down, too_late }
    }

    /// Whether the first ten of eleven defensive labels begin on another session than the first
    /// defensive one; looks ten sessions ahead.
    pub fn flickers(&self, said: &[RegimeEstimate], label: Reading) -> bool {
        let (from, _) = self.span(said);
        let first = (from..said.len()).find(|t| defensive(label(&said[*t])));
        let settled = (from..said.len()).find(|t| {
            let ahead = &said[*t..(*t + 11).min(said.len())];
            let calm = ahead.iter().filter(|e| !defensive(label(e))).count();
            defensive(label(&ahead[0])) && calm <= ahead.len().saturating_sub(10)
        });
        first != settled
    }

    /// Return of a follower of the budget 100/70/30/0 from the peak to the low, each label held
    /// from the next session but one, before costs and interest.
    pub fn followed(&self, market: &Market, said: &[RegimeEstimate], label: Reading) -> f64 {
        let (from, to) = self.span(said);
        let growth = (from + 1..to).fold(1.0, |all, t| {
            let index = market.level(&said[t]) / market.level(&said[t - 1]) - 1.0;
            all * (1.0 + budget(label(&said[t - 2])) * index)
        });
        growth - 1.0
    }

    /// The same as a part of what the index lost.
    pub fn suffered(&self, market: &Market, said: &[RegimeEstimate], label: Reading) -> f64 {
        // No minus before a zero.
        self.followed(market, said, label) / self.depth + 0.0
    }

    /// Share of the sessions of the fall labelled defensive.
    pub fn covered(&self, said: &[RegimeEstimate], label: Reading) -> f64 {
        let (from, to) = self.span(said);
        let days = said[from..to].iter().filter(|e| defensive(label(e))).count();
        float(days) / float(to - from)
    }
}
