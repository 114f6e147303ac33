//! Several strategies on one symbol, and how they agree.

use atlas_core::signal::Direction;

use crate::Error;
use crate::indicator::{Ohlcv, period};
use crate::strategy::{Opinion, Stage, Strategy};

/// How opinions become one.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Vote {
    /// As many must agree, and more of them than disagree.
    Consensus {
        /// Members that must agree at least; the field uses 2.
        needed: usize,
    },
    /// Weights by past performance, one a member, zero or more; the heavier side wins.
    Weighted(Vec<f64>),
    /// Each weighs as much as it is sure.
    Confidence,
}

/// What to do where members disagree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Conflict {
    /// Have no opinion.
    Skip,
    /// Take the winning side, its strength and confidence lowered by the losing side's share.
    Reduce,
}

/// Strategies that vote.
///
/// Every member sees every bar. Members without an opinion do not vote. The horizon is the shortest
/// of the winning side, the stop its nearest below the close, so that the most careful member's idea
/// of being wrong counts.
#[derive(Debug)]
pub struct Ensemble<S> {
    members: Vec<S>,
    vote: Vote,
    conflict: Conflict,
    ballots: Vec<Option<Opinion>>,
    agreement: Agreement,
}

/// How often each pair of members took the same side when both had an opinion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agreement {
    size: usize,
    same: Vec<u64>,
    both: Vec<u64>,
}

impl Agreement {
    /// Share of bars, among those on which both members had an opinion, on which it was the same;
    /// `None` before there was one, or for a member that does not exist.
    #[must_use]
    pub fn between(&self, one: usize, other: usize) -> Option<f64> {
        if one >= self.size || other >= self.size {
            return None;
        }
        let at = one * self.size + other;
        // Counts of bars, far below 2^52.
        #[expect(clippy::cast_precision_loss, reason = "a count of bars is far below 2^52")]
        let share = self.same[at] as f64 / self.both[at] as f64;
        share.is_finite().then_some(share)
    }

    fn count(&mut self, ballots: &[Option<Opinion>]) {
        for (one, left) in ballots.iter().enumerate() {
            for (other, right) in ballots.iter().enumerate() {
                let (Some(left), Some(right)) = (left, right) else { continue };
                let at = one * self.size + other;
                self.both[at] += 1;
                self.same[at] += u64::from(left.direction == right.direction);
            }
        }
    }
}

impl<S: Strategy> Ensemble<S> {
    /// One of members and rules.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no members, a consensus of 0 or of more than there are, weights that
    /// are not one a member, finite and zero or more.
    pub fn new(members: Vec<S>, vote: Vote, conflict: Conflict) -> Result<Self, Error> {
        let owner = "ensemble";
        let size = period(owner, "members", members.len(), 1, "1 or more")?;
        let wrong = |name, value: String, rule| Err(Error::Parameter { owner, name, value, rule });
        match &vote {
            Vote::Consensus { needed } if !(1..=size).contains(needed) => {
                return wrong("needed", needed.to_string(), "from 1 to the number of members");
            }
            Vote::Weighted(weights) => {
                if weights.len() != size {
                    return wrong("weights", weights.len().to_string(), "one a member");
                }
                if let Some(odd) = weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
                    return wrong("weights", odd.to_string(), "finite and 0 or more");
                }
            }
            Vote::Consensus { .. } | Vote::Confidence => {}
        }
        let pairs = vec![0; size * size];
        let agreement = Agreement { size, same: pairs.clone(), both: pairs };
        Ok(Self { members, vote, conflict, ballots: Vec::with_capacity(size), agreement })
    }

    /// What each member said on the last bar, in their order: the ensemble's attribution.
    #[must_use]
    pub fn ballots(&self) -> &[Option<Opinion>] {
        &self.ballots
    }

    /// How often members took the same side.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// Weight and number of the members on one side.
    fn side(&self, direction: Direction) -> (f64, usize) {
        let mut side = (0.0, 0);
        for (at, ballot) in self.ballots.iter().enumerate() {
            let Some(opinion) = ballot.as_ref().filter(|o| o.direction == direction) else {
                continue;
            };
            side.0 += match &self.vote {
                Vote::Consensus { .. } => 1.0,
                Vote::Weighted(weights) => weights[at],
                Vote::Confidence => opinion.confidence,
            };
            side.1 += 1;
        }
        side
    }

    /// The opinion of the winning side, its members' strength and confidence averaged.
    fn verdict(&self, direction: Direction, share: f64, close: f64) -> Option<Opinion> {
        let agreeing = || self.ballots.iter().flatten().filter(|o| o.direction == direction);
        let count = crate::indicator::count(agreeing().count());
        let mean = |read: fn(&Opinion) -> f64| agreeing().map(read).sum::<f64>() / count;
        let stops = agreeing().filter_map(|o| o.stop).filter(|stop| *stop < close);
        let targets = agreeing().filter_map(|o| o.target).filter(|target| *target > close);
        Some(Opinion {
            direction,
            strength: mean(|o| o.strength) * share,
            confidence: mean(|o| o.confidence) * share,
            horizon: agreeing().map(|o| o.horizon).min()?,
            stop: stops.max_by(f64::total_cmp),
            target: targets.min_by(f64::total_cmp),
            evidence: vec![("agreeing", count), ("share", share)],
        })
    }
}

