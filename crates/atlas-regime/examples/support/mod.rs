//! What the studies share: reading series, figures of a strategy.

// Every study uses a part of this.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    reason = "shared by several examples"
)]

pub mod cells;
pub mod falls;
pub mod files;
pub mod halves;
pub mod labels;
pub mod lengths;
pub mod methods;
pub mod simulate;
pub mod store;
pub mod tables;

use std::io::Read as _;
use std::path::{Path, PathBuf};

use chrono::NaiveDate;

pub type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// The folder of market data: the first argument, or where development keeps it.
pub fn data_folder() -> PathBuf {
    let shared = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data");
    std::env::args_os().nth(1).map_or_else(|| shared.into(), PathBuf::from)
}

/// Dates and values of one column.
#[derive(Debug, Clone, Default)]
pub struct Dated {
    pub dates: Vec<NaiveDate>,
    pub values: Vec<f64>,
}

impl Dated {
    /// Reads the column `name` of a gzip CSV whose first column is the date; rows without a value
    /// are skipped.
    pub fn read(path: &Path, name: &str) -> Outcome<Self> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let column = header.split(',').position(|c| c == name).ok_or("no such column")?;
        let mut out = Self::default();
        for line in lines {
            let cells: Vec<&str> = line.split(',').collect();
            let (date, value) = (cells.first(), cells.get(column));
            if let (Some(date), Some(value)) = (date, value.filter(|v| !v.is_empty())) {
                out.dates.push(date.parse()?);
                out.values.push(value.parse()?);
            }
        }
        Ok(out)
    }

    /// The part from a date on.
    pub fn since(mut self, first: NaiveDate) -> Self {
        let cut = self.dates.partition_point(|d| *d < first);
        self.dates.drain(..cut);
        self.values.drain(..cut);
        self
    }

    /// As the detector wants it.
    pub fn series(&self) -> atlas_regime::Series<'_> {
        atlas_regime::Series { dates: &self.dates, values: &self.values }
    }
}

/// A count as a float.
pub fn float(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / float(values.len())
}

pub fn deviation(values: &[f64]) -> f64 {
    let m = mean(values);
    (values.iter().map(|v| (v - m) * (v - m)).sum::<f64>() / float(values.len() - 1)).sqrt()
}

/// Sessions of a year.
pub const YEAR: f64 = 252.0;

/// Figures of a strategy over some sessions.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Compound growth per year, interest included.
    pub growth: f64,
    /// Standard deviation per year.
    pub volatility: f64,
    /// Mean excess return over its deviation, per year.
    pub sharpe: f64,
    /// Deepest fall from a peak, a fraction.
    pub drawdown: f64,
    /// Sum of changes of position per year, one way, halved as in the paper's tables.
    pub turnover: f64,
    /// Mean position.
    pub exposure: f64,
}

impl Figures {
    /// Holds `positions[t]` of the index in session t and the rest in cash; changes cost `cost`.
    pub fn of(positions: &[f64], returns: &[f64], interest: &[f64], cost: f64) -> Self {
        let (mut wealth, mut peak, mut drawdown, mut changes) = (1.0_f64, 1.0_f64, 0.0_f64, 0.0);
        let (mut excess, mut totals) = (Vec::new(), Vec::new());
        let mut before = positions.first().copied().unwrap_or(0.0);
        for ((p, r), i) in positions.iter().zip(returns).zip(interest) {
            let change = (p - before).abs();
            let total = p * r + (1.0 - p) * i - cost * change;
            changes += change;
            before = *p;
            wealth *= 1.0 + total;
            peak = peak.max(wealth);
            drawdown = drawdown.max(1.0 - wealth / peak);
            excess.push(total - i);
            totals.push(total);
        }
        let years = float(positions.len()) / YEAR;
        Self {
            growth: wealth.powf(1.0 / years) - 1.0,
            volatility: deviation(&totals) * YEAR.sqrt(),
            sharpe: mean(&excess) / deviation(&excess) * YEAR.sqrt(),
            drawdown,
            turnover: changes / 2.0 / years,
            exposure: mean(positions),
        }
    }

    /// A row of a Markdown table.
    pub fn row(&self, name: &str, more: &str) -> String {
        format!(
            "| {name} | {:.1} % | {:.1} % | {:.2} | {:.1} % | {:.0} % | {:.0} % |{more}",
            100.0 * self.growth,
            100.0 * self.volatility,
            self.sharpe,
            100.0 * self.drawdown,
            100.0 * self.turnover,
            100.0 * self.exposure,
        )
    }
}
