//! When a position is to be left for its own sake: intents to sell, judged by the gates like any
//! other.

use std::fmt;

use atlas_core::{Price, Qty, Symbol};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Exit rules; each is off when absent. Shares of the entry price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExitRules {
    /// Loss from which a position is left.
    pub stop_loss: Option<Decimal>,
    /// Gain from which a position is left.
    pub take_profit: Option<Decimal>,
    /// Time after which a position that has not gained is left.
    pub time: Option<TimeExit>,
}

/// A position held for longer than `sessions` that has gained less than `gain` is left; the field
/// uses 5 and 2 %.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeExit {
    /// Sessions it may be held without that gain.
    pub sessions: u32,
    /// The gain that lets it stay, a share of the entry price.
    pub gain: Decimal,
}

/// A position as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holding {
    /// What is held.
    pub symbol: Symbol,
    /// Shares.
    pub qty: Qty,
    /// Mean price paid a share.
    pub entry: Price,
    /// The last close, in the basis of the entry.
    pub close: Price,
    /// Sessions since the one it was opened in.
    pub sessions: u32,
    /// A stop of its own, which counts beside the rules'.
    pub stop: Option<Price>,
}

/// Why a position is to be left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitReason {
    /// The close is at or below the stop.
    StopLoss,
    /// The close is at or above the target.
    TakeProfit,
    /// It was held long enough without a gain.
    Time,
}

impl fmt::Display for ExitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::StopLoss => "stop loss",
            Self::TakeProfit => "take profit",
            Self::Time => "time",
        })
    }
}

/// The intent to sell a position whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExitIntent {
    /// What is to be sold.
    pub symbol: Symbol,
    /// All of it.
    pub qty: Qty,
    /// Why.
    pub reason: ExitReason,
    /// The number the rule looked at: a price, or sessions for [`ExitReason::Time`].
    pub value: Decimal,
    /// What it compared with, in the same unit.
    pub limit: Decimal,
}

impl ExitRules {
    /// No rule at all.
    pub const NONE: Self = Self { stop_loss: None, take_profit: None, time: None };

    /// Proves the rules usable.
    ///
    /// # Errors
    /// [`Error::Limit`] for a stop loss that is not above 0 and below 1, or a gain that is not above
    /// 0 (for the time exit: 0 or more).
    pub fn check(&self) -> Result<(), Error> {
        let refuse =
            |name, value: Decimal, rule| Err(Error::Limit { name, value: value.to_string(), rule });
        match (self.stop_loss, self.take_profit, self.time) {
            (Some(loss), ..) if loss <= Decimal::ZERO || loss >= Decimal::ONE => {
                refuse("exits.stop_loss", loss, "above 0 and below 1")
            }
            (_, Some(gain), _) if gain <= Decimal::ZERO => {
                refuse("exits.take_profit", gain, "above 0")
            }
            (.., Some(time)) if time.gain < Decimal::ZERO => {
                refuse("exits.time.gain", time.gain, "0 or more")
            }
            _ => Ok(()),
        }
    }

