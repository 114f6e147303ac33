//! The second set of books: decimals, one entry after the other, by the rules as written down.

use std::collections::BTreeMap;

use atlas_core::Side;
use atlas_core::calendar::{Calendar, Session};
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy::{AwayFromZero, ToNegativeInfinity, ToZero};

use super::play::Setup;
use crate::core::*;

/// Cash, shares and what has come together of interest.
#[derive(Debug, Default)]
pub(super) struct Books {
    /// The middle of what was quoted last today, by symbol.
    pub(super) quoted: BTreeMap<String, Decimal>,
    pub(super) cash: Decimal,
    pub(super) held: BTreeMap<String, Decimal>,
    /// Settlement day and effect on cash of every trade.
    trades: Vec<(NaiveDate, Decimal)>,
    seen: usize,
    debit: Decimal,
    idle: Decimal,
    borrow: Decimal,
    /// Dividends that were earned and not paid yet.
    dividends: Vec<Decimal>,
    pub(super) filled: BTreeMap<u64, Decimal>,
}

pub(super) fn decimal(text: &impl ToString) -> Decimal {
    text.to_string().parse().unwrap()
}

impl Books {
    /// Reads what is new in the ledger.
    pub(super) fn catch_up(&mut self, setup: &Setup, exchange: &Exchange) {
        for activity in &exchange.activities()[self.seen..] {
            match &activity.entry {
                Entry::Deposit(amount) => self.cash += decimal(amount),
                Entry::Fee { amount, .. } => self.cash -= decimal(amount),
                Entry::Fill(fill) => self.fill(exchange, activity, fill),
                Entry::Posting(posting) => self.posting(setup, posting),
            }
            self.held.retain(|_, qty| !qty.is_zero());
        }
        self.seen = exchange.activities().len();
        self.compare(exchange);
    }

    fn fill(&mut self, exchange: &Exchange, activity: &Activity, fill: &Execution) {
        let (qty, price) = (decimal(&fill.qty), decimal(&fill.price));
        let sign = if fill.side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
        self.cash -= sign * qty * price;
        let held = self.held.entry(fill.symbol.to_string()).or_default();
        let before = *held;
        *held += sign * qty;
        assert!(before * *held >= Decimal::ZERO, "{} was turned around", fill.symbol);
        *self.filled.entry(fill.order_seq).or_default() += qty;
        if fill.symbol.is_crypto() {
            let row = exchange.listings()[&fill.symbol].row_of(activity.stamp.date_naive());
            assert!(row.is_some());
        } else {
            let date = date_of(activity.stamp);
            // T+2 in January and February 2019.
            let mut settles = date;
            for _ in 0..2 {
                settles = Calendar::nyse().next_session(settles).unwrap().date;
            }
            self.trades.push((settles, -sign * qty * price));
        }
        let worse = if fill.side == Side::Buy {
            fill.price >= fill.reference
        } else {
            fill.price <= fill.reference
        };
        assert!(worse, "price improvement: {fill:?}");
    }

    fn posting(&mut self, setup: &Setup, posting: &Posting) {
        self.cash += decimal(&posting.amount);
        let Some(symbol) = &posting.symbol else { return };
        let held = self.held.entry(symbol.to_string()).or_default();
        let before = *held;
        *held += decimal(&posting.change);
        match posting.kind {
            PostingKind::Split => assert_eq!(*held, before * setup.split()),
            PostingKind::Delisting => {
                assert!(held.is_zero());
                let close = decimal(&posting.per_share.unwrap());
                let worth = before * close * setup.left_of_delisted();
                let worth = worth.round_dp_with_strategy(2, ToNegativeInfinity);
                assert_eq!(decimal(&posting.amount), worth);
            }
            PostingKind::Dividend => {
                let due = self.dividends.pop().expect("a dividend nobody is due");
                assert_eq!(decimal(&posting.amount), due);
            }
            PostingKind::CryptoFee => {
                assert!(posting.amount <= Money::ZERO && !(*held).is_sign_negative());
            }
            PostingKind::Rename
            | PostingKind::MarginInterest
            | PostingKind::CashInterest
            | PostingKind::BorrowFee => {}
        }
    }

