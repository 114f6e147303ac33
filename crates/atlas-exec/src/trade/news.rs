//! From the journal to the engine: what it was not told of yet.
//!
//! The engine is told of orders by comparing them as it knows them with what the journal knows, never
//! by handing messages on. So a message that comes twice, late or not at all changes nothing, and a
//! restart needs no rule of its own.

use atlas_core::{Order, OrderEvent, OrderStatus, Qty, Usd};
use atlas_engine::Event;
use atlas_engine::step::{Command, Severity};

use super::agenda::delta;
use super::run::{Brain, Trader};
use crate::error::Error;
use crate::state::TrackedOrder;
use crate::states::{Cause, TradingState};

impl<S: Brain> Trader<'_, '_, S> {
    /// Looks at the broker if the last look is too long ago; before prices, also if an order of ours
    /// may have changed and nobody would tell.
    pub(super) async fn look_if_due(&mut self, before_prices: bool) -> Result<(), Error> {
        let settings = self.ground.settings;
        let polled = settings.news == crate::shell::News::Polled;
        let open = self.told.values().any(|order| order.status().is_open());
        let over = self.session.now() - self.clock.looked >= delta(settings.poll);
        if over || (before_prices && polled && open) { self.look().await } else { Ok(()) }
    }

    /// Asks the broker for news; one that does not answer closes the way to it until it does.
    pub(super) async fn look(&mut self) -> Result<(), Error> {
        self.clock.looked = self.session.now();
        let up = match self.session.import_news(self.ground.broker).await {
            Ok(_) => true,
            Err(Error::Broker { doing, source }) => {
                tracing::warn!(doing, error = %source, "the broker could not be asked");
                false
            }
            Err(error) => return Err(error),
        };
        if up != self.connected {
            self.connected = up;
            self.queue.first(Event::Connectivity { up });
        }
        self.tell()?;
        if up { self.ask_cancels_again().await } else { Ok(()) }
    }

    /// Tells the engine what the journal knows and it does not.
    pub(super) fn tell(&mut self) -> Result<(), Error> {
        let orders = self.session.state().orders();
        let mut news = Vec::new();
        for (id, told) in &mut self.told {
            let tracked = orders.get(id);
            while let Some(change) = untold(told, tracked) {
                told.apply(&change)?;
                news.push(match change {
                    OrderEvent::Filled(fill) => Event::Fill { fill, fee: Usd::ZERO },
                    change @ (OrderEvent::Denied { .. }
                    | OrderEvent::Submitted
                    | OrderEvent::Accepted { .. }
                    | OrderEvent::Rejected { .. }
                    | OrderEvent::NotPlaced { .. }
                    | OrderEvent::CancelRequested
                    | OrderEvent::CancelRejected
                    | OrderEvent::Canceled
                    | OrderEvent::Expired
                    | OrderEvent::ReplaceRequested
                    | OrderEvent::ReplaceRejected
                    | OrderEvent::Replaced) => Event::Order { id: id.clone(), change },
                });
            }
        }
        for (symbol, taken) in self.session.state().books().taken() {
            let told = self.kept.charged.get(symbol).copied().unwrap_or_default();
            let qty = taken.saturating_sub(told);
            if !qty.is_zero() && self.engine()?.symbols().any(|watched| watched == symbol) {
                self.kept.charged.insert(symbol.clone(), *taken);
                news.push(Event::Charged { symbol: symbol.clone(), qty });
            }
        }
        for event in news {
            self.queue.first(event);
        }
        self.heed_state();
        Ok(())
    }

    /// Tells the engine if the account's state changed.
    pub(super) fn heed_state(&mut self) {
        let state = self.session.trading_state();
        if state == self.heeded {
            return;
        }
        let easier = state < self.heeded;
        self.heeded = state;
        if easier {
            self.queue.first(Event::Command(Command::Resume));
        }
        let command = match state {
            TradingState::Active => return,
            TradingState::Reducing => Command::Reduce,
            TradingState::Paused => Command::Pause,
            TradingState::Halted => Command::Kill { all: false },
        };
        self.queue.first(Event::Command(command));
    }

