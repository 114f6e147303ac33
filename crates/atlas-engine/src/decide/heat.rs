//! Purchases scaled down to what the heat limit leaves.

use std::collections::BTreeMap;

use atlas_core::{Price, Qty, Rounding, Side, Symbol, Usd, Weight};
use atlas_risk::sizing::{Cut, CutKind, Sized, Sizing};
use atlas_risk::{Desk, Entries, GateName, Shares};
use rust_decimal::Decimal;

use super::Frame;
use super::desire::Desires;
use crate::Error;
use crate::falls::Falls;

/// The falls of a decision: to the levels the selector leaves at, else the policy's disaster move.
pub(super) fn falls(frame: &Frame<'_>, desires: &Desires) -> Result<Falls, Error> {
    let held = |symbol: &Symbol| frame.book.snapshot.positions.contains_key(symbol);
    let mut levels = BTreeMap::new();
    for (symbol, fall) in &desires.stops {
        if held(symbol) || desires.wanted.contains(symbol) {
            levels.insert(symbol.clone(), Weight::new(*fall)?);
        }
    }
    Ok(Falls { levels, otherwise: frame.policy.disaster_move })
}

/// What the gate of heat looks at: the stops of all that is held, being bought or wanted.
pub(super) fn desk(frame: &Frame<'_>, falls: &Falls) -> Result<Desk, Error> {
    let snapshot = frame.book.snapshot;
    let opening = snapshot.open_orders.iter().map(|order| &order.symbol);
    let symbols = snapshot.positions.keys().chain(opening).chain(falls.levels.keys());
    falls.desk(symbols.filter_map(|symbol| Some((symbol, frame.book.price(symbol)?))))
}

/// Scales purchases down alike to what the heat limit leaves for them, rounded down; a new position
/// that falls below the smallest one is skipped, the lowest ranked first, and the others share anew.
/// Nothing is sold for it: the limit stops new risk, as its gate does.
pub(super) fn cap(
    frame: &Frame<'_>,
    desires: &Desires,
    falls: &Falls,
    sizing: &mut Sizing,
) -> Result<(), Error> {
    let blocked = frame.policy.entries(frame.regime.regime) == Entries::Blocked;
    if blocked || !frame.book.stale.is_empty() {
        // Nothing is opened or increased.
        return Ok(());
    }
    while let Some(scale) = Scale::needed(frame, desires, falls, sizing)? {
        let scaled = scale.apply(sizing)?;
        let min = frame.policy.limits.get().min_position.value();
        let small = scaled.iter().rposition(|line| line.is_new() && line.value() < min);
        let Some(index) = small else {
            for line in scaled.iter().filter(|line| line.buys()) {
                let too_small = !line.is_new() && line.value() < min;
                let target = if too_small { line.held } else { line.target };
                sizing.targets[line.index].target = target;
                sizing.cuts.push(scale.cut(&line.symbol, CutKind::Reduced));
            }
            return Ok(());
        };
        let skipped = sizing.targets.remove(scaled[index].index);
        sizing.cuts.push(scale.cut(&skipped.symbol, CutKind::Skipped));
    }
    Ok(())
}

/// A purchase as it was sized, and as it may be.
struct Line {
    index: usize,
    symbol: Symbol,
    price: Price,
    held: Qty,
    sized: Qty,
    target: Qty,
}

impl Line {
    fn is_new(&self) -> bool {
        self.held.is_zero()
    }

    fn buys(&self) -> bool {
        self.sized > self.held
    }

    fn value(&self) -> Decimal {
        self.target.value() * self.price.value()
    }
}

/// How far purchases must be scaled down.
struct Scale<'a> {
    frame: &'a Frame<'a>,
    /// Shares kept of those to be bought.
    ratio: Decimal,
    heat: Decimal,
    limit: Usd,
}

