//! The `MarketData` contract over Alpaca's data API.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_core::bars::Basis;
use atlas_core::calendar::Session as TradingSession;
use atlas_core::time::Timestamp;
use atlas_core::{Adjusted, Quote, Raw, Symbol};
use chrono::{NaiveDate, SecondsFormat};
use serde::de::DeserializeOwned;

use super::http::Call;
use super::wire::{
    BarsPage, CryptoSnapshots, Fault, LatestQuotes, LatestTrades, Page, QuotesPage, TradesPage,
    WireBar, WireCalendarDay, WireClock, WireQuote, WireSnapshot, WireTrade,
};
use super::{Mode, Session};
use crate::market_data::{
    Adjustment, BarsRequest, MarketBar, MarketData, Snapshot, TicksRequest, Timeframe, Trade,
};
use crate::{Error, MarketClock};

/// Symbols asked for in one request, so that an address stays short enough for every server.
const SYMBOLS: usize = 200;

/// The most bars, trades or quotes one page can hold.
const ROWS: &str = "10000";

/// Which half of the data API a symbol belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Market {
    Stocks,
    Crypto,
}

impl Market {
    /// The symbols of this market, in groups.
    fn groups(self, symbols: &[Symbol]) -> Vec<String> {
        let mut names: Vec<&str> = symbols
            .iter()
            .filter(|symbol| symbol.is_crypto() == (self == Self::Crypto))
            .map(Symbol::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        names.chunks(SYMBOLS).map(|group| group.join(",")).collect()
    }
}

impl Timeframe {
    /// The word on the wire.
    fn word(self) -> Result<String, Error> {
        match self {
            Self::Minutes(n @ 1..=59) => Ok(format!("{n}Min")),
            Self::Hours(n @ 1..=23) => Ok(format!("{n}Hour")),
            Self::Day => Ok("1Day".to_owned()),
            Self::Week => Ok("1Week".to_owned()),
            Self::Months(n @ (1..=4 | 6 | 12)) => Ok(format!("{n}Month")),
            Self::Minutes(_) | Self::Hours(_) | Self::Months(_) => Err(Error::Setup {
                problem: format!(
                    "bars of {self:?}: use 1 to 59 minutes, 1 to 23 hours, or 1, 2, 3, 4, 6 or 12 \
                     months"
                ),
            }),
        }
    }
}

/// Everything a walk over bars asks for besides the symbols.
struct Walk<'a> {
    request: &'a BarsRequest,
    adjustment: &'static str,
}

