//! The planted bugs of this folder still apply to the present code and are written down; that the
//! simulation finds them is shown by `tests/mutants/run`, which builds each of them.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every patch, in order.
fn patches() -> Vec<PathBuf> {
    let folder = root().join("tests/mutants");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut patches: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|ending| ending == "patch")).collect();
    patches.sort();
    patches
}

/// Whether a patch applies, tried without changing anything; `None` if there is no `patch`.
fn applies(patch: &Path) -> Option<bool> {
    let tried = Command::new("patch")
        .args(["--dry-run", "-s", "-f", "-p1", "-d"])
        .arg(root())
        .arg("-i")
        .arg(patch)
        .output();
    tried.ok().map(|output| output.status.success())
}

#[test]
fn every_planted_bug_applies_to_the_present_code() {
    let patches = patches();
    assert!(patches.len() >= 18, "only {} patches are left", patches.len());
    let mut stale = Vec::new();
    for patch in &patches {
        match applies(patch) {
            None => {
                println!("skipped: there is no program `patch` here");
                return;
            }
            Some(true) => {}
            Some(false) => stale.push(patch.file_name().unwrap().to_owned()),
        }
    }
    assert!(stale.is_empty(), "these no longer apply, refresh them: {stale:?}");
}

#[test]
fn a_patch_that_fits_nothing_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stale.patch");
    let text = "--- a/Cargo.toml\n+++ b/Cargo.toml\n@@ -1,3 +1,3 @@\n no such line\n-nor this\n\
                +nor that\n nor these\n";
    std::fs::write(&path, text).unwrap();
    if let Some(applies) = applies(&path) {
        assert!(!applies);
    }
}

#[test]
fn every_planted_bug_is_written_down() {
    let table = std::fs::read_to_string(root().join("docs/TESTING.md")).unwrap();
    let missing: Vec<String> = patches()
        .iter()
        .map(|patch| patch.file_stem().unwrap().to_string_lossy().into_owned())
        .filter(|name| !table.contains(&format!("| `{name}` |")))
        .collect();
    assert!(missing.is_empty(), "docs/TESTING.md has no row for {missing:?}");
}
