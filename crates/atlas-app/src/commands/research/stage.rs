//! Where a rehearsal plays: one account, taken hold of as every command does, date after date.

use anyhow::{Context as _, Result};
use atlas_core::calendar::Calendar;
use atlas_exec::TradingState;
use atlas_exec::shell::Approval;
use atlas_venue::{Fault, Faults, Rule, Target};
use chrono::NaiveDate;
use serde::Serialize;

use super::super::execute::carry_through;
use super::super::rebalance::{Stage as How, stage_of};
use crate::cli::Decide;
use crate::config::VenueConfig;
use crate::decision;
use crate::job::Job;
use crate::market::Market;
use crate::seat::{Ground, Hold, Reached, Seat};
use crate::stopwatch::Stopwatch;

/// An account under rehearsal.
pub(super) struct Stage {
    job: Job,
    venue: VenueConfig,
    flags: Decide,
    seed: Option<u64>,
    /// `None` only while it is given up and taken again.
    seat: Option<Seat>,
    troubles: Troubles,
}

/// What went wrong on order, and what was done about it.
#[derive(Debug, Default, Serialize)]
pub(super) struct Troubles {
    /// Faults the venue committed.
    pub(super) committed: u64,
    /// Runs that failed and were started again.
    pub(super) restarts: usize,
    /// Times the account was PAUSED and resumed.
    pub(super) resumed: usize,
    /// Why, each one sentence; the first few.
    pub(super) sentences: Vec<String>,
}

impl Stage {
    /// Opens a new account with its clock at the close of the first decision's session.
    pub(super) async fn open(
        job: Job,
        venue: VenueConfig,
        flags: Decide,
        seed: Option<u64>,
        market: Market,
        first: NaiveDate,
    ) -> Result<Self> {
        let troubles = Troubles::default();
        let mut stage = Self { job, venue, flags, seed, seat: None, troubles };
        stage.sit(market, first).await?;
        Ok(stage)
    }

