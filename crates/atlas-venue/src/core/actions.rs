//! What companies do to their shares, and what it does to positions and open orders.
//!
//! Everything happens at the opening of the first session on or after its date, where there are hours
//! before it at 04:00, before any order meets a price:
//!
//! | action | position | open orders |
//! | --- | --- | --- |
//! | split, more shares | multiplied, to nine decimals towards zero; the cost stays | quantities multiplied, prices divided |
//! | split, fewer shares | the same | canceled |
//! | cash dividend, unless that is off | received for shares held, paid for shares owed, on the pay date | limits of buys and stops of sells reduced by it |
//! | symbol change | moved to the new symbol with its cost | moved |
//! | delisting | closed at the last close × (1 + return) | canceled |
//!
//! Orders follow FINRA Rule 5330; in a split limits of sells are divided as well, as brokers do.
//! Prices of buys are rounded down to the tick, those of sells up. Money is rounded to the cent in
//! the account's disfavour. Which actions there are is handed in with the [`Listing`]: nothing is
//! inferred from prices, and units of an adjusted series, which contain them, have none.

use atlas_core::{Bps, Side, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::events::Event;
use super::exchange::Exchange;
use super::ledger::{Entry, Holding};
use super::listing::Listing;
use super::order::OrderRecord;
use super::posting::{Posting, PostingKind};
use super::terms::{Kind, Size, Status, Trail};
use super::{Delta, Money, NANO, Px, Shares};
use crate::Error;

/// Something a company does to its shares on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CorporateAction {
    /// The first session on which shares trade without what is given out, or with the new count or
    /// name, or no more (a delisting).
    pub date: NaiveDate,
    /// What happens.
    pub kind: ActionKind,
}

/// What a company does.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ActionKind {
    /// So many new shares for so many old ones, both above zero.
    Split {
        /// New shares.
        new: u32,
        /// Old shares.
        old: u32,
    },
    /// Money for each share.
    Dividend {
        /// Dollars a share.
        per_share: Px,
        /// When it is paid; on the ex-date itself if `None`.
        pay_date: Option<NaiveDate>,
    },
    /// Another name, which must be listed as well.
    Rename {
        /// The new symbol.
        to: Symbol,
    },
    /// The end: shares are worth the last close and this return on it, −10 000 bps or more.
    Delisting {
        /// The delisting return; never assumed, so it must be stated.
        delisting_return: Bps,
    },
}

impl CorporateAction {
    /// Checks what the types cannot.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let wrong =
            |value: String, range| Error::Setting { setting: "corporate action", value, range };
        match &self.kind {
            ActionKind::Split { new, old } if *new == 0 || *old == 0 || new == old => Err(wrong(
                format!("a split of {new} for {old}"),
                "two different numbers above zero",
            )),
            ActionKind::Delisting { delisting_return } if worth(*delisting_return).is_none() => {
                Err(wrong(
                    format!("a delisting return of {delisting_return} bps"),
                    "-10000 bps or more, with at most six decimals",
                ))
            }
            ActionKind::Split { .. }
            | ActionKind::Dividend { .. }
            | ActionKind::Rename { .. }
            | ActionKind::Delisting { .. } => Ok(()),
        }
    }
}

/// What is left of a price after a delisting return, in units of 10⁻¹⁰.
fn worth(delisting_return: Bps) -> Option<i64> {
    let units = (delisting_return.value() + Decimal::from(10_000)) * Decimal::from(1_000_000);
    units.to_i64().filter(|units| *units >= 0)
}

impl Exchange {
    /// Applies what is due at the opening of a session.
    pub(super) fn apply_actions(&mut self, date: NaiveDate) -> Result<(), Error> {
        let after = self.state.actions_until;
        self.state.actions_until = Some(date);
        if self.market.has_actions() {
            let since = after.unwrap_or_else(|| super::date_of(self.state.opened));
            for (symbol, action) in self.market.actions(since, date) {
                self.apply(&symbol, &action)?;
            }
        }
        if !self.state.ledger.dividends.is_empty() {
            let all = std::mem::take(&mut self.state.ledger.dividends);
            let (due, later): (Vec<_>, Vec<_>) = all.into_iter().partition(|(day, _)| *day <= date);
            self.state.ledger.dividends = later;
            for (_, dividend) in due {
                self.post(Entry::Posting(dividend))?;
            }
        }
        Ok(())
    }

