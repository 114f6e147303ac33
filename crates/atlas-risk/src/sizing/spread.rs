//! A budget spread over ranked candidates, in shares, within every limit.

use atlas_core::{Qty, Rounding, Usd};
use rust_decimal::Decimal;

use super::{Candidate, Cut, CutKind, Room, Sized, Sizing};
use crate::Error;
use crate::limits::{Limits, LimitsSpec, Shares};
use crate::verdict::GateName;

/// How much of the budget each candidate is meant to get, before limits.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wishes {
    /// All alike.
    Equal,
    /// In proportion to these weights, one a candidate, zero or more; they need not add up to one.
    Weights(Vec<Decimal>),
    /// These dollars, one a candidate, zero or more; scaled down alike where they exceed the budget.
    Dollars(Vec<Usd>),
}

/// Spreads a budget evenly over ranked candidates, in shares: [`spread`] with [`Wishes::Equal`].
///
/// # Errors
/// As [`spread`].
pub fn equal_weight(
    candidates: &[Candidate],
    room: &Room,
    limits: &Limits,
) -> Result<Sizing, Error> {
    spread(candidates, &Wishes::Equal, room, limits)
}

/// Spreads a budget over ranked candidates, in shares.
///
/// 1. Candidates beyond the free slots are skipped, the lowest ranked first.
/// 2. Each gets its part of the budget, at most the profile's largest position, rounded down to shares.
/// 3. Below the smallest position it is raised to it, if the largest position allows, else
///    skipped; the others then share anew. If raising overdraws the budget, the lowest ranked is
///    skipped.
/// 4. Held positions within the drift band of their part stay as they are, where limits allow.
/// 5. What rounding left over goes to the others, one share a candidate, largest remainder first,
///    then rank; not where dollars are wished, which stand for a risk.
/// 6. Where purchases at their worst prices exceed the money, all are scaled down alike.
///
/// The same input gives the same result; the sum of targets at decision prices never exceeds the
/// budget, nor a position the profile's largest.
///
/// # Errors
/// [`Error::Sizing`] if wishes are negative or not one a candidate; [`Error::Money`] if an amount
/// overflows.
///
/// # Examples
/// ```
/// use atlas_core::{Bps, Qty, Weight};
/// use atlas_risk::Profile;
/// use atlas_risk::sizing::{Candidate, Room, equal_weight};
///
/// let candidate = |symbol: &str, price: &str| -> Result<_, atlas_core::Error> {
///     Ok(Candidate {
///         symbol: symbol.parse()?,
///         price: price.parse()?,
///         buy_price: price.parse()?,
///         held: Qty::ZERO,
///     })
/// };
/// let room = Room {
///     equity: "10000".parse()?,
///     budget: "7000".parse()?,
///     funds: "10000".parse()?,
///     fee: Bps::ZERO,
///     slots: 30,
///     drift_band: Weight::ZERO,
/// };
/// let limits = Profile::Racehorse.limits().check()?;
/// let sizing = equal_weight(&[candidate("A", "300")?, candidate("B", "480")?], &room, &limits)?;
/// let shares: Vec<Qty> = sizing.targets.iter().map(|sized| sized.target).collect();
/// // 11 × 300 and 7 × 480; the 340 left buy one more of A.
/// assert_eq!(shares, [Qty::from_shares(12), Qty::from_shares(7)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn spread(
    candidates: &[Candidate],
    wishes: &Wishes,
    room: &Room,
    limits: &Limits,
) -> Result<Sizing, Error> {
    let mut method = Spread::new(candidates, wishes, room, limits.get())?;
    method.slots();
    while !method.lines.is_empty() && !method.share() {}
    method.finish()
}

/// One candidate on its way to a target; money as plain decimals, whose sums are checked once at
/// the end.
struct Line<'a> {
    candidate: &'a Candidate,
    rank: usize,
    /// Weight or dollars, as the wishes say.
    wish: Decimal,
    /// Its part of the budget in the present round, USD.
    part: Decimal,
    target: Decimal,
    remainder: Decimal,
    /// Whether it stays as it is, within the drift band.
    left_alone: bool,
}

impl Line<'_> {
    fn price(&self) -> Decimal {
        self.candidate.price.value()
    }

    fn value(&self) -> Decimal {
        self.target * self.price()
    }

    fn held(&self) -> Decimal {
        self.candidate.held.value()
    }

    /// Shares to be bought.
    fn buys(&self) -> Decimal {
        (self.target - self.held()).max(Decimal::ZERO)
    }
}

