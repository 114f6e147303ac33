//! From closes to features to scaled matrices, and the rolling detector's refits.

use std::collections::BTreeMap;

use atlas_regime::{
    Clipper, Feature, FeatureStream, Filter, JumpParams, Rows, Scaler, simple_returns,
};

use crate::basics::text;
use crate::compare::{FLOAT, close, same};
use crate::fits::flat;
use crate::folder::{Folder, Matrix};
use crate::json::{Case, floats};
use crate::tally::Tally;

/// The table of closes, returns and features, as read and as computed.
pub(crate) struct Table {
    dates: Vec<String>,
    returns: Vec<f64>,
    columns: BTreeMap<String, Vec<f64>>,
}

impl Table {
    /// Reads `series.csv` and computes every column of it anew from the closes.
    pub(crate) fn read(folder: &Folder, first_close: f64) -> Result<(Self, usize), String> {
        let csv = folder.tables.get("series.csv").ok_or("no series.csv")?;
        let mut lines = csv.lines();
        let names: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let (mut dates, mut read) = (Vec::new(), vec![Vec::new(); names.len() - 1]);
        for line in lines {
            let mut cells = line.split(',');
            dates.extend(cells.next().map(str::to_owned));
            for (column, cell) in read.iter_mut().zip(cells) {
                column.push(cell.parse::<f64>().map_err(|e| format!("{cell}: {e}"))?);
            }
        }
        let column = |name: &str| {
            let at = names.iter().position(|n| *n == name).ok_or(format!("no column {name}"));
            Ok::<&Vec<f64>, String>(&read[at? - 1])
        };
        let closes: Vec<f64> =
            std::iter::once(first_close).chain(column("close")?.iter().copied()).collect();
        let returns = simple_returns(&closes).split_off(1);
        close("ret", &returns, column("ret")?, FLOAT, 1e-3)?;
        let mut checked = 2 * dates.len();
        let mut columns = BTreeMap::new();
        for name in names.iter().skip(3) {
            let stream = FeatureStream::new(&[feature(name)?]).map_err(text)?;
            let found = stream.batch(column("ret")?).map_err(text)?;
            close(name, &found, column(name)?, FLOAT, 1e-3)?;
            checked += found.len();
            columns.insert((*name).to_owned(), found);
        }
        Ok((Self { dates, returns, columns }, checked))
    }

    /// Rows of some columns.
    fn rows(&self, names: &[String], range: std::ops::Range<usize>) -> Result<Vec<f64>, String> {
        let mut out = Vec::new();
        for t in range {
            for name in names {
                out.push(self.columns.get(name).ok_or(format!("no column {name}"))?[t]);
            }
        }
        Ok(out)
    }

    /// Row numbers whose dates lie in a closed interval, from `from` on.
    fn between(&self, from: usize, dates: &[String]) -> Result<std::ops::Range<usize>, String> {
        let [first, last] = dates else { return Err("not two dates".to_owned()) };
        let start = self.dates.partition_point(|d| d < first).max(from);
        Ok(start..self.dates.partition_point(|d| d <= last))
    }
}

/// The feature a column name means.
fn feature(name: &str) -> Result<Feature, String> {
    let (kind, halflife) = name.rsplit_once('_').ok_or(format!("no feature {name}"))?;
    let halflife = halflife.parse().map_err(text)?;
    Ok(match kind {
        "ret" => Feature::Return { halflife },
        "dd" => Feature::Downside { halflife },
        "DD-log" => Feature::LogDownside { halflife },
        "sortino" => Feature::Sortino { halflife },
        _ => return Err(format!("no feature {name}")),
    })
}

fn texts(case: &Case<'_>, key: &str) -> Result<Vec<String>, String> {
    let list = case.list(key)?.iter().map(|v| v.as_str().map(str::to_owned));
    list.collect::<Option<Vec<_>>>().ok_or_else(|| format!("{key} is not a list of texts"))
}

