//! Evidence through the built binary: days closed, stops at the broker, quality, drills, shadow.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;

use atlas_exec::folder::{AccountFolder, InputStore};
use common::{atlas, command, run_of};
use serde_json::Value;
use tempfile::TempDir;

const FIRST: &str = "rebalance --as-of 2018-07-31 --json";
const SECOND: &str = "rebalance --as-of 2018-08-31 --json";

/// A state directory with a configuration beside it.
struct Place {
    state: TempDir,
    config: std::path::PathBuf,
}

impl Place {
    fn new(settings: &str) -> Self {
        let state = TempDir::new().unwrap();
        let config = state.path().join("atlas-test.toml");
        fs::write(&config, settings).unwrap();
        Self { state, config }
    }

    fn run(&self, line: &str) -> common::Run {
        self.run_with(line, &[])
    }

    fn run_with(&self, line: &str, environment: &[(&str, &str)]) -> common::Run {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        words.extend(["--config", self.config.to_str().unwrap()]);
        let mut command = command(self.state.path(), &words);
        for (name, value) in environment {
            command.env(name, value);
        }
        run_of(&command.output().unwrap())
    }

    fn records(&self, kind: &str) -> Vec<Value> {
        let out = self.run("journal export");
        let lines = out.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|record| record["kind"] == kind).collect()
    }
}

#[test]
fn positions_are_protected_at_the_broker_and_the_stops_follow_them() {
    let place = Place::new("[protection]\nstop_below_bps = 3000\n");
    place.run(FIRST).json();
    let check = |when: &str| {
        let status = place.run("status --json").json();
        let owned = status["owned"].as_object().unwrap();
        assert!(!owned.is_empty(), "{when}");
        for (symbol, held) in owned {
            assert_eq!(held["protected"], held["qty"], "{symbol} {when}");
            assert!(held["stop_price"].is_string(), "{symbol} {when}");
            assert!(held["last_signal"]["strength"].is_number(), "{symbol} {when}");
        }
        let stops = status["open_orders"].as_array().unwrap();
        assert_eq!(stops.len(), owned.len(), "one stop a symbol {when}");
        (stops[0]["client_order_id"].as_str().unwrap().to_owned(), status)
    };
    let (stop, status) = check("after the first rebalance");
    assert_eq!(status["reconciled"]["clean"], true);
    let why = place.run(&format!("why {stop}"));
    assert_eq!(why.code, 0, "{why:?}");
    assert!(why.stdout.contains("protects"), "{why:?}");
    let text = place.run("status").stdout;
    assert!(text.contains("stops"), "{text}");
    // Shares change hands; what is held in the end is protected again, once.
    place.run(SECOND).json();
    check("after the second rebalance");
    let verified = place.run("journal verify");
    assert_eq!(verified.code, 0, "{verified:?}");
}

#[test]
fn days_are_closed_with_what_happened_in_them() {
    let place = Place::new("");
    place.run(FIRST).json();
    let days: Vec<Value> = place
        .records("day_closed")
        .into_iter()
        .map(|mut record| record["payload"].take())
        .collect();
    assert_eq!(days.len(), 2, "{days:?}");
    // The session that was decided on was quiet, for a reason, and nothing changed by it.
    assert_eq!(days[0]["day"], "2018-07-31");
    assert_eq!(days[0]["quiet"]["reason"], "no plan was made for it");
    assert_eq!(days[0]["quiet"]["positions_unchanged"], true);
    assert_eq!(days[1]["day"], "2018-08-01");
    assert!(days[1]["fills"].as_u64().unwrap() > 0);
    for day in &days {
        assert_eq!((&day["clean"], &day["breaker"]), (&true.into(), &"not_observed".into()));
    }
    let status = place.run("status --json").json();
    assert_eq!(status["last_closed"]["day"], "2018-08-01");
    assert_eq!(status["day"]["fills"], days[1]["fills"]);
    assert!(status["regime"].is_string());
}

#[test]
fn quality_tells_what_fills_cost() {
    let place = Place::new("");
    place.run("quality").fails(8, &["no journal"]);
    place.run(FIRST).json();
    let found = place.run("quality --fills --json").json();
    let fills = found["fills"].as_array().unwrap();
    assert_eq!(found["quality"]["all"]["fills"], fills.len());
    for fill in fills {
        for known in ["mid_at_send", "spread_bps", "slippage_bps", "shortfall_bps", "hour"] {
            assert!(fill[known].is_number(), "{known} of {fill}");
        }
        assert_eq!(fill["conditions"]["open"], true);
        assert_eq!(fill["conditions"]["part"], "opening");
        assert!(fill["decided_at"].as_str().unwrap() < fill["sent_at"].as_str().unwrap());
    }
    let each = place.run("quality --fills").stdout;
    assert!(each.contains("  cost     mid ") && each.contains("open, opening of the"), "{each}");
    let text = place.run("quality").stdout;
    assert!(text.contains("slippage") && text.contains("New York"), "{text}");
}

