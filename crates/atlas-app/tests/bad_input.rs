//! Bad input of every kind: one clear sentence, a documented exit code, nothing changed.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;

use common::{atlas, atlas_words, command, run_of, tree};
use tempfile::TempDir;

/// Data up to the day after the default as-of date.
fn data(change: impl Fn(&str, Vec<String>) -> Vec<String>) -> TempDir {
    common::data("2019-01-03".parse().unwrap(), change)
}

/// Spoils the last row but `back` of AAA.
fn spoil(back: usize, with: impl Fn(&str) -> String) -> TempDir {
    data(|name, mut lines| {
        if name == "AAA" {
            let row = lines.len() - 1 - back;
            lines[row] = with(&lines[row]);
        }
        lines
    })
}

/// Plans on the folder and gives what the program said.
fn plan(folder: &Path, state: &Path) -> common::Run {
    atlas_words(state, &["plan", "--data", folder.to_str().unwrap(), "--as-of", "2019-01-02"])
}

/// The state directory of an account with one executed rebalance.
fn used_state() -> TempDir {
    let state = TempDir::new().unwrap();
    let run = atlas(state.path(), "rebalance --as-of 2014-08-29 --json");
    assert_eq!(run.code, 0, "{run:?}");
    state
}

/// Asserts that a command fails so and leaves every byte of a used state directory as it was.
#[track_caller]
fn refuses(line: &str, code: i32, words: &[&str]) {
    let state = used_state();
    let before = tree(state.path());
    atlas(state.path(), line).fails(code, words);
    // The lock keeps a note of who held it last and the heartbeat of when; everything else is as it was.
    let after = tree(state.path());
    let changed: Vec<_> = before
        .keys()
        .chain(after.keys())
        .filter(|path| !path.ends_with("lock") && !path.ends_with("heartbeat"))
        .filter(|path| before.get(*path) != after.get(*path))
        .collect();
    assert!(changed.is_empty(), "{line} changed {changed:?}");
}

#[test]
fn good_data_are_fine() {
    let state = TempDir::new().unwrap();
    let run = plan(data(|_, lines| lines).path(), state.path());
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn data_files() {
    let row = |line: &str, column: usize, text: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        cells[column] = text;
        cells.join(",")
    };
    let cases: [(TempDir, &[&str]); 8] = [
        (spoil(3, |line| row(line, 4, "NaN")), &["AAA.csv", "line 1508", "NaN"]),
        (spoil(3, |line| row(line, 4, "-5")), &["AAA.csv", "line 1508", "-5"]),
        (spoil(3, |line| row(line, 2, "1.0")), &["AAA", "2018-12-28", "high"]),
        (spoil(3, |line| row(line, 4, "oops")), &["AAA.csv", "line 1508", "oops"]),
        (spoil(3, |line| row(line, 0, "2018-13-01")), &["AAA.csv", "line 1508", "2018-13-01"]),
        (spoil(3, |line| format!("{line}\n{line}")), &["AAA", "2018-12-28"]),
        (spoil(3, |line| row(line, 0, "2018-01-02")), &["AAA", "2018-01-02"]),
        (spoil(3, |_| String::new()), &["AAA", "2018-12-28"]),
    ];
    for (folder, words) in cases {
        let state = TempDir::new().unwrap();
        plan(folder.path(), state.path()).fails(4, words);
        assert!(tree(state.path()).is_empty(), "{words:?} left something behind");
    }
}

#[test]
fn stale_data() {
    let folder = data(|name, mut lines| {
        if name == "BBB" {
            lines.truncate(lines.len() - 3);
        }
        lines
    });
    let state = TempDir::new().unwrap();
    plan(folder.path(), state.path()).fails(4, &["BBB", "2018-12-28", "2019-01-02"]);
}

#[test]
fn no_session_to_execute_in() {
    let folder = data(|_, lines| lines);
    let state = TempDir::new().unwrap();
    let words = ["plan", "--data", folder.path().to_str().unwrap(), "--as-of", "2019-01-03"];
    atlas_words(state.path(), &words).fails(4, &["2019-01-03", "2019-01-04"]);
    assert!(tree(state.path()).is_empty());
}

