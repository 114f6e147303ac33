//! The loop: waits for something to happen, lets the engine take it in, does what it wants.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use atlas_broker::market_data::DataEvent;
use atlas_core::calendar::Session as Trading;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Order, Regime};
use atlas_engine::step::Severity;
use atlas_engine::{Action, Engine, Event};
use atlas_strategy::Strategy;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Ground;
use super::checkpoint::{self, Kept};
use super::queue::Queue;
use super::report::{Incident, Report};
use crate::approver::FreshContext;
use crate::error::Error;
use crate::event::{EngineActed, Event as Record};
use crate::session::Session;
use crate::shell::listen::Ear;
use crate::states::TradingState;

/// What a strategy must be for its engine to be kept and to think on a thread of its own.
pub trait Brain:
    Strategy + Clone + PartialEq + Serialize + DeserializeOwned + Send + 'static
{
}
impl<S: Strategy + Clone + PartialEq + Serialize + DeserializeOwned + Send + 'static> Brain for S {}

/// Continuous trading under way.
#[expect(clippy::struct_excessive_bools, reason = "two facts that do not exclude each other")]
pub(super) struct Trader<'a, 'g, S> {
    pub(super) session: &'a mut Session,
    pub(super) ground: Ground<'g>,
    /// `None` only while it thinks.
    engine: Option<Engine<S>>,
    pub(super) kept: Kept,
    /// Orders as the engine was told of them.
    pub(super) told: BTreeMap<ClientOrderId, Order>,
    pub(super) queue: Queue,
    pub(super) report: Report,
    /// The session of the stock exchange that the engine was told of.
    pub(super) day: Option<Trading>,
    pub(super) regime: Option<Regime>,
    /// Whether entries are held back until there is a regime.
    pub(super) regime_due: bool,
    /// The account's state as the engine was told of it.
    pub(super) heeded: TradingState,
    pub(super) connected: bool,
    pub(super) clock: super::agenda::Watch,
    pub(super) context: Option<FreshContext>,
    /// The record up to which engine and books were found to agree.
    agreed: u64,
}

/// Trades until `stop` completes or nothing may go on.
///
/// `engine` is a new one, as configured; if the account has a checkpoint of one configured alike, that
/// one goes on.
///
/// # Errors
/// [`Error::NotPermitted`] if the account is PAUSED or HALTED; [`Error::Trade`] if the checkpoint is
/// damaged, lost or of another configuration while something is held, if the engine and the books
/// differ, or the data stream fails for good; [`Error::Broker`] if the broker cannot be asked at
/// the start; errors of the journal, after which the fence is up.
pub async fn trade<S: Brain>(
    session: &mut Session,
    engine: Engine<S>,
    ground: Ground<'_>,
    stop: impl Future<Output = String>,
) -> Result<Report, Error> {
    let mut trader = Trader::start(session, engine, ground).await?;
    let mut stop = std::pin::pin!(stop);
    let ended = trader.run(stop.as_mut()).await;
    trader.finish(ended).await
}

/// What ended a wait.
enum Woken {
    Stop(String),
    Data(Result<DataEvent, atlas_broker::Error>),
    Update(atlas_broker::Update),
    Time,
}

impl<'a, 'g, S: Brain> Trader<'a, 'g, S> {
    pub(super) fn new(
        session: &'a mut Session,
        ground: Ground<'g>,
        engine: Engine<S>,
        kept: Kept,
    ) -> Self {
        let now = session.now();
        Self {
            told: engine.orders().map(|(order, _)| named(order)).collect(),
            day: engine.session().copied(),
            connected: engine.is_connected(),
            heeded: engine.state(),
            session,
            ground,
            engine: Some(engine),
            kept,
            queue: Queue::default(),
            report: Report::new(),
            regime: None,
            regime_due: false,
            clock: super::agenda::Watch::at(now),
            context: None,
            agreed: 0,
        }
    }

