//! Proving, exporting and damaging a journal, through the built binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::{atlas, tree};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

const FIRST: &str = "rebalance --as-of 2014-08-29 --json";
const SECOND: &str = "rebalance --as-of 2014-09-30 --json";

fn traded() -> TempDir {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    state
}

fn account(state: &Path) -> std::path::PathBuf {
    state.join("accounts/default")
}

#[test]
fn a_whole_journal_is_proven_and_written_out() {
    let state = traded();
    let before = tree(&account(state.path()).join("artifacts"));
    let proof = atlas(state.path(), "journal verify --json").json();
    assert_eq!((&proof["whole"], &proof["artifacts"]), (&true.into(), &1.into()));
    assert_eq!(proof["inputs"], 3, "inputs of the decision, its context, and the plan");
    let records = proof["records"].as_u64().unwrap();
    let text = atlas(state.path(), "journal verify");
    assert!(text.stdout.contains("is whole"), "{text:?}");

    let export = atlas(state.path(), "journal export");
    let lines: Vec<Value> =
        export.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len() as u64, records);
    for (line, seq) in lines.iter().zip(1_u64..) {
        assert_eq!(line["seq"], seq);
    }
    for pair in lines.windows(2) {
        assert_eq!(pair[1]["prev_hash"], pair[0]["hash"]);
    }
    assert_eq!(lines.last().unwrap()["hash"], proof["head"]);
    assert_eq!(lines[0]["kind"], "account_opened");

    let file = state.path().join("journal.jsonl");
    let line = format!("journal export --out {}", file.display());
    assert_eq!(atlas(state.path(), &line).code, 0);
    assert_eq!(fs::read_to_string(&file).unwrap(), export.stdout);
    atlas(state.path(), &line).fails(8, &["journal.jsonl"]);
    assert!(before == tree(&account(state.path()).join("artifacts")));
    atlas(state.path(), "journal verify --account other").fails(5, &["other", "no journal"]);
}

#[test]
fn the_first_broken_record_is_named() {
    let state = traded();
    let db = Connection::open(account(state.path()).join("journal.sqlite")).unwrap();
    db.execute_batch(
        "DROP TRIGGER record_is_never_changed;
         UPDATE record SET payload = payload || ' ' WHERE seq = 5;",
    )
    .unwrap();
    drop(db);
    let run = atlas(state.path(), "journal verify --json");
    assert_eq!(run.code, 5, "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&found["whole"], &found["records"]), (&false.into(), &4.into()));
    let first = &found["findings"][0];
    assert_eq!((&first["finding"], &first["seq"]), (&"broken".into(), &5.into()), "{found}");
    assert!(run.stderr.contains("record 5"), "{run:?}");
    // Nothing is done on such a journal, and nothing is repaired.
    let before = tree(state.path());
    atlas(state.path(), FIRST).fails(5, &["journal", "5"]);
    let after = tree(state.path());
    let journal = account(state.path()).join("journal.sqlite");
    assert!(before[&journal] == after[&journal], "the journal was touched");
}

#[test]
fn a_changed_artifact_and_a_lost_input_are_found() {
    let state = traded();
    let folder = account(state.path());
    let artifact = folder.join("artifacts/2014-09-02.json");
    let text = fs::read_to_string(&artifact).unwrap();
    fs::write(&artifact, text.replace("\"status\": \"executed\"", "\"status\": \"planned\""))
        .unwrap();
    let input = fs::read_dir(folder.join("inputs")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(input).unwrap();
    let run = atlas(state.path(), "journal verify");
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("2014-09-02.json is not what the journal says"), "{run:?}");
    assert!(run.stdout.contains("is missing"), "{run:?}");
}

#[test]
fn a_tail_that_was_cut_off_pauses_the_account_and_is_never_repaired() {
    let state = traded();
    let folder = account(state.path());
    // What the disk held after the first run: journal and write-ahead log.
    let kept: Vec<_> = ["journal.sqlite", "journal.sqlite-wal"]
        .into_iter()
        .filter_map(|name| Some((folder.join(name), fs::read(folder.join(name)).ok()?)))
        .collect();
    atlas(state.path(), SECOND).json();
    let orders = atlas(state.path(), "status --json").json()["owned"].clone();
    assert!(!orders.as_object().unwrap().is_empty());
    for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm"] {
        drop(fs::remove_file(folder.join(name)));
    }
    for (path, bytes) in kept {
        fs::write(path, bytes).unwrap();
    }
    let run = atlas(state.path(), "journal verify");
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("artifacts/2014-10-01.json names the journal's head"), "{run:?}");

    atlas(state.path(), "rebalance --as-of 2014-10-31").fails(7, &["PAUSED"]);
    let status = atlas(state.path(), "status --json").json();
    assert!(status["causes"].as_object().unwrap().contains_key("lost_tail"), "{status}");
    // The tail is still missing: what was cut off is told for ever.
    assert_eq!(atlas(state.path(), "journal verify").code, 5);
}