struct Spread<'a> {
    room: &'a Room,
    limits: &'a LimitsSpec,
    /// The largest position, USD.
    cap: Decimal,
    /// Whether wishes are dollars, not weights.
    in_dollars: bool,
    lines: Vec<Line<'a>>,
    /// Cuts that stand whatever the next round brings, and those of the present round.
    skipped: Vec<(usize, Cut)>,
    round: Vec<(usize, Cut)>,
}

impl<'a> Spread<'a> {
    fn new(
        candidates: &'a [Candidate],
        wishes: &'a Wishes,
        room: &'a Room,
        limits: &'a LimitsSpec,
    ) -> Result<Self, Error> {
        let wished = wished(wishes, candidates.len())?;
        let line = |(rank, (candidate, wish))| Line {
            candidate,
            rank,
            wish,
            part: Decimal::ZERO,
            target: Decimal::ZERO,
            remainder: Decimal::ZERO,
            left_alone: false,
        };
        Ok(Self {
            room,
            limits,
            cap: room.equity.share(limits.position_deny)?.value(),
            lines: candidates.iter().zip(wished).enumerate().map(line).collect(),
            in_dollars: matches!(wishes, Wishes::Dollars(_)),
            skipped: Vec::new(),
            round: Vec::new(),
        })
    }

    /// Skips what has no free slot.
    fn slots(&mut self) {
        let (asked, slots) = (Decimal::from(self.lines.len()), self.room.slots);
        while self.lines.len() > slots {
            let limit = Decimal::from(slots);
            let text = format!("{asked} candidates compete for {slots} free positions");
            self.skip(self.lines.len() - 1, GateName::MaxPositions, asked, limit, text);
        }
    }

    /// One round over the candidates left; false if one was skipped and the rest must share anew.
    fn share(&mut self) -> bool {
        self.round.clear();
        let budget = self.room.budget.value().max(Decimal::ZERO);
        self.parts(budget);
        for index in 0..self.lines.len() {
            if !self.first_target(index) {
                return false;
            }
        }
        let total: Decimal = self.lines.iter().map(Line::value).sum();
        if total > budget {
            let text = format!(
                "the smallest positions of {} candidates cost {total} USD, the budget is {budget} USD",
                self.lines.len()
            );
            let last = self.lines.len() - 1;
            self.skip(last, GateName::TotalAllocation, total, budget, text);
            return false;
        }
        let total = self.keep_what_is_near(budget, total);
        self.fill_up(budget - total);
        self.pay()
    }

    /// Gives each its part of the budget, rounded down at nine decimals.
    fn parts(&mut self, budget: Decimal) {
        let sum: Decimal = self.lines.iter().map(|line| line.wish).sum();
        let scale = if sum.is_zero() || (self.in_dollars && sum <= budget) {
            Decimal::ONE
        } else {
            // Rounded down, so that parts never add up to more than the budget.
            Rounding::Down.apply(budget / sum, 18)
        };
        for line in &mut self.lines {
            line.part = Rounding::Down.apply(line.wish * scale, 9);
        }
    }

    /// The part in shares, within the smallest and the largest position; false if skipped.
    fn first_target(&mut self, index: usize) -> bool {
        let (cap, part) = (self.cap, self.lines[index].part);
        if part.is_zero() {
            let min = self.limits.min_position.value();
            let text = "its part of the budget is nothing".to_owned();
            self.skip(index, GateName::MinPosition, part, min, text);
            return false;
        }
        let wanted = part.min(cap);
        let min = self.limits.min_position.value();
        let price = self.lines[index].price();
        let exact = wanted / price;
        let mut target = self.floor(exact);
        if part > cap {
            let text = format!("its part of {part} USD is above the largest position of {cap} USD");
            self.cut(index, GateName::PositionSize, CutKind::Reduced, part, cap, text);
        }
        if target * price < min || target.is_zero() {
            let raised = self.ceil((min / price).max(self.smallest()));
            let (value, needed) = (target * price, raised * price);
            if needed > cap {
                let text = format!(
                    "the smallest position costs {needed} USD, and the largest allowed is {cap} USD"
                );
                self.skip(index, GateName::PositionSize, needed, cap, text);
                return false;
            }
            target = raised;
            let text = format!("its part buys {value} USD; raised to {needed} USD");
            self.cut(index, GateName::MinPosition, CutKind::Raised, value, min, text);
        }
        let line = &mut self.lines[index];
        line.target = target;
        line.remainder = (exact - target).max(Decimal::ZERO);
        line.left_alone = false;
        true
    }

