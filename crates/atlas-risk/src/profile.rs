//! The three named sets of limits.

use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::limits::LimitsSpec;

/// A named set of limits: chosen, never averaged.
///
/// # Examples
/// ```
/// use atlas_risk::Profile;
///
/// let limits = Profile::Standard.limits().check()?;
/// assert_eq!(limits.get().position_deny, "0.35".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Ten small positions, entries stop after a loss of 1 % in a day.
    Conservative,
    /// Five positions, entries stop after a loss of 2 % in a day.
    Standard,
    /// Five large positions, entries stop after a loss of 3 % in a day; short waits.
    Racehorse,
}

impl Profile {
    /// Every profile, from the tightest to the loosest.
    pub const ALL: [Self; 3] = [Self::Conservative, Self::Standard, Self::Racehorse];

    /// The word used in configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Conservative => "conservative",
            Self::Standard => "standard",
            Self::Racehorse => "racehorse",
        }
    }

    /// Its limits, to be checked, or changed and checked.
    #[must_use]
    pub fn limits(self) -> LimitsSpec {
        let [conservative, standard, racehorse] = &*READ;
        match self {
            Self::Conservative => conservative,
            Self::Standard => standard,
            Self::Racehorse => racehorse,
        }
        .clone()
    }

    /// The file its limits stand in, and nowhere else: what a person copies and changes.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::Conservative => include_str!("../profiles/conservative.toml"),
            Self::Standard => include_str!("../profiles/standard.toml"),
            Self::Racehorse => include_str!("../profiles/racehorse.toml"),
        }
    }
}

/// A file of the desk's rules to begin with.
pub const DESK_FILE: &str = include_str!("../profiles/desk.toml");

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|profile| profile.as_str() == text);
        known.ok_or_else(|| Error::UnknownProfile { word: text.to_owned() })
    }
}

/// The profiles as they were read.
static READ: LazyLock<[LimitsSpec; 3]> =
    LazyLock::new(|| Profile::ALL.map(|profile| read(profile.file())));

#[expect(clippy::expect_used, reason = "the files are part of the program, each read by a test")]
fn read(text: &str) -> LimitsSpec {
    toml::from_str(text).expect("a profile of the program is a complete file of limits")
}

#[cfg(test)]
mod tests {
    use atlas_core::Weight;
    use rust_decimal::Decimal;

    use super::*;

    fn percent(weight: Weight) -> Decimal {
        (weight.value() * Decimal::ONE_HUNDRED).normalize()
    }

    #[test]
    fn profiles_hold_the_numbers_of_the_design_page() {
        let rows = Profile::ALL.map(|profile| {
            let checked = profile.limits().check().unwrap();
            let limits = checked.get();
            let shares = [
                limits.position_warn,
                limits.position_deny,
                limits.allocation_cap,
                limits.risk_per_trade,
                limits.heat_warn,
                limits.heat_deny,
                limits.daily_loss,
                limits.drawdown_deny,
            ];
            let shares: Vec<String> = shares.map(|w| percent(w).to_string()).to_vec();
            let rest = (limits.top_n, limits.max_positions, limits.min_position.to_string());
            let waits = (limits.fill_wait_seconds, limits.fill_poll_seconds);
            (shares.join(" "), rest, waits)
        });
        let row = |shares: &str, top_n, max, wait, poll| {
            (shares.to_owned(), (top_n, max, "500".to_owned()), (wait, poll))
        };
        assert_eq!(rows[0], row("8 10 95 0.5 4 6 1 10", 10, 20, 300, 10));
        assert_eq!(rows[1], row("15 35 100 1 6 8 2 20", 5, 30, 300, 10));
        assert_eq!(rows[2], row("20 50 100 2 10 15 3 30", 5, 30, 60, 2));
    }

    /// The file a person copies and changes says what the name stands for, and leaving a line out is
    /// an error: there is no silent default.
    fn file_holds(profile: Profile) {
        let text = profile.file();
        assert_eq!(toml::from_str::<LimitsSpec>(text).unwrap(), profile.limits(), "{profile}");
        assert!(profile.limits().check().is_ok());
        assert_eq!(profile.as_str().parse::<Profile>().unwrap(), profile);
        for line in text.lines().filter(|line| line.contains('=')) {
            let without = text.replace(line, "");
            assert!(toml::from_str::<LimitsSpec>(&without).is_err(), "{profile}: {line}");
        }
    }

    #[test]
    fn the_conservative_file_is_the_profile() {
        file_holds(Profile::Conservative);
    }

    #[test]
    fn the_standard_file_is_the_profile() {
        file_holds(Profile::Standard);
    }

    #[test]
    fn the_racehorse_file_is_the_profile() {
        file_holds(Profile::Racehorse);
    }

    #[test]
    fn limits_survive_json_and_refuse_nonsense() {
        let limits = Profile::Standard.limits().check().unwrap();
        let text = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<crate::Limits>(&text).unwrap(), limits);
        let crossed = text.replace(r#""position_warn":"0.15""#, r#""position_warn":"0.36""#);
        let error = serde_json::from_str::<crate::Limits>(&crossed).unwrap_err().to_string();
        assert!(error.contains("position_warn = 0.36 cannot be used"), "{error}");
        let unknown = text.replacen('{', r#"{"surprise":1,"#, 1);
        assert!(serde_json::from_str::<crate::Limits>(&unknown).is_err());
    }
}
