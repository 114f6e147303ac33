//! Bars from comma-separated files.

mod actions;
mod bars;
mod intraday;
mod levels;
mod table;
mod wide;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use atlas_core::{Adjusted, Bars, Symbol};

pub(crate) use actions::actions as parse_actions;
pub(crate) use bars::{index as parse_index, series as parse_series};
pub(crate) use intraday::{intraday as parse_intraday, named as named_intraday};
pub(crate) use levels::{rate as parse_rate, vix as parse_vix};
pub(crate) use wide::{closes as parse_closes, symbols as parse_symbols};

use crate::Error;
use crate::file::{self, Digester};
use crate::levels::Levels;
use crate::market::{MarketData, SourceInfo};
use crate::rows::Parsed;
use crate::series::Series;
use crate::source::BarSource;
use crate::universe::{self, Universe};

/// Bars from a folder with a file a symbol, or from one wide file.
///
/// Files end in `.csv`, or in `.csv.gz` when packed. Fields are separated by commas, the first
/// line names the columns in any order and case, dates are written 2019-01-02 and increase,
/// prices are in USD. Rows before 1990-01-02, the first session of the calendar, are passed over;
/// a row on a day without trading is an error.
///
/// # A folder
///
/// | file | columns | holds |
/// | --- | --- | --- |
/// | `AAPL.csv`, any symbol | `date`, `open`, `high`, `low`, `close`, `adj_close`, `volume` | prices of the symbol |
/// | `index.csv` or `SPX.csv` | the same | the index the regime is read from; needed |
/// | `VIX.csv` | `date`, `close` | the VIX, in points; Cboe's daily history and FRED's `VIXCLS` as they are |
/// | `rate.csv` or `DTB3.csv` | `date`, `rate_pct` | a short rate, per cent per year; FRED's `DTB3` as it is |
///
/// Of the price columns `close` or `adj_close` is needed. With `close` the prices are *raw*: what
/// one traded at, possibly split-adjusted, and `adj_close`, if there is one, serves for returns.
/// With `adj_close` alone the prices are *adjusted* and orderable in a replay only. A column is
/// filled in every row or in none. Files whose name is not a symbol in capitals are left alone;
/// those with bars within days are read by [`VenueFiles`](crate::VenueFiles).
///
/// # A wide file
///
/// `Date,AAPL,MSFT,…` with adjusted closes; an empty field is a session without a price. Index,
/// VIX and rate are taken from the files above in the same folder.
///
/// # Examples
///
/// ```
/// use atlas_data::{BarSource, CsvSource, Universe};
///
/// let folder = tempfile::tempdir()?;
/// let rows = "date,close\n2019-01-02,100\n2019-01-03,98.5\n";
/// std::fs::write(folder.path().join("AAPL.csv"), rows)?;
/// std::fs::write(folder.path().join("index.csv"), rows)?;
///
/// let source = CsvSource::open(folder.path())?;
/// let market = source.load(&Universe::resolve(None, &source)?)?;
/// assert_eq!(market.series.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CsvSource {
    path: PathBuf,
    prices: Prices,
    index: Option<PathBuf>,
    vix: Option<PathBuf>,
    rate: Option<PathBuf>,
}

/// Where the prices of symbols are.
#[derive(Debug, Clone)]
enum Prices {
    /// A file each.
    Files(BTreeMap<Symbol, PathBuf>),
    /// A column each of one file.
    Wide(PathBuf),
}

