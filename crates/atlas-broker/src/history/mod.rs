//! Daily history of the present: Alpaca's bars and the publishers' own series, kept in a folder.
//!
//! [`download`] brings a folder up to a session and gives it as a [`BarSource`](atlas_data::BarSource),
//! so that live data pass the very validation that files pass. What is in the folder already is not
//! asked for again; a download that was interrupted goes on where it stopped. A file counts only
//! once it is written whole and its digest stands in the folder's manifest.
//!
//! Alpaca carries no indices and no rates. The index is a fund that follows it, which the notes say;
//! the VIX comes from Cboe or FRED, the 3-month bill from FRED, or both from files. A fund in place
//! of the VIX is possible by naming it, and then the notes say that too.

mod folder;
mod publisher;
mod rows;
mod source;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;

use atlas_core::Symbol;
use atlas_core::calendar::from_eastern;
use atlas_core::time::Timestamp;
use atlas_data::Levels;
use chrono::{NaiveDate, NaiveTime};

use self::folder::{Entry, Folder};
pub use self::publisher::Publisher;
pub use self::source::Downloaded;
use crate::Error;
use crate::market_data::{Adjustment, BarsRequest, MarketData, Timeframe};

/// What is to be in the folder afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The folder; what differs in feed or first session needs a folder of its own.
    pub folder: PathBuf,
    /// The symbols; stocks and funds.
    pub symbols: Vec<Symbol>,
    /// The fund whose adjusted closes stand for the index.
    pub index: Symbol,
    /// Where the VIX comes from.
    pub vix: Publication,
    /// Where the short rate comes from.
    pub rate: Publication,
    /// The first session asked for.
    pub first: NaiveDate,
    /// The last session asked for: one that has closed.
    pub through: NaiveDate,
}

/// Where a series comes from that Alpaca does not carry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// The publisher's file, by its address; it is read as Cboe and FRED write it.
    Address(String),
    /// A file on this machine.
    File(PathBuf),
    /// Adjusted closes of something traded that is not the series itself; always told in the notes.
    StandIn(Symbol),
    /// Nowhere: the decision has to do without, or is refused.
    None,
}

/// How far a download has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Series that are up to date.
    pub done: usize,
    /// Series there are to be.
    pub total: usize,
}

/// Symbols downloaded together, so that little is lost when a download is interrupted.
const GROUP: usize = 20;

/// Brings the folder up to date and opens it.
///
/// # Errors
/// [`Error::NoBars`] for symbols Alpaca has no bars of, [`Error::Published`] for a publisher's file
/// that cannot be had or read, [`Error::Cache`] for the folder, and what `market` answers. What was
/// downloaded before the error is kept.
pub async fn download(
    market: &dyn MarketData,
    publisher: &Publisher,
    history: &History,
    progress: &(dyn Fn(&Progress) + Sync),
) -> Result<Downloaded, Error> {
    if let Some(pair) = history.symbols.iter().find(|symbol| symbol.is_crypto()) {
        return Err(Error::Unsupported {
            venue: "the daily history".to_owned(),
            what: format!("the crypto pair {pair}, which trades on days without a session,"),
            remedy: "leave it out of the universe",
        });
    }
    let folder = Folder::open(&history.folder)?;
    let total = history.symbols.len() + 3;
    let mut work = Work { market, publisher, history, progress, folder, done: 0, total };
    work.prices().await?;
    work.index().await?;
    work.publication("vix", &history.vix).await?;
    work.publication("rate", &history.rate).await?;
    Downloaded::open(history)
}

/// A download under way.
struct Work<'a> {
    market: &'a dyn MarketData,
    publisher: &'a Publisher,
    history: &'a History,
    progress: &'a (dyn Fn(&Progress) + Sync),
    folder: Folder,
    done: usize,
    total: usize,
}

