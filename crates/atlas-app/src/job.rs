//! What every command starts from: configuration and command line put together.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use atlas_core::Clock as _;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_core::{AccountName, DecisionId, Symbol};
use atlas_engine::{Costs, Policy, Unmanaged};
use atlas_exec::reconcile::{self, FeeRule};
use atlas_exec::{State, ramp};
use atlas_regime::{DetectorParams, RateQuote, VixPolicy};
use atlas_risk::{Limits, Tradability};
use chrono::{Datelike, NaiveDate};

use crate::accounts::SystemClock;
use crate::cli::{Common, Decide};
use crate::config::{AccountConfig, Config, MissingVix, RegimeProfile, Schedule, TradingMode};
use crate::exit::{Exit, Failure};
use crate::market::ALPACA;
use crate::stopwatch::Stopwatch;

/// One run of the program: what was asked for, and how long it takes.
#[derive(Debug)]
pub(crate) struct Job {
    /// The command's word.
    pub(crate) command: &'static str,
    /// The configuration in force.
    pub(crate) config: Box<Config>,
    /// The account's name.
    pub(crate) account: AccountName,
    /// Where the account is.
    pub(crate) place: AccountConfig,
    /// Where everything is kept.
    pub(crate) state_dir: PathBuf,
    /// The data as named on the command line or in the configuration.
    pub(crate) data: Option<String>,
    /// The as-of session as named on the command line.
    pub(crate) as_of: Option<NaiveDate>,
    /// The confirmation of live trading, as typed.
    #[cfg_attr(not(feature = "live"), expect(dead_code, reason = "nothing trades live without"))]
    pub(crate) live: Option<String>,
    /// Whether the report is printed as JSON.
    pub(crate) json: bool,
    /// Time per stage.
    pub(crate) stopwatch: Stopwatch,
}

impl Job {
    /// Puts configuration and command line together.
    ///
    /// # Errors
    /// [`Exit::Config`].
    pub(crate) fn new(command: &'static str, common: Common) -> Result<Self> {
        let mut stopwatch = Stopwatch::start();
        let config = Box::new(Config::load(common.config.as_deref())?);
        let account = match common.account.or_else(|| config.account.clone()) {
            Some(account) => account,
            None => AccountName::new("default")?,
        };
        let place = config.account(&account)?;
        check_live(&account, &place, common.live.is_some())?;
        let state_dir = common
            .state_dir
            .or_else(|| config.state_dir.clone())
            .unwrap_or_else(|| PathBuf::from("atlas-state"));
        let data = common.data.or_else(|| config.data.clone());
        stopwatch.lap("configuration");
        let (as_of, live, json) = (common.as_of, common.live, common.json);
        Ok(Self { command, config, account, place, state_dir, data, as_of, live, json, stopwatch })
    }

    /// The data's name: the sample unless another was named.
    pub(crate) fn data(&self) -> &str {
        self.data.as_deref().unwrap_or("sample")
    }

    /// Longest any one call to the broker may take.
    pub(crate) fn timeout(&self) -> Duration {
        Duration::from_secs(self.config.execution.request_timeout_s.into())
    }

    /// From when orders of a session may be sent.
    pub(crate) fn due(&self, session: &Session) -> atlas_core::time::Timestamp {
        session.open + chrono::TimeDelta::minutes(self.config.execution.start_after_open_min.into())
    }

    /// Digest of the configuration in force, files it names included, without what only says where
    /// things are.
    ///
    /// # Errors
    /// [`Exit::Internal`] if it cannot be written as JSON.
    pub(crate) fn config_hash(&self) -> Result<Hash> {
        let config = Config { state_dir: None, data: None, ..Config::clone(&self.config) };
        // What stands in the files that are named is in force as well.
        Ok(Hash::of(&serde_json::to_vec(&(&config, &self.config.risk.files))?))
    }

    /// Whether the account is a replay at the embedded venue.
    pub(crate) const fn is_replay(&self) -> bool {
        matches!(self.place, AccountConfig::Venue(_))
    }

    /// Replay, paper or live, by the configuration.
    pub(crate) const fn mode(&self) -> Mode {
        match &self.place {
            AccountConfig::Venue(_) => Mode::Replay,
            AccountConfig::Alpaca(alpaca) => match alpaca.mode {
                TradingMode::Paper => Mode::Paper,
                TradingMode::Live => Mode::Live,
            },
        }
    }

