//! Every payload with each field removed, nulled, renamed, or given another value: the client never
//! panics, and only the fields it uses can fail it.

use serde_json::{Value, json};

use super::mutation_cases::cases;

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
            // Of a token null says that there are no more pages.
            let of_null = expected || field == "next_page_token";
            assert_eq!(
                [removed, renamed, nulled],
                [expected, expected, of_null],
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
            // Symbols are names, and so are streams, actions and the kinds of stream elements.
            if !word || ["symbol", "S", "T", "stream", "action"].contains(&field.as_str()) {
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
        crate::alpaca::read_everything(&bytes);
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
            crate::alpaca::read_everything(changed.as_bytes());
            let _ = read(&changed);
        }
    }
}
