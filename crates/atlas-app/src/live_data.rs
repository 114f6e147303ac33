//! Live market data: opened, brought up to date, and seen like any other source.

use std::io::{IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use atlas_broker::alpaca::{Options, Paper, Session};
use atlas_broker::history::{self, Downloaded, History, Progress, Publication, Publisher};
use atlas_core::Symbol;
use atlas_data::Universe;

use crate::accounts;
use crate::config::{AccountConfig, AlpacaConfig};
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// Alpaca's market data and the publishers' series, with the folder they are kept in.
#[derive(Debug)]
pub(crate) struct LiveData {
    session: Session<Paper>,
    publisher: Publisher,
    history: History,
}

impl LiveData {
    /// Sets up what `--data alpaca` means for a job; nothing is asked for yet.
    ///
    /// # Errors
    /// [`Exit::Usage`] without a universe, [`Exit::Config`] for the settings or the keys.
    pub(crate) fn open(job: &Job, universe: Option<&str>) -> Result<(Self, Universe)> {
        let Some(spec) = universe else {
            return Err(Failure::error(
                Exit::Usage,
                "--data alpaca needs to know the symbols: name them with --universe, or as \
                 rebalance.universe in the configuration",
            ));
        };
        let universe = Universe::spelled_out(spec)?;
        let settings = &job.config.live_data;
        let wrong = |problem: String| Failure::error(Exit::Config, problem);
        let account = match &settings.account {
            Some(name) => job.config.account(name)?,
            None => job.place.clone(),
        };
        let keys = match account {
            AccountConfig::Alpaca(account) => account,
            AccountConfig::Venue(_) => AlpacaConfig::default(),
        };
        let feed = settings.feed.into();
        let options = Options {
            timeout: job.timeout(),
            feed: Some(feed),
            requests_per_minute: keys.requests_per_minute,
        };
        let history = History {
            folder: folder(job, &format!("alpaca-{}-{}", feed.as_str(), settings.first)),
            symbols: universe.symbols().to_vec(),
            index: settings.index().map_err(wrong)?,
            vix: absolute(settings.vix().map_err(wrong)?),
            rate: absolute(settings.rate().map_err(wrong)?),
            first: settings.first,
            through: Job::last_closed()?,
        };
        let publisher = Publisher::new(Duration::from_secs(settings.publisher_timeout_s.into()));
        Ok((Self { session: accounts::connect(&keys, &options)?, publisher, history }, universe))
    }

    /// Brings the folder up to date, with these symbols besides those it is about.
    ///
    /// # Errors
    /// [`Exit::Data`] or [`Exit::Broker`] with the sentence of `atlas-broker`.
    pub(crate) async fn download(&mut self, more: &[Symbol]) -> Result<Downloaded> {
        self.history.symbols.extend_from_slice(more);
        self.history.symbols.sort_unstable();
        self.history.symbols.dedup();
        let shown = std::io::stderr().is_terminal();
        let tell = |progress: &Progress| {
            let Progress { done, total } = progress;
            tracing::info!(done, total, "market data");
            if shown {
                let end = if done == total { '\n' } else { '\r' };
                // A terminal that is gone need not be told.
                drop(write!(std::io::stderr(), "market data: {done} of {total} series{end}"));
            }
        };
        Ok(history::download(&self.session, &self.publisher, &self.history, &tell).await?)
    }
}

/// Where downloads are kept: beside the accounts, since they are of no account.
fn folder(job: &Job, name: &str) -> PathBuf {
    job.state_dir.join("data").join(name)
}

/// A file as it is meant wherever the program is run from.
fn absolute(publication: Publication) -> Publication {
    match publication {
        Publication::File(path) => Publication::File(std::path::absolute(&path).unwrap_or(path)),
        other @ (Publication::Address(_) | Publication::StandIn(_) | Publication::None) => other,
    }
}
