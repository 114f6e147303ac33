//! The tables of the simulation study.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "prints a part of a study")]

use std::path::Path;

use super::cells::{Cell, Entry, Published};
use super::files::{POOLED, pooled_entries, pooled_store, store, thinned};
use super::methods::Method;
use super::store::Record;
use super::{Outcome, deviation, float, mean};

/// All tables, with differences tested by z-scores under Holm's correction over all cells.
pub fn report(folder: &Path, cells: &[Cell]) -> Outcome<()> {
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
                    whole_grid: None,
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

/// Fewer paths than this are too few to choose a penalty on.
const FEWEST: usize = 10;

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
    /// Paths behind the last three, where they are fewer than all.
    whole_grid: Option<usize>,
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
    // Choices between penalties look at the paths that were run under all of them.
    let thin = thinned(cell, entry);
    let whole =
        if thin { records.iter().take_while(|r| r.complete()).count() } else { records.len() };
    let first = &records[..whole];
    // Among the penalties run on every path; on the first ones the others are compared too.
    let run_on_all = |i: usize| column(records, i).len() == records.len();
    let candidates = |i: usize| if run_on_all(i) { mean(&column(records, i)) } else { f64::NAN };
    let best = largest((0..entry.choices.len()).map(candidates));
    let over_first = largest((0..entry.choices.len()).map(|i| mean(&column(first, i))));
    if whole >= FEWEST && !run_on_all(over_first) {
        eprintln!(
            "{}, {}: {} is the best on {whole} paths and was not run on all",
            cell.key,
            entry.name,
            describe(entry, over_first)
        );
    }
    let values = column(records, best);
    Line {
        name: entry.name.to_owned(),
        mean: mean(&values),
        deviation: deviation(&values),
        paths: values.len(),
        choice: describe(entry, best),
        path_best: path_best(entry, first).filter(|_| whole >= FEWEST),
        blind: blind(first, entry.choices.len()),
        whole_grid: Some(whole).filter(|whole| thin && *whole >= FEWEST),
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
    if choices < 2 || records.len() < FEWEST {
        return [None; 2];
    }
    let (first, rest) = records.split_at(records.len() / 5);
    let score = |i: usize| mean(&first.iter().map(|r| r.scores[i]).collect::<Vec<_>>());
    let pooled = largest((0..choices).map(score));
    let pooled: Vec<f64> = rest.iter().map(|r| r.accuracies[pooled]).collect();
    let own = records.iter().map(|r| r.accuracies[largest(r.scores.iter().copied())]);
    [Some(mean(&pooled)), Some(mean(&own.collect::<Vec<_>>()))]
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
            let few = line.whole_grid.map_or(String::new(), |paths| format!(" ({paths})"));
            let cell = |x: Option<f64>| x.map_or(String::new(), |x| format!("{x:.3}{few}"));
            let [one, own] = line.blind.map(cell);
            let [complete, as_zero] = line.absent;
            let each = cell(line.path_best);
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