#[test]
fn a_missing_venue_is_not_made_up() {
    let state = used_state();
    let books = state.path().join("venue/default/venue.sqlite");
    let kept = fs::read(&books).unwrap();
    fs::remove_file(&books).unwrap();
    let journal = state.path().join("accounts/default/journal.sqlite");
    let before = fs::read(&journal).unwrap();
    atlas(state.path(), "rebalance --as-of 2014-09-30").fails(5, &["venue.sqlite", "missing"]);
    assert!(before == fs::read(&journal).unwrap());
    // Brought back, the account goes on.
    fs::write(&books, kept).unwrap();
    let run = atlas(state.path(), "rebalance --as-of 2014-09-30 --json");
    assert_eq!(run.code, 0, "{run:?}");
}

#[test]
fn a_mistyped_account_is_not_made_by_asking_for_its_plan() {
    let state = TempDir::new().unwrap();
    for line in ["execute --account typo", "approve 0123456789ab --account typo", "resume --why x"]
    {
        let run = atlas(state.path(), line);
        assert_eq!(run.code, 8, "{run:?}");
    }
    assert!(tree(state.path()).is_empty());
}

#[test]
fn missing_data() {
    refuses("plan --data alpaca", 2, &["--data alpaca", "--universe"]);
    refuses("plan --data alpaca --universe AAPL", 3, &["APCA_API_KEY_ID", "not set"]);
    refuses("plan --data /nowhere/at/all", 4, &["/nowhere/at/all"]);
}

#[test]
fn universes_and_symbols() {
    refuses("plan --universe nonsense --as-of 2014-09-30", 4, &["nonsense", "sample"]);
    refuses("plan --universe AAPL,ZZZZ --as-of 2014-09-30", 4, &["ZZZZ"]);
}

#[test]
fn dates() {
    refuses("plan --as-of 2014-12-25", 4, &["2014-12-25", "Christmas", "2014-12-24"]);
    refuses("plan --as-of 2014-11-29", 4, &["2014-11-29", "Saturday", "2014-11-28"]);
    refuses("plan --as-of 2030-01-02", 4, &["2030-01-02"]);
    refuses("plan --as-of 2014-08-27", 8, &["2014-08-27", "2014-09-02"]);
    refuses("plan --as-of yesterday", 2, &["yesterday"]);
    let state = TempDir::new().unwrap();
    atlas(state.path(), "plan --as-of 1990-06-01").fails(4, &["1990-06-01"]);
    assert!(tree(state.path()).is_empty());
}

#[test]
fn command_line() {
    refuses("plan --top-n 0", 2, &["top-n"]);
    refuses("plan --regime sideways", 2, &["sideways", "crash"]);
    refuses("approve 0123456789ab", 8, &["atlas plan"]);
    refuses("execute", 8, &["atlas plan"]);
}

