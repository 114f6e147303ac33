//! What the account was worth in the past, recomputed from its ledger.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use chrono::NaiveDate;

use super::exchange::Exchange;
use super::ledger::Entry;
use super::view::View;
use super::{Delta, Money, Px, date_of};
use crate::Error;

/// The account at one close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DayEnd {
    /// The session.
    pub(crate) date: NaiveDate,
    /// Cash and everything held at the close, fees of the day paid.
    pub(crate) equity: Money,
    /// Paid in since the close before.
    pub(crate) paid_in: Money,
}

/// What the account's past is told from, by itself: it can be worked on while orders go on to be
/// taken.
#[derive(Debug, Clone)]
pub(crate) struct Past {
    view: View,
    effects: Vec<Effect>,
    /// When the account was opened.
    pub(crate) opened: Timestamp,
    /// The equity at the last close.
    pub(crate) last_equity: Money,
}

/// What one entry of the ledger did.
#[derive(Debug, Clone)]
struct Effect {
    stamp: Timestamp,
    cash: Money,
    paid_in: Money,
    position: Option<(Symbol, Delta)>,
}

impl Exchange {
    /// The account's past up to now.
    pub(crate) fn past(&self) -> Past {
        let effect = |activity: &super::Activity| Effect {
            stamp: activity.stamp,
            cash: activity.entry.cash_effect(),
            paid_in: match &activity.entry {
                Entry::Deposit(amount) => *amount,
                Entry::Fill(_) | Entry::Fee { .. } | Entry::Posting(_) => Money::ZERO,
            },
            position: activity.entry.position_effect().map(|(symbol, qty)| (symbol.clone(), qty)),
        };
        Past {
            view: self.view(),
            effects: self.activities().iter().map(effect).collect(),
            opened: self.state.opened,
            last_equity: self.state.last_equity,
        }
    }
}

impl Past {
    /// The market, as it was when the past ended.
    pub(crate) const fn view(&self) -> &View {
        &self.view
    }

    /// Cash and everything held at moments of the past, in order: what had been posted by then, at the
    /// price last known then.
    pub(crate) fn worth_at(
        &self,
        moments: impl Iterator<Item = Timestamp>,
    ) -> Result<Vec<Money>, Error> {
        let mut books = Books::default();
        let mut effects = self.effects.iter().peekable();
        let mut worth = Vec::new();
        for moment in moments {
            while let Some(effect) = effects.next_if(|effect| effect.stamp <= moment) {
                books.take(effect)?;
            }
            worth.push(self.value(&books, moment)?);
        }
        Ok(worth)
    }

    /// The account at each close from the day it was opened up to now, oldest first. Holdings
    /// count at the close of the day; nothing is kept for this, so it takes a walk over the ledger.
    pub(crate) fn day_ends(&self) -> Result<Vec<DayEnd>, Error> {
        let nyse = Calendar::nyse();
        let last = nyse.last_closed(self.view.clock())?.date;
        let (mut days, mut books) = (Vec::new(), Books::default());
        let mut effects = self.effects.iter().peekable();
        for session in nyse.sessions(date_of(self.opened), last)? {
            let mut paid_in = Money::ZERO;
            // Fees of the day bear stamps at its close.
            while let Some(effect) = effects.next_if(|e| date_of(e.stamp) <= session.date) {
                books.take(effect)?;
                paid_in = paid_in.plus(effect.paid_in)?;
            }
            let equity = self.value(&books, session.close)?;
            days.push(DayEnd { date: session.date, equity, paid_in });
        }
        Ok(days)
    }

    fn value(&self, books: &Books<'_>, moment: Timestamp) -> Result<Money, Error> {
        let mut sum = books.cash;
        for (symbol, qty) in books.held.iter().filter(|(_, qty)| **qty != Delta::ZERO) {
            sum = sum.plus(qty.at(self.mark_at(symbol, moment)?))?;
        }
        Ok(sum)
    }

    fn mark_at(&self, symbol: &Symbol, moment: Timestamp) -> Result<Px, Error> {
        let unknown = || Error::NotListed { symbol: symbol.to_string() };
        let listing = self.view.market().listing(symbol).ok_or_else(unknown)?;
        let mark = self.view.market().mark(listing, moment)?.ok_or_else(unknown)?;
        Ok(listing.on_grid(mark))
    }
}

/// Cash and positions as entries are taken in.
#[derive(Default)]
struct Books<'a> {
    cash: Money,
    held: BTreeMap<&'a Symbol, Delta>,
}

impl<'a> Books<'a> {
    fn take(&mut self, effect: &'a Effect) -> Result<(), Error> {
        self.cash = self.cash.plus(effect.cash)?;
        if let Some((symbol, change)) = &effect.position {
            let qty = self.held.entry(symbol).or_default();
            *qty = qty.plus(*change)?;
        }
        Ok(())
    }
}
