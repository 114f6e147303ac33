//! Pages over the points of several symbols.
//!
//! The limit counts points over all symbols; symbols come in the order of their names, points in
//! the order asked for. The token is the last point given, and means nothing to a client.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use chrono::TimeDelta;
use serde_json::Value;

use super::super::answer::{Answer, Failure};
use super::super::lens::shown;
use super::super::query::Query;
use super::Market;
use crate::core::{View, date_of};
use crate::tape::midnight;

/// What a request for history asks for; moments as they are shown.
#[derive(Debug)]
pub(super) struct Window {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) newest_first: bool,
    limit: usize,
    after: Option<(String, Timestamp)>,
}

/// A page of points, by symbol, and where the next one begins.
#[derive(Debug, Default)]
pub(super) struct Page {
    pub(super) points: BTreeMap<String, Vec<Value>>,
    pub(super) token: Option<String>,
    count: usize,
    last: Option<(String, Timestamp)>,
}

impl Window {
    /// Reads the parameters; without a start it is today's, of crypto the day in UTC, without an end
    /// the present's.
    pub(super) fn read(query: &Query, view: &View, market: Market) -> Answer<Self> {
        let now = shown(view.now());
        let today = match market {
            Market::Stocks => midnight(date_of(now), false),
            Market::Crypto => midnight(now.date_naive(), true),
        };
        let start = query.shown("start")?.unwrap_or(today);
        let end = query.shown("end")?.unwrap_or(now);
        let after = query.text("page_token").map(read_token).transpose()?;
        if start > end && query.text("start").is_some() && query.text("end").is_some() {
            return Err(Failure::BadData("end should not be before start".to_owned()));
        }
        Ok(Self {
            start,
            end,
            newest_first: query.word("sort", "asc", &["asc", "desc"])? == "desc",
            limit: query.number("limit", 1000, 10_000)?,
            after,
        })
    }

    /// The part of the window that a symbol still has to give; `None` if it has given all.
    pub(super) fn of(&self, symbol: &str) -> Option<(Timestamp, Timestamp)> {
        match &self.after {
            Some((last, _)) if symbol < last.as_str() => None,
            Some((last, at)) if symbol == last && self.newest_first => {
                Some((self.start, *at - TimeDelta::nanoseconds(1)))
            }
            Some((last, at)) if symbol == last => Some((*at + TimeDelta::nanoseconds(1), self.end)),
            Some(_) | None => Some((self.start, self.end)),
        }
    }

    /// Adds a point; false if the page is full and the point belongs to the next one.
    pub(super) fn add(&self, page: &mut Page, symbol: &str, at: Timestamp, point: Value) -> bool {
        if page.count == self.limit {
            page.token = page.last.as_ref().map(|(symbol, at)| write_token(symbol, *at));
            return false;
        }
        page.points.entry(symbol.to_owned()).or_default().push(point);
        page.last = Some((symbol.to_owned(), at));
        page.count += 1;
        true
    }
}

/// Hexadecimal digits of `symbol|nanoseconds`: safe in an address, and no invitation to be made up.
fn write_token(symbol: &str, at: Timestamp) -> String {
    let nanos = at.timestamp_nanos_opt().unwrap_or_default();
    let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
    let bytes = format!("{symbol}|{nanos}").into_bytes();
    bytes.into_iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn read_token(text: &str) -> Answer<(String, Timestamp)> {
    let read = || {
        let digits = text.as_bytes().chunks(2).map(|pair| {
            let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Vec<u8> = digits.collect::<Option<_>>()?;
        let text = String::from_utf8(bytes).ok()?;
        let (symbol, nanos) = text.split_once('|')?;
        Some((symbol.to_owned(), Timestamp::from_timestamp_nanos(nanos.parse().ok()?)))
    };
    read().ok_or_else(|| Failure::BadData("invalid page_token".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_and_others_are_refused() {
        let at: Timestamp = "2019-01-02T15:00:00.000000001Z".parse().unwrap();
        let token = write_token("BTC/USD", at);
        assert!(token.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert_eq!(read_token(&token).unwrap(), ("BTC/USD".to_owned(), at));
        for bad in ["x", "zz", "4", "41", "417c", "ffff", "é"] {
            assert!(read_token(bad).is_err(), "{bad}");
        }
    }
}
