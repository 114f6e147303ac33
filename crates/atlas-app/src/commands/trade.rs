//! `atlas trade`: strategies on streaming bars, until a signal says to stop.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use atlas_broker::market_data::{DataEvent, DataStream, Subscription};
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Clock as _, Regime, Symbol};
use atlas_engine::step::Severity;
use atlas_exec::event::OverrideRecorded;
use atlas_exec::trade::{
    FileStore, Ground, RegimeSource, Report, Settings, last_decision, trade as run,
};
use atlas_exec::{Session, Timer as _, TokioTimer};
use atlas_report::incident;
use atlas_strategy::Bundled;
use chrono::TimeDelta;
use clap::Args;

use crate::accounts::{self, Desk, SystemClock};
use crate::cli::Decide;
use crate::config::AccountConfig;
use crate::decision;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::Market;
use crate::serve::Stop;

/// How to trade.
#[derive(Debug, Args)]
pub(crate) struct Trade {
    /// Use this regime instead of the detected one; recorded as an override, refused in live mode.
    #[arg(long, value_name = "bull|neutral|bear|crash")]
    regime: Option<Regime>,
    /// Stop after so many seconds; without it, when a signal says so.
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u32>,
}

/// Decisions of continuous trading are numbered from here, out of the way of the main job's.
const FIRST_DECISION: u64 = 1_000_000_000;
/// How far the computer's clock may be from the broker's.
const CLOCKS_APART: TimeDelta = TimeDelta::seconds(30);

/// Trades until it is stopped.
pub(super) async fn trade(job: Job, flags: &Trade) -> Result<()> {
    let AccountConfig::Alpaca(place) = &job.place else {
        return Err(Failure::error(
            Exit::Refused,
            "the embedded venue's clock stands still between commands: trade against `atlas venue \
             serve` or a paper account instead",
        ));
    };
    // What is wrong with the configuration is told before anything is opened.
    job.config.trade.engine(&job.account, FIRST_DECISION)?;
    let mut stop = Stop::listen()?;
    let desk = accounts::open_paper(place, job.timeout())?;
    check_clock(&desk).await?;
    let clock: std::sync::Arc<dyn atlas_core::Clock> = std::sync::Arc::clone(&desk.clock);
    let mut session = Session::open(&job.state_dir, &job.account, clock)?;
    if let Some(regime) = flags.regime {
        session.record_override(None, overridden(regime))?;
    }
    let until = async {
        let Some(seconds) = flags.seconds else {
            stop.wait().await;
            return "a signal said so".to_owned();
        };
        tokio::select! {
            () = stop.wait() => "a signal said so".to_owned(),
            () = TokioTimer.sleep(Duration::from_secs(seconds.into())) => {
                format!("{seconds} s were over")
            }
        }
    };
    let report = go(&job, flags, &desk, &mut session, until).await?;
    write_incidents(&session, &report)?;
    let text = format!("Account {}: {}", job.account, report.says());
    tell(&job, &report, &text)?;
    if report.differences.is_empty() {
        return Ok(());
    }
    Err(Failure::error(Exit::Paused, format!("account {} is PAUSED", job.account)))
}

async fn go(
    job: &Job,
    flags: &Trade,
    desk: &Desk,
    session: &mut Session,
    until: impl Future<Output = String>,
) -> Result<Report> {
    let config = &job.config.trade;
    let Some(folder) = session.folder().cloned() else {
        return Err(Failure::error(Exit::Internal, "the account has no folder"));
    };
    let mut store = FileStore::of(&folder);
    let last = last_decision::<Bundled>(&mut store)?.unwrap_or_default();
    let engine = config.engine(&job.account, last.max(FIRST_DECISION))?;
    let settings = Settings {
        policy: job.reconciliation()?,
        silence: Duration::from_secs(config.silence_s.into()),
        at_stop: config.at_stop.into(),
        restricted: job.restricted(),
        ..Settings::standard(desk.mode())
    };
    let mut data = Streams::open(desk, config.symbols())?;
    desk.heed(session.fence());
    let ground = Ground {
        broker: desk.broker(),
        data: &mut data,
        history: desk.paper()?,
        regimes: &Detected { job, chosen: flags.regime },
        timer: &TokioTimer,
        store: &mut store,
        calendar: Calendar::nyse(),
        limits: &job.limits()?,
        settings: &settings,
    };
    Ok(run(session, engine, ground, until).await?)
}

