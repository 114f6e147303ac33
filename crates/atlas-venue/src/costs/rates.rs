//! Looking a fee rate up by its day.

use chrono::{Datelike, NaiveDate};

use super::table;
use crate::Error;
use crate::core::{Money, Px, Shares};

/// How well a rate and its dates are evidenced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confidence {
    /// Seen in an official document, or in a full copy of one.
    Primary,
    /// From a third party or a quotation, or with a derived date.
    Secondary,
    /// Value or date was seen in no source.
    Recollection,
}

/// One row of a dated table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rate {
    /// First trade date, inclusive.
    pub(super) from: (i32, u32, u32),
    /// Last trade date, inclusive; open if `None`.
    pub(super) to: Option<(i32, u32, u32)>,
    /// The rate, in the unit of its table.
    pub(super) value: i64,
    /// Most one trade can be charged, in cents.
    pub(super) cap_cents: Option<i64>,
    /// How well it is evidenced.
    pub(super) confidence: Confidence,
    /// The documents it rests on.
    pub(super) source: &'static str,
}

/// A fee that is charged by its own rule and posted as its own entry.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum FeeKind {
    /// SEC Section 31, on the proceeds of sales.
    Sec31,
    /// FINRA's Trading Activity Fee, on shares sold.
    Taf,
    /// The Consolidated Audit Trail, on shares bought and sold, as Alpaca passes it on.
    Cat,
    /// The broker's own commission.
    Commission,
}

impl FeeKind {
    /// Every fee, in the order of posting.
    pub const ALL: [Self; 4] = [Self::Sec31, Self::Taf, Self::Cat, Self::Commission];

    /// The words of the ledger entry.
    #[must_use]
    pub const fn description(self) -> &'static str {
        match self {
            Self::Sec31 => "REG fee (SEC Section 31)",
            Self::Taf => "TAF fee (FINRA Trading Activity Fee)",
            Self::Cat => "CAT fee (Consolidated Audit Trail)",
            Self::Commission => "Commission",
        }
    }
}

/// A rate of one day, with what it rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Evidence {
    /// How well it is evidenced.
    pub confidence: Confidence,
    /// The documents it rests on.
    pub source: &'static str,
}

/// What the tables say about a fee on a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup {
    /// The fee does not exist on that day.
    Absent,
    /// No evidence: nothing is charged, and the gap is named.
    Unknown,
    /// The rate.
    Known(Rate),
}

/// Looks a regulatory fee up; commissions are not in a table.
pub(super) fn lookup(kind: FeeKind, date: NaiveDate) -> Lookup {
    let rows = match kind {
        FeeKind::Sec31 => table::SEC31,
        FeeKind::Taf => table::TAF,
        FeeKind::Cat => table::CAT,
        FeeKind::Commission => return Lookup::Absent,
    };
    let day = (date.year(), date.month(), date.day());
    if kind == FeeKind::Cat && day < CAT_BEGINS {
        return Lookup::Absent;
    }
    let row = rows.iter().find(|row| row.from <= day && row.to.is_none_or(|to| day <= to));
    row.map_or(Lookup::Unknown, |row| Lookup::Known(*row))
}

/// What the Section 31 fee on one day's proceeds of sales comes to, before rounding to the cent:
/// rounded up at 10⁻¹⁸ dollars.
pub(super) fn sec31(proceeds: Money, rate: &Rate) -> Result<Money, Error> {
    // Cents per million dollars: one part in 10^8.
    let product = proceeds
        .attos()
        .checked_mul(i128::from(rate.value))
        .ok_or(Error::Overflow { what: "Section 31 fee" })?;
    Ok(Money::from_attos(product.div_euclid(100_000_000) + i128::from(product % 100_000_000 != 0)))
}

