//! The circuit breaker: stops entries after failures or losses, and tries again by rule.

use std::fmt;

use atlas_core::time::Timestamp;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::Error;

/// When the breaker opens and how it closes again; no default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerRules {
    /// Failures within the window that open it, such as rejected orders and unanswered calls.
    pub failures: u32,
    /// Seconds a failure counts for.
    pub window_seconds: u32,
    /// Losing trades in a row that open it.
    pub losses: u32,
    /// Seconds it stays open before one trial is allowed.
    pub cooldown_seconds: u32,
    /// Successes in a row that close it from half open.
    pub trials: u32,
}

impl BreakerRules {
    /// Proves the rules usable.
    ///
    /// # Errors
    /// [`Error::Limit`] naming the first count or time that is zero.
    pub fn check(self) -> Result<CircuitBreaker, Error> {
        for (name, value) in [
            ("breaker.failures", self.failures),
            ("breaker.window_seconds", self.window_seconds),
            ("breaker.losses", self.losses),
            ("breaker.cooldown_seconds", self.cooldown_seconds),
            ("breaker.trials", self.trials),
        ] {
            if value == 0 {
                return Err(Error::Limit { name, value: "0".into(), rule: "above 0" });
            }
        }
        Ok(CircuitBreaker { rules: self, losses: 0, failures: Vec::new(), state: State::Closed })
    }
}

/// What the breaker lets through at present.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerStance {
    /// Everything.
    Closed,
    /// Entries, as a trial: the next failure or loss opens it again.
    HalfOpen,
    /// No entries.
    Open,
}

impl fmt::Display for BreakerStance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half open",
            Self::Open => "open",
        })
    }
}

/// What the breaker is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BreakerEvent {
    /// An order or a call that worked.
    Success,
    /// An order the broker rejected, a call without an answer.
    Failure,
    /// A trade that ended with a gain or even.
    Gain,
    /// A trade that ended with a loss.
    Loss,
}

/// Counts failures and losses, opens, half-opens and closes; serialized whole, so that a restart
/// changes nothing.
///
/// | from | by | to |
/// | --- | --- | --- |
/// | closed | as many failures within the window, or losses in a row, as the rules say | open |
/// | open | the cooldown has passed | half open |
/// | half open | a failure or a loss | open, with a new cooldown |
/// | half open | as many successes or gains in a row as the rules say | closed, counts at zero |
///
/// Events while it is open change nothing: exits go on, and neither their success nor their failure
/// says whether entries would work.
///
/// # Examples
/// ```
/// use atlas_risk::{BreakerEvent, BreakerRules, BreakerStance};
/// use chrono::{TimeDelta, TimeZone, Utc};
///
/// let rules =
///     BreakerRules { failures: 2, window_seconds: 60, losses: 3, cooldown_seconds: 300, trials: 1 };
/// let mut breaker = rules.check()?;
/// let start = Utc.timestamp_opt(1_546_441_200, 0).unwrap();
/// breaker.tell(BreakerEvent::Failure, start);
/// breaker.tell(BreakerEvent::Failure, start + TimeDelta::seconds(59));
/// assert_eq!(breaker.stance(start + TimeDelta::seconds(60)), BreakerStance::Open);
/// assert_eq!(breaker.stance(start + TimeDelta::seconds(359)), BreakerStance::HalfOpen);
/// # Ok::<(), atlas_risk::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitBreaker {
    rules: BreakerRules,
    losses: u32,
    failures: Vec<Timestamp>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum State {
    Closed,
    Open { since: Timestamp, successes: u32 },
}

impl CircuitBreaker {
    /// The rules it follows.
    #[must_use]
    pub const fn rules(&self) -> &BreakerRules {
        &self.rules
    }

    /// What it lets through at an instant.
    #[must_use]
    pub fn stance(&self, now: Timestamp) -> BreakerStance {
        match self.state {
            State::Closed => BreakerStance::Closed,
            State::Open { since, .. } if now - since < self.cooldown() => BreakerStance::Open,
            State::Open { .. } => BreakerStance::HalfOpen,
        }
    }

