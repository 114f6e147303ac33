//! The audit of a stretch of days, its figures and the proof of artifacts, through the built binary.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{atlas, atlas_words};
use serde_json::Value;
use tempfile::TempDir;

/// Five sessions in a row, from a bull market into the crash of February 2018.
const DATES: [&str; 5] = ["2018-01-25", "2018-01-26", "2018-01-29", "2018-01-30", "2018-01-31"];

fn traded(dates: &[&str]) -> TempDir {
    let state = TempDir::new().unwrap();
    for date in dates {
        atlas(state.path(), &format!("rebalance --json --as-of {date}")).json();
    }
    state
}

fn account(state: &Path) -> PathBuf {
    state.join("accounts/default")
}

/// The findings that do not hold, and the verdict.
fn audited(state: &Path, days: usize) -> (Vec<String>, String, i32) {
    let run = atlas(state, &format!("audit --json --days {days}"));
    let audit: Value = serde_json::from_str(&run.stdout).unwrap();
    let failed = audit["criteria"].as_array().unwrap().iter().filter(|c| c["holds"] == false);
    let failed = failed.map(|c| c["question"].as_str().unwrap().to_owned()).collect();
    (failed, audit["verdict"].as_str().unwrap().to_owned(), run.code)
}

#[test]
fn a_stretch_that_ran_every_day_is_sound_and_each_fault_has_its_criterion() {
    let state = traded(&DATES);
    assert_eq!(audited(state.path(), 5), (vec![], "sound".into(), 0));
    let proof = atlas(state.path(), "artifacts verify --json").json();
    assert_eq!((&proof["whole"], &proof["artifacts"]), (&true.into(), &5.into()));

    // A longer stretch has days on which nothing ran.
    let (failed, verdict, code) = audited(state.path(), 7);
    assert_eq!(
        (failed, verdict.as_str(), code),
        (vec!["ran_every_schedule".to_owned()], "fix_and_rerun", 8)
    );
    // In a stretch of one regime nobody saw how a change is taken.
    let (failed, verdict, _) = audited(state.path(), 1);
    assert_eq!((failed, verdict.as_str()), (vec!["regime_transition".to_owned()], "fix_and_rerun"));

    // The pages say the same, and are never written over.
    let page = state.path().join("audit.html");
    let out = page.to_str().unwrap();
    let text = atlas_words(state.path(), &["audit", "--days", "5", "--out", out]);
    assert!(text.code == 0 && text.stdout.contains("Verdict: sound"), "{text:?}");
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.contains("Verdict: sound") && html.contains("<svg"));
    atlas_words(state.path(), &["audit", "--days", "5", "--out", out])
        .code
        .eq(&8)
        .then_some(())
        .unwrap();

    // One digit of one artifact.
    let artifact = account(state.path()).join("artifacts/2018-01-29.json");
    let whole = fs::read_to_string(&artifact).unwrap();
    fs::write(&artifact, whole.replacen("\"qty\": \"", "\"qty\": \"1", 1)).unwrap();
    let (failed, verdict, _) = audited(state.path(), 5);
    assert!(failed.contains(&"results_unchanged".to_owned()), "{failed:?}");
    assert_eq!(verdict, "unstable");
    let proof = atlas(state.path(), "artifacts verify");
    assert_eq!(proof.code, 5, "{proof:?}");
    assert!(proof.stderr.contains("2018-01-29.json"), "{proof:?}");
}

#[test]
fn metrics_follow_from_the_artifacts() {
    let state = traded(&DATES[..3]);
    let path = account(state.path()).join("metrics.csv");
    let csv = fs::read_to_string(&path).unwrap();
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 4, "{csv}");
    let column = |name: &str| rows[0].iter().position(|n| *n == name).unwrap();
    let (equity, daily) = (column("equity"), column("daily_return"));
    assert_eq!(rows[1][daily], "", "the first day has nothing before it");
    for pair in rows[1..].windows(2) {
        let value = |row: &Vec<&str>| row[equity].parse::<f64>().unwrap();
        let expected = value(&pair[1]) / value(&pair[0]) - 1.0;
        let told: f64 = pair[1][daily].parse().unwrap();
        assert!((told - expected).abs() < 1e-6, "{told} {expected}");
    }
    fs::remove_file(&path).unwrap();
    assert_eq!(atlas(state.path(), "artifacts metrics --json").json()["rows"], 3);
    assert_eq!(fs::read_to_string(&path).unwrap(), csv);
}

#[test]
fn there_is_nothing_to_audit_without_a_journal() {
    let state = TempDir::new().unwrap();
    atlas(state.path(), "audit").fails(8, &["default", "no journal"]);
    atlas(state.path(), "artifacts verify").fails(8, &["default"]);
}
