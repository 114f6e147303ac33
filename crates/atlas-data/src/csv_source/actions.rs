//! What companies do to their shares: a row a day.

use atlas_core::{Bps, Symbol, Usd};

use super::table::{Row, Table};
use crate::Error;
use crate::actions::{CompanyAction, CompanyDeed};

/// Reads the actions of a symbol, in the order of their dates.
pub(crate) fn actions(file: &str, bytes: &[u8]) -> Result<Vec<CompanyAction>, Error> {
    let mut table = Table::open(file, bytes)?;
    let date = table.required(&["date"])?;
    let places = Places {
        dividend: table.column(&["dividend"]),
        pay_date: table.column(&["pay_date"]),
        split_ratio: table.column(&["split_ratio"]),
        renamed_to: table.column(&["renamed_to"]),
        delisting_return_bps: table.column(&["delisting_return_bps"]),
    };
    let mut all: Vec<CompanyAction> = Vec::new();
    while let Some(row) = table.next_row()? {
        let date = row.date(date)?;
        if all.last().is_some_and(|before| before.date > date) {
            return Err(row.malformed(format!("{date} stands after a later date")));
        }
        all.extend(places.deeds(&row)?.into_iter().map(|deed| CompanyAction { date, deed }));
    }
    Ok(all)
}

struct Places {
    dividend: Option<usize>,
    pay_date: Option<usize>,
    split_ratio: Option<usize>,
    renamed_to: Option<usize>,
    delisting_return_bps: Option<usize>,
}

impl Places {
    /// What a row tells, in the order in which it happens.
    fn deeds(&self, row: &Row<'_>) -> Result<Vec<CompanyDeed>, Error> {
        let text = |place: Option<usize>| {
            place.map(|place| row.text(place)).filter(|text| !text.is_empty())
        };
        let wrong = |what: &str, text: &str, expected: &str| {
            row.malformed(format!("{what} {text:?} is not {expected}"))
        };
        let mut deeds = Vec::new();
        if let Some(text) = text(self.split_ratio) {
            let expected = "a number of new shares for one old one, such as 2 or 0.05";
            let (new, old) = ratio(&text).ok_or_else(|| wrong("split_ratio", &text, expected))?;
            if new != 0 && new != old {
                deeds.push(CompanyDeed::Split { new, old });
            }
        }
        if let Some(text) = text(self.dividend) {
            let amount: Option<Usd> = text.parse().ok().filter(|usd: &Usd| !usd.is_negative());
            let per_share =
                amount.ok_or_else(|| wrong("dividend", &text, "dollars a share, zero or more"))?;
            if per_share != Usd::ZERO {
                let pay_date = self.pay_date.filter(|place| !row.text(*place).is_empty());
                let pay_date = pay_date.map(|place| row.date(place)).transpose()?;
                deeds.push(CompanyDeed::Dividend { per_share, pay_date });
            }
        }
        if let Some(text) = text(self.renamed_to) {
            let to = Symbol::new(&text).map_err(|_| wrong("renamed_to", &text, "a symbol"))?;
            deeds.push(CompanyDeed::Rename { to });
        }
        if let Some(text) = text(self.delisting_return_bps) {
            let bps: Option<Bps> = text.parse().ok();
            let delisting_return =
                bps.ok_or_else(|| wrong("delisting_return_bps", &text, "a number of bps"))?;
            deeds.push(CompanyDeed::Delisting { delisting_return });
        }
        Ok(deeds)
    }
}

/// A decimal as a fraction in lowest terms; zero over one for zero.
fn ratio(text: &str) -> Option<(u32, u32)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let part = part.trim_end_matches('0');
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > 6 {
        return None;
    }
    let scale = 10_u64.checked_pow(u32::try_from(part.len()).ok()?)?;
    let part: u64 = if part.is_empty() { 0 } else { part.parse().ok()? };
    let new = whole.parse::<u64>().ok()?.checked_mul(scale)?.checked_add(part)?;
    let (mut a, mut b) = (new, scale);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    Some((u32::try_from(new / a.max(1)).ok()?, u32::try_from(scale / a.max(1)).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_tells_what_is_not_zero() {
        let text = "date,dividend,split_ratio,pay_date,renamed_to,delisting_return_bps\n\
                    2014-06-09,0.0,7.0,,,\n2014-08-07,0.47,0.0,2014-08-14,,\n\
                    2020-01-02,0,0,,META,\n2021-01-04,,,,,-3000\n";
        let all = actions("f", text.as_bytes()).unwrap();
        let date = |text: &str| text.parse().unwrap();
        assert_eq!(all.len(), 4);
        assert_eq!(all[0].deed, CompanyDeed::Split { new: 7, old: 1 });
        let dividend = CompanyDeed::Dividend {
            per_share: "0.47".parse().unwrap(),
            pay_date: Some(date("2014-08-14")),
        };
        assert_eq!((all[1].date, &all[1].deed), (date("2014-08-07"), &dividend));
        assert_eq!(all[2].deed, CompanyDeed::Rename { to: "META".parse().unwrap() });
        let gone = CompanyDeed::Delisting { delisting_return: "-3000".parse().unwrap() };
        assert_eq!(all[3].deed, gone);
    }

    #[test]
    fn ratios_are_exact() {
        for (text, expected) in [
            ("2.0", Some((2, 1))),
            ("0.05", Some((1, 20))),
            ("1.5", Some((3, 2))),
            ("0.0", Some((0, 1))),
            ("1.0000001", None),
            ("-2", None),
            ("2e3", None),
            ("", None),
        ] {
            assert_eq!(ratio(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        for (row, word) in [
            ("2014-06-09,x,0", "dividend \"x\""),
            ("2014-06-09,-1,0", "dividend"),
            ("2014-06-09,0,seven", "split_ratio"),
            ("9 June,0,0", "date"),
        ] {
            let text = format!("date,dividend,split_ratio\n{row}\n");
            let error = actions("f", text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("line 2"), "{error}");
        }
    }
}
