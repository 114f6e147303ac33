//! The way to real money: everything that can open it is in this module.
//!
//! [`Probe::connect`] can only ask for the account's number. From the number the venue itself
//! reports, the one in the configuration, a typed confirmation and the [`Evidence`] that every gate
//! of [`atlas_risk::evidence`] let through a [`LivePermit`] is made, and the probe becomes a
//! [`Session<Live>`](Session) by giving the permit up to it.
//!
//! Evidence that has lapsed traps no exit: [`LivePermit::to_wind_down`] needs none, and its session
//! cancels and sells and buys nothing.
//!
//! ```no_run
//! use atlas_broker::alpaca::live::{Confirmation, Live, LivePermit, Probe};
//! use atlas_broker::alpaca::{Credentials, Options};
//!
//! # use atlas_core::{journal::Hash, time::Timestamp};
//! # use atlas_risk::evidence::Evidence;
//! # async fn demo(keys: Credentials<Live>, typed: String, evidence: Evidence, config: Hash,
//! #     now: Timestamp) -> Result<(), atlas_broker::Error> {
//! let probe = Probe::connect(&keys, &Options::default())?;
//! let reported = probe.account_number().await?;
//! let confirmation = Confirmation { configured: "123456789", typed: &typed };
//! let permit = LivePermit::grant(&reported, &confirmation, evidence, config, now)?;
//! let session = probe.into_session(permit)?;
//! # Ok(())
//! # }
//! ```
//!
//! A permit cannot be made up,
//! ```compile_fail
//! let permit = atlas_broker::alpaca::live::LivePermit { account_number: "1".into() };
//! ```
//! nor copied,
//! ```compile_fail
//! # fn demo(permit: atlas_broker::alpaca::live::LivePermit) {
//! let copy = permit.clone();
//! # }
//! ```
//! a live session does not come without one,
//! ```compile_fail
//! # use atlas_broker::alpaca::{Credentials, Endpoint, Options, Session, live::Live};
//! # fn demo(keys: Credentials<Live>) {
//! let session = Session::<Live>::connect(&Endpoint::paper(), &keys, &Options::default());
//! # }
//! ```
//! and live keys do not fit into a paper session.
//! ```compile_fail
//! # use atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session, live::Live};
//! # fn demo(keys: Credentials<Live>) {
//! let session = Session::<Paper>::connect(&Endpoint::paper(), &keys, &Options::default());
//! # }
//! ```

use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use atlas_core::{OrderRequest, Side};
use atlas_risk::evidence::Evidence;

use super::http::Call;
use super::mode::{DATA_HOST, sealed};
use super::wire::WireAccount;
use super::{Credentials, Endpoint, Mode, Options, Session};
use crate::Error;

/// Real money, at Alpaca's live host and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Live {}

impl Mode for Live {
    const NAME: &'static str = "live";
    type Authority = LivePermit;

    fn forbids(permit: &LivePermit, request: &OrderRequest) -> Option<&'static str> {
        (permit.winds_down() && request.side == Side::Buy)
            .then_some("this live session only winds the account down, and buys nothing")
    }
}

impl sealed::Sealed for Live {
    const TRADING_HOST: &'static str = "api.alpaca.markets";
    const LOOPBACK: bool = false;
    const RULE: &'static str =
        "use https://api.alpaca.markets with https://data.alpaca.markets, and nothing else";
}

/// The number of the account a set of live keys opens, as the venue itself reported it.
#[derive(Debug, PartialEq, Eq)]
pub struct ReportedAccount(String);

impl ReportedAccount {
    /// The number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a person has to provide before money moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confirmation<'a> {
    /// The account number in the configuration's live section.
    pub configured: &'a str,
    /// What the person typed; it must be [`LivePermit::phrase`] of the account.
    pub typed: &'a str,
}

/// The right to trade one live account; held by the session, never copied.
#[derive(Debug, PartialEq, Eq)]
#[must_use = "a permit does nothing until a session takes it"]
pub struct LivePermit {
    account_number: String,
    /// What lets it buy; without it the account is only wound down.
    evidence: Option<Evidence>,
}

impl LivePermit {
    /// What has to be typed to confirm live trading on an account.
    #[must_use]
    pub fn phrase(account: &ReportedAccount) -> String {
        format!("trade live on {}", account.as_str())
    }

