//! The VIX shock rule: a jump in implied volatility overrides every model.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::stored::Format;

/// When a shock starts and when it ends, unchecked; [`check`](Self::check) makes it usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct VixParams {
    /// Relative rise of the close over one session that starts a shock, such as 0.20.
    pub rise_1: f64,
    /// Relative rise of the close over three sessions that starts a shock, such as 0.50.
    pub rise_3: f64,
    /// Close at or above which a shock starts whatever the rise, such as 35; off when absent.
    pub level: Option<f64>,
    /// Sessions a shock lasts at least, the one it starts in included.
    pub hold_min: u32,
    /// Sessions a shock lasts at most from the last session that triggered it on, that one
    /// included: 21 holds for that session and the 20 after it.
    pub hold_max: u32,
    /// Share of the rise (from the close before the shock to the highest since) that must be given
    /// back before release, 0 to 1.
    pub give_back: f64,
}

impl Default for VixParams {
    /// +20 % in one session or +50 % in three; held at least 18 sessions, until half of the rise is
    /// given back, at most 21 sessions from the last trigger on, its own included; no level rule.
    fn default() -> Self {
        Self { rise_1: 0.20, rise_3: 0.50, level: None, hold_min: 18, hold_max: 21, give_back: 0.5 }
    }
}

impl VixParams {
    /// Proves the parameters usable.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a rise or level that is not positive and finite, a hold of 0 or a
    /// longest hold below the shortest, a share outside 0 to 1; no other.
    pub fn check(self) -> Result<CheckedVixParams, Error> {
        let positive = |name, x: f64| {
            if x.is_finite() && x > 0.0 {
                Ok(())
            } else {
                let value = x.to_string();
                Err(Error::Parameter { name, value, rule: "positive and finite" })
            }
        };
        positive("vix.rise_1", self.rise_1)?;
        positive("vix.rise_3", self.rise_3)?;
        positive("vix.level", self.level.unwrap_or(1.0))?;
        if self.hold_min == 0 || self.hold_max < self.hold_min {
            return Err(Error::Parameter {
                name: "vix.hold_min",
                value: format!("{} (hold_max {})", self.hold_min, self.hold_max),
                rule: "at least 1 and at most hold_max",
            });
        }
        if !(0.0..=1.0).contains(&self.give_back) {
            return Err(Error::Parameter {
                name: "vix.give_back",
                value: self.give_back.to_string(),
                rule: "from 0 to 1",
            });
        }
        Ok(CheckedVixParams(self))
    }
}

/// Parameters that passed [`VixParams::check`]; the only ones a rule takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedVixParams(VixParams);

impl CheckedVixParams {
    /// The parameters themselves.
    #[must_use]
    pub const fn params(&self) -> &VixParams {
        &self.0
    }
}

/// Which condition started or renewed a shock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VixTrigger {
    /// The rise over one session.
    OneSession,
    /// The rise over three sessions.
    ThreeSessions,
    /// The level.
    Level,
}

/// What the rule says after one session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VixReading {
    /// The close, in index points.
    pub close: f64,
    /// Relative change over one session; `None` if the session before is missing.
    pub change_1: Option<f64>,
    /// Relative change over three sessions; `None` if that session is missing.
    pub change_3: Option<f64>,
    /// The condition met in this very session.
    pub trigger: Option<VixTrigger>,
    /// The shock in force, this session included.
    pub shock: Option<VixShock>,
}

/// A shock in force.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct VixShock {
    /// The condition that started it.
    pub started_by: VixTrigger,
    /// Sessions it has lasted, the current one included; 1 in the session it starts.
    pub sessions: u32,
    /// Sessions since the last one that met a condition; 0 in such a session.
    pub since_trigger: u32,
    /// Close before the rise that started it.
    pub base: f64,
    /// Highest close since.
    pub peak: f64,
}

/// The rule as a state machine over sessions; reads the past only.
///
/// A shock **starts** when a condition is met; a condition met again renews it. It is **released**
/// in the first session after the minimum hold whose close has given back the stated share of the
/// rise, or after the longest hold without a new trigger. While the level rule is on and met, it
/// is met again every session.
///
/// # Examples
/// ```
/// use atlas_regime::{VixParams, VixRule};
/// let mut rule = VixRule::new(VixParams::default().check()?);
/// for close in [13.0, 13.5, 17.3] {
///     rule.push(Some(close))?;
/// }
/// assert!(rule.push(Some(37.3))?.is_some_and(|r| r.shock.is_some()));
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored")]
pub struct VixRule {
    format: Format<1>,
    params: VixParams,
    /// Closes of the last three sessions, newest last.
    recent: [Option<f64>; 3],
    shock: Option<VixShock>,
    /// Sessions taken in, which names the row of a bad close.
    pushed: usize,
}

