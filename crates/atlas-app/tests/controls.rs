//! `atlas controls`: every control is explained, and every one holds.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;

use serde_json::Value;
use tempfile::TempDir;

use common::atlas;

const DESK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../atlas-risk/profiles/desk.toml");

fn names(list: &Value) -> BTreeSet<String> {
    let name = |row: &Value| row["gate"].as_str().unwrap().to_owned();
    list.as_array().unwrap().iter().map(name).collect()
}

#[test]
fn every_control_is_explained_and_holds() {
    let state = TempDir::new().unwrap();
    for profile in ["conservative", "standard", "racehorse"] {
        for desk in [String::new(), format!(" --desk {DESK}")] {
            let run = |word: &str| {
                atlas(state.path(), &format!("controls {word} --profile {profile}{desk} --json"))
            };
            let (explained, tried) = (run("explain").json(), run("test").json());
            assert_eq!(explained["profile"], profile);
            assert_eq!(tried["hold"], true);
            assert_eq!(names(&explained["controls"]), names(&tried["tests"]));
            let expected = if desk.is_empty() { 25 } else { 32 };
            assert_eq!(names(&explained["controls"]).len(), expected);
        }
    }
    let text = atlas(state.path(), "controls explain").stdout;
    assert!(text.contains("25 controls of the standard profile"), "{text}");
    assert!(text.contains("daily-loss") && text.contains("[share of equity]"), "{text}");
    let text = atlas(state.path(), "controls test").stdout;
    assert!(text.contains("probes hold under the standard profile"), "{text}");
    assert!(!text.contains("FAILS"), "{text}");
}

#[test]
fn rules_that_cannot_be_used_are_named() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "controls test --desk nowhere.toml").fails(3, &["nowhere.toml"]);
    let text = std::fs::read_to_string(DESK).unwrap();
    let file = state.path().join("desk.toml");
    let line = format!("controls test --desk {}", file.display());
    std::fs::write(&file, text.replace("sector = \"0.6\"", "")).unwrap();
    atlas(state.path(), &line).fails(3, &["desk.toml", "sector"]);
    std::fs::write(&file, text.replace("sector = \"0.6\"", "sector = \"0.3\"")).unwrap();
    atlas(state.path(), &line).fails(3, &["desk.sector = 0.3", "above position_deny"]);
    atlas(state.path(), "controls explain --profile daring").fails(2, &["daring"]);
}

#[test]
fn every_run_tries_the_controls_and_keeps_the_result() {
    let state = TempDir::new().unwrap();
    let report = atlas(state.path(), "rebalance --json").json();
    assert_eq!(report["controls"]["broken"], serde_json::json!([]));
    assert!(report["controls"]["tried"].as_u64().unwrap() >= 25);
    let artifact = std::fs::read(report["artifact"].as_str().unwrap()).unwrap();
    let kept: Value = serde_json::from_slice(&artifact).unwrap();
    assert_eq!(kept["controls"], report["controls"]);
}

#[test]
fn a_restricted_symbol_is_not_bought() {
    let state = TempDir::new().unwrap();
    let config = state.path().join("atlas.toml");
    std::fs::write(&config, "[risk]\nrestricted = [\"LLY\"]\n").unwrap();
    let line = format!("rebalance --json --config {}", config.display());
    let report = atlas(&state.path().join("state"), &line).json();
    let bought = |list: &Value| -> BTreeSet<String> {
        let symbol = |order: &Value| {
            let order = if order["request"].is_null() { order } else { &order["request"] };
            order["symbol"].as_str().unwrap().to_owned()
        };
        list.as_array().unwrap().iter().map(symbol).collect()
    };
    assert_eq!(bought(&report["denied"]), BTreeSet::from(["LLY".to_owned()]));
    assert!(bought(&report["orders"]).contains("MRK"));
    assert!(!bought(&report["orders"]).contains("LLY"));
    let verdicts = report["denied"][0]["verdicts"].as_array().unwrap();
    let denial = verdicts.iter().find(|verdict| verdict["kind"] == "deny").unwrap();
    assert_eq!(denial["gate"], "restricted");
    assert!(denial["sentence"].as_str().unwrap().contains("risk.restricted"));
}

/// Files a person copies: printed by the program, changed, and in force from then on.
#[test]
fn limits_and_desk_rules_come_from_files() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    let print = |line: &str| atlas(folder.path(), line).stdout;
    let limits = print("controls limits").replace("top_n = 5", "top_n = 4");
    std::fs::write(place("limits.toml"), limits).unwrap();
    let off = print("controls limits --desk")
        .replace("pair_correlation = 0.8", "pair_correlation = 1.0")
        .replace("mean_correlation = 0.6", "mean_correlation = 1.0")
        .replace("sector = \"0.6\"", "sector = \"0.36\"")
        .replace("min_volume = 500000.0", "min_volume = 0.0")
        .replace("min_price = \"5\"", "min_price = \"0\"");
    std::fs::write(place("desk.toml"), off).unwrap();
    std::fs::write(
        place("sectors.csv"),
        "name,symbol,sector\n".to_owned()
            + &["LLY", "MRK", "PFE", "JNJ", "UNH", "PG", "KO", "PEP", "WMT", "HD", "JPM", "BAC"]
                .map(|symbol| format!("-,{symbol},Large\n"))
                .concat(),
    )
    .unwrap();
    let show = |name: &str| place(name).display().to_string();
    let config = format!(
        "[risk]\nlimits = \"{}\"\n[risk.desk]\nrules = \"{}\"\nsectors = \"{}\"\n",
        show("limits.toml"),
        show("desk.toml"),
        show("sectors.csv")
    );
    std::fs::write(place("atlas.toml"), config).unwrap();
    let state = place("state");
    let run = |line: &str| atlas(&state, &format!("{line} --config {}", show("atlas.toml")));
    let report = run("rebalance --json --regime bull").json();
    let denied = report["denied"].as_array().unwrap();
    let gates: BTreeSet<&str> = denied
        .iter()
        .flat_map(|order| order["verdicts"].as_array().unwrap())
        .filter(|verdict| verdict["kind"] == "deny")
        .map(|verdict| verdict["gate"].as_str().unwrap())
        .collect();
    assert_eq!(gates, BTreeSet::from(["sector"]), "{denied:?}");
    let orders = report["orders"].as_array().unwrap();
    assert!(!orders.is_empty() && orders.len() + denied.len() == 4, "{report}");
    // The gates of the desk speak in `controls` as well, and what was decided is decided again.
    assert_eq!(names(&run("controls explain --json").json()["controls"]).len(), 32);
    assert!(run("controls test").stdout.contains("limits.toml"));
    assert_eq!(run("why 1").code, 0);
    std::fs::write(place("limits.toml"), "top_n = 1\n").unwrap();
    run("controls explain").fails(3, &["limits.toml", "missing field"]);
}
