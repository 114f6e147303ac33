//! The part of the configuration about an account at Alpaca.

use std::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::config_data::FeedWord;

/// Whether an account's orders move real money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TradingMode {
    /// They do not.
    #[default]
    Paper,
    /// They do; only in a program built with the feature `live`.
    Live,
}

/// An account at Alpaca.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AlpacaConfig {
    /// `paper`; `live` only in a program built with the feature `live`, and behind every gate.
    pub(crate) mode: TradingMode,
    /// Address of the trading API: Alpaca's paper host or loopback. Unless named, what the variable
    /// of `base_url_env` holds, or Alpaca's paper host.
    pub(crate) trading_url: Option<String>,
    /// Address of the market data API: Alpaca's data host or loopback. Unless named, that of the
    /// trading API if it is on loopback, or Alpaca's data host.
    pub(crate) data_url: Option<String>,
    /// Environment variable that holds the key id.
    pub(crate) key_id_env: String,
    /// Environment variable that holds the secret key.
    pub(crate) secret_key_env: String,
    /// Environment variable that may hold the address; `APCA_API_BASE_URL` for an account that
    /// takes its keys from the usual variables, none for others.
    pub(crate) base_url_env: Option<String>,
    /// Whose quotes; the best the subscription allows unless named.
    pub(crate) feed: Option<FeedWord>,
    /// Requests a minute at most; as many as Alpaca permits unless named.
    pub(crate) requests_per_minute: Option<NonZeroU32>,
    /// Whose time it is.
    pub(crate) clock: ClockWord,
}

/// Whose clock a paper account lives by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ClockWord {
    /// The computer's.
    #[default]
    Computer,
    /// That of a venue on loopback, which may live in a session long past.
    Broker,
}

impl AlpacaConfig {
    /// The environment variable that may hold the address.
    pub(crate) fn address_env(&self) -> Option<&str> {
        let usual = (self.key_id_env == KEY_ID_ENV).then_some(BASE_URL_ENV);
        self.base_url_env.as_deref().or(usual)
    }
}

/// The usual variables, as other programs for Alpaca know them.
const KEY_ID_ENV: &str = "APCA_API_KEY_ID";
const SECRET_KEY_ENV: &str = "APCA_API_SECRET_KEY";
const BASE_URL_ENV: &str = "APCA_API_BASE_URL";

impl Default for AlpacaConfig {
    fn default() -> Self {
        Self {
            mode: TradingMode::Paper,
            trading_url: None,
            data_url: None,
            key_id_env: KEY_ID_ENV.into(),
            secret_key_env: SECRET_KEY_ENV.into(),
            base_url_env: None,
            feed: None,
            requests_per_minute: None,
            clock: ClockWord::Computer,
        }
    }
}
