//! Protective orders of an execution: told to the sequencer, placed, and looked up after a crash.

use std::collections::BTreeMap;

use atlas_core::{ClientOrderId, OrderEvent, OrderRequest, Price, Qty, SignalId, Symbol};
use atlas_risk::{Effect, Hours};
use chrono::TimeDelta;

use super::look_up::LookUp;
use super::run::Run;
use super::send::{Asked, Doubt};
use crate::approver::Denial;
use crate::error::Error;
use crate::event::{Event, OrderUpdate};
use crate::protection::{GuardIntent, GuardName, Origin, Protection, guard};
use crate::sequencer::{GuardNews, Input, Leg, check_guard};
use crate::session::Session;
use crate::state::{TrackedOrder, trading_day};
use crate::states::Cause;

impl Run<'_> {
    /// Finds out what became of protective orders whose fate a crash left open, and tells the
    /// sequencer of those that matter to this plan.
    pub(super) async fn recover_guards(&mut self) -> Result<(), Error> {
        let doubtful: Vec<ClientOrderId> =
            self.session.state().doubtful_guards().map(id_of).collect();
        for id in doubtful {
            match self.look_up(&id).await {
                LookUp::Found(order) => self.session.absorb(&order)?,
                LookUp::NotFound => {
                    let reason = "the broker has never seen it".to_owned();
                    self.update(&id, OrderEvent::NotPlaced { reason })?;
                }
                LookUp::NoAnswer => {
                    let detail = format!("nobody knows what became of protective order {id}");
                    self.session.enter(Cause::UnknownOrder, detail)?;
                    self.heed_state();
                }
            }
        }
        let since = self.since;
        let orders = self.session.state().orders().values();
        let matters = orders.filter(|tracked| {
            tracked.protects
                && (tracked.order.status().is_open()
                    || tracked.fills.iter().any(|fill| fill.ts_event > since))
        });
        self.guards = matters.map(id_of).collect();
        self.push_guards();
        Ok(())
    }

    /// Tells the sequencer where every protective order of this execution stands.
    pub(super) fn push_guards(&mut self) {
        for id in self.guards.clone() {
            self.push_guard(&id);
        }
    }

    pub(super) fn push_guard(&mut self, id: &ClientOrderId) {
        let Some(tracked) = self.session.state().orders().get(id) else { return };
        let since = tracked.fills.iter().filter(|fill| fill.ts_event > self.since);
        let sold = since.fold(Qty::ZERO, |sum, fill| sum.checked_add(fill.qty).unwrap_or(sum));
        let order = &tracked.order;
        // One that this very execution placed protects what is held after its trades.
        let sold = if tracked.decision_id == self.id { Qty::ZERO } else { sold };
        let news = GuardNews {
            id: id.clone(),
            symbol: order.request().symbol.clone(),
            qty: order.request().qty,
            status: order.status(),
            filled: order.filled_qty(),
            sold,
        };
        self.push(Input::Guard(news));
    }

    /// Shares of a symbol that its protective orders have sold since the plan was made.
    pub(super) fn stopped_out(&self, symbol: &Symbol) -> Qty {
        let orders = self.session.state().orders();
        let guards = self.guards.iter().filter_map(|id| orders.get(id));
        let fills = guards
            .filter(|tracked| tracked.decision_id != self.id)
            .filter(|tracked| tracked.order.request().symbol == *symbol)
            .flat_map(|tracked| &tracked.fills)
            .filter(|fill| fill.ts_event > self.since);
        fills.fold(Qty::ZERO, |sum, fill| sum.checked_add(fill.qty).unwrap_or(sum))
    }

    /// Answers what is to be protected: every whole share that is owned and on no other offer. A
    /// live order for the right quantity stays as it is.
    pub(super) async fn ask_protection(&mut self) -> Result<(), Error> {
        let Some(protection) = self.settings.protection else {
            self.push(Input::Protect(Vec::new()));
            return Ok(());
        };
        // What approvals rested on is from before the last trades.
        self.context = None;
        let (mut wanted, missing) = due(self.session);
        let bases = self.bases(missing.keys().cloned().collect()).await?;
        for (symbol, qty) in missing {
            let Some(basis) = bases.get(&symbol) else {
                tracing::error!(%symbol, "it is not protected: there is no price to set a stop from");
                continue;
            };
            let intent = self.intent(&symbol, qty, *basis, protection)?;
            wanted.push(intent.request.clone());
            self.intents.insert(intent.request.client_order_id.clone(), intent);
        }
        self.push(Input::Protect(wanted));
        Ok(())
    }

    fn intent(
        &self,
        symbol: &Symbol,
        qty: Qty,
        basis: Price,
        protection: Protection,
    ) -> Result<GuardIntent, Error> {
        let orders = self.session.state().orders().values();
        let before = orders.filter(|tracked| {
            tracked.protects
                && tracked.decision_id == self.id
                && tracked.order.request().symbol == *symbol
        });
        let (account, attempt) = (self.session.account(), before.count());
        let after = match self.id {
            Some(id) => Origin::Decision(id),
            None => Origin::Day(trading_day(self.session.now())),
        };
        guard(GuardName { account, after, symbol, attempt }, qty, basis, protection)
    }

    /// What stops are set from: the bid, or the ask where nobody bids.
    async fn bases(&mut self, symbols: Vec<Symbol>) -> Result<BTreeMap<Symbol, Price>, Error> {
        if symbols.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut waits = self.settings.lookups.iter();
        loop {
            match (self.prices(&symbols).await, waits.next()) {
                (Ok(prices), _) => return Ok(prices),
                (Err(error @ Error::Broker { .. }), Some(wait)) => {
                    tracing::warn!(%error, "prices could not be asked for");
                    self.timer.sleep(*wait).await;
                }
                (Err(error @ Error::Broker { .. }), None) => {
                    tracing::error!(%error, "nothing new is protected: there are no prices");
                    return Ok(BTreeMap::new());
                }
                (Err(error), _) => return Err(error),
            }
        }
    }

    async fn prices(&mut self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Price>, Error> {
        if self.id.is_none() {
            // Quotes of a closed market may be wide or missing; what was traded last is neither.
            let context = self.fresh().await?;
            let held = symbols.iter().filter_map(|symbol| context.positions.get(symbol));
            let last = held.map(|held| (held.symbol.clone(), held.current_price)).collect();
            let closed = context.hours == Hours::Closed;
            self.context = Some(context);
            if closed {
                return Ok(last);
            }
        }
        let quotes = self.broker.quotes(symbols).await.map_err(Error::broker("ask for quotes"))?;
        let priced = quotes.into_iter().filter_map(|(symbol, q)| Some((symbol, q.bid.or(q.ask)?)));
        Ok(priced.collect())
    }

    /// Sends one protective order: state and fence, approval on fresh data, conservation, journal,
    /// wire, as for any order.
    pub(super) async fn protect(&mut self, request: OrderRequest) -> Result<(), Error> {
        let id = request.client_order_id.clone();
        let Some(intent) = self.intents.get(&id).cloned() else {
            self.push(Input::Unguarded { id });
            return Ok(());
        };
        let leg = Leg {
            request: request.clone(),
            effect: Effect::Reducing,
            decision_price: intent.basis,
            signal_id: SignalId::new(&format!("guard-{}", request.symbol))?,
        };
        if self.is_blocked(&leg)? {
            self.push(Input::Unguarded { id });
            return Ok(());
        }
        let asked = self.ask_approval(&leg, &request).await?;
        if self.is_blocked(&leg)? || matches!(asked, Asked::Unasked) {
            self.push(Input::Unguarded { id });
            return Ok(());
        }
        let state = self.session.state();
        let (sent, free) = (state.orders().contains_key(&id), state.free_to_sell(&request.symbol));
        // What was denied is held to the same: something unsound is never only denied.
        let to_send =
            if let Asked::Approved(approved) = &asked { approved.get() } else { &request };
        if let Err(breach) = check_guard(to_send, &request, sent, free) {
            self.session.enter(Cause::ConservationBreach, breach.to_string())?;
            self.heed_state();
            self.push(Input::Unguarded { id });
            return Ok(());
        }
        self.guards.insert(id.clone());
        match asked {
            Asked::Approved(approved) => {
                self.intend(&id, intent, OrderEvent::Submitted)?;
                self.transmit(&id, approved, Doubt::None).await
            }
            Asked::Denied(Denial { reason, .. }) => {
                self.intend(&id, intent, OrderEvent::Denied { reason })?;
                self.push_guard(&id);
                Ok(())
            }
            Asked::Unasked => Ok(()),
        }
    }

    fn intend(
        &mut self,
        id: &ClientOrderId,
        intent: GuardIntent,
        update: OrderEvent,
    ) -> Result<(), Error> {
        let update = OrderUpdate { client_order_id: id.clone(), update };
        self.record_all(vec![Event::GuardIntent(intent), Event::OrderUpdate(update)])
    }
}

