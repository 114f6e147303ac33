//! Operators' commands through the built binary, also beside a process that hangs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use atlas_core::Clock as _;
use atlas_core::Side;
use atlas_exec::folder::{AccountFolder, AccountLock};
use atlas_venue::core::Kind;
use atlas_venue::{Fault, Rule, Target};
use common::remote::{Remote, Wall, hang, release};
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

/// A word of an operator, given by the computer's clock or not, leaves the days of a replay apart.
#[test]
fn days_after_a_pause_are_counted_each_by_itself() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    atlas(state.path(), "pause --why lunch --by ann --json").json();
    atlas(state.path(), "resume --why back --json").json();
    atlas(state.path(), SECOND).json();
    atlas(state.path(), "rebalance --as-of 2014-10-31 --json").json();
    let journal = atlas(state.path(), "journal export").stdout;
    let records = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let records: Vec<Value> = records.collect();
    for day in ["2014-10-01", "2014-11-03"] {
        let filled = records.iter().filter(|record| {
            let at = record["payload"]["fill"]["ts_event"].as_str().unwrap_or_default();
            record["kind"] == "fill" && at.starts_with(day)
        });
        let closed = records
            .iter()
            .find(|record| record["kind"] == "day_closed" && record["payload"]["day"] == day);
        let (filled, closed) = (filled.count(), &closed.unwrap()["payload"]);
        assert!(filled > 0 && closed["fills"] == filled, "{day}: {filled}, {closed}");
        assert!(closed["quiet"].is_null(), "{closed}");
    }
    let ran_ahead = |record: &&Value| record["ts_init"].as_str().unwrap() > "2015";
    assert_eq!(records.iter().find(ran_ahead), None);
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
    let run = atlas(state.path(), "kill --flatten --why enough --json");
    // The day was over, so everything is still held: that is no success yet.
    assert_eq!(run.code, 6, "{run:?}");
    let killed: Value = serde_json::from_str(&run.stdout).unwrap();
    let left = killed["flattened"]["left"].as_object().unwrap();
    assert!(left.len() == before.len() && left.values().all(|left| left["on_offer"] == true));
    let sales = killed["flattened"]["sales"].as_array().unwrap();
    assert_eq!(sales.len(), before.len(), "{killed}");
    // Every order of the journal has a chain, those of no plan too.
    let id = sales[0]["request"]["client_order_id"].as_str().unwrap();
    let told = atlas(state.path(), &format!("why {id} --json")).json();
    assert_eq!(
        (&told["asked"]["why"], &told["asked"]["by"].is_string()),
        (&"enough".into(), &true)
    );
    assert_eq!(told["request"]["client_order_id"], id, "{told}");
    // The venue takes the sells and trades them at the next opening.
    let state_now = status(state.path());
    assert_eq!(state_now["state"], "HALTED");
    assert_eq!(state_now["open_orders"].as_array().unwrap().len(), before.len(), "{state_now}");
    // A second one finds that everything is on offer, and offers nothing twice.
    let run = atlas(state.path(), "kill --flatten --why enough --json");
    let again: Value = serde_json::from_str(&run.stdout).unwrap();
    assert!(again["canceled"].as_array().unwrap().len() <= before.len(), "{again}");
    assert_eq!(atlas(state.path(), "resume --why clear --json").json()["state"], "ACTIVE");
    let report = atlas(state.path(), &format!("{SECOND} --regime crash")).json();
    assert_eq!(report["reconciliation"]["clean"], true, "{}", report["reconciliation"]);
    let after = status(state.path());
    assert!(after["owned"].as_object().unwrap().is_empty(), "{after}");
    assert_eq!(atlas(state.path(), "journal verify").code, 0);
}

/// Waits until a process holds the account.
#[test]
fn reducing_at_a_word_sells_and_does_not_buy() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    assert_eq!(atlas(state.path(), "reduce --why nervous").code, 0);
    assert_eq!(status(state.path())["state"], "REDUCING");
    let report = atlas(state.path(), SECOND).json();
    let ends: Vec<&str> = report["signals"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|signal| signal["outcome"].as_str())
        .collect();
    assert!(ends.contains(&"EXECUTED"), "{ends:?}");
    let buys = report["orders"].as_array().unwrap().iter().filter(|order| order["side"] == "buy");
    for buy in buys {
        assert_eq!(buy["filled_qty"], "0", "{buy}");
    }
    assert_eq!(atlas(state.path(), "resume --why calm").code, 0);
    assert_eq!(status(state.path())["state"], "ACTIVE");
}

