//! What a decision sees of the account.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::time::Timestamp;
use atlas_core::{Account, Position, Symbol};
use atlas_risk::{Activity, BreakerStance, OpenOrder, Performance, RecentOrder, TradingState};
use serde::{Deserialize, Serialize};

/// The account as the broker and the journal report it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountSnapshot {
    /// The broker's money.
    pub account: Account,
    /// The broker's positions.
    pub positions: BTreeMap<Symbol, Position>,
    /// Orders that may still fill.
    pub open_orders: Vec<OpenOrder>,
    /// Orders sent lately that have ended; see [`RecentOrder`].
    pub recent_orders: Vec<RecentOrder>,
    /// Symbols whose positions Atlas opened or adopted, by the journal.
    pub owned: BTreeSet<Symbol>,
    /// The state Atlas is in.
    pub state: TradingState,
    /// What was sent before today.
    pub activity: Activity,
    /// How the account has done.
    pub performance: Performance,
    /// What the circuit breaker lets through.
    pub breaker: BreakerStance,
    /// When each symbol was last left with a loss, by the journal.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub last_losses: BTreeMap<Symbol, Timestamp>,
    /// Day trades within the last five sessions, by the journal; `None` where nobody counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_trades: Option<u32>,
}

impl AccountSnapshot {
    /// An account without a past: nothing open, nothing owned, nothing sent, ACTIVE.
    #[must_use]
    pub const fn fresh(account: Account, positions: BTreeMap<Symbol, Position>) -> Self {
        Self {
            account,
            positions,
            open_orders: Vec::new(),
            recent_orders: Vec::new(),
            owned: BTreeSet::new(),
            state: TradingState::Active,
            activity: Activity::NONE,
            performance: Performance::NEW,
            breaker: BreakerStance::Closed,
            last_losses: BTreeMap::new(),
            day_trades: Some(0),
        }
    }
}
