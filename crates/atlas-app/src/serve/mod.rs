//! `atlas venue serve`: the venue as a server of its own, for any Alpaca client.

mod assets;
mod behaviour;
mod goods;
mod keys;
mod limits;
mod made;
mod source;
pub(crate) mod stop;

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{AccountName, Clock, Usd};
use atlas_venue::server::{self, Pace, ServeOptions, ServerHandle};
use atlas_venue::{Credentials, Secret, Venue, VenueConfig};
use chrono::{NaiveDate, TimeDelta};
use clap::{Args, Subcommand, ValueEnum};
use rust_decimal::Decimal;
use serde::Serialize;

use crate::accounts::SystemClock;
use crate::cli::Common;
use crate::config::Config;
use crate::exit::{Exit, Failure};
use assets::Assets;
use behaviour::{Behaviour, Told};
use goods::Goods;
use keys::Keys;
use limits::{Limits, ToldLimits};
use made::Made;
use source::Source;
pub(crate) use stop::Stop;

/// What to do with the venue.
#[derive(Debug, Subcommand)]
pub(crate) enum VenueCommand {
    /// Serve the venue to Alpaca clients until it is told to stop; prints one line of JSON with
    /// addresses and keys as soon as it answers. Needs no option.
    Serve(Serve),
}

/// How to serve the venue.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
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
    /// Seconds of the venue for each real one, with `--clock run`, 1 unless told; 0 is the same as
    /// `stepped`.
    #[arg(long, value_name = "FACTOR")]
    speed: Option<Decimal>,
    /// Market data: `sample` (bundled), or the path of a folder or file of CSV.
    #[arg(long, value_name = "sample|PATH")]
    data: Option<String>,
    /// Begin inside this session, half an hour after its opening.
    #[arg(long, value_name = "YYYY-MM-DD")]
    as_of: Option<NaiveDate>,
    #[arg(long, hide = true)]
    account: Option<AccountName>,
    #[arg(long, hide = true)]
    json: bool,
    #[command(flatten)]
    behaviour: Behaviour,
    /// Seed of everything that is drawn; the same seed gives the same answers.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// A named universe, symbols separated by commas, or a file with one symbol a line.
    #[arg(long, value_name = "NAME|SYMBOLS|FILE")]
    universe: Option<String>,
    /// Stocks the data do not have, made as crypto pairs are, each with the price it begins at; beside
    /// the bundled sample SPY, AMZN, QQQ and TSLA unless told or a universe is named.
    #[arg(long, value_name = "SYMBOL:PRICE,...|off")]
    made: Option<Made>,
    /// Number of accounts, each with its own keys and books.
    #[arg(long, default_value_t = 1, value_name = "N",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    accounts: u16,
    #[command(flatten)]
    limits: Limits,
    #[command(flatten)]
    assets: Assets,
}

impl Serve {
    /// Refuses what every other command takes and this one has no use for.
    fn refuse_what_means_nothing(&self) -> Result<()> {
        let refused = |text: &str| Err(Failure::error(Exit::Usage, text));
        if self.account.is_some() {
            return refused("--account means nothing here: --accounts says how many there are");
        }
        if self.json {
            return refused("--json means nothing here: the line it prints is JSON already");
        }
        if self.speed.is_some() && self.clock != ClockMode::Run {
            return refused("--speed means nothing here: it is for --clock run");
        }
        if self.data.as_deref() == Some("alpaca") {
            return refused("--data is sample or a path here: the venue serves no downloads");
        }
        Ok(())
    }

    /// Refuses an address nothing can be served at before an account is opened for it.
    fn check_listen(&self) -> Result<()> {
        let addr = self.listen;
        if !addr.ip().is_loopback() && !self.allow_remote {
            return Err(atlas_venue::Error::NotLoopback { addr }.into());
        }
        match std::net::TcpListener::bind(addr) {
            Ok(_) => Ok(()),
            Err(error) => {
                Err(atlas_venue::Error::Listen { addr, problem: error.to_string() }.into())
            }
        }
    }

    /// Requests permitted in a minute, if there is a limit.
    fn rate_limit(&self) -> Option<u32> {
        self.limits.requests(self.behaviour.imitates_alpaca())
    }
}

/// How the clock moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ClockMode {
    Run,
    Stepped,
    Wall,
}

