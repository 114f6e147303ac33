//! Bars from a Parquet file.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use atlas_core::Symbol;
use chrono::{DateTime, NaiveDate, TimeDelta};
use parquet::basic::{LogicalType, TimeUnit};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;

use crate::Error;
use crate::file::{self, Digester};
use crate::market::{MarketData, SourceInfo};
use crate::rows::{BarRow, BarRows, LevelKind, LevelRows, Parsed, iso_date};
use crate::source::BarSource;
use crate::universe::{self, Universe};

/// Bars from one Parquet file with a row for each symbol and session. Needs the cargo feature
/// `parquet`.
///
/// | column | type | holds |
/// | --- | --- | --- |
/// | `symbol` | text | `AAPL`; `SPX` or `INDEX` for the index, `VIX`, `DTB3` or `RATE` |
/// | `date` | date, timestamp in UTC, or text like 2019-01-02 | the session |
/// | `open`, `high`, `low`, `close`, `adj_close`, `volume` | any number | as in [`CsvSource`](crate::CsvSource) |
///
/// Names of columns may be in upper or lower case, in any order; others are passed over. Rows of
/// one symbol stand in the order of dates. The rate, in per cent per year, is in `close`.
/// Compression may be none, Snappy or Zstandard.
#[derive(Debug)]
pub struct ParquetSource {
    path: PathBuf,
    contents: Contents,
    sha256: String,
}

impl ParquetSource {
    /// Reads the file.
    ///
    /// # Errors
    /// [`Error::Read`] when it cannot be read; [`Error::BadFile`] when it is no Parquet file, is
    /// damaged, lacks a column, or has a row that cannot be true, which is then named.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let mut digester = Digester::default();
        let bytes = file::read(path, &mut digester)?;
        let contents = contents(&path.display().to_string(), bytes)?;
        Ok(Self { path: path.to_path_buf(), contents, sha256: digester.finish() })
    }

    fn symbols(&self) -> Vec<Symbol> {
        self.contents.series.keys().cloned().collect()
    }
}

impl BarSource for ParquetSource {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn universes(&self) -> Result<Vec<Universe>, Error> {
        let symbols = self.symbols();
        if symbols.is_empty() {
            return Err(Error::NoSeries {
                series: "prices",
                place: self.name(),
                remedy: "rows of a symbol such as AAPL",
            });
        }
        Ok(vec![Universe::named("all", symbols)])
    }

    fn load(&self, universe: &Universe) -> Result<MarketData, Error> {
        let file = self.name();
        let mut notes = Vec::new();
        let mut series = BTreeMap::new();
        for symbol in universe.symbols() {
            let Some(rows) = self.contents.series.get(symbol) else {
                return Err(universe::unknown_symbol(symbol.clone(), file, &self.symbols()));
            };
            let prices = noted(rows.clone().series(&file, symbol)?, symbol.as_str(), &mut notes);
            series.insert(symbol.clone(), prices);
        }
        let Some(index) = &self.contents.index else {
            return Err(Error::NoSeries {
                series: "index",
                place: file,
                remedy: "rows with the symbol SPX or INDEX",
            });
        };
        let index = noted(index.clone().index(&file)?, "the index", &mut notes);
        let mut levels = |rows: &Option<LevelRows>, name| match rows {
            Some(rows) => Ok::<_, Error>(Some(noted(rows.clone().levels()?, name, &mut notes))),
            None => Ok(None),
        };
        let vix = levels(&self.contents.vix, "the VIX")?;
        let rate = levels(&self.contents.rate, "the rate")?;
        let source = SourceInfo { name: file, sha256: self.sha256.clone(), notes };
        Ok(MarketData { series, index, vix, rate, source })
    }
}

/// The value, with a note when some of its rows were passed over.
fn noted<T>(parsed: Parsed<T>, name: &str, notes: &mut Vec<String>) -> T {
    if parsed.too_old > 0 {
        notes.push(format!("{name}: {} rows before 1990-01-02 are not used.", parsed.too_old));
    }
    parsed.value
}

/// All rows of a file, sorted by what they are of.
#[derive(Debug, Default)]
struct Contents {
    series: BTreeMap<Symbol, BarRows>,
    index: Option<BarRows>,
    vix: Option<LevelRows>,
    rate: Option<LevelRows>,
}

impl Contents {
    fn push(&mut self, symbol: &str, date: NaiveDate, row: &BarRow) -> Result<(), String> {
        match symbol {
            "SPX" | "INDEX" => self.index.get_or_insert_default().push(date, row),
            "VIX" => {
                let vix = self.vix.get_or_insert_with(|| LevelRows::new(LevelKind::Vix));
                vix.push(date, row.close)
            }
            "DTB3" | "RATE" => {
                let rate = self.rate.get_or_insert_with(|| LevelRows::new(LevelKind::Rate));
                rate.push(date, row.close)
            }
            _ => {
                let symbol = Symbol::new(symbol).map_err(|error| error.to_string())?;
                self.series.entry(symbol).or_default().push(date, row)
            }
        }
    }
}

/// Parses a file, whatever its bytes are.
fn contents(file: &str, bytes: Vec<u8>) -> Result<Contents, Error> {
    // The reader of the format panics on some damaged files; nothing of ours outlives that.
    let parsed = catch_unwind(AssertUnwindSafe(|| parse(file, bytes)));
    parsed.unwrap_or_else(|_| {
        let problem = "is damaged, or holds what this reader does not know; write it anew";
        Err(Error::BadFile { file: file.to_owned(), problem: problem.to_owned() })
    })
}

