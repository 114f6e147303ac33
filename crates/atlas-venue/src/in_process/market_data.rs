//! The venue's market data, asked directly.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_broker::market_data::{
    Adjustment as Wish, BarsRequest, MarketBar, MarketData, Snapshot, TicksRequest, Timeframe,
    Trade,
};
use atlas_broker::{Broker, Error, MarketClock};
use atlas_core::bars::Basis;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Adjusted, Price, Qty, Quote, Raw, Rounding, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::convert::unreadable;
use super::{InProcess, ticks};
use crate::core::{Exchange, Listing, Px, View, date_of};
use crate::tape::{Candle, Chain, Days, Newest, Tick, Timeframe as Frame, last_minute, present};

#[async_trait]
impl MarketData for InProcess {
    async fn bars(
        &self,
        request: &BarsRequest,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Raw>>>, Error> {
        self.read_bars(request, (false, false))
    }

    async fn adjusted_bars(
        &self,
        request: &BarsRequest,
        adjustment: Wish,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error> {
        // Nothing here spins off.
        let restated = match adjustment {
            Wish::Splits => (true, false),
            Wish::Dividends => (false, true),
            Wish::SpinOffs => (false, false),
            Wish::SplitsAndDividends | Wish::All => (true, true),
            other => {
                let problem = format!("{other:?} is an adjustment this venue does not make");
                return Err(Error::Setup { problem });
            }
        };
        self.read_bars(request, restated)
    }

    async fn past_trades(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Trade>>, Error> {
        self.each(&request.symbols, |view, listing| ticks::trades(view, listing, request))
    }

    async fn past_quotes(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Quote>>, Error> {
        self.each(&request.symbols, |view, listing| ticks::quotes(view, listing, request))
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        Broker::clock(self).await
    }

    async fn latest_quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.each(symbols, latest_quote)
    }

    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error> {
        self.each(symbols, latest_trade)
    }

    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error> {
        self.each(symbols, snapshot)
    }

    async fn calendar(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Session>, Error> {
        let (from, to) = (from.max(Calendar::FIRST), to.min(Calendar::LAST));
        if from > to {
            return Ok(Vec::new());
        }
        let days = Calendar::nyse().sessions(from, to);
        Ok(days.map_err(|error| unreadable("the calendar", &error))?.collect())
    }
}

impl InProcess {
    fn read_bars<B: Basis>(
        &self,
        request: &BarsRequest,
        restated: (bool, bool),
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<B>>>, Error> {
        let frame = frame(request.timeframe)?;
        self.each(&request.symbols, |view, listing| {
            let today = Some(date_of(view.now()));
            let Some(chain) = Chain::new(view, listing, today, restated)? else {
                return Err(crate::Error::Setting {
                    setting: "adjustment",
                    value: format!("splits alone of {}", listing.symbol()),
                    range: "all, where the data tell splits and dividends together",
                });
            };
            let (start, end) = (request.start, request.end);
            let mut candles = Vec::new();
            let take = |candle: &Candle| {
                if candle.start >= start && candle.start <= end {
                    candles.push(*candle);
                }
                true
            };
            chain.bars(frame, (start, end), false, take)?;
            let bars = candles.iter().map(|candle| market_bar(candle, listing));
            let bars = bars.collect::<Result<Vec<_>, _>>()?;
            Ok((!bars.is_empty()).then_some(bars))
        })
    }

    /// Makes something of each listed symbol; what there is nothing of is absent.
    fn each<T>(
        &self,
        symbols: &[Symbol],
        make: impl Fn(&View, &Listing) -> Result<Option<T>, crate::Error>,
    ) -> Result<BTreeMap<Symbol, T>, Error> {
        let view = self.venue.inspect(Exchange::view);
        let mut all = BTreeMap::new();
        for symbol in symbols {
            let Some(listing) = view.listings().get(symbol) else { continue };
            let made = make(&view, listing);
            if let Some(made) = made.map_err(|error| unreadable("market data", &error))? {
                all.insert(symbol.clone(), made);
            }
        }
        Ok(all)
    }
}

/// A length in the words of the tape.
fn frame(timeframe: Timeframe) -> Result<Frame, Error> {
    match timeframe {
        Timeframe::Minutes(count @ 1..=59) => Ok(Frame::Minutes(count.into())),
        Timeframe::Hours(count @ 1..=23) => Ok(Frame::Minutes(u32::from(count) * 60)),
        Timeframe::Day => Ok(Frame::Day),
        Timeframe::Week => Ok(Frame::Week),
        Timeframe::Months(count @ (1..=4 | 6 | 12)) => Ok(Frame::Months(count.into())),
        Timeframe::Minutes(_) | Timeframe::Hours(_) | Timeframe::Months(_) => Err(Error::Setup {
            problem: format!(
                "bars of {timeframe:?}: use 1 to 59 minutes, 1 to 23 hours, or 1, 2, 3, 4, 6 or \
                 12 months"
            ),
        }),
    }
}

fn market_bar<B: Basis>(candle: &Candle, listing: &Listing) -> Result<MarketBar<B>, crate::Error> {
    let price = |price: Px| -> Result<Price<B>, crate::Error> {
        Ok(Price::new(price.to_price()?.value())?)
    };
    let digits = if listing.is_crypto() { 8 } else { 0 };
    Ok(MarketBar {
        start: candle.start,
        open: price(candle.open)?,
        high: price(candle.high)?,
        low: price(candle.low)?,
        close: price(candle.close)?,
        volume: volume(candle.volume, digits)?,
        trades: Some(candle.trades),
        vwap: Some(price(candle.mean)?),
    })
}

/// A volume in whole shares, or in coins to eight decimals.
fn volume(volume: f64, digits: u32) -> Result<Qty, crate::Error> {
    // Away from zero, as the wire rounds shares.
    Ok(Qty::from_f64(volume, digits, Rounding::HalfUp)?)
}

fn latest_quote(view: &View, listing: &Listing) -> Result<Option<Quote>, crate::Error> {
    present(view, listing, Newest::Quote)?.map(|tick| quote_of(&tick, listing)).transpose()
}

fn latest_trade(view: &View, listing: &Listing) -> Result<Option<Trade>, crate::Error> {
    present(view, listing, Newest::Trade)?.map(|tick| trade_of(&tick)).transpose()
}

/// The quote of a moment.
pub(super) fn quote_of(tick: &Tick, listing: &Listing) -> Result<Quote, crate::Error> {
    let side = |px: Option<Px>| px.map(Px::to_price).transpose();
    Ok(Quote {
        symbol: listing.symbol().clone(),
        bid: side(tick.sides.0)?,
        ask: side(tick.sides.1)?,
        ts_event: tick.at,
    })
}

/// The trade of a moment.
pub(super) fn trade_of(tick: &Tick) -> Result<Trade, crate::Error> {
    let qty = Qty::new(Decimal::try_from(tick.size).unwrap_or_default())?;
    Ok(Trade { price: tick.price.to_price()?, qty, ts_event: tick.at })
}

fn snapshot(view: &View, listing: &Listing) -> Result<Option<Snapshot>, crate::Error> {
    let Some(trade) = latest_trade(view, listing)? else { return Ok(None) };
    let days = Days::new(view, listing)?;
    let bar = |candle: &Candle| market_bar(candle, listing);
    let mut daily = days.latest(2)?.into_iter();
    Ok(Some(Snapshot {
        trade: Some(trade),
        quote: latest_quote(view, listing)?,
        minute_bar: last_minute(&days)?.as_ref().map(bar).transpose()?,
        daily_bar: daily.next().as_ref().map(bar).transpose()?,
        previous_daily_bar: daily.next().as_ref().map(bar).transpose()?,
    }))
}
