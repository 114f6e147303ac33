//! How many shares of what: the budget spread over what is wanted.

use std::collections::BTreeSet;

use atlas_core::{Price, Qty, Rounding, Side, SignalOutcome, Symbol, Usd};
use atlas_risk::sizing::{Candidate, Cut, CutKind, Room, Sized, Sizing, equal_weight};
use atlas_risk::{Entries, GateName, Shares};
use rust_decimal::Decimal;

use super::desire::{Desires, Rule};
use super::{Frame, heat};
use crate::Error;
use crate::falls::Falls;
use crate::plan::Target;

/// Sizes what is wanted and gives the target of every symbol that is held or to be held, by symbol.
/// Signals that end here get their outcome.
pub(super) fn size(
    frame: &Frame<'_>,
    desires: &mut Desires,
    budget: Usd,
    falls: Option<&Falls>,
    notes: &mut Vec<String>,
) -> Result<Vec<Target>, Error> {
    let candidates = candidates(frame, desires)?;
    let mut sizing =
        equal_weight(&candidates, &room(frame, desires, budget)?, &frame.policy.limits)?;
    if let Some(falls) = falls {
        heat::cap(frame, desires, falls, &mut sizing)?;
    }
    note(&sizing.cuts, notes);
    for cut in &sizing.cuts {
        if cut.kind == CutKind::Skipped {
            skip(frame, desires, cut)?;
        }
    }
    targets(frame, desires, &sizing)
}

/// The highest price a purchase may pay: the decision price plus the collar, rounded down to the
/// exchange's tick for raw prices, to six decimals for adjusted ones.
pub(super) fn buy_limit(frame: &Frame<'_>, symbol: &Symbol, price: Price) -> Result<Price, Error> {
    let limit = price.moved(frame.policy.buy_limit_collar.fraction())?;
    if frame.adjusted.contains(symbol) {
        return Ok(Price::new(Rounding::Down.apply(limit.value(), 6))?);
    }
    Ok(limit.to_limit_tick(Side::Buy)?)
}

fn candidates(frame: &Frame<'_>, desires: &Desires) -> Result<Vec<Candidate>, Error> {
    let mut candidates = Vec::with_capacity(desires.wanted.len());
    for symbol in &desires.wanted {
        // What is wanted was scanned, so it has a close of the decision's session.
        let Some(price) = frame.book.price(symbol) else { continue };
        candidates.push(Candidate {
            symbol: symbol.clone(),
            price,
            buy_price: buy_limit(frame, symbol, price)?,
            held: frame.book.held(symbol),
        });
    }
    Ok(candidates)
}

/// What there is to spread: the budget less what stays whatever is decided, the money there is and
/// that exits bring after costs.
fn room(frame: &Frame<'_>, desires: &Desires, budget: Usd) -> Result<Room, Error> {
    let Frame { book, policy, .. } = *frame;
    let wanted: BTreeSet<&Symbol> = desires.wanted.iter().collect();
    let mut left = budget.checked_sub(book.opening()?)?;
    let mut proceeds = Usd::ZERO;
    let mut staying = 0_usize;
    for position in book.snapshot.positions.values() {
        let symbol = &position.symbol;
        let price = book.price(symbol).unwrap_or(position.current_price);
        let worth = price.notional(position.qty)?;
        // What an open order sells already is not offered twice: it stays until that one fills.
        let selling = book
            .snapshot
            .open_orders
            .iter()
            .any(|order| order.side == Side::Sell && order.symbol == *symbol);
        if desires.exits.contains(symbol) && !selling {
            proceeds = proceeds.checked_add(worth)?;
        } else if !wanted.contains(symbol) {
            left = left.checked_sub(worth)?;
            staying += 1;
        }
    }
    let costs =
        proceeds.bps(policy.costs.fee)?.checked_add(proceeds.bps(policy.costs.slippage)?)?;
    let most = usize::try_from(policy.limits.get().max_positions).unwrap_or(usize::MAX);
    Ok(Room {
        equity: book.equity,
        budget: left.max(Usd::ZERO),
        funds: book.funds()?.checked_add(proceeds)?.checked_sub(costs)?,
        fee: policy.costs.fee,
        slots: most.saturating_sub(staying),
        drift_band: policy.drift_band,
    })
}

