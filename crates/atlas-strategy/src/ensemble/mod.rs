//! Several strategies on one symbol, and how they agree.

use atlas_core::signal::Direction;

mod agreement;
mod track;
mod trial;

pub use agreement::Agreement;
use serde::{Deserialize, Serialize};
pub use track::{Attribution, Track};
pub use trial::{Arm, Trial};

use crate::Error;
use crate::indicator::{Ohlcv, period};
use crate::strategy::{Moment, Opinion, Stage, Strategy};

/// How opinions become one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Conflict {
    /// Have no opinion.
    Skip,
    /// Take the winning side, its strength and confidence lowered by the losing side's share.
    Reduce,
}

/// A rule of voting: how opinions become one, and what to do where they differ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    /// How votes are weighed.
    pub vote: Vote,
    /// What a conflict does.
    pub conflict: Conflict,
}

impl Rule {
    /// Whether it can be used for so many members.
    fn check(&self, size: usize) -> Result<(), Error> {
        let owner = "ensemble";
        let wrong = |name, value: String, rule| Err(Error::Parameter { owner, name, value, rule });
        match &self.vote {
            Vote::Consensus { needed } if !(1..=size).contains(needed) => {
                wrong("needed", needed.to_string(), "from 1 to the number of members")
            }
            Vote::Weighted(weights) if weights.len() != size => {
                wrong("weights", weights.len().to_string(), "one a member")
            }
            Vote::Weighted(weights) => {
                match weights.iter().find(|w| !(w.is_finite() && **w >= 0.0)) {
                    Some(odd) => wrong("weights", odd.to_string(), "finite and 0 or more"),
                    None => Ok(()),
                }
            }
            Vote::Consensus { .. } | Vote::Confidence => Ok(()),
        }
    }

    /// The weight of each member's vote for a side, zero where it does not vote for it.
    fn weights(&self, ballots: &[Option<Opinion>], side: Direction) -> Vec<f64> {
        let weight = |(at, ballot): (usize, &Option<Opinion>)| match ballot {
            Some(opinion) if opinion.direction == side => match &self.vote {
                Vote::Consensus { .. } => 1.0,
                Vote::Weighted(weights) => weights[at],
                Vote::Confidence => opinion.confidence,
            },
            Some(_) | None => 0.0,
        };
        ballots.iter().enumerate().map(weight).collect()
    }

    /// The opinion that a vote ends with, if it ends with one.
    fn decide(&self, ballots: &[Option<Opinion>], close: f64) -> Option<Opinion> {
        let side = |direction: Direction| {
            let weight: f64 = self.weights(ballots, direction).iter().sum();
            (weight, ballots.iter().flatten().filter(|o| o.direction == direction).count())
        };
        let (long, exit) = (side(Direction::Long), side(Direction::Exit));
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
        verdict(ballots, direction, share, close)
    }
}

/// The opinion of the winning side, its members' strength and confidence averaged.
fn verdict(
    ballots: &[Option<Opinion>],
    direction: Direction,
    share: f64,
    close: f64,
) -> Option<Opinion> {
    let agreeing = || ballots.iter().flatten().filter(|o| o.direction == direction);
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
        evidence: [("agreeing", count), ("share", share)].into(),
    })
}

/// Strategies that vote.
///
/// Every member sees every bar. Members without an opinion do not vote. The horizon is the shortest
/// of the winning side, the stop its nearest below the close, so that the most careful member's idea
/// of being wrong counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble<S> {
    members: Vec<S>,
    rule: Rule,
    ballots: Vec<Option<Opinion>>,
    agreement: Agreement,
    attribution: Attribution,
    close: Option<f64>,
}

impl<S: Strategy> Ensemble<S> {
    /// One of members and rules.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no members, a consensus of 0 or of more than there are, weights that
    /// are not one a member, finite and zero or more.
    pub fn new(members: Vec<S>, vote: Vote, conflict: Conflict) -> Result<Self, Error> {
        let size = period("ensemble", "members", members.len(), 1, "1 or more")?;
        let rule = Rule { vote, conflict };
        rule.check(size)?;
        Ok(Self {
            members,
            rule,
            ballots: Vec::with_capacity(size),
            agreement: Agreement::new(size),
            attribution: Attribution::new(size),
            close: None,
        })
    }

    /// What each member said on the last bar, in their order.
    #[must_use]
    pub fn ballots(&self) -> &[Option<Opinion>] {
        &self.ballots
    }

    /// How often members took the same side.
    #[must_use]
    pub const fn agreement(&self) -> &Agreement {
        &self.agreement
    }

    /// What each member earned, and its part of what the ensemble did.
    #[must_use]
    pub const fn attribution(&self) -> &Attribution {
        &self.attribution
    }
}

impl<S: Strategy> Strategy for Ensemble<S> {
    fn name(&self) -> &'static str {
        "ensemble"
    }

    fn warm_up(&self) -> usize {
        self.members.iter().map(Strategy::warm_up).min().unwrap_or(0)
    }

    fn steady(&self) -> usize {
        self.members.iter().map(Strategy::steady).max().unwrap_or(0)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        if let Some(change) = change(&mut self.close, bar.close) {
            self.attribution.earn(change);
        }
        self.ballots.clear();
        self.ballots.extend(self.members.iter_mut().map(|member| member.push(bar)));
        self.agreement.take(&self.ballots);
        let verdict = self.rule.decide(&self.ballots, bar.close);
        let weights = self.rule.weights(&self.ballots, Direction::Long);
        self.attribution.follow(&self.ballots, verdict.as_ref(), &weights);
        verdict
    }

    fn observe(&mut self, moment: &Moment) {
        self.members.iter_mut().for_each(|member| member.observe(moment));
    }

    fn stage(&self) -> Stage {
        stage(&self.members)
    }
}

/// The simple return since the close before; none for the first, or where prices are no base.
fn change(last: &mut Option<f64>, close: f64) -> Option<f64> {
    let change = close / last.replace(close)? - 1.0;
    change.is_finite().then_some(change)
}

/// One member that is a test makes a test of all.
fn stage<S: Strategy>(members: &[S]) -> Stage {
    let tests = members.iter().any(|member| member.stage() == Stage::TestOnly);
    if tests { Stage::TestOnly } else { Stage::Production }
}

#[cfg(test)]
mod tests;
