//! The four market regimes and the share of equity each one allows.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Error;

/// The state of the market as the detector names it; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Regime {
    /// A market that rewards exposure: full budget.
    Bull,
    /// Neither: reduced budget.
    Neutral,
    /// A falling market: small budget, no new entries by momentum.
    Bear,
    /// A shock: no exposure at all.
    Crash,
}

impl Regime {
    /// Every regime, from the most to the least exposed.
    pub const ALL: [Self; 4] = [Self::Bull, Self::Neutral, Self::Bear, Self::Crash];

    /// The lower-case word used on the command line, in the journal and in artifacts.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bull => "bull",
            Self::Neutral => "neutral",
            Self::Bear => "bear",
            Self::Crash => "crash",
        }
    }
}

impl fmt::Display for Regime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Regime {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|regime| regime.as_str() == text).ok_or_else(|| {
            Error::UnknownWord {
                what: "regime",
                word: text.to_owned(),
                known: "bull, neutral, bear, crash",
            }
        })
    }
}
