//! Market data: numbers are bare, names are single letters.

use std::collections::BTreeMap;

use atlas_core::bars::Basis;
use atlas_core::time::Timestamp;
use atlas_core::{Price, Qty, Quote, Rounding, Symbol};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::{Amount, Fault};
use crate::market_data::{MarketBar, Snapshot, Trade};

/// One page of bars by symbol. A symbol's list can be null, and can go on in the next page.
#[derive(Debug, Deserialize)]
pub(crate) struct BarsPage {
    pub(crate) bars: Option<Rows<WireBar>>,
    /// Null after the last page. It has to be told: without it a first page would pass for all.
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) next_page_token: Option<String>,
}

/// Rows by symbol; a symbol's list can be null.
pub(crate) type Rows<R> = BTreeMap<String, Option<Vec<R>>>;

/// A page of a list by symbol.
pub(crate) trait Page: DeserializeOwned + Send {
    /// What is listed.
    type Row: Send + Sync;

    /// The rows by symbol, and what to ask the next page with.
    fn parts(self) -> (Rows<Self::Row>, Option<String>);
}

impl Page for BarsPage {
    type Row = WireBar;

    fn parts(self) -> (Rows<WireBar>, Option<String>) {
        (self.bars.unwrap_or_default(), self.next_page_token)
    }
}

/// One page of trades by symbol.
#[derive(Debug, Deserialize)]
pub(crate) struct TradesPage {
    trades: Option<Rows<WireTrade>>,
    #[serde(deserialize_with = "Option::deserialize")]
    next_page_token: Option<String>,
}

impl Page for TradesPage {
    type Row = WireTrade;

    fn parts(self) -> (Rows<WireTrade>, Option<String>) {
        (self.trades.unwrap_or_default(), self.next_page_token)
    }
}

/// One page of quotes by symbol.
#[derive(Debug, Deserialize)]
pub(crate) struct QuotesPage {
    quotes: Option<Rows<WireQuote>>,
    #[serde(deserialize_with = "Option::deserialize")]
    next_page_token: Option<String>,
}

impl Page for QuotesPage {
    type Row = WireQuote;

    fn parts(self) -> (Rows<WireQuote>, Option<String>) {
        (self.quotes.unwrap_or_default(), self.next_page_token)
    }
}

/// `{"quotes": {"AAPL": {…}}}`.
#[derive(Debug, Deserialize)]
pub(crate) struct LatestQuotes {
    pub(crate) quotes: Option<BTreeMap<String, Option<WireQuote>>>,
}

/// `{"trades": {"AAPL": {…}}}`.
#[derive(Debug, Deserialize)]
pub(crate) struct LatestTrades {
    pub(crate) trades: Option<BTreeMap<String, Option<WireTrade>>>,
}

/// Snapshots of crypto pairs are wrapped; those of stocks are not.
#[derive(Debug, Deserialize)]
pub(crate) struct CryptoSnapshots {
    pub(crate) snapshots: Option<BTreeMap<String, Option<WireSnapshot>>>,
}

/// One bar.
#[derive(Debug, Deserialize)]
pub(crate) struct WireBar {
    t: Timestamp,
    o: Amount,
    h: Amount,
    l: Amount,
    c: Amount,
    v: Amount,
    n: Option<u64>,
    vw: Option<Amount>,
}

impl WireBar {
    /// The bar in our words, its prices rounded half to even at nine decimals.
    pub(crate) fn bar<B: Basis>(&self) -> Result<MarketBar<B>, Fault> {
        let price = |field: &str, amount: Amount| {
            Price::<B>::new(Rounding::HalfEven.apply(amount.0, 9))
                .map_err(|error| Fault::field(field, &error))
        };
        Ok(MarketBar {
            start: self.t,
            open: price("o", self.o)?,
            high: price("h", self.h)?,
            low: price("l", self.l)?,
            close: price("c", self.c)?,
            volume: volume(self.v)?,
            trades: self.n,
            // A bar without trades has a mean price of zero, which is none.
            vwap: self.vw.and_then(|amount| price("vw", amount).ok()),
        })
    }
}

/// A volume, rounded half to even at nine decimals.
fn volume(amount: Amount) -> Result<Qty, Fault> {
    Qty::new(Rounding::HalfEven.apply(amount.0, 9)).map_err(|error| Fault::field("v", &error))
}

/// The best bid and offer; a price of zero means that the side is empty.
#[derive(Debug, Deserialize)]
pub(crate) struct WireQuote {
    t: Timestamp,
    bp: Option<Amount>,
    ap: Option<Amount>,
}

impl WireQuote {
    /// The quote in our words.
    pub(crate) fn quote(&self, symbol: Symbol) -> Result<Quote, Fault> {
        let touch = |field: &str, amount: Option<Amount>| {
            amount
                .filter(|amount| !amount.0.is_zero())
                .map(|amount| amount.price(field))
                .transpose()
        };
        Ok(Quote {
            symbol,
            bid: touch("bp", self.bp)?,
            ask: touch("ap", self.ap)?,
            ts_event: self.t,
        })
    }
}

/// One trade.
#[derive(Debug, Deserialize)]
pub(crate) struct WireTrade {
    t: Timestamp,
    p: Amount,
    s: Amount,
    /// What became of it later, if anything did.
    u: Option<String>,
}

impl WireTrade {
    /// The trade in our words, unless it was taken back, or corrected by another one.
    pub(crate) fn valid(&self) -> Result<Option<Trade>, Fault> {
        match self.u.as_deref() {
            Some("canceled" | "incorrect") => Ok(None),
            Some(_) | None => self.trade().map(Some),
        }
    }

    /// The trade in our words.
    pub(crate) fn trade(&self) -> Result<Trade, Fault> {
        Ok(Trade { price: self.p.price("p")?, qty: volume(self.s)?, ts_event: self.t })
    }
}

/// Everything recent about a symbol; any member can be null.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireSnapshot {
    latest_trade: Option<WireTrade>,
    latest_quote: Option<WireQuote>,
    minute_bar: Option<WireBar>,
    daily_bar: Option<WireBar>,
    prev_daily_bar: Option<WireBar>,
}

impl WireSnapshot {
    /// The snapshot in our words.
    pub(crate) fn snapshot(&self, symbol: &Symbol) -> Result<Snapshot, Fault> {
        let bar = |bar: &Option<WireBar>| bar.as_ref().map(WireBar::bar).transpose();
        let quote = self.latest_quote.as_ref();
        Ok(Snapshot {
            trade: self.latest_trade.as_ref().map(WireTrade::trade).transpose()?,
            quote: quote.map(|quote| quote.quote(symbol.clone())).transpose()?,
            minute_bar: bar(&self.minute_bar)?,
            daily_bar: bar(&self.daily_bar)?,
            previous_daily_bar: bar(&self.prev_daily_bar)?,
        })
    }
}
