//! The contract every source of current market data keeps.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_core::bars::Basis;
use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use atlas_core::{Adjusted, Price, Qty, Quote, Raw, Symbol};
use chrono::NaiveDate;

use crate::{Error, MarketClock};

/// The span of time one bar covers. Minutes go from 1 to 59, hours from 1 to 23, months are 1, 2,
/// 3, 4, 6 or 12.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Timeframe {
    /// So many minutes.
    Minutes(u8),
    /// So many hours.
    Hours(u8),
    /// One session.
    Day,
    /// One week.
    Week,
    /// So many months, counted from January.
    Months(u8),
}

/// Which bars are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarsRequest {
    /// Of which symbols; stocks and crypto pairs may be mixed.
    pub symbols: Vec<Symbol>,
    /// How long each bar is.
    pub timeframe: Timeframe,
    /// First instant a bar may start at, included.
    pub start: Timestamp,
    /// Last instant a bar may start at, included.
    pub end: Timestamp,
}

/// Which trades or quotes of the past are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicksRequest {
    /// Of which symbols; stocks and crypto pairs may be mixed.
    pub symbols: Vec<Symbol>,
    /// The first instant, included.
    pub start: Timestamp,
    /// The last instant, included.
    pub end: Timestamp,
}

/// For what prices of the past are restated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Adjustment {
    /// Splits alone.
    Splits,
    /// Dividends alone.
    Dividends,
    /// Spin-offs alone.
    SpinOffs,
    /// Splits and dividends, without spin-offs.
    SplitsAndDividends,
    /// Splits, dividends and spin-offs: total-return units.
    All,
}

/// One bar of exact numbers; raw or adjusted by its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarketBar<B: Basis = Raw> {
    /// The instant the bar starts at; for daily bars midnight of the session in New York.
    pub start: Timestamp,
    /// First price.
    pub open: Price<B>,
    /// Highest price.
    pub high: Price<B>,
    /// Lowest price.
    pub low: Price<B>,
    /// Last price.
    pub close: Price<B>,
    /// Shares or coins traded.
    pub volume: Qty,
    /// Number of trades, if told.
    pub trades: Option<u64>,
    /// Volume-weighted mean price, if told.
    pub vwap: Option<Price<B>>,
}

/// One trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trade {
    /// Price per share.
    pub price: Price,
    /// Shares or coins.
    pub qty: Qty,
    /// When it happened.
    pub ts_event: Timestamp,
}

/// Everything recent about a symbol; what does not exist is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The latest trade.
    pub trade: Option<Trade>,
    /// The latest quote.
    pub quote: Option<Quote>,
    /// The latest minute.
    pub minute_bar: Option<MarketBar>,
    /// The session so far, or the last one.
    pub daily_bar: Option<MarketBar>,
    /// The session before it.
    pub previous_daily_bar: Option<MarketBar>,
}

/// What a stream of market data is to tell of; all stocks, or all crypto pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subscription {
    /// Symbols whose trades are told.
    pub trades: Vec<Symbol>,
    /// Symbols whose quotes are told.
    pub quotes: Vec<Symbol>,
    /// Symbols whose minute bars are told.
    pub bars: Vec<Symbol>,
}

/// Which kind of bar a stream tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BarKind {
    /// One minute, just closed.
    Minute,
    /// One minute again, with late trades in it.
    Updated,
    /// The session so far.
    Daily,
}

/// One thing a stream of market data tells.
#[derive(Debug)]
#[non_exhaustive]
pub enum DataEvent {
    /// The connection stands; what happened before it did is not told.
    Connected,
    /// The connection is gone; the stream will make another one.
    Lost(Error),
    /// A trade.
    Trade {
        /// Of what.
        symbol: Symbol,
        /// The trade.
        trade: Trade,
    },
    /// A quote.
    Quote(Quote),
    /// A bar.
    Bar {
        /// Of what.
        symbol: Symbol,
        /// Which kind.
        kind: BarKind,
        /// The bar.
        bar: MarketBar,
    },
}

/// A stream of market data.
#[async_trait]
pub trait DataStream: Send {
    /// Waits for the next event, for as long as it takes. Dropping the future loses nothing that
    /// was not lost by not reading.
    ///
    /// # Errors
    /// [`Error::Auth`] or [`Error::Refused`] if keys or subscription are refused,
    /// [`Error::BadAnswer`] for a message nobody here understands. Asking again reconnects.
    async fn next(&mut self) -> Result<DataEvent, Error>;
}

/// A source of current and past market data.
///
/// What any implementation must keep: every call has a deadline for each of its requests; lists are
/// complete (all pages are walked) and in the order of time; a symbol without data is absent from
/// the answer, never filled in.
#[async_trait]
pub trait MarketData: Send + Sync {
    /// Bars with prices as they were printed.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn bars(
        &self,
        request: &BarsRequest,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Raw>>>, Error>;

    /// Bars with prices restated as told.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn adjusted_bars(
        &self,
        request: &BarsRequest,
        adjustment: Adjustment,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error>;

    /// Every trade between two instants that was not taken back, in the order of time. There are
    /// hundreds of thousands a day in a busy stock: ask for minutes, or for hours.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Unsupported`] from a source without a past of trades.
    async fn past_trades(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Trade>>, Error> {
        let _ = request;
        Err(unsupported("trades of the past"))
    }

    /// Every quote between two instants, in the order of time; see [`MarketData::past_trades`].
    ///
    /// # Errors
    /// As [`MarketData::past_trades`].
    async fn past_quotes(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Quote>>, Error> {
        let _ = request;
        Err(unsupported("quotes of the past"))
    }

    /// The latest quote of each symbol.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn latest_quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error>;

    /// The latest trade of each symbol.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error>;

    /// Everything recent about each symbol.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error>;

    /// The clock of the stock market: its present, and when it opens and closes next.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn clock(&self) -> Result<MarketClock, Error>;

    /// The sessions of the stock market from one date to another, both included.
    ///
    /// # Errors
    /// Any [`Error`].
    async fn calendar(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Session>, Error>;
}

/// The error of an optional part of the contract.
fn unsupported(what: &str) -> Error {
    Error::Unsupported {
        venue: "this source of market data".to_owned(),
        what: what.to_owned(),
        remedy: "use a source that has them",
    }
}