pub(crate) fn preprocess(
    folder: &Folder,
    file: &Case<'_>,
    tally: &mut Tally,
) -> Result<Option<Table>, String> {
    if folder.tables.contains_key("series.csv") {
        let (table, checked) = Table::read(folder, file.float("first_close")?)?;
        tally.count("series/values", checked);
        preprocess_with(folder, file, &table, tally)?;
        return Ok(Some(table));
    }
    if !file.cases("cases")?.is_empty() {
        return Err("preprocess.json has cases but there is no series.csv".to_owned());
    }
    file.skip(&["first_close", "warm_up_rows_dropped", "train", "test"]);
    without_series(folder, file, tally)?;
    Ok(None)
}

/// The table of a folder that has one.
pub(crate) fn table(folder: &Folder) -> Result<Table, String> {
    let file = Case::new(folder.files.get("preprocess").ok_or("no preprocess.json")?)?;
    Table::read(folder, file.float("first_close")?).map(|(table, _)| table)
}

/// All cases, given the table.
pub(crate) fn preprocess_with(
    folder: &Folder,
    file: &Case<'_>,
    table: &Table,
    tally: &mut Tally,
) -> Result<(), String> {
    file.skip(&["first_close"]);
    let warm_up = file.count("warm_up_rows_dropped")?;
    let (train, test) = (texts(file, "train")?, texts(file, "test")?);
    let split = (table.between(warm_up, &train)?, table.between(warm_up, &test)?);
    for case in file.cases("cases")? {
        tally.check("preprocess/cases", case, |case| scaled(folder, case, table, warm_up, &split));
    }
    without_series(folder, file, tally)
}

/// What needs no table.
fn without_series(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    tally.check("preprocess/constant_column", file.get("constant_column")?, |case| {
        let rows = case.list("X")?.len();
        let data = case.floats("X")?;
        let rows = Rows::new(&data, data.len() / rows).map_err(text)?;
        let scaler = Scaler::fit(rows).map_err(text)?;
        close("scaler_mean", scaler.mean(), &case.floats("scaler_mean")?, FLOAT, 1e-3)?;
        close("scaler_var", scaler.variance(), &case.floats("scaler_var")?, FLOAT, 1e-3)?;
        close("scaler_scale", scaler.scale(), &case.floats("scaler_scale")?, FLOAT, 1e-3)?;
        let mut z = data.clone();
        z.chunks_mut(rows.cols()).try_for_each(|row| scaler.apply(row)).map_err(text)?;
        close("Z", &z, &case.floats("Z")?, FLOAT, 1.0)
    });
    if let Some(states) = file.opt("sim_true_states") {
        tally.check("preprocess/sim_true_states", states, |case| {
            for (name, states) in [("sim4", 4), ("sim30", 3)] {
                let key = format!("{name}_rle");
                if let Ok(matrix) = folder.matrix(name) {
                    let runs = case.counts(&key)?;
                    same("rows", &case.runs(&key)?.len(), &matrix.returns.len())?;
                    truth(&matrix, &runs, states).map_err(|e| format!("{name}: {e}"))?;
                } else {
                    case.skip(&[&key]);
                }
            }
            Ok(())
        });
    }
    Ok(())
}

/// True states are no result of ours, but they can be seen in the rows: every state occurs, and the
/// mean of every run is nearest to the mean of the *other* runs in its state, where there are any.
fn truth(matrix: &Matrix, runs: &[usize], states: usize) -> Result<(), String> {
    let mut at = 0;
    let mut sums: Vec<(usize, f64, Vec<f64>)> = Vec::new();
    for run in runs.chunks(2) {
        let [state, length] = *run else { return Err("an odd number of entries".to_owned()) };
        let mut sum = vec![0.0; matrix.cols];
        for row in matrix.data.chunks(matrix.cols).skip(at).take(length) {
            sum.iter_mut().zip(row).for_each(|(s, x)| *s += x);
        }
        at += length;
        sums.push((state, f64::from(u32::try_from(length).map_err(text)?), sum));
    }
    let occur: std::collections::BTreeSet<usize> = sums.iter().map(|run| run.0).collect();
    same("states that occur", &occur, &(0..states).collect())?;
    for (i, (state, length, sum)) in sums.iter().enumerate() {
        let mut nearest = (f64::INFINITY, states);
        for other in 0..states {
            let alike = || {
                let others = sums.iter().enumerate().filter(|(j, run)| *j != i && run.0 == other);
                others.map(|(_, run)| run)
            };
            let rows: f64 = alike().map(|run| run.1).sum();
            let mean = |j: usize| alike().map(|run| run.2[j]).sum::<f64>() / rows;
            let gaps = sum.iter().enumerate().map(|(j, s)| s / length - mean(j));
            let distance: f64 = gaps.map(|gap| gap * gap).sum();
            if rows > 0.0 && distance < nearest.0 {
                nearest = (distance, other);
            }
        }
        let alone = sums.iter().filter(|run| run.0 == *state).count() == 1;
        if !alone && nearest.1 != *state {
            return Err(format!("run {i} is said to be in state {state}, not {}", nearest.1));
        }
    }
    Ok(())
}

