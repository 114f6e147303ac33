//! Opening an account: the embedded venue behind its own server, or a paper account.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use atlas_broker::Broker;
#[cfg(feature = "live")]
use atlas_broker::alpaca::live::Live;
use atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session};
use atlas_core::Clock;
use atlas_core::calendar::Calendar;
use atlas_core::time::{Mode, Timestamp};
use atlas_exec::folder::{AccountFolder, Fence};
use atlas_exec::{Timer, TokioTimer, peek};
use atlas_venue::server::{self, ServeOptions, ServerHandle};
use atlas_venue::{CostModel, Faults, Listing, Slippage, Venue};

use crate::config::{AlpacaConfig, ClockWord, TradingMode, VenueConfig};
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// An account that is open: its broker, its clock, and what waits on that clock.
pub(crate) struct Desk {
    /// The broker: Alpaca's client in every mode.
    line: Line,
    /// The clock decisions and the journal go by.
    pub(crate) clock: Arc<dyn Clock>,
    /// The embedded venue, in a replay.
    pub(crate) venue: Option<EmbeddedVenue>,
}

/// A client of an account, by what its orders move.
enum Line {
    /// Nothing real.
    Paper(Box<Session<Paper>>),
    /// Money.
    #[cfg(feature = "live")]
    Live(Box<Session<Live>>),
}

/// The embedded venue and the server in front of it.
pub(crate) struct EmbeddedVenue {
    venue: Venue,
    server: ServerHandle,
}

impl Desk {
    /// An account whose orders move real money.
    #[cfg(feature = "live")]
    pub(crate) fn live(session: Session<Live>) -> Self {
        Self { line: Line::Live(Box::new(session)), clock: Arc::new(SystemClock), venue: None }
    }

    /// The broker.
    pub(crate) fn broker(&self) -> &dyn Broker {
        match &self.line {
            Line::Paper(session) => &**session,
            #[cfg(feature = "live")]
            Line::Live(session) => &**session,
        }
    }

    /// The client of an account whose orders move nothing real, for what only such one is used for.
    ///
    /// # Errors
    /// [`Exit::Refused`] for a live account.
    #[cfg_attr(not(feature = "live"), expect(clippy::unnecessary_wraps, reason = "live refuses"))]
    pub(crate) fn paper(&self) -> Result<&Session<Paper>> {
        match &self.line {
            Line::Paper(session) => Ok(session),
            #[cfg(feature = "live")]
            Line::Live(_) => Err(Failure::error(
                Exit::Refused,
                "strategies on streaming bars trade on paper alone: live accounts rebalance",
            )),
        }
    }

    /// Replay at the embedded venue, live with real money, paper anywhere else.
    pub(crate) const fn mode(&self) -> Mode {
        match &self.line {
            Line::Paper(_) if self.venue.is_some() => Mode::Replay,
            Line::Paper(_) => Mode::Paper,
            #[cfg(feature = "live")]
            Line::Live(_) => Mode::Live,
        }
    }

    /// What waits on the desk's clock.
    pub(crate) fn timer(&self) -> Box<dyn Timer> {
        match &self.venue {
            Some(embedded) => Box::new(VenueTimer(embedded.venue.clone())),
            None => Box::new(TokioTimer),
        }
    }

    /// From now on no order goes onto the wire past the account's fence, however long the client
    /// has prepared it or waited for its budget.
    pub(crate) fn heed(&self, fence: &Fence) {
        let gate = Arc::new(fence.clone());
        match &self.line {
            Line::Paper(session) => session.pass(gate),
            #[cfg(feature = "live")]
            Line::Live(session) => session.pass(gate),
        }
    }

    /// Ends the embedded venue's server, where there is one.
    pub(crate) async fn close(self) {
        if let Some(embedded) = self.venue {
            embedded.server.stop().await;
        }
    }
}

impl EmbeddedVenue {
    /// Moves the venue's clock to a moment, or leaves it where it is if that has passed.
    pub(crate) fn advance_to(&self, to: Timestamp) -> Result<()> {
        if to > self.venue.now() {
            self.venue.advance_to(to).context("the embedded venue's clock could not be moved")?;
        }
        Ok(())
    }

