//! One order on its way to the broker, whatever the network does.

use std::collections::BTreeMap;

use atlas_broker::{BrokerOrder, Submission};
use atlas_core::time::Mode;
use atlas_core::{ClientOrderId, Order, OrderEvent, OrderRequest, OrderStatus, SignalOutcome};
use atlas_risk::{ApprovedOrder, BreakerEvent, Hours};

use super::look_up::{LookUp, look_up};
use super::run::{Run, standing};
use super::settings::Ramp;
use crate::approver::{Denial, FreshContext, Heard};
use crate::error::Error;
use crate::event::{Event, OrderIntent, OrderUpdate};
use crate::judged::{OrderJudged, RampHeard, Said, made_for};
use crate::quality::{Conditions, Part};
use crate::ramp;
use crate::sequencer::{Breach, Conservation, Input, Leg};
use crate::states::{Cause, Deed, Permission};

/// What became of asking for an approval.
pub(super) enum Asked {
    Approved(ApprovedOrder),
    Denied(Denial),
    /// The broker could not be asked for what the approval rests on; the account is PAUSED.
    Unasked,
}

/// Whether an earlier send of the same order may have reached the broker.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Doubt {
    None,
    Earlier,
}

/// Alpaca's code for a client order id that exists already.
pub(crate) const DUPLICATE: i64 = 40_010_001;