/// A stop older than this makes room for a new one: brokers let such orders expire after 90 days.
const AGE_MAX: TimeDelta = TimeDelta::days(75);

fn id_of(tracked: &TrackedOrder) -> ClientOrderId {
    tracked.order.request().client_order_id.clone()
}

/// Live protective orders that are right as they are, and the quantity of every symbol that needs
/// a new one.
pub(super) fn due(session: &Session) -> (Vec<OrderRequest>, BTreeMap<Symbol, Qty>) {
    let state = session.state();
    let (mut right, mut missing) = (Vec::new(), BTreeMap::new());
    for symbol in state.books().all_owned().into_keys() {
        let live: Vec<&TrackedOrder> =
            state.guards().filter(|tracked| tracked.order.request().symbol == symbol).collect();
        let offered = live.iter().map(|tracked| tracked.order.leaves_qty());
        let free = offered.fold(state.free_to_sell(&symbol), |free, leaves| {
            free.checked_add(leaves).unwrap_or(free)
        });
        let qty = free.whole();
        match live.as_slice() {
            [one]
                if one.order.leaves_qty() == qty && session.now() - one.intended_at <= AGE_MAX =>
            {
                right.push(OrderRequest { qty, ..one.order.request().clone() });
            }
            _ if qty.is_zero() => {}
            _ => {
                missing.insert(symbol, qty);
            }
        }
    }
    (right, missing)
}
