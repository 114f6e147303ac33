//! Gates that look at what the account has done: turnover, loss of the day, drawdown.

use atlas_core::{Usd, Weight};
use rust_decimal::Decimal;

use crate::breaker::BreakerStance;
use crate::gate::{Case, Gate, within};
use crate::verdict::{Finding, GateName};

/// Dollars traded within the day.
#[derive(Debug)]
pub(super) struct Turnover {
    pub(super) multiple: Decimal,
}

impl Gate for Turnover {
    fn name(&self) -> GateName {
        GateName::Turnover
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        format!("sales and purchases of a day add up to at most {} × equity", self.multiple)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let context = case.context;
        let traded = case.ledger.traded().and_then(|batch| {
            let before = context.activity.traded_today.checked_add(batch).ok()?;
            before.checked_add(case.notional?).ok()
        });
        let limit = context.equity.value().checked_mul(self.multiple);
        let (Some(traded), Some(Ok(limit))) = (traded, limit.map(Usd::new)) else {
            return Finding::missing("the turnover cannot be added up");
        };
        let finding = if within(traded, limit) {
            Finding::pass("the turnover keeps to its limit")
        } else {
            Finding::deny(format!("{traded} USD would be traded today; the most is {limit} USD"))
        };
        finding.with(traded.value(), limit.value())
    }
}

/// The loss of the day.
#[derive(Debug)]
pub(super) struct DailyLoss {
    pub(super) max: Weight,
}

impl Gate for DailyLoss {
    fn name(&self) -> GateName {
        GateName::DailyLoss
    }

    fn unit(&self) -> &'static str {
        "share of equity"
    }

    fn explain(&self) -> String {
        format!("nothing is opened once the day has lost {} of equity or more", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(change) = case.context.performance.day_return else {
            return Finding::missing("the day's return is not known");
        };
        let loss = (-change).max(Decimal::ZERO);
        let finding = if loss >= self.max.value() {
            Finding::deny(format!("the day has lost {loss} of equity; the limit is {}", self.max))
        } else {
            Finding::pass("the day's loss keeps to its limit")
        };
        finding.with(loss, self.max.value())
    }
}

/// The fall from the highest equity.
#[derive(Debug)]
pub(super) struct Drawdown {
    pub(super) warn: Weight,
    pub(super) deny: Weight,
}

impl Gate for Drawdown {
    fn name(&self) -> GateName {
        GateName::Drawdown
    }

    fn unit(&self) -> &'static str {
        "share of peak equity"
    }

    fn explain(&self) -> String {
        format!(
            "nothing is opened once equity is {} or more below its peak (warning from {})",
            self.deny, self.warn
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(drawdown) = case.context.performance.drawdown else {
            return Finding::missing("the drawdown is not known");
        };
        let text = || format!("equity is {drawdown} below its peak; the limit is {}", self.deny);
        let finding = if drawdown >= self.deny.value() {
            Finding::deny(text())
        } else if drawdown >= self.warn.value() {
            Finding::warn(text())
        } else {
            Finding::pass("the drawdown keeps to its limit")
        };
        finding.with(drawdown, self.deny.value())
    }
}

/// The circuit breaker is not open.
#[derive(Debug)]
pub(super) struct Breaker;

impl Gate for Breaker {
    fn name(&self) -> GateName {
        GateName::CircuitBreaker
    }

    fn unit(&self) -> &'static str {
        ""
    }

    fn explain(&self) -> String {
        "nothing is opened while the circuit breaker is open; half open is warned about".into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        match case.context.breaker {
            BreakerStance::Closed => Finding::pass("the circuit breaker is closed"),
            BreakerStance::HalfOpen => Finding::warn("the circuit breaker is half open".into()),
            BreakerStance::Open => Finding::deny("the circuit breaker is open".into()),
        }
    }
}
