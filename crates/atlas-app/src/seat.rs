//! An account taken hold of: market loaded, lock held, journal read, broker connected.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use atlas_broker::Broker;
use atlas_core::Clock;
use atlas_core::calendar::{Calendar, Session as Trading};
use atlas_core::time::Mode;
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::{Session, TradingState, copy_state};
use chrono::NaiveDate;
use tempfile::TempDir;

use crate::accounts::{self, Desk, Opening, VenueClock};
use crate::config::{AccountConfig, VenueConfig};
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::Market;

/// An account's journal held exclusively, before the market it is about is known.
pub(crate) struct Hold {
    session: Session,
    broker: Reached,
    clock: Arc<VenueClock>,
    copy: Option<TempDir>,
}

/// A broker that has answered, or will be opened in this process.
pub(crate) enum Reached {
    /// The embedded venue, with its settings.
    Embedded(VenueConfig),
    /// A paper account that has answered.
    Paper(Box<Desk>),
}

impl Reached {
    /// Asks the broker of a paper account for the account before anything else is done: one that
    /// does not answer changes nothing.
    ///
    /// # Errors
    /// [`Exit::Broker`] if it does not answer, [`Exit::Config`] for its address or credentials.
    pub(crate) async fn reach(job: &Job) -> Result<Self> {
        Ok(match &job.place {
            AccountConfig::Venue(config) => Self::Embedded(config.clone()),
            AccountConfig::Alpaca(config) => {
                let desk = accounts::open_paper(config, job.timeout())?;
                desk.broker.account().await?;
                Self::Paper(Box::new(desk))
            }
        })
    }
}

/// Which state directory is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The account's own.
    Real,
    /// A copy that is thrown away.
    Copy,
}

impl Hold {
    /// Takes the account's lock and reads its journal.
    ///
    /// # Errors
    /// [`Exit::State`] if the state directory cannot be used.
    pub(crate) fn take(job: &Job, ground: Ground, broker: Reached) -> Result<Self> {
        let copy = match ground {
            Ground::Real => None,
            Ground::Copy => Some(copy_of(&job.state_dir)?),
        };
        let state_dir = copy.as_ref().map_or(job.state_dir.as_path(), TempDir::path);
        let clock = Arc::new(VenueClock::default());
        let for_session: Arc<dyn Clock> = Arc::<VenueClock>::clone(&clock);
        let session = Session::open(state_dir, &job.account, for_session)?;
        Ok(Self { session, broker, clock, copy })
    }

    /// What the journal amounts to.
    pub(crate) const fn session(&self) -> &Session {
        &self.session
    }

    /// Puts market and broker to the journal: in a replay with the venue's clock at the close of
    /// `as_of`, or wherever it stands already.
    ///
    /// # Errors
    /// [`Exit::State`] if the venue's file cannot be used, [`Exit::Data`] if what is held has no
    /// prices.
    pub(crate) async fn sit(
        self,
        job: &mut Job,
        mut market: Market,
        as_of: NaiveDate,
    ) -> Result<Seat> {
        let nyse = Calendar::nyse();
        let (as_of, execute_on) = (nyse.session(as_of)?, nyse.next_session(as_of)?);
        market.include(self.session.state().books().all_owned().into_keys())?;
        let desk = match self.broker {
            Reached::Paper(desk) => *desk,
            Reached::Embedded(config) => {
                let state_dir = self.copy.as_ref().map_or(job.state_dir.as_path(), TempDir::path);
                let dir = state_dir.join("venue").join(job.account.as_str());
                let known = self.session.state().account().is_some();
                let opening = Opening { dir: &dir, config: &config, start: as_of.close, known };
                let listings = market.listings()?;
                accounts::open_venue(opening, listings, self.clock, job.timeout()).await?
            }
        };
        job.stopwatch.lap("account");
        Ok(Seat { market, session: self.session, desk, as_of, execute_on, _copy: self.copy })
    }
}

/// An account taken hold of.
pub(crate) struct Seat {
    /// The market data.
    pub(crate) market: Market,
    /// The journal and what it amounts to.
    pub(crate) session: Session,
    /// The broker and its clock.
    pub(crate) desk: Desk,
    /// The session that is decided on, or was.
    pub(crate) as_of: Trading,
    /// The session after it.
    pub(crate) execute_on: Trading,
    /// Held so that a dry run's copy lives as long as it is worked on.
    _copy: Option<TempDir>,
}

impl Seat {
    /// Compares journal and broker; a mismatch or a state that holds everything back ends here.
    ///
    /// # Errors
    /// [`Exit::Paused`] with what differs or what holds trading back.
    pub(crate) async fn reconcile(&mut self, job: &Job) -> Result<Reconciliation> {
        let found = self.compare(job).await?;
        if !found.is_clean() {
            let sentences: Vec<String> = found.mismatches().map(ToString::to_string).collect();
            return Err(Failure::error(
                Exit::Paused,
                format!(
                    "account {} is PAUSED, since its books and the broker differ ({}): find out why \
                     at the broker, put it right there, then `atlas resume`",
                    job.account,
                    sentences.join("; ")
                ),
            ));
        }
        let trading = self.session.state().trading();
        if trading.state() >= TradingState::Paused {
            return Err(Failure::error(
                Exit::Paused,
                format!(
                    "account {} is {} ({}): once that is resolved, `atlas resume` lets it trade again",
                    job.account,
                    trading.state(),
                    trading.describe()
                ),
            ));
        }
        Ok(found)
    }

    /// Compares journal and broker, whatever comes out.
    ///
    /// # Errors
    /// As [`Session::reconcile`].
    pub(crate) async fn compare(&mut self, job: &Job) -> Result<Reconciliation> {
        self.session
            .reconcile(&self.desk.broker, &job.reconciliation()?)
            .await
            .context("books and broker could not be compared")
    }

    /// Whether this is a replay at the embedded venue, or a paper account.
    pub(crate) const fn mode(&self) -> Mode {
        self.desk.mode()
    }
}

fn copy_of(state_dir: &Path) -> Result<TempDir> {
    let copy = TempDir::new().map_err(|error| {
        Failure::error(
            Exit::State,
            format!("a temporary folder cannot be made ({error}): free space"),
        )
    })?;
    copy_state(state_dir, copy.path())?;
    Ok(copy)
}
