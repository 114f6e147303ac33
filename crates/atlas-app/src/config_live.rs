//! The parts of the configuration about protection, the ramp, the schedule and real money.

use atlas_core::{AccountName, Bps, Usd};
use serde::{Deserialize, Serialize};

/// Orders that rest at the broker to protect positions while Atlas is down.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ProtectionConfig {
    /// How far below the price of the moment a stop is placed; none are placed if absent.
    pub(crate) stop_below_bps: Option<Bps>,
}

impl ProtectionConfig {
    pub(crate) fn check(&self, require: &mut impl FnMut(bool, &str)) {
        let Some(bps) = self.stop_below_bps else { return };
        require(
            bps >= Bps::from_int(100) && bps <= Bps::from_int(9_000),
            &format!("protection.stop_below_bps is {bps}; use 100 to 9000, or leave it out"),
        );
    }
}

/// The staged ramp; with real money it is in force whatever stands here.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RampConfig {
    /// Holds accounts without real money to it as well.
    pub(crate) rehearse: bool,
}

/// When `atlas schedule` does what.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ScheduleConfig {
    /// Minutes before the opening at which the pending plan is checked.
    pub(crate) check_before_open_min: u16,
    /// Minutes after the close at which books and broker are compared and the day is closed.
    pub(crate) end_after_close_min: u16,
    /// Whether a decision is made and approved after each close on which one is scheduled.
    pub(crate) decide: bool,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { check_before_open_min: 10, end_after_close_min: 15, decide: false }
    }
}

impl ScheduleConfig {
    pub(crate) fn check(&self, require: &mut impl FnMut(bool, &str)) {
        for (key, minutes) in [
            ("check_before_open_min", self.check_before_open_min),
            ("end_after_close_min", self.end_after_close_min),
        ] {
            require(minutes <= 240, &format!("schedule.{key} is {minutes}; use 0 to 240"));
        }
    }
}

/// What has to be said before real money moves. Nothing here is enough by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LiveConfig {
    /// Says live.
    pub(crate) enabled: bool,
    /// The number of the live account.
    pub(crate) account_number: Option<String>,
    /// Environment variable that holds the live key id.
    pub(crate) key_id_env: String,
    /// Environment variable that holds the live secret key.
    pub(crate) secret_key_env: String,
    /// The paper account whose journal is the evidence for trading live.
    pub(crate) evidence: Option<AccountName>,
    /// Largest equity the account may have, USD.
    pub(crate) max_equity: Option<Usd>,
    /// Largest order, USD.
    pub(crate) max_order: Option<Usd>,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            enabled: false,
            account_number: None,
            evidence: None,
            key_id_env: "APCA_LIVE_KEY_ID".to_owned(),
            secret_key_env: "APCA_LIVE_SECRET_KEY".to_owned(),
            max_equity: None,
            max_order: None,
        }
    }
}

impl LiveConfig {
    pub(crate) fn check(&self, require: &mut impl FnMut(bool, &str)) {
        for (key, amount) in [("max_equity", self.max_equity), ("max_order", self.max_order)] {
            let above = amount.is_none_or(|amount| amount > Usd::ZERO);
            require(above, &format!("live.{key} is not above 0; use an amount in USD"));
        }
        for (key, value) in
            [("key_id_env", &self.key_id_env), ("secret_key_env", &self.secret_key_env)]
        {
            require(!value.is_empty(), &format!("live.{key} is empty; name one"));
        }
    }
}