    /// Decides on a session and carries the plan through, as `atlas rebalance` does.
    ///
    /// # Errors
    /// Whatever a rebalance fails with; with faults only what starting again does not mend.
    pub(super) async fn play(&mut self, as_of: NaiveDate) -> Result<()> {
        let mut tries = 0;
        loop {
            self.job.stopwatch = Stopwatch::start();
            match self.once(as_of).await {
                Ok(()) => return Ok(()),
                Err(error) if self.seed.is_some() && tries < TRIES => {
                    tries += 1;
                    self.troubles.restarts += 1;
                    self.tell(format!("{as_of}: {}", without_port(&crate::sentence_of(&error))));
                    self.start_again(as_of).await?;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on to the close of the last session, compares once more, and ends.
    pub(super) async fn close(mut self, last: NaiveDate) -> Result<(Job, Troubles)> {
        self.gather();
        let mut seat = self.seat.take().context("the account was given up")?;
        if let Some(venue) = &seat.desk.venue {
            venue.faults().clear();
            venue.advance_to(Calendar::nyse().session(last)?.close)?;
        }
        seat.compare(&self.job).await?;
        seat.desk.close().await;
        Ok((self.job, self.troubles))
    }

    async fn once(&mut self, as_of: NaiveDate) -> Result<()> {
        let Self { job, flags, seat, .. } = self;
        let seat = seat.as_mut().context("the account was given up")?;
        let nyse = Calendar::nyse();
        (seat.as_of, seat.execute_on) = (nyse.session(as_of)?, nyse.next_session(as_of)?);
        let decided = match stage_of(seat.session.state().decision_on(as_of)) {
            Some((_, How::Finished)) => return Ok(()),
            Some((id, How::Waiting | How::UnderWay)) => decision::recall(seat, id)?,
            None => {
                let detected = decision::detect(job, &seat.market, flags, as_of)?;
                if let Some(venue) = &seat.desk.venue {
                    venue.advance_to(seat.as_of.close)?;
                }
                seat.reconcile(job).await?;
                decision::decide(job, seat, flags, detected).await?
            }
        };
        carry_through(job, seat, &decided, Approval::NotNeeded).await?.judge(job)
    }

    /// Takes the account's lock, reads its journal and opens its venue.
    async fn sit(&mut self, market: Market, as_of: NaiveDate) -> Result<()> {
        let reached = Reached::Embedded(self.venue.clone());
        let hold = Hold::take(&self.job, Ground::Real, reached)?;
        let seat = hold.sit(&mut self.job, market, as_of).await?;
        if let (Some(seed), Some(venue)) = (self.seed, &seat.desk.venue) {
            // Another start draws other faults, or the same one would end it again.
            script(venue.faults(), seed.wrapping_add(number(self.troubles.restarts)));
        }
        self.seat = Some(seat);
        Ok(())
    }

    /// Gives the account up and takes it again from what is on disk, as another process would.
    async fn start_again(&mut self, as_of: NaiveDate) -> Result<()> {
        self.gather();
        let Some(Seat { market, session, desk, .. }) = self.seat.take() else { return Ok(()) };
        drop(session);
        desk.close().await;
        self.sit(market, as_of).await?;
        self.resume_if_paused(as_of).await
    }

    /// What a person would do about a PAUSED account: look that the books agree, and resume.
    async fn resume_if_paused(&mut self, as_of: NaiveDate) -> Result<()> {
        let Some(seat) = self.seat.as_mut() else { return Ok(()) };
        if seat.session.state().trading().state() < TradingState::Paused {
            return Ok(());
        }
        let cause = seat.session.state().trading().describe();
        let Some(venue) = &seat.desk.venue else { return Ok(()) };
        // A person looks again until the broker answers.
        let rules = venue.faults().rules();
        venue.faults().clear();
        let found = seat.compare(&self.job).await;
        if let Some(venue) = &seat.desk.venue {
            for rule in rules {
                venue.faults().add(rule);
            }
        }
        if found?.is_clean() {
            seat.session.resume("rehearsal", "books and venue agree")?;
            self.troubles.resumed += 1;
            self.tell(format!("{as_of}: resumed after {cause}"));
        }
        Ok(())
    }

    /// Counts what the present server committed.
    fn gather(&mut self) {
        let venue = self.seat.as_ref().and_then(|seat| seat.desk.venue.as_ref());
        self.troubles.committed += venue.map_or(0, |venue| venue.faults().committed());
    }

    fn tell(&mut self, sentence: String) {
        if self.troubles.sentences.len() < TOLD {
            self.troubles.sentences.push(sentence);
        }
    }
}

/// What goes wrong, and how often: what an afternoon of a bad line looks like.
fn script(faults: &Faults, seed: u64) {
    faults.seed(seed);
    let half = "0.5".parse();
    let partial = half.map(Fault::PartialFill).ok();
    let all = [
        (Target::Submit, Some(Fault::DropBefore), 0.03),
        (Target::Submit, Some(Fault::DropAfter), 0.05),
        (Target::Submit, Some(Fault::FailBefore(503)), 0.03),
        (Target::Submit, Some(Fault::FailAfter(504)), 0.03),
        (Target::Submit, partial, 0.03),
        (Target::Change, Some(Fault::FailBefore(503)), 0.05),
        (Target::Read, Some(Fault::DropBefore), 0.005),
        (Target::Read, Some(Fault::FailBefore(502)), 0.005),
    ];
    for (target, fault, chance) in all {
        if let Some(fault) = fault {
            faults.add(Rule { target, fault, chance, times: None, path: None, account: None });
        }
    }
}

/// The sentence without the ports the venue happened to listen on, so that the same seed gives the
/// same words.
fn without_port(sentence: &str) -> String {
    const HOST: &str = "127.0.0.1:";
    let mut parts = sentence.split(HOST);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |told, part| {
        told + "127.0.0.1" + part.trim_start_matches(|c: char| c.is_ascii_digit())
    })
}

fn number(of: usize) -> u64 {
    u64::try_from(of).unwrap_or(u64::MAX)
}

/// How often a run is started again for one date.
const TRIES: usize = 20;
/// Sentences that are kept.
const TOLD: usize = 20;
