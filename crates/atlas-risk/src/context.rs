//! What the gates look at: the account, the market and the clock, as fresh as the caller has them.

use std::collections::BTreeMap;
use std::fmt;

use atlas_core::time::{Mode, Timestamp};
use atlas_core::{Account, ClientOrderId, Position, Price, Qty, Quote, Regime, Side, Symbol, Usd};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::breaker::BreakerStance;

/// Everything an order is judged against.
///
/// When a plan is judged, `equity` and `budget` are those of the plan being made. Before a send
/// they are those of the journaled plan, so that what was allowed at decision prices stays allowed;
/// account, positions, orders, quotes and clock are asked again.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The present.
    pub now: Timestamp,
    /// Whether a plan is judged or a send.
    pub phase: Phase,
    /// Replay, paper or live.
    pub mode: Mode,
    /// The state Atlas is in.
    pub state: TradingState,
    /// Who asks.
    pub authority: Authority,
    /// Whether the market is open; looked at before a send only.
    pub hours: Hours,
    /// The regime that counts.
    pub regime: Regime,
    /// Whether the regime allows entries.
    pub entries: Entries,
    /// Equity at decision prices, USD.
    pub equity: Usd,
    /// What may be invested at decision prices, USD: equity × allocation × the profile's cap.
    pub budget: Usd,
    /// The account's money.
    pub account: &'a Account,
    /// Every position on the account, those Atlas does not manage included.
    pub positions: &'a BTreeMap<Symbol, Position>,
    /// Orders that may still fill.
    pub open_orders: &'a [OpenOrder],
    /// Orders sent lately that have ended; see [`RecentOrder`].
    pub recent_orders: &'a [RecentOrder],
    /// What is known of each symbol.
    pub market: &'a BTreeMap<Symbol, SymbolMarket>,
    /// The session the decision prices must be of.
    pub decision_session: NaiveDate,
    /// What was sent before.
    pub activity: Activity,
    /// How the account has done.
    pub performance: Performance,
    /// What the circuit breaker lets through.
    pub breaker: BreakerStance,
}

/// Whether a plan is judged or a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// The plan, after the close: there are no quotes, and the market is closed.
    Plan,
    /// The moment before an order goes out: a quote is required.
    Send,
}

/// The state of Atlas, which survives restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TradingState {
    /// Everything is allowed.
    Active,
    /// No entries; exits go on.
    Reducing,
    /// Nothing but what an operator commands to be reduced.
    Paused,
    /// Nothing but an operator's flattening.
    Halted,
}

impl fmt::Display for TradingState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Active => "ACTIVE",
            Self::Reducing => "REDUCING",
            Self::Paused => "PAUSED",
            Self::Halted => "HALTED",
        })
    }
}

/// Who asks for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Authority {
    /// The engine, by a plan.
    Engine,
    /// A person, by a recorded command to reduce or flatten.
    Operator,
}

/// Whether the market is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hours {
    /// Regular trading goes on.
    Open,
    /// It does not.
    Closed,
}

/// Whether the regime allows entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entries {
    /// It does.
    Allowed,
    /// It does not.
    Blocked,
}

/// Whether a symbol may be traded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tradability {
    /// It may.
    Tradable,
    /// It may not, for this reason.
    Untradable(String),
    /// Trading is halted at present.
    Halted,
    /// It may be sold, not bought, for this reason.
    Restricted(String),
    /// Nobody said.
    Unknown,
}

/// What is known of one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolMarket {
    /// The close the decision rests on.
    pub decision_price: Price,
    /// The session of that close.
    pub session: NaiveDate,
    /// The latest quote, if there is one.
    pub quote: Option<Quote>,
    /// Whether it may be traded.
    pub tradability: Tradability,
}

/// An order that may still fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// Its name.
    pub client_order_id: ClientOrderId,
    /// What it trades.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares not filled yet.
    pub leaves_qty: Qty,
    /// Its limit, if it has one.
    pub limit_price: Option<Price>,
}

/// An order that was sent and has ended. One that was canceled, expired or rejected without a
/// fill moved nothing and may be left out, so that it can be replaced at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecentOrder {
    /// Its name.
    pub client_order_id: ClientOrderId,
    /// What it traded.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// What was sent before on this account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Activity {
    /// Orders sent within the last 60 seconds.
    pub orders_last_minute: u32,
    /// Orders sent within the trading day.
    pub orders_today: u32,
    /// Dollars traded within the trading day, buys and sells added up.
    pub traded_today: Usd,
}

impl Activity {
    /// Nothing was sent before.
    pub const NONE: Self = Self { orders_last_minute: 0, orders_today: 0, traded_today: Usd::ZERO };
}

/// How the account has done, deposits and withdrawals excluded. What is unknown denies entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Performance {
    /// Equity over the day's opening equity, minus one; negative for a loss.
    pub day_return: Option<Decimal>,
    /// Fall from the highest equity as a share of it, zero at the peak.
    pub drawdown: Option<Decimal>,
}

impl Performance {
    /// That of an account without a past.
    pub const NEW: Self = Self { day_return: Some(Decimal::ZERO), drawdown: Some(Decimal::ZERO) };
}

impl Context<'_> {
    /// The price a position is valued at: the decision price, for symbols without one the broker's.
    pub(crate) fn price(&self, symbol: &Symbol) -> Option<Price> {
        let decided = self.market.get(symbol).map(|market| market.decision_price);
        decided.or_else(|| self.positions.get(symbol).map(|position| position.current_price))
    }
}