fn parse(file: &str, bytes: Vec<u8>) -> Result<Contents, Error> {
    let refuse = |problem: String| Error::BadFile { file: file.to_owned(), problem };
    let unreadable = |error: ParquetError| refuse(format!("is not readable Parquet: {error}"));
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).map_err(unreadable)?;
    let root = reader.metadata().file_metadata().schema_descr().root_schema();
    let (fields, columns) = wanted(root).map_err(refuse)?;
    let projection = Type::group_type_builder(root.name()).with_fields(fields).build();
    let rows = reader.get_row_iter(Some(projection.map_err(unreadable)?)).map_err(unreadable)?;
    let mut contents = Contents::default();
    for (number, row) in (1_u64..).zip(rows) {
        let taken = take(&mut contents, &columns, &row.map_err(unreadable)?);
        taken
            .map_err(|problem| refuse(format!("row {number}: {problem}; correct or remove it")))?;
    }
    Ok(contents)
}

/// What a column of the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Symbol,
    /// Whether a bare number is nanoseconds since 1970.
    Date {
        nanos: bool,
    },
    Open,
    High,
    Low,
    Close,
    AdjClose,
    Volume,
}

/// The columns that are read, in the order of the file.
fn wanted(root: &Type) -> Result<(Vec<Arc<Type>>, Vec<Column>), String> {
    let (mut fields, mut columns) = (Vec::new(), Vec::new());
    for field in root.get_fields() {
        if let Some(column) = known(field) {
            if columns.iter().any(|other| same_column(*other, column)) {
                return Err(format!("has two columns {:?}; keep one", field.name()));
            }
            fields.push(Arc::clone(field));
            columns.push(column);
        }
    }
    let has = |wanted: fn(&Column) -> bool| columns.iter().any(wanted);
    if !has(|column| *column == Column::Symbol) {
        return Err("has no column \"symbol\" of text".to_owned());
    }
    if !has(|column| matches!(column, Column::Date { .. })) {
        return Err("has no column \"date\"".to_owned());
    }
    if !has(|column| matches!(column, Column::Close | Column::AdjClose)) {
        return Err("has no column \"close\" or \"adj_close\"".to_owned());
    }
    Ok((fields, columns))
}

fn same_column(a: Column, b: Column) -> bool {
    std::mem::discriminant(&a) == std::mem::discriminant(&b)
}

fn known(field: &Type) -> Option<Column> {
    if !field.is_primitive() {
        return None;
    }
    let column = match field.name().to_ascii_lowercase().as_str() {
        "symbol" => Column::Symbol,
        "date" => {
            let nanos = match field.get_basic_info().logical_type_ref() {
                Some(LogicalType::Timestamp(stamp)) => stamp.unit == TimeUnit::NANOS,
                _ => false,
            };
            Column::Date { nanos }
        }
        "open" => Column::Open,
        "high" => Column::High,
        "low" => Column::Low,
        "close" => Column::Close,
        "adj_close" | "adj close" | "adjclose" => Column::AdjClose,
        "volume" => Column::Volume,
        _ => return None,
    };
    Some(column)
}

/// Sorts one row into the contents.
fn take(contents: &mut Contents, columns: &[Column], row: &Row) -> Result<(), String> {
    let (mut symbol, mut day, mut bar) = (None, None, BarRow::default());
    for (column, (_, field)) in columns.iter().zip(row.get_column_iter()) {
        match column {
            Column::Symbol => symbol = text(field),
            Column::Date { nanos } => day = date(field, *nanos),
            Column::Open => bar.open = number(field)?,
            Column::High => bar.high = number(field)?,
            Column::Low => bar.low = number(field)?,
            Column::Close => bar.close = number(field)?,
            Column::AdjClose => bar.adj_close = number(field)?,
            Column::Volume => bar.volume = number(field)?,
        }
    }
    let symbol = symbol.ok_or("has no symbol")?;
    let day = day.ok_or("has no date, as a date, a timestamp or text like 2019-01-02")?;
    contents.push(symbol, day, &bar)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum of every type there is")]
fn text(field: &Field) -> Option<&str> {
    match field {
        Field::Str(text) => Some(text),
        Field::Bytes(bytes) => std::str::from_utf8(bytes.data()).ok(),
        _ => None,
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum of every type there is")]
fn date(field: &Field, nanos: bool) -> Option<NaiveDate> {
    let instant = match field {
        Field::Date(days) => {
            let days = TimeDelta::try_days(i64::from(*days))?;
            return NaiveDate::default().checked_add_signed(days);
        }
        Field::Str(text) => return iso_date(text.as_bytes()),
        Field::Bytes(bytes) => return iso_date(bytes.data()),
        Field::TimestampMillis(millis) => DateTime::from_timestamp_millis(*millis)?,
        Field::TimestampMicros(micros) => DateTime::from_timestamp_micros(*micros)?,
        Field::Long(count) if nanos => DateTime::from_timestamp_nanos(*count),
        _ => return None,
    };
    Some(instant.date_naive())
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a foreign enum of every type there is")]
#[expect(clippy::cast_precision_loss, reason = "whole prices and volumes are below 2^53")]
fn number(field: &Field) -> Result<Option<f64>, String> {
    let number = match field {
        Field::Null => return Ok(None),
        Field::Double(number) => *number,
        Field::Float(number) => f64::from(*number),
        Field::Int(number) => f64::from(*number),
        Field::UInt(number) => f64::from(*number),
        Field::Long(number) => *number as f64,
        Field::ULong(number) => *number as f64,
        other => return Err(format!("{other} is not a number")),
    };
    if number.is_finite() {
        return Ok(Some(number));
    }
    Err(format!("{number} is not a number"))
}

#[cfg(test)]
mod tests;
