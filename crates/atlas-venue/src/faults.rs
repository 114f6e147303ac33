//! Misbehaviour on order: the cases in which clients lose money.
//!
//! Nothing goes wrong unless it was asked for, by [`Faults::script`] or at `/atlas/v1/faults`. A
//! fault is committed once, a number of times, or at random with a given chance; what is drawn is a
//! function of the seed and of the order of requests, so that a run can be made again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use atlas_core::Weight;
use serde::{Deserialize, Deserializer, Serialize};

use crate::core::ids;

/// Which requests or messages a fault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Target {
    /// Sending an order.
    Submit,
    /// Canceling or replacing one.
    Change,
    /// Everything else.
    Read,
    /// A message of the order updates (`trade_updates`, or server-sent events): it may be skipped,
    /// repeated, swapped, delayed, wrong about time or changed, or the connection be cut or fall
    /// silent instead.
    Update,
    /// A message of the market-data streams, with the same possibilities; its prices may be old.
    Feed,
    /// Opening a stream: of market data, of order updates, or of server-sent events. It may be
    /// refused, delayed, cut or fall silent.
    Connect,
}

/// What goes wrong with one request or message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Fault {
    /// The connection is cut before anything was done.
    DropBefore,
    /// The request is carried out, and the connection cut instead of an answer.
    DropAfter,
    /// Nothing is done, and a gateway's page with this HTTP status is the answer.
    FailBefore(u16),
    /// The request is carried out, and a gateway's page with this HTTP status is the answer.
    FailAfter(u16),
    /// The request is refused with this status, code and message.
    Reject {
        /// HTTP status.
        status: u16,
        /// Alpaca's code.
        code: i64,
        /// The sentence.
        message: String,
    },
    /// Nothing is done, and no answer ever comes. A stream falls silent: it sends nothing more and
    /// answers no ping.
    HangBefore,
    /// The request is carried out, and no answer ever comes.
    HangAfter,
    /// The request or message waits this long first; milliseconds, or `{"secs", "nanos"}`.
    Delay(#[serde(deserialize_with = "millis_or_parts")] Duration),
    /// The request is carried out at once, and its answer waits this long: what the streams tell of
    /// it comes first. Milliseconds, or `{"secs", "nanos"}`.
    DelayAfter(#[serde(deserialize_with = "millis_or_parts")] Duration),
    /// A message of a stream is left out.
    Skip,
    /// A message of a stream is sent twice.
    Repeat,
    /// A message of a stream is sent after the one that follows it.
    Swap,
    /// The next order of a number of shares fills at most this share of it in the present session.
    PartialFill(Weight),
    /// Every moment in the answer is wrong by so many milliseconds: later if above zero.
    Skew(i64),
    /// Prices of the market data are so many milliseconds old and pass for new. For requests of
    /// prices, and for the next messages of a market-data stream that had some so long ago.
    Stale(u32),
    /// Fields of this name are missing from the answer or message, at any depth.
    Without(String),
    /// Fields of this name have another value in the answer or message, at any depth.
    Instead {
        /// The field's name.
        field: String,
        /// What stands there.
        value: serde_json::Value,
    },
    /// Every object of the answer or message has one more field, at any depth; one of that name that
    /// is there stays as it is.
    With {
        /// The field's name.
        field: String,
        /// What stands there.
        value: serde_json::Value,
    },
    /// A cancellation is accepted, and carried out only when so many milliseconds of the venue's
    /// time have passed: until then the order is `pending_cancel` and can be filled. For requests
    /// that cancel one order or all; others leave the rule alone.
    LateCancel(u32),
    /// A replacement is accepted, and carried out only when so many milliseconds of the venue's time
    /// have passed: until then the old order is `pending_replace` and can be filled, and its
    /// successor is `pending_new`. If the old one ends first, or has filled as much as the successor
    /// asks for, the successor is `rejected`, and the old one told as `order_replace_rejected`. For
    /// requests that replace an order outside of a group; others leave the rule alone.
    LateReplace(u32),
}

impl Fault {
    /// Whether it changes the fields of an answer.
    pub(crate) const fn rewrites(&self) -> bool {
        matches!(self, Self::Without(_) | Self::Instead { .. } | Self::With { .. })
    }

    /// Whether it can happen to a request or message of this kind; a rule of which it cannot is
    /// never committed.
    #[must_use]
    pub const fn suits(&self, target: Target) -> bool {
        let is_message = matches!(target, Target::Update | Target::Feed);
        match self {
            Self::DropBefore
            | Self::DropAfter
            | Self::HangBefore
            | Self::HangAfter
            | Self::Delay(_) => true,
            Self::FailBefore(_) | Self::FailAfter(_) | Self::Reject { .. } => !is_message,
            Self::DelayAfter(_) => {
                matches!(target, Target::Submit | Target::Change | Target::Read)
            }
            Self::Skip | Self::Repeat | Self::Swap => is_message,
            Self::PartialFill(_) => matches!(target, Target::Submit),
            Self::Stale(_) => matches!(target, Target::Read | Target::Feed),
            Self::Skew(_) | Self::Without(_) | Self::Instead { .. } | Self::With { .. } => {
                !matches!(target, Target::Connect)
            }
            Self::LateCancel(_) | Self::LateReplace(_) => matches!(target, Target::Change),
        }
    }
}

/// A fault, when it is committed, and how often.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which requests or messages it is for.
    pub target: Target,
    /// What goes wrong.
    pub fault: Fault,
    /// The share of those it happens to, from 0 to 1; all unless told otherwise.
    #[serde(default = "always")]
    pub chance: f64,
    /// After how many times it is over; never if there is none. In JSON, 1 unless a chance is
    /// given.
    #[serde(default)]
    pub times: Option<u32>,
    /// Only requests whose path begins so, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Only requests of the account of this number, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
}

