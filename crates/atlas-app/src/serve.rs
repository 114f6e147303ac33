//! `atlas venue serve`: the venue as a server of its own, for any Alpaca client.

use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Clock, Usd};
use atlas_venue::server::{self, Pace, ServeOptions, ServerHandle};
use atlas_venue::{Credentials, Secret, Venue, VenueConfig};
use chrono::TimeDelta;
use clap::{Args, Subcommand, ValueEnum};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::accounts::SystemClock;
use crate::cli::Common;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use crate::market::Market;

/// What to do with the venue.
#[derive(Debug, Subcommand)]
pub(crate) enum VenueCommand {
    /// Serve the venue to Alpaca clients until it is told to stop; prints one line of JSON with
    /// addresses and keys as soon as it answers. Needs no option.
    Serve(Serve),
}

/// How to serve the venue.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR:PORT")]
    listen: SocketAddr,
    /// Listen beyond this machine too. Whoever reaches the port and has the keys can trade.
    #[arg(long)]
    allow_remote: bool,
    /// Cash a new account starts with, in USD.
    #[arg(long, default_value = "100000", value_name = "USD", value_parser = cash)]
    cash: Usd,
    /// How the clock moves: at a rate (`run`), as told at /atlas/v1/clock (`stepped`), or as if the
    /// as-of session were now (`wall`).
    #[arg(long, value_enum, default_value_t = ClockMode::Run)]
    clock: ClockMode,
    /// Seconds of the venue for each real one, with `--clock run`; 0 is the same as `stepped`.
    #[arg(long, default_value = "1", value_name = "FACTOR")]
    speed: Decimal,
    /// How the venue behaves: like Alpaca's paper service, or with costs and limits by volume.
    #[arg(long, value_enum, default_value_t = Profile::AlpacaPaper)]
    profile: Profile,
    /// Seed of everything that is drawn; the same seed gives the same answers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A named universe, symbols separated by commas, or a file with one symbol a line.
    #[arg(long, value_name = "NAME|SYMBOLS|FILE")]
    universe: Option<String>,
    /// Requests permitted in a minute, for each account; 0 sets no limit.
    #[arg(long, default_value_t = 0, value_name = "N")]
    rate_limit: u32,
}

/// How the clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockMode {
    Run,
    Stepped,
    Wall,
}

/// How the venue behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Profile {
    AlpacaPaper,
    Realistic,
}

/// Serves until a signal says to stop.
///
/// # Errors
/// [`Exit::Data`], [`Exit::State`], [`Exit::Config`] or [`Exit::Broker`] for what keeps it from
/// starting.
pub(crate) async fn serve(common: Common, flags: Serve) -> Result<()> {
    let config = Config::load(common.config.as_deref())?;
    let data = common.data.or(config.data).unwrap_or_else(|| "sample".to_owned());
    let market = Market::load(&data, flags.universe.as_deref())?;
    let as_of = common.as_of.map_or_else(|| market.default_as_of(), Ok)?;
    // Half an hour into the session its prices have begun to move.
    let start = Calendar::nyse().session(as_of)?.open + TimeDelta::minutes(30);
    let dir = common.state_dir.or(config.state_dir).map(|dir| dir.join("serve"));
    let venue = Venue::open(dir.as_deref(), settings(&flags, start), market.listings()?)
        .context("the venue cannot be opened")?;
    let keys = Keys::take(dir.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = ServeOptions {
        credentials: Some(keys.credentials()),
        allow_remote: flags.allow_remote,
        rate_limit: (flags.rate_limit > 0).then(|| (flags.rate_limit, Arc::clone(&clock))),
        admin_token: Some(Secret::new(&keys.admin_token)),
        pace: pace(&flags, clock)?,
    };
    let mut stop = Stop::listen()?;
    let server = server::serve(venue.clone(), flags.listen, options).await?;
    announce(&server, &venue)?;
    stop.wait().await;
    server.stop().await;
    Ok(())
}

fn settings(flags: &Serve, start: Timestamp) -> VenueConfig {
    let base = match flags.profile {
        Profile::AlpacaPaper => VenueConfig::alpaca_paper(start),
        Profile::Realistic => VenueConfig::realistic(start),
    };
    VenueConfig { cash: flags.cash, seed: flags.seed, ..base }
}

/// Refuses a negative amount of cash before anything is opened.
fn cash(text: &str) -> Result<Usd, String> {
    let cash: Usd = text.parse().map_err(|error: atlas_core::Error| error.to_string())?;
    if cash.is_negative() { Err("give zero or more".to_owned()) } else { Ok(cash) }
}

fn pace(flags: &Serve, clock: Arc<dyn Clock>) -> Result<Pace> {
    if flags.speed.is_sign_negative() || flags.speed > Decimal::from(MAX_SPEED) {
        return Err(Failure::error(
            Exit::Usage,
            format!("--speed is {}: give a factor from 0 to {MAX_SPEED}", flags.speed),
        ));
    }
    Ok(match flags.clock {
        // It can be told to run later.
        ClockMode::Stepped => Pace::Rate { speed: Decimal::ZERO, clock },
        ClockMode::Run => Pace::Rate { speed: flags.speed, clock },
        ClockMode::Wall => Pace::Wall { clock },
    })
}

/// The line that says where it is and how to get in.
#[derive(Serialize)]
struct Ready<'a> {
    trading_url: String,
    data_url: String,
    stream_url: String,
    data_stream_url: String,
    crypto_stream_url: String,
    key_id: &'a str,
    secret_key: &'a str,
    admin_url: String,
    admin_token: &'a str,
    account_number: String,
    now: Timestamp,
}

