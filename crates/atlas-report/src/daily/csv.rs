//! The rows as a file.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::DayFigures;
use crate::error::Error;

const HEADER: &str = "date,equity,daily_return,cumulative_return,max_drawdown,rolling_sharpe_63,\
win_rate,profit_factor,heat,exposure,concentration,correlation,rejection_rate,slippage_bps,\
runtime_ms,regime,orders_filled,weights\n";

/// The rows as CSV with a header; an empty field is a figure that is not defined, weights are
/// `SYMBOL:share` parted by blanks.
#[must_use]
pub fn metrics_csv(rows: &[DayFigures]) -> String {
    let lines = rows.iter().map(line);
    [HEADER.to_owned()].into_iter().chain(lines).collect()
}

fn line(row: &DayFigures) -> String {
    let weights: Vec<String> =
        row.weights.iter().map(|(symbol, weight)| format!("{symbol}:{weight:.6}")).collect();
    let numbers = [
        row.daily_return,
        Some(row.cumulative_return),
        Some(row.max_drawdown),
        row.rolling_sharpe,
        row.win_rate,
        row.profit_factor,
        row.heat,
        Some(row.exposure),
        row.concentration,
        row.correlation,
        row.rejection_rate,
        row.slippage_bps,
    ];
    let numbers: Vec<String> =
        numbers.iter().map(|x| x.map(|x| format!("{x:.6}")).unwrap_or_default()).collect();
    format!(
        "{},{},{},{:.0},{},{},{}\n",
        row.date,
        row.equity,
        numbers.join(","),
        row.runtime_ms,
        row.regime,
        row.orders_filled,
        weights.join(" ")
    )
}

/// Writes the rows as `<folder>/metrics.csv`, in place of the one before; a reader finds either.
///
/// # Errors
/// [`Error::Io`] naming the file.
pub fn write_metrics(folder: &Path, rows: &[DayFigures]) -> Result<(), Error> {
    let path = folder.join("metrics.csv");
    let draft = folder.join(".metrics.csv.draft");
    File::create(&draft)
        .and_then(|mut file| {
            file.write_all(metrics_csv(rows).as_bytes()).and_then(|()| file.sync_all())
        })
        .and_then(|()| fs::rename(&draft, &path))
        .map_err(|source| Error::Io { path, source })
}