impl<'a> Scale<'a> {
    /// `None` where nothing is bought or the heat keeps to its limit.
    fn needed(
        frame: &'a Frame<'a>,
        desires: &Desires,
        falls: &Falls,
        sizing: &Sizing,
    ) -> Result<Option<Self>, Error> {
        let book = frame.book;
        let risk = |symbol: &Symbol, qty: Decimal| -> Result<Decimal, Error> {
            let Some(price) = book.price(symbol) else { return Ok(Decimal::ZERO) };
            Ok((price.value() - falls.stop(symbol, price)?.value()) * qty)
        };
        let (mut staying, mut bought) = (Decimal::ZERO, Decimal::ZERO);
        for sized in &sizing.targets {
            let held = book.held(&sized.symbol);
            let kept = sized.target.min(held);
            staying += risk(&sized.symbol, kept.value())?;
            bought +=
                risk(&sized.symbol, (sized.target.value() - kept.value()).max(Decimal::ZERO))?;
        }
        for position in book.snapshot.positions.values() {
            let symbol = &position.symbol;
            let sized = sizing.targets.iter().any(|sized| sized.symbol == *symbol);
            // What an open order sells already stays until that one fills.
            let selling = book
                .snapshot
                .open_orders
                .iter()
                .any(|o| o.side == Side::Sell && o.symbol == *symbol);
            if !sized && (selling || !desires.exits.contains(symbol)) {
                staying += risk(symbol, position.qty.value())?;
            }
        }
        for order in book.snapshot.open_orders.iter().filter(|order| order.side == Side::Buy) {
            staying += risk(&order.symbol, order.leaves_qty.value())?;
        }
        let limit = book.equity.share(frame.policy.limits.get().heat_deny)?;
        let buys = |sized: &Sized| sized.target > book.held(&sized.symbol);
        // Beyond the limit its gate denies purchases that add no risk as well.
        if staying + bought <= limit.value() || !sizing.targets.iter().any(buys) {
            return Ok(None);
        }
        let left = (limit.value() - staying).max(Decimal::ZERO);
        // Rounded down, so that no sum of scaled purchases can exceed the limit.
        let ratio = left.checked_div(bought).unwrap_or(Decimal::ZERO);
        let ratio = Rounding::Down.apply(ratio, 20);
        Ok(Some(Self { frame, ratio, heat: staying + bought, limit }))
    }

    fn apply(&self, sizing: &Sizing) -> Result<Vec<Line>, Error> {
        let book = self.frame.book;
        let whole = self.frame.policy.limits.get().shares == Shares::Whole;
        let decimals = if whole { 0 } else { 6 };
        let mut lines = Vec::with_capacity(sizing.targets.len());
        for (index, sized) in sizing.targets.iter().enumerate() {
            let Some(price) = book.price(&sized.symbol) else { continue };
            let held = book.held(&sized.symbol);
            let buys = (sized.target.value() - held.value()).max(Decimal::ZERO);
            let target = if buys.is_zero() {
                sized.target
            } else {
                Qty::new(held.value() + Rounding::Down.apply(buys * self.ratio, decimals))?
            };
            let symbol = sized.symbol.clone();
            lines.push(Line { index, symbol, price, held, sized: sized.target, target });
        }
        Ok(lines)
    }

    fn cut(&self, symbol: &Symbol, kind: CutKind) -> Cut {
        let shown = |amount: Decimal| Rounding::HalfEven.apply(amount, 2).normalize();
        let (value, limit) = (shown(self.heat), shown(self.limit.value()));
        let end = match kind {
            CutKind::Skipped => "what is left for it is below the smallest position",
            CutKind::Reduced | CutKind::Raised => "purchases are scaled down alike",
        };
        Cut {
            symbol: symbol.clone(),
            rule: GateName::Heat,
            kind,
            value,
            limit,
            sentence: format!(
                "{value} USD would be at risk down to the exit levels, the heat limit is {limit} \
                 USD: {end}"
            ),
        }
    }
}
