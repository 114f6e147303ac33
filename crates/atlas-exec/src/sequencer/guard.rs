//! Protective orders, as the sequencer knows them: stops that rest at the broker.
//!
//! A symbol's stop is canceled, and the end of it awaited, before the symbol is traded; when all
//! trading is over a stop is placed for what is held then. While a stop lives no other exit of its
//! symbol does, and the other way round.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atlas_core::{ClientOrderId, OrderRequest, OrderStatus, Qty, Symbol};

use super::Action;

/// News of a protective order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GuardNews {
    /// The order.
    pub id: ClientOrderId,
    /// What it protects.
    pub symbol: Symbol,
    /// Shares it was sent with.
    pub qty: Qty,
    /// Where it stands.
    pub status: OrderStatus,
    /// Shares filled, cumulative.
    pub filled: Qty,
    /// Of those, shares filled since the plan was made: the plan does not know of them.
    pub sold: Qty,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Guard {
    news: GuardNews,
    lost: bool,
}

impl Guard {
    fn lives(&self) -> bool {
        !self.news.status.is_terminal()
    }
}

/// Cancels of protective orders under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asked {
    since: Duration,
    times: u32,
}

/// What is left to be placed once trading is over.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Wanted {
    /// Nobody was asked.
    Unasked,
    /// The answer is awaited.
    Asking,
    /// What is to be placed, in order.
    Known(Vec<OrderRequest>),
}

/// Every protective order, and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Guards {
    known: BTreeMap<ClientOrderId, Guard>,
    /// Whether any are placed in the end.
    pub(super) placing: bool,
    /// Handed out to be sent, nothing heard yet.
    released: Option<ClientOrderId>,
    canceling: BTreeMap<Symbol, Asked>,
    wanted: Wanted,
    /// What was handed out to be placed, each once.
    tried: BTreeSet<ClientOrderId>,
    /// How often the shell was asked what is wanted.
    asks: u32,
}

/// How a step of placing protective orders ended.
pub(super) enum Placing {
    /// Something is waited for.
    Waiting,
    /// Nothing is left to be done.
    Done,
    /// A cancel was not confirmed in time.
    Stuck,
    /// This one is to be sent now.
    Send(OrderRequest),
}

/// How often what is wanted is asked for: it changes if a stop fires while it is being canceled.
const ASKS_MAX: u32 = 5;

impl Guards {
    pub(super) const fn new() -> Self {
        Self {
            known: BTreeMap::new(),
            placing: false,
            released: None,
            canceling: BTreeMap::new(),
            wanted: Wanted::Unasked,
            tried: BTreeSet::new(),
            asks: 0,
        }
    }

    /// Takes in news; an order that ended stays ended.
    pub(super) fn hear(&mut self, news: GuardNews) {
        if self.released.as_ref() == Some(&news.id) {
            self.released = None;
        }
        if news.status.is_terminal() && !self.others_live(&news) {
            self.canceling.remove(&news.symbol);
        }
        let before = self.known.get(&news.id).map_or(Qty::ZERO, |guard| guard.news.filled);
        if news.filled != before && matches!(self.wanted, Wanted::Known(_)) {
            // Less is held than when it was said what is wanted.
            self.wanted = Wanted::Unasked;
        }
        let lost = false;
        self.known.insert(news.id.clone(), Guard { news, lost });
    }

    fn others_live(&self, news: &GuardNews) -> bool {
        self.known.values().any(|guard| {
            guard.lives() && guard.news.symbol == news.symbol && guard.news.id != news.id
        })
    }

    /// One that was handed out will not be sent.
    pub(super) fn drop_released(&mut self, id: &ClientOrderId) {
        if self.released.as_ref() == Some(id) {
            self.released = None;
        }
    }

    /// Nobody knows what became of one; true if it is a protective order.
    pub(super) fn lose(&mut self, id: &ClientOrderId) -> bool {
        if let Some(guard) = self.known.get_mut(id) {
            guard.lost = true;
            return true;
        }
        if self.released.as_ref() == Some(id) {
            return true;
        }
        false
    }

    pub(super) fn is_released(&self) -> bool {
        self.released.is_some()
    }

    /// Whether a stop of the symbol may still fire.
    pub(super) fn lives(&self, symbol: &Symbol) -> bool {
        self.known.values().any(|guard| guard.lives() && guard.news.symbol == *symbol)
    }

