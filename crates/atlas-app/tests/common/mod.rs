//! Running the built binary, and looking at what it left on disk.
#![allow(dead_code, reason = "each test target uses its own part")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The result of one run of the program.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// The run report on standard output.
    pub fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).expect("one JSON document")
    }

    /// Asserts a failure: its exit code, and one sentence that holds every one of `words`.
    #[track_caller]
    pub fn fails(&self, code: i32, words: &[&str]) {
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
pub fn atlas(state: &Path, line: &str) -> Run {
    let words: Vec<&str> = line.split_whitespace().collect();
    atlas_words(state, &words)
}

/// Runs `atlas` with a state directory and further words.
pub fn atlas_words(state: &Path, words: &[&str]) -> Run {
    let output = command(state, words).output().expect("the program starts");
    run_of(&output)
}

/// The command, for a test that wants to do more with it.
pub fn command(state: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas"));
    command.args(words).arg("--state-dir").arg(state);
    // Run where no `atlas.toml` of a developer is picked up, and without any credentials.
    command.current_dir(std::env::temp_dir()).env_clear();
    command
}

pub fn run_of(output: &Output) -> Run {
    Run {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Every file below a folder with its bytes: two equal ones are the same to the byte.
pub fn tree(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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
