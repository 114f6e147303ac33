//! One order of the engine on its way to the broker, whatever the network does.
//!
//! An order is sent at most once, under its own name, after its intent is durable. One that nobody
//! knows of after every look-up makes the account PAUSED. Sends run one after the other, each to its
//! end.

use std::collections::BTreeMap;

use atlas_broker::Submission;
use atlas_core::{ClientOrderId, OrderEvent, OrderRequest, OrderStatus, Price, Side};
use atlas_engine::step::Purpose;
use atlas_risk::{
    ApprovedOrder, Authority, Context, Entries, Hours, Phase, SymbolMarket, Tradability, Validator,
};

use super::agenda::delta;
use super::run::{Brain, Trader};
use crate::approver::FreshContext;
use crate::error::Error;
use crate::event::{Event as Record, OrderIntent, OrderUpdate};
use crate::journal::Draft;
use crate::shell::look_up::{LookUp, look_up};
use crate::snapshot::still_open;
use crate::state::trading_day;
use crate::states::{Cause, Deed, Permission};

impl<S: Brain> Trader<'_, '_, S> {
    /// Judges an order and sends it, or tells the engine why not.
    pub(super) async fn submit(
        &mut self,
        request: OrderRequest,
        purpose: Purpose,
        decision_price: Price,
    ) -> Result<(), Error> {
        let id = request.client_order_id.clone();
        if self.session.state().orders().contains_key(&id) {
            let detail = format!("order {id} was to be sent twice");
            self.session.enter(Cause::ConservationBreach, detail)?;
            return Ok(());
        }
        self.submit_again(request, purpose, decision_price).await
    }

    /// As [`submit`](Self::submit), for an order that may have been intended before and that the
    /// broker has never seen.
    pub(super) async fn submit_again(
        &mut self,
        request: OrderRequest,
        purpose: Purpose,
        decision_price: Price,
    ) -> Result<(), Error> {
        let id = request.client_order_id.clone();
        if let Some(why) = self.blocked(purpose)? {
            return self.keep_back(&id, why);
        }
        let approved = match self.approve(&request, decision_price).await {
            Ok(Ok(approved)) => approved,
            Ok(Err(why)) => return self.keep_back(&id, why),
            Err(Error::Broker { doing, source }) => {
                return self.keep_back(&id, format!("cannot {doing}: {source}"));
            }
            Err(error) => return Err(error),
        };
        // Asking took time.
        if let Some(why) = self.blocked(purpose)? {
            return self.keep_back(&id, why);
        }
        let quote = self.context.as_ref().and_then(|context| context.quotes.get(&request.symbol));
        let (bid, ask) = quote.map_or((None, None), |quote| (quote.bid, quote.ask));
        let update = OrderUpdate { client_order_id: id.clone(), update: OrderEvent::Submitted };
        let ts_event = self.session.now();
        let mut events = Vec::new();
        if !self.session.state().orders().contains_key(&id) {
            events.push(Record::OrderIntent(OrderIntent { request, bid, ask, conditions: None }));
        }
        events.push(Record::OrderUpdate(update));
        let draft = |event| Draft { ts_event, decision_id: None, event };
        self.session.record_all(events.into_iter().map(draft).collect())?;
        self.report.sent += 1;
        self.transmit(&id, approved).await
    }

    /// What holds such an order back, if anything does.
    fn blocked(&mut self, purpose: Purpose) -> Result<Option<String>, Error> {
        self.session.take_commands()?;
        self.session.take_note_of_fence()?;
        self.heed_state();
        let deed = match purpose {
            Purpose::Entry => Deed::Enter,
            Purpose::Exit | Purpose::Guard => Deed::Reduce,
        };
        let held_back = self.session.permits(deed) != Permission::Yes;
        Ok(held_back.then(|| self.session.state().trading().describe()))
    }

    /// Tells the engine that an order was not sent.
    fn keep_back(&mut self, id: &ClientOrderId, reason: String) -> Result<(), Error> {
        tracing::info!(%id, %reason, "an order was kept back");
        if self.session.state().orders().contains_key(id) {
            // The engine hears of it by the journal.
            return self.update(id, OrderEvent::NotPlaced { reason });
        }
        let change = OrderEvent::NotPlaced { reason };
        if let Some(told) = self.told.get_mut(id) {
            told.apply(&change)?;
        }
        self.queue.first(atlas_engine::Event::Order { id: id.clone(), change });
        Ok(())
    }

