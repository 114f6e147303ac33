//! The compiler this test was built with, asked about a program.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The compiler, and the libraries this test was built with.
pub(crate) struct Compiler {
    rustc: PathBuf,
    deps: PathBuf,
    fixtures: PathBuf,
}

/// An error in a program.
#[derive(Debug)]
pub(crate) struct CompileError {
    /// Line, from 1; 0 for an error without a place.
    pub(crate) line: usize,
    /// The compiler's code or the lint's name; the message where there is none.
    pub(crate) code: String,
}

impl Compiler {
    pub(crate) fn of_this_test() -> Self {
        let exe = std::env::current_exe().expect("a test that is a file");
        let deps = exe.parent().expect("a folder").to_owned();
        let rustc = Path::new(env!("CARGO")).with_file_name("rustc");
        let rustc = if rustc.exists() { rustc } else { PathBuf::from("rustc") };
        Self { rustc, fixtures: fixtures(&exe, &deps), deps }
    }

    /// Every error of a program, in the order of telling.
    pub(crate) fn errors(&self, program: &str) -> Vec<CompileError> {
        let out = tempfile::tempdir().expect("a folder");
        let mut rustc = Command::new(&self.rustc)
            .args(["-", "--crate-name", "program", "--crate-type", "lib", "--edition", "2024"])
            .args(["--emit", "metadata", "--error-format", "json"])
            .arg("--extern")
            .arg(format!("atlas_tests={}", self.fixtures.display()))
            .arg("-L")
            .arg(format!("dependency={}", self.deps.display()))
            .arg("--out-dir")
            .arg(out.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a compiler");
        let mut stdin = rustc.stdin.take().expect("a pipe");
        stdin.write_all(program.as_bytes()).expect("a compiler that reads");
        drop(stdin);
        let output = rustc.wait_with_output().expect("a compiler that ends");
        let told = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<CompileError> = told.lines().filter_map(read).collect();
        assert_eq!(errors.is_empty(), output.status.success(), "{told}");
        errors
    }
}

/// One line of the compiler's report, if it is an error in the program.
fn read(line: &str) -> Option<CompileError> {
    let report: Value = serde_json::from_str(line).ok()?;
    let message = report["message"].as_str()?;
    // The last line only counts the ones before.
    if report["level"] != "error" || message.starts_with("aborting due to") {
        return None;
    }
    let spans = report["spans"].as_array().into_iter().flatten();
    let place =
        spans.filter(|span| span["is_primary"] == true).find_map(|s| s["line_start"].as_u64());
    Some(CompileError {
        line: place.and_then(|line| usize::try_from(line).ok()).unwrap_or(0),
        code: report["code"]["code"].as_str().unwrap_or(message).to_owned(),
    })
}

/// The library of fixtures this test is linked with: the newest that is not newer than the test.
fn fixtures(exe: &Path, deps: &Path) -> PathBuf {
    let made = |path: &Path| path.metadata().and_then(|file| file.modified()).expect("a time");
    let exe = made(exe);
    let entries = std::fs::read_dir(deps).expect("a readable folder");
    let libraries = entries.map(|entry| entry.expect("a readable folder").path()).filter(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_library = path.extension().is_some_and(|extension| extension == "rlib");
        name.starts_with("libatlas_tests-") && is_library && made(path) <= exe
    });
    libraries.max_by_key(|path| made(path)).expect("the library of fixtures")
}
