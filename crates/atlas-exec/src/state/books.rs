//! Money and shares by our own account, exact, to be held against the broker's.

use std::collections::BTreeMap;

use atlas_broker::{CashEntry, CashKind};
use atlas_core::time::Timestamp;
use atlas_core::{Error, Fill, Price, Qty, Rounding, Side, Symbol, Usd};
use chrono::NaiveDate;

use super::shares::Parked;

/// Whose an execution was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// Of an order in the journal.
    Atlas,
    /// Of another client on the same account.
    Other,
}

/// Shares of one symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Lot {
    /// Shares Atlas opened or a person had it adopt.
    pub owned: Qty,
    /// What the owned shares cost, at average cost, in USD; fees are not part of it.
    pub cost: Usd,
    /// When the owned position was opened; `None` while there is none.
    pub opened: Option<Timestamp>,
    /// Shares of others, which Atlas never sells.
    pub unmanaged: Qty,
}

impl Lot {
    /// Owned and unmanaged together: what the broker should report.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the sum is no quantity.
    pub fn total(&self) -> Result<Qty, Error> {
        self.owned.checked_add(self.unmanaged)
    }

    /// Mean cost of an owned share, rounded half to even at six decimals; `None` if none is owned.
    #[must_use]
    pub fn avg_price(&self) -> Option<Price> {
        self.cost.per_share(self.owned, 6, Rounding::HalfEven).ok()
    }
}

/// Sells of one day whose regulatory fees the broker has not posted yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct DaySells {
    /// Dollars sold.
    pub notional: Usd,
    /// Shares sold.
    pub qty: Qty,
}

/// Our own account of money and shares.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Books {
    cash: Usd,
    lots: BTreeMap<Symbol, Lot>,
    flows: Usd,
    fees: Usd,
    income: Usd,
    realised: Usd,
    unposted: BTreeMap<NaiveDate, DaySells>,
    taken: BTreeMap<Symbol, Qty>,
    parked: Vec<Parked>,
}

/// A change to one symbol and the cash that is not yet made.
pub(super) struct Pending {
    symbol: Symbol,
    lot: Lot,
    cash: Usd,
    realised: Usd,
    day: Option<(NaiveDate, DaySells)>,
}

/// What a fill has done to the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Booked {
    /// Whether it sells more than is held.
    pub(super) short: bool,
    /// Gain of the owned shares it sold over their mean cost, USD; negative for a loss.
    pub(super) realised: Usd,
}

impl Books {
    /// The books of an account with a baseline; what it held is unmanaged.
    pub(super) fn opened(cash: Usd, positions: &BTreeMap<Symbol, Qty>) -> Self {
        let lots = positions
            .iter()
            .map(|(symbol, qty)| (symbol.clone(), Lot { unmanaged: *qty, ..Lot::default() }))
            .collect();
        Self { cash, lots, ..Self::default() }
    }

    /// Cash that should be there: baseline + fills + imported activities.
    #[must_use]
    pub const fn cash(&self) -> Usd {
        self.cash
    }

    /// Everything held, by symbol; symbols of which nothing is left are absent.
    #[must_use]
    pub const fn lots(&self) -> &BTreeMap<Symbol, Lot> {
        &self.lots
    }

    /// Shares of a symbol that are Atlas's own.
    #[must_use]
    pub fn owned(&self, symbol: &Symbol) -> Qty {
        self.lots.get(symbol).map_or(Qty::ZERO, |lot| lot.owned)
    }

    /// Every symbol Atlas owns shares of, with how many.
    #[must_use]
    pub fn all_owned(&self) -> BTreeMap<Symbol, Qty> {
        let owned = self.lots.iter().filter(|(_, lot)| !lot.owned.is_zero());
        owned.map(|(symbol, lot)| (symbol.clone(), lot.owned)).collect()
    }

    /// Deposits less withdrawals since the baseline; performance excludes them.
    #[must_use]
    pub const fn flows(&self) -> Usd {
        self.flows
    }

