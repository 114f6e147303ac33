//! One execution, from the first look to the last.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use atlas_broker::Broker;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, DecisionId, OrderEvent, OrderStatus, SignalOutcome};

use super::context::reference_now;
use super::listen::{Ear, Heard};
use super::open_time::OpenTime;
use super::{Approval, ExecutionReport, Settings};
use crate::approver::{Approver, FreshContext};
use crate::error::Error;
use crate::event::{Event, ExecutionStarted, FundsAsked, LegDropped, OrderUpdate};
use crate::journal::Draft;
use crate::protection::GuardIntent;
use crate::ramp::Stage;
use crate::sequencer::{Action, Finish, Funds, Input, Leg, Sequencer, Stop};
use crate::session::Session;
use crate::state::Decision;
use crate::states::{Cause, Deed, Permission, Stance};
use crate::timer::Timer;

/// An execution under way, or the placing of protective orders alone.
pub(super) struct Run<'a> {
    pub(super) session: &'a mut Session,
    /// The decision whose plan is carried out; `None` where protective orders are all there is.
    pub(super) id: Option<DecisionId>,
    /// What protective orders have filled after this, a plan does not know of.
    pub(super) since: Timestamp,
    pub(super) legs: Vec<Leg>,
    pub(super) broker: &'a dyn Broker,
    pub(super) approver: &'a dyn Approver,
    pub(super) timer: &'a dyn Timer,
    pub(super) settings: &'a Settings,
    pub(super) context: Option<FreshContext>,
    /// Open orders that the broker listed when it was asked for the context.
    pub(super) listed: BTreeSet<ClientOrderId>,
    pub(super) ear: Ear<'a>,
    pub(super) time: OpenTime,
    /// Protective orders this execution has to do with.
    pub(super) guards: BTreeSet<ClientOrderId>,
    /// What is to be placed, by name.
    pub(super) intents: BTreeMap<ClientOrderId, GuardIntent>,
    news: VecDeque<Input>,
    stopped: Stance,
    /// Until when entries go on, until the sequencer was told that it has passed.
    entries_until: Option<Timestamp>,
    /// The stage of the ramp, once it was asked for.
    pub(super) stage: Option<Stage>,
    /// What was asked and what the gates said, until the next record, which it goes before; `None`
    /// if the gates cannot be heard again, so that none of it is kept.
    pub(super) untold: Option<Vec<Event>>,
    acted: bool,
}

/// Executes the plan of a decision, or resumes it after a crash at any point: every leg is sent
/// at most once, under its own id; intents are durable before anything goes out; the fence is
/// looked at before every send.
///
/// Ends when every leg has ended, or sending has stopped for a reason that is journaled as a
/// state of the account; the report says which. A decision that is completed already is only
/// reported.
///
/// # Errors
/// [`Error::NotPermitted`] if the account is PAUSED or HALTED; [`Error::Approval`] if the plan
/// needs an approval it does not have (any more); [`Error::NoSuchDecision`]; [`Error::Broker`] if
/// the broker could not be asked before anything was sent, or to reconcile; errors of the journal,
/// after which the fence is up.
pub async fn execute(
    session: &mut Session,
    id: DecisionId,
    broker: &dyn Broker,
    approver: &dyn Approver,
    timer: &dyn Timer,
    settings: &Settings,
) -> Result<ExecutionReport, Error> {
    let decision = session.decision(id)?;
    let legs = decision.planned.legs.clone();
    let since = decision.planned_at;
    let mut finish = Finish::Complete;
    let mut acted = false;
    if decision.is_pending() {
        permit(session)?;
        check_approval(session, id, &legs, broker, settings).await?;
        let tools = Tools { broker, approver, timer, settings };
        let mut run = Run::new(session, tools, Some(id), since, legs);
        finish = run.run().await?;
        acted = run.acted;
    }
    let patience = (timer, settings.lookups.as_slice());
    let reconciliation =
        session.reconcile_patiently(broker, &settings.policy, Some(patience)).await?;
    let before = session.decision(id)?.started.as_ref().map(|(_, account)| account.clone());
    Ok(ExecutionReport {
        decision_id: id,
        finish,
        acted,
        orders: session.order_reports(id)?,
        signals: session.signal_reports(id)?,
        account_before: before.unwrap_or_else(|| reconciliation.account.clone()),
        account_after: reconciliation.account.clone(),
        reconciliation,
    })
}