    /// Gives out what rounding left over, one share a candidate, largest remainder first.
    fn fill_up(&mut self, mut left: Decimal) {
        // Dollars are wished for a risk they stand for: never a share more.
        if self.limits.shares == Shares::Fractional || self.in_dollars {
            return;
        }
        let cap = self.cap;
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        order.sort_by(|a, b| self.lines[*b].remainder.cmp(&self.lines[*a].remainder));
        for index in order {
            let line = &mut self.lines[index];
            let more = line.price();
            if !line.left_alone && more <= left && line.value() + more <= cap {
                line.target += Decimal::ONE;
                left -= more;
            }
        }
    }

    /// Leaves held positions within the drift band alone, where budget and largest position allow;
    /// gives what the targets are worth together.
    fn keep_what_is_near(&mut self, budget: Decimal, mut total: Decimal) -> Decimal {
        let band = self.room.drift_band.value();
        if band.is_zero() {
            return total;
        }
        let (cap, min) = (self.cap, self.limits.min_position.value());
        for line in &mut self.lines {
            let kept = line.held() * line.price();
            let after = total - line.value() + kept;
            // Measured from the part itself: rounding to shares is no drift. Above the part only
            // where the smallest position is.
            let goal = line.part.min(cap).max(line.value());
            let near = (kept - goal).abs() <= band * line.part;
            if near && kept >= min && kept <= cap && after <= budget && !line.held().is_zero() {
                line.target = line.held();
                line.left_alone = true;
                total = after;
            }
        }
        total
    }

    fn finish(mut self) -> Result<Sizing, Error> {
        let mut invested = Usd::ZERO;
        let mut targets = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let target = Qty::new(line.target)?;
            invested = invested.checked_add(line.candidate.price.notional(target)?)?;
            let symbol = line.candidate.symbol.clone();
            targets.push(Sized { symbol, target, left_alone: line.left_alone });
        }
        self.skipped.append(&mut self.round);
        self.skipped.sort_by_key(|(rank, _)| *rank);
        let cuts = self.skipped.into_iter().map(|(_, cut)| cut).collect();
        Ok(Sizing { targets, cuts, invested })
    }

    fn cut(
        &mut self,
        index: usize,
        rule: GateName,
        kind: CutKind,
        value: Decimal,
        limit: Decimal,
        sentence: String,
    ) {
        let line = &self.lines[index];
        let symbol = line.candidate.symbol.clone();
        let (value, limit) = (value.normalize(), limit.normalize());
        self.round.push((line.rank, Cut { symbol, rule, kind, value, limit, sentence }));
    }

    fn skip(&mut self, index: usize, rule: GateName, value: Decimal, limit: Decimal, text: String) {
        self.cut(index, rule, CutKind::Skipped, value, limit, text);
        self.skipped.extend(self.round.pop());
        self.round.clear();
        self.lines.remove(index);
    }

    /// Rounded down to what can be bought.
    fn floor(&self, shares: Decimal) -> Decimal {
        match self.limits.shares {
            Shares::Whole => shares.trunc(),
            Shares::Fractional => Rounding::Down.apply(shares, 6),
        }
    }

    fn ceil(&self, shares: Decimal) -> Decimal {
        match self.limits.shares {
            Shares::Whole => shares.ceil(),
            Shares::Fractional => Rounding::Up.apply(shares, 6),
        }
    }

    /// The smallest quantity that can be bought.
    const fn smallest(&self) -> Decimal {
        match self.limits.shares {
            Shares::Whole => Decimal::ONE,
            Shares::Fractional => Decimal::from_parts(1, 0, 0, false, 6),
        }
    }
}

/// One wish a candidate, none of them negative.
fn wished(wishes: &Wishes, candidates: usize) -> Result<Vec<Decimal>, Error> {
    let wished: Vec<Decimal> = match wishes {
        Wishes::Equal => return Ok(vec![Decimal::ONE; candidates]),
        Wishes::Weights(weights) => weights.clone(),
        Wishes::Dollars(dollars) => dollars.iter().map(|amount| amount.value()).collect(),
    };
    let wrong =
        |value: String, rule| Error::Sizing { method: "spread", name: "wishes", value, rule };
    if wished.len() != candidates {
        return Err(wrong(wished.len().to_string(), "one a candidate"));
    }
    match wished.iter().find(|wish| wish.is_sign_negative() && !wish.is_zero()) {
        Some(wish) => Err(wrong(wish.to_string(), "0 or more")),
        None => Ok(wished),
    }
}

mod pay;

#[cfg(test)]
mod tests;