    /// Fees since the baseline, negative for what was paid.
    #[must_use]
    pub const fn fees(&self) -> Usd {
        self.fees
    }

    /// Dividends and interest since the baseline.
    #[must_use]
    pub const fn income(&self) -> Usd {
        self.income
    }

    /// Shares or coins that fees have taken since the baseline, by symbol.
    #[must_use]
    pub const fn taken(&self) -> &BTreeMap<Symbol, Qty> {
        &self.taken
    }

    /// Gains less losses of owned shares that were sold, over their mean cost, since the baseline;
    /// fees are not part of it.
    #[must_use]
    pub const fn realised(&self) -> Usd {
        self.realised
    }

    /// Sells by day whose fees may still be posted: those after the last day with a fee entry.
    #[must_use]
    pub const fn unposted(&self) -> &BTreeMap<NaiveDate, DaySells> {
        &self.unposted
    }

    /// Takes in an entry of the ledger other than an execution.
    pub(super) fn cash_entry(&mut self, entry: &CashEntry) -> Result<(), Error> {
        let cash = self.cash.checked_add(entry.net_amount)?;
        let sum = match entry.kind {
            CashKind::Deposit | CashKind::Withdrawal => Some(&mut self.flows),
            CashKind::Fee if !entry.taken.is_zero() => Some(&mut self.fees),
            CashKind::Fee => {
                self.unposted.retain(|date, _| *date > entry.date);
                Some(&mut self.fees)
            }
            CashKind::Dividend | CashKind::Interest => Some(&mut self.income),
            CashKind::Unknown(_) => None,
        };
        if let Some(sum) = sum {
            *sum = sum.checked_add(entry.net_amount)?;
        }
        self.cash = cash;
        if let Some(symbol) = entry.symbol.clone().filter(|_| !entry.taken.is_zero()) {
            let mut lot = self.lots.get(&symbol).copied().unwrap_or_default();
            let before = lot.cost;
            lot.sell(entry.taken, Owner::Atlas)?;
            // What is left has cost what all of it did.
            lot.cost = if lot.owned.is_zero() { Usd::ZERO } else { before };
            let taken = self.taken.get(&symbol).copied().unwrap_or_default();
            self.taken.insert(symbol.clone(), taken.checked_add(entry.taken)?);
            self.set(symbol, lot);
        }
        Ok(())
    }

    /// A working copy of what a fill of `symbol` can change.
    pub(super) fn clone_for(&self, symbol: &Symbol) -> Pending {
        Pending {
            symbol: symbol.clone(),
            lot: self.lots.get(symbol).copied().unwrap_or_default(),
            cash: self.cash,
            realised: self.realised,
            day: None,
        }
    }

    /// Works a fill into a working copy.
    pub(super) fn fill_into(
        &self,
        pending: &mut Pending,
        fill: &Fill,
        owner: Owner,
    ) -> Result<Booked, Error> {
        let quiet = Booked { short: false, realised: Usd::ZERO };
        pending.cash = pending.cash.checked_add(fill.cash_effect()?)?;
        let notional = fill.notional()?;
        let lot = &mut pending.lot;
        match (fill.side, owner) {
            (Side::Buy, Owner::Atlas) => {
                lot.owned = lot.owned.checked_add(fill.qty)?;
                lot.cost = lot.cost.checked_add(notional)?;
                lot.opened.get_or_insert(fill.ts_event);
                Ok(quiet)
            }
            (Side::Buy, Owner::Other) => {
                lot.unmanaged = lot.unmanaged.checked_add(fill.qty)?;
                Ok(quiet)
            }
            (Side::Sell, owner) => {
                let date = fill.ts_event.date_naive();
                let mut day = self.unposted.get(&date).copied().unwrap_or_default();
                day.notional = day.notional.checked_add(notional)?;
                day.qty = day.qty.checked_add(fill.qty)?;
                pending.day = Some((date, day));
                let before = *lot;
                let short = lot.sell(fill.qty, owner)?;
                let sold = before.owned.saturating_sub(lot.owned);
                let cost = before.cost.checked_sub(lot.cost)?;
                let realised = fill.price.notional(sold)?.checked_sub(cost)?;
                pending.realised = pending.realised.checked_add(realised)?;
                Ok(Booked { short, realised })
            }
        }
    }

