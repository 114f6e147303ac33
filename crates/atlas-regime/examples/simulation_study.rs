//! How well the true states of simulated chains are found, beside published figures.
//!
//! `cargo run --release -p atlas-regime --example simulation_study -- FOLDER [PATHS [DESIGNS
//! [METHODS]]]` runs what FOLDER does not hold yet (with PATHS, at most so many paths of each
//! design; 0 runs nothing; with DESIGNS, only designs whose key starts so, such as `thesis`; with
//! METHODS, only those whose file is named so, such as `oracle` or `online`) and prints Markdown;
//! `docs/studies/simulation.md` quotes it. The run can be stopped at any time and
//! carries on where it was. `RAYON_NUM_THREADS` says how many cores it may use.
//!
//! The penalty is chosen three times: as in the publications, by mean accuracy **against the true
//! labels**; and twice without any label, by how well the second half of a path is forecast row by
//! row with states of the first half: one penalty for all paths from the first fifth of them,
//! judged on the others, and one for each path from its own forecasts. A table of its own shows
//! what is left when nothing looks ahead: the penalty chosen blind on the first half, states online
//! over the second. Another one puts the rows of all paths of one design together.

#![expect(clippy::print_stderr, reason = "a study tells how far it is")]

mod support;

use std::path::{Path, PathBuf};

use atlas_regime::Error;
use rayon::prelude::*;
use support::Outcome;
use support::cells::{Cell, Entry, cells};
use support::files::{
    EVERY_PENALTY, POOLED, hopeful, name_of, pooled_entries, pooled_store, store, thinned,
};
use support::methods::{Choice, Method};
use support::store::Record;
use support::tables::report;

/// Paths on which the slow models are judged by their forecasts too.
const SCORED: usize = 100;
/// Paths between two saves.
const CHUNK: usize = 10;

fn main() -> Outcome<()> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("which folder?")?);
    let limit: usize = std::env::args().nth(2).map_or(Ok(usize::MAX), |text| text.parse())?;
    let designs = std::env::args().nth(3).unwrap_or_default();
    let methods = std::env::args().nth(4).unwrap_or_default();
    std::fs::create_dir_all(&folder)?;
    let cells = cells();
    // Quick methods first, the slowest last; a few paths everywhere before many.
    let slowness = |e: &Entry| match e.method {
        Method::Oracle | Method::Discrete | Method::Online | Method::OnlineOracle => 0,
        Method::OnlineMarkov | Method::Markov(_) | Method::FlatMarkov | Method::Sparse => 1,
        Method::Continuous { .. } => 2,
    };
    for (slow, goal) in [(0, usize::MAX), (2, 40), (1, usize::MAX), (2, 200), (2, usize::MAX)] {
        for cell in cells.iter().filter(|cell| cell.key.starts_with(&designs)) {
            let chosen = |e: &&Entry| name_of(e).starts_with(&methods);
            for entry in cell.entries.iter().chain(&cell.online).filter(chosen) {
                // The slow methods take fewer paths in the daily cells of two states.
                let most = if slow == 2 && cell.key.starts_with("two_") { 200 } else { cell.paths };
                if slowness(entry) == slow {
                    run(&folder, cell, entry, goal.min(limit).min(most))?;
                }
            }
        }
    }
    for goal in [60, 120, EVERY_PENALTY] {
        for mode_loss in [false, true] {
            for cell in cells.iter().filter(|cell| cell.key.starts_with(&designs)) {
                let chosen = |e: &&Entry| {
                    thinned(cell, e)
                        && e.method == Method::Continuous { mode_loss }
                        && name_of(e).starts_with(&methods)
                };
                for entry in cell.entries.iter().filter(chosen) {
                    complete(&folder, cell, entry, goal.min(limit))?;
                }
            }
        }
    }
    for cell in cells.iter().filter(|cell| cell.key == POOLED && cell.key.starts_with(&designs)) {
        for (entry, choice) in pooled_entries(cell) {
            if format!("pooled_{}", name_of(entry)).starts_with(&methods) {
                run_pooled(&folder, cell, entry, choice, limit.min(cell.paths))?;
            }
        }
    }
    report(&folder, &cells)
}

fn run_pooled(
    folder: &Path,
    cell: &Cell,
    entry: &Entry,
    choice: Choice,
    paths: usize,
) -> Outcome<()> {
    let store = pooled_store(folder, cell, entry);
    let oracle = cell.oracle()?;
    let one = |path: usize| cell.sample(path).counts(entry.method, choice, &oracle);
    let missing = (store.read()?.len()..paths).into_par_iter();
    store.append(&missing.map(one).collect::<Result<Vec<_>, _>>()?)
}

/// Runs the continuous model of three states under every penalty on the first `paths` paths on
/// file, where it was not.
fn complete(folder: &Path, cell: &Cell, entry: &Entry, paths: usize) -> Outcome<()> {
    let store = store(folder, cell, entry);
    let mut records = store.read()?;
    let missing: Vec<usize> =
        (0..records.len().min(paths)).filter(|path| !records[*path].complete()).collect();
    for chunk in missing.chunks(CHUNK) {
        let one = |&path: &usize| -> Result<Record, Error> {
            let have = &records[path];
            let wanted = |i: usize| have.accuracies[i].is_nan();
            let scored = |i: usize| have.scores[i].is_nan();
            cell.sample(path).run(entry.method, &entry.choices, &wanted, None, &scored)
        };
        let found: Vec<Record> = chunk.par_iter().map(one).collect::<Result<_, _>>()?;
        for (path, found) in chunk.iter().zip(&found) {
            records[*path].fill(found);
        }
        store.replace(&records)?;
        eprintln!("{} {}: path {:?} complete", cell.key, entry.name, chunk.last());
    }
    Ok(())
}

/// Runs one method until `paths` paths are on file.
fn run(folder: &Path, cell: &Cell, entry: &Entry, paths: usize) -> Outcome<()> {
    let store = store(folder, cell, entry);
    let done = store.read()?.len();
    let oracle = cell.oracle()?;
    for from in (done..paths).step_by(CHUNK) {
        let one = |path: usize| {
            let every = path < EVERY_PENALTY || !thinned(cell, entry);
            let wanted = |i: usize| every || hopeful(entry.choices[i]);
            if matches!(entry.method, Method::Online | Method::OnlineOracle | Method::OnlineMarkov)
            {
                return cell.sample(path).run_online(entry.method, &entry.choices, &oracle);
            }
            let scored = path < SCORED || entry.method == Method::Discrete;
            let scored = |i: usize| scored && (!thinned(cell, entry) || hopeful(entry.choices[i]));
            cell.sample(path).run(entry.method, &entry.choices, &wanted, Some(&oracle), &scored)
        };
        let chunk = (from..(from + CHUNK).min(paths)).into_par_iter();
        store.append(&chunk.map(one).collect::<Result<Vec<_>, _>>()?)?;
    }
    if done < paths {
        eprintln!("{} {}: {} paths", cell.key, entry.name, paths);
    }
    Ok(())
}
