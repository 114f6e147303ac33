//! One simulated account: the venue, the journal, and the way of one rebalance.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atlas_broker::Broker;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Position, Symbol, Usd};
use atlas_engine::{Policy, RebalancePlan, Selector, Unmanaged};
use atlas_exec::folder::{Fence, InputStore};
use atlas_exec::journal::MemoryStorage;
use atlas_exec::reconcile::{self, FeeRule, Reconciliation};
use atlas_exec::sequencer::{Finish, Waits};
use atlas_exec::session::Ground;
use atlas_exec::{ExecutionReport, PlanApprover, Session, Settings, Timer, TradingState};
use atlas_risk::Limits;
use atlas_venue::{Carry, Exchange, InProcess, Listing, Venue, VenueConfig};
use chrono::{NaiveDate, TimeDelta};

use crate::Error;
use crate::block_on::block_on;
use crate::config::Config;
use crate::regimes::Detected;
use crate::schedule::Slot;
use crate::sight::Sight;

/// A simulated account at the close of a session.
#[derive(Debug)]
pub(crate) struct Desk {
    venue: Venue,
    broker: InProcess,
    session: Session,
    settings: Settings,
    limits: Limits,
    start_after_open: TimeDelta,
}

/// A decision and what came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) plan: RebalancePlan,
    pub(crate) report: ExecutionReport,
}

impl Desk {
    /// Opens an account with its clock at `start`.
    pub(crate) fn open(
        config: &Config,
        listings: Vec<Listing>,
        start: Timestamp,
    ) -> Result<Self, Error> {
        let settings = VenueConfig {
            cash: config.cash,
            costs: config.costs.clone(),
            seed: config.seed,
            carry: Carry { idle: config.idle_rate, ..Carry::realistic() },
            ..VenueConfig::realistic(start)
        };
        let venue = Venue::open(None, settings, listings)?;
        let ground = Ground { inputs: InputStore::in_memory(), fence: Fence::in_memory() };
        let clock = Arc::new(venue.clone());
        let storage = Box::new(MemoryStorage::new());
        let session = Session::over(&config.policy.account, storage, ground, clock)?;
        Ok(Self {
            broker: InProcess::new(venue.clone()),
            venue,
            session,
            settings: settings_of(&config.policy)?,
            limits: config.policy.limits.clone(),
            start_after_open: TimeDelta::minutes(config.start_after_open_minutes.into()),
        })
    }

    /// Moves the clock to a moment, or leaves it if that has passed.
    pub(crate) fn advance_to(&self, to: Timestamp) -> Result<(), Error> {
        if to > self.venue.now() {
            self.venue.advance_to(to)?;
        }
        Ok(())
    }

    /// Money and positions now.
    pub(crate) fn books(&self) -> Result<(atlas_core::Account, BTreeMap<Symbol, Position>), Error> {
        block_on("the account", async {
            Ok((self.broker.account().await?, self.broker.positions().await?))
        })?
    }

    /// Equity and cash now.
    pub(crate) fn money(&self) -> Result<(Usd, Usd), Error> {
        let (cash, equity) = self.broker.money()?;
        Ok((equity, cash))
    }

    /// Looks at the exchange.
    pub(crate) fn inspect<T>(&self, look: impl FnOnce(&Exchange) -> T) -> T {
        self.venue.inspect(look)
    }

    /// Decides after the close of the slot's session, and journals the plan.
    pub(crate) fn decide(
        &mut self,
        slot: &Slot,
        sight: &Sight<'_>,
        policy: &Policy,
        detected: Detected,
        selector: &dyn Selector,
    ) -> Result<RebalancePlan, Error> {
        let as_of = slot.as_of.date;
        self.advance_to(slot.as_of.close)?;
        self.reconcile(as_of)?;
        let failed = |source| Error::Execution { as_of, source: Box::new(source) };
        let snapshot = block_on("the account", self.session.snapshot(&self.broker, as_of))?;
        let snapshot = snapshot.map_err(failed)?;
        let decision_id = self.session.state().next_decision_id();
        let policy = Policy { decision_id, ..policy.clone() };
        let now = self.venue.now();
        let plan =
            atlas_engine::plan_selected(&sight.view, &snapshot, &policy, now, detected, selector)
                .map_err(|source| Error::Plan { as_of, source: Box::new(source) })?;
        self.session.record_plan(&plan, BTreeMap::new()).map_err(failed)?;
        Ok(plan)
    }

    /// Carries a journaled plan out in the slot's session, and goes on to the close.
    pub(crate) fn carry_out(&mut self, slot: &Slot, plan: RebalancePlan) -> Result<Done, Error> {
        let as_of = slot.as_of.date;
        let failed = |source| Error::Execution { as_of, source: Box::new(source) };
        self.advance_to(slot.execute_on.open + self.start_after_open)?;
        let past = self.session.past();
        let gates = PlanApprover::new(&plan, &self.limits, past).map_err(failed)?;
        let (broker, settings) = (&self.broker, &self.settings);
        let timer = VenueTimer(self.venue.clone());
        let run = atlas_exec::execute(
            &mut self.session,
            plan.decision_id,
            broker,
            &gates,
            &timer,
            settings,
        );
        let report = block_on("the execution", run)?.map_err(failed)?;
        self.advance_to(slot.execute_on.close)?;
        self.reconcile(as_of)?;
        match &report.finish {
            Finish::Complete => Ok(Done { plan, report }),
            Finish::Stopped { reason, .. } => Err(Error::HeldBack { as_of, why: reason.clone() }),
        }
    }

    /// Compares journal and venue; a difference, or a state that holds everything back, ends the
    /// backtest.
    fn reconcile(&mut self, as_of: NaiveDate) -> Result<Reconciliation, Error> {
        let run = self.session.reconcile(&self.broker, &self.settings.policy);
        let found = block_on("the reconciliation", run)?
            .map_err(|source| Error::Execution { as_of, source: Box::new(source) })?;
        let trading = self.session.state().trading();
        if !found.is_clean() || trading.state() >= TradingState::Paused {
            let mut why: Vec<String> = found.mismatches().map(ToString::to_string).collect();
            why.push(trading.describe());
            return Err(Error::HeldBack { as_of, why: why.join("; ") });
        }
        Ok(found)
    }
}

/// How plans are carried out: as the application does by default.
fn settings_of(policy: &Policy) -> Result<Settings, Error> {
    let spec = policy.limits.get();
    let wait = Duration::from_secs(spec.fill_wait_seconds.into());
    let standard = Settings::standard(spec.min_position);
    let unmanaged = match policy.unmanaged {
        Unmanaged::Refuse => reconcile::Unmanaged::Refuse,
        Unmanaged::Ignore => reconcile::Unmanaged::Ignore,
    };
    Ok(Settings {
        waits: Waits { reducing: wait, opening: wait, ..standard.waits },
        poll: Duration::from_secs(spec.fill_poll_seconds.into()),
        policy: reconcile::Policy { unmanaged, fees: FeeRule::us_stocks()? },
        ..standard
    })
}

/// Waits by moving the venue's clock on, at most to the close of the session it stands in.
struct VenueTimer(Venue);

#[async_trait]
impl Timer for VenueTimer {
    async fn sleep(&self, duration: Duration) {
        let now = self.0.now();
        let close = Calendar::nyse().session_at(now).ok().flatten().map(|session| session.close);
        let target = now + duration;
        // A venue that cannot be moved has stopped; the next call to it says so.
        drop(self.0.advance_to(close.map_or(target, |close| target.min(close))));
    }
}
