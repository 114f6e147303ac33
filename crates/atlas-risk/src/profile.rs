//! The three named sets of limits.

use std::fmt;
use std::str::FromStr;

use atlas_core::{Bps, Qty, Usd, Weight};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::limits::{LimitsSpec, Shares};

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
        let numbers = match self {
            Self::Conservative => &CONSERVATIVE,
            Self::Standard => &STANDARD,
            Self::Racehorse => &RACEHORSE,
        };
        numbers.spec()
    }
}

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

/// What differs between the profiles; shares of equity in tenths of a per cent.
struct Numbers {
    top_n: u32,
    max_positions: u32,
    position_warn: i64,
    position_deny: i64,
    allocation_cap: i64,
    risk_per_trade: i64,
    heat_warn: i64,
    heat_deny: i64,
    daily_loss: i64,
    drawdown_deny: i64,
    fill_wait_seconds: u32,
    fill_poll_seconds: u32,
    max_order_notional: u32,
}

const CONSERVATIVE: Numbers = Numbers {
    top_n: 10,
    max_positions: 20,
    position_warn: 80,
    position_deny: 100,
    allocation_cap: 950,
    risk_per_trade: 5,
    heat_warn: 40,
    heat_deny: 60,
    daily_loss: 10,
    drawdown_deny: 100,
    fill_wait_seconds: 300,
    fill_poll_seconds: 10,
    max_order_notional: 250_000,
};

const STANDARD: Numbers = Numbers {
    top_n: 5,
    max_positions: 30,
    position_warn: 150,
    position_deny: 350,
    allocation_cap: 1_000,
    risk_per_trade: 10,
    heat_warn: 60,
    heat_deny: 80,
    daily_loss: 20,
    drawdown_deny: 200,
    fill_wait_seconds: 300,
    fill_poll_seconds: 10,
    max_order_notional: 1_000_000,
};

const RACEHORSE: Numbers = Numbers {
    top_n: 5,
    max_positions: 30,
    position_warn: 200,
    position_deny: 500,
    allocation_cap: 1_000,
    risk_per_trade: 20,
    heat_warn: 100,
    heat_deny: 150,
    daily_loss: 30,
    drawdown_deny: 300,
    fill_wait_seconds: 60,
    fill_poll_seconds: 2,
    max_order_notional: 1_000_000,
};

impl Numbers {
    fn spec(&self) -> LimitsSpec {
        LimitsSpec {
            top_n: self.top_n,
            max_positions: self.max_positions,
            position_warn: weight(self.position_warn),
            position_deny: weight(self.position_deny),
            allocation_cap: weight(self.allocation_cap),
            min_position: usd(500),
            risk_per_trade: weight(self.risk_per_trade),
            heat_warn: weight(self.heat_warn),
            heat_deny: weight(self.heat_deny),
            daily_loss: weight(self.daily_loss),
            // An alert at half of what stops entries.
            drawdown_warn: weight(self.drawdown_deny / 2),
            drawdown_deny: weight(self.drawdown_deny),
            fill_wait_seconds: self.fill_wait_seconds,
            fill_poll_seconds: self.fill_poll_seconds,
            shares: Shares::Whole,
            max_order_notional: usd(self.max_order_notional),
            max_order_qty: Qty::from_shares(1_000_000),
            // Wide enough for a marketable limit of 3 % after an overnight gap of 7 %.
            collar_quote: Bps::from_int(1_000),
            collar_close: Bps::from_int(1_000),
            quote_max_age_seconds: 60,
            spread_warn: Bps::from_int(50),
            spread_deny: Bps::from_int(200),
            duplicate_window_seconds: 60,
            // Alpaca allows 200 calls a minute; half of them are left for looking.
            orders_per_minute: 100,
            orders_per_day: 500,
            // All sold and all bought again, twice.
            turnover_per_day: Decimal::from(4),
        }
    }
}

/// A share of one from tenths of a per cent; the constants above are all below 1000.
fn weight(tenths_of_percent: i64) -> Weight {
    Weight::new(Decimal::new(tenths_of_percent, 3)).unwrap_or(Weight::ZERO)
}

fn usd(dollars: u32) -> Usd {
    Usd::new(Decimal::from(dollars)).unwrap_or(Usd::ZERO)
}

#[cfg(test)]
mod tests {
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
    fn file_holds(profile: Profile, text: &str) {
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
        file_holds(Profile::Conservative, include_str!("../profiles/conservative.toml"));
    }

    #[test]
    fn the_standard_file_is_the_profile() {
        file_holds(Profile::Standard, include_str!("../profiles/standard.toml"));
    }

    #[test]
    fn the_racehorse_file_is_the_profile() {
        file_holds(Profile::Racehorse, include_str!("../profiles/racehorse.toml"));
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
