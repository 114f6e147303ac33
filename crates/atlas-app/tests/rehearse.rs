//! Rehearsals: the whole live path over history equals the backtest, and parity names what differs.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Run, atlas, atlas_words};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

const PERIOD: &str = "--from 2018-08-31 --to 2018-12-03";

fn parity(state: &Path, left: &Path, right: &Path, more: &str) -> Run {
    let mut words = vec!["parity", left.to_str().unwrap(), right.to_str().unwrap()];
    words.extend(more.split_whitespace());
    atlas_words(state, &words)
}

/// A rehearsal and the backtest of the same dates; the folder of the one and the file of the other.
fn rehearsed(state: &Path) -> (Value, PathBuf, PathBuf) {
    let told = atlas(state, &format!("rehearse {PERIOD} --json")).json();
    let folder = PathBuf::from(told["folder"].as_str().unwrap());
    let result = state.join("backtest.json");
    let tested = atlas(state, &format!("backtest {PERIOD} --json"));
    assert_eq!(tested.code, 0, "{tested:?}");
    fs::write(&result, tested.stdout).unwrap();
    (told, folder, result)
}

/// Turns the side of the fourth fill of a journal, past the journal's own guard.
fn flip(journal: &Path) -> String {
    let connection = Connection::open(journal).unwrap();
    connection.execute("DROP TRIGGER record_is_never_changed", []).unwrap();
    let of_fill =
        "SELECT seq, payload FROM record WHERE kind = 'fill' ORDER BY seq LIMIT 1 OFFSET 3";
    let (seq, payload): (i64, String) =
        connection.query_row(of_fill, [], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let flipped = if payload.contains("\"side\":\"buy\"") {
        payload.replace("\"side\":\"buy\"", "\"side\":\"sell\"")
    } else {
        payload.replace("\"side\":\"sell\"", "\"side\":\"buy\"")
    };
    assert_ne!(flipped, payload);
    let change = "UPDATE record SET payload = ?1 WHERE seq = ?2";
    connection.execute(change, (&flipped, seq)).unwrap();
    let fill: Value = serde_json::from_str(&payload).unwrap();
    fill["fill"]["client_order_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_rehearsal_is_the_backtest_to_the_cent_and_a_flipped_fill_is_named() {
    let state = TempDir::new().unwrap();
    let state = state.path();
    let (told, folder, result) = rehearsed(state);
    check_told(&told);
    assert!(!state.join("accounts").exists(), "no account is touched");

    let same = parity(state, &result, &folder, "--strict");
    assert_eq!(same.code, 0, "{same:?}");
    assert!(same.stdout.contains("Every order and fill is the same"), "{same:?}");

    let journal = folder.join("accounts/default/journal.sqlite");
    let export = state.join("export.jsonl");
    let words = ["journal", "export", "--out", export.to_str().unwrap()];
    assert_eq!(atlas_words(&folder, &words).code, 0);
    assert_eq!(parity(state, &export, &journal, "--strict").code, 0);

    let name = flip(&journal);
    check_flipped(state, &result, &folder, &name);
    check_flipped(state, &export, &journal, &name);
    let strict = parity(state, &result, &journal, "--strict");
    assert_eq!(strict.code, 9, "{strict:?}");
    assert!(strict.stderr.contains("fill 3 is") && strict.stderr.contains(&name), "{strict:?}");

    // An export is changed as easily, and found out as well.
    let text = fs::read_to_string(&export).unwrap();
    let line = text.lines().filter(|line| line.contains("\"kind\":\"fill\"")).nth(3).unwrap();
    let changed = line.replacen("\"qty\":\"", "\"qty\":\"1", 1);
    fs::write(&export, text.replace(line, &changed)).unwrap();
    let found = parity(state, &result, &export, "--json").json();
    assert_eq!(found["first"]["right"]["client_order_id"], *name);
}

fn check_told(told: &Value) {
    assert_eq!((&told["parity"]["first"], &told["complete"]), (&Value::Null, &true.into()));
    assert_eq!(told["parity"]["gap"], 0.0, "{told}");
    assert_eq!(told["decisions"], 4);
    let count = |value: &Value| value.as_u64().unwrap();
    assert!(count(&told["fills"]) > 10 && count(&told["orders"]) >= count(&told["fills"]));
    assert!(count(&told["parity"]["common_days"]) > 4);
}

fn check_flipped(state: &Path, left: &Path, right: &Path, name: &str) {
    let found = parity(state, left, right, "--json").json();
    let first = &found["first"];
    assert_eq!((&first["kind"], &first["number"]), (&"fill".into(), &3.into()));
    assert_eq!(first["right"]["client_order_id"], *name);
    assert_ne!(first["left"]["side"], first["right"]["side"]);
    assert!(found["notes"][0].as_str().unwrap().contains("not what its hash says"));
}

#[test]
fn faults_are_ridden_out_and_the_same_seed_gives_the_same_course() {
    let rehearse = |seed: u64| {
        let state = TempDir::new().unwrap();
        let line = format!("rehearse {PERIOD} --faults {seed} --json");
        let mut told = atlas(state.path(), &line).json();
        told.as_object_mut().unwrap().remove("folder");
        told
    };
    let told = rehearse(7);
    assert!(told["troubles"]["committed"].as_u64().unwrap() > 3, "{told}");
    assert_eq!((&told["complete"], &told["parity"]["within"]), (&true.into(), &true.into()));
    assert_eq!(told, rehearse(7));
}

#[test]
fn what_is_no_course_is_refused_in_one_sentence() {
    let state = TempDir::new().unwrap();
    let state = state.path();
    let text = state.join("notes.txt");
    fs::write(&text, "nothing of the kind\n").unwrap();
    parity(state, &text, &text, "").fails(4, &["notes.txt", "neither a journal"]);
    parity(state, state, &text, "").fails(4, &["holds no journal of account default"]);
    parity(state, &state.join("gone"), &text, "").fails(4, &["gone"]);
    atlas(state, "rehearse --from 2018-01-01 --to 2017-01-01").fails(2, &["2018-01-01", "swap"]);
    atlas(state, "rehearse --as-of 2018-01-02").fails(2, &["--from and --to"]);
    assert!(!state.join("rehearsals").exists());
}
