//! The market-data half of the service: pages as it cuts them, shapes as it sends them.
//!
//! A page holds seven rows, or a quarter of them where there are many, of whichever symbols come next;
//! the first page of a walk is empty, which the service permits itself, and its token goes on.

use std::collections::BTreeMap;

use atlas_broker::market_data::{
    Adjustment, BarsRequest, MarketBar, TicksRequest, Timeframe, Trade,
};
use atlas_broker::{Error, MarketData};
use atlas_core::bars::Basis;
use atlas_core::calendar::{Session, to_eastern};
use atlas_core::{Price, Symbol};
use atlas_venue::InProcess;
use serde_json::{Map, Value, json};

use super::shapes::{filled_in, instant, quote};
use super::{Answer, failure};

/// Rows on a page at least.
const PAGE: usize = 7;

type Query = BTreeMap<String, String>;

/// An answer of the data API; `None` for a path it does not have.
pub(super) async fn answer(data: &InProcess, path: &str, query: &Query) -> Option<Answer> {
    let crypto = path.starts_with("v1beta3/crypto/us/");
    let path = path.strip_prefix("v2/stocks/").or(path.strip_prefix("v1beta3/crypto/us/"))?;
    let symbols = symbols(query, crypto);
    Some(match path {
        "bars" => bars(data, query, symbols).await,
        "trades" => {
            let all = data.past_trades(&stretch(query, symbols)).await.expect("trades");
            paged("trades", query, &rows(all, trade))
        }
        "quotes" => {
            let all = data.past_quotes(&stretch(query, symbols)).await.expect("quotes");
            paged("quotes", query, &rows(all, quote))
        }
        "quotes/latest" | "latest/quotes" => {
            let all = data.latest_quotes(&symbols).await.expect("quotes");
            (200, json!({ "quotes": each(&all, quote) }))
        }
        "trades/latest" | "latest/trades" => {
            let all = data.latest_trades(&symbols).await.expect("trades");
            (200, json!({ "trades": each(&all, trade) }))
        }
        "snapshots" => {
            let all = data.snapshots(&symbols).await.expect("snapshots");
            let all = each(&all, |snapshot| {
                json!({
                    "latestTrade": snapshot.trade.as_ref().map(trade),
                    "latestQuote": snapshot.quote.as_ref().map(quote),
                    "minuteBar": snapshot.minute_bar.as_ref().map(bar),
                    "dailyBar": snapshot.daily_bar.as_ref().map(bar),
                    "prevDailyBar": snapshot.previous_daily_bar.as_ref().map(bar),
                })
            });
            (200, if crypto { json!({ "snapshots": all }) } else { all })
        }
        _ => return None,
    })
}

/// The calendar, day by day.
pub(super) async fn calendar(data: &InProcess, query: &Query) -> Answer {
    let date = |name: &str| query[name].parse().expect("a date");
    let days = data.calendar(date("start"), date("end")).await.expect("a calendar");
    let time = |moment| to_eastern(moment).expect("a session").format("%H:%M").to_string();
    let day = |session: &Session| {
        let (open, close) = (time(session.open), time(session.close));
        let said = json!({ "date": session.date, "open": open, "close": close });
        filled_in(include_str!("../../golden/alpaca/calendar_day.json"), &said)
    };
    (200, days.iter().map(day).collect())
}

fn symbols(query: &Query, crypto: bool) -> Vec<Symbol> {
    let names = query.get("symbols").expect("symbols").split(',');
    let all = names.map(|name| name.parse().expect("a symbol"));
    all.inspect(|symbol: &Symbol| assert_eq!(symbol.is_crypto(), crypto, "{symbol}")).collect()
}

fn each<T>(all: &BTreeMap<Symbol, T>, shape: impl Fn(&T) -> Value) -> Value {
    all.iter().map(|(symbol, it)| (symbol.to_string(), shape(it))).collect::<Map<_, _>>().into()
}

