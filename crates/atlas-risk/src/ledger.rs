//! Batch accounting: what the account would be if every order judged so far filled.

use std::collections::BTreeMap;

use atlas_core::{OrderRequest, Position, Price, Qty, Side, Symbol, Usd};
use rust_decimal::Decimal;

use crate::context::{Context, SymbolMarket};
use crate::desk::{Desk, SymbolDesk};

/// The account as it would be if every order let through so far filled.
///
/// Sells fund buys: the validator takes a batch's sells in before its buys. Shares are valued at
/// decision prices. What cannot be added up is `None`, and denies an opening order. Every symbol has
/// one line, found once a batch; sums are kept as orders are taken in.
#[derive(Debug, Clone)]
pub(crate) struct Ledger<'a> {
    desk: Option<&'a Desk>,
    /// Ascending by symbol: what is held, being bought or part of the batch.
    lines: Vec<Line<'a>>,
    funds: Option<Usd>,
    exposure: Option<Usd>,
    positions: usize,
    orders: u32,
    traded: Option<Usd>,
    /// Loss if every position falls to its stop.
    heat: Sum,
    /// Worth by sector; the first is that of symbols whose sector nobody knows.
    sectors: Vec<Sum>,
}

/// What one order is worth: at the decision price, and at the worst price it can fill at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Amounts {
    pub(crate) notional: Option<Usd>,
    pub(crate) worst: Option<Usd>,
}

/// One symbol.
#[expect(clippy::struct_excessive_bools, reason = "three facts that do not exclude each other")]
#[derive(Debug, Clone)]
pub(crate) struct Line<'a> {
    pub(crate) symbol: &'a Symbol,
    pub(crate) market: Option<&'a SymbolMarket>,
    position: Option<&'a Position>,
    known: Option<&'a SymbolDesk>,
    /// The decision price, for what is held without one the broker's.
    pub(crate) price: Option<Price>,
    /// Shares after the batch so far, open buys included.
    pub(crate) after: Option<Qty>,
    /// Shares that can be sold without a short: held, minus open sells, minus those of the batch.
    pub(crate) free: Qty,
    /// Whether the batch sells and buys it already.
    pub(crate) sold: bool,
    pub(crate) bought: bool,
    /// Whether it is one of the positions: held, or being bought.
    counts: bool,
    /// Where it stands among the correlations.
    row: Option<usize>,
    sector: usize,
    /// What of it is in the sums: the loss down to the stop, and the worth.
    risk: Option<Usd>,
    worth: Option<Usd>,
}

/// A sum of amounts some of which may not be known.
#[derive(Debug, Clone, Copy)]
struct Sum {
    known: Option<Usd>,
    missing: usize,
}

/// How alike a symbol and the other positions move.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alike {
    /// The highest correlation with one; zero without any.
    pub(crate) highest: f64,
    /// The mean over all; zero without any.
    pub(crate) mean: f64,
}

impl<'a> Ledger<'a> {
    /// The account with nothing of a batch in it: positions and open buys count as held, the money
    /// of open buys as spent; open sells count for nothing until they fill.
    pub(crate) fn new(
        context: &'a Context<'a>,
        batch: &'a [OrderRequest],
        desk: Option<&'a Desk>,
    ) -> Self {
        let lines = lines(context, batch, desk);
        let mut ledger = Self {
            desk,
            funds: funds(context),
            exposure: exposure(context, &lines),
            positions: lines.iter().filter(|line| line.counts).count(),
            lines,
            orders: 0,
            traded: Some(Usd::ZERO),
            heat: Sum::ZERO,
            sectors: vec![Sum::ZERO],
        };
        if let Some(desk) = desk {
            ledger.name_sectors();
            ledger.look_up(desk);
        }
        ledger
    }

    /// The line of a symbol.
    pub(crate) fn find(&self, symbol: &Symbol) -> Option<usize> {
        self.lines.binary_search_by(|line| line.symbol.cmp(symbol)).ok()
    }

    pub(crate) fn line(&self, at: usize) -> Option<&Line<'a>> {
        self.lines.get(at)
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

