//! What goes into the sequencer, and what comes out.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_core::{
    ClientOrderId, OrderRequest, OrderStatus, Price, Qty, SignalOutcome, Symbol, Usd,
};

use super::GuardNews;

/// What the account can spend, and what a share of each symbol to be bought is taken to cost.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Funds {
    /// What can be spent, in USD: min(cash, buying power) less what working buys may still take.
    pub spendable: Usd,
    /// Price per share; a buy whose symbol is missing is dropped as `REJECTED_BY_STALE_DATA`.
    pub prices: BTreeMap<Symbol, Price>,
}

/// Why sending stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// No new risk: opening legs not sent yet end like this, working ones are canceled; what
    /// reduces goes on.
    Entries {
        /// How the signals of the opening legs end.
        outcome: SignalOutcome,
        /// Why, in one sentence.
        reason: String,
    },
    /// Nothing more is sent; what works is canceled, opening orders at once.
    Pause {
        /// Why, in one sentence.
        reason: String,
    },
    /// Nothing more is sent, nothing is canceled.
    Halt {
        /// Why, in one sentence.
        reason: String,
    },
}

/// News for the sequencer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// Start, or go on after a restart; before it, [`Input::Order`] and [`Input::Dropped`] tell
    /// what had become of the legs.
    Begin,
    /// Where a leg's order stands.
    Order {
        /// The leg.
        id: ClientOrderId,
        /// Shares asked for.
        qty: Qty,
        /// Its state; terminal only once all its fills are known.
        status: OrderStatus,
        /// Shares filled so far.
        filled: Qty,
    },
    /// Before a restart, a leg that was not sent yet had been fitted to so many shares.
    Fitted {
        /// The leg.
        id: ClientOrderId,
        /// Shares; it is sent with no more.
        qty: Qty,
    },
    /// A leg will not be sent, such as one that was denied.
    Dropped {
        /// The leg.
        id: ClientOrderId,
        /// How its signal ends.
        outcome: SignalOutcome,
        /// Why, in one sentence.
        reason: String,
    },
    /// A leg was not sent after all, and stays to be sent: the answer to [`Action::Send`] when
    /// sending was stopped meanwhile. The [`Input::Stop`] comes first.
    Kept {
        /// The leg.
        id: ClientOrderId,
    },
    /// Nobody knows what became of a leg's order, after everything was tried.
    Lost {
        /// The leg.
        id: ClientOrderId,
    },
    /// A protective order, as the journal or the broker tells of it; those that live, and those
    /// that have sold since the plan was made, come before [`Input::Begin`].
    Guard(GuardNews),
    /// The answer to [`Action::AskProtection`]: at most one order for each symbol, for exactly the
    /// shares that are held.
    Protect(Vec<OrderRequest>),
    /// A protective order was not sent after all: the answer to [`Action::Protect`] where there is
    /// nothing else to tell.
    Unguarded {
        /// The order.
        id: ClientOrderId,
    },
    /// The answer to [`Action::AskAccount`].
    Funds(Funds),
    /// Time has passed.
    Tick {
        /// Open-market time since the beginning; never less than before.
        open_time: Duration,
        /// Whether the session in which the orders worked is over.
        session_over: bool,
    },
    /// Sending stops.
    Stop(Stop),
}

/// What the sequencer wants done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Send this order; answer with [`Input::Order`], [`Input::Dropped`], [`Input::Lost`] or
    /// [`Input::Kept`].
    Send(OrderRequest),
    /// Ask for an order to be canceled; its end comes as [`Input::Order`].
    Cancel(ClientOrderId),
    /// Ask what can be spent; answer with [`Input::Funds`].
    AskAccount,
    /// Ask what is to be protected, and how; answer with [`Input::Protect`].
    AskProtection,
    /// Send this protective order; answer with [`Input::Guard`], [`Input::Unguarded`] or
    /// [`Input::Lost`].
    Protect(OrderRequest),
    /// Nothing more will be asked for.
    Finish(Finish),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// Every leg has ended.
    Complete,
    /// Some leg has not: it was never sent, or is not confirmed to have ended.
    Stopped {
        /// Why, in one sentence.
        reason: String,
        /// Whether a cancel was asked for and not confirmed in time, or an order is lost.
        unresolved: bool,
    },
}