/// PAUSED and HALTED let nothing begin.
fn permit(session: &mut Session) -> Result<(), Error> {
    session.take_note_of_fence()?;
    session.take_commands()?;
    if session.stance() < Stance::Paused {
        return Ok(());
    }
    Err(Error::NotPermitted {
        state: session.trading_state(),
        cause: session.state().trading().describe(),
        action: "execute a plan",
        remedy: "`atlas reconcile`, then `atlas resume`".to_owned(),
    })
}

async fn check_approval(
    session: &mut Session,
    id: DecisionId,
    legs: &[Leg],
    broker: &dyn Broker,
    settings: &Settings,
) -> Result<(), Error> {
    let decision = session.decision(id)?;
    let needed = settings.approval == Approval::Required || decision.approval.is_some();
    if !needed || session.has_sent(id)? {
        return Ok(());
    }
    let now = reference_now(broker, legs).await?;
    session.check_approval(id, &now, settings.drift)
}

/// What a run works with.
#[derive(Clone, Copy)]
pub(super) struct Tools<'a> {
    pub(super) broker: &'a dyn Broker,
    pub(super) approver: &'a dyn Approver,
    pub(super) timer: &'a dyn Timer,
    pub(super) settings: &'a Settings,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        session: &'a mut Session,
        tools: Tools<'a>,
        id: Option<DecisionId>,
        since: Timestamp,
        legs: Vec<Leg>,
    ) -> Self {
        let Tools { broker, approver, timer, settings } = tools;
        let now = session.now();
        let bookmark = session.state().bookmark().cloned();
        Self {
            session,
            id,
            since,
            legs,
            broker,
            approver,
            timer,
            settings,
            context: None,
            listed: BTreeSet::new(),
            ear: Ear::open(broker, settings.news, bookmark),
            time: OpenTime::begin(now),
            guards: BTreeSet::new(),
            intents: BTreeMap::new(),
            news: VecDeque::new(),
            stopped: Stance::Free,
            entries_until: settings.entries_until,
            stage: None,
            untold: None,
            acted: false,
        }
    }
}