async fn bars(data: &InProcess, query: &Query, symbols: Vec<Symbol>) -> Answer {
    let moment = |name: &str| query[name].parse().expect("a moment");
    let timeframe = timeframe(&query["timeframe"]);
    let request = BarsRequest { symbols, timeframe, start: moment("start"), end: moment("end") };
    let adjustment = query.get("adjustment").map_or("raw", String::as_str);
    let all = match adjustment {
        "raw" => data.bars(&request).await.map(flat),
        "split" => data.adjusted_bars(&request, Adjustment::Splits).await.map(flat),
        "dividend" => data.adjusted_bars(&request, Adjustment::Dividends).await.map(flat),
        "spin-off" => data.adjusted_bars(&request, Adjustment::SpinOffs).await.map(flat),
        "split,dividend" => {
            data.adjusted_bars(&request, Adjustment::SplitsAndDividends).await.map(flat)
        }
        "all" => data.adjusted_bars(&request, Adjustment::All).await.map(flat),
        other => panic!("no such adjustment: {other}"),
    };
    let all: Vec<(Symbol, Value)> = match all {
        Ok(all) => all,
        Err(error @ Error::Refused { .. }) => return failure(&error),
        Err(error) => return (400, json!({ "message": error.to_string() })),
    };
    paged("bars", query, &all)
}

/// The stretch of time a query is about.
fn stretch(query: &Query, symbols: Vec<Symbol>) -> TicksRequest {
    let moment = |name: &str| query[name].parse().expect("a moment");
    TicksRequest { symbols, start: moment("start"), end: moment("end") }
}

/// All rows in the order of pages: by symbol, then by time.
fn rows<T>(all: BTreeMap<Symbol, Vec<T>>, shape: impl Fn(&T) -> Value) -> Vec<(Symbol, Value)> {
    let shape = &shape;
    let each = all.into_iter().flat_map(|(symbol, rows)| {
        rows.into_iter().map(move |row| (symbol.clone(), shape(&row))).collect::<Vec<_>>()
    });
    each.collect()
}

/// The page of a list that is asked for.
fn paged(what: &str, query: &Query, all: &[(Symbol, Value)]) -> Answer {
    let Some(token) = query.get("page_token") else {
        let token = (!all.is_empty()).then_some("MA==");
        return (200, json!({ what: {}, "next_page_token": token, "currency": "USD" }));
    };
    let first = if token == "MA==" { 0 } else { token.parse().expect("a token of ours") };
    let size = PAGE.max(all.len() / 4);
    let mut page: Map<String, Value> = Map::new();
    for (symbol, bar) in all.iter().skip(first).take(size) {
        let rows = page.entry(symbol.to_string()).or_insert_with(|| json!([]));
        rows.as_array_mut().expect("rows").push(bar.clone());
    }
    let next = (first + size < all.len()).then(|| (first + size).to_string());
    (200, json!({ what: page, "next_page_token": next, "currency": "USD" }))
}

/// All bars in the order of pages: by symbol, then by time.
fn flat<B: Basis>(all: BTreeMap<Symbol, Vec<MarketBar<B>>>) -> Vec<(Symbol, Value)> {
    rows(all, bar)
}

fn timeframe(text: &str) -> Timeframe {
    let digits = text.find(|c: char| !c.is_ascii_digit()).expect("a unit");
    let count = text[..digits].parse().expect("a count");
    match &text[digits..] {
        "Min" => Timeframe::Minutes(count),
        "Hour" => Timeframe::Hours(count),
        "Day" => Timeframe::Day,
        "Week" => Timeframe::Week,
        "Month" => Timeframe::Months(count),
        other => panic!("no such unit: {other}"),
    }
}

fn bar<B: Basis>(bar: &MarketBar<B>) -> Value {
    let price = |price: Price<B>| number(&price.value().to_string());
    filled_in(
        include_str!("../../golden/alpaca/bar.json"),
        &json!({
            "t": instant(bar.start), "o": price(bar.open), "h": price(bar.high),
            "l": price(bar.low), "c": price(bar.close), "v": number(&bar.volume.to_string()),
            "n": bar.trades, "vw": bar.vwap.map(price),
        }),
    )
}

fn trade(trade: &Trade) -> Value {
    let (price, qty) = (number(&trade.price.to_string()), number(&trade.qty.to_string()));
    let said = json!({ "t": instant(trade.ts_event), "p": price, "s": qty });
    filled_in(include_str!("../../golden/alpaca/trade.json"), &said)
}

fn number(text: &str) -> Value {
    serde_json::from_str(text).expect("a number")
}