    /// What would be lost at the stops if the symbol of a line came to be `after` shares.
    pub(crate) fn heat_with(&self, at: usize, after: Option<Qty>) -> Option<Usd> {
        let line = self.lines.get(at)?;
        self.heat.instead(line.risk, line.risk_of(after))
    }

    /// What the sector of a line would be worth if its symbol came to be `after` shares; `None` where
    /// the sector is not known. Positions of an unknown sector might be of this one.
    pub(crate) fn sector_with(&self, at: usize, after: Option<Qty>) -> Option<Usd> {
        let line = self.lines.get(at)?;
        let (own, unknown) = (self.sectors.get(line.sector)?, self.sectors.first()?);
        if line.sector == 0 || unknown.missing > 0 {
            return None;
        }
        let own = own.instead(line.worth, line.worth_of(after))?;
        own.checked_add(unknown.known?).ok()
    }

    /// How alike the symbol of a line and the other ones held move; `None` if that is not known of
    /// one of them.
    pub(crate) fn alike(&self, at: usize) -> Option<Alike> {
        let all = self.desk.map(|desk| &desk.correlations);
        let own = self.lines.get(at)?.row;
        let (mut highest, mut sum, mut count) = (f64::NEG_INFINITY, 0.0, 0_u32);
        for (other, line) in self.lines.iter().enumerate() {
            if other == at || line.after.is_some_and(Qty::is_zero) {
                continue;
            }
            let value = all?.at(own?, line.row?)?;
            highest = highest.max(value);
            sum += value;
            count += 1;
        }
        if count == 0 {
            return Some(Alike { highest: 0.0, mean: 0.0 });
        }
        Some(Alike { highest, mean: sum / f64::from(count) })
    }

    /// Takes in an order that was let through.
    pub(crate) fn take(&mut self, at: usize, request: &OrderRequest, amounts: Amounts) {
        let Amounts { notional, worst } = amounts;
        let Some(line) = self.lines.get_mut(at) else { return };
        let before = line.after.unwrap_or(Qty::ZERO);
        let after = match request.side {
            Side::Buy => {
                self.funds = minus(self.funds, worst);
                self.exposure = plus(self.exposure, notional);
                line.bought = true;
                before.checked_add(request.qty).unwrap_or(before)
            }
            Side::Sell => {
                self.funds = plus(self.funds, notional);
                self.exposure = minus(self.exposure, notional);
                line.sold |= !request.qty.is_zero();
                line.free = line.free.saturating_sub(request.qty);
                before.saturating_sub(request.qty)
            }
        };
        line.after = Some(after);
        match (before.is_zero(), after.is_zero()) {
            (true, false) => self.positions += 1,
            (false, true) => self.positions = self.positions.saturating_sub(1),
            (true, true) | (false, false) => {}
        }
        if self.desk.is_some() {
            line.add_up(&mut self.heat, &mut self.sectors);
        }
        self.orders = self.orders.saturating_add(1);
        self.traded = plus(self.traded, notional);
    }

    /// Numbers the sectors in the order of their names.
    fn name_sectors(&mut self) {
        let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &mut self.lines {
            let Some(name) = line.known.and_then(|known| known.sector.as_deref()) else { continue };
            let next = numbers.len() + 1;
            line.sector = *numbers.entry(name).or_insert(next);
        }
        self.sectors.resize(numbers.len() + 1, Sum::ZERO);
    }

    /// Adds up what there is before the batch.
    fn look_up(&mut self, desk: &Desk) {
        for line in &mut self.lines {
            line.row = desk.correlations.row(line.symbol);
            line.add_up(&mut self.heat, &mut self.sectors);
        }
    }
}