    /// Whether a position is to be left; the stop speaks first, then the target, then the time.
    ///
    /// # Examples
    /// ```
    /// use atlas_core::Qty;
    /// use atlas_risk::{ExitReason, ExitRules, Holding, TimeExit};
    ///
    /// let time = Some(TimeExit { sessions: 5, gain: "0.02".parse()? });
    /// let rules = ExitRules { time, ..ExitRules::NONE };
    /// let mut held = Holding {
    ///     symbol: "IBM".parse()?,
    ///     qty: Qty::from_shares(3),
    ///     entry: "100".parse()?,
    ///     close: "101.99".parse()?,
    ///     sessions: 5,
    ///     stop: None,
    /// };
    /// assert_eq!(rules.intent(&held), None);
    /// held.sessions = 6;
    /// assert_eq!(rules.intent(&held).map(|intent| intent.reason), Some(ExitReason::Time));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn intent(&self, held: &Holding) -> Option<ExitIntent> {
        if held.qty.is_zero() {
            return None;
        }
        let (entry, close) = (held.entry.value(), held.close.value());
        let level = |share: Decimal| entry * (Decimal::ONE + share);
        let intent = |reason, value: Decimal, limit: Decimal| ExitIntent {
            symbol: held.symbol.clone(),
            qty: held.qty,
            reason,
            value: value.normalize(),
            limit: limit.normalize(),
        };
        let by_rule = self.stop_loss.map(|loss| level(-loss));
        // The nearer of two stops counts.
        let stop = by_rule.max(held.stop.map(Price::value));
        if let Some(stop) = stop.filter(|stop| close <= *stop) {
            return Some(intent(ExitReason::StopLoss, close, stop));
        }
        let target = self.take_profit.map(level);
        if let Some(target) = target.filter(|target| close >= *target) {
            return Some(intent(ExitReason::TakeProfit, close, target));
        }
        let time = self.time?;
        let late = held.sessions > time.sessions && close < level(time.gain);
        late.then(|| {
            intent(ExitReason::Time, Decimal::from(held.sessions), Decimal::from(time.sessions))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    fn rules() -> ExitRules {
        ExitRules {
            stop_loss: Some(decimal("0.1")),
            take_profit: Some(decimal("0.2")),
            time: Some(TimeExit { sessions: 5, gain: decimal("0.02") }),
        }
    }

    fn held(close: &str, sessions: u32, stop: Option<&str>) -> Holding {
        Holding {
            symbol: "IBM".parse().unwrap(),
            qty: Qty::from_shares(3),
            entry: "100".parse().unwrap(),
            close: close.parse().unwrap(),
            sessions,
            stop: stop.map(|stop| stop.parse().unwrap()),
        }
    }

    #[test]
    fn each_rule_speaks_at_its_bound() {
        use ExitReason::{StopLoss, TakeProfit, Time};
        for (close, sessions, stop, expected) in [
            ("90.01", 1, None, None),
            ("90", 1, None, Some((StopLoss, "90", "90"))),
            ("95", 1, Some("95"), Some((StopLoss, "95", "95"))),
            ("95", 1, Some("94"), None),
            ("90", 1, Some("80"), Some((StopLoss, "90", "90"))),
            ("119.99", 1, None, None),
            ("120", 9, None, Some((TakeProfit, "120", "120"))),
            ("101.99", 5, None, None),
            ("101.99", 6, None, Some((Time, "6", "5"))),
            ("102", 6, None, None),
            ("85", 9, None, Some((StopLoss, "85", "90"))),
        ] {
            let intent = rules().intent(&held(close, sessions, stop));
            let found = intent.map(|intent| (intent.reason, intent.value, intent.limit));
            let expected =
                expected.map(|(why, value, limit)| (why, decimal(value), decimal(limit)));
            assert_eq!(found, expected, "{close} after {sessions} with {stop:?}");
        }
        assert_eq!(ExitRules::NONE.intent(&held("1", 99, None)), None);
        let gone = Holding { qty: Qty::ZERO, ..held("1", 99, None) };
        assert_eq!(rules().intent(&gone), None);
    }

    #[test]
    fn an_intent_sells_all_and_says_why() {
        let intent = rules().intent(&held("90", 1, None)).unwrap();
        assert_eq!((intent.qty, intent.symbol.to_string()), (Qty::from_shares(3), "IBM".into()));
        let words = [ExitReason::StopLoss, ExitReason::TakeProfit, ExitReason::Time];
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        assert_eq!(words, ["stop loss", "take profit", "time"]);
    }

    #[test]
    fn nonsense_is_named() {
        let name = |rules: ExitRules| match rules.check() {
            Err(Error::Limit { name, .. }) => name,
            other => panic!("{other:?}"),
        };
        assert!(rules().check().is_ok() && ExitRules::NONE.check().is_ok());
        for loss in ["0", "1", "-0.1"] {
            let stop_loss = Some(decimal(loss));
            assert_eq!(name(ExitRules { stop_loss, ..rules() }), "exits.stop_loss");
        }
        let take_profit = Some(Decimal::ZERO);
        assert_eq!(name(ExitRules { take_profit, ..rules() }), "exits.take_profit");
        let time = |gain| Some(TimeExit { sessions: 5, gain });
        assert_eq!(name(ExitRules { time: time(decimal("-0.01")), ..rules() }), "exits.time.gain");
        assert!(ExitRules { time: time(Decimal::ZERO), ..rules() }.check().is_ok());
    }
}