#[test]
fn drills_are_walked_step_by_step_and_put_on_record() {
    let place = Place::new("");
    place.run("drill recovery").fails(8, &["no journal"]);
    place.run(FIRST).json();
    let before = common::tree(&place.state.path().join("venue"));
    let recovery = place.run("drill recovery --by ann --json").json();
    assert_eq!(recovery["passed"], true, "{recovery}");
    let names: Vec<&str> =
        recovery["steps"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["files", "fold", "decision", "stop", "restart", "books"]);
    assert_eq!(common::tree(&place.state.path().join("venue")), before);
    assert_eq!(place.run("status --json").json()["state"], "ACTIVE");

    // Nothing says live: the walk fails, gate by gate, and is on record all the same.
    // Without the confirmation nothing is walked, and what is on record stays as it is.
    place.run("drill switchover").fails(2, &["--confirm"]);
    assert_eq!(place.records("drill_walked").len(), 1);
    let failed = place.run("drill switchover --json --confirm no");
    assert_eq!(failed.code, 8, "{failed:?}");
    assert!(failed.stderr.contains("configuration") && failed.stderr.contains("credentials"));
    let records: Vec<Value> = place
        .records("drill_walked")
        .into_iter()
        .map(|mut record| record["payload"].take())
        .collect();
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["drill"], &records[0]["by"]), (&"recovery".into(), &"ann".into()));
    let gate = place.run("gate --json");
    assert_eq!(gate.code, 8);
    // By the computer's clock the replay's days are long ago.
    assert!(gate.stdout.contains("the recovery drill of 2018-08-01 is too old"), "{gate:?}");
    assert!(gate.stdout.contains("the switchover drill of 2018-08-01 failed"), "{gate:?}");
}

#[test]
fn the_live_configuration_passes_every_gate_once_all_of_it_is_there() {
    let place = Place::new(
        "[live]\nenabled = true\naccount_number = \"123\"\nmax_equity = \"200000\"\n\
         max_order = \"5000\"\n",
    );
    place.run(FIRST).json();
    let keys = [
        ("ATLAS_ALLOW_LIVE", "yes"),
        ("APCA_LIVE_KEY_ID", "a key of nobody"),
        ("APCA_LIVE_SECRET_KEY", "a secret of nobody"),
    ];
    let mut words = vec!["drill", "switchover", "--json", "--confirm", "trade live on 123"];
    words.extend(["--config", place.config.to_str().unwrap()]);
    let mut command = command(place.state.path(), &words);
    command.envs(keys);
    let walked = run_of(&command.output().unwrap());
    assert!(!walked.stdout.contains("secret of nobody"), "{walked:?}");
    let found: Value = serde_json::from_str(&walked.stdout).unwrap();
    let wrong: Vec<&Value> =
        found["steps"].as_array().unwrap().iter().filter(|s| s["passed"] == false).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(walked.code, 0, "{walked:?}");
    // Another word than the account's is no confirmation.
    let other = place.run_with("drill switchover --confirm yes", &keys);
    assert_eq!(other.code, 8);
    assert!(other.stdout.contains("WRONG confirmation"), "{other:?}");
}

#[test]
fn the_ramp_binds_a_plan_where_it_is_rehearsed() {
    let place = Place::new("[ramp]\nrehearse = true\n");
    let report = place.run(FIRST).json();
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let equity = number(&report["equity"]);
    let mut invested = 0.0;
    for order in report["orders"].as_array().unwrap() {
        let shares = number(&order["planned_qty"]);
        let notional = shares * number(&order["decision_price"]);
        assert!(shares <= 100.0 && notional <= 5_000.0, "{order}");
        assert_eq!(order["status"], "filled", "{order}");
        let told = place.run(&format!("why {}", order["client_order_id"].as_str().unwrap()));
        assert!(told.stdout.contains("at send  pass ramp: within its first stage"), "{told:?}");
        invested += notional;
    }
    assert!(invested > 0.0 && invested <= 0.05 * equity, "{invested} of {equity}");
}

