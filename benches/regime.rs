//! Speed of the regime engine on the reference's golden matrices.
//!
//! `regime/fit_*`: one fit, ten starts, seed 0. The golden matrices come from `ATLAS_GOLDEN_DIR`,
//! `../shared/golden/jump` beside the repository or the compact subset in the repository; `full3` is wrapped to the
//! wanted number of rows, and where it is absent `train3` takes its place. Which file each figure
//! comes from is said; only a missing folder skips, anything else fails.
//!
//! Everything runs on one thread, restarts included, but `regime/rolling_paper`, which fits its
//! candidates on all cores. `ATLAS_BENCH_AVX512=off` leaves AVX-512 alone, as on a processor without.

#![expect(clippy::print_stderr, reason = "a bench tells what it measured")]

use std::hint::black_box;
use std::path::PathBuf;

use atlas_regime::continuous::ContinuousParams;
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::sparse::SparseParams;
use atlas_regime::{
    Detector, DetectorParams, Filter, FitOptions, Inputs, JumpParams, Rows, Series, VixPolicy,
};
use chrono::{Days, NaiveDate};
use criterion::{Criterion, criterion_group, criterion_main};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// No folder of golden matrices is there.
#[derive(Debug)]
struct NoFolder;

impl std::fmt::Display for NoFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no folder of golden matrices is there")
    }
}

impl std::error::Error for NoFolder {}

/// A matrix and its returns.
struct Matrix {
    cols: usize,
    data: Vec<f64>,
    returns: Vec<f64>,
}

impl Matrix {
    /// Reads a golden matrix and repeats or cuts it to `rows` rows.
    fn read(names: &[&str], cols: usize, rows: usize) -> Result<Self> {
        let given = std::env::var_os("ATLAS_GOLDEN_DIR").map(PathBuf::from);
        let compact = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/jump"));
        let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/golden/jump");
        let folders = given.into_iter().chain([PathBuf::from(shared), compact]);
        let folders: Vec<PathBuf> = folders.filter(|folder| folder.is_dir()).collect();
        if folders.is_empty() {
            return Err(NoFolder.into());
        }
        let mut files = folders
            .iter()
            .flat_map(|f| names.iter().map(move |n| (*n, f.join(format!("X_{n}.csv")))))
            .filter(|(_, file)| file.exists());
        let (name, file) = files.next().ok_or_else(|| format!("no matrix {names:?}"))?;
        let text = std::fs::read_to_string(&file)?;
        let short = if name == names[0] { "" } else { ", which stands in for another" };
        eprintln!("the next figures use {name}{short}: {}", file.display());
        let mut lines = Vec::new();
        for line in text.lines().skip(1) {
            let numbers: Vec<f64> = line.split(',').filter_map(|c| c.parse().ok()).collect();
            if numbers.len() != cols + 1 {
                return Err(format!("a row of {} numbers", numbers.len()).into());
            }
            lines.push(numbers);
        }
        let mut out = Self { cols, data: Vec::new(), returns: Vec::new() };
        for line in lines.iter().cycle().take(rows) {
            out.data.extend(&line[..cols]);
            out.returns.extend(line.last());
        }
        Ok(out)
    }

    fn rows(&self) -> Result<Rows<'_>> {
        Ok(Rows::new(&self.data, self.cols)?)
    }
}

fn fits(c: &mut Criterion) -> Result<()> {
    let sizes = [
        ("k2_t2000", 2, 2000),
        ("k2_t5000", 2, 5000),
        ("k3_t5000", 3, 5000),
        ("k4_t5000", 4, 5000),
        ("k5_t5000", 5, 5000),
        ("k6_t5000", 6, 5000),
        ("k7_t5000", 7, 5000),
        ("k8_t5000", 8, 5000),
    ];
    for (id, states, rows) in sizes {
        let matrix = Matrix::read(&["full3", "train3"], 3, rows)?;
        let (rows, params) = (matrix.rows()?, JumpParams::new(states, 50.0).check()?);
        let fit = params.fit(rows, Some(&matrix.returns))?;
        let steps: usize = fit.restarts.iter().map(|r| r.iterations + 1).sum();
        eprintln!("fit_discrete/{id}: objective {}, {steps} E-steps", fit.model.objective());
        c.bench_function(&format!("regime/fit_discrete/{id}"), |b| {
            b.iter(|| params.fit(black_box(rows), Some(&matrix.returns)));
        });
    }
    let matrix = Matrix::read(&["full3", "train3"], 3, 2000)?;
    let rows = matrix.rows()?;
    let options = FitOptions { returns: Some(&matrix.returns), ..FitOptions::default() };
    for states in [2, 3] {
        let params = ContinuousParams::new(states, 600.0).check()?;
        let fit = params.fit_with(rows, &options)?;
        let steps: usize = fit.restarts.iter().map(|r| r.iterations + 1).sum();
        let id = format!("fit_continuous/k{states}_t2000");
        eprintln!("{id}: objective {}, {steps} E-steps", fit.model.states().objective());
        if states > 2 {
            // A fit takes a good part of a second.
            let mut slow = c.benchmark_group("regime");
            slow.sample_size(10);
            slow.bench_function(id, |b| b.iter(|| params.fit_with(black_box(rows), &options)));
            slow.finish();
        } else {
            c.bench_function(&format!("regime/{id}"), |b| {
                b.iter(|| params.fit_with(black_box(rows), &options));
            });
        }
    }
    let matrix = Matrix::read(&["train9"], 9, 2000)?;
    let (rows, params) = (matrix.rows()?, SparseParams::new(2, 50.0, 3.0).check()?);
    c.bench_function("regime/fit_sparse/t2000_d9", |b| {
        b.iter(|| params.fit(black_box(rows), Some(&matrix.returns)));
    });
    Ok(())
}