    /// Grants the right if configuration and confirmation both name the reported account, and the
    /// evidence is for the configuration in force and not older than a day.
    ///
    /// # Errors
    /// [`Error::Setup`] naming what does not agree.
    pub fn grant(
        reported: &ReportedAccount,
        confirmation: &Confirmation<'_>,
        evidence: Evidence,
        config: Hash,
        now: Timestamp,
    ) -> Result<Self, Error> {
        let number = Self::agreed(reported, confirmation.configured)?;
        let phrase = Self::phrase(reported);
        if confirmation.typed != phrase {
            let problem = format!("live trading was not confirmed: type {phrase:?}");
            return Err(Error::Setup { problem });
        }
        if let Some(problem) = evidence.fault(config, now) {
            return Err(Error::Setup { problem });
        }
        Ok(Self { account_number: number, evidence: Some(evidence) })
    }

    /// The right to cancel and to sell on the configured account, and to buy nothing: what winds an
    /// account down needs no evidence, or a lapse of it would trap what is held.
    ///
    /// # Errors
    /// [`Error::Setup`] if the keys open another account than the configured one.
    pub fn to_wind_down(reported: &ReportedAccount, configured: &str) -> Result<Self, Error> {
        let account_number = Self::agreed(reported, configured)?;
        Ok(Self { account_number, evidence: None })
    }

    fn agreed(reported: &ReportedAccount, configured: &str) -> Result<String, Error> {
        let number = reported.as_str();
        if configured == number {
            return Ok(number.to_owned());
        }
        let problem = format!(
            "the live keys open account {number}, but the configuration names {configured:?}"
        );
        Err(Error::Setup { problem })
    }

    /// Whether it only winds down.
    #[must_use]
    pub const fn winds_down(&self) -> bool {
        self.evidence.is_none()
    }

    /// The account it is for.
    #[must_use]
    pub fn account_number(&self) -> &str {
        &self.account_number
    }
}

/// A connection that can ask for the account's number and nothing else.
#[derive(Debug)]
pub struct Probe {
    /// Complete but for its authority.
    session: Session<Unauthorized>,
    reported: std::sync::OnceLock<String>,
}

/// The mode of a probe: the live host, and no authority to do anything there.
#[derive(Debug)]
enum Unauthorized {}

impl Mode for Unauthorized {
    const NAME: &'static str = Live::NAME;
    type Authority = ();
}

impl sealed::Sealed for Unauthorized {
    const TRADING_HOST: &'static str = Live::TRADING_HOST;
    const LOOPBACK: bool = false;
    const RULE: &'static str = Live::RULE;
}

impl Probe {
    /// Sets a probe of Alpaca's live host up; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Setup`] if the options make no client.
    pub fn connect(credentials: &Credentials<Live>, options: &Options) -> Result<Self, Error> {
        let endpoint = Endpoint {
            trading: format!("https://{}", <Live as sealed::Sealed>::TRADING_HOST),
            data: format!("https://{DATA_HOST}"),
        };
        let session = Session::open(&endpoint, credentials.headers()?, options, ())?;
        Ok(Self { session, reported: std::sync::OnceLock::new() })
    }

