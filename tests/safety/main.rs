//! What must not compile.
//!
//! Each program in `fail/` breaks one rule that Atlas has put into its types. The line that breaks
//! it ends in the compiler's code for the error, `//~ E0451`. Such a program must fail on that
//! line, with that code and with nothing else, and must compile once the line is taken out: so it
//! fails for the reason it was written for.
//!
//! Programs are checked by the compiler itself, against the libraries this very test was built
//! with. A separate build, such as trybuild makes, would compile every dependency a second time.
//!
//! Programs in `fail/live` need the feature `live`, which is off by default; those in
//! `fail/not-live` are about its absence.

#![expect(clippy::panic, clippy::expect_used, reason = "what does not hold fails the test")]

mod compiler;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use compiler::Compiler;

/// Programs there are at least, so that an empty folder is no success.
const LEAST: usize = 20;

#[test]
fn no_program_that_breaks_a_rule_compiles() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("safety/fail");
    let feature = if cfg!(feature = "live") { "live" } else { "not-live" };
    let mut programs = programs(&folder);
    programs.extend(self::programs(&folder.join(feature)));
    assert!(programs.len() >= LEAST, "{} programs", programs.len());

    let compiler = Compiler::of_this_test();
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let halves = programs.chunks(programs.len().div_ceil(2));
        let workers: Vec<_> = halves
            .map(|half| {
                let compiler = &compiler;
                scope.spawn(move || half.iter().filter_map(|p| judge(compiler, p).err()).collect())
            })
            .collect();
        let results = workers.into_iter().map(|worker| worker.join().expect("a judgement"));
        results.flat_map(|wrong: Vec<String>| wrong).collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tries one program with and without the lines that break the rule.
fn judge(compiler: &Compiler, program: &Path) -> Result<(), String> {
    let name = program.display();
    let text = std::fs::read_to_string(program).expect("a readable program");
    let expected = marks(&text);
    if expected.is_empty() {
        return Err(format!("{name}: no line is marked with the error it has to cause"));
    }
    let found: BTreeMap<usize, String> =
        compiler.errors(&text).into_iter().map(|error| (error.line, error.code)).collect();
    if found != expected {
        return Err(format!("{name}: expected {expected:?}, the compiler found {found:?}"));
    }
    let blameless: Vec<&str> =
        text.lines().map(|line| if mark(line).is_some() { "" } else { line }).collect();
    let found = compiler.errors(&blameless.join("\n"));
    if !found.is_empty() {
        return Err(format!("{name}: without its marked lines it has to compile: {found:?}"));
    }
    Ok(())
}

/// The codes of marked lines, by number from 1.
fn marks(text: &str) -> BTreeMap<usize, String> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(row, line)| Some((row + 1, mark(line)?.to_owned()))).collect()
}

fn mark(line: &str) -> Option<&str> {
    line.split_once("//~ ").map(|(_, code)| code.trim())
}

/// The programs of one folder, by name.
fn programs(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    paths.sort();
    paths
}
