//! Orders at work: what each is for, and how its fills are divided.

use atlas_core::time::Timestamp;
use atlas_core::{Fill, Order, Qty, Side, SignalId, Usd};
use serde::{Deserialize, Serialize};

use super::action::Purpose;
use super::desk::part;
use crate::Error;

/// An order on its way, at work or just ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Working {
    pub(super) order: Order,
    pub(super) purpose: Purpose,
    /// Index of the desk.
    pub(super) desk: usize,
    pub(super) children: Vec<Child>,
    pub(super) deadline: Timestamp,
    /// Whether its end was dealt with; it stays for fills that come late.
    pub(super) settled: bool,
}

/// One strategy's part of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Child {
    /// Index of the slot on the desk.
    pub(super) slot: usize,
    pub(super) qty: Qty,
    pub(super) filled: Qty,
    /// Money set aside for it, USD.
    pub(super) reserved: Usd,
    /// The signal it carries out.
    pub(super) signal: Option<SignalId>,
}

/// One child's part of one fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    /// Index of the child.
    pub(super) child: usize,
    pub(super) qty: Qty,
    /// What it does to cash, fee included, USD.
    pub(super) cash: Usd,
}

impl Working {
    /// Divides a fill among the children by what each still has to get, rounded down to `decimals`;
    /// what rounding leaves goes to the first that have room. Fees go by shares, the last takes the
    /// odd cents. The parts add up exactly, and no child gets more than it asked for.
    pub(super) fn divide(&self, fill: &Fill, fee: Usd, decimals: u32) -> Result<Vec<Part>, Error> {
        let room: Vec<Qty> =
            self.children.iter().map(|child| child.qty.saturating_sub(child.filled)).collect();
        let mut total = Qty::ZERO;
        for open in &room {
            total = total.checked_add(*open)?;
        }
        let mut given = vec![Qty::ZERO; room.len()];
        let mut left = fill.qty;
        for (given, room) in given.iter_mut().zip(&room) {
            if room.is_zero() {
                continue;
            }
            let (qty, part) = (fill.qty.value(), room.value());
            let share = qty.checked_mul(part).and_then(|all| all.checked_div(total.value()));
            let overflow =
                atlas_core::Error::Overflow { operation: "share", left: qty, right: part };
            let share = atlas_core::Rounding::Down.apply(share.ok_or(overflow)?, decimals);
            *given = Qty::new(share)?.min(*room).min(left);
            left = left.checked_sub(*given)?;
        }
        for (given, room) in given.iter_mut().zip(&room) {
            let more = room.saturating_sub(*given).min(left);
            *given = given.checked_add(more)?;
            left = left.checked_sub(more)?;
        }
        if !left.is_zero() {
            return Err(Error::Unattributed {
                execution: fill.execution_id.to_string(),
                qty: left.to_string(),
            });
        }
        parts(&given, fill, fee)
    }
}

/// The cash of each part.
fn parts(given: &[Qty], fill: &Fill, fee: Usd) -> Result<Vec<Part>, Error> {
    let last = given.iter().rposition(|qty| !qty.is_zero());
    let mut fee_left = fee;
    let mut parts = Vec::with_capacity(given.len());
    for (child, &qty) in given.iter().enumerate().filter(|(_, qty)| !qty.is_zero()) {
        let fee = if Some(child) == last { fee_left } else { part(fee, qty, fill.qty)? };
        fee_left = fee_left.checked_sub(fee)?;
        let notional = fill.price.notional(qty)?;
        let gross = if fill.side == Side::Buy { -notional } else { notional };
        parts.push(Part { child, qty, cash: gross.checked_sub(fee)? });
    }
    Ok(parts)
}
