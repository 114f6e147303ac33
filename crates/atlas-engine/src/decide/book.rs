//! Prices and holdings at the decision: what is held by whom, and what it is worth.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::{Position, Price, Qty, Side, Symbol, Usd};
use atlas_risk::{SymbolMarket, Tradability};

use crate::Error;
use crate::policy::{Policy, Unmanaged};
use crate::snapshot::AccountSnapshot;
use crate::view::{MarketView, PriceSeries};

/// The account valued at decision prices.
pub(super) struct Book<'a> {
    pub(super) snapshot: &'a AccountSnapshot,
    /// Symbols with a close of the decision's session.
    pub(super) market: BTreeMap<Symbol, SymbolMarket>,
    /// Held symbols Atlas owns.
    pub(super) owned: BTreeSet<Symbol>,
    /// Cash and positions at decision prices.
    pub(super) equity: Usd,
    /// Worth of positions Atlas does not own.
    pub(super) unmanaged: Usd,
    /// Why nothing is opened or increased: one sentence for each owned position without a close of
    /// the decision's session. What such a position is worth is not known, so neither is the room
    /// for others.
    pub(super) stale: Vec<String>,
}

impl<'a> Book<'a> {
    pub(super) fn open(
        view: &MarketView<'_>,
        snapshot: &'a AccountSnapshot,
        policy: &Policy,
        notes: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let market = prices(view, policy)?;
        fresh_enough(view, policy, &market, notes)?;
        let mut book = Self {
            snapshot,
            market,
            owned: BTreeSet::new(),
            equity: snapshot.account.cash,
            unmanaged: Usd::ZERO,
            stale: Vec::new(),
        };
        for position in snapshot.positions.values() {
            book.take(position, view, policy, notes)?;
        }
        notes.extend(book.stale.iter().cloned());
        if book.equity <= Usd::ZERO {
            return Err(Error::NoEquity { equity: book.equity });
        }
        Ok(book)
    }

    /// What a held symbol is valued at: its close, without one the broker's last price.
    pub(super) fn price(&self, symbol: &Symbol) -> Option<Price> {
        let close = self.market.get(symbol).map(|market| market.decision_price);
        close.or_else(|| self.snapshot.positions.get(symbol).map(|held| held.current_price))
    }

    pub(super) fn held(&self, symbol: &Symbol) -> Qty {
        self.snapshot.positions.get(symbol).map_or(Qty::ZERO, |position| position.qty)
    }

    pub(super) fn is_fresh(&self, symbol: &Symbol) -> bool {
        self.market.contains_key(symbol)
    }

    /// Worth of what open purchases may still add.
    pub(super) fn opening(&self) -> Result<Usd, Error> {
        let mut sum = Usd::ZERO;
        for order in self.snapshot.open_orders.iter().filter(|order| order.side == Side::Buy) {
            if let Some(price) = self.price(&order.symbol).or(order.limit_price) {
                sum = sum.checked_add(price.notional(order.leaves_qty)?)?;
            }
        }
        Ok(sum)
    }

    /// What may be spent now: cash minus the cost of open purchases, at most the buying power.
    pub(super) fn funds(&self) -> Result<Usd, Error> {
        let account = &self.snapshot.account;
        let mut cash = account.cash;
        for order in self.snapshot.open_orders.iter().filter(|order| order.side == Side::Buy) {
            if let Some(price) = order.limit_price.or_else(|| self.price(&order.symbol)) {
                cash = cash.checked_sub(price.notional(order.leaves_qty)?)?;
            }
        }
        Ok(cash.min(account.buying_power).max(Usd::ZERO))
    }

    /// Adds one position to what Atlas owns or to what it leaves alone.
    fn take(
        &mut self,
        position: &Position,
        view: &MarketView<'_>,
        policy: &Policy,
        notes: &mut Vec<String>,
    ) -> Result<(), Error> {
        let symbol = &position.symbol;
        let price = self.price(symbol).unwrap_or(position.current_price);
        if !self.is_fresh(symbol) {
            notes.push(format!(
                "{symbol} is held and has no close of the decision's session; it is valued at the \
                 broker's {price}"
            ));
        }
        let worth = price.notional(position.qty)?;
        self.equity = self.equity.checked_add(worth)?;
        if self.snapshot.owned.contains(symbol) {
            if !self.is_fresh(symbol) {
                self.stale.push(blocks(view, symbol));
            }
            self.owned.insert(symbol.clone());
            return Ok(());
        }
        if policy.unmanaged == Unmanaged::Refuse {
            return Err(Error::Unmanaged { symbol: symbol.clone() });
        }
        self.unmanaged = self.unmanaged.checked_add(worth)?;
        notes.push(format!("{symbol} is not Atlas's: it counts in exposure and is left alone"));
        Ok(())
    }
}

/// Why a position without a close of the decision's session blocks entries, and what to do.
fn blocks(view: &MarketView<'_>, symbol: &Symbol) -> String {
    let mut all = view.universe.iter().chain(&view.others);
    let last = all.find(|series| series.symbol() == symbol).and_then(PriceSeries::last_date);
    let last = last.map_or_else(|| "it has none".to_owned(), |date| format!("its last is {date}"));
    let as_of = view.as_of;
    format!("nothing is opened until {symbol} has a close of {as_of} ({last}): update the data")
}

/// The closes of the decision's session as prices one can order on.
fn prices(view: &MarketView<'_>, policy: &Policy) -> Result<BTreeMap<Symbol, SymbolMarket>, Error> {
    let permit = policy.mode.replay_permit();
    let mut market = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for series in view.universe.iter().chain(&view.others) {
        let symbol = series.symbol();
        if !seen.insert(symbol) {
            return Err(Error::Twice { symbol: symbol.clone() });
        }
        if matches!(series, PriceSeries::Adjusted(_)) && permit.is_none() {
            return Err(Error::Adjusted { symbol: symbol.clone(), mode: policy.mode });
        }
        if series.last_date() != Some(view.as_of) {
            continue;
        }
        let decision_price = series
            .last_price(permit)
            .ok_or_else(|| Error::Unpriceable { symbol: symbol.clone(), as_of: view.as_of })?;
        let known = view.tradability.get(symbol).cloned();
        let tradability = known.unwrap_or(Tradability::Tradable);
        let entry = SymbolMarket { decision_price, session: view.as_of, quote: None, tradability };
        market.insert(symbol.clone(), entry);
    }
    Ok(market)
}

/// Refuses a universe of which too much is stale, and notes what of it is.
fn fresh_enough(
    view: &MarketView<'_>,
    policy: &Policy,
    market: &BTreeMap<Symbol, SymbolMarket>,
    notes: &mut Vec<String>,
) -> Result<(), Error> {
    let of = view.universe.len();
    let stale: Vec<&PriceSeries<'_>> =
        view.universe.iter().filter(|series| !market.contains_key(series.symbol())).collect();
    let fresh = of - stale.len();
    let needed = policy.fresh_min.value() * rust_decimal::Decimal::from(of);
    if fresh == 0 || rust_decimal::Decimal::from(fresh) < needed {
        let universe = policy.universe.clone();
        return Err(Error::Stale { universe, as_of: view.as_of, fresh, of });
    }
    for series in stale {
        let last = series.last_date().map_or_else(|| "never".to_owned(), |date| date.to_string());
        notes.push(format!(
            "{} has no close of {}: its last one is of {last}; it is left out",
            series.symbol(),
            view.as_of
        ));
    }
    Ok(())
}
