//! The configuration file: what may stand in it, and what is used without it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_core::{AccountName, Bps, Rounding, Usd};
use atlas_engine::Unmanaged;
use atlas_regime::RateQuote;
use serde::{Deserialize, Serialize};

pub(crate) use crate::config_alpaca::{AlpacaConfig, ClockWord, TradingMode};
pub(crate) use crate::config_data::LiveDataConfig;
pub(crate) use crate::config_live::{LiveConfig, ProtectionConfig, RampConfig, ScheduleConfig};
pub(crate) use crate::config_risk::RiskConfig;
pub(crate) use crate::config_trade::TradeConfig;
use crate::exit::{Exit, Failure};
use crate::mistakes;

/// The configuration, complete; unknown keys are refused.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where accounts, journals and artifacts are kept, unless the command line says otherwise.
    pub(crate) state_dir: Option<PathBuf>,
    /// Market data, unless the command line says otherwise.
    pub(crate) data: Option<String>,
    /// The account used unless the command line names one.
    pub(crate) account: Option<AccountName>,
    /// Accounts by name. Without any, `default` is an account at the embedded venue.
    pub(crate) accounts: BTreeMap<AccountName, AccountConfig>,
    /// What is decided, and when.
    pub(crate) rebalance: RebalanceConfig,
    /// How the regime is found.
    pub(crate) regime: RegimeConfig,
    /// How orders are carried out.
    pub(crate) execution: ExecutionConfig,
    /// Where live market data come from.
    pub(crate) live_data: LiveDataConfig,
    /// Limits.
    pub(crate) risk: RiskConfig,
    /// Stops that rest at the broker.
    pub(crate) protection: ProtectionConfig,
    /// The staged ramp.
    pub(crate) ramp: RampConfig,
    /// When `atlas schedule` does what.
    pub(crate) schedule: ScheduleConfig,
    /// Real money.
    pub(crate) live: LiveConfig,
    /// Continuous trading.
    pub(crate) trade: TradeConfig,
}

/// One account.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, tag = "broker", rename_all = "lowercase")]
pub(crate) enum AccountConfig {
    /// The embedded venue: replay on recorded prices, kept in the state directory.
    Venue(VenueConfig),
    /// A paper account at Alpaca, or at anything on loopback that speaks its API.
    Alpaca(AlpacaConfig),
}

impl AccountConfig {
    /// Whether the account has no clock but its broker's.
    pub(crate) fn follows_broker(&self) -> bool {
        matches!(self, Self::Alpaca(alpaca) if alpaca.clock == ClockWord::Broker)
    }
}

/// An account at the embedded venue.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct VenueConfig {
    /// Cash it starts with.
    pub(crate) cash: Usd,
    /// Slippage against every taker.
    pub(crate) slippage_bps: Bps,
    /// Seed of everything random at the venue.
    pub(crate) seed: u64,
}

impl Default for VenueConfig {
    fn default() -> Self {
        Self {
            cash: Usd::new(100_000.into()).unwrap_or(Usd::ZERO),
            slippage_bps: Bps::from_int(5),
            seed: 0,
        }
    }
}

/// What is decided, and when.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RebalanceConfig {
    /// A named universe, symbols separated by commas, or a file with one symbol a line.
    pub(crate) universe: Option<String>,
    /// Hold at most the best N symbols; the risk profile's number if absent.
    pub(crate) top_n: Option<u16>,
    /// On which sessions a rebalance is scheduled.
    pub(crate) schedule: Schedule,
    /// What to do with positions that Atlas did not open.
    pub(crate) unmanaged: Unmanaged,
    /// How far above the decision price a buy may go.
    pub(crate) buy_collar_bps: Bps,
    /// How far prices and cash may drift before an approval no longer holds.
    pub(crate) approval_drift_bps: Bps,
}

impl Default for RebalanceConfig {
    fn default() -> Self {
        Self {
            universe: None,
            top_n: None,
            schedule: Schedule::Any,
            unmanaged: Unmanaged::Refuse,
            buy_collar_bps: Bps::from_int(300),
            approval_drift_bps: Bps::from_int(300),
        }
    }
}

/// On which sessions a rebalance is scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Schedule {
    /// On every session: whenever the command is given.
    Any,
    /// On the last session of a week.
    Weekly,
    /// On the last session of a month.
    Monthly,
}

