//! What a selection leaves undeployed, given to further candidates that pass every constraint first.

use std::collections::BTreeSet;

use atlas_core::{Qty, Rounding, Symbol, Usd, Weight};
use rust_decimal::Decimal;

use super::{Candidate, Cut, CutKind, Room, Sized, Sizing, Wishes, spread};
use crate::Error;
use crate::limits::{Limits, LimitsSpec, Shares};
use crate::verdict::GateName;

/// How much of the budget is meant to be at work, and what stays in cash whatever happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deployment {
    /// Share of the budget that is meant to be invested; the field uses 90 %.
    pub target: Weight,
    /// Money that is never spent, USD.
    pub reserve: Usd,
}

/// A rule of the caller's that a further candidate must pass: the cut that skips it, or nothing.
pub type Admission<'a> = &'a dyn Fn(&Candidate, Qty) -> Option<Cut>;

/// Spreads a budget as [`spread`] does and, where less than the deployment target is invested,
/// adds further candidates in the order given until it is reached.
///
/// A further candidate is added only once it has passed every constraint: it is not among those
/// sized already, a position is free, what is left of the budget and of the money pays for the
/// smallest position, the largest position allows one, and `admits` has nothing against it. It gets
/// as many shares as the distance to the target asks for, within those bounds. One that fails is
/// reported with the rule and both numbers, and the next is tried. Nobody who is sized already is
/// touched.
///
/// The reserve is taken from the money and from the budget before anything is sized.
///
/// # Errors
/// As [`spread`]; [`Error::Sizing`] for a negative reserve, or for a further candidate that is held,
/// whose sale the money counts on.
pub fn deploy(
    candidates: &[Candidate],
    wishes: &Wishes,
    further: &[Candidate],
    room: &Room,
    limits: &Limits,
    deployment: &Deployment,
    admits: Admission<'_>,
) -> Result<Sizing, Error> {
    let room = reserved(room, deployment.reserve)?;
    if let Some(held) = further.iter().find(|candidate| !candidate.held.is_zero()) {
        return Err(refused("held", held.held.to_string(), "0 for a further candidate"));
    }
    let sizing = spread(candidates, wishes, &room, limits)?;
    let goal = room.budget.share(deployment.target)?.value();
    let mut rest = Rest::new(candidates, &sizing, &room, limits.get(), goal)?;
    let mut added = sizing;
    let mut seen: BTreeSet<&Symbol> = candidates.iter().map(|c| &c.symbol).collect();
    for candidate in further {
        if rest.invested >= goal {
            break;
        }
        if !seen.insert(&candidate.symbol) {
            continue;
        }
        match rest.admit(candidate, admits) {
            Ok(target) => {
                let symbol = candidate.symbol.clone();
                rest.take(candidate, target);
                let worth = candidate.price.notional(target)?;
                added.invested = added.invested.checked_add(worth)?;
                added.targets.push(Sized { symbol, target, left_alone: false });
            }
            Err(cut) => added.cuts.push(*cut),
        }
    }
    Ok(added)
}

/// The room without the money that is never spent.
fn reserved(room: &Room, reserve: Usd) -> Result<Room, Error> {
    if reserve.is_negative() {
        return Err(refused("reserve", reserve.to_string(), "0 or more"));
    }
    let without = |amount: Usd| amount.checked_sub(reserve).map(|left| left.max(Usd::ZERO));
    Ok(Room {
        budget: room.budget.min(without(room.equity)?),
        // What is short of money stays so.
        funds: without(room.funds)?,
        ..*room
    })
}

/// What is left once the first candidates are sized.
struct Rest<'a> {
    limits: &'a LimitsSpec,
    /// The largest position, USD.
    cap: Decimal,
    budget: Decimal,
    /// What is meant to be invested, USD.
    goal: Decimal,
    invested: Decimal,
    funds: Decimal,
    /// One plus the fee.
    fee: Decimal,
    slots: usize,
    taken: usize,
}

