//! The built program on a disk that fails it: full, broken, locked, cut off.
//!
//! Whatever happens, a run that cannot go on says so in one sentence, no order is at the venue that
//! the journal does not know of, and once the disk is well again the account ends with the orders
//! and books of a run that nobody disturbed. Faults are put in place of the k-th system call;
//! `ATLAS_CRASH=all` takes every k.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;
mod watched;

use std::collections::BTreeSet;
use std::fs;

use common::Run;
use nix::errno::Errno;
use serde_json::Value;
use watched::stage::{COMMANDS, End, Scene, Stage};
use watched::trap::{Call, Deed, Trap, permitted};

/// A full disk stays full; an error of the device may come once, or at each write.
const FAULTS: [(Call, Deed); 4] = [
    (Call::Change, Deed::FailOn(Errno::ENOSPC)),
    (Call::Change, Deed::Fail(Errno::EIO)),
    (Call::Sync, Deed::FailOn(Errno::EIO)),
    (Call::Sync, Deed::Fail(Errno::EIO)),
];

#[test]
fn a_failing_disk_is_told_and_nothing_is_sent_that_is_not_on_record() {
    if !permitted() {
        println!("skipped: this system lets no program be watched (ptrace)");
        return;
    }
    let stage = Stage::set();
    let undisturbed = stage.undisturbed();
    let (mut refused, mut absorbed) = (0, 0);
    for (index, calls) in undisturbed.calls.iter().enumerate() {
        for (call, deed) in FAULTS {
            for number in numbers(calls[call as usize]) {
                let trap = Trap { call, deed, number };
                if fails_at(&stage, index, trap, &undisturbed.end) {
                    refused += 1;
                } else {
                    absorbed += 1;
                }
            }
        }
    }
    println!("{refused} runs ended with a sentence, {absorbed} did what they should all the same");
    assert!(refused >= 5, "only {refused} runs noticed: it proves too little");
}

#[expect(clippy::disallowed_methods, reason = "a test run is told by its environment what to do")]
fn numbers(count: u64) -> Vec<u64> {
    if std::env::var("ATLAS_CRASH").is_ok_and(|value| value == "all") {
        return (1..=count).collect();
    }
    vec![(count * 2).div_ceil(3).max(1)]
}

/// Plays everything with a fault in one command; whether the program gave up.
fn fails_at(stage: &Stage, index: usize, trap: Trap, expected: &End) -> bool {
    let scene = stage.scene();
    let mut failed = false;
    for (command, line) in COMMANDS.iter().enumerate() {
        let mut run =
            if command == index { scene.watch(command, Some(trap)).run } else { scene.run(line) };
        if run.code != 0 {
            failed = true;
            assert_one_sentence(&run, trap);
            assert_on_record(&scene, trap);
            run = recover(&scene, line);
        }
        let done = run.code == 8 && failed && run.stderr.contains("no plan");
        assert!(run.code == 0 || done, "{line}, after {trap:?}: {run:?}");
    }
    assert_eq!(&scene.end(), expected, "{}: {trap:?}", COMMANDS[index]);
    scene.close();
    failed
}

fn assert_one_sentence(run: &Run, trap: Trap) {
    // Lines before the last are of the log: a fence, too, needs a disk that takes it.
    let sentence = run.stderr.lines().last().unwrap();
    assert!(sentence.starts_with("atlas: "), "{trap:?}: {run:?}");
    assert!([5, 7, 8].contains(&run.code), "{trap:?}: {run:?}");
    let words: &[&str] = if trap.deed == Deed::FailOn(Errno::ENOSPC) {
        &["the disk is full", "No space left", "full or broken"]
    } else {
        &["full or broken", "Input/output error"]
    };
    assert!(words.iter().any(|word| sentence.contains(word)), "{trap:?}: {run:?}");
}

/// Every order at the venue has its intent in the journal.
fn assert_on_record(scene: &Scene<'_>, trap: Trap) {
    let export = scene.run("journal export");
    assert_eq!(export.code, 0, "{trap:?}: {export:?}");
    let mut intended = BTreeSet::new();
    for line in export.stdout.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        if record["kind"] == "order_intent" {
            let id = record["payload"]["request"]["client_order_id"].as_str().unwrap();
            intended.insert(id.to_owned());
        }
    }
    for order in scene.orders() {
        let id = order.split(' ').next().unwrap();
        assert!(intended.contains(id), "{id} was sent without an intent: {trap:?}");
    }
}

/// What an operator does once the disk is well: look, resume if the account is held, go on.
fn recover(scene: &Scene<'_>, line: &str) -> Run {
    let run = scene.run(line);
    // A fault after everything was traded leaves nothing to go on with, and the account held.
    if scene.run("status --json").json()["state"] == "ACTIVE" {
        return run;
    }
    let resumed = scene.run("resume --json --why mended");
    assert_eq!(resumed.code, 0, "{run:?}, {resumed:?}");
    scene.run(line)
}

#[test]
fn a_journal_that_another_program_has_locked_is_left_alone() {
    let stage = Stage::set();
    let expected = stage.undisturbed().end;
    let scene = stage.scene();
    let journal = scene.dir.path().join("state/accounts/remote/journal.sqlite");
    let other = rusqlite::Connection::open(&journal).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let before = scene.orders();
    scene.run(COMMANDS[0]).fails(5, &["journal.sqlite", "locked"]);
    assert_eq!(scene.orders(), before);
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    for line in COMMANDS {
        let run = recover(&scene, line);
        assert_eq!(run.code, 0, "{run:?}");
    }
    assert_eq!(scene.end(), expected);
    scene.close();
}

#[test]
fn a_journal_that_was_cut_off_is_refused_as_it_is_until_it_is_back() {
    let stage = Stage::set();
    let expected = stage.undisturbed().end;
    let scene = stage.scene();
    let journal = scene.dir.path().join("state/accounts/remote/journal.sqlite");
    // Everything in one file.
    let whole = rusqlite::Connection::open(&journal).unwrap();
    whole.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    drop(whole);
    let bytes = fs::read(&journal).unwrap();
    let before = scene.orders();
    for length in [0, 50, 4096, bytes.len() / 2, bytes.len() - 4096, bytes.len() - 1] {
        fs::write(&journal, &bytes[..length]).unwrap();
        for line in [COMMANDS[0], COMMANDS[1]] {
            let run = scene.run(line);
            assert_eq!(run.code, 5, "{length} of {} bytes: {run:?}", bytes.len());
            run.fails(5, &["journal.sqlite"]);
        }
        assert_eq!(fs::read(&journal).unwrap(), &bytes[..length], "it was changed");
        assert_eq!(scene.orders(), before);
    }
    fs::write(&journal, &bytes).unwrap();
    for line in COMMANDS {
        let run = scene.run(line);
        assert_eq!(run.code, 0, "{run:?}");
    }
    assert_eq!(scene.end(), expected);
    scene.close();
}