impl Run<'_> {
    /// The decision that is carried out, if one is.
    pub(super) fn decision(&self) -> Option<&Decision> {
        self.session.decision(self.id?).ok()
    }

    pub(super) async fn run(&mut self) -> Result<Finish, Error> {
        if self.id.is_some() {
            let account = self.broker.account().await;
            let account = account.map_err(Error::broker("ask for the account"))?;
            let gates = self.approver.gates().and_then(|gates| serde_json::to_value(gates).ok());
            self.untold = gates.is_some().then(Vec::new);
            self.record(Event::ExecutionStarted(ExecutionStarted { account, gates }))?;
        }
        let mut sequencer = Sequencer::new(self.legs.clone(), self.settings.waits);
        if self.settings.protection.is_some() {
            sequencer = sequencer.protecting();
        }
        self.recover_guards().await?;
        self.recover().await?;
        self.news.push_back(Input::Begin);
        let mut delay = self.settings.poll_first;
        let mut heard = Heard::Nothing;
        let finish = loop {
            if let Some(finish) = self.work_off(&mut sequencer).await? {
                break finish;
            }
            let before = self.session.state().seq();
            if heard == Heard::Nothing {
                self.look().await?;
            } else {
                self.look_at_home()?;
            }
            heard = Heard::Nothing;
            if self.session.state().seq() == before {
                heard = self.wait(delay).await?;
                delay = (delay * 2).min(self.settings.poll);
            }
            let (open_time, session_over) = (self.time.elapsed(), self.time.session_over());
            self.news.push_back(Input::Tick { open_time, session_over });
        };
        self.conclude(&finish)?;
        Ok(finish)
    }

    /// Hands the sequencer all news and does what it wants, until it wants nothing more.
    async fn work_off(&mut self, sequencer: &mut Sequencer) -> Result<Option<Finish>, Error> {
        while let Some(input) = self.news.pop_front() {
            let funds = if let Input::Funds(funds) = &input { Some(funds.clone()) } else { None };
            let actions = match sequencer.step(input) {
                Ok(actions) => actions,
                Err(breach) => {
                    let reason = breach.to_string();
                    self.session.enter(Cause::ConservationBreach, reason.clone())?;
                    return Ok(Some(Finish::Stopped { reason, unresolved: true }));
                }
            };
            self.note(sequencer, funds)?;
            for action in actions {
                match action {
                    Action::Finish(finish) => return Ok(Some(finish)),
                    Action::Send(request) => {
                        self.acted = true;
                        self.send(request).await?;
                    }
                    Action::Cancel(id) => {
                        self.acted = true;
                        self.cancel(&id).await?;
                    }
                    Action::AskAccount => self.ask_account().await?,
                    Action::AskProtection => self.ask_protection().await?,
                    Action::Protect(request) => {
                        self.acted = true;
                        self.protect(request).await?;
                    }
                }
            }
        }
        Ok(None)
    }

    /// Journals what the sequencer has decided by itself, all of it or nothing: which legs it
    /// dropped and, after the account was asked, what it fitted the buys to.
    fn note(&mut self, sequencer: &Sequencer, funds: Option<Funds>) -> Result<(), Error> {
        let Some(decision) = self.decision() else { return Ok(()) };
        let dropped = &decision.dropped;
        let orders = self.session.state().orders();
        let mut events = Vec::new();
        for (leg, outcome, reason) in sequencer.dropped() {
            let id = leg.id();
            if !orders.contains_key(id) && !dropped.contains_key(id) {
                let (client_order_id, reason) = (id.clone(), reason.to_owned());
                events.push(Event::LegDropped(LegDropped { client_order_id, outcome, reason }));
            }
        }
        if let Some(Funds { spendable, prices }) = funds {
            let sizes = sequencer.sizes().map(|(id, qty)| (id.clone(), qty)).collect();
            events.push(Event::FundsAsked(FundsAsked { spendable, prices, sizes }));
        }
        self.record_all(events)
    }

    /// Journals that a leg will not be sent.
    pub(super) fn drop_leg(
        &mut self,
        id: &ClientOrderId,
        outcome: SignalOutcome,
        reason: String,
    ) -> Result<(), Error> {
        self.record(Event::LegDropped(LegDropped { client_order_id: id.clone(), outcome, reason }))
    }

    /// Takes in the broker's news, the inbox and the fence.
    async fn look(&mut self) -> Result<(), Error> {
        if let Err(error) = self.session.import_news(self.broker).await {
            // Not knowing for a while is what waiting is for; the waits end on their own.
            if !matches!(error, Error::Broker { .. }) {
                return Err(error);
            }
            tracing::warn!(%error, "the broker could not be asked");
        }
        self.look_at_home()
    }

    /// Takes in what is known already: orders by the journal, the inbox and the fence.
    fn look_at_home(&mut self) -> Result<(), Error> {
        for leg in &self.legs {
            self.news.extend(standing(self.session, leg.id()));
        }
        self.push_guards();
        self.session.take_commands()?;
        self.session.take_note_of_fence()?;
        self.heed_state();
        self.heed_end_of_entries();
        Ok(())
    }

    /// Tells the sequencer if the account's state became stricter; true if nothing may be sent.
    pub(super) fn heed_state(&mut self) -> bool {
        let stance = self.session.stance();
        if stance > self.stopped {
            self.stopped = stance;
            let trading = self.session.state().trading();
            let reason = trading.describe();
            let stop = match stance {
                Stance::Free => return false,
                Stance::NoEntries => {
                    let cause = trading.leading().map_or(Cause::OperatorReduce, |(cause, _)| cause);
                    Stop::Entries { outcome: cause.outcome(), reason }
                }
                Stance::Paused => Stop::Pause { reason },
                Stance::Halted => Stop::Halt { reason },
            };
            self.news.push_back(Input::Stop(stop));
        }
        stance >= Stance::Paused
    }

    /// Tells the sequencer, once, that it is too late to enter; true if it is.
    pub(super) fn heed_end_of_entries(&mut self) -> bool {
        let Some(until) = self.settings.entries_until else { return false };
        let over = self.session.now() >= until;
        if over && self.entries_until.take().is_some() {
            let outcome = SignalOutcome::RejectedByMarketHours;
            let reason = format!("the last minutes of the session began at {until}");
            self.news.push_back(Input::Stop(Stop::Entries { outcome, reason }));
        }
        over
    }

    /// Waits, or listens where there is a stream; what is heard ends the wait.
    async fn wait(&mut self, delay: Duration) -> Result<Heard, Error> {
        let before = self.session.now();
        let mut heard = Heard::Nothing;
        if let Some(update) = self.ear.listen(self.timer, delay).await {
            heard = self.session.take_in(update)?;
            if heard == Heard::Nothing {
                // A stream that tells nothing new may not shorten the time between two looks.
                self.timer.sleep(delay).await;
            }
        }
        // A wait that news has ended took no time that a clock which stands still could tell.
        let slept = if heard == Heard::News { Duration::ZERO } else { delay };
        if self.id.is_some() {
            self.time.count(before, self.session.now(), slept);
        } else {
            // Protective orders come and go in closed markets as well, so all time counts.
            let passed = (self.session.now() - before).to_std().unwrap_or_default();
            self.time.count(before, before, passed.max(slept));
        }
        Ok(heard)
    }

    /// Asks for an order to be canceled. If that fails, the sequencer asks again.
    async fn cancel(&mut self, id: &ClientOrderId) -> Result<(), Error> {
        let Some(tracked) = self.session.state().orders().get(id) else { return Ok(()) };
        let Some(venue_order_id) = tracked.order.venue_order_id().cloned() else { return Ok(()) };
        let forbidden = self.session.permits(Deed::Cancel) != Permission::Yes;
        if forbidden || tracked.order.status().is_terminal() {
            return Ok(());
        }
        self.update(id, OrderEvent::CancelRequested)?;
        if let Err(error) = self.broker.cancel(&venue_order_id).await {
            tracing::warn!(%id, %error, "a cancel could not be asked for");
        }
        Ok(())
    }

    async fn ask_account(&mut self) -> Result<(), Error> {
        let mut waits = self.settings.lookups.iter();
        loop {
            self.session.beat();
            match self.funds().await {
                Ok(funds) => {
                    self.news.push_back(Input::Funds(funds));
                    return Ok(());
                }
                Err(error @ (Error::Broker { .. } | Error::Core(_))) => {
                    let Some(wait) = waits.next() else {
                        self.session.enter(Cause::StaleData, error.to_string())?;
                        self.heed_state();
                        return Ok(());
                    };
                    self.timer.sleep(*wait).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Journals what the end amounts to.
    fn conclude(&mut self, finish: &Finish) -> Result<(), Error> {
        match finish {
            Finish::Complete => {
                let Some(id) = self.id else { return Ok(()) };
                let sent = self.session.order_reports(id)?.len();
                let summary = format!("executed: {sent} of {} orders sent", self.legs.len());
                self.session.complete(id, None, &summary)
            }
            Finish::Stopped { reason, unresolved: true }
                if self.session.stance() < Stance::Halted =>
            {
                self.session.enter(Cause::UnknownOrder, reason.clone())
            }
            Finish::Stopped { .. } => Ok(()),
        }
    }

    /// Whether anything was sent or canceled.
    pub(super) const fn acted(&self) -> bool {
        self.acted
    }

    pub(super) fn push(&mut self, input: Input) {
        self.news.push_back(input);
    }

    pub(super) fn record(&mut self, event: Event) -> Result<(), Error> {
        self.record_all(vec![event])
    }

    /// Journals events durably, all or none, after what the gates looked at and said before them.
    pub(super) fn record_all(&mut self, events: Vec<Event>) -> Result<(), Error> {
        if events.is_empty() {
            return Ok(());
        }
        let (ts_event, decision_id) = (self.session.now(), self.id);
        let untold = self.untold.as_mut().map(std::mem::take).unwrap_or_default();
        let all = untold.into_iter().chain(events);
        let drafts = all.map(|event| Draft { ts_event, decision_id, event });
        self.session.record_all(drafts.collect())
    }

    pub(super) fn update(&mut self, id: &ClientOrderId, update: OrderEvent) -> Result<(), Error> {
        self.record(Event::OrderUpdate(OrderUpdate { client_order_id: id.clone(), update }))
    }
}

/// Where a leg stands by the journal, as news for the sequencer; none if it was never intended.
pub(super) fn standing(session: &Session, id: &ClientOrderId) -> Option<Input> {
    let order = &session.state().orders().get(id)?.order;
    // An intent without a send may have been sent, as far as the sequencer is concerned.
    let status = if order.status() == OrderStatus::Initialized {
        OrderStatus::Submitted
    } else {
        order.status()
    };
    Some(Input::Order {
        id: id.clone(),
        qty: order.request().qty,
        status,
        filled: order.filled_qty(),
    })
}