impl Run<'_> {
    /// Sends one leg: looks at state and fence, has it approved on fresh data, checks
    /// conservation, journals the intent, looks at the fence once more, and sends it.
    pub(super) async fn send(&mut self, request: OrderRequest) -> Result<(), Error> {
        let id = request.client_order_id.clone();
        let Some(leg) = self.leg(&id) else { return Ok(()) };
        if self.is_blocked(&leg)? {
            self.keep(id);
            return Ok(());
        }
        let asked = self.ask_approval(&leg, &request).await?;
        // Asking took time and brought news.
        if self.is_blocked(&leg)? {
            self.keep(id);
            return Ok(());
        }
        if let Some(reason) = self.reshaped(&leg) {
            return self.supersede(id, reason);
        }
        let approved = match asked {
            Asked::Approved(approved) => approved,
            Asked::Denied(Denial { outcome, reason }) => {
                self.drop_leg(&id, outcome, reason.clone())?;
                self.push(Input::Dropped { id, outcome, reason });
                return Ok(());
            }
            Asked::Unasked => {
                self.keep(id);
                return Ok(());
            }
        };
        if let Err(breach) = self.conserve(approved.get(), &request) {
            self.session.enter(Cause::ConservationBreach, breach.to_string())?;
            self.heed_state();
            self.keep(id);
            return Ok(());
        }
        let quote = self.context.as_ref().and_then(|context| context.quotes.get(&request.symbol));
        let (bid, ask) = quote.map_or((None, None), |quote| (quote.bid, quote.ask));
        let conditions = self.context.as_ref().map(|context| Conditions {
            open: context.hours == Hours::Open,
            part: Part::of(context.now),
            quoted_at: quote.map(|quote| quote.ts_event),
        });
        let update = OrderUpdate { client_order_id: id.clone(), update: OrderEvent::Submitted };
        self.record_all(vec![
            Event::OrderIntent(OrderIntent { request, bid, ask, conditions }),
            Event::OrderUpdate(update),
        ])?;
        self.transmit(&id, approved, Doubt::None).await
    }

    /// Resolves what a crash left open: what had become of every leg, asking the broker where the
    /// journal alone cannot tell.
    pub(super) async fn recover(&mut self) -> Result<(), Error> {
        for leg in self.legs.clone() {
            let dropped = self.decision().and_then(|decision| decision.dropped.get(leg.id()));
            if let Some(end) = dropped {
                let (outcome, reason) = (end.outcome, end.reason.clone());
                self.push(Input::Dropped { id: leg.id().clone(), outcome, reason });
                continue;
            }
            let Some(tracked) = self.session.state().orders().get(leg.id()) else {
                if let Some(reason) = self.reshaped(&leg) {
                    self.supersede(leg.id().clone(), reason)?;
                    continue;
                }
                let funds = self.decision().and_then(|decision| decision.funds.as_ref());
                if let Some(qty) = funds.and_then(|funds| funds.sizes.get(leg.id()).copied()) {
                    self.push(Input::Fitted { id: leg.id().clone(), qty });
                }
                continue;
            };
            let status = tracked.order.status();
            if matches!(status, OrderStatus::Initialized | OrderStatus::Submitted) {
                let request = tracked.order.request().clone();
                self.recover_one(&leg, request).await?;
            } else {
                self.push_standing(leg.id());
            }
        }
        Ok(())
    }

    /// An order that was sent, or was about to be: looked up; if the broker has never seen it,
    /// approved afresh and sent under the same name, or closed as not placed.
    async fn recover_one(&mut self, leg: &Leg, request: OrderRequest) -> Result<(), Error> {
        let id = leg.id();
        match self.look_up(id).await {
            LookUp::Found(order) => return self.take_over(&order),
            LookUp::NoAnswer => return self.lose(id),
            LookUp::NotFound => {}
        }
        if self.is_blocked(leg)? {
            let reason = self.session.state().trading().describe();
            return self.end(id, OrderEvent::NotPlaced { reason });
        }
        if let Some(reason) = self.reshaped(leg) {
            return self.end(id, OrderEvent::NotPlaced { reason });
        }
        let approved = match self.ask_approval(leg, &request).await? {
            Asked::Approved(approved) => approved,
            Asked::Denied(Denial { reason, .. }) => {
                return self.end(id, OrderEvent::NotPlaced { reason });
            }
            Asked::Unasked => return self.lose(id),
        };
        if let Err(breach) = self.conserve(approved.get(), &request) {
            self.session.enter(Cause::ConservationBreach, breach.to_string())?;
            self.heed_state();
            return self.lose(id);
        }
        self.update(id, OrderEvent::Submitted)?;
        self.transmit(id, approved, Doubt::Earlier).await
    }

    /// Why a leg is about shares that are no more what they were when it was planned, if so.
    fn reshaped(&self, leg: &Leg) -> Option<String> {
        let what = self.decision()?.reshaped.get(&leg.request.symbol)?;
        Some(format!("its shares are not what they were when it was planned: {what}"))
    }

    /// Drops a leg that was planned for shares as they were.
    fn supersede(&mut self, id: ClientOrderId, reason: String) -> Result<(), Error> {
        let outcome = SignalOutcome::Superseded;
        self.drop_leg(&id, outcome, reason.clone())?;
        self.push(Input::Dropped { id, outcome, reason });
        Ok(())
    }

    /// Looks at the fence a last time, sends, and follows up until the outcome is known or
    /// everything was tried.
    pub(super) async fn transmit(
        &mut self,
        id: &ClientOrderId,
        approved: ApprovedOrder,
        mut doubt: Doubt,
    ) -> Result<(), Error> {
        if self.fenced()? {
            let reason = self.session.state().trading().describe();
            return self.end(id, OrderEvent::NotPlaced { reason });
        }
        let (mut resends, mut retries) = (0, 0);
        let mut submission = self.broker.submit(approved).await;
        loop {
            submission = match submission {
                Submission::Accepted(order) => return self.take_over(&order),
                Submission::Refused { code, reason } => {
                    return self.refused(id, code, reason, doubt).await;
                }
                Submission::NotReached { order, error } => {
                    if retries == self.settings.retries || self.fenced()? {
                        return self.not_reached(id, &error, doubt).await;
                    }
                    self.pause_before_retry(retries).await;
                    // Somebody may have raised it meanwhile.
                    if self.fenced()? {
                        return self.not_reached(id, &error, doubt).await;
                    }
                    retries += 1;
                    self.update(id, OrderEvent::Submitted)?;
                    self.broker.submit(order).await
                }
                Submission::Unknown(token) => {
                    doubt = Doubt::Earlier;
                    tracing::warn!(%id, error = %token.error(), "nobody knows whether it arrived");
                    match self.look_up(id).await {
                        LookUp::Found(order) => return self.take_over(&order),
                        LookUp::NoAnswer => return self.lose(id),
                        LookUp::NotFound => {}
                    }
                    if resends == self.settings.resends || self.fenced()? {
                        return self.lose(id);
                    }
                    resends += 1;
                    self.update(id, OrderEvent::Submitted)?;
                    self.broker.resend(token).await
                }
            };
        }
    }

    /// The broker said no. Where an earlier send of the same order may have arrived, the refusal
    /// may be about the second one, so the order is looked up first.
    async fn refused(
        &mut self,
        id: &ClientOrderId,
        code: Option<i64>,
        reason: String,
        doubt: Doubt,
    ) -> Result<(), Error> {
        if doubt == Doubt::None && code != Some(DUPLICATE) {
            return self.end(id, OrderEvent::Rejected { reason });
        }
        match self.look_up(id).await {
            LookUp::Found(order) => self.take_over(&order),
            LookUp::NotFound if code != Some(DUPLICATE) => {
                self.end(id, OrderEvent::Rejected { reason })
            }
            LookUp::NotFound | LookUp::NoAnswer => self.lose(id),
        }
    }

    /// This send certainly never arrived; an earlier one may have.
    async fn not_reached(
        &mut self,
        id: &ClientOrderId,
        error: &atlas_broker::Error,
        doubt: Doubt,
    ) -> Result<(), Error> {
        if doubt == Doubt::None {
            return self.end(id, OrderEvent::NotPlaced { reason: error.to_string() });
        }
        match self.look_up(id).await {
            LookUp::Found(order) => self.take_over(&order),
            LookUp::NotFound | LookUp::NoAnswer => self.lose(id),
        }
    }

    pub(super) async fn look_up(&mut self, id: &ClientOrderId) -> LookUp {
        let session = &mut *self.session;
        let alive = &mut || session.beat();
        look_up(self.broker, self.timer, &self.settings.lookups, id, alive).await
    }

    async fn pause_before_retry(&mut self, retry: u32) {
        let index = usize::try_from(retry).unwrap_or(usize::MAX);
        let waits = &self.settings.lookups;
        if let Some(wait) = waits.get(index).or(waits.last()) {
            self.timer.sleep(*wait).await;
        }
    }

    /// Has an order approved on fresh data, asking a few times if the broker does not answer.
    pub(super) async fn ask_approval(
        &mut self,
        leg: &Leg,
        request: &OrderRequest,
    ) -> Result<Asked, Error> {
        let mut waits = self.settings.lookups.iter();
        loop {
            match self.fresh().await {
                Ok(context) => {
                    let asked = match made_for(&context, request) {
                        Some(own) => self.hear(leg, request, &own),
                        None => self.hear(leg, request, &context),
                    };
                    self.context = Some(context);
                    return Ok(asked);
                }
                Err(error @ Error::Broker { .. }) => {
                    let Some(wait) = waits.next() else {
                        self.session.enter(Cause::StaleData, error.to_string())?;
                        self.heed_state();
                        return Ok(Asked::Unasked);
                    };
                    self.timer.sleep(*wait).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Hears the ramp and every gate on an order, and notes what they said for the journal.
    fn hear(&mut self, leg: &Leg, request: &OrderRequest, context: &FreshContext) -> Asked {
        let at = self.session.now();
        let after = self.session.state().seq();
        let (ramp, turned_away) = self.heed_ramp(leg, request, context);
        let heard = match turned_away {
            Some(denial) => Heard { verdicts: Vec::new(), word: Err(denial) },
            None => self.approver.hear(leg, request, context),
        };
        if let Some(untold) = &mut self.untold {
            let (request, said) = (request.clone(), heard.verdicts.iter().map(Said::from));
            let judged = OrderJudged { request, at, after, ramp, said: said.collect() };
            untold.push(Event::OrderJudged(Box::new(judged)));
        }
        match heard.word {
            Ok(approved) => Asked::Approved(approved),
            Err(denial) => Asked::Denied(denial),
        }
    }

    /// Holds an opening order to the staged ramp, where that is in force.
    fn heed_ramp(
        &mut self,
        leg: &Leg,
        request: &OrderRequest,
        context: &FreshContext,
    ) -> (Option<RampHeard>, Option<Denial>) {
        let Some(planned) = self.decision().map(|decision| &decision.planned) else {
            return (None, None);
        };
        let held = planned.mode == Mode::Live || self.settings.ramp == Ramp::Rehearsed;
        if leg.reduces() || !held {
            return (None, None);
        }
        // By all days and fills on record, which a run does not change.
        let stage = self.stage.unwrap_or_else(|| {
            ramp::standing(self.session.state(), planned.mode, planned.as_of).stage
        });
        self.stage = Some(stage);
        let ask = context.quotes.get(&request.symbol).and_then(|quote| quote.ask);
        let worst = request.limit_price().or(ask).unwrap_or(leg.decision_price);
        let denial = ramp::check(stage, request, worst, context).err();
        let denied = denial.as_ref().map(|denial| denial.reason.clone());
        (Some(RampHeard { stage, worst, denied }), denial)
    }

    /// The last check before the wire, on what would be sent, from what the journal says.
    fn conserve(&self, approved: &OrderRequest, wanted: &OrderRequest) -> Result<(), Breach> {
        let id = &wanted.client_order_id;
        if approved != wanted {
            return Err(Breach::NotItsLeg { id: id.clone(), field: "the approved request" });
        }
        let state = self.session.state();
        let others = self.legs.iter().map(Leg::id).filter(|other| *other != id);
        let sent: BTreeMap<&ClientOrderId, &Order> = others
            .filter_map(|id| state.orders().get(id).map(|tracked| (id, &tracked.order)))
            .collect();
        let mut free = state.free_to_sell(&wanted.symbol);
        // A resend is the same order, which the journal counts as on offer already.
        if let Some(tracked) = state.orders().get(id) {
            if tracked.order.request() != wanted || tracked.order.status() != OrderStatus::Submitted
            {
                return Err(Breach::SentBefore { id: id.clone() });
            }
            free = free.checked_add(wanted.qty).unwrap_or(free);
        }
        let ceilings = self.settings.ceilings;
        let stopped_out = self.stopped_out(&wanted.symbol);
        Conservation { legs: &self.legs, sent: &sent, free, stopped_out, ceilings }.check(approved)
    }

    /// Whether state, fence or inbox forbid to send this leg now.
    pub(super) fn is_blocked(&mut self, leg: &Leg) -> Result<bool, Error> {
        self.session.take_commands()?;
        self.session.take_note_of_fence()?;
        self.heed_state();
        let late = !leg.reduces() && self.heed_end_of_entries();
        let deed = if leg.reduces() { Deed::Reduce } else { Deed::Enter };
        Ok(late || self.session.permits(deed) != Permission::Yes)
    }

    /// Whether the fence is up, which is journaled.
    fn fenced(&mut self) -> Result<bool, Error> {
        let up = self.session.take_note_of_fence()?;
        self.heed_state();
        Ok(up)
    }

    /// Takes the broker's word for an order, and tells the sequencer.
    fn take_over(&mut self, order: &BrokerOrder) -> Result<(), Error> {
        self.session.absorb(order)?;
        self.heed_state();
        let id = &order.client_order_id;
        let tracked = self.session.state().orders().get(id);
        if tracked.is_some_and(|tracked| tracked.order.status() == OrderStatus::Submitted) {
            // It was not believed, since it is not what was intended.
            self.push(Input::Lost { id: id.clone() });
        }
        self.push_standing(id);
        self.tell_breaker(BreakerEvent::Success, id)
    }

    /// Journals the end of an order that never worked, and tells the sequencer.
    fn end(&mut self, id: &ClientOrderId, end: OrderEvent) -> Result<(), Error> {
        self.update(id, end)?;
        self.push_standing(id);
        self.tell_breaker(BreakerEvent::Failure, id)
    }

    /// Everything was tried: the account is PAUSED until somebody knows.
    fn lose(&mut self, id: &ClientOrderId) -> Result<(), Error> {
        let detail = format!("nobody knows what became of order {id}");
        self.session.enter(Cause::UnknownOrder, detail)?;
        self.heed_state();
        self.push(Input::Lost { id: id.clone() });
        self.tell_breaker(BreakerEvent::Failure, id)
    }

    fn tell_breaker(&mut self, event: BreakerEvent, id: &ClientOrderId) -> Result<(), Error> {
        let Some(rules) = self.settings.breaker else { return Ok(()) };
        self.session.tell_breaker(rules, Some(event), &format!("order {id}"))
    }

    /// Leaves a leg unsent; what stopped it was told before.
    fn keep(&mut self, id: ClientOrderId) {
        self.push(Input::Kept { id });
    }

    fn push_standing(&mut self, id: &ClientOrderId) {
        if self.guards.contains(id) {
            self.push_guard(id);
        } else if let Some(input) = standing(self.session, id) {
            self.push(input);
        }
    }

    fn leg(&self, id: &ClientOrderId) -> Option<Leg> {
        self.legs.iter().find(|leg| leg.id() == id).cloned()
    }
}