fn announce(server: &ServerHandle, venue: &Venue) -> Result<()> {
    let (http, ws) = (server.url(), format!("ws://{}", server.addr));
    let line = serde_json::to_string(&Ready {
        trading_url: http.clone(),
        data_url: http.clone(),
        stream_url: format!("{ws}/stream"),
        data_stream_url: format!("{ws}/v2/iex"),
        crypto_stream_url: format!("{ws}/v1beta3/crypto/us"),
        key_id: &server.key_id,
        secret_key: server.secret.expose(),
        admin_url: format!("{http}/atlas/v1"),
        admin_token: server.admin_token.expose(),
        account_number: venue.account_number(),
        now: venue.now(),
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| {
        Failure::error(Exit::Internal, format!("standard output cannot be written: {error}"))
    })
}

/// What clients and administrators show to get in: drawn once, kept beside the books.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    key_id: String,
    secret_key: String,
    admin_token: String,
}

impl Keys {
    /// The keys kept in `dir`, or fresh ones, which are kept there; without a directory they are
    /// good for this run alone.
    fn take(dir: Option<&Path>) -> Result<Self> {
        let Some(path) = dir.map(|dir| dir.join("keys.json")) else { return Self::draw() };
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| {
                let why = format!("{} cannot be read ({error}): remove it", path.display());
                Failure::error(Exit::State, format!("{why}, and new keys are drawn"))
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                let keys = Self::draw()?;
                keys.keep(&path)?;
                Ok(keys)
            }
            Err(error) => Err(unusable(&path, &error)),
        }
    }

    fn draw() -> Result<Self> {
        let key_id = format!("PK{}", &random_hex()?[..18]).to_ascii_uppercase();
        let secret_key = random_hex()?[..40].to_owned();
        Ok(Self { key_id, secret_key, admin_token: random_hex()?[..40].to_owned() })
    }

    /// Writes the file for the eyes of its owner alone, whole or not at all.
    fn keep(&self, path: &PathBuf) -> Result<()> {
        let dir = path.parent().unwrap_or_else(|| Path::new("."));
        let write = || -> std::io::Result<()> {
            // A temporary file is readable by its owner alone.
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(&serde_json::to_vec(self)?)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|error| unusable(path, &error))
    }

    fn credentials(&self) -> Credentials {
        Credentials { key_id: self.key_id.clone(), secret: Secret::new(&self.secret_key) }
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> anyhow::Error {
    Failure::error(
        Exit::State,
        format!("{} cannot be used ({error}): check permissions and the disk", path.display()),
    )
}

/// 256 bits of the system's randomness, as 64 hexadecimal digits.
fn random_hex() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::error(Exit::Internal, format!("the system gives no random numbers: {error}"))
    })?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// The signals that end the server.
struct Stop {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    /// From now on the signals are heard, not obeyed by the system.
    fn listen() -> Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        let terminated = self.terminate.recv();
        #[cfg(not(unix))]
        let terminated = std::future::pending::<Option<()>>();
        tokio::select! {
            _ = terminated => {}
            heard = tokio::signal::ctrl_c() => drop(heard),
        }
    }
}

/// Highest factor for `--speed`: a session in less than a second.
const MAX_SPEED: u32 = 100_000;