/// Serves until a signal says to stop.
///
/// # Errors
/// [`Exit::Data`], [`Exit::State`], [`Exit::Config`] or [`Exit::Broker`] for what keeps it from
/// starting.
pub(crate) async fn serve(common: Common, flags: Serve) -> Result<()> {
    let config = Config::load(common.config.as_deref())?;
    flags.refuse_what_means_nothing()?;
    flags.check_listen()?;
    let data = flags.data.clone().or(config.data).unwrap_or_else(|| "sample".to_owned());
    let dir = common.state_dir.or(config.state_dir).map(|dir| dir.join("serve"));
    let made = flags.made.clone();
    let made = made.unwrap_or_else(|| Made::usual(data == "sample" && flags.universe.is_none()));
    let source = Source::of(&data, flags.universe.as_deref(), &made, flags.seed);
    let mut goods = Goods::load(&data, flags.universe.as_deref(), &made, flags.seed)?;
    if let Some(dir) = &dir {
        source.check(dir)?;
    }
    let halted = flags.assets.tell(&mut goods.listings)?;
    let as_of = match (flags.as_of, flags.clock) {
        (Some(as_of), _) => as_of,
        // The newest session is the one to show as now.
        (None, ClockMode::Wall) => goods.last,
        (None, ClockMode::Run | ClockMode::Stepped) => goods.as_of,
    };
    // Half an hour into the session its prices have begun to move.
    let start = Calendar::nyse().session(as_of)?.open + TimeDelta::minutes(30);
    goods.check(as_of, &data)?;
    let mut accounts = Vec::new();
    for number in 0..flags.accounts {
        let dir = dir.as_ref().map(|dir| match number {
            0 => dir.clone(),
            more => dir.join(format!("account-{}", more + 1)),
        });
        let settings = settings(&flags, start, number);
        let venue = Venue::open(dir.as_deref(), settings, goods.listings.clone())
            .context("the venue cannot be opened")?;
        for symbol in &halted {
            let halt = venue.halt(symbol, true);
            halt.map_err(|refusal| Failure::error(Exit::State, refusal.message()))?;
        }
        accounts.push((venue, Keys::take(dir.as_deref())?));
    }
    if let Some(dir) = &dir {
        source.keep(dir)?;
    }
    let mut stop = Stop::listen()?;
    let server = start_server(&flags, &accounts).await?;
    announce(&server, &accounts, &flags, Data::of(&data, &goods))?;
    stop.wait().await;
    server.stop().await;
    Ok(())
}

async fn start_server(flags: &Serve, accounts: &[(Venue, Keys)]) -> Result<ServerHandle> {
    let Some(((first, keys), others)) = accounts.split_first() else {
        return Err(Failure::error(Exit::Internal, "a server needs an account"));
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let options = ServeOptions {
        credentials: Some(keys.credentials()),
        allow_remote: flags.allow_remote,
        rate_limit: flags.rate_limit().map(|limit| (limit, Arc::clone(&clock))),
        stream_limits: flags.limits.streams(),
        admin_token: Some(Secret::new(&keys.admin_token)),
        pace: pace(flags, clock)?,
    };
    let others = others.iter().map(|(venue, keys)| (venue.clone(), keys.credentials())).collect();
    Ok(server::serve_all(first.clone(), others, flags.listen, options).await?)
}

/// The settings of an account; each draws from a seed of its own.
fn settings(flags: &Serve, start: Timestamp, number: u16) -> VenueConfig {
    VenueConfig {
        cash: flags.cash,
        seed: flags.seed.wrapping_add(u64::from(number) << 32),
        ..flags.behaviour.settings(start)
    }
}

/// Refuses a negative amount of cash before anything is opened.
fn cash(text: &str) -> Result<Usd, String> {
    let cash: Usd = text.parse().map_err(|error: atlas_core::Error| error.to_string())?;
    if cash.is_negative() { Err("give zero or more".to_owned()) } else { Ok(cash) }
}

fn pace(flags: &Serve, clock: Arc<dyn Clock>) -> Result<Pace> {
    let speed = flags.speed.unwrap_or(Decimal::ONE);
    if speed.is_sign_negative() || speed > Decimal::from(MAX_SPEED) {
        return Err(Failure::error(
            Exit::Usage,
            format!("--speed is {speed}: give a factor from 0 to {MAX_SPEED}"),
        ));
    }
    Ok(match flags.clock {
        // It can be told to run later.
        ClockMode::Stepped => Pace::Rate { speed: Decimal::ZERO, clock },
        ClockMode::Run => Pace::Rate { speed, clock },
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
    /// All accounts, the one above first.
    accounts: Vec<Entry>,
    now: Timestamp,
    data: Data<'a>,
    /// How the venue behaves.
    settings: Told,
    /// What is limited, and to what; null where nothing is.
    limits: ToldLimits,
}

/// What is traded.
#[derive(Serialize)]
struct Data<'a> {
    name: &'a str,
    /// The first and the last session there are prices of.
    first: NaiveDate,
    last: NaiveDate,
    /// Which bars within days there are, and what is made.
    notes: &'a [String],
}

impl<'a> Data<'a> {
    fn of(name: &'a str, goods: &'a Goods) -> Self {
        Self { name, first: goods.first, last: goods.last, notes: &goods.notes }
    }
}

/// One account in that line.
#[derive(Serialize)]
struct Entry {
    account_number: String,
    key_id: String,
    secret_key: String,
}

fn announce(
    server: &ServerHandle,
    accounts: &[(Venue, Keys)],
    flags: &Serve,
    data: Data<'_>,
) -> Result<()> {
    let (http, ws) = (server.url(), format!("ws://{}", server.addr));
    let entry = |(venue, keys): &(Venue, Keys)| {
        let Credentials { key_id, secret } = keys.credentials();
        let secret_key = secret.expose().to_owned();
        Entry { account_number: venue.account_number(), key_id, secret_key }
    };
    let first = accounts.first().map(|(venue, _)| (venue.account_number(), venue.now()));
    let (account_number, now) = first.unwrap_or_default();
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
        account_number,
        accounts: accounts.iter().map(entry).collect(),
        now,
        data,
        settings: flags.behaviour.told(&settings(flags, now, 0)),
        limits: flags.limits.told(flags.rate_limit()),
    })?;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|error| {
        Failure::error(Exit::Internal, format!("standard output cannot be written: {error}"))
    })
}

/// Highest factor for `--speed`: a session in less than a second.
const MAX_SPEED: u32 = 100_000;