#[test]
fn a_limit_that_changes_is_on_record() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    // The profile's limits were put on record once; another profile is a change of limits.
    let changes = || -> Vec<Value> {
        let export = atlas(state.path(), "journal export").stdout;
        let lines = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|record| record["kind"] == "limits_changed").collect()
    };
    assert_eq!(changes().len(), 1);
    let config = state.path().join("atlas-test.toml");
    fs::write(&config, "[risk]\nprofile = \"conservative\"\n").unwrap();
    let line = format!("reconcile --config {}", config.display());
    assert_eq!(atlas(state.path(), &line).code, 0);
    let found = changes();
    assert_eq!(found.len(), 2);
    let change = &found[1]["payload"];
    assert_eq!(change["changed"]["daily_loss"]["from"], "0.02", "{change}");
    assert_eq!(change["changed"]["daily_loss"]["to"], "0.01", "{change}");
    assert_eq!(change["by"], "reconcile");
    assert_ne!(change["config_hash"], found[0]["payload"]["config_hash"]);
    assert!(change["changed"].get("shares").is_none(), "{change}");
    let told = status(state.path());
    assert_eq!(told["limits"]["daily_loss"], "0.01", "{told}");
    assert_eq!(atlas(state.path(), &line).code, 0);
    assert_eq!(changes().len(), 2);
}

#[test]
fn a_paused_account_can_be_flattened_symbol_by_symbol() {
    let state = TempDir::new().unwrap();
    let config = state.path().join("atlas-test.toml");
    fs::write(&config, "[protection]\nstop_below_bps = 3000\n").unwrap();
    let run = |line: &str| atlas(state.path(), &format!("{line} --config {}", config.display()));
    run(FIRST).json();
    run("flatten XYZ --why out").fails(8, &["owns no XYZ"]);
    assert_eq!(run("pause --why lunch").code, 0);
    let owned = status(state.path())["owned"].clone();
    let symbols: Vec<&String> = owned.as_object().unwrap().keys().collect();
    assert!(symbols.len() > 1, "{owned}");
    let done = run(&format!("flatten {} --why out --json", symbols[0])).json();
    assert_eq!((&done["state"], &done["clean"]), (&"PAUSED".into(), &true.into()), "{done}");
    assert_eq!(done["canceled"].as_array().unwrap().len(), 1, "its stop gave way: {done}");
    let sale = &done["sales"][0];
    assert_eq!(sale["request"]["qty"], owned[symbols[0]]["qty"], "{sale}");
    let stops = status(state.path())["open_orders"].as_array().unwrap().len();
    assert!(stops >= symbols.len() - 1, "the others stay protected");
    let done = run("flatten --why out --json").json();
    assert!(done["sales"].as_array().unwrap().len() >= symbols.len() - 1, "{done}");
    assert_eq!(status(state.path())["state"], "PAUSED");
}

fn wait_until_held(folder: &AccountFolder) {
    let held = (0..2_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        AccountLock::holder(folder).unwrap().is_some()
    });
    assert!(held, "nobody took the account");
}

