//! The built program against a venue's server, killed at one point after another.
//!
//! A rebalance that sells and buys is planned, approved and carried out over a real socket, while
//! the venue's clock stands still. It is killed before and after the k-th time it makes a file
//! durable, sends on a socket, or changes a file, started again, and must end with the very orders
//! and books of a run that nobody disturbed.
//!
//! An ordinary run takes the first, the middle and the last k of each kind; `ATLAS_CRASH=all` takes
//! k = 1, 2, … until a run survives, and kills the restarted program at the same place too.
#![cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking and says what it did")]

mod common;
mod watched;

use watched::stage::{COMMANDS, End, Stage};
use watched::trap::{Call, Deed, Trap, permitted};

#[test]
fn a_program_killed_at_any_point_ends_with_the_orders_and_books_of_one_that_was_not() {
    if !permitted() {
        println!("skipped: this system lets no program be watched (ptrace)");
        return;
    }
    let stage = Stage::set();
    let undisturbed = stage.undisturbed();
    let expected = &undisturbed.end;
    let all = everything();
    let mut runs = 0;
    for (index, calls) in undisturbed.calls.iter().enumerate() {
        for call in [Call::Sync, Call::Send, Call::Change] {
            for deed in [Deed::KillBefore, Deed::KillAfter] {
                let (count, before) = (calls[call as usize], runs);
                for number in numbers(count, all) {
                    let trap = Trap { call, deed, number };
                    let killed = killed_at(&stage, index, trap, expected);
                    runs += u64::from(killed);
                    assert!(killed || number > count / 2, "{trap:?} was never reached");
                    if !killed {
                        break;
                    }
                }
                let killed = runs - before;
                println!("{}: {deed:?} {call:?}: {killed} runs of {count} places", COMMANDS[index]);
            }
        }
    }
    println!("calls (sync, send, change) {:?}; {runs} runs killed", undisturbed.calls);
    assert!(runs >= 10, "only {runs} runs were killed: it proves too little");
}

#[expect(clippy::disallowed_methods, reason = "a test run is told by its environment what to do")]
fn everything() -> bool {
    std::env::var("ATLAS_CRASH").is_ok_and(|value| value == "all")
}

/// Which k are taken of a kind of which an undisturbed run made `count`.
fn numbers(count: u64, all: bool) -> Vec<u64> {
    if all {
        // Timing may add a call or two; the first run that survives ends it.
        return (1..=count + 50).collect();
    }
    // The last but one: timing may spare a call.
    let mut some = vec![1, count.div_ceil(2), count.saturating_sub(1)];
    some.retain(|number| *number > 0);
    some.dedup();
    some
}

/// Plays everything with a trap in one command. Whether it was reached; in the end everything has to
/// be as expected.
fn killed_at(stage: &Stage, index: usize, trap: Trap, expected: &End) -> bool {
    let scene = stage.scene();
    let mut killed = 0;
    for (command, line) in COMMANDS.iter().enumerate() {
        // A program that was killed is started again, by somebody who changes nothing; in a full
        // run it is killed a second time.
        let lives = if command == index { 1 + u64::from(everything()) } else { 0 };
        let before = killed;
        let mut run = None;
        for _ in 0..lives {
            let watched = scene.watch(command, Some(trap));
            if !watched.killed {
                run = Some(watched.run);
                break;
            }
            killed += 1;
        }
        let run = run.unwrap_or_else(|| again(&scene, line));
        // Killed after all was told, it finds nothing left to do.
        let done = run.code == 8 && killed > before && run.stderr.contains("no plan");
        assert!(run.code == 0 || done, "{line}, after {trap:?}: {run:?}");
    }
    assert_eq!(&scene.end(), expected, "{} was killed: {trap:?}", COMMANDS[index]);
    scene.close();
    killed > 0
}

/// Starts the program again, by somebody who does as it says: on a machine so busy that the venue's
/// server does not answer in time, it says to try again.
fn again(scene: &watched::stage::Scene<'_>, line: &str) -> common::Run {
    const UNREACHABLE: i32 = 6;
    let mut run = scene.run(line);
    for _ in 0..3 {
        if run.code == UNREACHABLE && run.stderr.contains("try again") {
            run = scene.run(line);
        }
    }
    run
}