    /// The last session that has closed, in real time.
    ///
    /// # Errors
    /// [`Exit::Internal`] outside of the calendar.
    pub(crate) fn last_closed() -> Result<NaiveDate> {
        Ok(Calendar::nyse().last_closed(SystemClock.now())?.date)
    }

    /// The rules by which books and broker are compared.
    ///
    /// # Errors
    /// [`Exit::Internal`] never in fact.
    pub(crate) fn reconciliation(&self) -> Result<reconcile::Policy> {
        let unmanaged = match self.config.rebalance.unmanaged {
            Unmanaged::Refuse => reconcile::Unmanaged::Refuse,
            Unmanaged::Ignore => reconcile::Unmanaged::Ignore,
        };
        Ok(reconcile::Policy { unmanaged, fees: FeeRule::us_stocks()? })
    }

    /// The symbols of the restricted list, each with why it may not be bought.
    pub(crate) fn restricted(&self) -> BTreeMap<Symbol, String> {
        let reason = || "it is on the list risk.restricted of the configuration".to_owned();
        self.config.risk.restricted.iter().map(|symbol| (symbol.clone(), reason())).collect()
    }

    /// What the configuration says of whether symbols may be traded.
    pub(crate) fn tradability(&self) -> BTreeMap<Symbol, Tradability> {
        let listed = self.restricted().into_iter();
        listed.map(|(symbol, reason)| (symbol, Tradability::Restricted(reason))).collect()
    }

    /// The limits of the profile, or of the file in its place.
    ///
    /// # Errors
    /// [`Exit::Config`] if they cannot be used.
    pub(crate) fn limits(&self) -> Result<Limits> {
        let checked = self.config.risk.spec().check();
        checked.map_err(|error| Failure::error(Exit::Config, format!("risk.profile: {error}")))
    }

    /// The limits a decision as of a session is made and carried out with: those of the profile, no
    /// wider than the staged ramp allows where that is in force.
    ///
    /// # Errors
    /// [`Exit::Config`] if they cannot be used.
    pub(crate) fn limits_in(&self, state: &State, mode: Mode, as_of: NaiveDate) -> Result<Limits> {
        let limits = self.limits()?;
        if mode != Mode::Live && !self.config.ramp.rehearse {
            return Ok(limits);
        }
        let stage = ramp::standing(state, mode, as_of).stage;
        let tightened = stage.tighten(limits.get())?;
        tightened
            .check()
            .map_err(|error| Failure::error(Exit::Config, format!("the {stage} stage: {error}")))
    }

    /// Refuses a session on which no rebalance is scheduled.
    ///
    /// # Errors
    /// [`Exit::Refused`] naming the schedule and the next date it allows.
    pub(crate) fn check_schedule(&self, as_of: NaiveDate, force: bool) -> Result<()> {
        let next = Calendar::nyse().next_session(as_of)?.date;
        let (scheduled, word) = match self.config.rebalance.schedule {
            Schedule::Any => (true, "every session"),
            Schedule::Weekly => (as_of.iso_week() != next.iso_week(), "the last session of a week"),
            Schedule::Monthly => (as_of.month() != next.month(), "the last session of a month"),
        };
        if scheduled || force {
            return Ok(());
        }
        Err(Failure::error(
            Exit::Refused,
            format!("{as_of} is not {word}, as rebalance.schedule asks for: wait, or use --force"),
        ))
    }

    /// The choices of a person, as the engine takes them.
    ///
    /// # Errors
    /// [`Exit::Config`] if the profile's limits cannot be used.
    pub(crate) fn policy(
        &self,
        flags: &Decide,
        universe: &str,
        decision_id: DecisionId,
        mode: Mode,
    ) -> Result<Policy> {
        let (account, limits) = (self.account.clone(), self.limits()?);
        let mut policy = Policy::new(account, decision_id, mode, universe.to_owned(), limits);
        if let Some(top_n) = flags.top_n.or(self.config.rebalance.top_n) {
            policy.momentum.top_n = top_n.into();
        }
        policy.regime_override = flags.regime;
        policy.unmanaged = self.config.rebalance.unmanaged;
        policy.buy_limit_collar = self.config.rebalance.buy_collar_bps;
        policy.detector = self.detector();
        policy.desk.clone_from(&self.config.risk.files.desk);
        if let AccountConfig::Venue(venue) = &self.place {
            policy.costs = Costs { slippage: venue.slippage_bps, ..policy.costs };
        }
        Ok(policy)
    }