impl VixRule {
    /// Starts without sessions and without a shock.
    #[must_use]
    pub fn new(params: CheckedVixParams) -> Self {
        Self { format: Format, params: params.0, recent: [None; 3], shock: None, pushed: 0 }
    }

    /// Takes one session's close in; `None` where the session has none, which leaves a shock in
    /// force as it is and lets one session of its hold pass.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a close that is NaN, infinite or not positive, its row the number
    /// of sessions before it; the rule is then as it was. No other.
    pub fn push(&mut self, close: Option<f64>) -> Result<Option<VixReading>, Error> {
        if let Some(value) = close.filter(|c| !(c.is_finite() && *c > 0.0)) {
            let (what, row) = ("the VIX close", self.pushed);
            return Err(Error::NotFinite { what, row, column: 0, value });
        }
        let [third, _, last] = self.recent;
        let change = |base: Option<f64>| Some(close? / base? - 1.0);
        let (change_1, change_3) = (change(last), change(third));
        let trigger = close.and_then(|c| self.trigger(c, change_1, change_3));
        let base = match trigger {
            Some(VixTrigger::ThreeSessions) => third,
            Some(VixTrigger::OneSession | VixTrigger::Level) => last,
            None => None,
        };
        self.pushed = self.pushed.saturating_add(1);
        self.recent.rotate_left(1);
        self.recent[2] = close;
        self.shock = self.next_shock(close, trigger, base);
        let shock = self.shock;
        Ok(close.map(|close| VixReading { close, change_1, change_3, trigger, shock }))
    }

    /// Refuses a restored rule with other parameters or closes that are no prices.
    pub(crate) fn check(&self, params: &VixParams) -> Result<(), Error> {
        let in_force = self.shock.map_or([1.0; 2], |shock| [shock.base, shock.peak]);
        let closes = self.recent.iter().flatten().chain(&in_force);
        let sound = closes.copied().all(|close| close.is_finite() && close > 0.0);
        if sound && self.params == *params {
            return Ok(());
        }
        let value = format!("{:?}", self.recent);
        Err(Error::Parameter { name: "vix", value, rule: "closes under the same parameters" })
    }

    /// The shock in force after the last session.
    #[must_use]
    pub const fn shock(&self) -> Option<VixShock> {
        self.shock
    }

    fn trigger(&self, close: f64, one: Option<f64>, three: Option<f64>) -> Option<VixTrigger> {
        if one.is_some_and(|c| c >= self.params.rise_1 - ROUNDING) {
            Some(VixTrigger::OneSession)
        } else if three.is_some_and(|c| c >= self.params.rise_3 - ROUNDING) {
            Some(VixTrigger::ThreeSessions)
        } else if self.params.level.is_some_and(|level| close >= level) {
            Some(VixTrigger::Level)
        } else {
            None
        }
    }

    fn next_shock(
        &self,
        close: Option<f64>,
        trigger: Option<VixTrigger>,
        base: Option<f64>,
    ) -> Option<VixShock> {
        match (self.shock, trigger) {
            (None, None) => None,
            (None, Some(started_by)) => {
                let close = close?;
                let base = base.unwrap_or(close);
                Some(VixShock { started_by, sessions: 1, since_trigger: 0, base, peak: close })
            }
            (Some(shock), _) => {
                let held = VixShock {
                    sessions: shock.sessions.saturating_add(1),
                    since_trigger: match trigger {
                        Some(_) => 0,
                        None => shock.since_trigger.saturating_add(1),
                    },
                    peak: close.map_or(shock.peak, |c| shock.peak.max(c)),
                    ..shock
                };
                (!self.released(&held, close)).then_some(held)
            }
        }
    }

    fn released(&self, held: &VixShock, close: Option<f64>) -> bool {
        if held.since_trigger == 0 || held.sessions <= self.params.hold_min {
            return false;
        }
        let enough = held.peak - self.params.give_back * (held.peak - held.base);
        close.is_some_and(|c| c <= enough) || held.since_trigger >= self.params.hold_max
    }
}