#[async_trait]
impl<M: Mode> MarketData for Session<M> {
    async fn bars(
        &self,
        request: &BarsRequest,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Raw>>>, Error> {
        self.walk(&Walk { request, adjustment: "raw" }).await
    }

    async fn adjusted_bars(
        &self,
        request: &BarsRequest,
        adjustment: Adjustment,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error> {
        let adjustment = match adjustment {
            Adjustment::Splits => "split",
            Adjustment::Dividends => "dividend",
            Adjustment::SpinOffs => "spin-off",
            Adjustment::SplitsAndDividends => "split,dividend",
            Adjustment::All => "all",
        };
        self.walk(&Walk { request, adjustment }).await
    }

    async fn past_trades(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Trade>>, Error> {
        let paths = ["/v2/stocks/trades", "/v1beta3/crypto/us/trades"];
        self.ticks::<TradesPage, _>(request, paths, |wire, _| wire.valid()).await
    }

    async fn past_quotes(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Quote>>, Error> {
        let paths = ["/v2/stocks/quotes", "/v1beta3/crypto/us/quotes"];
        let read = |wire: &WireQuote, symbol: &Symbol| wire.quote(symbol.clone()).map(Some);
        self.ticks::<QuotesPage, _>(request, paths, read).await
    }

    async fn latest_quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        let paths = ["/v2/stocks/quotes/latest", "/v1beta3/crypto/us/latest/quotes"];
        let take = |page: LatestQuotes| page.quotes.unwrap_or_default();
        let read = |wire: &WireQuote, symbol: &Symbol| wire.quote(symbol.clone());
        self.latest(symbols, paths, take, read).await
    }

    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error> {
        let paths = ["/v2/stocks/trades/latest", "/v1beta3/crypto/us/latest/trades"];
        let take = |page: LatestTrades| page.trades.unwrap_or_default();
        self.latest(symbols, paths, take, |wire: &WireTrade, _| wire.trade()).await
    }

    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error> {
        let read = |wire: &WireSnapshot, symbol: &Symbol| wire.snapshot(symbol);
        let stocks = self.asked(symbols, Market::Stocks, "/v2/stocks/snapshots", |page| page, read);
        let mut snapshots = stocks.await?;
        let take = |page: CryptoSnapshots| page.snapshots.unwrap_or_default();
        let path = "/v1beta3/crypto/us/snapshots";
        snapshots.extend(self.asked(symbols, Market::Crypto, path, take, read).await?);
        Ok(snapshots)
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        self.trading.ask::<WireClock>(&Call::get("/v2/clock")).await.map(MarketClock::from)
    }

    async fn calendar(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<TradingSession>, Error> {
        let call =
            Call::get("/v2/calendar").with("start", from.to_string()).with("end", to.to_string());
        let days: Vec<WireCalendarDay> = self.trading.ask(&call).await?;
        let session =
            |day: &WireCalendarDay| day.session().map_err(|fault| self.trading.fault(&call, fault));
        days.iter().map(session).collect()
    }
}

impl<M: Mode> Session<M> {
    /// All pages of bars, of stocks and then of crypto pairs.
    async fn walk<B: Basis>(
        &self,
        walk: &Walk<'_>,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<B>>>, Error> {
        let mut series = BTreeMap::new();
        let read = |bar: &WireBar, _: &Symbol| bar.bar::<B>().map(Some);
        for market in [Market::Stocks, Market::Crypto] {
            for group in market.groups(&walk.request.symbols) {
                let call = self.bars_call(walk, market, group)?;
                self.pages::<BarsPage, _>(&call, read, &mut series).await?;
            }
        }
        Ok(series)
    }

    /// All trades, or all quotes, of a stretch of the past.
    async fn ticks<P: Page, T: Send>(
        &self,
        request: &TicksRequest,
        [stocks, crypto]: [&'static str; 2],
        read: impl Fn(&P::Row, &Symbol) -> Result<Option<T>, Fault> + Send + Sync,
    ) -> Result<BTreeMap<Symbol, Vec<T>>, Error> {
        let mut all = BTreeMap::new();
        for (market, path) in [(Market::Stocks, stocks), (Market::Crypto, crypto)] {
            for group in market.groups(&request.symbols) {
                let call = self.past(market, path)?;
                let call = stretch(call.with("symbols", group), request.start, request.end);
                self.pages::<P, T>(&call, &read, &mut all).await?;
            }
        }
        Ok(all)
    }

    fn bars_call(&self, walk: &Walk<'_>, market: Market, group: String) -> Result<Call, Error> {
        let path = match market {
            Market::Stocks => "/v2/stocks/bars",
            Market::Crypto => "/v1beta3/crypto/us/bars",
        };
        let mut call = self.past(market, path)?;
        if market == Market::Stocks {
            call = call.with("adjustment", walk.adjustment);
        }
        let request = walk.request;
        let call = call.with("symbols", group).with("timeframe", request.timeframe.word()?);
        Ok(stretch(call, request.start, request.end))
    }

    /// A call about the past, with the feed if one was chosen.
    fn past(&self, market: Market, path: &'static str) -> Result<Call, Error> {
        let call = Call::get(path);
        match self.options.feed.filter(|_| market == Market::Stocks) {
            Some(feed) => Ok(call.with("feed", feed.past()?)),
            None => Ok(call),
        }
    }

    /// The call with the feed, if one was chosen.
    fn fed(&self, call: Call) -> Call {
        match self.options.feed {
            Some(feed) => call.with("feed", feed.as_str()),
            None => call,
        }
    }

    /// The same question to both markets.
    async fn latest<P: DeserializeOwned, W, T>(
        &self,
        symbols: &[Symbol],
        [stocks, crypto]: [&'static str; 2],
        take: impl Fn(P) -> BTreeMap<String, Option<W>>,
        read: impl Fn(&W, &Symbol) -> Result<T, Fault>,
    ) -> Result<BTreeMap<Symbol, T>, Error> {
        let mut found = self.asked(symbols, Market::Stocks, stocks, &take, &read).await?;
        found.extend(self.asked(symbols, Market::Crypto, crypto, &take, &read).await?);
        Ok(found)
    }

    /// One question about the symbols of one market.
    async fn asked<P: DeserializeOwned, W, T>(
        &self,
        symbols: &[Symbol],
        market: Market,
        path: &'static str,
        take: impl Fn(P) -> BTreeMap<String, Option<W>>,
        read: impl Fn(&W, &Symbol) -> Result<T, Fault>,
    ) -> Result<BTreeMap<Symbol, T>, Error> {
        let mut found = BTreeMap::new();
        for group in market.groups(symbols) {
            let call = match market {
                Market::Stocks => self.fed(Call::get(path)),
                Market::Crypto => Call::get(path),
            };
            let call = call.with("symbols", group);
            let page = take(self.data.ask(&call).await?);
            for (name, wire) in page {
                let Some(wire) = wire else { continue };
                let symbol = self.named(&call, &name)?;
                let value = read(&wire, &symbol).map_err(|fault| self.data.fault(&call, fault))?;
                found.insert(symbol, value);
            }
        }
        Ok(found)
    }

    /// A symbol the data API named.
    pub(super) fn named(&self, call: &Call, name: &str) -> Result<Symbol, Error> {
        Symbol::new(name).map_err(|error| self.data.bad_answer(call, error.to_string()))
    }
}

/// A call about a stretch of time, oldest first, in pages as long as they come.
fn stretch(call: Call, start: Timestamp, end: Timestamp) -> Call {
    let instant = |t: Timestamp| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    call.with("start", instant(start))
        .with("end", instant(end))
        .with("limit", ROWS)
        .with("sort", "asc")
}