    /// Makes an engine that stopped by itself a state of the account, which survives restarts.
    pub(super) fn heed_engine(&mut self) -> Result<(), Error> {
        let state = self.engine()?.state();
        let held_back = self.regime_due && state == TradingState::Reducing;
        if state <= self.heeded || held_back {
            return Ok(());
        }
        let cause = match state {
            TradingState::Active | TradingState::Reducing => return Ok(()),
            TradingState::Paused => Cause::UnknownOrder,
            TradingState::Halted => Cause::ConservationBreach,
        };
        let last = self.report.incidents.last().map(|incident| incident.what.clone());
        self.heeded = state;
        self.session.enter(cause, last.unwrap_or_else(|| "the engine stopped".to_owned()))
    }

    /// Shares of all strategies together against the books, once the engine was told everything.
    ///
    /// # Errors
    /// [`Error::Trade`] naming the first symbol that differs.
    pub(super) fn compare_books(&self) -> Result<(), Error> {
        let engine = self.engine()?;
        for symbol in engine.symbols() {
            let held: Qty = engine.held_of(symbol).map_err(|error| Error::Trade {
                what: "the engine's books cannot be read",
                problem: error.to_string(),
            })?;
            let owned = self.session.state().books().owned(symbol);
            if held != owned {
                return Err(Error::Trade {
                    what: "the engine and the account's books differ",
                    problem: format!(
                        "the strategies hold {held} {symbol} and the account owns {owned}: sell what \
                         is not theirs, or bring the engine's checkpoint back"
                    ),
                });
            }
        }
        Ok(())
    }

    /// As [`compare_books`](Self::compare_books), as an incident that holds entries and exits back.
    pub(super) fn check_books(&mut self) -> Result<(), Error> {
        let waiting = !self.queue.is_empty();
        match self.compare_books() {
            Err(Error::Trade { what, problem }) if !waiting => {
                let detail = format!("{what}: {problem}");
                self.incident(Severity::Critical, detail.clone())?;
                self.session.enter(Cause::Mismatch, detail)?;
                self.heed_state();
                Ok(())
            }
            Err(Error::Trade { .. }) | Ok(()) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// The next thing the engine was not told of an order.
fn untold(told: &Order, tracked: Option<&TrackedOrder>) -> Option<OrderEvent> {
    let status = told.status();
    let filled = tracked.map_or(Qty::ZERO, |tracked| tracked.order.filled_qty());
    if status.is_terminal() && filled <= told.filled_qty() {
        return None;
    }
    let Some(tracked) = tracked else {
        return Some(not_placed(status, "it was never sent: Atlas was stopped before".to_owned()));
    };
    if status == OrderStatus::Submitted
        && let Some(venue_order_id) = tracked.order.venue_order_id().cloned()
    {
        return Some(OrderEvent::Accepted { venue_order_id });
    }
    for fill in &tracked.fills {
        let fill = OrderEvent::Filled(fill.clone());
        if told.clone().apply(&fill).is_ok_and(|new| new) {
            return Some(fill);
        }
    }
    if status.is_terminal() {
        return None;
    }
    let reason = || tracked.order.reason().unwrap_or("no reason was given").to_owned();
    match tracked.order.status() {
        // The engine replaces nothing; if somebody else did, what it had is gone.
        OrderStatus::Canceled | OrderStatus::Replaced => Some(OrderEvent::Canceled),
        OrderStatus::Expired => Some(OrderEvent::Expired),
        OrderStatus::Rejected => Some(OrderEvent::Rejected { reason: reason() }),
        OrderStatus::NotPlaced | OrderStatus::Denied => Some(not_placed(status, reason())),
        OrderStatus::Initialized
        | OrderStatus::Submitted
        | OrderStatus::Accepted
        | OrderStatus::PartiallyFilled
        | OrderStatus::PendingCancel
        | OrderStatus::PendingReplace
        | OrderStatus::Filled => None,
    }
}

/// That an order never reached the venue; one that was to be canceled is canceled then.
fn not_placed(status: OrderStatus, reason: String) -> OrderEvent {
    if status == OrderStatus::PendingCancel {
        OrderEvent::Canceled
    } else {
        OrderEvent::NotPlaced { reason }
    }
}