impl<'a> Rest<'a> {
    fn new(
        candidates: &[Candidate],
        sizing: &Sizing,
        room: &Room,
        limits: &'a LimitsSpec,
        goal: Decimal,
    ) -> Result<Self, Error> {
        let fee = Decimal::ONE + room.fee.fraction();
        let mut funds = room.funds.value();
        for sized in &sizing.targets {
            let Some(candidate) = candidates.iter().find(|c| c.symbol == sized.symbol) else {
                continue;
            };
            let bought = sized.target.saturating_sub(candidate.held);
            let sold = candidate.held.saturating_sub(sized.target);
            funds -= candidate.buy_price.notional(bought)?.value() * fee;
            funds += candidate.price.notional(sold)?.value();
        }
        Ok(Self {
            limits,
            cap: room.equity.share(limits.position_deny)?.value(),
            budget: room.budget.value(),
            goal,
            invested: sizing.invested.value(),
            funds: funds.max(Decimal::ZERO),
            fee,
            slots: room.slots,
            taken: sizing.targets.len(),
        })
    }

    /// The shares a further candidate may have, or the first rule it fails.
    fn admit(&self, candidate: &Candidate, admits: Admission<'_>) -> Result<Qty, Box<Cut>> {
        let skip = |rule, value: Decimal, limit: Decimal, sentence: String| {
            let (symbol, kind) = (candidate.symbol.clone(), CutKind::Skipped);
            let (value, limit) = (value.normalize(), limit.normalize());
            Box::new(Cut { symbol, rule, kind, value, limit, sentence })
        };
        if self.taken >= self.slots {
            let (value, limit) = (Decimal::from(self.taken + 1), Decimal::from(self.slots));
            let text = format!("a further candidate finds no free one of {limit} positions");
            return Err(skip(GateName::MaxPositions, value, limit, text));
        }
        let (price, cost) = (candidate.price.value(), candidate.buy_price.value() * self.fee);
        let smallest = self.up((self.limits.min_position.value() / price).max(self.grain()));
        let needed = smallest * price;
        if needed > self.cap {
            let text = format!(
                "the smallest position costs {needed} USD, the largest is {} USD",
                self.cap
            );
            return Err(skip(GateName::PositionSize, needed, self.cap, text));
        }
        let left = self.budget - self.invested;
        if needed > left {
            let text = format!(
                "the smallest position costs {needed} USD, {left} USD of the budget are left"
            );
            return Err(skip(GateName::TotalAllocation, needed, left, text));
        }
        let bill = smallest * cost;
        if bill > self.funds {
            let text = format!(
                "the smallest position costs up to {bill} USD, {} USD are there",
                self.funds
            );
            return Err(skip(GateName::BuyingPower, bill, self.funds, text));
        }
        // The distance to the goal, rounded up, as far as every bound allows.
        let wanted = self.up((self.goal - self.invested) / price).max(smallest);
        let most = (self.cap.min(left) / price).min(self.funds / cost);
        let target = wanted.min(self.down(most)).max(smallest);
        let target = Qty::new(target)
            .map_err(|error| skip(GateName::Quantity, target, Decimal::ZERO, error.to_string()))?;
        match admits(candidate, target) {
            Some(cut) => Err(Box::new(cut)),
            None => Ok(target),
        }
    }

    fn take(&mut self, candidate: &Candidate, target: Qty) {
        self.invested += target.value() * candidate.price.value();
        self.funds -= target.value() * candidate.buy_price.value() * self.fee;
        self.taken += 1;
    }

    const fn decimals(&self) -> u32 {
        match self.limits.shares {
            Shares::Whole => 0,
            Shares::Fractional => 6,
        }
    }

    fn up(&self, shares: Decimal) -> Decimal {
        Rounding::Up.apply(shares, self.decimals())
    }

    fn down(&self, shares: Decimal) -> Decimal {
        Rounding::Down.apply(shares, self.decimals())
    }

    /// The smallest quantity that can be bought.
    fn grain(&self) -> Decimal {
        Decimal::new(1, self.decimals())
    }
}

const fn refused(name: &'static str, value: String, rule: &'static str) -> Error {
    Error::Sizing { method: "deployment", name, value, rule }
}

#[cfg(test)]
mod tests;
