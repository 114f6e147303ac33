//! The book of a shadow: what a live account that began with it would hold.
//!
//! Nothing is ever sent for it. Orders of the shadow fill where the account's own orders of the same
//! symbol did, on average; a symbol the account did not trade fills at its decision price. Fees and
//! splits are not carried over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use atlas_core::{Account, DecisionId, Position, Price, Qty, Rounding, Side, Symbol, Usd};
use atlas_engine::plan::PlannedOrder;
use atlas_engine::{AccountSnapshot, DecisionInputs, RebalancePlan};
use atlas_exec::state::Decision;
use atlas_exec::{State, folder::AccountFolder};
use atlas_risk::Performance;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The form of the file.
const FORMAT: u32 = 1;

/// What a shadow holds, as it stood before a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Book {
    format: u32,
    /// The decision it began with.
    pub(super) begun: DecisionId,
    /// What account and shadow were worth then, USD.
    pub(super) start: (Usd, Usd),
    /// The decision before which it stands.
    pub(super) before: DecisionId,
    /// Cash, USD.
    pub(super) cash: Usd,
    /// Shares by symbol.
    pub(super) positions: BTreeMap<Symbol, Qty>,
    /// The most it was worth at a decision, USD.
    pub(super) peak: Usd,
}

impl Book {
    /// A book that begins with a decision: all in cash, as much as the account is worth and a live
    /// account may hold.
    pub(super) fn begin(told: &RebalancePlan, most: Option<Usd>) -> Self {
        let cash = most.map_or(told.equity, |most| told.equity.min(most));
        let (begun, start, positions) = (told.decision_id, (told.equity, cash), BTreeMap::new());
        Self { format: FORMAT, begun, start, before: begun, cash, positions, peak: cash }
    }

    /// The book in an account's folder, if there is one.
    pub(super) fn read(folder: &AccountFolder) -> Result<Option<Self>> {
        let path = Self::path(folder);
        let text = match std::fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| unreadable(&path)),
        };
        let book: Self = serde_json::from_slice(&text).with_context(|| unreadable(&path))?;
        anyhow::ensure!(book.format == FORMAT, "{}: of another format", unreadable(&path));
        Ok(Some(book))
    }

    /// Keeps it: written beside and renamed, so that it is never half there.
    pub(super) fn write(&self, folder: &AccountFolder) -> Result<()> {
        let path = Self::path(folder);
        let beside = path.with_extension("tmp");
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        std::fs::write(&beside, text)
            .and_then(|()| std::fs::rename(&beside, &path))
            .with_context(|| format!("the shadow's book {} cannot be written", path.display()))
    }

    fn path(folder: &AccountFolder) -> PathBuf {
        folder.root().join("shadow").join("book.json")
    }

    /// What it is worth at the closes a decision rests on.
    pub(super) fn equity(&self, inputs: &DecisionInputs) -> Result<Usd> {
        let positions = self.valued(inputs)?;
        let worth = positions.values().map(|held| held.current_price.notional(held.qty));
        Ok(Usd::sum(worth.collect::<Result<Vec<_>, _>>()?)?.checked_add(self.cash)?)
    }

    /// Itself as the account that a decision is made for.
    pub(super) fn snapshot(&self, inputs: &DecisionInputs) -> Result<AccountSnapshot> {
        let (positions, equity) = (self.valued(inputs)?, self.equity(inputs)?);
        let account = Account {
            account_number: "shadow".to_owned(),
            cash: self.cash,
            equity,
            buying_power: self.cash.max(Usd::ZERO),
            trading_blocked: false,
        };
        let peak = self.peak.max(equity).value();
        let fallen =
            if peak > Decimal::ZERO { Decimal::ONE - equity.value() / peak } else { Decimal::ZERO };
        // What happens within a day is not looked at: its return is that of a day just begun.
        let performance = Performance { drawdown: Some(fallen), ..Performance::NEW };
        let owned = positions.keys().cloned().collect();
        Ok(AccountSnapshot { owned, performance, ..AccountSnapshot::fresh(account, positions) })
    }

    fn valued(&self, inputs: &DecisionInputs) -> Result<BTreeMap<Symbol, Position>> {
        let held = self.positions.iter().map(|(symbol, qty)| {
            let price = close(inputs, symbol)?;
            let position = Position {
                symbol: symbol.clone(),
                qty: *qty,
                qty_available: *qty,
                avg_entry_price: price,
                current_price: price,
            };
            Ok((symbol.clone(), position))
        });
        held.collect()
    }

    /// Takes in what orders of the shadow came to once the account's decision was carried out; one
    /// that never began moves nothing.
    pub(super) fn settle(
        &mut self,
        state: &State,
        decision: &Decision,
        orders: &[PlannedOrder],
    ) -> Result<()> {
        if decision.started.is_none() {
            return Ok(());
        }
        for order in orders {
            let (symbol, qty) = (&order.request.symbol, order.request.qty);
            let price = filled_at(state, decision, symbol)?.unwrap_or(order.decision_price);
            let money = price.notional(qty)?;
            let held = self.positions.get(symbol).copied().unwrap_or_default();
            let left = match order.request.side {
                Side::Buy => {
                    self.cash = self.cash.checked_sub(money)?;
                    held.checked_add(qty)?
                }
                Side::Sell => {
                    self.cash = self.cash.checked_add(money)?;
                    held.saturating_sub(qty)
                }
            };
            self.positions.insert(symbol.clone(), left);
        }
        self.positions.retain(|_, qty| !qty.is_zero());
        Ok(())
    }
}

fn unreadable(path: &Path) -> String {
    format!(
        "the shadow's book {} cannot be read: restore it from a copy, or remove it to begin anew",
        path.display()
    )
}

/// The last close of a symbol that a decision saw.
fn close(inputs: &DecisionInputs, symbol: &Symbol) -> Result<Price> {
    let all = inputs.universe.iter().chain(&inputs.others);
    let stored = all.into_iter().find(|prices| prices.symbol == *symbol);
    let last = stored.and_then(|prices| prices.close.last().copied());
    let last = last.with_context(|| {
        format!(
            "the shadow holds {symbol}, of which the decision has no price: remove shadow/book.json \
             to begin anew"
        )
    })?;
    Ok(Price::from_f64(last, 6, Rounding::HalfEven)?)
}

/// What the account's own orders of a symbol filled at, on average, within a decision.
fn filled_at(state: &State, decision: &Decision, symbol: &Symbol) -> Result<Option<Price>> {
    let legs = decision.planned.legs.iter().filter(|leg| leg.request.symbol == *symbol);
    let fills = legs.filter_map(|leg| state.orders().get(leg.id())).flat_map(|order| &order.fills);
    let (mut qty, mut money) = (Qty::ZERO, Usd::ZERO);
    for fill in fills {
        qty = qty.checked_add(fill.qty)?;
        money = money.checked_add(fill.notional()?)?;
    }
    Ok(if qty.is_zero() { None } else { Some(money.per_share(qty, 6, Rounding::HalfEven)?) })
}