    fn apply(&mut self, symbol: &Symbol, action: &CorporateAction) -> Result<(), Error> {
        let held = self.state.ledger.holdings.get(symbol).copied();
        match &action.kind {
            ActionKind::Split { new, old } => {
                if let Some(held) = held {
                    self.split_position(symbol, &held, (*new, *old), action.date)?;
                }
                self.split_orders(symbol, (*new, *old))
            }
            ActionKind::Dividend { per_share, pay_date } => {
                if let Some(held) = held.filter(|_| self.config.dividends) {
                    let posting = dividend(symbol, &held, *per_share, action.date)?;
                    let pay = pay_date.unwrap_or(action.date);
                    self.state.ledger.dividends.push((pay, posting));
                }
                self.reduce_orders(symbol, *per_share)
            }
            ActionKind::Rename { to } => {
                if self.market.listing(to).is_none() {
                    return Err(Error::NotListed { symbol: to.to_string() });
                }
                if let Some(held) = held {
                    self.rename_position(symbol, to, &held, action.date)?;
                }
                self.rename_orders(symbol, to)
            }
            ActionKind::Delisting { delisting_return } => {
                self.cancel_all_of(symbol)?;
                match held {
                    Some(held) => self.delist(symbol, &held, *delisting_return, action.date),
                    None => Ok(()),
                }
            }
        }
    }

    fn split_position(
        &mut self,
        symbol: &Symbol,
        held: &Holding,
        ratio: (u32, u32),
        date: NaiveDate,
    ) -> Result<(), Error> {
        let before = held.signed();
        let after = Delta::from_nanos(scaled(before.nanos(), ratio)?);
        let change = Delta::from_nanos(after.nanos() - before.nanos());
        self.post(Entry::Posting(Posting {
            symbol: Some(symbol.clone()),
            change,
            ..Posting::money(PostingKind::Split, date, Money::ZERO)
        }))?;
        Ok(())
    }

    fn rename_position(
        &mut self,
        from: &Symbol,
        to: &Symbol,
        held: &Holding,
        date: NaiveDate,
    ) -> Result<(), Error> {
        let moved = held.signed().nanos();
        let steps = [(from, -moved, held.cost.negated()), (to, moved, held.cost)];
        for (symbol, nanos, cost) in steps {
            self.post(Entry::Posting(Posting {
                symbol: Some(symbol.clone()),
                change: Delta::from_nanos(nanos),
                cost,
                ..Posting::money(PostingKind::Rename, date, Money::ZERO)
            }))?;
        }
        Ok(())
    }

    fn delist(
        &mut self,
        symbol: &Symbol,
        held: &Holding,
        delisting_return: Bps,
        date: NaiveDate,
    ) -> Result<(), Error> {
        let unknown = || Error::NotListed { symbol: symbol.to_string() };
        let listing = self.market.listing(symbol).ok_or_else(unknown)?;
        let before = date.pred_opt().unwrap_or(date);
        let close = listing.close_until(before)?.ok_or_else(unknown)?;
        let units = worth(delisting_return).unwrap_or_default();
        let value = held.signed().at(close).fraction(i128::from(units), 10_000_000_000)?;
        self.post(Entry::Posting(Posting {
            symbol: Some(symbol.clone()),
            change: Delta::from_nanos(-held.signed().nanos()),
            cost: held.cost.negated(),
            per_share: Some(close),
            ..Posting::money(PostingKind::Delisting, date, value.down_to_cent()?)
        }))?;
        Ok(())
    }

    fn cancel_all_of(&mut self, symbol: &Symbol) -> Result<(), Error> {
        for seq in self.open.get(symbol).cloned().unwrap_or_default() {
            if self.order(seq).is_some_and(|order| !order.status.is_final()) {
                self.set_status(seq, Status::Canceled, Event::Canceled)?;
            }
        }
        Ok(())
    }

    fn split_orders(&mut self, symbol: &Symbol, (new, old): (u32, u32)) -> Result<(), Error> {
        if new < old {
            return self.cancel_all_of(symbol);
        }
        for seq in self.open.get(symbol).cloned().unwrap_or_default() {
            let Some(order) = self.order(seq).filter(|order| !order.status.is_final()) else {
                continue;
            };
            match split_order(order, (new, old))? {
                Some(adjusted) => self.change(seq, |order| *order = adjusted)?,
                None => self.set_status(seq, Status::Canceled, Event::Canceled)?,
            }
        }
        Ok(())
    }