#[test]
fn configuration() {
    let folder = TempDir::new().unwrap();
    let cases: [(&str, &[&str]); 7] = [
        ("rebalanc = 3", &["line 1", "rebalanc"]),
        ("[rebalance]\ntop_m = 3", &["line 2", "top_m"]),
        ("[rebalance]\ntop_n = 0", &["rebalance.top_n"]),
        ("[rebalance]\nbuy_collar_bps = -5", &["buy_collar_bps", "-5"]),
        ("[execution]\nrequest_timeout_s = 0", &["request_timeout_s"]),
        ("[risk]\nprofile = \"reckless\"", &["reckless", "standard"]),
        ("[rebalance\ntop_n = 3", &["line 1"]),
    ];
    for (text, words) in cases {
        let file = folder.path().join("atlas.toml");
        fs::write(&file, text).unwrap();
        let state = TempDir::new().unwrap();
        let run = atlas_words(state.path(), &["plan", "--config", file.to_str().unwrap()]);
        run.fails(3, words);
        run.fails(3, &["atlas.toml"]);
        assert!(tree(state.path()).is_empty());
    }
    refuses("plan --config /nowhere.toml", 3, &["/nowhere.toml"]);
    refuses("plan --account Nobody", 2, &["Nobody"]);
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    atlas(&file.join("state"), "plan").fails(5, &["file", "state"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
}

#[test]
fn a_locked_state_directory_names_its_holder() {
    let state = used_state();
    let lock = state.path().join("accounts/default/lock");
    let holder = fs::OpenOptions::new().read(true).write(true).open(&lock).unwrap();
    holder.lock().unwrap();
    atlas(state.path(), "plan --as-of 2014-09-30").fails(5, &["default", "in use"]);
}

#[test]
fn a_corrupt_journal_is_named_and_left_alone() {
    let state = used_state();
    let journal = state.path().join("accounts/default/journal.sqlite");
    let mut file = fs::OpenOptions::new().write(true).open(&journal).unwrap();
    file.write_all(b"this is no database file at all").unwrap();
    drop(file);
    let before = fs::read(&journal).unwrap();
    atlas(state.path(), "plan --as-of 2014-09-30").fails(5, &["journal.sqlite"]);
    assert!(before == fs::read(&journal).unwrap());
}

/// A configuration whose account is at some address on loopback.
fn remote(folder: &TempDir, address: &str) -> String {
    let file = folder.path().join("remote.toml");
    let text = format!(
        "account = \"remote\"\n[execution]\nrequest_timeout_s = 1\n\
         [accounts.remote]\nbroker = \"alpaca\"\n\
         trading_url = \"http://{address}\"\ndata_url = \"http://{address}\"\n"
    );
    fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_venue_that_does_not_answer() {
    let folder = TempDir::new().unwrap();
    let data = data(|_, lines| lines);
    // Accepts connections and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    for (address, word) in [(address.as_str(), "answer"), ("127.0.0.1:9", "reached")] {
        let config = remote(&folder, address);
        let state = TempDir::new().unwrap();
        let words = ["plan", "--config", &config, "--data", data.path().to_str().unwrap()];
        let mut command = command(state.path(), &words);
        command.env("APCA_API_KEY_ID", "key").env("APCA_API_SECRET_KEY", "secret-word");
        let run = run_of(&command.output().unwrap());
        run.fails(6, &[address, word]);
        assert!(!run.stderr.contains("secret-word"));
    }
}

#[test]
fn a_paper_account_without_credentials_or_on_a_foreign_host() {
    let folder = TempDir::new().unwrap();
    let config = remote(&folder, "127.0.0.1:9");
    let state = TempDir::new().unwrap();
    let run = atlas_words(state.path(), &["plan", "--config", &config]);
    run.fails(3, &["APCA_API_KEY_ID"]);
    let config = remote(&folder, "192.0.2.1:80");
    let mut command = command(state.path(), &["plan", "--config", &config]);
    command.env("APCA_API_KEY_ID", "key").env("APCA_API_SECRET_KEY", "secret-word");
    run_of(&command.output().unwrap()).fails(3, &["192.0.2.1", "loopback"]);
}

#[test]
fn every_mistake_in_a_configuration_is_told_at_once() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("bad.toml");
    fs::write(&file, "colour = 1\n[rebalance]\ntop_n = \"five\"\n[risk]\nprofile = \"bold\"\n")
        .unwrap();
    let state = TempDir::new().unwrap();
    let run = atlas(state.path(), &format!("config check --config {}", file.display()));
    run.fails(3, &["line 1", "`colour`", "line 3", "line 5", "`bold`"]);
    fs::write(&file, "[rebalance]\ntop_n = 4\n").unwrap();
    let shown = atlas(state.path(), &format!("config show --json --config {}", file.display()));
    let settings = &shown.json()["settings"];
    assert_eq!(settings["rebalance.top_n"]["value"], 4);
    assert_eq!(settings["rebalance.top_n"]["origin"], file.to_str().unwrap());
    assert_eq!(settings["execution.request_timeout_s"]["origin"], "default");
    let written = folder.path().join("new.toml");
    let init = format!("init {}", written.display());
    assert_eq!(atlas(state.path(), &init).code, 0);
    atlas(state.path(), &init).fails(8, &["new.toml", "new file"]);
    assert_eq!(
        atlas(state.path(), &format!("config check --config {}", written.display())).code,
        0
    );
}