fn overridden(regime: Regime) -> OverrideRecorded {
    OverrideRecorded {
        what: "regime".to_owned(),
        from: "the detector's".to_owned(),
        to: regime.to_string(),
        by: "command line".to_owned(),
        why: "--regime".to_owned(),
        config: None,
    }
}

/// Bars and timers are useless on a computer that is in another time than the broker.
async fn check_clock(desk: &Desk) -> Result<()> {
    let theirs = desk.broker().clock().await?.timestamp;
    let ours = SystemClock.now();
    if (ours - theirs).abs() <= CLOCKS_APART {
        return Ok(());
    }
    Err(Failure::error(
        Exit::Refused,
        format!("this computer's clock says {ours} and the broker's {theirs}: set it right first"),
    ))
}

/// Incidents go where those of every other run are.
fn write_incidents(session: &Session, report: &Report) -> Result<()> {
    let Some(folder) = session.folder() else { return Ok(()) };
    for found in &report.incidents {
        let severity = match found.severity {
            Severity::Notice => continue,
            Severity::Warning => incident::Severity::Warning,
            Severity::Critical => incident::Severity::Critical,
        };
        let action = "see the journal, around that time".to_owned();
        let cause = found.what.clone();
        let told = incident::Incident { at: found.at, severity, cause, action };
        incident::append(folder.root(), &told)?;
    }
    Ok(())
}

/// The streams of stocks and of crypto pairs as one.
struct Streams<'a> {
    stocks: Option<Box<dyn DataStream + 'a>>,
    crypto: Option<Box<dyn DataStream + 'a>>,
}

impl<'a> Streams<'a> {
    fn open(desk: &'a Desk, symbols: impl IntoIterator<Item = Symbol>) -> Result<Self> {
        let (crypto, stocks): (Vec<_>, Vec<_>) = symbols.into_iter().partition(Symbol::is_crypto);
        let open = |symbols: Vec<Symbol>| -> Result<Option<Box<dyn DataStream + 'a>>> {
            if symbols.is_empty() {
                return Ok(None);
            }
            let (quotes, bars) = (symbols.clone(), symbols);
            let wanted = Subscription { trades: Vec::new(), quotes, bars };
            Ok(Some(desk.paper()?.data_stream(wanted)?))
        };
        Ok(Self { stocks: open(stocks)?, crypto: open(crypto)? })
    }
}

#[async_trait]
impl DataStream for Streams<'_> {
    async fn next(&mut self) -> Result<DataEvent, atlas_broker::Error> {
        match (&mut self.stocks, &mut self.crypto) {
            (Some(stocks), Some(crypto)) => tokio::select! {
                event = stocks.next() => event,
                event = crypto.next() => event,
            },
            (Some(only), None) | (None, Some(only)) => only.next().await,
            (None, None) => std::future::pending().await,
        }
    }
}

/// The regime a person chose, or what the detector says of the last session that closed.
struct Detected<'a> {
    job: &'a Job,
    chosen: Option<Regime>,
}

#[async_trait(?Send)]
impl RegimeSource for Detected<'_> {
    async fn regime(&self, now: Timestamp) -> Result<Regime, String> {
        if let Some(regime) = self.chosen {
            return Ok(regime);
        }
        detect(self.job, now).await.map_err(|error| format!("{error:#}"))
    }
}

async fn detect(job: &Job, now: Timestamp) -> Result<Regime> {
    let as_of = Calendar::nyse().last_closed(now)?.date;
    let universe = job.config.rebalance.universe.as_deref();
    let market = Market::open(job, job.data(), universe).await?;
    let flags = Decide { dry_run: true, force: false, universe: None, top_n: None, regime: None };
    Ok(decision::detect(job, &market, &flags, as_of)?.said?.regime)
}
