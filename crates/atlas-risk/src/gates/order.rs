//! Gates that look at the order itself: symbol, quantity, duplicates, rates.

use atlas_core::{ClientOrderId, Qty, Side, Symbol as Ticker, Usd};
use chrono::TimeDelta;
use rust_decimal::Decimal;

use crate::context::Tradability;
use crate::gate::{Case, Gate, within};
use crate::limits::Shares;
use crate::verdict::{Effect, Finding, GateName};

/// The symbol is known and may be traded.
#[derive(Debug)]
pub(super) struct Symbol;

impl Gate for Symbol {
    fn name(&self) -> GateName {
        GateName::Symbol
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "the symbol is known to the market data and may be traded".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let symbol = &case.request.symbol;
        match (case.market.map(|market| &market.tradability), case.effect) {
            (Some(Tradability::Untradable(reason)), _) => {
                Finding::deny(format!("{symbol} may not be traded: {reason}"))
            }
            (Some(Tradability::Tradable | Tradability::Halted | Tradability::Restricted(_)), _) => {
                Finding::pass("the symbol may be traded")
            }
            // What is held exists: not knowing more must not trap it.
            (Some(Tradability::Unknown) | None, Effect::Reducing) => {
                Finding::warn(format!("nothing is known of {symbol} but that it is held"))
            }
            (Some(Tradability::Unknown) | None, Effect::Opening) => {
                Finding::deny(format!("nobody said whether {symbol} may be traded"))
            }
        }
    }
}

/// The symbol is not one that may only be sold.
#[derive(Debug)]
pub(super) struct Restricted;

impl Gate for Restricted {
    fn name(&self) -> GateName {
        GateName::Restricted
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "the symbol is not on the restricted list, whose symbols may only be sold".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        match case.market.map(|market| &market.tradability) {
            Some(Tradability::Restricted(reason)) => Finding::deny(format!(
                "{} may be sold but not bought: {reason}",
                case.request.symbol
            )),
            Some(
                Tradability::Tradable
                | Tradability::Untradable(_)
                | Tradability::Halted
                | Tradability::Unknown,
            )
            | None => Finding::pass("the symbol is not restricted"),
        }
    }
}

/// The quantity is above zero, small enough, and whole where it must be.
#[derive(Debug)]
pub(super) struct Quantity {
    pub(super) shares: Shares,
    pub(super) max: Qty,
}

impl Gate for Quantity {
    fn name(&self) -> GateName {
        GateName::Quantity
    }

    fn unit(&self) -> &'static str {
        "shares"
    }

    fn explain(&self) -> String {
        let whole = match self.shares {
            Shares::Whole => "whole but for crypto pairs (a fraction that is held may be sold off)",
            Shares::Fractional => "with fractions allowed",
        };
        format!("the quantity is above 0 and, where it opens, at most {} shares, {whole}", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let qty = case.request.qty;
        // A sale that leaves whole shares gets rid of a fraction, as after a split.
        let tidies = case.is_reducing() && case.after.is_some_and(Qty::is_whole);
        let divisible = self.shares == Shares::Fractional || case.request.symbol.is_crypto();
        let whole = divisible || qty.is_whole() || tidies;
        let finding = if qty.is_zero() {
            Finding::deny("the order is for no shares at all".into())
        } else if qty > self.max && !case.is_reducing() {
            Finding::deny(format!("{qty} shares are more than {}", self.max))
        } else if qty > self.max && whole {
            // What is held bounds an exit; a limit that has since become tighter must not trap it.
            Finding::warn(format!(
                "{qty} shares are more than {}, and what is held may be sold off",
                self.max
            ))
        } else if whole {
            Finding::pass("the quantity is one the venue takes")
        } else {
            Finding::deny(format!("{qty} is not a whole number of shares"))
        };
        finding.with(qty.value(), self.max.value())
    }
}

/// No order of ours on the symbol and side is on its way, or was sent within the window.
#[derive(Debug)]
pub(super) struct Duplicate {
    pub(super) window_seconds: u32,
}