    /// Reduces limits of buys and stops of sells by a dividend.
    fn reduce_orders(&mut self, symbol: &Symbol, per_share: Px) -> Result<(), Error> {
        for seq in self.open.get(symbol).cloned().unwrap_or_default() {
            let Some(order) = self.order(seq).filter(|order| !order.status.is_final()) else {
                continue;
            };
            let less = |price: Px| {
                let rest = Px::from_nanos(price.nanos().saturating_sub(per_share.nanos()));
                rest.and_then(|rest| on_tick(rest, Side::Buy))
            };
            let kind = match (order.side, order.kind) {
                (Side::Buy, Kind::Limit(limit)) => less(limit).map(Kind::Limit),
                (Side::Sell, Kind::Stop(stop)) => less(stop).map(Kind::Stop),
                (Side::Sell, Kind::StopLimit { stop, limit }) => {
                    less(stop).zip(less(limit)).map(|(stop, limit)| Kind::StopLimit { stop, limit })
                }
                (_, kind) => Some(kind),
            };
            match kind {
                Some(kind) if kind == order.kind => {}
                Some(kind) => self.change(seq, |order| order.kind = kind)?,
                None => self.set_status(seq, Status::Canceled, Event::Canceled)?,
            }
        }
        Ok(())
    }

    fn rename_orders(&mut self, from: &Symbol, to: &Symbol) -> Result<(), Error> {
        for seq in self.open.remove(from).unwrap_or_default() {
            self.change(seq, |order| order.symbol = to.clone())?;
            let open = self.open.entry(to.clone()).or_default();
            open.push(seq);
            open.sort_unstable();
        }
        Ok(())
    }
}

/// What a dividend comes to for a position: rounded down to the cent, so up where it is owed.
fn dividend(
    symbol: &Symbol,
    held: &Holding,
    per_share: Px,
    date: NaiveDate,
) -> Result<Posting, Error> {
    let amount = held.signed().at(per_share).down_to_cent()?;
    Ok(Posting {
        symbol: Some(symbol.clone()),
        per_share: Some(per_share),
        ..Posting::money(PostingKind::Dividend, date, amount)
    })
}

/// An order after a split that gives more shares; `None` if nothing of it is left.
fn split_order(order: &OrderRecord, ratio: (u32, u32)) -> Result<Option<OrderRecord>, Error> {
    let mut adjusted = order.clone();
    let shares = |total: Shares| -> Result<Shares, Error> {
        let rest = Shares::from_nanos(scaled(total.minus(order.filled).nanos(), ratio)?);
        let rest = rest.unwrap_or_default();
        order.filled.plus(if total.is_whole() { rest.whole() } else { rest })
    };
    let down = |price: Px| divided(price, ratio).and_then(|price| on_tick(price, order.side));
    if let Size::Shares(qty) = order.size {
        adjusted.size = Size::Shares(shares(qty)?);
        if adjusted.qty() == Some(order.filled) {
            return Ok(None);
        }
    }
    adjusted.hold = order.hold.map(shares).transpose()?;
    adjusted.most = None;
    adjusted.best = order.best.and_then(|best| divided(best, ratio));
    adjusted.reserve = order.reserve.and_then(|reserve| divided(reserve, ratio));
    let kind = match order.kind {
        Kind::Limit(limit) => down(limit).map(Kind::Limit),
        Kind::Stop(stop) => down(stop).map(Kind::Stop),
        Kind::StopLimit { stop, limit } => {
            down(stop).zip(down(limit)).map(|(stop, limit)| Kind::StopLimit { stop, limit })
        }
        Kind::Trailing(Trail::Price(width)) => {
            divided(width, ratio).map(|width| Kind::Trailing(Trail::Price(width)))
        }
        Kind::Market | Kind::Trailing(Trail::Percent(_)) => Some(order.kind),
    };
    Ok(kind.map(|kind| OrderRecord { kind, ..adjusted }))
}

/// A number of billionths times new over old, towards zero.
fn scaled(nanos: i64, (new, old): (u32, u32)) -> Result<i64, Error> {
    let scaled = i128::from(nanos) * i128::from(new) / i128::from(old);
    i64::try_from(scaled).map_err(|_| Error::Overflow { what: "quantity after a split" })
}

/// A price after a split, to 10⁻⁹ dollars.
fn divided(price: Px, (new, old): (u32, u32)) -> Option<Px> {
    scaled(price.nanos(), (old, new)).ok().and_then(Px::from_nanos)
}

/// A price on the tick it may be named at: down for buys, up for sells.
fn on_tick(price: Px, side: Side) -> Option<Px> {
    let tick = if price.nanos() >= NANO { NANO / 100 } else { NANO / 10_000 };
    let down = price.nanos() / tick * tick;
    match side {
        Side::Buy => Px::from_nanos(down),
        Side::Sell if down == price.nanos() => Some(price),
        Side::Sell => Px::from_nanos(down + tick),
    }
}

impl Listing {
    /// The day from which an order for the symbol is refused: delisted, or renamed.
    pub(crate) fn ends(&self) -> Option<NaiveDate> {
        let ends = |action: &&CorporateAction| {
            matches!(action.kind, ActionKind::Delisting { .. } | ActionKind::Rename { .. })
        };
        self.actions().iter().filter(ends).map(|action| action.date).min()
    }
}
