//! Falls from a peak.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// One fall from a peak and the way back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Drawdown {
    /// Session of the peak.
    pub peak: NaiveDate,
    /// Session of the lowest point.
    pub trough: NaiveDate,
    /// First session at or above the peak again; `None` if there was none.
    pub recovered: Option<NaiveDate>,
    /// Depth as a fraction, below zero.
    pub depth: f64,
    /// Sessions from the peak to the recovery or the end.
    pub sessions: usize,
}

/// Fall from the highest wealth so far after each return, as a fraction, zero or below; the
/// wealth before the first return counts as a peak.
#[must_use]
pub fn drawdowns(returns: &[f64]) -> Vec<f64> {
    let (mut wealth, mut peak) = (1.0_f64, 1.0_f64);
    let fall = returns.iter().map(|r| {
        wealth *= 1.0 + r;
        peak = peak.max(wealth);
        wealth / peak - 1.0
    });
    fall.collect()
}

/// Most falls in a row.
pub(super) fn longest(curve: &[f64]) -> usize {
    let (mut run, mut most) = (0, 0);
    for fall in curve {
        run = if *fall < 0.0 { run + 1 } else { 0 };
        most = most.max(run);
    }
    most
}

impl Drawdown {
    /// The deepest falls of a curve of drawdowns with their sessions, deepest first, the earlier
    /// first among equals; `start` is the session before the first.
    #[must_use]
    pub fn deepest(start: NaiveDate, curve: &[(NaiveDate, f64)], most: usize) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        let mut under: Option<Self> = None;
        let mut last_peak = start;
        for (date, fall) in curve {
            match &mut under {
                Some(open) if *fall < 0.0 => {
                    open.sessions += 1;
                    if *fall < open.depth {
                        (open.depth, open.trough) = (*fall, *date);
                    }
                }
                Some(open) => {
                    open.sessions += 1;
                    open.recovered = Some(*date);
                    all.extend(under.take());
                    last_peak = *date;
                }
                None if *fall < 0.0 => {
                    let (peak, trough, depth) = (last_peak, *date, *fall);
                    under = Some(Self { peak, trough, recovered: None, depth, sessions: 1 });
                }
                None => last_peak = *date,
            }
        }
        all.extend(under);
        all.sort_by(|a, b| a.depth.total_cmp(&b.depth));
        all.truncate(most);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_are_found_and_ranked() {
        let day = |d| NaiveDate::from_ymd_opt(2019, 1, d).unwrap();
        let returns = [-0.1, 0.2, -0.25, 0.1, -0.1, 1.0, -0.01];
        let curve: Vec<_> = (2..).map(day).zip(drawdowns(&returns)).collect();
        let found = Drawdown::deepest(day(1), &curve, 2);
        assert_eq!(found[0].peak, day(3));
        assert_eq!(found[0].trough, day(6));
        assert_eq!(found[0].recovered, Some(day(7)));
        assert_eq!(found[0].sessions, 4);
        assert_eq!((found[1].peak, found[1].recovered), (day(1), Some(day(3))));
        assert_eq!(found.len(), 2);
        assert_eq!(longest(&drawdowns(&returns)), 3);
    }
}
