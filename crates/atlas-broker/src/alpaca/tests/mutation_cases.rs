//! The payloads of the real service, how each is read, and which of its fields are needed.

use super::payloads::{
    ACCOUNT, ASSET, BAR, CALENDAR_DAY, CLOCK, CONFIGURATION, CRYPTO_ASSET, DIVIDEND, FILL, HISTORY,
    ORDER, POSITION, QUOTE, TRADE, snapshot,
};
use crate::alpaca::Configuration;
use crate::alpaca::wire::{
    BarsPage, CryptoSnapshots, DataFrame, LatestQuotes, LatestTrades, QuotesPage, StreamFrame,
    TradesPage, WireAccount, WireActivity, WireAsset, WireCalendarDay, WireCanceled, WireClock,
    WireConfiguration, WireEntry, WireHistory, WireOrder, WirePosition, WireSnapshot,
};

pub(super) type Reader = fn(&str) -> Option<()>;

/// A payload, how it is read, and the fields that may not be missing, null or renamed.
pub(super) type Case = (&'static str, String, Reader, &'static [&'static str]);

/// Every payload of the REST answers and of the streams.
pub(super) fn cases() -> Vec<Case> {
    let account: Reader =
        |text| serde_json::from_str::<WireAccount>(text).ok()?.account().ok().map(drop);
    let position: Reader =
        |text| serde_json::from_str::<WirePosition>(text).ok()?.position().ok().map(drop);
    let order: Reader = |text| serde_json::from_str::<WireOrder>(text).ok()?.order().ok().map(drop);
    let activity: Reader = |text| {
        let wire = WireActivity::read(serde_json::from_str(text).ok()?).ok()?;
        match &wire.entry {
            WireEntry::Fill(fill) => fill.fill(&wire.id, "x".parse().ok()?).ok().map(drop),
            WireEntry::Cash(cash) => cash.entry(&wire.id).ok().map(drop),
        }
    };
    let clock: Reader = |text| serde_json::from_str::<WireClock>(text).ok().map(drop);
    let day: Reader =
        |text| serde_json::from_str::<WireCalendarDay>(text).ok()?.session().ok().map(drop);
    let quote: Reader = |text| {
        let text = format!(r#"{{"quotes":{{"AAPL":{text}}}}}"#);
        let page: LatestQuotes = serde_json::from_str(&text).ok()?;
        let wire = page.quotes?.remove("AAPL")??;
        wire.quote("AAPL".parse().ok()?).ok().map(drop)
    };
    let trade: Reader = |text| {
        let text = format!(r#"{{"trades":{{"AAPL":{text}}}}}"#);
        let page: LatestTrades = serde_json::from_str(&text).ok()?;
        page.trades?.remove("AAPL")??.trade().ok().map(drop)
    };
    let bar: Reader = |text| {
        let text = format!(r#"{{"bars":{{"AAPL":[{text}]}},"next_page_token":null}}"#);
        let page: BarsPage = serde_json::from_str(&text).ok()?;
        page.bars?.remove("AAPL")??.pop()?.bar::<atlas_core::Raw>().ok().map(drop)
    };
    let whole: Reader = |text| {
        let wire: WireSnapshot = serde_json::from_str(text).ok()?;
        wire.snapshot(&"AAPL".parse().ok()?).ok().map(drop)
    };
    let mut cases: Vec<Case> = vec![
        ("account", ACCOUNT.into(), account, &["cash", "equity", "buying_power"]),
        ("position", POSITION.into(), position, &["symbol", "qty"]),
        ("order", ORDER.into(), order, &["id", "symbol", "qty", "filled_qty", "side", "status"]),
        (
            "fill",
            FILL.into(),
            activity,
            &[
                "id",
                "activity_type",
                "order_id",
                "price",
                "qty",
                "side",
                "symbol",
                "transaction_time",
            ],
        ),
        ("dividend", DIVIDEND.into(), activity, &["id", "activity_type", "net_amount"]),
        ("clock", CLOCK.into(), clock, &["timestamp", "is_open", "next_open", "next_close"]),
        ("calendar day", CALENDAR_DAY.into(), day, &["date", "open", "close"]),
        ("quote", QUOTE.into(), quote, &["t"]),
        ("trade", TRADE.into(), trade, &["t", "p", "s"]),
        ("bar", BAR.into(), bar, &["t", "o", "h", "l", "c", "v"]),
        ("snapshot", snapshot(), whole, &[]),
    ];
    cases.extend(reference());
    cases.extend(streamed());
    cases.extend(control());
    cases
}

/// The same for messages of the streams.
fn streamed() -> Vec<Case> {
    let update: Reader = |text| {
        let text = format!(r#"{{"stream":"trade_updates","data":{text}}}"#);
        match StreamFrame::read(text.as_bytes()).ok()? {
            StreamFrame::Update(wire) => wire.read().ok().map(drop),
            StreamFrame::Authorization(_)
            | StreamFrame::Listening(_)
            | StreamFrame::Error(_)
            | StreamFrame::Other => None,
        }
    };
    let data: Reader = |text| DataFrame::read(format!("[{text}]").as_bytes()).ok().map(drop);
    let element = |kind: &str, payload: &str| {
        payload.replacen('{', &format!(r#"{{"T":"{kind}","S":"AAPL","#), 1)
    };
    let fill = format!(
        r#"{{"event":"fill","execution_id":"e","timestamp":"2026-01-05T14:30:01Z","price":"1","qty":"4","position_qty":"4","order":{ORDER}}}"#
    );
    let bar: &[&str] = &["T", "S", "t", "o", "h", "l", "c", "v"];
    vec![
        ("update", fill, update, &["event", "order"]),
        ("streamed quote", element("q", QUOTE), data, &["T", "S", "t"]),
        ("streamed trade", element("t", TRADE), data, &["T", "S", "t", "p", "s"]),
        ("streamed bar", element("b", BAR), data, bar),
        ("updated bar", element("u", BAR), data, bar),
        ("daily bar", element("d", BAR), data, bar),
    ]
}

/// What the service says besides trading and prices.
fn reference() -> Vec<Case> {
    let asset: Reader = |text| serde_json::from_str::<WireAsset>(text).ok()?.asset().map(drop);
    let configuration: Reader = |text| {
        let wire: WireConfiguration = serde_json::from_str(text).ok()?;
        drop(Configuration::from(wire));
        Some(())
    };
    let history: Reader =
        |text| serde_json::from_str::<WireHistory>(text).ok()?.history().ok().map(drop);
    let canceled: Reader =
        |text| serde_json::from_str::<WireCanceled>(text).ok()?.id().ok().map(drop);
    let page: Reader = |text| serde_json::from_str::<BarsPage>(text).ok().map(drop);
    let past_trades: Reader = |text| serde_json::from_str::<TradesPage>(text).ok().map(drop);
    let past_quotes: Reader = |text| serde_json::from_str::<QuotesPage>(text).ok().map(drop);
    let listed = |name: &str, row: &str| {
        format!(r#"{{"{name}":{{"AAPL":[{row}]}},"next_page_token":null}}"#)
    };
    let pairs: Reader = |text| serde_json::from_str::<CryptoSnapshots>(text).ok().map(drop);
    let quotes: Reader = |text| serde_json::from_str::<LatestQuotes>(text).ok().map(drop);
    let bars = format!(r#"{{"bars":{{"AAPL":[{BAR}]}},"next_page_token":null,"currency":"USD"}}"#);
    vec![
        ("asset", ASSET.into(), asset, &["symbol", "tradable"]),
        ("crypto asset", CRYPTO_ASSET.into(), asset, &["symbol", "tradable"]),
        ("configuration", CONFIGURATION.into(), configuration, &[]),
        ("portfolio history", HISTORY.into(), history, &["timestamp", "equity"]),
        ("canceled order", r#"{"id":"x","status":200,"body":null}"#.into(), canceled, &["id"]),
        // Without the token a first page would pass for the whole.
        ("page of bars", bars, page, &["next_page_token"]),
        ("page of trades", listed("trades", TRADE), past_trades, &["next_page_token"]),
        ("page of quotes", listed("quotes", QUOTE), past_quotes, &["next_page_token"]),
        ("snapshots", format!(r#"{{"snapshots":{{"BTC/USD":{}}}}}"#, snapshot()), pairs, &[]),
        ("quotes", format!(r#"{{"quotes":{{"AAPL":{QUOTE}}}}}"#), quotes, &[]),
    ]
}

/// What the streams say about themselves.
fn control() -> Vec<Case> {
    let authorized: Reader = |text| {
        let frame = StreamFrame::read(text.as_bytes()).ok()?;
        matches!(frame, StreamFrame::Authorization(_)).then_some(())
    };
    let listening: Reader = |text| {
        let frame = StreamFrame::read(text.as_bytes()).ok()?;
        matches!(frame, StreamFrame::Listening(_)).then_some(())
    };
    let complaint: Reader = |text| {
        let frame = StreamFrame::read(text.as_bytes()).ok()?;
        matches!(frame, StreamFrame::Error(_)).then_some(())
    };
    let said: Reader = |text| {
        let frame = DataFrame::read(format!("[{text}]").as_bytes()).ok()?.pop()?;
        (!matches!(frame, DataFrame::Other)).then_some(())
    };
    vec![
        (
            "authorization",
            r#"{"stream":"authorization","data":{"status":"authorized","action":"authenticate"}}"#
                .into(),
            authorized,
            &["stream", "data"],
        ),
        (
            "listening",
            r#"{"stream":"listening","data":{"streams":["trade_updates"]}}"#.into(),
            listening,
            &["stream", "data"],
        ),
        (
            "complaint",
            r#"{"action":"error","data":{"error_message":"no"}}"#.into(),
            complaint,
            &["action", "data"],
        ),
        ("success", r#"{"T":"success","msg":"authenticated"}"#.into(), said, &["T"]),
        (
            "subscription",
            r#"{"T":"subscription","trades":["AAPL"],"quotes":[],"bars":["*"]}"#.into(),
            said,
            &["T"],
        ),
        ("stream error", r#"{"T":"error","code":406,"msg":"limit"}"#.into(), said, &["T"]),
    ]
}
