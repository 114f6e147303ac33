//! What following a member, or a rule, would have brought, and who brought it.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::strategy::Opinion;

/// The record of a side that was held from close to close.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Track {
    long: bool,
    bars: u64,
    held: u64,
    sum: f64,
    squares: f64,
}

impl Track {
    /// Bars it was followed for.
    #[must_use]
    pub const fn bars(&self) -> u64 {
        self.bars
    }

    /// Bars of these on which it was long.
    #[must_use]
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// Sum of the simple returns of those bars.
    #[must_use]
    pub const fn sum(&self) -> f64 {
        self.sum
    }

    /// Mean return a bar, bars out of the market counted as zero; `None` before the first.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (self.bars > 0).then(|| self.sum / count(self.bars))
    }

    /// Mean over standard deviation (divisor `n`) of the returns a bar; `None` where they do not
    /// vary.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        let mean = self.mean()?;
        let variance = self.squares / count(self.bars) - mean * mean;
        (variance > 0.0).then(|| mean / variance.sqrt())
    }

    /// What the bar that just closed brought, by the side taken before it.
    pub(super) fn earn(&mut self, change: f64) -> f64 {
        let earned = if self.long { change } else { 0.0 };
        self.bars += 1;
        self.held += u64::from(self.long);
        self.sum += earned;
        self.squares += earned * earned;
        earned
    }

    /// Takes the side of an opinion; without one it stays.
    pub(super) fn follow(&mut self, opinion: Option<&Opinion>) {
        if let Some(opinion) = opinion {
            self.long = opinion.direction == Direction::Long;
        }
    }
}

/// What each member earned by itself, and its part of what the ensemble earned.
///
/// A return of the ensemble is shared out among the members whose votes made it long, by the weight
/// of their votes; the parts add up to it. Correlations are those of the members' own returns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribution {
    members: Vec<Track>,
    ensemble: Track,
    credit: Vec<f64>,
    /// The members' parts in the ensemble's present side.
    shares: Vec<f64>,
    /// Sums of products of the members' returns, row by row.
    products: Vec<f64>,
}

impl Attribution {
    pub(super) fn new(size: usize) -> Self {
        Self {
            members: vec![Track::default(); size],
            ensemble: Track::default(),
            credit: vec![0.0; size],
            shares: vec![0.0; size],
            products: vec![0.0; size * size],
        }
    }

    /// Each member, followed by itself.
    #[must_use]
    pub fn members(&self) -> &[Track] {
        &self.members
    }

    /// The ensemble itself.
    #[must_use]
    pub const fn ensemble(&self) -> &Track {
        &self.ensemble
    }

    /// Each member's part of the sum of the ensemble's returns.
    #[must_use]
    pub fn credit(&self) -> &[f64] {
        &self.credit
    }

    /// Weights for [`Vote::Weighted`](super::Vote::Weighted): each member's mean over deviation,
    /// zero where that is negative or not known yet.
    #[must_use]
    pub fn weights(&self) -> Vec<f64> {
        self.members.iter().map(|track| track.ratio().unwrap_or(0.0).max(0.0)).collect()
    }

    /// Correlation of two members' returns a bar, −1 to 1; `None` where either does not vary, or
    /// for a member that does not exist.
    #[must_use]
    pub fn correlation(&self, one: usize, other: usize) -> Option<f64> {
        let (left, right) = (self.members.get(one)?, self.members.get(other)?);
        let bars = count(left.bars);
        let spread = |track: &Track| bars * track.squares - track.sum * track.sum;
        let scale = spread(left).max(0.0).sqrt() * spread(right).max(0.0).sqrt();
        let product = self.products[one * self.members.len() + other];
        let covariance = bars * product - left.sum * right.sum;
        (scale > 0.0).then(|| (covariance / scale).clamp(-1.0, 1.0))
    }

    /// Takes in the return of the bar that just closed.
    pub(super) fn earn(&mut self, change: f64) {
        let earned: Vec<f64> = self.members.iter_mut().map(|track| track.earn(change)).collect();
        let size = earned.len();
        for (at, product) in self.products.iter_mut().enumerate() {
            *product += earned[at / size] * earned[at % size];
        }
        let all = self.ensemble.earn(change);
        for (credit, share) in self.credit.iter_mut().zip(&self.shares) {
            *credit += share * all;
        }
    }

    /// Takes the sides of new ballots; `weights` are those of the votes for being long.
    pub(super) fn follow(
        &mut self,
        ballots: &[Option<Opinion>],
        verdict: Option<&Opinion>,
        weights: &[f64],
    ) {
        for (track, ballot) in self.members.iter_mut().zip(ballots) {
            track.follow(ballot.as_ref());
        }
        let voted_long = verdict.is_some_and(|opinion| opinion.direction == Direction::Long);
        self.ensemble.follow(verdict);
        let total: f64 = weights.iter().sum();
        if voted_long && total > 0.0 {
            for (share, weight) in self.shares.iter_mut().zip(weights) {
                *share = weight / total;
            }
        }
    }
}

fn count(bars: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a count of bars is far below 2^52")]
    let count = bars as f64;
    count
}
