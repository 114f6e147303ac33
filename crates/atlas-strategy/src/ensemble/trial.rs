//! Rules of voting against each other, on the same ballots.

use super::track::Track;
use super::{Rule, change, stage};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Ohlcv, period};
use crate::strategy::{Moment, Opinion, Stage, Strategy};

/// One rule on trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// The rule.
    pub rule: Rule,
    /// What following it would have brought.
    pub track: Track,
}

/// Members that vote once a bar, and rules that each make of their votes what they would.
///
/// A side taken at one close earns until the next, so that no rule profits from the bar it decided
/// on. The first rule is the one that is followed; the others are only kept books of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial<S> {
    members: Vec<S>,
    arms: Vec<Arm>,
    ballots: Vec<Option<Opinion>>,
    /// Of each arm, the sum and the sum of squares of its returns beyond those of the first.
    beyond: Vec<(f64, f64)>,
    close: Option<f64>,
}

impl<S: Strategy> Trial<S> {
    /// One of members and two rules or more, the first of which is followed.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no members, fewer than two rules, or a rule that cannot be used for
    /// so many members.
    pub fn new(members: Vec<S>, rules: Vec<Rule>) -> Result<Self, Error> {
        let size = period("trial", "members", members.len(), 1, "1 or more")?;
        period("trial", "rules", rules.len(), 2, "2 or more")?;
        rules.iter().try_for_each(|rule| rule.check(size))?;
        let beyond = vec![(0.0, 0.0); rules.len()];
        let arm = |rule| Arm { rule, track: Track::default() };
        Ok(Self {
            members,
            arms: rules.into_iter().map(arm).collect(),
            ballots: Vec::with_capacity(size),
            beyond,
            close: None,
        })
    }

    /// The rules with their books, in the order given.
    #[must_use]
    pub fn arms(&self) -> &[Arm] {
        &self.arms
    }

    /// How sure the difference between an arm and the first one is: mean over standard error of the
    /// difference of their returns a bar, in the arm's favour if positive. `None` before the second
    /// bar, where they never differed, or for an arm that does not exist.
    ///
    /// Of several arms the best one looks better than it is: a value of 2 is no proof then.
    #[must_use]
    pub fn score(&self, arm: usize) -> Option<f64> {
        let (sum, squares) = *self.beyond.get(arm)?;
        #[expect(clippy::cast_precision_loss, reason = "a count of bars is far below 2^52")]
        let bars = self.arms.first()?.track.bars() as f64;
        let spread = (squares - sum * sum / bars) / (bars - 1.0);
        (bars > 1.0 && spread > 0.0).then(|| sum / bars / (spread / bars).sqrt())
    }
}

impl<S: Strategy> Strategy for Trial<S> {
    fn name(&self) -> &'static str {
        "trial"
    }

    fn warm_up(&self) -> usize {
        self.members.iter().map(Strategy::warm_up).min().unwrap_or(0)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        if let Some(change) = change(&mut self.close, bar.close) {
            let earned: Vec<f64> = self.arms.iter_mut().map(|arm| arm.track.earn(change)).collect();
            for ((sum, squares), own) in self.beyond.iter_mut().zip(&earned) {
                let difference = own - earned[0];
                *sum += difference;
                *squares += difference * difference;
            }
        }
        self.ballots.clear();
        self.ballots.extend(self.members.iter_mut().map(|member| member.push(bar)));
        let mut followed = None;
        for (at, arm) in self.arms.iter_mut().enumerate() {
            let verdict = arm.rule.decide(&self.ballots, bar.close);
            arm.track.follow(verdict.as_ref());
            if at == 0 {
                followed = verdict;
            }
        }
        followed
    }

    fn observe(&mut self, moment: &Moment) {
        self.members.iter_mut().for_each(|member| member.observe(moment));
    }

    fn stage(&self) -> Stage {
        stage(&self.members)
    }
}