#[test]
fn a_kill_works_while_the_first_process_hangs() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    let account = state.path().join("accounts/default");
    hang(&account);
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
    release(&account);
    let run = run_of(&hanging.wait_with_output().unwrap());
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.stderr.contains("HALTED") && run.stderr.contains("hangs"), "{run:?}");
    let now = status(state.path());
    assert_eq!(now["state"], "HALTED");
    assert!(now["pending"].is_null(), "{now}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_did_is_adopted_and_flattened_past_a_process_that_hangs() {
    let remote = Remote::open("[execution]\nrequest_timeout_s = 2\n").await;
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
    // Who flattens holds off everybody else who would; only the fence goes up.
    let demo = AccountFolder::new(remote.state.path(), &"remote".parse().unwrap());
    let first = AccountLock::flattening(&demo, Wall.now()).unwrap();
    let run = remote.run("kill --flatten --why twice --json");
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stderr.contains("is being flattened by process"), "{run:?}");
    assert_eq!(remote.held("AAA"), 10);
    let killed: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(killed["canceled"][0], "atlas-remote-9-buy-BBB-0");
    drop(first);
    hang(&remote.folder());
    let hanging =
        remote.command("reconcile").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let name = "remote".parse().unwrap();
    wait_until_held(&AccountFolder::new(remote.state.path(), &name));
    let killed = remote.run("kill --flatten --why hangs --json").json();
    assert_eq!(killed["held_by"]["pid"], hanging.id(), "{killed}");
    assert_eq!(killed["flattened"]["left"], serde_json::json!({}));
    assert_eq!(killed["suspended"], true);
    assert_eq!(killed["flattened"]["sales"][0]["sold"]["taken"]["filled"], "10", "{killed}");
    assert_eq!((remote.held("AAA"), remote.open_orders()), (0, vec!["others".to_owned()]));

    // The process that hung learns of the sells from its inbox, and the books agree.
    release(&remote.folder());
    drop(hanging.wait_with_output().unwrap());
    remote.venue.inspect(|exchange| exchange.open_orders().count());
    let run = remote.run("reconcile --json");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let others: Vec<&Value> = found["discrepancies"].as_array().unwrap().iter().collect();
    assert_eq!(others.len(), 1, "only the other client's order is left: {found}");
    assert_eq!(
        (&others[0]["what"], &found["state"]),
        (&"unmanaged_order".into(), &"HALTED".into())
    );
    remote.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_watched_until_it_has_ended() {
    let remote = Remote::open("").await;
    remote.run("plan --json").json();
    remote.run("monitor atlas-remote-9-buy-AAA-0").fails(8, &["atlas-remote-9-buy-AAA-0"]);
    remote.trade("by-hand", Side::Buy, "AAA", 10, Kind::Market);
    drop(remote.run("reconcile"));
    remote.run("reconcile adopt position AAA 10 50 --why mine --json").json();
    // The sell cannot fill before the next opening: an order to watch.
    remote.venue.advance_to(remote.last.close).unwrap();
    let run = remote.run("kill --flatten --json");
    assert_eq!(run.code, 6, "what is held until then is told: {run:?}");
    let killed: Value = serde_json::from_str(&run.stdout).unwrap();
    let id = killed["flattened"]["sales"][0]["request"]["client_order_id"].as_str().unwrap();
    let watching = remote
        .command(&format!("monitor {id} --poll 1 --timeout 60 --json"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let place = remote.folder().join("monitor");
    let audit = wait_for_line(&place, "accepted");
    let order = remote.venue.inspect(|exchange| exchange.open_orders().next().unwrap().id);
    remote.venue.cancel(order).unwrap();
    let run = run_of(&watching.wait_with_output().unwrap());
    let told = run.json();
    assert_eq!(told["ended"], "terminal", "{told}");
    let last = told["sightings"].as_array().unwrap().last().unwrap();
    assert_eq!((&last["status"], &last["client_order_id"]), (&"canceled".into(), &id.into()));
    let lines = fs::read_to_string(audit).unwrap();
    assert!(lines.starts_with("at,source,client_order_id"), "{lines}");
    assert_eq!(lines.lines().count() - 1, told["sightings"].as_array().unwrap().len());
    let done = remote.run(&format!("monitor {id} --timeout 1 --json")).json();
    assert_eq!(done["ended"], "terminal");
    remote.server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_before_an_execution_is_all_said() {
    let remote = Remote::open("").await;
    remote.run("plan --json").json();
    let run = remote.run("check --json");
    assert_eq!(run.code, 8, "{run:?}");
    let found: Value = serde_json::from_str(&run.stdout).unwrap();
    let passed = |name: &str| {
        let checks = found["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"] == name).unwrap()["passed"].as_bool().unwrap()
    };
    for name in ["data", "account", "configuration", "program", "disk"] {
        assert!(passed(name), "{name}: {found}");
    }
    // The test's venue lives in the past, and its clock is nobody's.
    assert!(!passed("clock"), "{found}");
    assert!(run.stderr.contains("set the computer's"), "{run:?}");
    let other = Remote::open("[rebalance]\ntop_n = 1\n").await;
    let config = other.state.path().join("paper.toml");
    other.run("plan --json").json();
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("top_n = 1", "top_n = 2")).unwrap();
    let run = other.run("check");
    assert!(run.stdout.contains("WRONG configuration"), "{run:?}");
    remote.server.stop().await;
    other.server.stop().await;
}

#[test]
fn the_gates_of_live_trading_can_be_put_aside_by_name_but_for_safety() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), FIRST).json();
    let gates = |line: &str| {
        let run = atlas(state.path(), line);
        assert_eq!(run.code, 8, "{run:?}");
        serde_json::from_str::<Value>(&run.stdout).unwrap()["gates"].clone()
    };
    let of = |gates: &Value, name: &str| {
        let found = gates.as_array().unwrap().iter().find(|gate| gate["gate"] == name).unwrap();
        (found["passed"].as_bool().unwrap(), found["overridden_by"].clone())
    };
    let heard = gates("gate --json");
    assert!(!of(&heard, "paper_days").0 && of(&heard, "active").0 && of(&heard, "no_mismatch").0);
    let heard = gates("gate --override live-gate-paper-days --why hurry --by ann --json");
    assert_eq!(of(&heard, "paper_days"), (false, "ann".into()));
    let export = atlas(state.path(), "journal export").stdout;
    assert!(export.contains("hurry"), "the override is on the record");
    atlas(state.path(), "gate --override live-gate-active --why hurry").fails(8, &["safety"]);
    atlas(state.path(), "gate --override luck --why hurry").fails(8, &["luck"]);
    atlas(state.path(), "pause --why lunch --json").json();
    assert!(!of(&gates("gate --json"), "active").0);
}