    async fn run(
        &mut self,
        mut stop: Pin<&mut impl Future<Output = String>>,
    ) -> Result<String, Error> {
        let broker = self.ground.broker;
        let bookmark = self.session.state().bookmark().cloned();
        let mut ear = Ear::open(broker, self.ground.settings.news, bookmark);
        loop {
            self.by_clock().await?;
            self.work().await?;
            if self.agreed != self.session.state().seq() {
                self.check_books()?;
                self.agreed = self.session.state().seq();
            }
            let wait = self.until_next();
            let timer = self.ground.timer;
            let woken = tokio::select! {
                biased;
                why = stop.as_mut() => Woken::Stop(why),
                Some(update) = ear.next() => Woken::Update(update),
                event = self.ground.data.next() => Woken::Data(event),
                () = timer.sleep(wait) => Woken::Time,
            };
            self.clock.waited(wait);
            match woken {
                Woken::Stop(why) => return Ok(why),
                Woken::Update(update) => {
                    self.session.take_in(update)?;
                    self.tell()?;
                }
                Woken::Data(event) => self.hear_all(event).await?,
                Woken::Time => {}
            }
        }
    }

    /// Takes in a data event and whatever else is there already, up to a batch.
    async fn hear_all(
        &mut self,
        first: Result<DataEvent, atlas_broker::Error>,
    ) -> Result<(), Error> {
        // What the broker did before these prices comes before them.
        self.look_if_due(true).await?;
        self.by_clock().await?;
        self.hear(first).await?;
        for _ in 1..self.ground.settings.batch {
            let Some(event) = ready(self.ground.data.next()) else { break };
            self.hear(event).await?;
        }
        Ok(())
    }

    /// Lets the engine take in what waits, and does what it wants, until nothing waits.
    pub(super) async fn work(&mut self) -> Result<(), Error> {
        while !self.queue.is_empty() {
            let batch = self.queue.take(self.ground.settings.batch);
            let acts = self.step(batch).await?;
            self.act(acts).await?;
            self.heed_engine()?;
        }
        Ok(())
    }

    /// One batch through the engine, on a thread of its own; what it wants is kept and journaled.
    async fn step(&mut self, batch: Vec<Event>) -> Result<Vec<Action>, Error> {
        let now = self.session.now();
        let Some(mut engine) = self.engine.take() else { return Err(lost("it is missing")) };
        let mut kept = std::mem::take(&mut self.kept);
        let thinking = tokio::task::spawn_blocking(move || {
            let passing = |event: &Event| {
                matches!(event, Event::Quote(_) | Event::Trade { .. } | Event::Timer)
            };
            let mut weighty = false;
            let mut acts = Vec::new();
            for event in &batch {
                weighty |= !passing(event);
                for action in engine.step(now, event) {
                    if let Action::WakeAt(at) = action {
                        kept.wakes.insert(at);
                    } else {
                        acts.push(action);
                    }
                }
            }
            if !acts.is_empty() {
                kept.step += 1;
                kept.at = now;
                kept.acts.clone_from(&acts);
            }
            let bytes = (weighty || !acts.is_empty()).then(|| checkpoint::write(&engine, &kept));
            (engine, kept, acts, bytes)
        });
        let (engine, kept, acts, bytes) = self.meanwhile(thinking).await?;
        (self.engine, self.kept) = (Some(engine), kept);
        if let Some(bytes) = bytes {
            self.ground.store.save(&bytes.map_err(|problem| lost(&problem))?)?;
        }
        self.journal_acts()?;
        Ok(acts)
    }

    /// Waits for the engine; the fence is looked at meanwhile, so that a kill is on the record at
    /// once however long a strategy thinks.
    async fn meanwhile<T>(&mut self, thinking: tokio::task::JoinHandle<T>) -> Result<T, Error> {
        tokio::pin!(thinking);
        let timer = self.ground.timer;
        loop {
            tokio::select! {
                biased;
                done = &mut thinking => return done.map_err(|error| lost(&error.to_string())),
                () = timer.sleep(self.ground.settings.beat) => {
                    self.session.take_note_of_fence()?;
                    if let Err(error) = self.session.import_news(self.ground.broker).await {
                        tracing::warn!(%error, "the broker could not be asked");
                    }
                }
            }
        }
    }

