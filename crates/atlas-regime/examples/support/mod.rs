//! Reading dated series from gzip CSV files.
use std::io::Read as _;
use std::path::Path;

use chrono::NaiveDate;

/// Dates and values of one column.
#[derive(Debug, Clone, Default)]
pub struct Dated {
    pub dates: Vec<NaiveDate>,
    pub values: Vec<f64>,
}

impl Dated {
    /// Reads the column `name` next to the first column's dates; rows without a value are skipped.
    pub fn read(path: &Path, name: &str) -> Result<Self, Box<dyn std::error::Error>> {
        let mut text = String::new();
        flate2::read::GzDecoder::new(std::fs::File::open(path)?).read_to_string(&mut text)?;
        let mut lines = text.lines();
        let header = lines.next().unwrap_or_default();
        let column = header.split(',').position(|c| c == name).ok_or("no such column")?;
        let mut out = Self::default();
        for line in lines {
            let mut cells = line.split(',');
            let date = cells.next().unwrap_or_default();
            let value = line.split(',').nth(column).unwrap_or_default();
            if !value.is_empty() {
                out.dates.push(date.parse()?);
                out.values.push(value.parse()?);
            }
        }
        Ok(out)
    }

    /// As the detector wants it.
    pub fn series(&self) -> atlas_regime::Series<'_> {
        atlas_regime::Series { dates: &self.dates, values: &self.values }
    }
}