#[test]
fn a_change_of_regime_is_journaled_with_the_exposure_around_it() {
    let state = TempDir::new().unwrap();
    let first = atlas(state.path(), FIRST).json();
    let checked = &first["verification"];
    assert_eq!(checked["positions_planned"], checked["positions_held"], "{checked}");
    assert_eq!(checked["off_target"], serde_json::json!({}));
    assert_eq!(
        checked["fills"].as_array().unwrap().len(),
        first["orders"].as_array().unwrap().len()
    );
    let notes = first["notes"].as_array().unwrap();
    assert!(notes.iter().any(|note| note.as_str().unwrap().contains("not observed")));
    atlas(state.path(), &format!("{SECOND} --regime crash")).json();
    let export = atlas(state.path(), "journal export").stdout;
    let lines: Vec<&str> =
        export.lines().filter(|line| line.contains("\"kind\":\"regime_changed\"")).collect();
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let event: Value = serde_json::from_str(line).unwrap();
    let payload = &event["payload"];
    assert_eq!((&payload["from"], &payload["to"]), (&"bull".into(), &"crash".into()));
    assert_ne!(payload["exposure_before"], "0");
    assert_eq!(payload["exposure_after"], "0", "{payload}");
}

/// Waits until an audit holds a word, and says where it is.
fn wait_for_line(folder: &Path, word: &str) -> std::path::PathBuf {
    let look = || {
        std::thread::sleep(Duration::from_millis(10));
        let files = fs::read_dir(folder).into_iter().flatten();
        let mut paths = files.map(|file| file.unwrap().path());
        paths.find(|path| fs::read_to_string(path).unwrap().contains(word))
    };
    (0..2_000).find_map(|_| look()).unwrap()
}

fn limit(dollars: i64) -> Kind {
    Kind::Limit(atlas_venue::core::Px::from_nanos(dollars * atlas_venue::core::NANO).unwrap())
}

/// An account whose session closed while its plan was under way can be used again: whoever asks for
/// the next plan ends the one before, on record, and nothing of it is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_whose_session_is_over_is_ended_and_the_next_one_is_made() {
    let remote = Remote::open("clock = \"broker\"\n").await;
    remote.run("plan --json").json();
    let planned = remote.run("plan --json").json();
    let hash = planned["plan_hash"].as_str().unwrap().to_owned();
    remote.run(&format!("approve {hash}"));
    // The venue takes the first order and never answers; the program is killed while it waits.
    let (target, fault) = (Target::Submit, Fault::HangAfter);
    let (path, account) = (None, None);
    let silent = Rule { target, fault, chance: 1.0, times: None, path, account };
    remote.server.faults().add(silent);
    let mut hanging = remote.command("execute").stdout(Stdio::null()).spawn().unwrap();
    while remote.venue.inspect(|exchange| exchange.orders().is_empty()) {
        tokio::task::yield_now().await;
    }
    hanging.kill().unwrap();
    hanging.wait().unwrap();
    remote.server.faults().clear();
    let status = remote.run("status --json").json();
    assert!(status["pending"].is_object(), "{status}");

    remote.venue.advance_to(remote.last.close + chrono::TimeDelta::hours(1)).unwrap();
    let held = remote.open_orders();
    let next = remote.run("plan --json").json();
    assert_eq!(next["as_of"], remote.last.date.to_string(), "{next}");
    assert_eq!(remote.open_orders(), held);
    let events = common::tree(&remote.folder());
    assert!(events.keys().any(|path| path.to_string_lossy().contains("/artifacts/")));
    let journal = remote.run("journal export").stdout;
    let ended = journal.matches("\"EXPIRED_UNFILLED\"").count();
    assert!(ended > 0, "{journal}");
    remote.server.stop().await;
}

