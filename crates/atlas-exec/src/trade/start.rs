//! How continuous trading begins, the first time and after whatever ended it.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::time::Mode;
use atlas_core::{ClientOrderId, OrderStatus, Symbol};
use atlas_engine::step::{Severity, Timeframe};
use atlas_engine::{Action, Engine, Event};

use super::Ground;
use super::bars::Aggregator;
use super::catch_up::spans;
use super::checkpoint::{self, Kept};
use super::run::{Brain, Trader};
use crate::error::Error;
use crate::session::Session;
use crate::states::TradingState;

impl<'a, 'g, S: Brain> Trader<'a, 'g, S> {
    /// Everything up to the first wait.
    pub(super) async fn start(
        session: &'a mut Session,
        engine: Engine<S>,
        mut ground: Ground<'g>,
    ) -> Result<Self, Error> {
        if ground.settings.mode == Mode::Live && engine.is_test_only() {
            return Err(Error::TestOnly);
        }
        session.take_commands()?;
        session.take_note_of_fence()?;
        let settings = ground.settings;
        let (engine, kept) = take_up(session, engine, &mut ground)?;
        let again = if is_fresh(session, &engine, &kept) { unsent(&kept) } else { BTreeSet::new() };
        let lookups = &settings.lookups;
        session.settle_doubtful(ground.broker, ground.timer, lookups, &again).await?;
        let patience = (ground.timer, settings.lookups.as_slice());
        session.reconcile_patiently(ground.broker, &settings.policy, Some(patience)).await?;
        permit(session)?;
        let mut trader = Self::new(session, ground, engine, kept);
        trader.journal_acts()?;
        trader.resume().await?;
        Ok(trader)
    }

    async fn resume(&mut self) -> Result<(), Error> {
        // A restart that a person has cleared is no reason to stay stopped.
        self.heed_state();
        let now = self.session.now();
        self.by_clock().await?;
        if self.regime.is_none() {
            self.ask_regime(now).await?;
        }
        self.do_again().await?;
        self.look().await?;
        if !self.connected {
            self.connected = true;
            self.queue.first(Event::Connectivity { up: true });
        }
        self.work().await?;
        self.compare_books()?;
        self.warm_up().await?;
        self.clock.gap = false;
        self.catch_up(self.session.now()).await?;
        self.work().await
    }

    /// Sends what the last step wanted sent and a crash kept back, if that is not too long ago; each
    /// under its own name, so that none is sent twice.
    async fn do_again(&mut self) -> Result<(), Error> {
        let fresh = is_fresh(self.session, self.engine()?, &self.kept);
        for action in self.kept.acts.clone() {
            let Action::Submit { request, purpose, decision_price, .. } = action else { continue };
            let id = &request.client_order_id;
            let known = self.session.state().orders().get(id);
            let open =
                self.told.get(id).is_some_and(|told| told.status() == OrderStatus::Submitted);
            let unsent = known.is_none_or(|known| known.order.status() == OrderStatus::Submitted);
            if fresh && open && unsent {
                self.submit_again(request, purpose, decision_price).await?;
            }
        }
        Ok(())
    }

    /// Warms up what has seen no bar, or waits for history.
    async fn warm_up(&mut self) -> Result<(), Error> {
        let engine = self.engine()?;
        let cold = engine.unwarmed();
        let mut wanted: BTreeMap<Symbol, Vec<(Timeframe, usize)>> = BTreeMap::new();
        for (symbol, timeframe, bars) in engine.warm_up() {
            if cold.contains(&(symbol.clone(), timeframe)) {
                wanted.entry(symbol.clone()).or_default().push((timeframe, bars));
            }
        }
        for (symbol, of_symbol) in wanted {
            for (timeframe, bars) in spans(of_symbol) {
                self.warm(&symbol, timeframe, bars).await?;
            }
        }
        self.work().await
    }
}

/// Orders the last step wanted sent.
fn unsent(kept: &Kept) -> BTreeSet<ClientOrderId> {
    let submits = kept.acts.iter().filter_map(|action| {
        let Action::Submit { request, .. } = action else { return None };
        Some(request.client_order_id.clone())
    });
    submits.collect()
}

/// Whether what the last step wanted is not of the past: by the rule that holds for bars.
fn is_fresh<S: Brain>(session: &Session, engine: &Engine<S>, kept: &Kept) -> bool {
    let most = chrono::TimeDelta::seconds(i64::from(engine.spec().bar_max_age));
    session.now() - kept.at <= most
}

/// PAUSED and HALTED let nothing begin.
fn permit(session: &Session) -> Result<(), Error> {
    let state = session.trading_state();
    if state < TradingState::Paused {
        return Ok(());
    }
    Err(Error::NotPermitted {
        state,
        cause: session.state().trading().describe(),
        action: "trade",
        remedy: "`atlas reconcile`, then `atlas resume`".to_owned(),
    })
}

/// The engine of the checkpoint if there is one that is configured alike, otherwise the new one.
fn take_up<S: Brain>(
    session: &mut Session,
    new: Engine<S>,
    ground: &mut Ground<'_>,
) -> Result<(Engine<S>, Kept), Error> {
    let refuse = |problem: String| Error::Trade { what: "trading cannot begin", problem };
    let wanted = |engine: &Engine<S>| {
        Aggregator::new(engine.warm_up().map(|(symbol, timeframe, _)| (symbol.clone(), timeframe)))
    };
    let Some(bytes) = ground.store.load()? else {
        if session.state().engine_step() > 0 {
            return Err(refuse(
                "the account traded continuously before and its checkpoint is gone: bring it back, \
                 or sell what the account holds and use a new account"
                    .to_owned(),
            ));
        }
        let bars = wanted(&new);
        return Ok((new, Kept { bars, ..Kept::default() }));
    };
    let (old, kept) = checkpoint::read::<S>(&bytes)?;
    if kept.step < session.state().engine_step() {
        return Err(refuse(format!(
            "the checkpoint is of step {} and the journal of step {}: bring the later one back",
            kept.step,
            session.state().engine_step()
        )));
    }
    if old.is_set_up_like(&new) {
        return Ok((old, kept));
    }
    if !old.is_idle() {
        return Err(refuse(
            "the strategies were configured otherwise and hold positions or orders: put the \
             configuration back, or flatten first"
                .to_owned(),
        ));
    }
    // Names of orders are never used twice.
    if new.decisions() < old.decisions() {
        let (is, was) = (new.decisions(), old.decisions());
        return Err(refuse(format!(
            "the strategies were configured otherwise: decisions go on from {was}, not from {is}"
        )));
    }
    let bars = wanted(&new);
    let Kept { step, acts, charged, .. } = kept;
    tracing::info!(severity = ?Severity::Notice, "the strategies are configured otherwise and begin anew");
    Ok((new, Kept { step, acts, charged, bars, ..Kept::default() }))
}

/// The number of the last decision an account's checkpoint knows, for a configuration that follows
/// another one; `None` if there is no checkpoint.
///
/// # Errors
/// As [`trade`](super::trade) for the checkpoint.
pub fn last_decision<S: Brain>(
    store: &mut dyn super::CheckpointStore,
) -> Result<Option<u64>, Error> {
    let Some(bytes) = store.load()? else { return Ok(None) };
    let (engine, _) = checkpoint::read::<S>(&bytes)?;
    Ok(Some(engine.decisions()))
}
