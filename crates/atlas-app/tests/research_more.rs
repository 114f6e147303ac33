//! Research beyond single runs: stress, cross-validation, counts from elsewhere, members by date,
//! and what Ctrl-C leaves.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{atlas, command, run_of};
use serde_json::Value;
use tempfile::TempDir;

const DATES: &str = "--from 2017-01-31 --to 2017-05-31 --no-regime";

fn state() -> TempDir {
    TempDir::new().unwrap()
}

#[test]
fn stress_tries_other_costs_and_delays_and_deals_history_again() {
    let state = state();
    let line = format!("stress --schedule monthly {DATES} --draws 200 --json");
    let found = atlas(state.path(), &line).json();
    let variants = found["variants"].as_array().unwrap();
    assert_eq!((variants.len(), &found["complete"]), (8, &true.into()));
    assert_eq!(variants[7]["assumption"], serde_json::json!({ "kind": "delay", "sessions": 10 }));
    let intervals = found["intervals"].as_array().unwrap();
    assert_eq!(intervals.len(), 3);
    let sharpe = &intervals[1]["interval"];
    assert!(sharpe["low"].as_f64() < sharpe["high"].as_f64(), "{sharpe}");
    assert!(found["trades"]["falls"]["high"].as_f64().unwrap() >= 0.0);
    assert_eq!(atlas(state.path(), &line).json(), found, "the same seed, the same bytes");
    let text = atlas(state.path(), &line.replace(" --json", "")).stdout;
    for word in ["no costs", "slippage 50 bps", "10 sessions later", "dealt again 200 times"] {
        assert!(text.contains(word), "{word} in {text}");
    }
    atlas(state.path(), "stress --draws 0").fails(2, &["draws", "1 to 100000"]);
}

#[test]
fn cross_validation_goes_every_way_through_history() {
    let state = state();
    let line = format!(
        "cross-validate --strategy sma --param fast=5,10 --param slow=20,40 {DATES} --blocks 4 --json"
    );
    let found = atlas(state.path(), &line).json();
    assert_eq!(found["found"]["deals"].as_array().unwrap().len(), 6);
    assert_eq!(found["found"]["paths"].as_array().unwrap().len(), 3);
    assert_eq!(found["candidates"].as_array().unwrap().len(), 4);
    let shown = atlas(state.path(), "trials show --json").json();
    assert_eq!(shown["trials"], 4, "every candidate was looked at");
    let bad = line.replace("--blocks 4", "--blocks 2");
    atlas(state.path(), &bad).fails(2, &["judged, blocks and rows", "judged < blocks"]);
}

#[test]
fn trials_made_elsewhere_count_and_are_counted_once() {
    let state = state();
    let line = [
        "trials",
        "import",
        "--count",
        "40",
        "--universe",
        "KO,PEP",
        "--from",
        "2016-01-04",
        "--to",
        "2018-12-31",
        "--source",
        "a notebook of last year",
        "--json",
    ];
    let first = common::atlas_words(state.path(), &line).json();
    assert_eq!((&first["trials"], &first["new"]), (&40.into(), &true.into()));
    let again = common::atlas_words(state.path(), &line).json();
    assert_eq!((&again["trials"], &again["new"]), (&40.into(), &false.into()));
    let judged = |universe: &str| {
        let line = format!("backtest --universe {universe} --schedule monthly {DATES} --json");
        atlas(state.path(), &line).json()["judgement"]["deflation"]["trials"].clone()
    };
    assert_eq!(judged("KO"), 41);
    assert_eq!(judged("XOM,JPM"), 1, "on other symbols");
    let none = line.map(|word| if word == "40" { "0" } else { word });
    common::atlas_words(state.path(), &none).fails(2, &["number of trials", "1 or more"]);
    let unknown = line.map(|word| if word == "KO,PEP" { "NOPE" } else { word });
    common::atlas_words(state.path(), &unknown).fails(4, &["NOPE"]);
}

