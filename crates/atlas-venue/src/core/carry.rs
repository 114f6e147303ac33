//! What holding costs and earns: interest on borrowed money and idle cash, fees on borrowed shares.
//!
//! At each close of the exchange the coming nights are charged, until the next session: balances
//! times the rate of a year, by actual days over 360 (Alpaca: interest on the settlement-date debit
//! balance at day end, actual/360). At the last close of a month the sums are posted: what is owed
//! rounded up to the cent, what is earned rounded down.
//!
//! - **Debit**: cash that has settled, where it is below zero.
//! - **Idle cash**: cash that has settled, less what short positions are worth: that is collateral.
//! - **Borrow fee**: what each short position is worth at the close.

use atlas_core::Bps;
use atlas_core::calendar::Session;
use chrono::Datelike;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::ledger::Entry;
use super::posting::{Posting, PostingKind};
use super::{Money, Px};
use crate::Error;

/// Rates of a year, in basis points, zero or more.
///
/// # Examples
/// ```
/// use atlas_core::Bps;
/// use atlas_venue::Carry;
///
/// let carry = Carry { idle: Bps::from_int(400), ..Carry::realistic() };
/// assert_eq!(carry.debit, Bps::from_int(1200));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Carry {
    /// Charged on a debit balance.
    pub debit: Bps,
    /// Earned on idle cash.
    pub idle: Bps,
    /// Charged on what short positions are worth.
    pub borrow: Bps,
}

impl Carry {
    /// Charged on the conservative side: 12 % a year on debit balances, 3 % on borrowed shares,
    /// nothing earned on idle cash.
    #[must_use]
    pub fn realistic() -> Self {
        Self { debit: Bps::from_int(1200), idle: Bps::ZERO, borrow: Bps::from_int(300) }
    }

    /// Nothing charged and nothing earned, as on Alpaca's paper service.
    pub const FREE: Self = Self { debit: Bps::ZERO, idle: Bps::ZERO, borrow: Bps::ZERO };

    /// The rates as whole numbers of 10⁻¹⁰.
    pub(crate) fn rates(&self) -> Result<Rates, Error> {
        let units = |bps: Bps| {
            let units = (bps.value() * Decimal::from(1_000_000)).to_i64();
            units.filter(|units| (0..=ONE).contains(units)).ok_or_else(|| Error::Setting {
                setting: "carry",
                value: format!("{bps} bps a year"),
                range: "0 to 10000 bps, with at most six decimals",
            })
        };
        Ok(Rates {
            debit: units(self.debit)?,
            idle: units(self.idle)?,
            borrow: units(self.borrow)?,
        })
    }
}

/// The rates of a [`Carry`] in units of 10⁻¹⁰.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rates {
    debit: i64,
    idle: i64,
    borrow: i64,
}

/// What has come together and is not posted yet, each zero or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Accrued {
    debit: Money,
    idle: Money,
    borrow: Money,
}

impl Accrued {
    /// What will have to be paid, each rounded as it will be posted.
    pub(crate) fn owed(&self) -> Result<Money, Error> {
        self.debit.up_to_cent()?.plus(self.borrow.up_to_cent()?)
    }
}

impl Exchange {
    /// Charges the nights from a close to the next session, and posts the month at its end.
    pub(super) fn accrue(&mut self, session: &Session) -> Result<(), Error> {
        let ledger = &self.state.ledger;
        let is_still = self.carry.idle == 0
            && ledger.cash >= Money::ZERO
            && ledger.holdings.is_empty()
            && ledger.unsettled.is_empty()
            && ledger.accrued == Accrued::default();
        if is_still {
            return Ok(());
        }
        // After the last session of the calendar one night is charged.
        let next = super::hours::after(self.next_session, session).map(|next| next.date);
        let nights = next.map_or(1, |next| (next - session.date).num_days());
        let year = i128::from(ONE) * 360;
        let part = |of: Money, rate: i64| of.fraction(i128::from(rate) * i128::from(nights), year);
        let (rates, mut accrued) = (self.carry, ledger.accrued);
        let mut collateral = Money::ZERO;
        for (symbol, holding) in &ledger.holdings {
            if holding.is_short {
                let value = self.mark_of_holding(symbol)?.times(holding.qty);
                collateral = collateral.plus(value)?;
                accrued.borrow = accrued.borrow.plus(part(value, rates.borrow)?)?;
            }
        }
        let settled = ledger.settled(session.date)?;
        if settled < Money::ZERO {
            accrued.debit = accrued.debit.plus(part(settled.negated(), rates.debit)?)?;
        } else if rates.idle > 0 {
            let idle = settled.minus(collateral)?.max(Money::ZERO);
            accrued.idle = accrued.idle.plus(part(idle, rates.idle)?)?;
        }
        self.state.ledger.accrued = accrued;
        self.state.ledger.unsettled.retain(|day, _| *day > session.date);
        let is_last = next.is_none_or(|next| next.month() != session.date.month());
        if is_last { self.post_carry(session) } else { Ok(()) }
    }

    fn post_carry(&mut self, session: &Session) -> Result<(), Error> {
        let accrued = std::mem::take(&mut self.state.ledger.accrued);
        let amounts = [
            (PostingKind::MarginInterest, accrued.debit.up_to_cent()?.negated()),
            (PostingKind::BorrowFee, accrued.borrow.up_to_cent()?.negated()),
            (PostingKind::CashInterest, accrued.idle.down_to_cent()?),
        ];
        for (kind, amount) in amounts {
            if amount != Money::ZERO {
                self.post(Entry::Posting(Posting::money(kind, session.date, amount)))?;
            }
        }
        Ok(())
    }

    /// The last price of something held that was known at a moment.
    pub(super) fn mark_at(
        &self,
        symbol: &atlas_core::Symbol,
        now: atlas_core::time::Timestamp,
    ) -> Result<Px, Error> {
        let unknown = || Error::NotListed { symbol: symbol.to_string() };
        let listing = self.market.listing(symbol).ok_or_else(unknown)?;
        let phase = || super::Market::phase_near(self.next_session, now);
        let mark = self.market.mark_in(listing, now, phase)?.ok_or_else(unknown)?;
        Ok(listing.on_grid(mark))
    }
}

/// The whole, in units of 10⁻¹⁰.
const ONE: i64 = 10_000_000_000;