impl CsvSource {
    /// Looks at a folder or a wide file; nothing is parsed yet.
    ///
    /// # Errors
    /// [`Error::Read`] when the path cannot be read, [`Error::TwoFiles`] when a series is there
    /// twice.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let refuse = |source| Error::Read { path: path.to_path_buf(), source };
        let is_folder = std::fs::metadata(path).map_err(refuse)?.is_dir();
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = if is_folder { path } else { parent.unwrap_or(Path::new(".")) };
        let mut files = csv_files(folder)?;
        let mut take = |names: [&str; 2]| {
            let [first, second] = names.map(|name| files.remove(name));
            match (first, second) {
                (Some(first), Some(second)) => Err(Error::TwoFiles { first, second }),
                (first, second) => Ok(first.or(second)),
            }
        };
        let (index, vix) = (take(["index", "SPX"])?, take(["VIX", "vix"])?);
        let rate = take(["rate", "DTB3"])?;
        let prices = if is_folder {
            let symbol = |(stem, path): (String, PathBuf)| Some((Symbol::new(&stem).ok()?, path));
            Prices::Files(files.into_iter().filter_map(symbol).collect())
        } else {
            Prices::Wide(path.to_path_buf())
        };
        Ok(Self { path: path.to_path_buf(), prices, index, vix, rate })
    }

    /// Takes the index from this file instead.
    #[must_use]
    pub fn with_index(mut self, file: &Path) -> Self {
        self.index = Some(file.to_path_buf());
        self
    }

    /// Takes the VIX from this file instead.
    #[must_use]
    pub fn with_vix(mut self, file: &Path) -> Self {
        self.vix = Some(file.to_path_buf());
        self
    }

    /// Takes the rate from this file instead.
    #[must_use]
    pub fn with_rate(mut self, file: &Path) -> Self {
        self.rate = Some(file.to_path_buf());
        self
    }

    /// The prices of a universe alone, for who needs no index.
    ///
    /// # Errors
    /// As [`BarSource::load`].
    pub fn load_prices(&self, universe: &Universe) -> Result<BTreeMap<Symbol, Series>, Error> {
        self.load_series(universe.symbols(), &mut Reading::default())
    }

    fn symbols(&self) -> Result<Vec<Symbol>, Error> {
        match &self.prices {
            Prices::Files(files) => Ok(files.keys().cloned().collect()),
            Prices::Wide(path) => {
                let bytes = file::read(path, &mut Digester::default())?;
                let name = path.display().to_string();
                refuse_single(&name, &bytes)?;
                parse_symbols(&name, &bytes)
            }
        }
    }

    fn load_series(
        &self,
        wanted: &[Symbol],
        reading: &mut Reading,
    ) -> Result<BTreeMap<Symbol, Series>, Error> {
        let mut series = BTreeMap::new();
        match &self.prices {
            Prices::Wide(path) => {
                let closes =
                    reading.parsed(path, |name, bytes| parse_closes(name, bytes, wanted))?;
                series.extend(closes.into_iter().map(|(s, bars)| (s, Series::Adjusted(bars))));
            }
            Prices::Files(files) => {
                for symbol in wanted {
                    let Some(path) = files.get(symbol) else { continue };
                    let parse = |name: &str, bytes: &[u8]| parse_series(name, symbol, bytes);
                    series.insert(symbol.clone(), reading.parsed(path, parse)?);
                }
            }
        }
        for symbol in wanted {
            if !series.contains_key(symbol) {
                let known: Vec<Symbol> = self.symbols()?;
                return Err(universe::unknown_symbol(symbol.clone(), self.name(), &known));
            }
        }
        Ok(series)
    }

    fn load_index(&self, reading: &mut Reading) -> Result<Bars<Adjusted>, Error> {
        let Some(path) = &self.index else {
            return Err(Error::NoSeries {
                series: "index",
                place: self.name(),
                remedy: "index.csv or SPX.csv with the columns date and close",
            });
        };
        reading.parsed(path, parse_index)
    }
}

impl BarSource for CsvSource {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn universes(&self) -> Result<Vec<Universe>, Error> {
        let symbols = self.symbols()?;
        if symbols.is_empty() {
            return Err(Error::NoSeries {
                series: "prices",
                place: self.name(),
                remedy: "a file such as AAPL.csv for each symbol",
            });
        }
        Ok(vec![Universe::named("all", symbols)])
    }

    fn load(&self, universe: &Universe) -> Result<MarketData, Error> {
        let mut reading = Reading::default();
        let series = self.load_series(universe.symbols(), &mut reading)?;
        let index = self.load_index(&mut reading)?;
        let vix: Option<Levels> = match &self.vix {
            Some(path) => Some(reading.parsed(path, parse_vix)?),
            None => None,
        };
        let rate = match &self.rate {
            Some(path) => Some(reading.parsed(path, parse_rate)?),
            None => None,
        };
        let source = reading.finish(self.name(), &series);
        Ok(MarketData { series, index, vix, rate, source })
    }
}

/// What is gathered while files are read one after the other.
#[derive(Default)]
struct Reading {
    digester: Digester,
    notes: Vec<String>,
}

impl Reading {
    fn parsed<T>(
        &mut self,
        path: &Path,
        parse: impl FnOnce(&str, &[u8]) -> Result<Parsed<T>, Error>,
    ) -> Result<T, Error> {
        let bytes = file::read(path, &mut self.digester)?;
        let name = path.display().to_string();
        let parsed = parse(&name, &bytes)?;
        if parsed.too_old > 0 {
            let rows = parsed.too_old;
            self.notes.push(format!("{name}: {rows} rows before 1990-01-02 are not used."));
        }
        Ok(parsed.value)
    }

    fn finish(mut self, name: String, series: &BTreeMap<Symbol, Series>) -> SourceInfo {
        let unadjusted = |series: &&Series| match series {
            Series::Raw(bars) => bars.columns().adj_close.is_empty(),
            Series::Adjusted(_) => false,
        };
        let count = series.values().filter(unadjusted).count();
        if count > 0 {
            self.notes.push(format!(
                "{count} symbols have no adjusted closes: splits and dividends count as returns."
            ));
        }
        SourceInfo { name, sha256: self.digester.finish(), notes: self.notes }
    }
}

/// The comma-separated files of a folder by what comes before the ending.
pub(crate) fn csv_files(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Error> {
    let refuse = |source| Error::Read { path: folder.to_path_buf(), source };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(refuse)? {
        let path = entry.map_err(refuse)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        let stem = name.strip_suffix(".gz").unwrap_or(name).strip_suffix(".csv");
        if let Some(stem) = stem.map(str::to_owned)
            && let Some(first) = files.insert(stem, path.clone())
        {
            let (first, second) = if first < path { (first, path) } else { (path, first) };
            return Err(Error::TwoFiles { first, second });
        }
    }
    Ok(files)
}

/// Refuses the file of one symbol where a wide file is expected.
fn refuse_single(file: &str, bytes: &[u8]) -> Result<(), Error> {
    let table = table::Table::open(file, bytes)?;
    if table.column(&["close", "adj_close", "adj close"]).is_none() {
        return Ok(());
    }
    Err(Error::BadFile {
        file: file.to_owned(),
        problem: "holds the bars of one symbol; give the folder it is in".to_owned(),
    })
}

#[cfg(test)]
mod tests;
