//! What can happen to the engine; complete on purpose.

use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Qty};
use atlas_core::{Fill, OrderEvent, Price, Quote, Regime, Symbol, Usd};
use atlas_strategy::indicator::Ohlcv;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::inputs::DecisionInputs;

/// The span of a bar in seconds: 60 for a minute, 86 400 for a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timeframe(pub u32);

/// One closed bar of one symbol. A bar is an event at its close, never before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BarClosed {
    /// What it is about.
    pub symbol: Symbol,
    /// Its span.
    pub timeframe: Timeframe,
    /// The instant it closed at.
    pub closed_at: Timestamp,
    /// Its prices, raw, in USD.
    pub bar: Ohlcv,
}

/// Bars of the past, to warm a strategy up on; they lead to no signal and no order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    /// What they are about.
    pub symbol: Symbol,
    /// Their span.
    pub timeframe: Timeframe,
    /// The instant the last one closed at.
    pub last_close: Timestamp,
    /// The bars, oldest first, in today's price scale.
    pub bars: Vec<Ohlcv>,
}

/// What a company or an exchange does to a position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum CorporateAction {
    /// `from` shares became `to` shares.
    Split {
        /// What was split.
        symbol: Symbol,
        /// Shares before.
        from: u32,
        /// Shares after.
        to: u32,
    },
    /// Cash for each share held.
    Dividend {
        /// Who pays.
        symbol: Symbol,
        /// USD a share.
        per_share: Price,
    },
    /// The symbol no longer trades; what was held was paid out.
    Delisted {
        /// What ended.
        symbol: Symbol,
        /// USD a share, `None` for nothing.
        per_share: Option<Price>,
    },
}

/// What a person, or the watch over the engine, tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Open nothing and send nothing new; resting protection stays.
    Pause,
    /// Open nothing; exits go on.
    Reduce,
    /// Go on. Whoever sends it has compared the books.
    Resume,
    /// Halt: cancel entries, and protection too if `all`.
    Kill {
        /// Whether protective orders are canceled too.
        all: bool,
    },
    /// Let a strategy open again.
    Enable {
        /// Its name.
        strategy: String,
    },
    /// A strategy opens nothing more; its positions keep their exits.
    Disable {
        /// Its name.
        strategy: String,
    },
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A bar closed.
    Bar(BarClosed),
    /// Bars of the past, to warm up on.
    History(History),
    /// The best bid and offer changed.
    Quote(Quote),
    /// Somebody traded.
    Trade {
        /// What.
        symbol: Symbol,
        /// At which price.
        price: Price,
    },
    /// An order of ours changed its state otherwise than by a fill.
    Order {
        /// Which.
        id: ClientOrderId,
        /// How; a fill comes as [`Event::Fill`].
        change: OrderEvent,
    },
    /// An order of ours was executed, wholly or in part.
    Fill {
        /// The execution.
        fill: Fill,
        /// What it cost besides, USD.
        fee: Usd,
    },
    /// Shares were taken as a fee, as crypto venues do from what a purchase credits.
    Charged {
        /// Of what.
        symbol: Symbol,
        /// How many.
        qty: Qty,
    },
    /// Time passed; asked for by [`Action::WakeAt`](crate::Action::WakeAt).
    Timer,
    /// Regular trading began.
    SessionOpen(Session),
    /// Regular trading of the session ended.
    SessionClose {
        /// The session.
        date: NaiveDate,
    },
    /// The regime as of the last close.
    Regime(Regime),
    /// Shares changed otherwise than by trading.
    Corporate(CorporateAction),
    /// The exchange halted a symbol or let it trade again.
    Halt {
        /// Which.
        symbol: Symbol,
        /// Whether it is halted now.
        halted: bool,
    },
    /// What a person told.
    Command(Command),
    /// The way to the broker is open, or not.
    Connectivity {
        /// Whether it is.
        up: bool,
    },
    /// A rebalance is due by the calendar, with all it is decided on.
    Rebalance(Box<DecisionInputs>),
}

/// Shares of one strategy in something done for several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The strategy.
    pub strategy: String,
    /// Its part, in shares.
    pub qty: Qty,
    /// What it pays (below zero) or gets, fees included, USD.
    pub cash: Usd,
}
