//! Gates that look at states: of Atlas, of the market, of the regime.

use atlas_core::time::Mode;

use crate::context::{Authority, Entries, Hours, Phase, Tradability, TradingState};
use crate::gate::{Case, Gate};
use crate::verdict::{Effect, Finding, GateName};

/// Trading in the symbol is not halted.
#[derive(Debug)]
pub(super) struct SymbolHalt;

impl Gate for SymbolHalt {
    fn name(&self) -> GateName {
        GateName::SymbolHalt
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "the exchange has not halted trading in the symbol".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let halted = case.market.is_some_and(|m| m.tradability == Tradability::Halted);
        if halted {
            return Finding::deny(format!("trading in {} is halted", case.request.symbol));
        }
        Finding::pass("trading in the symbol is not halted")
    }
}

/// The state of Atlas and of the account allows such an order.
#[derive(Debug)]
pub(super) struct State;

impl Gate for State {
    fn name(&self) -> GateName {
        GateName::TradingState
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "ACTIVE opens and reduces, REDUCING reduces, PAUSED and HALTED reduce only by an \
         operator's command; an account the broker has blocked does nothing"
            .into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let context = case.context;
        if context.account.trading_blocked {
            return Finding::deny("the broker has blocked trading on the account".into());
        }
        let allowed = match (context.state, case.effect) {
            (TradingState::Active, _) | (TradingState::Reducing, Effect::Reducing) => true,
            (TradingState::Paused | TradingState::Halted, Effect::Reducing) => {
                context.authority == Authority::Operator
            }
            (
                TradingState::Reducing | TradingState::Paused | TradingState::Halted,
                Effect::Opening,
            ) => false,
        };
        if allowed {
            return Finding::pass("the state allows the order");
        }
        Finding::deny(format!("Atlas is {}, which allows no {} order", context.state, case.effect))
    }
}

/// The market is open, or the venue keeps the order until it is.
#[derive(Debug)]
pub(super) struct MarketHours;

impl Gate for MarketHours {
    fn name(&self) -> GateName {
        GateName::MarketHours
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "orders go out in market hours; outside of them a replay or paper account, whose venue \
         queues orders, is warned and a live one is denied"
            .into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        match (case.context.phase, case.context.hours, case.context.mode) {
            (Phase::Plan, ..) => Finding::pass("hours are looked at before sending"),
            (Phase::Send, Hours::Open, _) => Finding::pass("the market is open"),
            (Phase::Send, Hours::Closed, Mode::Replay | Mode::Paper) => {
                Finding::warn("the market is closed; the venue would queue the order".into())
            }
            (Phase::Send, Hours::Closed, Mode::Live) => {
                Finding::deny("the market is closed".into())
            }
        }
    }
}

/// The regime allows entries.
#[derive(Debug)]
pub(super) struct RegimeEntries;

impl Gate for RegimeEntries {
    fn name(&self) -> GateName {
        GateName::Regime
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "nothing is opened in a regime whose entries are blocked; crash always is".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let context = case.context;
        let crash = context.regime == atlas_core::Regime::Crash;
        if crash || context.entries == Entries::Blocked {
            return Finding::deny(format!("the {} regime allows no entries", context.regime));
        }
        Finding::pass("the regime allows entries")
    }
}