    /// Journals what the last step wants, if it is not journaled yet.
    pub(super) fn journal_acts(&mut self) -> Result<(), Error> {
        if self.session.state().engine_step() >= self.kept.step {
            return Ok(());
        }
        let acted = EngineActed { step: self.kept.step, actions: self.kept.acts.clone() };
        self.session.record(None, Record::EngineActed(Box::new(acted)))
    }

    /// Does what the engine wants, in order.
    async fn act(&mut self, acts: Vec<Action>) -> Result<(), Error> {
        let mut sent = false;
        for action in acts {
            match action {
                Action::Submit { request, purpose, decision_price, .. } => {
                    self.told.insert(request.client_order_id.clone(), submitted(&request)?);
                    self.submit(request, purpose, decision_price).await?;
                    sent = true;
                }
                Action::Cancel { id, reason } => {
                    self.cancel(&id, &reason).await?;
                    sent = true;
                }
                Action::NeedHistory { symbol, timeframe, bars } => {
                    self.warm(&symbol, timeframe, bars).await?;
                }
                Action::Plan(plan) => {
                    let count = plan.orders.len();
                    let what =
                        format!("a plan of {count} orders is due: `atlas rebalance` makes it");
                    self.incident(Severity::Warning, what)?;
                }
                Action::Incident { severity, what } => self.note(severity, what),
                Action::Signal(_)
                | Action::SignalEnded { .. }
                | Action::Crossed { .. }
                | Action::Attributed { .. }
                | Action::WakeAt(_) => {}
            }
        }
        if sent {
            self.look().await?;
        }
        self.tell()
    }

    /// The engine; it thinks only within [`Trader::step`].
    pub(super) fn engine(&self) -> Result<&Engine<S>, Error> {
        self.engine.as_ref().ok_or_else(|| lost("it is missing"))
    }

    /// Puts an incident of the shell on the record.
    pub(super) fn incident(&mut self, severity: Severity, what: String) -> Result<(), Error> {
        let action = Action::Incident { severity, what: what.clone() };
        let acted = EngineActed { step: self.session.state().engine_step(), actions: vec![action] };
        self.session.record(None, Record::EngineActed(Box::new(acted)))?;
        self.note(severity, what);
        Ok(())
    }

    /// Tells of an incident that is on the record.
    fn note(&mut self, severity: Severity, what: String) {
        match severity {
            Severity::Notice => tracing::info!(%what, "incident"),
            Severity::Warning => tracing::warn!(%what, "incident"),
            Severity::Critical => tracing::error!(%what, "incident"),
        }
        self.report.note(Incident { at: self.session.now(), severity, what });
    }

    /// How long to wait at most before the clock brings something.
    fn until_next(&self) -> Duration {
        let now = self.session.now();
        let until = |at: Timestamp| (at - now).to_std().unwrap_or(Duration::ZERO);
        let wake = self.kept.wakes.first().map(|at| until(*at));
        let least = Duration::from_millis(1);
        wake.unwrap_or(self.ground.settings.beat).clamp(least, self.ground.settings.beat.max(least))
    }
}

/// The event a stream has ready, if it has one.
fn ready<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        Poll::Ready(event) => Some(event),
        Poll::Pending => None,
    }
}

pub(super) fn named(order: &Order) -> (ClientOrderId, Order) {
    (order.request().client_order_id.clone(), order.clone())
}

/// An order as the engine has it when it asks for it to be sent.
fn submitted(request: &atlas_core::OrderRequest) -> Result<Order, Error> {
    let mut order = Order::new(request.clone());
    order.apply(&atlas_core::OrderEvent::Submitted)?;
    Ok(order)
}

pub(super) fn lost(problem: &str) -> Error {
    Error::Trade { what: "the engine cannot go on", problem: problem.to_owned() }
}
