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

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a study prints its report")]

mod support;

use std::path::{Path, PathBuf};

use atlas_regime::Error;
use rayon::prelude::*;
use support::cells::{Cell, Entry, Published, cells};
use support::methods::{Choice, Method};
use support::store::{Record, Store};
use support::{Outcome, deviation, float, mean};

/// Paths on which the continuous model of three states is run under every penalty; on the others
/// only under those that may turn out the best.
const EVERY_PENALTY: usize = 200;
/// Paths on which the slow models are judged by their forecasts too.
const SCORED: usize = 100;
/// The cell whose rows are put together too.
const POOLED: &str = "two_1000";
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

/// The quick methods of a cell; the discrete model under the penalty that is best by the labels.
fn pooled_entries(cell: &Cell) -> impl Iterator<Item = (&Entry, Choice)> {
    let choice = |e: &Entry| e.choices.iter().copied().find(|c| (c.0 - 100.0).abs() < 1.0);
    let quick = cell.entries.iter().filter(|e| !matches!(e.method, Method::Continuous { .. }));
    quick.map(move |e| (e, choice(e).unwrap_or(e.choices[0])))
}

fn pooled_store(folder: &Path, cell: &Cell, entry: &Entry) -> Store {
    Store::new(folder, &format!("{}.pooled_{}", cell.key, name_of(entry)))
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

/// Accuracy when the rows of all paths are put together before the shares are taken.
fn pooled(folder: &Path, cells: &[Cell]) -> Outcome<()> {
    println!("## Rows of all paths put together\n");
    println!("| design | method | paths | mean over paths | rows put together | published |");
    println!("| --- | --- | --- | --- | --- | --- |");
    for cell in cells.iter().filter(|cell| cell.key == POOLED) {
        for (entry, (penalty, _)) in pooled_entries(cell) {
            let records = pooled_store(folder, cell, entry).read()?;
            if records.is_empty() {
                continue;
            }
            let sum = |of: &dyn Fn(&Record) -> f64| records.iter().map(of).sum::<f64>();
            let shares = (0..cell.states())
                .map(|k| sum(&|r| r.accuracies[k]) / sum(&|r| r.scores[k]))
                .sum::<f64>();
            let own = |r: &Record| {
                let present = r.accuracies.iter().zip(&r.scores).filter(|(_, n)| **n > 0.0);
                mean(&present.map(|(right, n)| right / n).collect::<Vec<_>>())
            };
            let name = if penalty > 0.0 {
                format!("{} at λ = {}", entry.name, short(penalty))
            } else {
                entry.name.to_owned()
            };
            println!(
                "| {} | {name} | {} | {:.3} | {:.3} | {} |",
                cell.title,
                records.len(),
                mean(&records.iter().map(own).collect::<Vec<_>>()),
                shares / float(cell.states()),
                entry.published.map_or(String::new(), |p| format!("{:.3}", p.0))
            );
        }
    }
    println!();
    Ok(())
}

/// What a method's files are called.
fn name_of(entry: &Entry) -> String {
    match entry.method {
        Method::Oracle => "oracle".to_owned(),
        Method::Markov(starts) => format!("markov{starts}"),
        Method::FlatMarkov => "flat".to_owned(),
        Method::Discrete => "discrete".to_owned(),
        Method::Continuous { mode_loss: false } => "continuous".to_owned(),
        Method::Continuous { mode_loss: true } => "moded".to_owned(),
        Method::Sparse => "sparse".to_owned(),
        Method::Online => "online".to_owned(),
        Method::OnlineOracle => "online_oracle".to_owned(),
        Method::OnlineMarkov => "online_markov".to_owned(),
    }
}

fn store(folder: &Path, cell: &Cell, entry: &Entry) -> Store {
    Store::new(folder, &format!("{}.{}", cell.key, name_of(entry)))
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

fn thinned(cell: &Cell, entry: &Entry) -> bool {
    cell.states() > 2 && matches!(entry.method, Method::Continuous { .. })
}

/// Whether the continuous model is run under this penalty on all paths.
fn hopeful((penalty, _): Choice) -> bool {
    (400.0..5000.0).contains(&penalty)
}

/// One line of a table.
struct Line {
    name: String,
    mean: f64,
    deviation: f64,
    paths: usize,
    choice: String,
    /// Mean accuracy with the best penalty of each path by its own true labels.
    path_best: Option<f64>,
    /// Accuracies of the two choices without labels.
    blind: [Option<f64>; 2],
    /// Means over the paths on which every state occurs, and with absent states as not found.
    absent: [f64; 2],
    published: Option<Published>,
}

/// Accuracies of one choice on all paths that were run under it.
fn column(records: &[Record], choice: usize) -> Vec<f64> {
    let all = records.iter().filter_map(|r| r.accuracies.get(choice));
    all.copied().filter(|a| !a.is_nan()).collect()
}

/// The index of the largest number; the last one on a tie, which is the larger penalty.
fn largest(numbers: impl Iterator<Item = f64>) -> usize {
    let best = numbers.enumerate().filter(|(_, x)| !x.is_nan()).max_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0, |(i, _)| i)
}

fn line(cell: &Cell, entry: &Entry, records: &[Record]) -> Line {
    // Among the penalties run on every path; on the first ones the others are compared too.
    let first = &records[..records.len().min(EVERY_PENALTY)];
    let run_on_all = |i: usize| column(records, i).len() == records.len();
    let candidates = |i: usize| if run_on_all(i) { mean(&column(records, i)) } else { f64::NAN };
    let best = largest((0..entry.choices.len()).map(candidates));
    let over_first = largest((0..entry.choices.len()).map(|i| mean(&column(first, i))));
    if !run_on_all(over_first) {
        eprintln!("{}: a penalty not run on all paths is the best on the first", entry.name);
    }
    let values = column(records, best);
    Line {
        name: entry.name.to_owned(),
        mean: mean(&values),
        deviation: deviation(&values),
        paths: values.len(),
        choice: describe(entry, best),
        path_best: path_best(entry, records),
        // Its penalties were picked with labels, so no choice among them is blind.
        blind: if thinned(cell, entry) { [None; 2] } else { blind(records, entry.choices.len()) },
        absent: absent_states(cell, records, best),
        published: entry.published,
    }
}

/// Mean over the paths of the largest accuracy under any choice.
fn path_best(entry: &Entry, records: &[Record]) -> Option<f64> {
    let best = |r: &Record| r.accuracies.iter().copied().fold(f64::NAN, f64::max);
    (entry.choices.len() > 1).then(|| mean(&records.iter().map(best).collect::<Vec<_>>()))
}

/// Mean accuracy over the paths on which every state occurs; and over all paths, a state that does
/// not occur counting as not found.
fn absent_states(cell: &Cell, records: &[Record], choice: usize) -> [f64; 2] {
    let (mut complete, mut as_zero) = (Vec::new(), Vec::new());
    for (path, record) in records.iter().enumerate() {
        let Some(accuracy) = record.accuracies.get(choice).filter(|a| !a.is_nan()) else {
            continue;
        };
        let present = cell.present(path);
        complete.extend((present == cell.states()).then_some(*accuracy));
        as_zero.push(accuracy * float(present) / float(cell.states()));
    }
    [mean(&complete), mean(&as_zero)]
}

fn describe(entry: &Entry, choice: usize) -> String {
    let (penalty, features) = entry.choices[choice];
    match entry.method {
        Method::Oracle
        | Method::OnlineOracle
        | Method::OnlineMarkov
        | Method::Markov(_)
        | Method::FlatMarkov => String::new(),
        Method::Discrete | Method::Online | Method::Continuous { .. } => {
            format!("λ = {}", short(penalty))
        }
        Method::Sparse => format!("λ = {}, κ² = {features}", short(penalty)),
    }
}

fn short(x: f64) -> String {
    if x < 100.0 { format!("{}", (x * 10.0).round() / 10.0) } else { format!("{x:.0}") }
}

/// Mean accuracy with the penalty that forecast best: over the first fifth of the paths, judged on
/// the others; and of each path by itself.
fn blind(records: &[Record], choices: usize) -> [Option<f64>; 2] {
    let scored = |r: &&Record| r.scores.iter().any(|s| s.is_finite());
    let records: Vec<&Record> = records.iter().filter(scored).collect();
    if choices < 2 || records.len() < 10 {
        return [None; 2];
    }
    let (first, rest) = records.split_at(records.len() / 5);
    let score = |i: usize| mean(&first.iter().map(|r| r.scores[i]).collect::<Vec<_>>());
    let pooled = largest((0..choices).map(score));
    let pooled: Vec<f64> = rest.iter().map(|r| r.accuracies[pooled]).collect();
    let own = records.iter().map(|r| r.accuracies[largest(r.scores.iter().copied())]);
    [Some(mean(&pooled)), Some(mean(&own.collect::<Vec<_>>()))]
}

/// All tables, with differences tested by z-scores under Holm's correction over all cells.
fn report(folder: &Path, cells: &[Cell]) -> Outcome<()> {
    let mut tables = Vec::new();
    for cell in cells {
        let mut lines = Vec::new();
        for entry in &cell.entries {
            let records = store(folder, cell, entry).read()?;
            if records.is_empty() {
                continue;
            }
            lines.push(line(cell, entry, &records));
            for &(penalty, published) in
                cell.by_penalty.iter().filter(|_| entry.method == Method::Discrete)
            {
                let choice = largest(entry.choices.iter().map(|c| -(c.0 - penalty).abs()));
                let values = column(&records, choice);
                lines.push(Line {
                    name: format!("discrete at λ = {}", short(penalty)),
                    mean: mean(&values),
                    deviation: deviation(&values),
                    paths: values.len(),
                    choice: String::new(),
                    path_best: None,
                    blind: [None; 2],
                    absent: absent_states(cell, &records, choice),
                    published: Some(published),
                });
            }
        }
        tables.push((cell.title.clone(), lines));
    }
    print(&tables);
    online(folder, cells)?;
    pooled(folder, cells)
}

/// Accuracy of online states over second halves, the penalty chosen on first halves.
fn online(folder: &Path, cells: &[Cell]) -> Outcome<()> {
    println!("## Online states over the second half, nothing seen before its time\n");
    println!(
        "| design | paths | own penalty, blind | sd | one penalty, blind | which | \
         penalty by the labels | which | hidden Markov model | true parameters |"
    );
    println!("| --- |{}", " --- |".repeat(9));
    for cell in cells {
        let [discrete, oracle, markov] = &cell.online[..] else { continue };
        let records = store(folder, cell, discrete).read()?;
        if records.len() < 10 {
            continue;
        }
        // The one penalty has seen first halves of the first fifth of the paths only; like all
        // others of this table it is judged on the paths after them.
        let (first, rest) = records.split_at(records.len() / 5);
        let choices = discrete.choices.len();
        let score = |i: usize| mean(&first.iter().map(|r| r.scores[i]).collect::<Vec<_>>());
        let one = largest((0..choices).map(score));
        let best = largest((0..choices).map(|i| mean(&column(rest, i))));
        let owns: Vec<f64> =
            rest.iter().map(|r| r.accuracies[largest(r.scores.iter().copied())]).collect();
        let other = |entry| -> Outcome<String> {
            let all = store(folder, cell, entry).read()?;
            // Only over the very same paths.
            let same = (all.len() == records.len()).then(|| column(&all[first.len()..], 0));
            Ok(same.map_or(String::new(), |values| format!("{:.3}", mean(&values))))
        };
        println!(
            "| {} | {} | {:.3} | {:.3} | {:.3} | {} | {:.3} | {} | {} | {} |",
            cell.title,
            rest.len(),
            mean(&owns),
            deviation(&owns),
            mean(&column(rest, one)),
            describe(discrete, one),
            mean(&column(rest, best)),
            describe(discrete, best),
            other(markov)?,
            other(oracle)?
        );
    }
    println!();
    Ok(())
}

fn z(line: &Line) -> Option<f64> {
    let Published(m, s, n) = line.published?;
    let s = if s.is_nan() { line.deviation } else { s };
    let spread = (line.deviation * line.deviation / float(line.paths) + s * s / n).sqrt();
    Some((line.mean - m) / spread)
}

fn print(tables: &[(String, Vec<Line>)]) {
    let mut tests: Vec<f64> =
        tables.iter().flat_map(|(_, lines)| lines).filter_map(z).map(two_sided).collect();
    tests.sort_by(f64::total_cmp);
    let count = tests.len();
    // Holm: the i-th smallest p-value is judged at 5 % / (count − i).
    let passed =
        tests.iter().enumerate().take_while(|(i, p)| **p <= 0.05 / float(count - i)).count();
    let limit = if passed == 0 { -1.0 } else { tests[passed - 1] };
    println!("{count} tests, {passed} significant.\n");
    for (title, lines) in tables {
        println!("## {title}\n");
        println!(
            "| method | accuracy | sd | paths | published | difference | penalty by the labels | \
             best penalty of each path, by its labels | one penalty, blind | own penalty, blind | all states present | absent as 0 |"
        );
        println!("| --- |{}", " --- |".repeat(11));
        for line in lines {
            let (published, difference) = match (line.published, z(line)) {
                (Some(Published(m, ..)), Some(z)) => {
                    let mark = if two_sided(z) <= limit { ", **significant**" } else { "" };
                    (format!("{m:.3}"), format!("{:+.3} (z {z:+.1}{mark})", line.mean - m))
                }
                _ => (String::new(), String::new()),
            };
            let [one, own] = line.blind.map(|b| b.map_or(String::new(), |b| format!("{b:.3}")));
            let [complete, as_zero] = line.absent;
            let each = line.path_best.map_or(String::new(), |b| format!("{b:.3}"));
            println!(
                "| {} | {:.3} | {:.3} | {} | {published} | {difference} | {} | {each} | {one} | {own} | \
                 {complete:.3} | {as_zero:.3} |",
                line.name, line.mean, line.deviation, line.paths, line.choice
            );
        }
        println!();
    }
}

/// Probability of a normal variable at least this far from 0 (Abramowitz and Stegun 26.2.17).
fn two_sided(z: f64) -> f64 {
    let z = z.abs();
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    2.0 * series * (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt()
}
