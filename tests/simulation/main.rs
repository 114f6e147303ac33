//! Deterministic simulation of execution: the real sequencer, journal, session, reconciliation and
//! venue core under one seed, with a clock, a network and processes that fail on purpose.
//!
//! The transport is a small one of our own, in process (`lossy.rs`): a wrapper around the venue
//! that loses requests and answers, delivers late, lags with its ledger, and stops the calling
//! process for good at any call. turmoil and madsim simulate hosts and sockets; what is to be
//! broken here is the contract of `Broker`, and a wrapper of that trait breaks it in every way a
//! socket can, a hundred times faster and without a patched runtime. That the Alpaca client maps
//! sockets to that contract is tested where the client is.
//!
//! `ATLAS_SIM_SEEDS=N` runs N seeds from `ATLAS_SIM_START` (default 0), `ATLAS_SIM_SEED=k` one.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::struct_excessive_bools,
    clippy::wildcard_enum_match_arm,
    reason = "all of it is a test"
)]

mod approver;
mod judge;
mod lossy;
mod market;
mod mortal;
mod nature;
mod plans;
mod record;
mod rng;
mod story;
mod stream;
mod totals;
mod wire;
mod work;

use std::panic::{catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether any seed has failed.
static FAILED: AtomicBool = AtomicBool::new(false);

/// Seeds of an ordinary run.
const SEEDS: u64 = 500;

#[expect(clippy::disallowed_methods, reason = "a test run is told by its environment what to do")]
fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

#[test]
fn every_seed_keeps_every_promise() {
    let start = number("ATLAS_SIM_START").unwrap_or(0);
    let many = start..start + number("ATLAS_SIM_SEEDS").unwrap_or(SEEDS);
    let seeds = number("ATLAS_SIM_SEED").map_or(many, |seed| seed..seed + 1);
    let count = seeds.end - seeds.start;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = u64::try_from(threads).unwrap_or(1);
    let totals = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let mine = seeds.clone().filter(move |seed| seed % threads == worker);
                scope.spawn(move || {
                    // Once a seed has failed there is nothing more to be learned.
                    let mine = mine.take_while(|_| !FAILED.load(Ordering::Relaxed));
                    mine.map(one).fold(totals::Totals::default(), totals::Totals::plus)
                })
            })
            .collect();
        let results = workers.into_iter().map(|worker| worker.join().expect("a seed failed"));
        results.fold(totals::Totals::default(), totals::Totals::plus)
    });
    println!("{count} seeds: {totals:?}");
    if count >= 100 {
        totals.check_that_enough_happened(count);
    }
}

/// Plays one seed; on failure says how to play it again.
fn one(seed: u64) -> totals::Totals {
    match catch_unwind(|| story::play(seed)) {
        Ok(Ok(totals)) => totals,
        Ok(Err(broken)) => {
            FAILED.store(true, Ordering::Relaxed);
            panic!("seed {seed}: {broken}\n{}", replay(seed))
        }
        Err(panicked) => {
            FAILED.store(true, Ordering::Relaxed);
            println!("seed {seed}: it panicked\n{}", replay(seed));
            resume_unwind(panicked)
        }
    }
}

fn replay(seed: u64) -> String {
    format!(
        "replay: ATLAS_SIM_SEED={seed} cargo test -p atlas-tests --test simulation -- --nocapture"
    )
}