/// What a fee per share comes to for one execution, exactly, up to the cap.
pub(super) fn per_share(qty: Shares, price: Px, kind: FeeKind, rate: &Rate) -> Money {
    let Some(each) = Px::from_nanos(rate.value) else { return Money::ZERO };
    // No fee is due on a sale whose price per share is below the rate (FINRA By-Laws, schedule A).
    if kind == FeeKind::Taf && price < each {
        return Money::ZERO;
    }
    let fee = each.times(qty);
    rate.cap_cents.map_or(fee, |cents| fee.min(Money::from_cents(cents)))
}

/// First trade date for which the CAT fee was invoiced (CAT NMS Plan, FAQ V6).
const CAT_BEGINS: (i32, u32, u32) = (2024, 9, 1);

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn rates_of_some_days() {
        let value = |kind, text| match lookup(kind, day(text)) {
            Lookup::Known(rate) => Some(rate.value),
            Lookup::Unknown | Lookup::Absent => None,
        };
        assert_eq!(value(FeeKind::Sec31, "2001-12-27"), None);
        assert_eq!(value(FeeKind::Sec31, "2001-12-28"), Some(1_500));
        assert_eq!(value(FeeKind::Sec31, "2019-01-03"), Some(1_300));
        assert_eq!(value(FeeKind::Sec31, "2019-04-16"), Some(2_070));
        assert_eq!(value(FeeKind::Sec31, "2030-01-02"), Some(2_060));
        assert_eq!(value(FeeKind::Taf, "2019-01-03"), Some(119_000));
        assert_eq!(value(FeeKind::Taf, "2026-11-20"), Some(0));
        assert_eq!(value(FeeKind::Taf, "2029-01-02"), None);
        assert_eq!(lookup(FeeKind::Cat, day("2019-01-03")), Lookup::Absent);
        assert_eq!(lookup(FeeKind::Cat, day("2025-01-03")), Lookup::Unknown);
    }

    #[test]
    fn gaps_and_weak_rows_are_those_the_documentation_names() {
        let known = |kind, text| !matches!(lookup(kind, day(text)), Lookup::Unknown);
        for (kind, last_known, first, last, first_known) in [
            (FeeKind::Cat, "2024-08-31", "2024-09-01", "2025-06-30", "2025-07-01"),
            (FeeKind::Cat, "2025-11-30", "2025-12-01", "2026-07-19", "2026-07-20"),
        ] {
            assert!(known(kind, last_known) && known(kind, first_known));
            assert!(!known(kind, first) && !known(kind, last));
        }
        assert!(!known(FeeKind::Sec31, "2001-12-27") && !known(FeeKind::Taf, "2003-08-31"));
        assert!(known(FeeKind::Taf, "2028-12-31") && !known(FeeKind::Taf, "2029-01-01"));
        let weak = |rows: &[Rate]| {
            let weak = rows.iter().filter(|row| row.confidence == Confidence::Recollection);
            weak.map(|row| row.from).collect::<Vec<_>>()
        };
        assert_eq!(weak(table::SEC31), [(2008, 1, 25), (2015, 2, 14)]);
        assert_eq!(weak(table::TAF), [(2012, 7, 1)]);
        assert!(weak(table::CAT).is_empty());
    }

    #[test]
    fn rows_are_in_order_and_never_overlap() {
        for rows in [table::SEC31, table::TAF, table::CAT] {
            for pair in rows.windows(2) {
                assert!(pair[0].to.unwrap() < pair[1].from);
            }
            assert!(rows.iter().all(|row| row.to.is_none_or(|to| row.from <= to)));
        }
    }

    #[test]
    fn the_trading_activity_fee_is_capped() {
        let Lookup::Known(rate) = lookup(FeeKind::Taf, day("2019-01-03")) else { panic!() };
        let fee = |qty: &str, price: &str| {
            let (qty, price) = (qty.parse().unwrap(), price.parse().unwrap());
            per_share(qty, price, FeeKind::Taf, &rate).to_string()
        };
        assert_eq!(fee("100", "50"), "0.0119");
        assert_eq!(fee("100000", "50"), "5.95");
        assert_eq!(fee("100", "0.0001"), "0");
    }
}