impl Work<'_> {
    /// The prices of every symbol.
    async fn prices(&mut self) -> Result<(), Error> {
        let mut waiting: BTreeMap<Option<NaiveDate>, Vec<Symbol>> = BTreeMap::new();
        let (mut missing, mut restated) = (Vec::new(), Vec::new());
        for symbol in &self.history.symbols {
            let last = self.folder.last(&price_file(symbol), symbol.as_str());
            if last.is_some_and(|last| last >= self.history.through) {
                self.tell(1);
            } else {
                waiting.entry(last).or_default().push(symbol.clone());
            }
        }
        for (last, symbols) in waiting {
            for group in symbols.chunks(GROUP) {
                self.group(last, group, &mut missing, &mut restated).await?;
            }
        }
        // Splits and dividends restate the past: such a symbol is asked for from the beginning.
        let whole = std::mem::take(&mut restated);
        for group in whole.chunks(GROUP) {
            self.group(None, group, &mut missing, &mut restated).await?;
        }
        if missing.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = missing.iter().map(Symbol::as_str).collect();
        Err(Error::NoBars {
            symbols: names.join(", "),
            first: self.history.first,
            last: self.history.through,
        })
    }

    /// The prices of some symbols from the session on that they all have, or from the beginning.
    async fn group(
        &mut self,
        last: Option<NaiveDate>,
        symbols: &[Symbol],
        missing: &mut Vec<Symbol>,
        restated: &mut Vec<Symbol>,
    ) -> Result<(), Error> {
        let request = self.request(symbols, last.unwrap_or(self.history.first))?;
        let raw = self.market.bars(&request).await?;
        let adjusted = self.market.adjusted_bars(&request, Adjustment::All).await?;
        for symbol in symbols {
            let raw = raw.get(symbol).map(Vec::as_slice).unwrap_or_default();
            let adjusted = adjusted.get(symbol).map(Vec::as_slice).unwrap_or_default();
            let found = rows::joined(symbol, raw, adjusted, self.history.through)?;
            let file = price_file(symbol);
            let text = match (last, found.split_first()) {
                (None, None) => {
                    missing.push(symbol.clone());
                    continue;
                }
                (None, Some(_)) => rows::file(&found),
                // Nothing newer: whether that is fresh enough is for the decision to say.
                (Some(_), None) => {
                    self.tell(1);
                    continue;
                }
                (Some(_), Some((overlap, newer))) => {
                    let before = self.folder.read(&file)?;
                    if before.lines().last() != Some(overlap.text.as_str()) {
                        restated.push(symbol.clone());
                        continue;
                    }
                    rows::appended(&before, newer)
                }
            };
            let last = found.last().map_or(self.history.first, |row| row.date);
            self.folder.keep(&file, &text, Entry::new(symbol.as_str(), last, &text))?;
            self.tell(1);
        }
        Ok(())
    }

    /// The closes of the fund that stands for the index.
    async fn index(&mut self) -> Result<(), Error> {
        let symbol = &self.history.index;
        self.closes("index", symbol).await
    }

    /// The adjusted closes of one symbol as a series of their own.
    async fn closes(&mut self, name: &str, symbol: &Symbol) -> Result<(), Error> {
        let (file, history) = (level_file(name), self.history);
        let last = self.folder.last(&file, symbol.as_str());
        if last.is_none_or(|last| last < history.through) {
            let request = self.request(std::slice::from_ref(symbol), history.first)?;
            let mut bars = self.market.adjusted_bars(&request, Adjustment::All).await?;
            let bars = bars.remove(symbol).unwrap_or_default();
            let rows = rows::closes(symbol, &bars, history.through)?;
            let Some(last) = rows.last().map(|row| row.date) else {
                return Err(Error::NoBars {
                    symbols: symbol.to_string(),
                    first: history.first,
                    last: history.through,
                });
            };
            let text = rows::level_file(&rows);
            self.folder.keep(&file, &text, Entry::new(symbol.as_str(), last, &text))?;
        }
        self.tell(1);
        Ok(())
    }

    /// One published series, unless what is kept is fresh.
    async fn publication(&mut self, name: &str, from: &Publication) -> Result<(), Error> {
        let address = match from {
            Publication::Address(address) => address,
            Publication::StandIn(symbol) => {
                return self.closes(name, symbol).await;
            }
            Publication::File(_) | Publication::None => {
                self.tell(1);
                return Ok(());
            }
        };
        let file = level_file(name);
        let before = self.folder.last(&file, address);
        if before.is_none_or(|last| last < self.history.through) {
            let published = |problem: String| Error::Published {
                what: name.to_owned(),
                address: address.clone(),
                problem,
            };
            let bytes = self.publisher.fetch(name, address).await?;
            let read = if name == "vix" { Levels::vix_from_csv } else { Levels::rate_from_csv };
            let levels = read(address, &bytes).map_err(|error| published(error.to_string()))?;
            let last = levels.view().last().map(|(date, _)| date);
            let last = last.ok_or_else(|| published("it holds no value".to_owned()))?;
            if let Some(before) = before.filter(|before| last < *before) {
                return Err(published(format!(
                    "it ends on {last}, and reached to {before} before: it is cut short"
                )));
            }
            let text =
                String::from_utf8(bytes).map_err(|_| published("it is no text".to_owned()))?;
            self.folder.keep(&file, &text, Entry::new(address, last, &text))?;
        }
        self.tell(1);
        Ok(())
    }

    fn request(&self, symbols: &[Symbol], from: NaiveDate) -> Result<BarsRequest, Error> {
        Ok(BarsRequest {
            symbols: symbols.to_vec(),
            timeframe: Timeframe::Day,
            start: midnight(from)?,
            end: midnight(self.history.through)?,
        })
    }

    fn tell(&mut self, more: usize) {
        self.done += more;
        (self.progress)(&Progress { done: self.done, total: self.total });
    }
}

/// Where the prices of a symbol are, in the folder.
fn price_file(symbol: &Symbol) -> String {
    format!("prices/{symbol}.csv")
}

/// Where a series of levels is, in the folder.
fn level_file(name: &str) -> String {
    format!("levels/{name}.csv")
}

/// The start of a session's daily bar: midnight in New York.
fn midnight(date: NaiveDate) -> Result<Timestamp, Error> {
    from_eastern(date, NaiveTime::MIN)
        .map_err(|error| Error::Setup { problem: format!("history of {date}: {error}") })
}
