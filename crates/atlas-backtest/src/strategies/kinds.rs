//! The strategies there are, with their parameters.

use std::collections::BTreeMap;

use crate::Error;

/// A strategy that can be named.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Kind {
    /// The word it is named by.
    pub name: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
    /// Its parameters.
    pub params: &'static [Param],
}

/// A parameter of a strategy.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Param {
    /// The word it is named by.
    pub name: &'static str,
    /// What it is unless chosen.
    pub default: f64,
}

const fn param(name: &'static str, default: f64) -> Param {
    Param { name, default }
}

/// The scanner's name.
pub(super) const HIGH52: &str = "high52";

/// Every strategy that can be named.
pub const KINDS: &[Kind] = &[
    Kind {
        name: HIGH52,
        about: "the symbols nearest to the high of the last sessions, best first",
        params: &[param("window", 252.0), param("entry", 0.90), param("exit", 0.88)],
    },
    Kind {
        name: "sma",
        about: "long while the fast average of closes is above the slow one",
        params: &[param("fast", 10.0), param("slow", 30.0)],
    },
    Kind {
        name: "adaptive-sma",
        about: "one of three crossovers, chosen by the strength of the trend",
        params: &[],
    },
    Kind {
        name: "macd",
        about: "long while MACD is above its signal line",
        params: &[param("fast", 12.0), param("slow", 26.0), param("signal", 9.0)],
    },
    Kind {
        name: "ts-momentum",
        about: "long while the own past return is above zero",
        params: &[param("lookback", 252.0), param("skip", 21.0)],
    },
    Kind {
        name: "rsi",
        about: "long from a low RSI until it has recovered",
        params: &[param("n", 14.0), param("enter", 30.0), param("leave", 50.0)],
    },
    Kind {
        name: "z-score",
        about: "long from a close far below its mean until it is back",
        params: &[param("n", 20.0), param("enter", -2.0), param("leave", 0.0)],
    },
    Kind {
        name: "strat",
        about: "STRAT bar patterns, bullish ones where the regime is not against them",
        params: &[],
    },
    Kind {
        name: "ensemble",
        about: "sma, macd and ts-momentum by majority",
        params: &[param("needed", 2.0)],
    },
];

impl Kind {
    /// The one of that name.
    ///
    /// # Errors
    /// [`Error::NoStrategy`] listing those there are.
    pub fn named(name: &str) -> Result<&'static Self, Error> {
        KINDS.iter().find(|kind| kind.name == name).ok_or_else(|| Error::NoStrategy {
            name: name.to_owned(),
            known: KINDS.iter().map(|kind| kind.name).collect::<Vec<_>>().join(", "),
        })
    }
}

/// Parameters as they are unless chosen; none of a name that does not exist.
pub(super) fn defaults(name: &str) -> BTreeMap<String, f64> {
    let params = Kind::named(name).map(|kind| kind.params).unwrap_or_default();
    params.iter().map(|param| (param.name.to_owned(), param.default)).collect()
}
