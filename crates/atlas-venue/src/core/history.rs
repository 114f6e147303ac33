//! What the account was worth at each close, recomputed from its ledger.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use chrono::NaiveDate;

use super::exchange::Exchange;
use super::ledger::Entry;
use super::{Delta, Money, date_of};
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

impl Exchange {
    /// Cash and everything held at moments of the past, in order: what had been posted by then, at the
    /// price last known then.
    pub(crate) fn worth_at(
        &self,
        moments: impl Iterator<Item = Timestamp>,
    ) -> Result<Vec<Money>, Error> {
        let mut entries = self.activities().iter().peekable();
        let (mut cash, mut held) = (Money::ZERO, BTreeMap::<&Symbol, Delta>::new());
        let mut worth = Vec::new();
        for moment in moments {
            while let Some(entry) = entries.next_if(|entry| entry.stamp <= moment) {
                cash = cash.plus(entry.entry.cash_effect())?;
                if let Some((symbol, change)) = entry.entry.position_effect() {
                    let qty = held.entry(symbol).or_default();
                    *qty = qty.plus(change)?;
                }
            }
            let mut sum = cash;
            for (symbol, qty) in held.iter().filter(|(_, qty)| **qty != Delta::ZERO) {
                sum = sum.plus(qty.at(self.mark_at(symbol, moment)?))?;
            }
            worth.push(sum);
        }
        Ok(worth)
    }

    /// The account at each close from the day it was opened up to now, oldest first. Holdings
    /// count at the close of the day; nothing is kept for this, so it takes a walk over the ledger.
    pub(crate) fn day_ends(&self) -> Result<Vec<DayEnd>, Error> {
        let nyse = Calendar::nyse();
        let last = nyse.last_closed(self.state.clock)?.date;
        let (mut days, mut entries) = (Vec::new(), self.activities().iter().peekable());
        let (mut cash, mut held) = (Money::ZERO, BTreeMap::<&Symbol, Delta>::new());
        for session in nyse.sessions(date_of(self.state.opened), last)? {
            let mut paid_in = Money::ZERO;
            // Fees of the day bear stamps at its close.
            while let Some(entry) = entries.next_if(|e| date_of(e.stamp) <= session.date) {
                cash = cash.plus(entry.entry.cash_effect())?;
                if let Entry::Deposit(amount) = &entry.entry {
                    paid_in = paid_in.plus(*amount)?;
                }
                if let Some((symbol, change)) = entry.entry.position_effect() {
                    let qty = held.entry(symbol).or_default();
                    *qty = qty.plus(change)?;
                }
            }
            let mut equity = cash;
            for (symbol, qty) in held.iter().filter(|(_, qty)| **qty != Delta::ZERO) {
                equity = equity.plus(qty.at(self.mark_at(symbol, session.close)?))?;
            }
            days.push(DayEnd { date: session.date, equity, paid_in });
        }
        Ok(days)
    }
}