/// Clips and scales on the training rows, applies to both, compares bounds, counts and sums.
fn scaled(
    folder: &Folder,
    case: &Case<'_>,
    table: &Table,
    warm_up: usize,
    split: &(std::ops::Range<usize>, std::ops::Range<usize>),
) -> Result<(), String> {
    case.skip(&["input"]);
    let names = texts(case, "features")?;
    let (train, test) =
        if case.count("n_test")? == 0 { (warm_up..table.dates.len(), 0..0) } else { split.clone() };
    same("n_train", &train.len(), &case.count("n_train")?)?;
    same("n_test", &test.len(), &case.count("n_test")?)?;
    let ranges = [train.clone(), test.clone()];
    let mut parts = [table.rows(&names, train)?, table.rows(&names, test)?];
    let cols = names.len();
    let mut clipped = [vec![0.0; cols], vec![0.0; cols]];
    if let Some(mul) = case.opt("mul") {
        let rows = Rows::new(&parts[0], cols).map_err(text)?;
        let clipper = Clipper::fit(rows, crate::json::float(mul)?).map_err(text)?;
        close("lb", clipper.lower(), &case.floats("lb")?, FLOAT, 1e-3)?;
        close("ub", clipper.upper(), &case.floats("ub")?, FLOAT, 1e-3)?;
        for (part, counts) in parts.iter_mut().zip(&mut clipped) {
            for row in part.chunks_mut(cols) {
                let before = row.to_vec();
                clipper.apply(row).map_err(text)?;
                for ((old, new), count) in before.iter().zip(row).zip(counts.iter_mut()) {
                    *count += f64::from(u8::from(old.total_cmp(new).is_ne()));
                }
            }
        }
    } else {
        same("lb", &(case.opt("lb").is_some() || case.opt("ub").is_some()), &false)?;
    }
    let scaler = Scaler::fit(Rows::new(&parts[0], cols).map_err(text)?).map_err(text)?;
    close("scaler_mean", scaler.mean(), &case.floats("scaler_mean")?, FLOAT, 1e-3)?;
    close("scaler_var", scaler.variance(), &case.floats("scaler_var")?, FLOAT, 1e-6)?;
    close("scaler_scale", scaler.scale(), &case.floats("scaler_scale")?, FLOAT, 1e-3)?;
    for ((part, which), counts) in parts.iter_mut().zip(["train", "test"]).zip(&clipped) {
        part.chunks_mut(cols).try_for_each(|row| scaler.apply(row)).map_err(text)?;
        let sum = |power: i32| -> Vec<f64> {
            (0..cols).map(|j| part.chunks(cols).map(|r| r[j].powi(power)).sum()).collect()
        };
        for (key, found) in [("sum", sum(1)), ("sumsq", sum(2))] {
            if let Some(expected) = case.opt(&format!("{key}_{which}")) {
                close(key, &found, &floats(expected)?, FLOAT, 1.0)?;
            }
        }
        if let Some(expected) = case.opt(&format!("n_clipped_{which}")) {
            close("n_clipped", counts, &floats(expected)?, 0.0, 0.0)?;
        }
    }
    let name = case.text("name")?;
    let rest = name.strip_prefix("train").map(|rest| format!("test{rest}"));
    for ((part, range), name) in parts.iter().zip(ranges).zip([Some(name.to_owned()), rest]) {
        let Some(Ok(matrix)) = name.map(|name| folder.matrix(&name)) else { continue };
        if matrix.returns.len() != range.len() {
            // A matrix cut short, as in the subset: it is read as it is and not made here.
            continue;
        }
        close("the matrix", part, &matrix.data, FLOAT, 1.0)?;
        close("its returns", &table.returns[range.clone()], &matrix.returns, FLOAT, 1e-3)?;
        same("its dates", &table.dates[range].to_vec(), &matrix.dates)?;
    }
    Ok(())
}