/// How the regime is found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RegimeConfig {
    /// Which detector.
    pub(crate) profile: RegimeProfile,
    /// What to do without a VIX close of the as-of session.
    pub(crate) missing_vix: MissingVix,
    /// How the Treasury rate is quoted; as its source quotes it unless named.
    pub(crate) rate_quote: Option<RateQuote>,
}

/// Named detectors.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RegimeProfile {
    /// Labels as persistent as the model behind them.
    #[default]
    Calibrated,
    /// The rules of the systems Atlas replaces.
    Seed,
}

/// What to do without a VIX close of the as-of session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MissingVix {
    /// Decide nothing.
    #[default]
    Refuse,
    /// Decide without the shock override, and say so in the evidence.
    Flag,
}

impl From<MissingVix> for atlas_data::MissingVix {
    fn from(choice: MissingVix) -> Self {
        match choice {
            MissingVix::Refuse => Self::Refuse,
            MissingVix::Flag => Self::Warn,
        }
    }
}

/// How orders are carried out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ExecutionConfig {
    /// Minutes after the opening at which sending starts.
    pub(crate) start_after_open_min: u16,
    /// Minutes before the close from which on no plan begins.
    pub(crate) stop_before_close_min: u16,
    /// Seconds any one call to the broker may take.
    pub(crate) request_timeout_s: u16,
    /// Seconds of open market to wait for fills; the risk profile's number if absent.
    pub(crate) fill_wait_s: Option<u32>,
    /// Seconds between two looks at the orders; the risk profile's number if absent.
    pub(crate) poll_s: Option<u32>,
}

impl Default for ExecutionConfig {
    fn default() -> Self {
        Self {
            start_after_open_min: 5,
            stop_before_close_min: 5,
            request_timeout_s: 10,
            fill_wait_s: None,
            poll_s: None,
        }
    }
}

/// File looked for in the working directory when none is named.
const DEFAULT_FILE: &str = "atlas.toml";

impl Config {
    /// Reads the named file, or `atlas.toml` where it exists, or takes the built-in settings.
    ///
    /// # Errors
    /// [`Exit::Config`] with the file, the line and the key.
    pub(crate) fn load(named: Option<&Path>) -> Result<Self> {
        let Some(path) = Self::file(named) else {
            return Self::default().check("built-in settings");
        };
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Failure::error(
                Exit::Config,
                format!(
                    "configuration {place} cannot be read ({error}): name an existing TOML file"
                ),
            )
        })?;
        let config: Self = mistakes::read(&text).map_err(|found| {
            let told: Vec<String> =
                found.iter().map(|m| format!("line {}: {}", m.line, m.said)).collect();
            let (told, them) = (told.join("; "), if found.len() > 1 { "them" } else { "it" });
            let lines = if found.len() > 1 { "lines" } else { "line" };
            let sentence =
                format!("configuration {place}, {told}: correct {them} or remove the {lines}");
            Failure::error(Exit::Config, sentence)
        })?;
        let mut config = config.check(&place)?;
        config.risk.read()?;
        Ok(config)
    }

    /// The file that is read: the named one, or `atlas.toml` where it exists.
    pub(crate) fn file(named: Option<&Path>) -> Option<&Path> {
        let usual = Path::new(DEFAULT_FILE);
        named.or_else(|| usual.is_file().then_some(usual))
    }

    /// The account of that name.
    ///
    /// # Errors
    /// [`Exit::Config`] if the configuration has accounts, but none of that name.
    pub(crate) fn account(&self, name: &AccountName) -> Result<AccountConfig> {
        if let Some(account) = self.accounts.get(name) {
            return Ok(account.clone());
        }
        if self.accounts.is_empty() {
            return Ok(AccountConfig::Venue(VenueConfig::default()));
        }
        let known: Vec<&str> = self.accounts.keys().map(AccountName::as_str).collect();
        Err(Failure::error(
            Exit::Config,
            format!("account {name} is not in the configuration: use one of {}", known.join(", ")),
        ))
    }

    /// Looks for values that are of the right type and make no sense.
    fn check(self, place: &str) -> Result<Self> {
        let mut problems = Vec::new();
        let mut require = |holds: bool, problem: &str| {
            if !holds {
                problems.push(problem.to_owned());
            }
        };
        let rebalance = &self.rebalance;
        require(rebalance.top_n != Some(0), "rebalance.top_n is 0; use 1 or more");
        for (key, bps) in [
            ("buy_collar_bps", rebalance.buy_collar_bps),
            ("approval_drift_bps", rebalance.approval_drift_bps),
        ] {
            let fits = bps > Bps::ZERO && bps <= Bps::from_int(2_000);
            require(fits, &format!("rebalance.{key} is {bps}; use more than 0, at most 2000"));
        }
        let execution = &self.execution;
        let start = execution.start_after_open_min;
        require(
            start <= 200,
            &format!(
                "execution.start_after_open_min is {start}; use 0 to 200, before a half day ends"
            ),
        );
        let stop = execution.stop_before_close_min;
        require(
            u32::from(start) + u32::from(stop) <= 205,
            &format!(
                "execution.stop_before_close_min is {stop}; use less, so that a half day's 210 \
                 minutes leave a window after the first {start}"
            ),
        );
        if let Err(error) = self.risk.breaker.check() {
            require(false, &format!("risk.{error}"));
        }
        let timeout = execution.request_timeout_s;
        require(
            (1..=120).contains(&timeout),
            &format!("execution.request_timeout_s is {timeout}; use 1 to 120"),
        );
        for (key, seconds) in [("fill_wait_s", execution.fill_wait_s), ("poll_s", execution.poll_s)]
        {
            // A session lasts 23 400 seconds.
            require(
                seconds.is_none_or(|seconds| (1..=23_400).contains(&seconds)),
                &format!("execution.{key} is {}; use 1 to 23400", seconds.unwrap_or_default()),
            );
        }
        let named =
            |path: &Option<PathBuf>| path.as_ref().is_none_or(|p| !p.as_os_str().is_empty());
        require(named(&self.state_dir), "state_dir is empty; name a folder");
        self.check_sections(&mut require);
        let mut keys: BTreeMap<&str, &AccountName> = BTreeMap::new();
        for (name, account) in &self.accounts {
            check_account(name, account, &mut require);
            if let AccountConfig::Alpaca(alpaca) = account
                && let Some(other) = keys.insert(&alpaca.key_id_env, name)
            {
                let variable = &alpaca.key_id_env;
                require(
                    false,
                    &format!(
                        "accounts.{other} and accounts.{name} take their keys from {variable}; \
                         name a key_id_env of its own for each"
                    ),
                );
            }
        }
        if problems.is_empty() {
            return Ok(self);
        }
        Err(Failure::error(Exit::Config, format!("configuration {place}: {}", problems.join("; "))))
    }
}