    /// The faults its server is to commit; none unless they are scripted here.
    pub(crate) const fn faults(&self) -> &Faults {
        self.server.faults()
    }

    /// The venue's present.
    pub(crate) fn now(&self) -> Timestamp {
        self.venue.now()
    }
}

/// The clock of a session: the embedded venue's, once one is open on it, the computer's otherwise.
/// Before a venue is open nothing is journaled; the clock only says who took the lock when.
#[derive(Debug, Default)]
pub(crate) struct VenueClock(OnceLock<Venue>);

impl Clock for VenueClock {
    fn now(&self) -> Timestamp {
        self.0.get().map_or_else(|| SystemClock.now(), Venue::now)
    }
}

/// The computer's clock: for accounts that live in real time.
#[derive(Debug)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where the present comes in")]
    fn now(&self) -> Timestamp {
        std::time::SystemTime::now().into()
    }
}

/// The clock for journaling an operator's word without reaching the broker: a replay stands where
/// its last record does, since the computer's clock would put years between two of its records.
///
/// # Errors
/// As [`atlas_exec::peek()`].
pub(crate) fn journal_clock(job: &Job, folder: &AccountFolder) -> Result<Arc<dyn Clock>> {
    let last = if job.is_replay() { peek(folder)?.and_then(|state| state.last()) } else { None };
    Ok(match last {
        Some(last) => Arc::new(StandingClock(last)),
        None => Arc::new(SystemClock),
    })
}

/// A clock that stands still.
#[derive(Debug)]
struct StandingClock(Timestamp);

impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// The computer's clock, set to what a venue's said when it was reached.
#[derive(Debug)]
struct ShiftedClock {
    ahead: chrono::TimeDelta,
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        SystemClock.now() + self.ahead
    }
}

/// Waits by moving the venue's clock on, at most to the close of the session it stands in.
struct VenueTimer(Venue);

#[async_trait]
impl Timer for VenueTimer {
    async fn sleep(&self, duration: Duration) {
        let now = self.0.now();
        let close = Calendar::nyse().session_at(now).ok().flatten().map(|session| session.close);
        let target = now + duration;
        let target = close.map_or(target, |close| target.min(close));
        if let Err(error) = self.0.advance_to(target) {
            // The venue has stopped; the next call to the broker says so to whoever waits.
            tracing::error!(%error, "the embedded venue could not wait");
        }
    }
}

/// Where and how the embedded venue is opened.
#[derive(Debug)]
pub(crate) struct Opening<'a> {
    /// Where it is kept.
    pub(crate) dir: &'a Path,
    /// Its settings.
    pub(crate) config: &'a VenueConfig,
    /// Where its clock stands if the account is new.
    pub(crate) start: Timestamp,
    /// Whether the journal knows the account, which then must be there.
    pub(crate) known: bool,
}

/// Opens the embedded venue and a client on its server.
///
/// # Errors
/// [`Exit::State`] if its file cannot be used.
pub(crate) async fn open_venue(
    opening: Opening<'_>,
    listings: Vec<Listing>,
    clock: Arc<VenueClock>,
    timeout: Duration,
) -> Result<Desk> {
    let Opening { dir, config, start, known } = opening;
    let settings = atlas_venue::VenueConfig {
        cash: config.cash,
        seed: config.seed,
        costs: CostModel {
            slippage: Slippage::Fixed(config.slippage_bps),
            ..CostModel::realistic()
        },
        ..atlas_venue::VenueConfig::realistic(start)
    };
    let venue = if known {
        Venue::reopen(dir, settings, listings)
    } else {
        Venue::open(Some(dir), settings, listings)
    };
    let venue = venue
        .with_context(|| format!("the embedded venue in {} cannot be opened", dir.display()))?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = server::serve(venue.clone(), listen, ServeOptions::default()).await?;
    let credentials =
        Credentials::<Paper>::new(server.key_id.clone(), server.secret.expose().to_owned())?;
    let options = Options { timeout, ..Options::default() };
    let broker = Session::connect(&Endpoint::loopback(server.addr), &credentials, &options)?;
    // Set once: the clock is made for this venue alone.
    drop(clock.0.set(venue.clone()));
    let line = Line::Paper(Box::new(broker));
    Ok(Desk { line, clock, venue: Some(EmbeddedVenue { venue, server }) })
}

