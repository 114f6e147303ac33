//! An account taken hold of: market loaded, lock held, journal read, broker connected.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use atlas_core::calendar::{Calendar, Session as Trading};
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{Clock, DecisionId, Symbol};
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::state::trading_day;
use atlas_exec::{Error, Session, TradingState, copy_state};
use atlas_report::incident::Severity;
use chrono::NaiveDate;
use tempfile::TempDir;

use crate::accounts::{self, Desk, Opening, SystemClock, VenueClock};
use crate::config::{AccountConfig, TradingMode, VenueConfig};
use crate::day;
use crate::decision;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::live;
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
    /// An account at a broker that has answered.
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
            AccountConfig::Alpaca(config) => Self::Paper(Box::new(match config.mode {
                TradingMode::Paper => accounts::reach_paper(config, job.timeout()).await?,
                TradingMode::Live if live::BUYS.contains(&job.command) => {
                    live::open(job, config).await?
                }
                TradingMode::Live => live::wind_down(job, config).await?,
            })),
        })
    }

    /// The present of the account, as far as it has one before a venue is opened.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Embedded(_) => SystemClock.now(),
            Self::Paper(desk) => desk.clock.now(),
        }
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

/// Opens an account's session, and makes an incident of whatever that found.
///
/// # Errors
/// As [`Session::open`].
pub(crate) fn open(job: &Job, clock: Arc<dyn Clock>) -> Result<Session> {
    let session = Session::open(&job.state_dir, &job.account, clock)?;
    tell_of_opening(&session)?;
    Ok(session)
}

/// Whether a session could not be opened since another process holds the account.
pub(crate) fn is_locked(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(Error::Locked { .. }))
}

/// What opening an account found is on record; a person is told by the incidents.
fn tell_of_opening(session: &Session) -> Result<()> {
    for found in session.found_at_opening() {
        let action = match session.trading_state() {
            TradingState::Active | TradingState::Reducing => "it is on record; nothing was lost",
            TradingState::Paused | TradingState::Halted => {
                "the account is held back: compare with a backup and the broker, reconcile, resume"
            }
        };
        day::note(session, SystemClock.now(), Severity::Error, found.clone(), action)?;
    }
    Ok(())
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
        let for_session: Arc<dyn Clock> = match &broker {
            Reached::Embedded(_) => Arc::<VenueClock>::clone(&clock),
            Reached::Paper(desk) => Arc::clone(&desk.clock),
        };
        let session = Session::open(state_dir, &job.account, for_session)?;
        if ground == Ground::Real {
            tell_of_opening(&session)?;
        }
        Ok(Self { session, broker, clock, copy })
    }

    /// What the journal amounts to.
    pub(crate) const fn session(&self) -> &Session {
        &self.session
    }

    /// The market a decision was made on, as far as it can be had again, and its as-of session.
    ///
    /// # Errors
    /// [`Exit::Data`] if it cannot be loaded.
    pub(crate) async fn market_of(&self, job: &Job, id: DecisionId) -> Result<(Market, NaiveDate)> {
        let as_of = self.session.decision(id)?.planned.as_of;
        let data = decision::recall_context(&self.session, id)?.data;
        let symbols: Vec<&str> = data.symbols.iter().map(Symbol::as_str).collect();
        let name = job.data.clone().unwrap_or(data.name);
        Ok((Market::open(job, &name, Some(&symbols.join(","))).await?, as_of))
    }

    /// Puts the broker to the journal for an operator's command; the embedded venue is opened with
    /// the market of the last decision, since it has to price what is held.
    ///
    /// # Errors
    /// [`Exit::Refused`] if the embedded venue holds nothing yet; as [`Hold::sit`].
    pub(crate) async fn stand(self, job: &mut Job) -> Result<Post> {
        let last = self.session.state().decisions().keys().next_back().copied();
        if let (Reached::Embedded(_), None) = (&self.broker, last) {
            return Err(Failure::error(
                Exit::Refused,
                format!("account {} has decided nothing yet: nothing is there", job.account),
            ));
        }
        if let (Reached::Embedded(_), Some(id)) = (&self.broker, last) {
            let (market, as_of) = self.market_of(job, id).await?;
            let Seat { session, desk, .. } = self.sit(job, market, as_of).await?;
            return Ok(Post { session, desk });
        }
        match self.broker {
            Reached::Paper(desk) => Ok(Post { session: self.session, desk: *desk }),
            Reached::Embedded(_) => Err(Failure::error(Exit::Internal, "the venue was not opened")),
        }
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
        market.include(self.session.state().books().all_owned().into_keys()).await?;
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

/// An account taken hold of for an operator's command: journal and broker, no decision.
pub(crate) struct Post {
    /// The journal and what it amounts to.
    pub(crate) session: Session,
    /// The broker and its clock.
    pub(crate) desk: Desk,
}

impl Post {
    /// Compares journal and broker, whatever comes out; first finds out what became of orders that
    /// a person sent past the journal.
    ///
    /// # Errors
    /// As [`Session::reconcile`].
    pub(crate) async fn compare(&mut self, job: &Job) -> Result<Reconciliation> {
        compare(&mut self.session, &self.desk, job).await
    }
}

/// Waits between two looks at a broker whose answer is not what is hoped for.
pub(crate) const WAITS: [Duration; 5] = [
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

async fn compare(session: &mut Session, desk: &Desk, job: &Job) -> Result<Reconciliation> {
    session.take_commands()?;
    session.settle_operator_orders(desk.broker(), &*desk.timer(), &WAITS).await?;
    let found = session
        .reconcile(desk.broker(), &job.reconciliation()?)
        .await
        .context("books and broker could not be compared")?;
    let limits = job.limits_in(session.state(), desk.mode(), trading_day(desk.clock.now()))?;
    session.note_limits(limits.get(), job.config_hash()?, job.command)?;
    if let Some(closed) = day::look(session, desk, job)? {
        tracing::info!("{}", day::sentence(&closed));
    }
    Ok(found)
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
        self.refuse_held()?;
        Ok(found)
    }

    /// Refuses to go on while the account is held back, by what its journal, inbox and fence say.
    ///
    /// # Errors
    /// [`Exit::Paused`] with what holds trading back.
    pub(crate) fn refuse_held(&mut self) -> Result<()> {
        self.session.take_note_of_fence()?;
        self.session.take_commands()?;
        let trading = self.session.state().trading();
        if trading.state() >= TradingState::Paused {
            return Err(Failure::error(
                Exit::Paused,
                format!(
                    "account {} is {} ({}): once that is resolved, `atlas resume` lets it trade again",
                    self.session.account(),
                    trading.state(),
                    trading.describe()
                ),
            ));
        }
        Ok(())
    }

    /// Compares journal and broker, whatever comes out.
    ///
    /// # Errors
    /// As [`Session::reconcile`].
    pub(crate) async fn compare(&mut self, job: &Job) -> Result<Reconciliation> {
        compare(&mut self.session, &self.desk, job).await
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
