//! Research through the program: backtests, searches, comparisons, on the bundled sample.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{atlas, atlas_words, tree};
use serde_json::Value;
use tempfile::TempDir;

const SMA: &str = "backtest --strategy sma --param fast=10 --param slow=30 --fees-bps 10 \
                   --slippage-bps 5 --cash 100000 --from 2017-01-31 --to 2017-05-31";

fn state() -> TempDir {
    TempDir::new().unwrap()
}

#[test]
fn a_backtest_says_what_it_was_and_counts_as_a_trial() {
    let state = state();
    let first = atlas(state.path(), &format!("{SMA} --json")).json();
    let header = &first["result"]["header"];
    assert_eq!(header["strategy"]["name"], "sma");
    assert_eq!(header["strategy"]["params"]["slow"], 30.0);
    assert_eq!(header["data_sha256"].as_str().unwrap().len(), 64);
    let costs = header["costs"]["stated"].as_str().unwrap();
    assert!(costs.contains("5 bps of slippage") && costs.contains("10 bps of the notional"));
    assert!(header["conventions"][0].as_str().unwrap().contains("acts in the next one"));
    assert_eq!(first["judgement"]["deflation"]["trials"], 1);
    assert!(!first["result"]["trades"].as_array().unwrap().is_empty());

    let again = atlas(state.path(), &format!("{SMA} --json")).json();
    assert_eq!(again, first, "the same choices count once and give the same bytes");
    let other = SMA.replace("slow=30", "slow=40");
    let other = atlas(state.path(), &format!("{other} --json")).json();
    assert_eq!(other["judgement"]["deflation"]["trials"], 2);
    let text = atlas(state.path(), SMA).stdout;
    for word in ["costs", "timing", "sha256", "trials   2", "Sharpe", "What speaks against it"] {
        assert!(text.contains(word), "{word} in {text}");
    }
}

#[test]
fn page_and_tables_are_whole_and_need_nothing_else() {
    let (state, out) = (state(), state());
    let (page, csv) = (out.path().join("out.html"), out.path().join("csv"));
    let mut words: Vec<&str> = SMA.split_whitespace().collect();
    words.extend(["--report", page.to_str().unwrap(), "--csv", csv.to_str().unwrap()]);
    assert_eq!(atlas_words(state.path(), &words).code, 0);
    let html = fs::read_to_string(&page).unwrap();
    assert!(html.ends_with("</html>") && html.matches("<svg").count() == 3, "three charts");
    assert!(!html.contains("http") && !html.contains("<script"), "self-contained");
    assert!(html.contains("r-bull") && html.contains("class=\"heat\""));
    let equity = fs::read_to_string(csv.join("equity.csv")).unwrap();
    assert_eq!(equity.lines().count(), 1 + 84, "a line a session from the first decision on");
    let trades = fs::read_to_string(csv.join("trades.csv")).unwrap();
    assert!(trades.lines().nth(1).unwrap().contains("sma-cross"), "{trades}");
    let drafts =
        tree(out.path()).into_keys().filter(|path| path.to_string_lossy().contains("draft"));
    assert_eq!(drafts.count(), 0);
}

#[test]
fn a_search_gives_the_same_bytes_on_any_number_of_threads() {
    let line = "sweep --strategy sma --param fast=5,10 --param slow=20..40:10 --from 2017-01-31 \
                --to 2017-04-28 --no-regime --json";
    let on = |threads: u8| {
        let state = state();
        atlas(state.path(), &format!("{line} --threads {threads}")).stdout
    };
    let one = on(1);
    assert_eq!(one, on(3));
    let found: Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&found["asked"], &found["complete"]), (&Value::from(6), &Value::from(true)));
    assert_eq!(found["deflation"]["trials"], 6);
    assert_eq!(found["plateau"]["sharpe"].as_array().unwrap().len(), 2);
    assert!(found["tests"]["overfitting"]["probability"].is_number());
    assert!(found["tests"]["reality"]["white"].is_number());
}

#[test]
fn walking_forward_judges_by_what_came_after() {
    let state = state();
    let line = "walk-forward --strategy sma --param fast=5,10 --param slow=20,40 --no-regime \
                --from 2016-12-30 --to 2017-12-29 --train 100 --test 40 --json";
    let found = atlas(state.path(), line).json();
    let steps = found["walk"]["steps"].as_array().unwrap();
    assert_eq!(steps.len(), 3);
    assert_eq!(found["candidates"].as_array().unwrap().len(), 4);
    let dates = found["dates"].as_array().unwrap();
    assert!(dates[0][1].as_str() < dates[1][0].as_str());
}

#[test]
fn a_comparison_leaves_tables_and_charts() {
    let (state, out) = (state(), state());
    let folder = out.path().join("results");
    let words = [
        "compare",
        "--from",
        "2017-01-31",
        "--to",
        "2017-04-28",
        "--no-regime",
        "--only",
        "high52",
        "--only",
        "sma fast=5 slow=20",
        "--out",
        folder.to_str().unwrap(),
    ];
    let run = atlas_words(state.path(), &words);
    assert_eq!(run.code, 0, "{run:?}");
    let table = fs::read_to_string(folder.join("strategy_comparison.csv")).unwrap();
    let rows: Vec<&str> = table.lines().collect();
    assert_eq!(rows.len(), 1 + 4, "each with and without costs: {table}");
    assert!(rows[0].starts_with("strategy,costs,") && rows[2].contains(",off,"));
    assert!(folder.join("equity/sma-fast-5-slow-20.csv").exists());
    let page = fs::read_to_string(folder.join("strategy_comparison.html")).unwrap();
    assert!(page.contains("Win rate against Sharpe ratio") && !page.contains("http"));
}

#[test]
fn strategies_do_not_see_the_future() {
    let state = state();
    for strategy in ["high52", "sma", "ensemble"] {
        let line = format!(
            "lookahead-check --strategy {strategy} --no-regime --schedule weekly --from 2017-02-28 \
             --to 2017-04-28"
        );
        let run = atlas(state.path(), &line);
        assert!(run.stdout.contains("no decision changed"), "{run:?}");
    }
}

#[test]
fn bad_input_is_one_sentence_and_nothing_is_written() {
    let fails = |line: &str, code: i32, words: &[&str]| {
        let state = state();
        atlas(state.path(), line).fails(code, words);
        assert!(!Path::new(state.path()).join("research/trials.json").exists(), "{line}");
    };
    fails("backtest --strategy smaa", 2, &["smaa", "sma, "]);
    fails("backtest --strategy sma --param fast=30 --param slow=10", 2, &["slow", "above fast"]);
    fails("backtest --strategy sma --param quick=3", 2, &["quick", "fast, slow"]);
    fails("backtest --strategy sma --param fast", 2, &["fast", "NAME=NUMBER"]);
    fails("backtest --from 2018-01-01 --to 2017-01-01", 2, &["2018-01-01", "swap"]);
    fails("backtest --cash 0", 2, &["cash", "above zero"]);
    fails("backtest --fees-bps 2000", 2, &["fees-bps", "0 to 1000"]);
    fails("backtest --from 2018-01-01 --to 2024-01-05", 4, &["2022-12-28"]);
    fails("backtest --as-of 2018-01-02", 2, &["--from and --to"]);
    fails("backtest --data /nowhere/at/all", 4, &["/nowhere/at/all"]);
    fails("sweep --strategy sma --param fast=5..1:1", 2, &["fast=5..1:1", "FROM..TO:STEP"]);
    fails("compare --only nothing", 2, &["nothing", "high52"]);
}
