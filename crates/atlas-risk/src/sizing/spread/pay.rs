//! Purchases scaled down to the money there is.

use rust_decimal::Decimal;

use super::{CutKind, GateName, Line, Rounding, Shares, Spread};

impl Spread<'_> {
    /// Scales purchases down to the money there is; false if a candidate was skipped over it.
    pub(super) fn pay(&mut self) -> bool {
        let fee = Decimal::ONE + self.room.fee.fraction();
        let cost = |line: &Line<'_>| line.candidate.buy_price.value() * fee;
        let sold: Decimal = self
            .lines
            .iter()
            .map(|line| (line.held() - line.target).max(Decimal::ZERO) * line.price())
            .sum();
        let funds = (self.room.funds.value() + sold).max(Decimal::ZERO);
        let needed: Decimal = self.lines.iter().map(|line| line.buys() * cost(line)).sum();
        if needed <= funds {
            return true;
        }
        // Rounded down, so that no sum of scaled purchases can exceed the money.
        let ratio = Rounding::Down.apply(funds / needed, 20);
        let mut left = funds;
        for index in 0..self.lines.len() {
            let buys = self.lines[index].buys();
            let exact = buys * ratio;
            let kept = self.floor(exact);
            let line = &mut self.lines[index];
            if buys.is_zero() {
                line.remainder = Decimal::ZERO;
                continue;
            }
            line.target = line.held() + kept;
            line.remainder = exact - kept;
            left -= kept * cost(line);
            let text = format!("purchases cost up to {needed} USD, and {funds} USD are there");
            self.cut(index, GateName::BuyingPower, CutKind::Reduced, needed, funds, text);
        }
        let mut order: Vec<usize> = (0..self.lines.len()).collect();
        order.sort_by(|a, b| self.lines[*b].remainder.cmp(&self.lines[*a].remainder));
        for index in order {
            let line = &mut self.lines[index];
            let fits = cost(line) <= left && !line.remainder.is_zero();
            if fits && self.limits.shares == Shares::Whole {
                line.target += Decimal::ONE;
                left -= cost(line);
            }
        }
        self.drop_one_too_small(needed, funds)
    }

    /// After scaling down: the lowest ranked purchase that misses the smallest position is skipped,
    /// or left as it is when shares are held.
    fn drop_one_too_small(&mut self, needed: Decimal, funds: Decimal) -> bool {
        let min = self.limits.min_position.value();
        for line in &mut self.lines {
            if !line.held().is_zero() && !line.buys().is_zero() && line.value() < min {
                line.target = line.held();
            }
        }
        let small = self.lines.iter().rposition(|line| line.held().is_zero() && line.value() < min);
        let empty = self.lines.iter().rposition(|line| line.target.is_zero());
        let Some(index) = small.or(empty) else { return true };
        let text = format!(
            "purchases cost up to {needed} USD, {funds} USD are there, and what is left for it is \
             below the smallest position of {min} USD"
        );
        self.skip(index, GateName::BuyingPower, needed, funds, text);
        false
    }
}