    /// Shares of the symbol its stops have sold since the plan was made.
    pub(super) fn sold(&self, symbol: &Symbol) -> Qty {
        let of_symbol = self.known.values().filter(|guard| guard.news.symbol == *symbol);
        of_symbol.fold(Qty::ZERO, |sum, guard| sum.checked_add(guard.news.sold).unwrap_or(sum))
    }

    /// Whether a cancel is under way, or nobody knows of one: nothing is settled then.
    pub(super) fn is_unresolved(&self) -> bool {
        self.released.is_some()
            || self.known.values().any(|guard| {
                guard.lives() && (guard.lost || self.canceling.contains_key(&guard.news.symbol))
            })
    }

    /// Asks for the stops of symbols to be canceled, a few times within `wait`; false once that is
    /// over and one of them may still fire.
    pub(super) fn cancel(
        &mut self,
        symbols: &[Symbol],
        now: Duration,
        wait: Duration,
        out: &mut Vec<Action>,
    ) -> bool {
        let mut in_time = true;
        for symbol in symbols {
            if !self.lives(symbol) {
                continue;
            }
            let asked =
                self.canceling.get(symbol).copied().unwrap_or(Asked { since: now, times: 0 });
            let waited = now.saturating_sub(asked.since);
            let due = waited >= wait / super::CANCEL_TRIES * asked.times;
            if asked.times < super::CANCEL_TRIES && due {
                let live = self
                    .known
                    .values()
                    .filter(|guard| guard.lives() && guard.news.symbol == *symbol);
                out.extend(live.map(|guard| Action::Cancel(guard.news.id.clone())));
                let times = asked.times + 1;
                self.canceling.insert(symbol.clone(), Asked { times, ..asked });
            } else if waited >= wait {
                in_time = false;
            }
        }
        in_time
    }

    /// Cancels that are under way, asked for once more.
    pub(super) fn cancel_again(&self) -> impl Iterator<Item = Action> {
        let live = self
            .known
            .values()
            .filter(|guard| guard.lives() && self.canceling.contains_key(&guard.news.symbol));
        live.map(|guard| Action::Cancel(guard.news.id.clone()))
    }

    /// Takes in what is to be protected: for each symbol at most one order.
    pub(super) fn want(&mut self, wanted: Vec<OrderRequest>) {
        if self.wanted == Wanted::Asking {
            self.wanted = Wanted::Known(wanted);
        }
    }

    /// Goes on with placing what is wanted; asks first what that is.
    pub(super) fn place(
        &mut self,
        now: Duration,
        wait: Duration,
        out: &mut Vec<Action>,
    ) -> Placing {
        if self.released.is_some() {
            return Placing::Waiting;
        }
        let wanted = match &self.wanted {
            Wanted::Asking => return Placing::Waiting,
            Wanted::Unasked if self.asks == ASKS_MAX => return Placing::Done,
            Wanted::Unasked => {
                self.asks += 1;
                self.wanted = Wanted::Asking;
                out.push(Action::AskProtection);
                return Placing::Waiting;
            }
            Wanted::Known(wanted) => wanted.clone(),
        };
        let wrong = self.wrong(&wanted);
        if !wrong.is_empty() {
            let in_time = self.cancel(&wrong, now, wait, out);
            return if in_time { Placing::Waiting } else { Placing::Stuck };
        }
        let missing = wanted.into_iter().find(|request| {
            !self.lives(&request.symbol) && !self.tried.contains(&request.client_order_id)
        });
        let Some(request) = missing else { return Placing::Done };
        self.tried.insert(request.client_order_id.clone());
        self.released = Some(request.client_order_id.clone());
        Placing::Send(request)
    }

    /// Symbols whose live stops are not the one that is wanted.
    fn wrong(&self, wanted: &[OrderRequest]) -> Vec<Symbol> {
        let mut wrong = Vec::new();
        for guard in self.known.values().filter(|guard| guard.lives()) {
            let symbol = &guard.news.symbol;
            let leaves = guard.news.qty.saturating_sub(guard.news.filled);
            let named = wanted.iter().find(|request| request.symbol == *symbol);
            // One that was placed a moment ago and fires already is right as it is.
            let right =
                named.is_some_and(|r| r.qty == leaves || r.client_order_id == guard.news.id);
            if !right || self.others_live(&guard.news) {
                wrong.push(symbol.clone());
            }
        }
        wrong.dedup();
        wrong
    }
}
