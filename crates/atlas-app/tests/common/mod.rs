//! Running the built binary, and looking at what it left on disk.
#![allow(dead_code, reason = "each test target uses its own part")]

pub(crate) mod remote;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use atlas_core::calendar::Calendar;
use chrono::NaiveDate;
use serde_json::Value;
use tempfile::TempDir;

/// The result of one run of the program.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// The run report on standard output.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Asserts a failure: its exit code, and one sentence that holds every one of `words`.
    #[track_caller]
    pub(crate) fn fails(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.stdout, "", "nothing is printed before a failure: {self:?}");
        let sentence = self.stderr.trim_end();
        assert!(!sentence.is_empty() && !sentence.contains('\n'), "one line: {self:?}");
        assert!(sentence.starts_with("atlas: "), "{sentence}");
        for word in words {
            assert!(sentence.contains(word), "{sentence:?} should name {word:?}");
        }
    }
}

/// Runs `atlas` with a state directory and further words, separated by spaces.
pub(crate) fn atlas(state: &Path, line: &str) -> Run {
    let words: Vec<&str> = line.split_whitespace().collect();
    atlas_words(state, &words)
}

/// Runs `atlas` with a state directory and further words.
pub(crate) fn atlas_words(state: &Path, words: &[&str]) -> Run {
    let output = command(state, words).output().unwrap();
    run_of(&output)
}

/// The command, for a test that wants to do more with it.
pub(crate) fn command(state: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    command.args(words).arg("--state-dir").arg(state);
    // Run where no `atlas.toml` of a developer is picked up, and without any credentials.
    command.current_dir(std::env::temp_dir()).env_clear();
    command
}

pub(crate) fn run_of(output: &Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Every file below a folder with its bytes: two equal ones are the same to the byte.
pub(crate) fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        let Ok(entries) = fs::read_dir(&next) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                files.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// A folder of daily CSV files up to `last`: symbols AAA and BBB, an index and a VIX, six years of
/// a slow wave with a faster one on top, as `change` leaves them.
pub(crate) fn data(last: NaiveDate, change: impl Fn(&str, Vec<String>) -> Vec<String>) -> TempDir {
    let folder = TempDir::new().unwrap();
    let first = last - chrono::TimeDelta::days(6 * 365);
    let sessions: Vec<_> = Calendar::nyse().sessions(first, last).unwrap().collect();
    for (name, base) in [("AAA", 50.0), ("BBB", 20.0), ("index", 2000.0), ("VIX", 15.0)] {
        let mut lines = vec!["date,open,high,low,close,adj_close,volume".to_owned()];
        for (row, session) in sessions.iter().enumerate() {
            let t = f64::from(u32::try_from(row).unwrap());
            let close = base * (1.0 + 0.2 * (t / 300.0).sin() + 0.01 * (t * 1.7 + base).sin());
            let (low, high) = (close * 0.99, close * 1.01);
            lines.push(format!(
                "{},{close:.4},{high:.4},{low:.4},{close:.4},{close:.4},1000000",
                session.date
            ));
        }
        let lines = change(name, lines);
        fs::write(folder.path().join(format!("{name}.csv")), lines.join("\n") + "\n").unwrap();
    }
    folder
}
