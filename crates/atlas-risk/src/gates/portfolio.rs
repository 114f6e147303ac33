//! Gates that look at what would be held, and at the money for it.

use atlas_core::{Side, Usd, Weight};
use rust_decimal::Decimal;

use crate::gate::{Case, Gate, within};
use crate::verdict::{Finding, GateName};

/// The position is worth holding.
#[derive(Debug)]
pub(super) struct MinPosition {
    pub(super) min: Usd,
}

impl Gate for MinPosition {
    fn name(&self) -> GateName {
        GateName::MinPosition
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        format!("a position is of at least {} USD at the decision price", self.min)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if case.request.side == Side::Sell {
            return Finding::pass("a sale needs no least position");
        }
        let Some(position) = case.position else {
            return Finding::missing("the position cannot be valued");
        };
        let finding = if within(self.min, position) {
            Finding::pass("the position is large enough")
        } else {
            Finding::deny(format!(
                "the position would be {position} USD; the least is {} USD",
                self.min
            ))
        };
        finding.with(position.value(), self.min.value())
    }
}

/// No single position is too large a share of equity.
#[derive(Debug)]
pub(super) struct PositionSize {
    pub(super) warn: Weight,
    pub(super) deny: Weight,
}

impl Gate for PositionSize {
    fn name(&self) -> GateName {
        GateName::PositionSize
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        format!(
            "a position is at most {} of equity at the decision price (warning above {})",
            percent(self.deny),
            percent(self.warn)
        )
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let equity = case.context.equity;
        let limits = (equity.share(self.warn), equity.share(self.deny));
        let (Some(position), (Ok(warn), Ok(deny))) = (case.position, limits) else {
            return Finding::missing("the position cannot be valued");
        };
        let text = |limit, weight| {
            format!(
                "the position would be {position} USD, above {limit} USD ({} of equity)",
                percent(weight)
            )
        };
        if !within(position, deny) {
            return Finding::deny(text(deny, self.deny)).with(position.value(), deny.value());
        }
        if !within(position, warn) {
            return Finding::warn(text(warn, self.warn)).with(position.value(), warn.value());
        }
        Finding::pass("the position is not too large").with(position.value(), deny.value())
    }
}

/// Not too many positions at once.
#[derive(Debug)]
pub(super) struct MaxPositions {
    pub(super) max: u32,
}

impl Gate for MaxPositions {
    fn name(&self) -> GateName {
        GateName::MaxPositions
    }

    fn unit(&self) -> &'static str {
        "positions"
    }

    fn explain(&self) -> String {
        format!("at most {} positions are held, those not managed by Atlas included", self.max)
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        let Some(held) = case.before else {
            return Finding::missing("the position cannot be added up");
        };
        let new = case.request.side == Side::Buy && held.is_zero();
        let count = case.ledger.positions() + usize::from(new);
        let finding = if new && count > usize::try_from(self.max).unwrap_or(usize::MAX) {
            Finding::deny(format!("{count} positions would be held; the most is {}", self.max))
        } else {
            Finding::pass("the number of positions keeps to its limit")
        };
        finding.with(Decimal::from(count), Decimal::from(self.max))
    }
}

/// What is invested stays within the regime's budget, at decision prices.
#[derive(Debug)]
pub(super) struct TotalAllocation;

impl Gate for TotalAllocation {
    fn name(&self) -> GateName {
        GateName::TotalAllocation
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        "positions − sales + purchases, at decision prices, are at most equity × the regime's \
         allocation × the profile's cap (half a cent of tolerance)"
            .into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if case.is_reducing() {
            return Finding::pass("a sale lowers the allocation");
        }
        let exposure = case.ledger.exposure().and_then(|sum| sum.checked_add(case.notional?).ok());
        let Some(exposure) = exposure else {
            return Finding::missing("the exposure cannot be added up");
        };
        let budget = case.context.budget;
        let finding = if within(exposure, budget) {
            Finding::pass("the allocation keeps to the budget")
        } else {
            Finding::deny(format!(
                "{exposure} USD would be invested; the {} regime's budget is {budget} USD",
                case.context.regime
            ))
        };
        finding.with(exposure.value(), budget.value())
    }
}

/// The money is there: cash and the batch's sales pay for its purchases at their worst prices.
#[derive(Debug)]
pub(super) struct BuyingPower;

impl Gate for BuyingPower {
    fn name(&self) -> GateName {
        GateName::BuyingPower
    }

    fn unit(&self) -> &'static str {
        "USD"
    }

    fn explain(&self) -> String {
        "purchases at their worst prices cost at most what may be spent (the smaller of cash and \
         buying power, open purchases paid for) plus what the batch's sales bring at decision \
         prices"
            .into()
    }

    fn judge(&self, case: &Case<'_>) -> Finding {
        if case.request.side == Side::Sell {
            return Finding::pass("a sale brings money");
        }
        let (Some(cost), Some(funds)) = (case.worst, case.ledger.funds()) else {
            return Finding::missing("the cost or the funds cannot be added up");
        };
        let finding = if within(cost, funds) {
            Finding::pass("the money is there")
        } else {
            Finding::deny(format!("it may cost {cost} USD, and {funds} USD are there"))
        };
        finding.with(cost.value(), funds.value())
    }
}

/// A weight as a person writes it, such as `35 %`.
fn percent(weight: Weight) -> String {
    format!("{} %", (weight.value() * Decimal::ONE_HUNDRED).normalize())
}