#[test]
fn only_members_of_the_date_are_chosen_and_absent_ones_are_counted() {
    let state = state();
    let file = state.path().join("members.csv");
    let run = |members: &str| {
        fs::write(&file, members).unwrap();
        let line = format!(
            "backtest --members {} --schedule monthly --from 2017-01-31 --to 2017-05-31 --json",
            file.display()
        );
        atlas(state.path(), &line)
    };
    let found =
        run("ticker,start,end\nKO,1990-01-02,\nPEP,1990-01-02,2017-03-15\nENRNQ,1996-01-02,\n");
    let found = found.json();
    let traded = |symbol: &str| -> Vec<&str> {
        let trades = found["result"]["trades"].as_array().unwrap().iter();
        let own = trades.filter(|trade| trade["symbol"] == symbol);
        own.map(|trade| trade["side"].as_str().unwrap()).collect()
    };
    let symbols = found["result"]["trades"].as_array().unwrap().iter();
    assert!(symbols.clone().all(|trade| trade["symbol"] == "KO" || trade["symbol"] == "PEP"));
    assert_eq!(traded("PEP").last().copied().unwrap_or("sell"), "sell", "it left in March");
    assert_eq!(found["result"]["header"]["members_by_date"], true);
    let warnings = found["result"]["warnings"].to_string();
    assert!(warnings.contains("1 of 3 members") && warnings.contains("ENRNQ"), "{warnings}");
    assert!(!warnings.contains("only survivors"), "{warnings}");
    run("ticker,start,end\nKO,soon,\n").fails(4, &["line 2", "KO,soon,"]);
    run("t,s,e\nKO,2001-01-02,2002-01-02\nKO,2001-06-01,\n").fails(4, &["KO", "overlaps"]);
    fs::remove_file(&file).unwrap();
    let gone = format!("backtest --members {}", file.display());
    atlas(state.path(), &gone).fails(4, &["members.csv", "cannot be read"]);
}

/// Sends a real interrupt as soon as the process says that it hears them.
#[cfg(target_os = "linux")]
fn interrupted(state: &Path, line: &str) -> common::Run {
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut command = command(state, &words);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    // Bit 1 of the caught signals is SIGINT; before that the process would just die.
    loop {
        let text = fs::read_to_string(&status).unwrap();
        let caught = text.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        if u64::from_str_radix(caught, 16).unwrap() & 2 != 0 {
            break;
        }
        std::thread::yield_now();
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    run_of(&child.wait_with_output().unwrap())
}

#[cfg(target_os = "linux")]
#[test]
fn an_interrupt_leaves_what_was_done() {
    let state = state();
    let line = format!(
        "sweep --strategy sma --param fast=5..14:1 --param slow=30..39:1 {DATES} --threads 1 --json"
    );
    let run = interrupted(state.path(), &line);
    assert!(run.stderr.contains("stopping after the runs that are under way"), "{run:?}");
    let found: Value = run.json();
    let made = found["found"].as_array().unwrap().len();
    assert_eq!((&found["asked"], &found["complete"]), (&100.into(), &false.into()));
    assert!((1..100).contains(&made), "{made}");
    let shown = atlas(state.path(), "trials show --json").json();
    assert_eq!(shown["trials"], made, "what was looked at counts");

    let line = "backtest --strategy sma --no-regime --from 2015-01-30 --to 2018-12-31 --json";
    let found = interrupted(state.path(), line).json();
    let warnings = found["result"]["warnings"][0].as_str().unwrap();
    assert!(warnings.starts_with("STOPPED after"), "{warnings}");
    let days = found["result"]["days"].as_array().unwrap();
    assert!(days.last().unwrap()["date"].as_str().unwrap() < "2018-12-31");
    assert_eq!(found["result"]["header"]["last_session"], days.last().unwrap()["date"]);
}
