//! What can go wrong around an order, one thing at a time.

use std::collections::BTreeMap;

use atlas_core::time::Mode;
use atlas_core::{Qty, Regime, Side, Usd};
use chrono::TimeDelta;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::price;
use crate::breaker::BreakerStance;
use crate::context::{
    Authority, Entries, Hours, OpenOrder, Performance, Tradability, TradingState,
};
use crate::controls::Scene;

/// Something that goes wrong around an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    NoMarket,
    NoQuote,
    StaleQuote,
    OneSidedQuote,
    StaleData,
    UnknownDay,
    UnknownDrawdown,
    Loss,
    BreakerOpen,
    NoBudget,
    NoCash,
    NoEquity,
    Crash,
    EntriesBlocked,
    Reducing,
    Paused,
    Halted,
    OperatorFlattens,
    AccountBlocked,
    LiveAndClosed,
    SymbolHalted,
    Restricted,
    Untradable,
    RateExceeded,
    DayExceeded,
    OpenTwin,
}

const TROUBLES: [Trouble; 26] = [
    Trouble::NoMarket,
    Trouble::NoQuote,
    Trouble::StaleQuote,
    Trouble::OneSidedQuote,
    Trouble::StaleData,
    Trouble::UnknownDay,
    Trouble::UnknownDrawdown,
    Trouble::Loss,
    Trouble::BreakerOpen,
    Trouble::NoBudget,
    Trouble::NoCash,
    Trouble::NoEquity,
    Trouble::Crash,
    Trouble::EntriesBlocked,
    Trouble::Reducing,
    Trouble::Paused,
    Trouble::Halted,
    Trouble::OperatorFlattens,
    Trouble::AccountBlocked,
    Trouble::LiveAndClosed,
    Trouble::SymbolHalted,
    Trouble::Restricted,
    Trouble::Untradable,
    Trouble::RateExceeded,
    Trouble::DayExceeded,
    Trouble::OpenTwin,
];

pub(super) fn trouble() -> impl Strategy<Value = Trouble> {
    prop::sample::select(TROUBLES.to_vec())
}

impl Trouble {
    pub(super) fn stops_entries(self) -> bool {
        // Everything does: nothing is opened on a number that is not there.
        TROUBLES.contains(&self)
    }

    pub(super) const fn stops_exits(self) -> bool {
        matches!(
            self,
            Self::Paused
                | Self::Halted
                | Self::AccountBlocked
                | Self::SymbolHalted
                | Self::Untradable
                | Self::RateExceeded
        )
    }

    pub(super) fn strike(self, scene: &mut Scene) {
        let now = scene.now;
        let tradability = |scene: &mut Scene, to| scene.entry().unwrap().tradability = to;
        match self {
            Self::NoMarket => scene.market = BTreeMap::new(),
            Self::NoQuote => scene.entry().unwrap().quote = None,
            Self::StaleQuote => {
                let quote = scene.entry().unwrap().quote.as_mut().unwrap();
                quote.ts_event = now - TimeDelta::hours(1);
            }
            Self::OneSidedQuote => scene.entry().unwrap().quote.as_mut().unwrap().bid = None,
            Self::StaleData => scene.entry().unwrap().session -= TimeDelta::days(1),
            Self::UnknownDay => {
                scene.performance = Performance { day_return: None, ..scene.performance };
            }
            Self::UnknownDrawdown => {
                scene.performance = Performance { drawdown: None, ..scene.performance };
            }
            Self::Loss => scene.performance.day_return = Some(Decimal::new(-5, 2)),
            Self::BreakerOpen => scene.breaker = BreakerStance::Open,
            Self::NoBudget => scene.budget = Usd::ZERO,
            Self::NoCash => scene.account.cash = Usd::ZERO,
            Self::NoEquity => scene.equity = Usd::ZERO,
            Self::Crash => scene.regime = Regime::Crash,
            Self::EntriesBlocked => scene.entries = Entries::Blocked,
            Self::Reducing => scene.state = TradingState::Reducing,
            Self::Paused => scene.state = TradingState::Paused,
            Self::Halted => scene.state = TradingState::Halted,
            Self::OperatorFlattens => {
                scene.state = TradingState::Halted;
                scene.authority = Authority::Operator;
            }
            Self::AccountBlocked => scene.account.trading_blocked = true,
            Self::LiveAndClosed => {
                scene.mode = Mode::Live;
                scene.hours = Hours::Closed;
            }
            Self::SymbolHalted => tradability(scene, Tradability::Halted),
            Self::Restricted => tradability(scene, Tradability::Restricted("list".into())),
            Self::Untradable => tradability(scene, Tradability::Untradable("gone".into())),
            Self::RateExceeded => scene.activity.orders_last_minute = 100,
            Self::DayExceeded => scene.activity.orders_today = 500,
            Self::OpenTwin => scene.open_orders.push(OpenOrder {
                client_order_id: "atlas-model-0-twin".parse().unwrap(),
                symbol: scene.request.symbol.clone(),
                side: Side::Buy,
                leaves_qty: Qty::from_shares(1),
                limit_price: Some(price(10_000)),
            }),
        }
    }
}