/// Connects to a paper account and asks it whether it is there, before anything else is done: one
/// that does not answer changes nothing.
///
/// # Errors
/// [`Exit::Broker`] if it does not answer, [`Exit::Config`] for its address, credentials or clock.
pub(crate) async fn reach_paper(config: &AlpacaConfig, timeout: Duration) -> Result<Desk> {
    if config.clock == ClockWord::Broker && !is_loopback(&trading_url(config)) {
        return Err(Failure::error(
            Exit::Config,
            "clock = \"broker\" is for venues on loopback: leave it out for an account elsewhere",
        ));
    }
    let desk = open_paper(config, timeout)?;
    desk.broker().account().await?;
    match config.clock {
        ClockWord::Computer => Ok(desk),
        ClockWord::Broker => {
            let ahead = desk.broker().clock().await?.timestamp - SystemClock.now();
            Ok(Desk { clock: Arc::new(ShiftedClock { ahead }), ..desk })
        }
    }
}

/// Connects to an account to watch or to stop it: a live one without evidence, since what cancels
/// and sells must never need any.
///
/// # Errors
/// [`Exit::Config`] for its address or credentials; as [`live::wind_down`](crate::live::wind_down).
pub(crate) async fn open_to_stop(job: &Job, config: &AlpacaConfig) -> Result<Desk> {
    match config.mode {
        TradingMode::Paper => open_paper(config, job.timeout()),
        TradingMode::Live => crate::live::wind_down(job, config).await,
    }
}

/// Connects to a paper account, with credentials from the environment.
pub(crate) fn open_paper(config: &AlpacaConfig, timeout: Duration) -> Result<Desk> {
    let options = Options {
        timeout,
        feed: config.feed.map(Into::into),
        requests_per_minute: config.requests_per_minute,
    };
    let line = Line::Paper(Box::new(connect(config, &options)?));
    Ok(Desk { line, clock: Arc::new(SystemClock), venue: None })
}

/// A client of a paper account; nothing is sent yet.
///
/// # Errors
/// [`Exit::Config`] for its address or its keys.
pub(crate) fn connect(config: &AlpacaConfig, options: &Options) -> Result<Session<Paper>> {
    let keys = [&config.key_id_env, &config.secret_key_env].map(|name| {
        environment(name).ok_or_else(|| {
            Failure::error(
                Exit::Config,
                format!("environment variable {name} is not set: put the account's key there"),
            )
        })
    });
    let [key_id, secret_key] = keys;
    let credentials = Credentials::<Paper>::new(key_id?, secret_key?)?;
    let trading = trading_url(config);
    // A venue on this machine serves its data where it trades.
    let data = config.data_url.clone().unwrap_or_else(|| {
        if is_loopback(&trading) { trading.clone() } else { Endpoint::paper().data }
    });
    Ok(Session::connect(&Endpoint { trading, data }, &credentials, options)?)
}

/// Where an account trades: as configured, as the environment says, or Alpaca's paper host.
fn trading_url(config: &AlpacaConfig) -> String {
    let named = config.trading_url.clone();
    let named = named.or_else(|| environment(config.address_env()?));
    named.unwrap_or_else(|| Endpoint::paper().trading)
}

/// Whether an address looks like one of this machine; the session judges what may be connected to.
fn is_loopback(address: &str) -> bool {
    ["http://127.", "http://[::1]", "http://localhost"]
        .iter()
        .any(|start| address.starts_with(start))
}

#[expect(
    clippy::disallowed_methods,
    reason = "credentials and the word for live come from the environment, here alone"
)]
pub(crate) fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