#[test]
fn what_lost_its_stop_is_given_one_and_told_until_then() {
    let state = TempDir::new().unwrap();
    let config = state.path().join("protected.toml");
    fs::write(&config, "[protection]\nstop_below_bps = 3000\n").unwrap();
    let line = |text: &str| format!("{text} --config {}", config.display());
    atlas(state.path(), FIRST).json();
    atlas(state.path(), "protect").fails(8, &["protection.stop_below_bps"]);
    let owned = status(state.path())["owned"].as_object().unwrap().len();
    let protected = atlas(state.path(), &line("protect --json")).json();
    assert_eq!(protected["protected"].as_object().unwrap().len(), owned, "{protected}");
    assert_eq!((&protected["acted"], &protected["bare"]), (&true.into(), &serde_json::json!({})));
    assert_eq!(atlas(state.path(), &line("protect --json")).json()["acted"], false);
    // A kill takes the stops away, and nothing is sent past the fence.
    atlas(state.path(), "kill --all --why smoke --json").json();
    let run = atlas(state.path(), &line("protect"));
    assert_eq!(run.code, 7, "{run:?}");
    assert!(run.stderr.contains("stay without a stop: the account is HALTED"), "{run:?}");
    let incidents = fs::read_to_string(state.path().join("accounts/default/incidents.jsonl"));
    let told = incidents.unwrap();
    let bare = told.lines().filter(|line| line.contains("are protected by a stop"));
    assert_eq!(bare.count(), owned, "{told}");
    let resumed = atlas(state.path(), &line("resume --why clear --json")).json();
    assert_eq!((&resumed["state"], &resumed["bare"]), (&"ACTIVE".into(), &serde_json::json!([])));
    assert_eq!(status(state.path())["open_orders"].as_array().unwrap().len(), owned);
    assert_eq!(atlas(state.path(), "journal verify").code, 0);
}

#[test]
fn a_replay_that_is_paused_stays_where_it_is_and_says_so() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "rebalance --as-of 2018-07-31 --json").json();
    atlas(state.path(), "pause --why lunch");
    let refused = atlas(state.path(), "rebalance --as-of 2018-08-31");
    assert_eq!(refused.code, 7, "{refused:?}");
    assert!(refused.stderr.contains("is PAUSED (operator asked to pause"), "{refused:?}");
    // Had the venue's clock moved on, an earlier session would be refused now.
    atlas(state.path(), "resume --why back");
    atlas(state.path(), "rebalance --as-of 2018-08-15 --json").json();
}

#[test]
fn a_run_that_ended_before_its_artifact_is_told_by_the_next() {
    let state = TempDir::new().unwrap();
    let report = atlas(state.path(), "rebalance --as-of 2018-07-31 --json").json();
    let account = state.path().join("accounts/default");
    let path = report["artifact"].as_str().unwrap();
    // As if it had been killed between the last comparison and the artifact.
    fs::remove_file(path).unwrap();
    fs::remove_file(account.join("head")).unwrap();
    let db = rusqlite::Connection::open(account.join("journal.sqlite")).unwrap();
    db.execute_batch(
        "DROP TRIGGER record_is_never_deleted;
         DELETE FROM record WHERE seq = (SELECT max(seq) FROM record) AND kind = 'artifact_written';
         CREATE TRIGGER record_is_never_deleted BEFORE DELETE ON record
         BEGIN SELECT RAISE(ABORT, 'a record is never deleted'); END;",
    )
    .unwrap();
    drop(db);
    let told = atlas(state.path(), "execute --json");
    assert_eq!(told.code, 0, "{told:?}");
    assert!(Path::new(path).exists(), "{told:?}");
    atlas(state.path(), "execute").fails(8, &["has no plan"]);
}