#[test]
fn a_shadow_shows_what_live_limits_would_make_of_the_decision() {
    let place = Place::new("");
    place.run("shadow").fails(8, &["no journal"]);
    place.run(FIRST).json();
    let before = fs::read(place.state.path().join("accounts/default/journal.sqlite")).unwrap();
    let shadow = place.run("shadow --json").json();
    assert_eq!(shadow["as_of"], "2018-07-31");
    assert_eq!(shadow["ramp"]["stage"], "first");
    assert!(!shadow["diverging"].as_object().unwrap().is_empty());
    // It begins all in cash, with as much as the account, and buys its twentieth.
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    assert_eq!(shadow["result"][0]["equity"], shadow["result"][1]["equity"]);
    let bought = number(&shadow["notional"][1]);
    assert!(bought > 0.0 && bought <= 0.05 * 100_000.0, "{shadow}");
    let kept = place.state.path().join("accounts/default/shadow/2018-07-31.json");
    let kept: Value = serde_json::from_slice(&fs::read(kept).unwrap()).unwrap();
    assert_eq!(kept["diverging"], shadow["diverging"]);
    let after = fs::read(place.state.path().join("accounts/default/journal.sqlite")).unwrap();
    assert_eq!(before, after, "a shadow changes nothing of the account");
    // A book that cannot be read is said, not begun anew.
    let book = place.state.path().join("accounts/default/shadow/book.json");
    fs::write(&book, "{").unwrap();
    assert!(place.run("shadow").stderr.contains("book.json cannot be read"));
}

#[test]
fn a_shadow_has_a_book_of_its_own() {
    let place = Place::new("");
    place.run(FIRST).json();
    let number = |value: &Value| value.as_str().unwrap().parse::<f64>().unwrap();
    let shadow = place.run("shadow --json").json();
    // Asked again it says the same; after the next decision it holds what it had bought.
    assert_eq!(place.run("shadow --json").json(), shadow);
    place.run(SECOND).json();
    let next = place.run("shadow --json").json();
    assert_eq!((&next["as_of"], &next["begun"]), (&"2018-08-31".into(), &1.into()));
    assert_eq!(next["regime"][0], next["regime"][1]);
    let held = |shadow: &Value, field: &str| -> Vec<(String, f64)> {
        let all = shadow["diverging"].as_object().unwrap().iter();
        let held = all.map(|(symbol, found)| (symbol.clone(), number(&found[field])));
        held.filter(|(_, qty)| *qty > 0.0).collect()
    };
    assert_eq!(held(&next, "held_live"), held(&shadow, "wanted_live"));
    let (account, own) = (&next["result"][0], &next["result"][1]);
    assert_ne!(account["gain"], own["gain"], "each has a result of its own");
    assert!(number(&own["gain"]).abs() < number(&account["gain"]).abs(), "{next}");
    let text = place.run("shadow").stdout;
    for word in ["regime   BULL, live BULL", "shadow   worth", "since decision 1", "the shadow"] {
        assert!(text.contains(word), "{word}: {text}");
    }
}

#[test]
fn a_schedule_needs_real_time() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "schedule --once").fails(8, &["clock of its own"]);
}

#[test]
fn the_kept_regime_model_is_held_against_the_one_fitted_anew() {
    let last = "2019-03-05".parse().unwrap();
    // The second time one close of the index three years before is another one.
    for (spoilt, told) in [(false, 0), (true, 1)] {
        let state = TempDir::new().unwrap();
        let honest = common::data(last, |_, lines| lines);
        let later = common::data(last, |name, mut lines| {
            if spoilt && name == "index" {
                let row = lines.len() - 800;
                let cells: Vec<&str> = lines[row].split(',').collect();
                let close = cells[4].parse::<f64>().unwrap() * 1.01;
                lines[row] = format!("{0},{close},{close},{close},{close},{close},9", cells[0]);
            }
            lines
        });
        let run = |folder: &TempDir, as_of: &str| {
            let data = folder.path().to_str().unwrap().to_owned();
            atlas(state.path(), &format!("rebalance --data {data} --as-of {as_of} --json")).json()
        };
        run(&honest, "2019-01-31");
        let folder = AccountFolder::new(state.path(), &"default".parse().unwrap());
        let kept = atlas_exec::peek(&folder).unwrap().unwrap().model().unwrap();
        assert!(InputStore::of(&folder).get(kept).is_ok(), "the checkpoint is a stored input");
        run(&later, "2019-02-28");
        let now = atlas_exec::peek(&folder).unwrap().unwrap().model().unwrap();
        assert_ne!(now, kept, "each decision keeps where its model stands");
        let incidents =
            fs::read_to_string(folder.root().join("incidents.jsonl")).unwrap_or_default();
        let found = incidents.lines().filter(|line| line.contains("kept on 2019-01-31")).count();
        assert_eq!(found, told, "{incidents}");
    }
}