impl Gate for Duplicate {
    fn name(&self) -> GateName {
        GateName::Duplicate
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        format!(
            "no other order on the same symbol and side is open, in the same batch, or was sent \
             within {} s; no two orders share an id",
            self.window_seconds
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let request = case.request;
        let context = case.context;
        let same = |id: &ClientOrderId, symbol: &Ticker, side: Side| {
            *id == request.client_order_id || (*symbol == request.symbol && side == request.side)
        };
        let open = context.open_orders.iter().find(|o| same(&o.client_order_id, &o.symbol, o.side));
        if let Some(order) = open {
            return Finding::deny(format!("order {} is still open", order.client_order_id));
        }
        let window = TimeDelta::seconds(i64::from(self.window_seconds));
        let recent = context.recent_orders.iter().find(|o| {
            o.client_order_id == request.client_order_id
                || (context.now - o.sent_at < window && same(&o.client_order_id, &o.symbol, o.side))
        });
        if let Some(order) = recent {
            return Finding::deny(format!(
                "order {} was sent at {}",
                order.client_order_id, order.sent_at
            ));
        }
        if case.repeated {
            return Finding::deny("the batch holds such an order already".into());
        }
        Finding::pass("there is no other order like it")
    }
}

/// Orders within the last minute; the hard limit, for exits too.
#[derive(Debug)]
pub(super) struct MessageRate {
    pub(super) max: u32,
}

impl Gate for MessageRate {
    fn name(&self) -> GateName {
        GateName::MessageRate
    }

    fn unit(&self) -> &'static str {
        "orders"
    }

    fn explain(&self) -> String {
        format!("at most {} orders are sent within 60 s", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        // The sequencer spaces a batch out; what counts here is what went out before.
        let count = case.context.activity.orders_last_minute.saturating_add(1);
        counted(count, self.max, "orders would have been sent within 60 s")
    }
}

/// Orders within the trading day.
#[derive(Debug)]
pub(super) struct OrdersPerDay {
    pub(super) max: u32,
}

impl Gate for OrdersPerDay {
    fn name(&self) -> GateName {
        GateName::OrdersPerDay
    }

    fn unit(&self) -> &'static str {
        "orders"
    }

    fn explain(&self) -> String {
        format!("at most {} orders are sent within a trading day", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let before = case.context.activity.orders_today.saturating_add(case.ledger.orders());
        counted(before.saturating_add(1), self.max, "orders would have been sent today")
    }
}

fn counted(count: u32, max: u32, what: &str) -> Finding {
    let finding = if count > max {
        Finding::deny(format!("{count} {what}; the most is {max}"))
    } else {
        Finding::pass("the number of orders keeps to its limit")
    };
    finding.with(Decimal::from(count), Decimal::from(max))
}

/// Nothing is sold that is not held and free.
#[derive(Debug)]
pub(super) struct LongOnly;

impl Gate for LongOnly {
    fn name(&self) -> GateName {
        GateName::LongOnly
    }

    fn unit(&self) -> &'static str {
        "shares"
    }

    fn explain(&self) -> String {
        "a sale is of at most the shares held minus those open sales already offer".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let request = case.request;
        if request.side == Side::Buy || case.is_reducing() {
            return Finding::pass("nothing is sold short");
        }
        let free = case.free;
        let text = format!("{} shares are to be sold, and {free} can be", request.qty);
        Finding::deny(text).with(request.qty.value(), free.value())
    }
}

/// The order is not larger than any one may be.
#[derive(Debug)]
pub(super) struct OrderNotional {
    pub(super) max: Usd,
}

impl Gate for OrderNotional {
    fn name(&self) -> GateName {
        GateName::OrderNotional
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        format!("an order is of at most {} USD at the worst price it can fill at", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(worst) = case.worst else {
            return Finding::missing("the order has no price to value it at");
        };
        let finding = if within(worst, self.max) {
            Finding::pass("the order is not too large")
        } else {
            Finding::deny(format!("the order is of {worst} USD; the most is {} USD", self.max))
        };
        finding.with(worst.value(), self.max.value())
    }
}