impl Line<'_> {
    /// Puts what the shares are worth and risk now in the place of what the sums had of it before.
    fn add_up(&mut self, heat: &mut Sum, sectors: &mut [Sum]) {
        let (risk, worth) = (self.risk_of(self.after), self.worth_of(self.after));
        heat.replace(self.risk, risk);
        if let Some(sector) = sectors.get_mut(self.sector) {
            sector.replace(self.worth, worth);
        }
        (self.risk, self.worth) = (risk, worth);
    }

    /// Loss of so many shares if they fall from the price to the stop; `None` if that is not known.
    fn risk_of(&self, shares: Option<Qty>) -> Option<Usd> {
        let shares = shares?;
        if shares.is_zero() {
            return Some(Usd::ZERO);
        }
        let distance = self.price?.value() - self.known?.stop?.value();
        let distance = distance.max(Decimal::ZERO);
        Usd::new(distance.checked_mul(shares.value())?).ok()
    }

    fn worth_of(&self, shares: Option<Qty>) -> Option<Usd> {
        let shares = shares?;
        if shares.is_zero() { Some(Usd::ZERO) } else { self.price?.notional(shares).ok() }
    }
}

impl Sum {
    const ZERO: Self = Self { known: Some(Usd::ZERO), missing: 0 };

    /// Puts one amount in the place of another that is in the sum.
    fn replace(&mut self, was: Option<Usd>, is: Option<Usd>) {
        if was == is {
            return;
        }
        match was {
            Some(amount) => self.known = minus(self.known, Some(amount)),
            None => self.missing = self.missing.saturating_sub(1),
        }
        match is {
            Some(amount) => self.known = plus(self.known, Some(amount)),
            None => self.missing += 1,
        }
    }

    /// What the sum would be after such a change; `None` if something is missing.
    fn instead(mut self, was: Option<Usd>, is: Option<Usd>) -> Option<Usd> {
        self.replace(was, is);
        if self.missing == 0 { self.known } else { None }
    }
}

/// A line for every symbol that is held, being bought or part of the batch.
fn lines<'a>(
    context: &'a Context<'a>,
    batch: &'a [OrderRequest],
    desk: Option<&'a Desk>,
) -> Vec<Line<'a>> {
    let opened = context.open_orders.iter().filter(|order| order.side == Side::Buy);
    let mut symbols: Vec<&Symbol> = context
        .positions
        .keys()
        .chain(opened.map(|order| &order.symbol))
        .chain(batch.iter().map(|request| &request.symbol))
        .collect();
    symbols.sort_unstable();
    symbols.dedup();
    let line = |symbol| {
        let position = context.positions.get(symbol);
        let market = context.market.get(symbol);
        let held = position.map_or(Qty::ZERO, |position| position.qty);
        let decided = market.map(|market| market.decision_price);
        Line {
            symbol,
            market,
            position,
            known: desk.and_then(|desk| desk.of(symbol)),
            price: decided.or_else(|| position.map(|position| position.current_price)),
            after: Some(held),
            free: held,
            counts: position.is_some(),
            sold: false,
            bought: false,
            row: None,
            sector: 0,
            risk: Some(Usd::ZERO),
            worth: Some(Usd::ZERO),
        }
    };
    let mut lines: Vec<Line<'a>> = symbols.into_iter().map(line).collect();
    for order in context.open_orders {
        let found = lines.binary_search_by(|line| line.symbol.cmp(&order.symbol));
        let Some(line) = found.ok().and_then(|at| lines.get_mut(at)) else { continue };
        match order.side {
            Side::Buy => {
                line.after = line.after.and_then(|held| held.checked_add(order.leaves_qty).ok());
                line.counts = true;
            }
            Side::Sell => line.free = line.free.saturating_sub(order.leaves_qty),
        }
    }
    lines
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
fn exposure(context: &Context<'_>, lines: &[Line<'_>]) -> Option<Usd> {
    let held = lines.iter().filter_map(|line| {
        let position = line.position?;
        Some(line.price.and_then(|price| price.notional(position.qty).ok()))
    });
    let opened = context.open_orders.iter().filter(|order| order.side == Side::Buy);
    let opened = opened.map(|order| {
        let price = context.price(&order.symbol).or(order.limit_price)?;
        price.notional(order.leaves_qty).ok()
    });
    held.chain(opened).try_fold(Usd::ZERO, |sum, value| sum.checked_add(value?).ok())
}

fn plus(sum: Option<Usd>, amount: Option<Usd>) -> Option<Usd> {
    sum?.checked_add(amount?).ok()
}

fn minus(sum: Option<Usd>, amount: Option<Usd>) -> Option<Usd> {
    sum?.checked_sub(amount?).ok()
}