fn filters(c: &mut Criterion) -> Result<()> {
    let matrix = Matrix::read(&["full3", "train3"], 3, 5000)?;
    let rows = matrix.rows()?;
    for states in [2, 4] {
        let fit = JumpParams::new(states, 50.0).check()?.fit(rows, Some(&matrix.returns))?;
        let mut filter = Filter::new(&fit.model)?;
        let mut t = 0;
        c.bench_function(&format!("regime/filter_push/k{states}"), |b| {
            b.iter(|| {
                t = if t + 1 == rows.len() { 0 } else { t + 1 };
                // As a caller does it: the estimate is used, an error ends the run.
                let Ok(estimate) = filter.push(black_box(rows.row(t))) else {
                    std::process::abort()
                };
                estimate
            });
        });
        if states == 2 {
            c.bench_function("regime/online_5000/k2", |b| {
                b.iter(|| {
                    let mut filter = Filter::new(&fit.model)?;
                    let mut bears = 0_u32;
                    for row in &rows {
                        bears += u32::from(filter.push(row)?.state);
                    }
                    Ok::<u32, atlas_regime::Error>(bears)
                });
            });
        }
    }
    Ok(())
}

/// 33 years of made-up daily closes that follow the golden returns.
fn series() -> Result<(Vec<NaiveDate>, Vec<f64>)> {
    let matrix = Matrix::read(&["full3", "train3"], 3, 33 * 252)?;
    let first = NaiveDate::from_ymd_opt(1990, 1, 2).ok_or("a date")?;
    let mut close = 1000.0;
    let mut dates = Vec::new();
    let mut closes = Vec::new();
    for (t, r) in (0..).zip(&matrix.returns) {
        close *= 1.0 + r;
        dates.push(first + Days::new(t));
        closes.push(close);
    }
    Ok((dates, closes))
}

fn detectors(c: &mut Criterion) -> Result<()> {
    let (dates, closes) = series()?;
    let penalties = vec![5.0, 10.0, 15.0, 25.0, 35.0, 50.0, 70.0, 100.0, 150.0, 220.0];
    let params = RollingParams::paper(penalties).check()?;
    let run = || {
        let mut detector = RollingDetector::new(params.clone())?;
        let mut said = 0;
        for (date, close) in dates.iter().zip(&closes) {
            said += usize::from(detector.push(*date, *close, 1e-4)?.is_some());
        }
        Ok::<usize, atlas_regime::Error>(said)
    };
    let cores = rayon::ThreadPoolBuilder::new().build()?;
    let mut slow = c.benchmark_group("regime");
    slow.sample_size(10);
    slow.bench_function("rolling_paper", |b| b.iter(|| cores.install(run)));
    slow.finish();
    let params = DetectorParams { vix_missing: VixPolicy::CarryOn, ..DetectorParams::calibrated() };
    let detector = Detector::new(params.check()?);
    let (dates, closes) = (&dates[..7300], &closes[..7300]);
    let index = Series { dates, values: closes };
    let inputs = Inputs { index, vix: None, rate: None, as_of: dates[7299] };
    c.bench_function("regime/detect/7300", |b| b.iter(|| detector.detect(black_box(&inputs))));
    Ok(())
}

fn all(c: &mut Criterion) {
    if std::env::var_os("ATLAS_BENCH_AVX512").is_some_and(|wanted| wanted == "off") {
        eprintln!("vectors of four only, as on a processor without AVX-512");
        atlas_regime::without_avx512();
    }
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
    assert!(alone.is_ok(), "the threads are set once: {alone:?}");
    for bench in [fits, filters, detectors] {
        if let Err(problem) = bench(c) {
            assert!(problem.is::<NoFolder>(), "the bench failed: {problem}");
            eprintln!("skipped: {problem}");
        }
    }
}

criterion_group!(regime, all);
criterion_main!(regime);
