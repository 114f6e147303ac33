//! Where bars come from.

use std::fmt;
use std::path::Path;

use crate::Error;
use crate::csv_source::CsvSource;
use crate::market::MarketData;
use crate::sample::SampleSource;
use crate::synthetic::SyntheticSource;
use crate::universe::Universe;

/// A place that daily bars are loaded from.
///
/// What it returns is checked row by row: dates increase and are sessions, prices are finite and
/// above zero, highs and lows contain the bar. Whether the series are complete and fresh depends
/// on the date of the decision and is asked of [`MarketData::as_of`].
///
/// # Examples
///
/// A source of one's own delegates what it does not change:
///
/// ```
/// use atlas_data::{BarSource, Error, MarketData, SampleSource, Universe};
///
/// /// The sample without its VIX.
/// #[derive(Debug)]
/// struct NoVix;
///
/// impl BarSource for NoVix {
///     fn name(&self) -> String {
///         "sample without VIX".to_owned()
///     }
///
///     fn universes(&self) -> Result<Vec<Universe>, Error> {
///         SampleSource.universes()
///     }
///
///     fn load(&self, universe: &Universe) -> Result<MarketData, Error> {
///         Ok(MarketData { vix: None, ..SampleSource.load(universe)? })
///     }
/// }
///
/// assert!(NoVix.load(&Universe::resolve(None, &NoVix)?)?.vix.is_none());
/// # Ok::<(), Error>(())
/// ```
pub trait BarSource: fmt::Debug + Send + Sync {
    /// A short name for messages and for the record: a word or a path.
    fn name(&self) -> String;

    /// The universes the source offers by name, the usual one first; at least one, none without a
    /// symbol.
    ///
    /// # Errors
    /// An [`Error`] when the source cannot be read.
    fn universes(&self) -> Result<Vec<Universe>, Error>;

    /// Loads the prices of a universe, the index, and the VIX and the rate if there are any.
    ///
    /// # Errors
    /// An [`Error`] naming the file, the place in it and what is wrong there.
    fn load(&self, universe: &Universe) -> Result<MarketData, Error>;
}

/// The source that `--data` names: `sample`, `synthetic`, `synthetic:SEED`, or a path to a folder
/// or file. See [`CsvSource`] for the layouts; a name ending in `.parquet` needs the cargo feature
/// `parquet`.
///
/// A broker's market data are not opened here: the crate that speaks to the broker does that.
///
/// # Errors
/// [`Error::Read`] when a path does not exist, [`Error::Setting`] when a seed is no
/// number or Parquet is not built in, and what the source objects to in the path.
///
/// # Examples
///
/// ```
/// assert_eq!(atlas_data::open("sample")?.name(), "sample");
/// assert!(atlas_data::open("/no/such/folder").is_err());
/// # Ok::<(), atlas_data::Error>(())
/// ```
pub fn open(data: &str) -> Result<Box<dyn BarSource>, Error> {
    if data == "sample" {
        return Ok(Box::new(SampleSource));
    }
    if data == "synthetic" {
        return Ok(Box::new(SyntheticSource::seeded(1)));
    }
    if let Some(seed) = data.strip_prefix("synthetic:") {
        let seed = seed.parse().map_err(|_| Error::Setting {
            what: "seed",
            value: format!("{seed:?}"),
            range: "give a whole number from 0 to 18446744073709551615",
        })?;
        return Ok(Box::new(SyntheticSource::seeded(seed)));
    }
    let path = Path::new(data);
    if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("parquet")) {
        return open_parquet(path);
    }
    Ok(Box::new(CsvSource::open(path)?))
}

#[cfg(feature = "parquet")]
fn open_parquet(path: &Path) -> Result<Box<dyn BarSource>, Error> {
    Ok(Box::new(crate::parquet_source::ParquetSource::open(path)?))
}

#[cfg(not(feature = "parquet"))]
fn open_parquet(path: &Path) -> Result<Box<dyn BarSource>, Error> {
    Err(Error::Setting {
        what: "data",
        value: path.display().to_string(),
        range: "this program was built without Parquet; build it with --features parquet, or give \
                comma-separated files",
    })
}