    fn detector(&self) -> DetectorParams {
        let regime = &self.config.regime;
        let profile = match regime.profile {
            RegimeProfile::Calibrated => DetectorParams::calibrated(),
            RegimeProfile::Seed => DetectorParams::seed(),
        };
        let vix_missing = match regime.missing_vix {
            MissingVix::Refuse => VixPolicy::Refuse,
            MissingVix::Flag => VixPolicy::CarryOn,
        };
        let rate_quote = regime.rate_quote.unwrap_or_else(|| self.rate_quote());
        DetectorParams { vix_missing, rate_quote, ..profile }
    }

    /// How the data's short rate is quoted, as far as where it comes from tells.
    fn rate_quote(&self) -> RateQuote {
        let data = match self.data() {
            ALPACA => return self.config.live_data.rate_quote(),
            "sample" => return RateQuote::BondEquivalent,
            data => Path::new(data),
        };
        let folder = if data.is_dir() { Some(data) } else { data.parent() };
        let named = |name| folder.is_some_and(|folder| folder.join(name).is_file());
        if ["DTB3.csv", "DTB3.csv.gz"].into_iter().any(named) {
            RateQuote::Discount
        } else {
            RateQuote::BondEquivalent
        }
    }
}

/// Refuses a confirmation of live trading where nothing could trade live.
fn check_live(account: &AccountName, place: &AccountConfig, confirmed: bool) -> Result<()> {
    let is_live =
        matches!(place, AccountConfig::Alpaca(alpaca) if alpaca.mode == TradingMode::Live);
    if !confirmed || is_live {
        return Ok(());
    }
    let sentence = if cfg!(feature = "live") {
        format!(
            "--live is for an account with mode = \"live\", which {account} is not: name one with \
             --account"
        )
    } else {
        "this program was built without live trading: --live needs one built with --features live"
            .to_owned()
    };
    Err(Failure::error(Exit::Config, sentence))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::VenueConfig;

    fn quote(data: Option<&str>, set: impl FnOnce(&mut Config)) -> RateQuote {
        let mut config = Config::default();
        set(&mut config);
        let job = Job {
            command: "run",
            config: Box::new(config),
            account: AccountName::new("default").unwrap(),
            place: AccountConfig::Venue(VenueConfig::default()),
            state_dir: PathBuf::new(),
            data: data.map(str::to_owned),
            as_of: None,
            live: None,
            json: false,
            stopwatch: Stopwatch::start(),
        };
        job.detector().rate_quote
    }

    #[test]
    fn a_rate_is_read_as_its_source_quotes_it() {
        // The built-in source of live data is FRED's DTB3, a discount.
        assert_eq!(quote(Some(ALPACA), |_| ()), RateQuote::Discount);
        let file =
            |name: &str| quote(Some(ALPACA), |config| config.live_data.rate = name.to_owned());
        assert_eq!(file("/rates/DTB3.csv.gz"), RateQuote::Discount);
        assert_eq!(file("dtb3.csv"), RateQuote::Discount);
        assert_eq!(file("/DTB3/cmt.csv"), RateQuote::BondEquivalent);
        assert_eq!(quote(None, |_| ()), RateQuote::BondEquivalent);
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str();
        assert_eq!(quote(data, |_| ()), RateQuote::BondEquivalent);
        std::fs::write(folder.path().join("DTB3.csv"), "").unwrap();
        assert_eq!(quote(data, |_| ()), RateQuote::Discount);
    }

    #[test]
    fn a_quote_that_is_named_holds_for_every_source() {
        for named in [RateQuote::Discount, RateQuote::BondEquivalent] {
            for data in [None, Some(ALPACA)] {
                assert_eq!(quote(data, |c| c.regime.rate_quote = Some(named)), named);
            }
        }
    }
}
