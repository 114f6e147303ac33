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
    assert_eq!(proof["inputs"], 4, "inputs of the decision, its context, the model, and the plan");
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

/// A copy of a state directory as a killed process leaves it: the log not folded in.
fn killed(state: &Path) -> TempDir {
    let copy = TempDir::new().unwrap();
    for (path, bytes) in tree(state) {
        let to = copy.path().join(path.strip_prefix(state).unwrap());
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::write(to, bytes).unwrap();
    }
    copy
}

#[test]
fn a_torn_log_is_set_aside_and_a_lost_record_pauses_the_account() {
    let state = traded();
    let folder = account(state.path());
    // A reader keeps the log from being folded in when the command ends.
    let reader = Connection::open(folder.join("journal.sqlite")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM record").unwrap();
    assert_eq!(atlas(state.path(), "pause --why lunch").code, 0);
    let state = killed(state.path());
    let folder = account(state.path());
    let wal = folder.join("journal.sqlite-wal");
    let log = fs::read(&wal).unwrap();
    assert!(log.len() > 4_000, "{}", log.len());
    fs::write(&wal, &log[..log.len() - 1_000]).unwrap();

    let run = atlas(state.path(), "journal verify --json");
    assert_eq!(run.code, 5, "{run:?}");
    for word in ["torn_tail", "records_lost", "no complete write", "was durable"] {
        assert!(run.stdout.contains(word), "{word}: {run:?}");
    }
    assert_eq!(fs::read(&wal).unwrap().len(), log.len() - 1_000, "looking changes nothing");
    atlas(state.path(), "rebalance --as-of 2014-09-30").fails(7, &["PAUSED", "was durable"]);
    let aside: Vec<_> = fs::read_dir(folder.join("set-aside")).unwrap().collect();
    let [Ok(copy)] = &aside[..] else { panic!("{aside:?}") };
    assert_eq!(fs::read(copy.path()).unwrap(), &log[..log.len() - 1_000]);
    let incidents = fs::read_to_string(folder.join("incidents.jsonl")).unwrap();
    assert!(incidents.contains("no complete write") && incidents.contains("was durable"));
    let status = atlas(state.path(), "status --json").json();
    assert!(status["causes"].as_object().unwrap().contains_key("lost_tail"), "{status}");
    // It stays told; after books and broker agree a person may go on.
    let verified = atlas(state.path(), "journal verify");
    assert!(verified.code == 5 && verified.stdout.contains("was durable"), "{verified:?}");
    assert_eq!(atlas(state.path(), "resume --why looked").code, 0);
    atlas(state.path(), SECOND).json();
}

#[test]
fn a_damaged_journal_is_set_aside_by_command_alone() {
    let state = traded();
    let folder = account(state.path());
    let journal = folder.join("journal.sqlite");
    let backup = state.path().join("backup.sqlite");
    let whole = Connection::open(&journal).unwrap();
    whole.execute("VACUUM INTO ?1", [backup.to_str().unwrap()]).unwrap();
    let last: i64 = whole.query_row("SELECT max(seq) FROM record", [], |row| row.get(0)).unwrap();
    atlas(state.path(), "journal set-aside --why none").fails(8, &["is whole"]);
    whole
        .execute_batch(
            "DROP TRIGGER record_is_never_changed;
             UPDATE record SET payload = payload || ' ' WHERE seq = 9;",
        )
        .unwrap();
    drop(whole);
    let damaged = fs::read(&journal).unwrap();
    let other = killed(state.path());

    // With a backup everything is there again, and the account goes on.
    let line = format!("journal set-aside --why damage --restore {}", backup.display());
    let done = atlas(state.path(), &format!("{line} --json")).json();
    assert_eq!((&done["state"], &done["replaced"]["records"]), (&"ACTIVE".into(), &last.into()));
    let moved = Path::new(done["replaced"]["moved_to"].as_str().unwrap());
    assert_eq!(fs::read(moved.join("journal.sqlite")).unwrap(), damaged);
    assert_eq!(atlas(state.path(), "journal verify").code, 0);
    atlas(state.path(), SECOND).json();

    // Without one the records before the damage are kept, and what is missing holds it back.
    let done = atlas(other.path(), "journal set-aside --why damage --json").json();
    assert_eq!((&done["state"], &done["replaced"]["records"]), (&"PAUSED".into(), &8.into()));
    let verified = atlas(other.path(), "journal verify");
    assert!(verified.code == 5 && verified.stdout.contains("was durable"), "{verified:?}");
    atlas(other.path(), FIRST).fails(7, &["PAUSED"]);

    // What is no database at all is moved away, and nothing is made up.
    let journal = account(other.path()).join("journal.sqlite");
    fs::write(&journal, vec![7; 8_000]).unwrap();
    let run = atlas(other.path(), "journal set-aside --why damage");
    run.fails(5, &["no record of it could be kept", "--restore"]);
    assert!(!journal.exists());
    atlas(other.path(), SECOND).fails(5, &["missing or empty"]);
}