/// A rule as it was filed away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    #[serde(rename = "format")]
    _format: Format<1>,
    params: VixParams,
    recent: [Option<f64>; 3],
    shock: Option<VixShock>,
    pushed: usize,
}

impl TryFrom<Stored> for VixRule {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { params, recent, shock, pushed, .. } = stored;
        let params = params.check()?;
        let rule = Self { recent, shock, pushed, ..Self::new(params.clone()) };
        rule.check(params.params())?;
        Ok(rule)
    }
}

/// A close of 12 after 10 is a rise of 20 %, although its float falls short of 0.2 by 4·10⁻¹⁷.
const ROUNDING: f64 = 1e-9;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(params: &VixParams, closes: &[f64]) -> Vec<bool> {
        let params = VixParams { hold_min: 3, ..params.clone() };
        let mut rule = VixRule::new(params.check().unwrap());
        closes.iter().map(|&c| rule.push(Some(c)).unwrap().unwrap().shock.is_some()).collect()
    }

    #[test]
    fn a_shock_holds_three_sessions_and_ends_when_half_is_given_back() {
        let shocks = run(&VixParams::default(), &[10.0, 12.0, 10.0, 10.0, 10.0, 10.0]);
        assert_eq!(shocks, [false, true, true, true, false, false]);
    }

    #[test]
    fn fifty_percent_in_three_sessions_counts() {
        let shocks = run(&VixParams::default(), &[10.0, 11.5, 13.5, 15.0]);
        assert_eq!(shocks, [false, false, false, true]);
    }

    #[test]
    fn a_new_plateau_is_released_after_the_longest_hold() {
        let params = VixParams { hold_max: 5, ..VixParams::default() };
        let mut closes = vec![10.0];
        closes.extend([14.0; 8]);
        let shocks = run(&params, &closes);
        assert_eq!(shocks.iter().filter(|s| **s).count(), 5);
    }

    #[test]
    fn the_level_rule_is_off_unless_set() {
        let closes = [40.0, 40.0, 40.0];
        assert_eq!(run(&VixParams::default(), &closes), [false; 3]);
        let params = VixParams { level: Some(35.0), ..VixParams::default() };
        assert_eq!(run(&params, &closes), [true; 3]);
    }

    #[test]
    fn a_missing_session_leaves_the_change_undefined() {
        let mut rule = VixRule::new(VixParams::default().check().unwrap());
        rule.push(Some(10.0)).unwrap();
        assert_eq!(rule.push(None), Ok(None));
        let reading = rule.push(Some(14.0)).unwrap().unwrap();
        assert_eq!((reading.change_1, reading.shock), (None, None));
    }

    #[test]
    fn the_longest_hold_counts_the_session_of_the_trigger() {
        let mut closes = vec![10.0];
        closes.extend([14.0; 30]);
        let shocks = run(&VixParams::default(), &closes);
        assert_eq!(shocks.iter().filter(|s| **s).count(), 21);
        assert_eq!((shocks[1], shocks[21], shocks[22]), (true, true, false));
    }

    #[test]
    fn a_close_that_is_no_price_is_refused_and_changes_nothing() {
        let mut rule = VixRule::new(VixParams::default().check().unwrap());
        rule.push(Some(10.0)).unwrap();
        let before = rule.clone();
        for bad in [0.0, -3.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(rule.push(Some(bad)), Err(Error::NotFinite { row: 1, .. })));
        }
        assert_eq!(rule, before);
    }

    #[test]
    fn a_rule_comes_back_and_a_damaged_one_does_not() {
        let mut rule = VixRule::new(VixParams::default().check().unwrap());
        rule.push(Some(10.0)).unwrap();
        rule.push(Some(14.0)).unwrap();
        let json = serde_json::to_value(&rule).unwrap();
        assert_eq!(serde_json::from_value::<VixRule>(json.clone()).unwrap(), rule);
        let damages =
            [("format", 0, 2.0), ("recent", 2, -1.0), ("shock", 0, 0.0), ("params", 0, -0.2)];
        for (field, at, value) in damages {
            let mut bad = json.clone();
            match field {
                "recent" => bad[field][at] = value.into(),
                "format" => bad[field] = value.into(),
                "shock" => bad[field]["base"] = value.into(),
                _ => bad[field]["rise_1"] = value.into(),
            }
            assert!(serde_json::from_value::<VixRule>(bad).is_err(), "{field}");
        }
    }
}
