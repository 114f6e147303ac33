//! Every payload with each field removed, nulled, renamed, or given another value: the client never
//! panics, and only the fields it uses can fail it.

use serde_json::{Value, json};

use super::payloads::{
    ACCOUNT, BAR, CALENDAR_DAY, CLOCK, DIVIDEND, FILL, ORDER, POSITION, QUOTE, TRADE, snapshot,
};
use crate::alpaca::wire::{
    BarsPage, DataFrame, LatestQuotes, LatestTrades, StreamFrame, WireAccount, WireActivity,
    WireCalendarDay, WireClock, WireEntry, WireOrder, WirePosition, WireSnapshot,
};

type Reader = fn(&str) -> Option<()>;

/// A payload, how it is read, and the fields that may not be missing, null or renamed.
type Case = (&'static str, String, Reader, &'static [&'static str]);

/// Every payload of the REST answers and of the streams.
fn cases() -> Vec<Case> {
    let account: Reader =
        |text| serde_json::from_str::<WireAccount>(text).ok()?.account().ok().map(drop);
    let position: Reader =
        |text| serde_json::from_str::<WirePosition>(text).ok()?.position().ok().map(drop);
    let order: Reader = |text| serde_json::from_str::<WireOrder>(text).ok()?.order().ok().map(drop);
    let activity: Reader = |text| {
        let wire = WireActivity::read(serde_json::from_str(text).ok()?).ok()?;
        match &wire.entry {
            WireEntry::Fill(fill) => fill.fill(&wire.id, "x".parse().ok()?).ok().map(drop),
            WireEntry::Cash(cash) => cash.cash(&wire.id).ok().map(drop),
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
    cases.extend(streamed());
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
    let streamed = QUOTE.replacen('{', r#"{"T":"q","S":"AAPL","#, 1);
    let fill = format!(
        r#"{{"event":"fill","execution_id":"e","timestamp":"2026-01-05T14:30:01Z","price":"1","qty":"4","position_qty":"4","order":{ORDER}}}"#
    );
    vec![
        ("update", fill, update, &["event", "order"]),
        ("streamed quote", streamed, data, &["T", "S", "t"]),
    ]
}

fn fields(payload: &str) -> Vec<(String, Value)> {
    let value: Value = serde_json::from_str(payload).expect("a payload");
    value.as_object().expect("an object").clone().into_iter().collect()
}

#[test]
fn the_payloads_themselves_are_read() {
    for (name, payload, read, _) in cases() {
        assert!(read(&payload).is_some(), "{name}");
    }
}

#[test]
fn only_the_fields_that_are_used_can_be_missed() {
    for (name, payload, read, required) in cases() {
        for (field, old) in fields(&payload) {
            let mut object: Value = serde_json::from_str(&payload).expect("a payload");
            let map = object.as_object_mut().expect("an object");
            map.remove(&field);
            let removed = read(&Value::from(map.clone()).to_string()).is_some();
            map.insert(format!("{field}_v2"), old);
            let renamed = read(&Value::from(map.clone()).to_string()).is_some();
            map.insert(field.clone(), Value::Null);
            let nulled = read(&Value::from(map.clone()).to_string()).is_some();
            let expected = !required.contains(&field.as_str());
            assert_eq!(
                [removed, renamed, nulled],
                [expected; 3],
                "{name}.{field} removed, renamed, nulled"
            );
        }
    }
}

/// Words that decide what an order or an entry is; any other new word must pass.
const DECISIVE: [&str; 3] = ["status", "side", "activity_type"];

#[test]
fn new_words_pass_unless_they_decide_something() {
    for (name, payload, read, _) in cases() {
        for (field, old) in fields(&payload) {
            let word = old.as_str().is_some_and(|text| {
                text.len() < 20
                    && !text.is_empty()
                    && text.chars().all(|c| c.is_ascii_alphabetic() || c == '_')
            });
            // Symbols are names, not words; the status of money is what blocks the account.
            if !word || field == "symbol" || field == "S" {
                continue;
            }
            let mut object: Value = serde_json::from_str(&payload).expect("a payload");
            object[&field] = json!("brand_new_word");
            let passes = read(&object.to_string()).is_some();
            let decisive = name == "order" && DECISIVE.contains(&field.as_str())
                || name == "fill" && field == "side";
            assert_eq!(passes, !decisive, "{name}.{field}");
        }
    }
}

#[test]
fn other_values_never_panic() {
    let odd = [
        json!(""),
        json!("x"),
        json!(-1),
        json!(1e300),
        json!(0),
        json!([]),
        json!({}),
        json!(true),
        json!("-0"),
        json!("1e-29"),
        json!("99999999999999999999999999999"),
        json!("\u{0}\u{7f}é"),
        json!("x".repeat(10_000)),
        json!("0001-01-01T00:00:00Z"),
        json!("9999-12-31"),
    ];
    for (_, payload, read, _) in cases() {
        for (field, _) in fields(&payload) {
            for value in &odd {
                let mut object: Value = serde_json::from_str(&payload).expect("a payload");
                object[&field] = value.clone();
                let _ = read(&object.to_string());
            }
        }
        for end in 0..payload.len() {
            let _ = payload.get(..end).map(read);
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200)) {
        let text = String::from_utf8_lossy(&bytes);
        for (_, _, read, _) in cases() {
            let _ = read(&text);
        }
    }

    #[test]
    fn no_change_of_a_payload_panics(
        at in proptest::num::usize::ANY,
        put in "[\\x20-\\x7e]{0,6}",
        cut in 0_usize..8,
    ) {
        for (_, payload, read, _) in cases() {
            let at = at % payload.len();
            let end = (at + cut).min(payload.len());
            let changed = format!("{}{put}{}", &payload[..at], &payload[end..]);
            let _ = read(&changed);
        }
    }
}