/// One note a sentence, with all symbols it is about.
fn note(cuts: &[Cut], notes: &mut Vec<String>) {
    let mut said: Vec<(&str, String)> = Vec::new();
    for cut in cuts {
        match said.iter_mut().find(|(sentence, _)| *sentence == cut.sentence) {
            Some((_, symbols)) => {
                symbols.push_str(", ");
                symbols.push_str(cut.symbol.as_str());
            }
            None => said.push((&cut.sentence, cut.symbol.to_string())),
        }
    }
    notes.extend(said.into_iter().map(|(sentence, symbols)| format!("{symbols}: {sentence}")));
}

/// Ends the signal of a candidate that gets nothing; what is held of it is sold.
fn skip(frame: &Frame<'_>, desires: &mut Desires, cut: &Cut) -> Result<(), Error> {
    let outcome = if cut.rule == GateName::MaxPositions {
        SignalOutcome::RejectedByLimit
    } else if cut.rule == GateName::BuyingPower {
        SignalOutcome::RejectedByBuyingPower
    } else if cut.rule == GateName::Heat {
        SignalOutcome::RejectedByHeat
    } else {
        SignalOutcome::RejectedBySizing
    };
    desires.finish(&cut.symbol, outcome, &cut.sentence);
    desires.wanted.retain(|symbol| *symbol != cut.symbol);
    if frame.book.owned.contains(&cut.symbol) {
        desires.exit(frame, Rule::Sizing, cut.symbol.clone())?;
    }
    Ok(())
}

fn targets(
    frame: &Frame<'_>,
    desires: &mut Desires,
    sizing: &Sizing,
) -> Result<Vec<Target>, Error> {
    let book = frame.book;
    let symbols: BTreeSet<&Symbol> = book
        .snapshot
        .positions
        .keys()
        .chain(sizing.targets.iter().map(|sized| &sized.symbol))
        .collect();
    let blocked = frame.policy.entries(frame.regime.regime) == Entries::Blocked;
    let mut targets = Vec::with_capacity(symbols.len());
    for symbol in symbols {
        let Some(decision_price) = book.price(symbol) else { continue };
        let held = book.held(symbol);
        let sized = sizing.targets.iter().find(|sized| sized.symbol == *symbol);
        let stale = !book.stale.is_empty() && !blocked;
        let target = match sized {
            // Adding to a position is an entry too.
            Some(sized) if blocked || stale => sized.target.min(held),
            Some(sized) => reachable(frame, held, sized.target)?,
            None if desires.exits.contains(symbol) => Qty::ZERO,
            None => held,
        };
        if let Some(sized) = sized.filter(|_| target == held) {
            let (outcome, reason) = if stale && sized.target > held {
                (SignalOutcome::RejectedByStaleData, book.stale.join("; "))
            } else {
                (SignalOutcome::AlreadyAtTarget, at_target(frame, sized, held))
            };
            desires.finish(symbol, outcome, &reason);
        }
        targets.push(Target { symbol: symbol.clone(), decision_price, held, target });
    }
    Ok(targets)
}

/// Why nothing is done about a position that is to be held.
fn at_target(frame: &Frame<'_>, sized: &Sized, held: Qty) -> String {
    if sized.left_alone {
        let percent = (frame.policy.drift_band.value() * Decimal::ONE_HUNDRED).normalize();
        return format!(
            "{held} shares are held already, within {percent} % of its part of the budget: left alone"
        );
    }
    format!("{held} shares are held already")
}

/// A target that whole shares lead to from what is held, fractions of which can only be sold.
fn reachable(frame: &Frame<'_>, held: Qty, target: Qty) -> Result<Qty, Error> {
    let whole = frame.policy.limits.get().shares == Shares::Whole;
    if !whole || target <= held {
        return Ok(target);
    }
    let bought: Decimal = (target.value() - held.value()).trunc();
    Ok(Qty::new(held.value() + bought)?)
}