impl Config {
    /// Sections that look after themselves.
    fn check_sections(&self, require: &mut impl FnMut(bool, &str)) {
        self.live_data.check(require);
        self.protection.check(require);
        self.schedule.check(require);
        self.live.check(require);
    }
}

fn check_account(
    name: &AccountName,
    account: &AccountConfig,
    require: &mut impl FnMut(bool, &str),
) {
    match account {
        AccountConfig::Venue(venue) => {
            let cash = venue.cash;
            let whole_cents = cash == cash.to_cents(Rounding::Down);
            let most = Usd::new(1_000_000_000.into()).unwrap_or(Usd::ZERO);
            require(
                cash > Usd::ZERO && cash <= most && whole_cents,
                &format!(
                    "accounts.{name}.cash is {cash}; use whole cents above 0, at most 1000000000"
                ),
            );
            let slippage = venue.slippage_bps;
            require(
                slippage >= Bps::ZERO && slippage <= Bps::from_int(1_000),
                &format!("accounts.{name}.slippage_bps is {slippage}; use 0 to 1000"),
            );
        }
        AccountConfig::Alpaca(alpaca) => {
            require(
                alpaca.mode == TradingMode::Paper || cfg!(feature = "live"),
                &format!(
                    "accounts.{name}.mode is live: this program was built to trade on paper alone; \
                     use mode = \"paper\", or build it with --features live"
                ),
            );
            require(
                alpaca.mode == TradingMode::Paper || alpaca.trading_url.is_none(),
                &format!(
                    "accounts.{name}.trading_url is set, and a live account trades at Alpaca's live \
                     host and nowhere else: leave it out"
                ),
            );
            for (key, value) in [
                ("trading_url", alpaca.trading_url.as_ref()),
                ("data_url", alpaca.data_url.as_ref()),
                ("key_id_env", Some(&alpaca.key_id_env)),
                ("secret_key_env", Some(&alpaca.secret_key_env)),
                ("base_url_env", alpaca.base_url_env.as_ref()),
            ] {
                let named = value.is_none_or(|value| !value.is_empty());
                require(named, &format!("accounts.{name}.{key} is empty; name one"));
            }
        }
    }
}
