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
pub trait BarSource: fmt::Debug + Send + Sync {
    /// A short name for messages and for the record: a word or a path.
    fn name(&self) -> String;

    /// The universes the source offers by name, the usual one first; never empty symbols.
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
/// or file; see [`CsvSource`] for the layouts.
///
/// A broker's market data are not opened here: the crate that speaks to the broker does that.
///
/// # Errors
/// [`Error::Read`] when a path does not exist, [`Error::Setting`] when a seed is no number.
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
    Ok(Box::new(CsvSource::open(Path::new(data))?))
}