impl Rule {
    /// Whether it can ever be committed: its fault suits its target, and it is aimed at a path or an
    /// account only where it is for requests.
    #[must_use]
    pub const fn can_happen(&self) -> bool {
        let is_request = matches!(self.target, Target::Submit | Target::Change | Target::Read);
        let is_aimed = self.path.is_some() || self.account.is_some();
        self.fault.suits(self.target) && (is_request || !is_aimed)
    }
}

impl Rule {
    fn is_aimed_at(&self, asked: Asked<'_>) -> bool {
        self.path.as_ref().is_none_or(|path| asked.path.starts_with(path.as_str()))
            && self.account.as_ref().is_none_or(|account| account == asked.account)
    }
}

/// A request, as far as a rule is aimed at some of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) path: &'a str,
    pub(crate) account: &'a str,
}

/// The faults that are still to come, in order; cheap to clone, all clones are the same script.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    script: Arc<Mutex<Script>>,
}

#[derive(Debug, Default)]
struct Script {
    rules: VecDeque<Rule>,
    seed: u64,
    drawn: u64,
    committed: u64,
}

impl Faults {
    /// Adds a fault for the next request of `target` that has none before it.
    pub fn script(&self, target: Target, fault: Fault) {
        let (path, account) = (None, None);
        self.add(Rule { target, fault, chance: 1.0, times: Some(1), path, account });
    }

    /// Adds a fault that may come more than once.
    pub fn add(&self, rule: Rule) {
        self.lock().rules.push_back(rule);
    }

    /// From now on faults with a chance are drawn from this seed.
    pub fn seed(&self, seed: u64) {
        let mut script = self.lock();
        (script.seed, script.drawn) = (seed, 0);
    }

