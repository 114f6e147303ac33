//! `atlas why`: shown from the stored inputs, and loud when they or the plan are not what they were.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use atlas_core::DecisionId;
use atlas_core::journal::{Hash, Record};
use atlas_exec::folder::{AccountFolder, InputStore};
use common::{atlas, tree};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

const RUN: &str = "rebalance --as-of 2014-08-29 --json";

fn traded() -> (TempDir, Value) {
    let state = TempDir::new().unwrap();
    let report = atlas(state.path(), RUN).json();
    (state, report)
}

#[test]
fn an_order_is_told_from_bars_to_fills() {
    let (state, report) = traded();
    let order = &report["orders"][0];
    let (id, symbol) =
        (order["client_order_id"].as_str().unwrap(), order["symbol"].as_str().unwrap());
    let before = tree(&state.path().join("accounts/default/artifacts"));
    for about in [id, symbol] {
        let told = atlas(state.path(), &format!("why {about} --json")).json();
        assert_eq!(told["recomputed"], "identical");
        assert_eq!(told["plan_hash"], report["plan_hash"]);
        assert_eq!(told["regime"], report["regime"]);
        let [chain] = told["chains"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!(chain["symbol"], symbol);
        assert_eq!(chain["bars"]["last"], "2014-08-29");
        assert_eq!(chain["outcome"], "EXECUTED");
        assert_eq!(chain["order"]["request"]["client_order_id"], id);
        assert!(chain["order"]["verdicts"].as_array().unwrap().len() > 10, "every gate speaks");
        let fills: Vec<&Value> = report["fills"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|fill| fill["client_order_id"] == id)
            .collect();
        assert_eq!(chain["fills"].as_array().unwrap().iter().collect::<Vec<_>>(), fills);
        let steps: Vec<&str> = chain["steps"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| s["what"].as_str().unwrap())
            .collect();
        let at = |word: &str| steps.iter().position(|step| step.contains(word)).unwrap();
        assert!(at("intended") < at("submitted") && at("submitted") < at("filled"), "{steps:?}");
    }
    let text = atlas(state.path(), &format!("why {id}"));
    for word in [
        "index",
        "regime   BULL",
        "signal",
        "sizing",
        "gate     pass",
        "again now with the same result",
        "at send  pass price-collar",
        "filled",
        "EXECUTED",
    ] {
        assert!(text.stdout.contains(word), "{word}: {text:?}");
    }
    assert!(before == tree(&state.path().join("accounts/default/artifacts")));
}

#[test]
fn a_date_tells_the_whole_decision_and_an_unknown_one_nothing() {
    let (state, report) = traded();
    for about in ["2014-08-29", "2014-09-02", "1"] {
        let told = atlas(state.path(), &format!("why {about} --json")).json();
        assert_eq!(
            told["chains"].as_array().unwrap().len(),
            report["signals"].as_array().unwrap().len()
        );
    }
    assert!(atlas(state.path(), "why 2014-08-29").stdout.contains("more signals came to no order"));
    for about in ["2013-01-02", "ZZZZ", "atlas-default-9-buy-A-0", "44"] {
        atlas(state.path(), &format!("why {about}")).fails(8, &["knows nothing of", about]);
    }
}

#[test]
fn a_tampered_input_is_loud() {
    let (state, _) = traded();
    let input = the_input(state.path());
    fs::write(&input, zstd_of(b"{}")).unwrap();
    atlas(state.path(), "why 1").fails(9, &["decision 1", "holds other bytes"]);
    fs::remove_file(&input).unwrap();
    atlas(state.path(), "why 1").fails(9, &["decision 1", "missing"]);
}

/// Somebody rewrites the inputs and the whole journal after them, hashes and all: the chain is
/// whole, and the decision does not follow from what it is said to follow from.
#[test]
fn a_rewritten_past_is_found_by_computing_again() {
    let (state, _) = traded();
    let folder = AccountFolder::new(state.path(), &"default".parse().unwrap());
    let store = InputStore::of(&folder);
    let told = atlas(state.path(), "why 1 --json").json();
    let old: Hash = told["inputs"]["decision"].as_str().unwrap().parse().unwrap();
    let mut inputs: Value = serde_json::from_slice(&store.get(old).unwrap()).unwrap();
    // As if another policy had been in force.
    inputs["policy"]["momentum"]["top_n"] = 2.into();
    let new = store.put(&serde_json::to_vec(&inputs).unwrap()).unwrap();
    forge(&folder, &old.to_string(), &new.to_string());
    let proof = atlas(state.path(), "journal verify");
    assert!(!proof.stdout.contains("broken"), "the forged chain is whole: {proof:?}");
    atlas(state.path(), "why 1").fails(9, &["decision 1", "computed again", "differ"]);
}

/// What the gates say before a plan is not what they say at the send, on the quotes of then.
#[test]
fn the_gates_of_the_send_are_heard_again() {
    let (state, report) = traded();
    let told = atlas(state.path(), "why 1 --json").json();
    let mut count = 0;
    for chain in told["chains"].as_array().unwrap() {
        for heard in chain["heard"].as_array().unwrap() {
            count += 1;
            let verdicts = heard["verdicts"].as_array().unwrap();
            assert!(verdicts.len() > 20, "every gate speaks: {heard}");
            let quote = verdicts.iter().find(|verdict| verdict["gate"] == "quote").unwrap();
            assert!(!quote["value"].is_null(), "a quote was looked at: {quote}");
        }
    }
    assert_eq!(count, report["orders"].as_array().unwrap().len());
    // Somebody has it that a gate warned of an order, and makes the chain whole again.
    let folder = AccountFolder::new(state.path(), &"default".parse().unwrap());
    forge(&folder, r#"["buying-power","pass""#, r#"["buying-power","warn""#);
    let words = ["decision 1", "atlas-default-1-", "at its send", "buying-power", "then warn"];
    atlas(state.path(), "why 1").fails(9, &words);
    forge(&folder, r#"["buying-power","warn""#, r#"["buying-power","pass""#);
    assert_eq!(atlas(state.path(), "why 1").code, 0);
    // Or that the market was closed.
    forge(&folder, r#""hours":"open""#, r#""hours":"closed""#);
    atlas(state.path(), "why 1").fails(9, &["at its send", "gate market-hours", "then pass"]);
}

/// A journal from before the gates of the send were kept is read and told as far as it goes.
#[test]
fn a_journal_without_the_gates_of_the_send_is_told_without_them() {
    let (state, report) = traded();
    let folder = AccountFolder::new(state.path(), &"default".parse().unwrap());
    without_hearings(&folder);
    let id = report["orders"][0]["client_order_id"].as_str().unwrap();
    let told = atlas(state.path(), &format!("why {id} --json")).json();
    assert_eq!(told["recomputed"], "identical");
    assert!(told["chains"][0]["heard"].as_array().unwrap().is_empty());
    assert_eq!(told["chains"][0]["outcome"], "EXECUTED");
    let text = atlas(state.path(), &format!("why {id}"));
    assert!(text.stdout.contains("at send  not on record"), "{text:?}");
    assert_eq!(atlas(state.path(), "status").code, 0);
}

/// Makes the journal what an earlier program had written.
fn without_hearings(folder: &AccountFolder) {
    let db = Connection::open(folder.journal()).unwrap();
    db.execute_batch(
        "DROP TRIGGER record_is_never_changed; DROP TRIGGER record_is_never_deleted;
         DELETE FROM record WHERE kind IN ('context_asked', 'order_judged');",
    )
    .unwrap();
    let gone: i64 =
        db.query_row("SELECT max(seq) - count(*) FROM record", [], |r| r.get(0)).unwrap();
    assert!(gone > 1, "nothing was on record");
    let all: Vec<i64> = {
        let mut found = db.prepare("SELECT seq FROM record ORDER BY seq").unwrap();
        let rows = found.query_map([], |row| row.get(0)).unwrap();
        rows.map(Result::unwrap).collect()
    };
    for (index, seq) in (1_i64..).zip(all) {
        db.execute("UPDATE record SET seq = ?1 WHERE seq = ?2", (index, seq)).unwrap();
    }
    drop(db);
    let payload = |record: &mut Record| {
        if record.kind == "execution_started" {
            let mut told: Value = serde_json::from_str(&record.payload).unwrap();
            assert!(told.as_object_mut().unwrap().remove("gates").is_some());
            record.payload = told.to_string();
        }
    };
    rewrite(folder, payload);
}

/// Rewrites every record, with `old` replaced in payloads, as one consistent chain.
fn forge(folder: &AccountFolder, old: &str, new: &str) {
    rewrite(folder, |record| record.payload = record.payload.replace(old, new));
}

/// Rewrites every record as one consistent chain.
fn rewrite(folder: &AccountFolder, change: impl Fn(&mut Record)) {
    let db = Connection::open(folder.journal()).unwrap();
    db.execute_batch("DROP TRIGGER IF EXISTS record_is_never_changed;").unwrap();
    let mut head = Hash::ZERO;
    let read = |seq: i64| {
        db.query_row("SELECT * FROM record WHERE seq = ?1", [seq], |row| {
            Ok(Record {
                seq: row.get::<_, i64>(0)?.unsigned_abs(),
                ts_event: chrono::DateTime::from_timestamp_nanos(row.get(1)?),
                ts_init: chrono::DateTime::from_timestamp_nanos(row.get(2)?),
                decision_id: row.get::<_, Option<i64>>(3)?.map(|id| DecisionId(id.unsigned_abs())),
                kind: row.get(4)?,
                version: row.get(5)?,
                payload: row.get(6)?,
                prev_hash: Hash::ZERO,
            })
        })
    };
    let mut seq = 1;
    while let Ok(mut record) = read(seq) {
        change(&mut record);
        record.prev_hash = head;
        head = record.hash();
        let set = "UPDATE record SET payload = ?1, prev_hash = ?2, hash = ?3 WHERE seq = ?4";
        let hashes = (record.prev_hash.to_string(), head.to_string());
        assert_eq!(db.execute(set, (&record.payload, hashes.0, hashes.1, seq)).unwrap(), 1);
        seq += 1;
    }
    assert!(seq > 6);
}

fn the_input(state: &Path) -> std::path::PathBuf {
    let told = atlas(state, "why 1 --json").json();
    let hash = told["inputs"]["decision"].as_str().unwrap();
    state.join(format!("accounts/default/inputs/{hash}.zst"))
}

/// A raw zstd frame holding these bytes.
fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    // A frame with a single raw block: magic, header with the size, block header, bytes.
    let mut frame = vec![0x28, 0xB5, 0x2F, 0xFD, 0x20, u8::try_from(bytes.len()).unwrap()];
    let header = (u32::try_from(bytes.len()).unwrap() << 3) | 1;
    frame.extend(&header.to_le_bytes()[..3]);
    frame.extend(bytes);
    frame
}