    /// Has an order approved on fresh data, after conservation was looked at.
    async fn approve(
        &mut self,
        request: &OrderRequest,
        decision_price: Price,
    ) -> Result<Result<ApprovedOrder, String>, Error> {
        let context = self.fresh(request).await?;
        let mut free = self.session.state().free_to_sell(&request.symbol);
        let id = &request.client_order_id;
        // An order that is sent again is in the journal, and no rival of itself.
        if self.session.state().orders().contains_key(id) && request.side == Side::Sell {
            free = free.checked_add(request.qty)?;
        }
        if request.side == Side::Sell && request.qty > free {
            let qty = request.qty;
            return Ok(Err(format!("{qty} are to be sold and {free} are owned and not on offer")));
        }
        let Some(regime) = self
            .regime
            .or_else(|| (request.side == Side::Sell).then_some(atlas_core::Regime::Crash))
        else {
            return Ok(Err("the regime is not known".to_owned()));
        };
        let spec = self.engine()?.spec();
        let allocation = spec.allocations.of(regime);
        let equity = context.account.equity;
        let cap = self.ground.limits.get().allocation_cap;
        let budget = equity.share(allocation)?.share(cap)?;
        let session = trading_day(context.now);
        let quote = context.quotes.get(&request.symbol).cloned();
        let tradability = match self.ground.settings.restricted.get(&request.symbol) {
            Some(reason) => Tradability::Restricted(reason.clone()),
            None => Tradability::Tradable,
        };
        let market = SymbolMarket { decision_price, session, quote, tradability };
        let mut open_orders = context.open_orders.clone();
        let mut recent_orders = context.recent_orders.clone();
        open_orders.retain(|open| open.client_order_id != *id);
        if request.side == Side::Sell {
            // Exits of several strategies rest side by side; that no share is offered twice was
            // looked at above, by the journal.
            let ours = |id: &ClientOrderId| self.told.contains_key(id);
            open_orders.retain(|o| !(o.symbol == request.symbol && ours(&o.client_order_id)));
            recent_orders.retain(|o| !(o.symbol == request.symbol && o.side == Side::Sell));
        }
        let crypto = request.symbol.is_crypto();
        let judged = Context {
            now: context.now,
            phase: Phase::Send,
            mode: self.ground.settings.mode,
            state: self.session.trading_state(),
            authority: Authority::Engine,
            hours: if crypto { Hours::Open } else { context.hours },
            regime,
            entries: if allocation.value().is_zero() { Entries::Blocked } else { Entries::Allowed },
            equity,
            budget,
            account: &context.account,
            positions: &context.positions,
            open_orders: &open_orders,
            recent_orders: &recent_orders,
            market: &BTreeMap::from([(request.symbol.clone(), market)]),
            decision_session: session,
            activity: context.activity,
            performance: self.session.performance(equity, session)?,
            breaker: context.breaker,
        };
        let validator = Validator::new(self.ground.limits);
        Ok(validator.approve(request.clone(), &judged).map_err(|denial| denial.to_string()))
    }

    /// What approvals rest on, asked again if it is too old or of another symbol.
    async fn fresh(&mut self, request: &OrderRequest) -> Result<FreshContext, Error> {
        let now = self.session.now();
        let age = delta(self.ground.settings.context_age);
        let known = self.context.take().filter(|context| {
            now - context.now <= age && context.quotes.contains_key(&request.symbol)
        });
        let mut context = match known {
            Some(context) => context,
            None => self.ask().await?,
        };
        let state = self.session.state();
        context.state = self.session.trading_state();
        context.breaker = state.breaker(now);
        (context.recent_orders, context.activity) = self.session.recent()?;
        for tracked in state.open_orders() {
            let (order, request) = (&tracked.order, tracked.order.request());
            let id = &request.client_order_id;
            if !context.open_orders.iter().any(|open| open.client_order_id == *id) {
                context.open_orders.push(atlas_risk::OpenOrder {
                    client_order_id: id.clone(),
                    symbol: request.symbol.clone(),
                    side: request.side,
                    leaves_qty: order.leaves_qty(),
                    limit_price: request.limit_price(),
                });
            }
        }
        // What ended since the broker was asked is no longer open.
        context.open_orders.retain(|open| {
            let known = state.orders().get(&open.client_order_id);
            known.is_none_or(|tracked| !tracked.order.status().is_terminal())
        });
        self.context = Some(context.clone());
        Ok(context)
    }

    async fn ask(&mut self) -> Result<FreshContext, Error> {
        let broker = self.ground.broker;
        self.session.import_news(broker).await?;
        let symbols: Vec<_> = self.engine()?.symbols().cloned().collect();
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        let positions = broker.positions().await.map_err(Error::broker("ask for positions"))?;
        let open = broker.open_orders().await.map_err(Error::broker("ask for open orders"))?;
        let quotes = broker.quotes(&symbols).await.map_err(Error::broker("ask for quotes"))?;
        let clock = broker.clock().await.map_err(Error::broker("ask for the market clock"))?;
        let day = trading_day(self.session.now());
        let performance = self.session.performance(account.equity, day)?;
        Ok(FreshContext {
            now: self.session.now(),
            account,
            positions,
            owned: self.session.state().books().all_owned(),
            open_orders: open.into_iter().map(still_open).collect(),
            recent_orders: Vec::new(),
            quotes,
            hours: if clock.is_open { Hours::Open } else { Hours::Closed },
            state: self.session.trading_state(),
            activity: atlas_risk::Activity::default(),
            breaker: self.session.state().breaker(self.session.now()),
            performance,
        })
    }

