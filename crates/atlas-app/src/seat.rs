//! An account taken hold of: market loaded, lock held, journal read, broker connected.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use atlas_broker::Broker;
use atlas_core::calendar::{Calendar, Session as Trading};
use atlas_core::time::Mode;
use atlas_core::Symbol;
use atlas_exec::reconcile::{self, FeeRule, Reconciliation};
use atlas_exec::session::Session;
use chrono::NaiveDate;
use tempfile::TempDir;

use crate::accounts::{self, Desk, ReplayClock, SystemClock};
use crate::config::AccountConfig;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::Market;

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

/// Which state directory is worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The account's own.
    Real,
    /// A copy that is thrown away.
    Copy,
}

impl Seat {
    /// Takes hold of the account: for a replay at the close of `as_of`, wherever the venue's clock
    /// may stand already.
    ///
    /// # Errors
    /// [`Exit::State`] if the state directory cannot be used, [`Exit::Broker`] if the broker
    /// cannot be reached, [`Exit::Data`] if what is held has no prices.
    pub(crate) async fn take(
        job: &mut Job,
        mut market: Market,
        as_of: NaiveDate,
        ground: Ground,
    ) -> Result<Self> {
        let nyse = Calendar::nyse();
        let (as_of, execute_on) = (nyse.session(as_of)?, nyse.next_session(as_of)?);
        let copy = match ground {
            Ground::Real => None,
            Ground::Copy => Some(copy_of(&job.state_dir)?),
        };
        let state_dir = copy.as_ref().map_or(job.state_dir.as_path(), TempDir::path);
        let (session, desk) = match job.place.clone() {
            AccountConfig::Venue(config) => {
                let clock = ReplayClock::new(as_of.close);
                let session = Session::open(state_dir, &job.account, Arc::clone(&clock) as _)?;
                market.include(owned(&session))?;
                let dir = state_dir.join("venue").join(job.account.as_str());
                let listings = market.listings()?;
                let desk =
                    accounts::open_venue(&dir, &config, listings, clock, job.timeout()).await?;
                (session, desk)
            }
            AccountConfig::Alpaca(config) => {
                let desk = accounts::open_paper(&config, job.timeout())?;
                // Asked before anything is written: a broker that does not answer changes nothing.
                desk.broker.account().await?;
                let session = Session::open(state_dir, &job.account, Arc::new(SystemClock))?;
                market.include(owned(&session))?;
                (session, desk)
            }
        };
        job.stopwatch.lap("account");
        Ok(Self { market, session, desk, as_of, execute_on, _copy: copy })
    }

    /// Compares journal and broker; a mismatch or a state that holds everything back ends here.
    ///
    /// # Errors
    /// [`Exit::Paused`] with what differs or what holds trading back.
    pub(crate) async fn reconcile(&mut self, job: &Job) -> Result<Reconciliation> {
        let found = self.compare(job).await?;
        if !found.is_clean() {
            let sentences: Vec<String> = found.mismatches().map(ToString::to_string).collect();
            return Err(Failure::new(
                Exit::Paused,
                format!(
                    "account {} is PAUSED, since its books and the broker differ: {}",
                    job.account,
                    sentences.join("; ")
                ),
            ));
        }
        let trading = self.session.state().trading();
        if trading.state() >= atlas_exec::states::TradingState::Paused {
            return Err(Failure::new(
                Exit::Paused,
                format!(
                    "account {} is {} ({}): nothing is planned or sent until that is resolved",
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
        let unmanaged = match job.config.rebalance.unmanaged {
            atlas_engine::Unmanaged::Refuse => reconcile::Unmanaged::Refuse,
            atlas_engine::Unmanaged::Ignore => reconcile::Unmanaged::Ignore,
        };
        let policy = reconcile::Policy { unmanaged, fees: FeeRule::us_stocks()? };
        self.session
            .reconcile(&self.desk.broker, &policy)
            .await
            .context("books and broker could not be compared")
    }

    /// Whether this is a replay at the embedded venue, or a paper account.
    pub(crate) const fn mode(&self) -> Mode {
        self.desk.mode()
    }

    /// Symbols Atlas owns by its journal.
    pub(crate) fn owned(&self) -> BTreeSet<Symbol> {
        owned(&self.session)
    }
}

fn owned(session: &Session) -> BTreeSet<Symbol> {
    let lots = session.state().books().lots();
    let owned = lots.iter().filter(|(_, lot)| !lot.owned.is_zero());
    owned.map(|(symbol, _)| symbol.clone()).collect()
}

fn copy_of(state_dir: &Path) -> Result<TempDir> {
    let copy = TempDir::new().map_err(|error| {
        Failure::new(Exit::State, format!("a temporary folder cannot be made ({error}): free space"))
    })?;
    atlas_exec::folder::copy_state(state_dir, copy.path())?;
    Ok(copy)
}
