//! What companies do to their shares, in our books: splits, other symbols, ends of listings.
//!
//! The broker's ledger says how many shares came or went; whose they are follows from whose the
//! shares were that they came of. Shares that came of nothing we hold are nobody's we know, and
//! count as others': Atlas never sells them unless a person has it adopt them.

use atlas_broker::{SharesEntry, SharesKind};
use atlas_core::{Error, Price, Qty, Rounding, Symbol, Usd};
use chrono::NaiveDate;

use super::books::{Books, Lot};

/// Shares that a split or another symbol has taken out and not put back yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Parked {
    kind: SharesKind,
    date: NaiveDate,
    symbol: Symbol,
    lot: Lot,
}

/// What an entry has made of the shares of a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reshape {
    /// The symbol it was.
    pub from: Symbol,
    /// The symbol it is.
    pub to: Symbol,
    /// Shares there are, of `old`.
    pub new: Qty,
    /// Shares there were.
    pub old: Qty,
}

/// What became of an entry.
#[derive(Debug, Default)]
pub(super) struct Reshaped {
    /// What it has made of which shares, if that is known by now.
    pub(super) what: Option<Reshape>,
    /// Whether more went than was held.
    pub(super) short: bool,
}

impl Books {
    /// Takes in an entry that moves shares.
    pub(super) fn shares_entry(&mut self, entry: &SharesEntry) -> Result<Reshaped, Error> {
        let cash = self.cash().checked_add(entry.net_amount)?;
        let size = Qty::new(entry.change.abs())?;
        let reshaped = if entry.change.is_sign_negative() {
            self.shares_went(entry, size)?
        } else {
            self.shares_came(entry, size)?
        };
        self.set_cash(cash);
        Ok(reshaped)
    }

    fn shares_went(&mut self, entry: &SharesEntry, size: Qty) -> Result<Reshaped, Error> {
        let lot = self.lot(&entry.symbol);
        let (symbol, old) = (&entry.symbol, lot.total()?);
        let left = old.saturating_sub(size);
        let new = if size > old { Qty::ZERO } else { left };
        let moves = matches!(entry.kind, SharesKind::Split | SharesKind::SymbolChange);
        if moves && size == old {
            // All of them: what they have become follows in another entry.
            let (kind, date) = (entry.kind.clone(), entry.date);
            self.park(Parked { kind, date, symbol: symbol.clone(), lot });
            self.set(symbol.clone(), Lot::default());
            return Ok(Reshaped::default());
        }
        let mut after = lot.scaled(new, old)?;
        if !moves {
            // They went for money, or for nothing: what is left has cost its share.
            after.cost = match lot.avg_price() {
                Some(price) => price.notional(after.owned)?,
                None => Usd::ZERO,
            };
            let paid: Result<Price, Error> =
                entry.net_amount.per_share(size, 6, Rounding::HalfEven);
            let gone = lot.owned.saturating_sub(after.owned);
            let got = match paid {
                Ok(price) if !gone.is_zero() => price.notional(gone)?,
                Ok(_) | Err(_) => Usd::ZERO,
            };
            let cost = lot.cost.checked_sub(after.cost)?;
            self.realise(got.checked_sub(cost)?)?;
        }
        self.set(symbol.clone(), after);
        let (from, to) = (symbol.clone(), symbol.clone());
        Ok(Reshaped { what: Some(Reshape { from, to, new, old }), short: size > old })
    }

    fn shares_came(&mut self, entry: &SharesEntry, size: Qty) -> Result<Reshaped, Error> {
        let (symbol, held) = (&entry.symbol, self.lot(&entry.symbol));
        let total = held.total()?;
        if let Some(parked) = self.unpark(|parked| parked.becomes(entry)) {
            let old = parked.lot.total()?;
            let came = parked.lot.scaled(size, old)?;
            let lot = Lot {
                owned: held.owned.checked_add(came.owned)?,
                unmanaged: held.unmanaged.checked_add(came.unmanaged)?,
                cost: held.cost.checked_add(came.cost)?,
                opened: held.opened.or(came.opened),
            };
            self.set(symbol.clone(), lot);
            let (from, to) = (parked.symbol, symbol.clone());
            return Ok(Reshaped { what: Some(Reshape { from, to, new: size, old }), short: false });
        }
        let new = total.checked_add(size)?;
        let mut lot = held;
        let mut what = None;
        if entry.kind == SharesKind::Split && !total.is_zero() {
            lot = held.scaled(new, total)?;
            let (from, to) = (symbol.clone(), symbol.clone());
            what = Some(Reshape { from, to, new, old: total });
        } else {
            lot.unmanaged = lot.unmanaged.checked_add(size)?;
        }
        self.set(symbol.clone(), lot);
        Ok(Reshaped { what, short: false })
    }
}

impl Parked {
    /// Whether an entry tells what these shares have become.
    fn becomes(&self, entry: &SharesEntry) -> bool {
        let same = self.symbol == entry.symbol;
        self.kind == entry.kind
            && self.date == entry.date
            && (same == (self.kind == SharesKind::Split))
    }
}