    /// Looks at the fence a last time, sends, and follows up until the outcome is known.
    async fn transmit(&mut self, id: &ClientOrderId, approved: ApprovedOrder) -> Result<(), Error> {
        // Money moves: what was asked before does not count for the next order.
        self.context = None;
        if self.session.take_note_of_fence()? {
            let reason = self.session.state().trading().describe();
            return self.update(id, OrderEvent::NotPlaced { reason });
        }
        let mut tries = 0;
        let mut doubt = false;
        let mut submission = self.ground.broker.submit(approved).await;
        loop {
            submission = match submission {
                Submission::Accepted(order) => return self.session.absorb(&order),
                Submission::Refused { reason, .. } if !doubt => {
                    return self.update(id, OrderEvent::Rejected { reason });
                }
                Submission::NotReached { error, .. } if !doubt => {
                    return self.update(id, OrderEvent::NotPlaced { reason: error.to_string() });
                }
                Submission::Refused { .. } | Submission::NotReached { .. } => {
                    return self.find_out(id).await;
                }
                Submission::Unknown(token) => {
                    doubt = true;
                    tracing::warn!(%id, error = %token.error(), "nobody knows whether it arrived");
                    let settings = self.ground.settings;
                    let broker = self.ground.broker;
                    let session = &mut *self.session;
                    let (timer, alive) = (self.ground.timer, &mut || session.beat());
                    match look_up(broker, timer, &settings.lookups, id, alive).await {
                        LookUp::Found(order) => return self.session.absorb(&order),
                        LookUp::NoAnswer => return self.lose(id),
                        LookUp::NotFound => {}
                    }
                    if tries == settings.resends || self.session.take_note_of_fence()? {
                        return self.lose(id);
                    }
                    tries += 1;
                    self.update(id, OrderEvent::Submitted)?;
                    self.ground.broker.resend(token).await
                }
            };
        }
    }

    /// A refusal of a second send may be about the first.
    async fn find_out(&mut self, id: &ClientOrderId) -> Result<(), Error> {
        let waits = &self.ground.settings.lookups;
        let session = &mut *self.session;
        let alive = &mut || session.beat();
        match look_up(self.ground.broker, self.ground.timer, waits, id, alive).await {
            LookUp::Found(order) => self.session.absorb(&order),
            LookUp::NotFound | LookUp::NoAnswer => self.lose(id),
        }
    }

    fn lose(&mut self, id: &ClientOrderId) -> Result<(), Error> {
        let detail = format!("nobody knows what became of order {id}");
        self.session.enter(Cause::UnknownOrder, detail)?;
        self.heed_state();
        Ok(())
    }

    pub(super) fn update(&mut self, id: &ClientOrderId, update: OrderEvent) -> Result<(), Error> {
        let event = Record::OrderUpdate(OrderUpdate { client_order_id: id.clone(), update });
        self.session.record(None, event)
    }

    /// Asks for an order to be canceled; the engine hears of its end by the journal.
    pub(super) async fn cancel(&mut self, id: &ClientOrderId, reason: &str) -> Result<(), Error> {
        if let Some(told) = self.told.get_mut(id) {
            told.apply(&OrderEvent::CancelRequested)?;
        }
        let Some(tracked) = self.session.state().orders().get(id) else { return Ok(()) };
        let status = tracked.order.status();
        let venue_order_id = tracked.order.venue_order_id().cloned();
        let Some(venue_order_id) = venue_order_id.filter(|_| status.is_open()) else {
            return Ok(());
        };
        tracing::info!(%id, %reason, "a cancel is asked for");
        if status != OrderStatus::PendingCancel {
            self.update(id, OrderEvent::CancelRequested)?;
        }
        self.report.canceled += 1;
        self.context = None;
        if let Err(error) = self.ground.broker.cancel(&venue_order_id).await {
            tracing::warn!(%id, %error, "a cancel could not be asked for");
        }
        Ok(())
    }

    /// Asks again for cancels whose end has not come: the first asking may have been lost.
    pub(super) async fn ask_cancels_again(&mut self) -> Result<(), Error> {
        let wanted =
            self.told.iter().filter(|(_, told)| told.status() == OrderStatus::PendingCancel);
        let ids: Vec<ClientOrderId> = wanted.map(|(id, _)| id.clone()).collect();
        for id in ids {
            let Some(tracked) = self.session.state().orders().get(&id) else { continue };
            let open = tracked.order.status().is_open();
            if let Some(venue_order_id) = tracked.order.venue_order_id().cloned().filter(|_| open)
                && let Err(error) = self.ground.broker.cancel(&venue_order_id).await
            {
                tracing::warn!(%id, %error, "a cancel could not be asked for again");
            }
        }
        Ok(())
    }
}
