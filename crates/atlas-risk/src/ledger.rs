//! Batch accounting: what the account would be if every order judged so far filled.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::{OrderRequest, Position, Price, Qty, Side, Symbol, Usd};

use crate::context::Context;

/// The account as it would be if every order let through so far filled.
///
/// Sells fund buys: the validator takes a batch's sells in before its buys. Shares are valued at
/// decision prices. What cannot be added up is `None`, and denies an opening order.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    funds: Option<Usd>,
    exposure: Option<Usd>,
    positions: usize,
    touched: BTreeMap<Symbol, Touched>,
    orders: u32,
    traded: Option<Usd>,
}

/// What one order is worth: at the decision price, and at the worst price it can fill at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts {
    pub(crate) notional: Option<Usd>,
    pub(crate) worst: Option<Usd>,
}

/// What a batch does to one symbol.
#[derive(Debug, Clone, Copy)]
struct Touched {
    /// Shares after it.
    after: Qty,
    /// Shares sold by it.
    sold: Qty,
    bought: bool,
}

impl Ledger {
    /// The account with nothing of a batch in it: positions and open buys count as held, the money
    /// of open buys as spent; open sells count for nothing until they fill.
    pub(crate) fn new(context: &Context<'_>) -> Self {
        let opened: BTreeSet<&Symbol> = context
            .open_orders
            .iter()
            .filter(|order| {
                order.side == Side::Buy && !context.positions.contains_key(&order.symbol)
            })
            .map(|order| &order.symbol)
            .collect();
        Self {
            funds: funds(context),
            exposure: exposure(context),
            positions: context.positions.len() + opened.len(),
            touched: BTreeMap::new(),
            orders: 0,
            traded: Some(Usd::ZERO),
        }
    }

    /// Dollars left to spend.
    pub(crate) const fn funds(&self) -> Option<Usd> {
        self.funds
    }

    /// Dollars invested at decision prices.
    pub(crate) const fn exposure(&self) -> Option<Usd> {
        self.exposure
    }

    /// Number of symbols held.
    pub(crate) const fn positions(&self) -> usize {
        self.positions
    }

    /// Orders of the batch let through so far.
    pub(crate) const fn orders(&self) -> u32 {
        self.orders
    }

    /// Dollars those orders trade, at decision prices.
    pub(crate) const fn traded(&self) -> Option<Usd> {
        self.traded
    }

    /// Whether the batch already trades this symbol this way.
    pub(crate) fn has(&self, symbol: &Symbol, side: Side) -> bool {
        self.touched.get(symbol).is_some_and(|touched| match side {
            Side::Buy => touched.bought,
            Side::Sell => !touched.sold.is_zero(),
        })
    }

    /// Every symbol that is held, being bought or part of the batch, once each and in order.
    pub(crate) fn symbols<'a>(&'a self, context: &'a Context<'_>) -> Vec<&'a Symbol> {
        let opened = context.open_orders.iter().filter(|order| order.side == Side::Buy);
        let mut symbols: Vec<&Symbol> = context
            .positions
            .keys()
            .chain(opened.map(|order| &order.symbol))
            .chain(self.touched.keys())
            .collect();
        symbols.sort_unstable();
        symbols.dedup();
        symbols
    }

    /// Shares of a symbol after the batch so far, open buys included.
    pub(crate) fn shares(&self, context: &Context<'_>, symbol: &Symbol) -> Option<Qty> {
        if let Some(touched) = self.touched.get(symbol) {
            return Some(touched.after);
        }
        context.held(symbol).checked_add(context.open(symbol, Side::Buy)?).ok()
    }

    /// Shares that can be sold without a short: held, minus open sells, minus those of the batch.
    pub(crate) fn free(&self, context: &Context<'_>, symbol: &Symbol) -> Qty {
        let Some(open) = context.open(symbol, Side::Sell) else { return Qty::ZERO };
        let sold = self.touched.get(symbol).map_or(Qty::ZERO, |touched| touched.sold);
        context.held(symbol).saturating_sub(open).saturating_sub(sold)
    }

    /// Takes in an order that was let through.
    pub(crate) fn take(&mut self, context: &Context<'_>, request: &OrderRequest, amounts: Amounts) {
        let OrderRequest { symbol, side, qty, .. } = request;
        let Amounts { notional, worst } = amounts;
        let before = self.shares(context, symbol).unwrap_or(Qty::ZERO);
        let fresh = Touched { after: before, sold: Qty::ZERO, bought: false };
        let touched = self.touched.entry(symbol.clone()).or_insert(fresh);
        match side {
            Side::Buy => {
                self.funds = minus(self.funds, worst);
                self.exposure = plus(self.exposure, notional);
                touched.after = before.checked_add(*qty).unwrap_or(before);
                touched.bought = true;
            }
            Side::Sell => {
                self.funds = plus(self.funds, notional);
                self.exposure = minus(self.exposure, notional);
                touched.after = before.saturating_sub(*qty);
                touched.sold = touched.sold.checked_add(*qty).unwrap_or(touched.sold);
            }
        }
        match (before.is_zero(), touched.after.is_zero()) {
            (true, false) => self.positions += 1,
            (false, true) => self.positions = self.positions.saturating_sub(1),
            (true, true) | (false, false) => {}
        }
        self.orders = self.orders.saturating_add(1);
        self.traded = plus(self.traded, notional);
    }
}

/// What may be spent without margin: cash minus what open buys may cost, at most what the broker
/// allows, never below zero.
fn funds(context: &Context<'_>) -> Option<Usd> {
    let mut cash = context.account.cash;
    for order in context.open_orders.iter().filter(|order| order.side == Side::Buy) {
        let price = order.limit_price.or_else(|| context.price(&order.symbol))?;
        cash = cash.checked_sub(price.notional(order.leaves_qty).ok()?).ok()?;
    }
    Some(cash.min(context.account.buying_power).max(Usd::ZERO))
}

/// Positions and open buys at decision prices.
fn exposure(context: &Context<'_>) -> Option<Usd> {
    let value = |price: Option<Price>, qty: Qty| price?.notional(qty).ok();
    let held = context
        .positions
        .values()
        .map(|position: &Position| value(context.price(&position.symbol), position.qty));
    let opened =
        context.open_orders.iter().filter(|order| order.side == Side::Buy).map(|order| {
            value(context.price(&order.symbol).or(order.limit_price), order.leaves_qty)
        });
    held.chain(opened).try_fold(Usd::ZERO, |sum, value| sum.checked_add(value?).ok())
}

fn plus(sum: Option<Usd>, amount: Option<Usd>) -> Option<Usd> {
    sum?.checked_add(amount?).ok()
}

fn minus(sum: Option<Usd>, amount: Option<Usd>) -> Option<Usd> {
    sum?.checked_sub(amount?).ok()
}