impl Lot {
    /// The same lot once `old` shares have become `new` ones, for the same cost. Whose they are
    /// stays in proportion, rounded towards zero at nine decimals for the owned ones.
    fn scaled(self, new: Qty, old: Qty) -> Result<Self, Error> {
        if self.unmanaged.is_zero() {
            return Ok(self.with(new, Qty::ZERO));
        }
        let owned = self
            .owned
            .value()
            .checked_mul(new.value())
            .and_then(|product| product.checked_div(old.value()))
            .ok_or(Error::Overflow {
                operation: "split",
                left: self.owned.value(),
                right: new.value(),
            })?;
        let toward_zero = rust_decimal::RoundingStrategy::ToZero;
        let owned = Qty::new(owned.round_dp_with_strategy(9, toward_zero))?.min(new);
        Ok(self.with(owned, new.saturating_sub(owned)))
    }

    fn with(self, owned: Qty, unmanaged: Qty) -> Self {
        if owned.is_zero() {
            return Self { unmanaged, ..Self::default() };
        }
        Self { owned, unmanaged, ..self }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn held(owned: u32, unmanaged: u32) -> Books {
        let symbol: Symbol = "AAPL".parse().unwrap();
        let all = Qty::from_shares(owned + unmanaged);
        let mut books =
            Books::opened("1000".parse().unwrap(), &BTreeMap::from([(symbol.clone(), all)]));
        if owned > 0 {
            let (qty, price) = (Qty::from_shares(owned), "10".parse().unwrap());
            books.adopt(&symbol, qty, price, "2020-01-02T15:00:00Z".parse().unwrap()).unwrap();
        }
        books
    }

    fn entry(kind: SharesKind, symbol: &str, change: &str, net: &str) -> SharesEntry {
        SharesEntry {
            kind,
            date: "2020-08-31".parse().unwrap(),
            symbol: symbol.parse().unwrap(),
            change: change.parse().unwrap(),
            net_amount: net.parse().unwrap(),
            description: String::new(),
        }
    }

    #[track_caller]
    fn check(books: &Books, symbol: &str, owned: &str, unmanaged: &str, cost: &str) {
        let lot = books.lot(&symbol.parse().unwrap());
        let seen = (lot.owned.to_string(), lot.unmanaged.to_string(), lot.cost);
        assert_eq!(seen, (owned.to_owned(), unmanaged.to_owned(), cost.parse().unwrap()));
    }

    #[test]
    fn a_split_keeps_the_cost_and_everybodys_part() {
        let mut books = held(10, 5);
        let done = books.shares_entry(&entry(SharesKind::Split, "AAPL", "45", "0")).unwrap();
        check(&books, "AAPL", "40", "20", "100");
        let what = done.what.unwrap();
        assert_eq!((what.new, what.old), (Qty::from_shares(60), Qty::from_shares(15)));
        // Back again, with a fraction paid out.
        books.shares_entry(&entry(SharesKind::Split, "AAPL", "-50", "3.5")).unwrap();
        check(&books, "AAPL", "6.666666666", "3.333333334", "100");
        assert_eq!(books.cash(), "1003.5".parse::<Usd>().unwrap());
    }

    #[test]
    fn a_split_in_two_entries_is_the_same() {
        let mut books = held(10, 5);
        let out = books.shares_entry(&entry(SharesKind::Split, "AAPL", "-15", "0")).unwrap();
        assert!(out.what.is_none() && books.lots().is_empty());
        let back = books.shares_entry(&entry(SharesKind::Split, "AAPL", "60", "0")).unwrap();
        assert!(back.what.is_some());
        check(&books, "AAPL", "40", "20", "100");
    }

    #[test]
    fn another_symbol_keeps_owner_cost_and_entry_date() {
        let mut books = held(10, 0);
        let opened = books.lot(&"AAPL".parse().unwrap()).opened;
        books.shares_entry(&entry(SharesKind::SymbolChange, "AAPL", "-10", "0")).unwrap();
        let done = books.shares_entry(&entry(SharesKind::SymbolChange, "APPL", "10", "0")).unwrap();
        check(&books, "APPL", "10", "0", "100");
        assert_eq!(books.lot(&"APPL".parse().unwrap()).opened, opened);
        assert_eq!(done.what.unwrap().from, "AAPL".parse().unwrap());
    }

    #[test]
    fn the_end_of_a_listing_is_a_sale() {
        let mut books = held(10, 10);
        books.shares_entry(&entry(SharesKind::Reorganisation, "AAPL", "-20", "60")).unwrap();
        assert!(books.lots().is_empty());
        assert_eq!(books.realised(), "-70".parse::<Usd>().unwrap());
        assert_eq!(books.cash(), "1060".parse::<Usd>().unwrap());
    }

    #[test]
    fn shares_of_nothing_we_know_are_not_atlass() {
        let mut books = held(10, 0);
        for kind in [SharesKind::Unknown("SPIN".into()), SharesKind::SymbolChange] {
            books.shares_entry(&entry(kind, "NEW", "4", "0")).unwrap();
        }
        check(&books, "NEW", "0", "8", "0");
        let done = books.shares_entry(&entry(SharesKind::Split, "AAPL", "-11", "0")).unwrap();
        assert!(done.short, "more went than was held");
    }
}