    /// Asks the venue which account the keys open.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn account_number(&self) -> Result<ReportedAccount, Error> {
        let call = Call::get("/v2/account");
        let trading = &self.session.trading;
        let wire: WireAccount = trading.ask(&call).await?;
        let account = wire.account().map_err(|fault| trading.fault(&call, fault))?;
        let first = self.reported.get_or_init(|| account.account_number.clone());
        if *first != account.account_number {
            let problem = format!("account {} is now {}", first, account.account_number);
            return Err(trading.bad_answer(&call, problem));
        }
        Ok(ReportedAccount(account.account_number))
    }

    /// Becomes a session by taking the permit in.
    ///
    /// # Errors
    /// [`Error::Setup`] if the permit is for another account than this probe was told of.
    pub fn into_session(self, permit: LivePermit) -> Result<Session<Live>, Error> {
        let Some(number) = self.reported.get() else {
            return Err(Error::Setup {
                problem: "the account number was not asked for over this connection".to_owned(),
            });
        };
        if *number != permit.account_number {
            return Err(Error::Setup {
                problem: format!(
                    "the permit is for account {}, the keys open {number}",
                    permit.account_number
                ),
            });
        }
        Ok(self.session.authorized(permit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alpaca::Paper;

    fn probe(number: Option<&str>) -> Probe {
        let keys = Credentials::new("AKTEST".to_owned(), "secret".to_owned()).expect("keys");
        let probe = Probe::connect(&keys, &Options::default()).expect("a probe");
        if let Some(number) = number {
            probe.reported.set(number.to_owned()).expect("unset");
        }
        probe
    }

    const NOW: &str = "2019-01-07T12:00:00Z";

    fn evidence() -> Evidence {
        use atlas_risk::TradingState;
        use atlas_risk::evidence::{DrillShown, Shown};
        let today = "2019-01-07".parse().expect("a date");
        let walked = Some(DrillShown { on: today, passed: true });
        let shown = Shown {
            paper_days: 20,
            differences: Some((0, 0)),
            slippage: Some((1.0, 40)),
            drawdown: Some("0.01".parse().expect("a share")),
            drills: [("recovery".to_owned(), walked)].into(),
            state: TradingState::Active,
            words: std::collections::BTreeMap::new(),
        };
        let (account, now) = ("demo".parse().expect("a name"), NOW.parse().expect("a time"));
        Evidence::of(&shown, account, Hash::of(b"one"), (today, now)).expect("all gates open")
    }

    fn grant_at(
        configured: &str,
        typed: &str,
        config: &[u8],
        now: &str,
    ) -> Result<LivePermit, Error> {
        let reported = ReportedAccount("123".to_owned());
        let confirmation = Confirmation { configured, typed };
        let now = now.parse().expect("a time");
        LivePermit::grant(&reported, &confirmation, evidence(), Hash::of(config), now)
    }

    fn grant(configured: &str, typed: &str) -> Result<LivePermit, Error> {
        grant_at(configured, typed, b"one", NOW)
    }

    #[test]
    fn a_permit_needs_evidence_of_today_for_this_configuration() {
        let phrase = "trade live on 123";
        assert!(grant_at("123", phrase, b"one", "2019-01-08T12:00:00Z").is_ok());
        for (config, now) in [(b"one", "2019-01-08T12:00:01Z"), (b"two", NOW)] {
            assert!(grant_at("123", phrase, config, now).is_err(), "{now}");
        }
    }

    #[test]
    fn without_evidence_nothing_is_bought() {
        let reported = ReportedAccount("123".to_owned());
        assert!(LivePermit::to_wind_down(&reported, "124").is_err());
        let permit = LivePermit::to_wind_down(&reported, "123").expect("a permit");
        let order = |side| OrderRequest {
            client_order_id: "atlas-a-1-buy-A-0".parse().expect("an id"),
            symbol: "A".parse().expect("a symbol"),
            side,
            qty: atlas_core::Qty::from_shares(1),
            order_type: atlas_core::OrderType::Market,
            time_in_force: atlas_core::TimeInForce::Day,
        };
        assert!(Live::forbids(&permit, &order(Side::Buy)).is_some());
        assert!(Live::forbids(&permit, &order(Side::Sell)).is_none());
        let full = grant("123", "trade live on 123").expect("a permit");
        assert!(Live::forbids(&full, &order(Side::Buy)).is_none());
    }

    #[test]
    fn a_permit_needs_configuration_and_confirmation() {
        assert!(grant("123", "trade live on 123").is_ok());
        for (configured, typed) in
            [("", "trade live on 123"), ("124", "trade live on 123"), ("123", "yes"), ("123", "")]
        {
            assert!(grant(configured, typed).is_err(), "{configured} {typed}");
        }
    }

    #[test]
    fn a_permit_opens_its_own_account_only() {
        let permit = || grant("123", "trade live on 123").expect("a permit");
        assert!(probe(Some("123")).into_session(permit()).is_ok());
        assert!(probe(Some("124")).into_session(permit()).is_err());
        assert!(probe(None).into_session(permit()).is_err());
    }

    #[test]
    fn live_takes_the_live_host_alone() {
        let trading = "https://api.alpaca.markets".to_owned();
        let endpoint = Endpoint { trading, ..Endpoint::paper() };
        assert!(endpoint.checked::<Live>().is_ok());
        assert!(endpoint.checked::<Paper>().is_err());
        for trading in
            ["http://127.0.0.1:1", "https://paper-api.alpaca.markets", "http://api.alpaca.markets"]
        {
            let endpoint = Endpoint { trading: trading.to_owned(), ..Endpoint::paper() };
            assert!(endpoint.checked::<Live>().is_err(), "{trading}");
        }
    }
}
