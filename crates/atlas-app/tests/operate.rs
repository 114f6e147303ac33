//! Operators' commands through the built binary, also beside a process that hangs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use atlas_core::Side;
use atlas_exec::folder::{AccountFolder, AccountLock};
use atlas_venue::core::Kind;
use common::remote::{Remote, hang};
use common::{atlas, command, run_of};
use serde_json::Value;
use tempfile::TempDir;

const FIRST: &str = "rebalance --as-of 2014-08-29 --json";
const SECOND: &str = "rebalance --as-of 2014-09-30 --json";

fn status(state: &Path) -> Value {
    atlas(state, "status --json").json()
}

#[test]
fn a_pause_survives_restarts_and_needs_a_word_to_end() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "pause --why lunch").fails(8, &["no journal"]);
    atlas(state.path(), FIRST).json();
    assert_eq!(status(state.path())["state"], "ACTIVE");
    let paused = atlas(state.path(), "pause --why lunch --by ann --json").json();
    assert_eq!(paused["state"], "PAUSED");
    for _ in 0..2 {
        atlas(state.path(), SECOND).fails(7, &["PAUSED", "ann: lunch", "atlas resume"]);
    }
    let text = atlas(state.path(), "status").stdout;
    assert!(text.contains("is PAUSED") && text.contains("ann: lunch"), "{text}");
    let resumed = atlas(state.path(), "resume --why back --json").json();
    assert_eq!(resumed["state"], "ACTIVE");
    assert_eq!(atlas(state.path(), SECOND).json()["status"], "executed");
}

#[test]
fn a_kill_holds_until_somebody_has_looked() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    let killed = atlas(state.path(), "kill --why smoke --by ann --json").json();
    assert_eq!((&killed["fence"], &killed["journaled"]), (&true.into(), &true.into()), "{killed}");
    assert!(state.path().join("accounts/default/fence").exists());
    let now = status(state.path());
    assert_eq!(now["state"], "HALTED");
    assert_eq!(now["fence"]["by"], "ann");
    atlas(state.path(), SECOND).fails(7, &["HALTED", "smoke"]);
    assert_eq!(atlas(state.path(), "resume --why clear --json").json()["state"], "ACTIVE");
    assert!(!state.path().join("accounts/default/fence").exists());
    assert_eq!(atlas(state.path(), SECOND).json()["status"], "executed");
}

#[test]
fn flattening_sells_what_atlas_owns_and_the_books_agree() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    let before = status(state.path())["owned"].as_object().unwrap().clone();
    assert!(!before.is_empty());
    let killed = atlas(state.path(), "kill --flatten --why enough --json").json();
    let sales = killed["flattened"]["sales"].as_array().unwrap();
    assert_eq!(sales.len(), before.len(), "{killed}");
    // The day was over; the venue takes the sells and trades them at the next opening.
    let state_now = status(state.path());
    assert_eq!(state_now["state"], "HALTED");
    assert_eq!(state_now["open_orders"].as_array().unwrap().len(), before.len(), "{state_now}");
    // A second one finds that everything is on offer, and offers nothing twice.
    let again = atlas(state.path(), "kill --flatten --why enough --json").json();
    assert!(again["canceled"].as_array().unwrap().len() <= before.len(), "{again}");
    assert_eq!(atlas(state.path(), "resume --why clear --json").json()["state"], "ACTIVE");
    let report = atlas(state.path(), &format!("{SECOND} --regime crash")).json();
    assert_eq!(report["reconciliation"]["clean"], true, "{}", report["reconciliation"]);
    let after = status(state.path());
    assert!(after["owned"].as_object().unwrap().is_empty(), "{after}");
    assert_eq!(atlas(state.path(), "journal verify").code, 0);
}