    /// How many faults are still to come.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.lock().rules.len()
    }

    /// How many faults were committed so far.
    #[must_use]
    pub fn committed(&self) -> u64 {
        self.lock().committed
    }

    /// The faults that are still to come.
    #[must_use]
    pub fn rules(&self) -> Vec<Rule> {
        self.lock().rules.iter().cloned().collect()
    }

    /// Forgets the rest of the script.
    pub fn clear(&self) {
        self.lock().rules.clear();
    }

    /// The fault for a request that has just come in.
    #[cfg(test)]
    pub(crate) fn take(&self, target: Target) -> Option<Fault> {
        self.take_if(target, |_| true)
    }

    /// The fault for a request that has just come in, of those that can happen to it; those that do
    /// not fit stay where they are.
    pub(crate) fn take_if(&self, target: Target, fits: impl Fn(&Fault) -> bool) -> Option<Fault> {
        self.take_by(target, |rule| fits(&rule.fault))
    }

    /// The fault for a request that has just come in, of those that are aimed at it and fit.
    pub(crate) fn take_for(
        &self,
        target: Target,
        asked: Asked<'_>,
        fits: impl Fn(&Fault) -> bool,
    ) -> Option<Fault> {
        self.take_by(target, |rule| rule.is_aimed_at(asked) && fits(&rule.fault))
    }

    /// Whether a rule that changes fields waits for requests like this one.
    pub(crate) fn rewrites(&self, target: Target, asked: Asked<'_>) -> bool {
        let of = |rule: &Rule| rule.target == target && rule.is_aimed_at(asked);
        self.lock().rules.iter().any(|rule| of(rule) && rule.fault.rewrites())
    }

    fn take_by(&self, target: Target, fits: impl Fn(&Rule) -> bool) -> Option<Fault> {
        let mut script = self.lock();
        for at in 0..script.rules.len() {
            let rule = &script.rules[at];
            if rule.target != target || !rule.fault.suits(target) || !fits(rule) {
                continue;
            }
            let (chance, fault) = (rule.chance, rule.fault.clone());
            if chance < 1.0 && !script.happens(chance) {
                continue;
            }
            let times = script.rules[at].times.map(|times| times.saturating_sub(1));
            if times == Some(0) {
                drop(script.rules.remove(at));
            } else {
                script.rules[at].times = times;
            }
            script.committed += 1;
            return Some(fault);
        }
        None
    }

    fn lock(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Script {
    fn happens(&mut self, chance: f64) -> bool {
        self.drawn += 1;
        let (drawn, _) = ids::draw(self.seed, self.drawn);
        f64::from(drawn) < chance * 4_294_967_296.0
    }
}

const fn always() -> f64 {
    1.0
}

/// Milliseconds as a number, or seconds and nanoseconds.
fn millis_or_parts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Millis(u32),
        Parts(Duration),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Millis(millis) => Duration::from_millis(millis.into()),
        Form::Parts(duration) => duration,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_committed_in_order_and_ends() {
        let faults = Faults::default();
        faults.script(Target::Submit, Fault::DropAfter);
        let (path, account) = (None, None);
        let (target, fault) = (Target::Feed, Fault::Skip);
        faults.add(Rule { target, fault, chance: 1.0, times: Some(2), path, account });
        assert_eq!(faults.take(Target::Feed), Some(Fault::Skip));
        assert_eq!(faults.take(Target::Submit), Some(Fault::DropAfter));
        assert_eq!(faults.take(Target::Submit), None);
        assert_eq!(faults.take(Target::Feed), Some(Fault::Skip));
        assert_eq!((faults.take(Target::Feed), faults.pending()), (None, 0));
        assert_eq!(faults.committed(), 3);
    }

    #[test]
    fn chances_are_kept_and_can_be_drawn_again() {
        let draw = |seed| {
            let faults = Faults::default();
            faults.seed(seed);
            let (target, fault) = (Target::Feed, Fault::Skip);
            let (path, account) = (None, None);
            let rule = Rule { target, fault, chance: 0.25, times: None, path, account };
            faults.add(rule);
            (0..1000).map(|_| faults.take(Target::Feed).is_some()).collect::<Vec<bool>>()
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let happened = draw(7).into_iter().filter(|happened| *happened).count();
        assert!((200..300).contains(&happened), "{happened}");
    }

    #[test]
    fn delays_in_both_forms() {
        let read = |text: &str| serde_json::from_str::<Fault>(text).unwrap();
        let second = Fault::Delay(Duration::from_secs(1));
        assert_eq!(read(r#"{"delay":1000}"#), second);
        assert_eq!(read(r#"{"delay":{"secs":1,"nanos":0}}"#), second);
        assert_eq!(read(r#"{"without":"cash"}"#), Fault::Without("cash".to_owned()));
    }
}