    /// Makes a working copy count.
    pub(super) fn commit(&mut self, pending: Pending) {
        self.cash = pending.cash;
        self.realised = pending.realised;
        self.set(pending.symbol, pending.lot);
        if let Some((date, day)) = pending.day {
            self.unposted.insert(date, day);
        }
    }

    /// Shares become Atlas's: first those known as unmanaged, then such as were unknown.
    pub(super) fn adopt(
        &mut self,
        symbol: &Symbol,
        qty: Qty,
        price: Price,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut lot = self.lots.get(symbol).copied().unwrap_or_default();
        lot.unmanaged = lot.unmanaged.saturating_sub(qty);
        lot.owned = lot.owned.checked_add(qty)?;
        lot.cost = lot.cost.checked_add(price.notional(qty)?)?;
        lot.opened.get_or_insert(now);
        self.set(symbol.clone(), lot);
        Ok(())
    }

    /// Owned, then unmanaged shares are no more.
    pub(super) fn write_off(&mut self, symbol: &Symbol, qty: Qty) -> Result<(), Error> {
        let mut lot = self.lots.get(symbol).copied().unwrap_or_default();
        lot.sell(qty, Owner::Atlas)?;
        self.set(symbol.clone(), lot);
        Ok(())
    }

    /// A difference in cash is taken as it is.
    pub(super) fn adopt_cash(&mut self, amount: Usd) -> Result<(), Error> {
        self.cash = self.cash.checked_add(amount)?;
        Ok(())
    }

    /// What is held of a symbol.
    pub(super) fn lot(&self, symbol: &Symbol) -> Lot {
        self.lots.get(symbol).copied().unwrap_or_default()
    }

    pub(super) const fn set_cash(&mut self, cash: Usd) {
        self.cash = cash;
    }

    /// Adds to the gains realised.
    pub(super) fn realise(&mut self, gain: Usd) -> Result<(), Error> {
        self.realised = self.realised.checked_add(gain)?;
        Ok(())
    }

    /// Keeps shares that are out of one symbol and not in another yet.
    pub(super) fn park(&mut self, parked: Parked) {
        self.parked.push(parked);
    }

    /// Takes back the first parked shares of which something is true.
    pub(super) fn unpark(&mut self, is_it: impl Fn(&Parked) -> bool) -> Option<Parked> {
        let index = self.parked.iter().position(is_it)?;
        Some(self.parked.remove(index))
    }

    pub(super) fn set(&mut self, symbol: Symbol, lot: Lot) {
        if lot.owned.is_zero() && lot.unmanaged.is_zero() {
            self.lots.remove(&symbol);
        } else {
            self.lots.insert(symbol, lot);
        }
    }
}

impl Lot {
    /// Takes shares away from their owner, and from the other where the owner has too few; true
    /// if even both have too few.
    fn sell(&mut self, qty: Qty, owner: Owner) -> Result<bool, Error> {
        let from_owned = match owner {
            Owner::Atlas => qty.min(self.owned),
            Owner::Other => qty.saturating_sub(self.unmanaged).min(self.owned),
        };
        let rest = qty.saturating_sub(from_owned);
        let short = rest > self.unmanaged || (owner == Owner::Other && !from_owned.is_zero());
        if !from_owned.is_zero() {
            let left = self.owned.checked_sub(from_owned)?;
            self.cost = if left.is_zero() {
                Usd::ZERO
            } else {
                // Average cost: what is left keeps its mean, rounded half to even at six decimals.
                let price: Price = self.cost.per_share(self.owned, 6, Rounding::HalfEven)?;
                price.notional(left)?
            };
            self.owned = left;
        }
        if self.owned.is_zero() {
            self.opened = None;
        }
        self.unmanaged = self.unmanaged.saturating_sub(rest);
        Ok(short)
    }
}