    fn compare(&self, exchange: &Exchange) {
        let ledger = &exchange.state().ledger;
        assert_eq!(self.cash, decimal(&ledger.cash), "cash is the sum of the ledger");
        let theirs: BTreeMap<String, Decimal> = ledger
            .holdings
            .iter()
            .map(|(symbol, holding)| (symbol.to_string(), decimal(&holding.signed())))
            .collect();
        assert_eq!(self.held, theirs, "positions are the sum of the ledger");
    }

    /// What a close charges, and what it posts: handed in is the exchange just after it.
    pub(super) fn close(&mut self, setup: &Setup, exchange: &Exchange, session: &Session) {
        let carry = |kind: PostingKind| {
            matches!(
                kind,
                PostingKind::MarginInterest | PostingKind::CashInterest | PostingKind::BorrowFee
            )
        };
        let posted: Vec<(PostingKind, Decimal)> = exchange.activities()[self.seen..]
            .iter()
            .filter_map(|activity| match &activity.entry {
                Entry::Posting(posting) if carry(posting.kind) => {
                    Some((posting.kind, decimal(&posting.amount)))
                }
                Entry::Posting(_) | Entry::Fill(_) | Entry::Deposit(_) | Entry::Fee { .. } => None,
            })
            .collect();
        self.catch_up(setup, exchange);
        let paid: Decimal = posted.iter().map(|(_, amount)| *amount).sum();
        self.accrue(exchange, session, self.cash - paid);
        self.earn(exchange, session);
        let next = Calendar::nyse().next_session(session.date).unwrap().date;
        if next.month() == session.date.month() {
            assert!(posted.is_empty(), "{posted:?} within a month");
            return;
        }
        let of = |kind| posted.iter().find(|(k, _)| *k == kind).map_or(Decimal::ZERO, |(_, a)| *a);
        let sums = [
            (of(PostingKind::MarginInterest), -self.debit, AwayFromZero),
            (of(PostingKind::BorrowFee), -self.borrow, AwayFromZero),
            (of(PostingKind::CashInterest), self.idle, ToZero),
        ];
        for (posted, exact, rounding) in sums {
            // At a whole cent the last of eighteen digits decides.
            let dust = Decimal::new(1, 12);
            let near = [exact - dust, exact, exact + dust];
            let rounded = near.map(|sum| sum.round_dp_with_strategy(2, rounding));
            assert!(rounded.contains(&posted), "{posted} posted for {exact}");
        }
        (self.debit, self.borrow, self.idle) = Default::default();
    }

    /// Notes the dividend of what is held at the last close before the ex-date.
    fn earn(&mut self, exchange: &Exchange, session: &Session) {
        let next = Calendar::nyse().next_session(session.date).unwrap().date;
        for (symbol, listing) in exchange.listings() {
            let Some(held) = self.held.get(symbol.as_str()) else { continue };
            for action in listing.actions().iter().filter(|action| action.date == next) {
                if let ActionKind::Dividend { per_share, .. } = &action.kind {
                    let due = *held * decimal(per_share);
                    self.dividends.push(due.round_dp_with_strategy(2, ToNegativeInfinity));
                }
            }
        }
    }

    fn accrue(&mut self, exchange: &Exchange, session: &Session, cash: Decimal) {
        let next = Calendar::nyse().next_session(session.date).unwrap().date;
        let nights = Decimal::from((next - session.date).num_days());
        let part = |of: Decimal, bps: i64| of * Decimal::new(bps, 4) * nights / Decimal::from(360);
        let open: Decimal =
            self.trades.iter().filter(|(day, _)| *day > session.date).map(|(_, sum)| *sum).sum();
        let settled = cash - open;
        let mut short = Decimal::ZERO;
        for (symbol, qty) in self.held.iter().filter(|(_, qty)| qty.is_sign_negative()) {
            let symbol = symbol.parse().unwrap();
            let mark = || decimal(&exchange.mark_at(&symbol, session.close).unwrap());
            short -= *qty * self.quoted.get(symbol.as_str()).copied().unwrap_or_else(mark);
        }
        // A quote stands for the day at most.
        self.quoted.clear();
        self.borrow += part(short, 300);
        if settled.is_sign_negative() {
            self.debit += part(-settled, 1200);
        } else {
            self.idle += part((settled - short).max(Decimal::ZERO), 400);
        }
    }
}
