//! How alike the members of an ensemble are.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::strategy::Opinion;

/// How often each pair of members took which sides when both had an opinion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agreement {
    size: usize,
    pairs: Vec<Pair>,
}

/// Bars on which both had an opinion.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Pair {
    both: u64,
    /// Of these, those on which both, the first, the second were long.
    long: u64,
    first: u64,
    second: u64,
}

impl Agreement {
    pub(super) fn new(size: usize) -> Self {
        Self { size, pairs: vec![Pair::default(); size * size] }
    }

    /// Share of bars, among those on which both members had an opinion, on which it was the same;
    /// `None` before there was one, or for a member that does not exist.
    #[must_use]
    pub fn between(&self, one: usize, other: usize) -> Option<f64> {
        let pair = self.pair(one, other)?;
        let neither = pair.both + pair.long - pair.first - pair.second;
        (pair.both > 0).then(|| count(pair.long + neither) / count(pair.both))
    }

    /// Correlation of the two members' sides, −1 to 1, over the bars on which both had an opinion;
    /// `None` before there was one, where either never changed its side, or for a member that does
    /// not exist.
    #[must_use]
    pub fn correlation(&self, one: usize, other: usize) -> Option<f64> {
        let Pair { both, long, first, second } = self.pair(one, other)?;
        let variation = |long: u64| count(long) * count(both - long);
        let scale = variation(first).sqrt() * variation(second).sqrt();
        let covariance = count(both) * count(long) - count(first) * count(second);
        (scale > 0.0).then(|| (covariance / scale).clamp(-1.0, 1.0))
    }

    pub(super) fn take(&mut self, ballots: &[Option<Opinion>]) {
        for (one, left) in ballots.iter().enumerate() {
            for (other, right) in ballots.iter().enumerate() {
                let (Some(left), Some(right)) = (left, right) else { continue };
                let first = left.direction == Direction::Long;
                let second = right.direction == Direction::Long;
                let pair = &mut self.pairs[one * self.size + other];
                pair.both += 1;
                pair.long += u64::from(first && second);
                pair.first += u64::from(first);
                pair.second += u64::from(second);
            }
        }
    }

    fn pair(&self, one: usize, other: usize) -> Option<Pair> {
        let known = one < self.size && other < self.size;
        known.then(|| self.pairs[one * self.size + other])
    }
}

fn count(bars: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of bars is far below 2^52")]
    let count = bars as f64;
    count
}
