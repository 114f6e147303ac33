//! What the journal tells the desk's gates of the past: losses by symbol, and day trades.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::session::Session;
use crate::state::{State, trading_day};

/// Losses and day trades of an account, as of a moment.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Past {
    /// When each symbol was last left with a loss.
    pub last_losses: BTreeMap<Symbol, Timestamp>,
    /// Day trades within the last five sessions; `None` outside of the calendar.
    pub day_trades: Option<u32>,
}

impl Past {
    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Session {
    /// What the journal knows of losses and day trades now.
    #[must_use]
    pub fn past(&self) -> Past {
        Past {
            last_losses: last_losses(self.state()),
            day_trades: day_trades(self.state(), trading_day(self.now())),
        }
    }
}

/// A sale of ours that realised less than its shares had cost, by symbol, the latest.
fn last_losses(state: &State) -> BTreeMap<Symbol, Timestamp> {
    let mut latest: BTreeMap<Symbol, Timestamp> = BTreeMap::new();
    for tracked in state.orders().values().filter(|tracked| tracked.realised.is_negative()) {
        let Some(at) = tracked.fills.iter().map(|fill| fill.ts_event).max() else { continue };
        let symbol = tracked.order.request().symbol.clone();
        latest.entry(symbol).and_modify(|last| *last = at.max(*last)).or_insert(at);
    }
    latest
}

/// Purchases and sales of the same symbol on the same day: as many as there were orders of the rarer
/// side, within five sessions up to `today`.
fn day_trades(state: &State, today: NaiveDate) -> Option<u32> {
    let mut first = today;
    for _ in 0..4 {
        first = Calendar::nyse().previous_session(first).ok()?.date;
    }
    let mut sides: BTreeMap<(Symbol, NaiveDate), (u32, u32)> = BTreeMap::new();
    for tracked in state.orders().values() {
        let request = tracked.order.request();
        let days: BTreeSet<NaiveDate> =
            tracked.fills.iter().map(|fill| trading_day(fill.ts_event)).collect();
        for day in days.into_iter().filter(|day| *day >= first) {
            let (bought, sold) = sides.entry((request.symbol.clone(), day)).or_default();
            match request.side {
                Side::Buy => *bought += 1,
                Side::Sell => *sold += 1,
            }
        }
    }
    Some(sides.values().map(|(bought, sold)| *bought.min(sold)).sum())
}