    /// Takes in what happened at an instant.
    pub fn tell(&mut self, event: BreakerEvent, at: Timestamp) {
        match self.stance(at) {
            BreakerStance::Open => {}
            BreakerStance::Closed => self.count(event, at),
            BreakerStance::HalfOpen => self.try_out(event, at),
        }
    }

    /// An operator closes it; every count starts at zero.
    pub fn reset(&mut self) {
        self.state = State::Closed;
        self.failures.clear();
        self.losses = 0;
    }

    fn count(&mut self, event: BreakerEvent, at: Timestamp) {
        let window = TimeDelta::seconds(i64::from(self.rules.window_seconds));
        self.failures.retain(|failure| at - *failure < window);
        match event {
            BreakerEvent::Success => {}
            BreakerEvent::Failure => self.failures.push(at),
            BreakerEvent::Gain => self.losses = 0,
            BreakerEvent::Loss => self.losses = self.losses.saturating_add(1),
        }
        let failed = u32::try_from(self.failures.len()).unwrap_or(u32::MAX);
        if failed >= self.rules.failures || self.losses >= self.rules.losses {
            self.state = State::Open { since: at, successes: 0 };
        }
    }

    fn try_out(&mut self, event: BreakerEvent, at: Timestamp) {
        match (event, &mut self.state) {
            (BreakerEvent::Failure | BreakerEvent::Loss, state) => {
                *state = State::Open { since: at, successes: 0 };
            }
            (BreakerEvent::Success | BreakerEvent::Gain, State::Open { successes, .. }) => {
                *successes = successes.saturating_add(1);
                if *successes >= self.rules.trials {
                    self.reset();
                }
            }
            (BreakerEvent::Success | BreakerEvent::Gain, State::Closed) => {}
        }
    }

    fn cooldown(&self) -> TimeDelta {
        TimeDelta::seconds(i64::from(self.rules.cooldown_seconds))
    }
}

#[cfg(test)]
mod tests {
    use chrono::{TimeZone, Utc};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Utc.timestamp_opt(second, 0).unwrap()
    }

    fn breaker() -> CircuitBreaker {
        BreakerRules {
            failures: 3,
            window_seconds: 60,
            losses: 2,
            cooldown_seconds: 100,
            trials: 2,
        }
        .check()
        .unwrap()
    }

    fn told(events: &[(BreakerEvent, i64)]) -> CircuitBreaker {
        let mut breaker = breaker();
        for (event, second) in events {
            breaker.tell(*event, at(*second));
        }
        breaker
    }

    #[test]
    fn every_row_of_the_table_holds() {
        use BreakerEvent::{Failure as F, Gain as G, Loss as L, Success as S};
        use BreakerStance::{Closed, HalfOpen, Open};
        for (events, second, expected) in [
            (&[(F, 0), (F, 1)][..], 2, Closed),
            (&[(F, 0), (F, 1), (F, 59)], 60, Open),
            (&[(F, 0), (F, 1), (F, 60)], 60, Closed),
            (&[(L, 0), (G, 1), (L, 2)], 3, Closed),
            (&[(L, 0), (S, 1), (L, 2)], 3, Open),
            (&[(L, 0), (L, 2)], 101, Open),
            (&[(L, 0), (L, 2)], 102, HalfOpen),
            (&[(L, 0), (L, 2), (S, 50), (S, 51)], 52, Open),
            (&[(L, 0), (L, 2), (S, 102), (F, 103)], 202, Open),
            (&[(L, 0), (L, 2), (S, 102), (F, 103)], 203, HalfOpen),
            (&[(L, 0), (L, 2), (S, 102), (G, 103)], 103, Closed),
            (&[(L, 0), (L, 2), (S, 102), (G, 103), (L, 104)], 105, Closed),
        ] {
            assert_eq!(told(events).stance(at(second)), expected, "{events:?} at {second}");
        }
    }

    #[test]
    fn restarts_change_nothing() {
        let breaker = told(&[(BreakerEvent::Loss, 0), (BreakerEvent::Loss, 2)]);
        let text = serde_json::to_string(&breaker).unwrap();
        assert_eq!(serde_json::from_str::<CircuitBreaker>(&text).unwrap(), breaker);
        assert!(BreakerRules { trials: 0, ..*breaker.rules() }.check().is_err());
    }
}