/// Waits until a process holds the account.
fn wait_until_held(folder: &AccountFolder) {
    #[expect(clippy::disallowed_methods, reason = "another process is waited for")]
    for _ in 0..2_000 {
        if AccountLock::holder(folder).unwrap().is_some() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("nobody took the account");
}

#[test]
fn a_kill_works_while_the_first_process_hangs() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    let account = state.path().join("accounts/default");
    let pipe = hang(&account);
    let words: Vec<&str> = SECOND.split_whitespace().collect();
    let hanging = command(state.path(), &words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let name = "default".parse().unwrap();
    wait_until_held(&AccountFolder::new(state.path(), &name));
    let killed = atlas(state.path(), "kill --all --why hangs --json").json();
    assert_eq!(killed["held_by"]["pid"], hanging.id());
    assert_eq!((&killed["fence"], &killed["journaled"]), (&true.into(), &false.into()));
    let text = atlas(state.path(), "status").stdout;
    assert!(text.contains("is HALTED") && text.contains(&hanging.id().to_string()), "{text}");
    // It goes on, and sees the fence before it sends anything.
    fs::write(&pipe, "{}").unwrap();
    let run = run_of(&hanging.wait_with_output().unwrap());
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.stderr.contains("HALTED") && run.stderr.contains("hangs"), "{run:?}");
    let now = status(state.path());
    assert_eq!(now["state"], "HALTED");
    assert!(now["pending"].is_null(), "{now}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_did_is_adopted_and_flattened_past_a_process_that_hangs() {
    let remote = Remote::open("").await;
    remote.run("plan --json").json();
    remote.trade("by-hand", Side::Buy, "AAA", 10, Kind::Market);
    assert_eq!(remote.held("AAA"), 10);
    let run = remote.run("reconcile --json");
    assert_eq!(run.code, 7, "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!((&found["clean"], &found["state"]), (&false.into(), &"PAUSED".into()));
    assert_eq!(found["discrepancies"][0]["what"], "unmanaged", "{found}");

    // More than is there cannot be taken over.
    remote.run("reconcile adopt position AAA 11 50 --why mine").fails(8, &["AAA", "11"]);
    let adopt = "reconcile adopt position AAA 10 50 --why mine --by ann --json";
    let adopted = remote.run(adopt).json();
    assert_eq!(adopted["clean"], true, "{adopted}");
    // Clean again, and still PAUSED until somebody says so.
    assert_eq!(adopted["state"], "PAUSED");
    let export = remote.run("journal export").stdout;
    let line = export.lines().find(|line| line.contains("\"kind\":\"adopted\"")).unwrap();
    assert!(line.contains("\"by\":\"ann\"") && line.contains("\"why\":\"mine\""), "{line}");
    assert_eq!(remote.run("resume --why seen --json").json()["state"], "ACTIVE");

    // Another client's order is never touched, an entry of Atlas's is canceled.
    remote.trade("others", Side::Buy, "BBB", 1, limit(1));
    remote.trade("atlas-remote-9-buy-BBB-0", Side::Buy, "BBB", 1, limit(1));
    let pipe = hang(&remote.folder());
    let hanging =
        remote.command("reconcile").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let name = "remote".parse().unwrap();
    wait_until_held(&AccountFolder::new(remote.state.path(), &name));
    let killed = remote.run("kill --flatten --why hangs --json").json();
    assert_eq!(killed["held_by"]["pid"], hanging.id(), "{killed}");
    assert_eq!(killed["canceled"][0], "atlas-remote-9-buy-BBB-0");
    assert_eq!(killed["suspended"], true);
    assert_eq!(killed["flattened"]["sales"][0]["sold"]["taken"]["filled"], "10", "{killed}");
    assert_eq!((remote.held("AAA"), remote.open_orders()), (0, vec!["others".to_owned()]));

    // The process that hung learns of the sells from its inbox, and the books agree.
    fs::write(&pipe, "{}").unwrap();
    drop(hanging.wait_with_output().unwrap());
    remote.venue.inspect(|exchange| exchange.open_orders().count());
    let run = remote.run("reconcile --json");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let others: Vec<&Value> = found["discrepancies"].as_array().unwrap().iter().collect();
    assert_eq!(others.len(), 1, "only the other client's order is left: {found}");
    assert_eq!((&others[0]["what"], &found["state"]), (&"unmanaged_order".into(), &"HALTED".into()));
    remote.server.stop().await;
}

fn limit(dollars: i64) -> Kind {
    Kind::Limit(atlas_venue::core::Px::from_nanos(dollars * atlas_venue::core::NANO).unwrap())
}