impl<S: Strategy> Strategy for Ensemble<S> {
    fn name(&self) -> &'static str {
        "ensemble"
    }

    fn warm_up(&self) -> usize {
        self.members.iter().map(Strategy::warm_up).min().unwrap_or(0)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        self.ballots.clear();
        self.ballots.extend(self.members.iter_mut().map(|member| member.push(bar)));
        self.agreement.count(&self.ballots);
        let (long, exit) = (self.side(Direction::Long), self.side(Direction::Exit));
        let (direction, winning, losing) = if long.0 > exit.0 {
            (Direction::Long, long, exit)
        } else if exit.0 > long.0 {
            (Direction::Exit, exit, long)
        } else {
            return None;
        };
        if let Vote::Consensus { needed } = self.vote
            && winning.1 < needed
        {
            return None;
        }
        if losing.1 > 0 && self.conflict == Conflict::Skip {
            return None;
        }
        let share = (winning.0 - losing.0) / (winning.0 + losing.0);
        self.verdict(direction, share, bar.close)
    }

    fn stage(&self) -> Stage {
        let tests = self.members.iter().any(|member| member.stage() == Stage::TestOnly);
        if tests { Stage::TestOnly } else { Stage::Production }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what it was told to, bar by bar.
    struct Scripted(Vec<Option<(Direction, f64)>>, usize);

    impl Strategy for Scripted {
        fn name(&self) -> &'static str {
            "scripted"
        }

        fn warm_up(&self) -> usize {
            1
        }

        fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
            let (direction, confidence) = self.0[self.1]?;
            self.1 += 1;
            Some(Opinion {
                direction,
                strength: 1.0,
                confidence,
                horizon: 5,
                stop: Some(bar.close - confidence),
                target: None,
                evidence: Vec::new(),
            })
        }
    }

    const LONG: Direction = Direction::Long;
    const EXIT: Direction = Direction::Exit;

    fn vote(
        ballots: &[Option<(Direction, f64)>],
        vote: Vote,
        conflict: Conflict,
    ) -> Option<Opinion> {
        let members = ballots.iter().map(|ballot| Scripted(vec![*ballot], 0)).collect();
        let mut ensemble = Ensemble::new(members, vote, conflict).unwrap();
        let bar = Ohlcv { open: 9.0, high: 9.0, low: 9.0, close: 9.0, volume: 1.0 };
        ensemble.push(&bar)
    }

    #[test]
    fn votes_are_counted_by_their_rule() {
        let two = || Vote::Consensus { needed: 2 };
        let split = [Some((LONG, 0.9)), Some((LONG, 0.5)), Some((EXIT, 0.2)), None];
        let direction = |opinion: Option<Opinion>| opinion.map(|opinion| opinion.direction);
        assert_eq!(direction(vote(&split, two(), Conflict::Skip)), None);
        let reduced = vote(&split, two(), Conflict::Reduce).unwrap();
        assert_eq!(reduced.direction, LONG);
        assert!((reduced.strength - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(reduced.stop, Some(8.5), "the nearest stop counts");
        assert_eq!(direction(vote(&split[..1], Vote::Confidence, Conflict::Skip)), Some(LONG));
        let weights = Vote::Weighted(vec![1.0, 1.0, 3.0, 0.0]);
        assert_eq!(direction(vote(&split, weights, Conflict::Reduce)), Some(EXIT));
        let confident = vote(&split, Vote::Confidence, Conflict::Reduce);
        assert_eq!(direction(confident), Some(LONG));
        let tie = [Some((LONG, 0.5)), Some((EXIT, 0.5))];
        assert_eq!(direction(vote(&tie, Vote::Confidence, Conflict::Reduce)), None);
        assert_eq!(
            direction(vote(&split[..1], Vote::Consensus { needed: 1 }, Conflict::Skip)),
            Some(LONG)
        );
    }

    #[test]
    fn agreement_is_tracked_and_nonsense_refused() {
        let scripts = [
            vec![Some((LONG, 1.0)), Some((LONG, 1.0)), Some((EXIT, 1.0))],
            vec![Some((LONG, 1.0)), Some((EXIT, 1.0)), Some((EXIT, 1.0))],
        ];
        let members = scripts.into_iter().map(|script| Scripted(script, 0)).collect();
        let mut ensemble = Ensemble::new(members, Vote::Confidence, Conflict::Skip).unwrap();
        assert_eq!(ensemble.agreement().between(0, 1), None);
        let bar = Ohlcv { open: 9.0, high: 9.0, low: 9.0, close: 9.0, volume: 1.0 };
        for _ in 0..3 {
            ensemble.push(&bar);
        }
        assert!((ensemble.agreement().between(0, 1).unwrap() - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(ensemble.ballots().len(), 2);
        assert_eq!(ensemble.agreement().between(0, 2), None);
        let none = Vec::<Scripted>::new();
        assert!(Ensemble::new(none, Vote::Confidence, Conflict::Skip).is_err());
        for vote in [
            Vote::Consensus { needed: 2 },
            Vote::Consensus { needed: 0 },
            Vote::Weighted(vec![]),
            Vote::Weighted(vec![f64::NAN]),
        ] {
            let one = vec![Scripted(Vec::new(), 0)];
            assert!(Ensemble::new(one, vote, Conflict::Skip).is_err());
        }
    }
}