/// Refits on windows of the past and the online state of every session in between.
pub(crate) fn rolling(
    file: &Case<'_>,
    table: Option<&Table>,
    tally: &mut Tally,
) -> Result<(), String> {
    let table = table.ok_or("rolling.json needs series.csv and preprocess.json")?;
    let first = file.count("first_row")?;
    let (window, every) = (file.count("window")?, file.count("refit_every")?);
    let (mul, names) = (file.float("clip_mul")?, texts(file, "features")?);
    let seed = u32::try_from(file.count("random_state")?).map_err(text)?;
    let restarts = file.count("n_init")?;
    let data = table.rows(&names, first..table.dates.len())?;
    let rows = Rows::new(&data, names.len()).map_err(text)?;
    let returns = &table.returns[first..];
    for run in file.cases("runs")? {
        tally.count("rolling/refits", Case::new(run)?.list("refits")?.len());
        tally.check("rolling/runs", run, |run| {
            let params =
                JumpParams { seed, restarts, ..JumpParams::new(2, run.float("jump_penalty")?) };
            let mut online = Vec::new();
            for (i, refit) in run.list("refits")?.iter().enumerate() {
                let refit = Case::new(refit)?;
                let at = refit.count("row")?;
                same("row", &at, &(window + i * every))?;
                let until = rows.len().min(at + every);
                one_refit(&refit, &params, rows, returns, (window, mul, at, until), &mut online)
                    .and_then(|()| refit.finish())
                    .map_err(|e| format!("refit {i}: {e}"))?;
            }
            same("online", &online, &run.runs("online_rle")?)
        });
    }
    Ok(())
}

fn one_refit(
    refit: &Case<'_>,
    params: &JumpParams,
    rows: Rows<'_>,
    returns: &[f64],
    (window, mul, at, until): (usize, f64, usize, usize),
    online: &mut Vec<u32>,
) -> Result<(), String> {
    let cols = rows.cols();
    let mut data = rows.as_slice()[(at - window) * cols..until * cols].to_vec();
    let sample = window * cols;
    let clipper =
        Clipper::fit(Rows::new(&data[..sample], cols).map_err(text)?, mul).map_err(text)?;
    data.chunks_mut(cols).try_for_each(|row| clipper.apply(row)).map_err(text)?;
    let scaler = Scaler::fit(Rows::new(&data[..sample], cols).map_err(text)?).map_err(text)?;
    data.chunks_mut(cols).try_for_each(|row| scaler.apply(row)).map_err(text)?;
    close("lb", clipper.lower(), &refit.floats("lb")?, FLOAT, 1e-3)?;
    close("ub", clipper.upper(), &refit.floats("ub")?, FLOAT, 1e-3)?;
    close("mean", scaler.mean(), &refit.floats("mean")?, FLOAT, 1e-3)?;
    close("scale", scaler.scale(), &refit.floats("scale")?, FLOAT, 1e-3)?;
    let fit = params
        .clone()
        .check()
        .and_then(|p| p.fit(Rows::new(&data[..sample], cols)?, Some(&returns[at - window..at])))
        .map_err(text)?;
    close("val", &[fit.model.objective()], &[refit.float("val")?], FLOAT, 1e-6)?;
    close("centers", &flat(&fit.model), &refit.floats("centers")?, FLOAT, 1e-3)?;
    same("labels", &fit.labels, &refit.runs("labels_rle")?)?;
    let mut sliding = atlas_regime::SlidingFilter::new(&fit.model, window).map_err(text)?;
    let mut expanding = Filter::new(&fit.model).map_err(text)?;
    for (t, row) in data.chunks(cols).enumerate() {
        let state = sliding.push(row).map_err(text)?.state;
        expanding.push(row).map_err(text)?;
        if t >= window {
            online.push(u32::from(state));
        }
    }
    Ok(())
}
