//! What a simulated exchange can use beyond daily bars: bars within days, and what companies do to
//! their shares.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use atlas_core::Symbol;
use atlas_core::bars::IntradayBars;
use chrono::TimeDelta;

use crate::Error;
use crate::actions::CompanyAction;
use crate::csv_source::{csv_files, named_intraday, parse_actions, parse_intraday};
use crate::file::{self, Digester};

/// The files of a data folder that only a venue reads.
///
/// | file | columns | holds |
/// | --- | --- | --- |
/// | `SPY_1min.csv`, `BTCUSD_1h.csv`, in the folder or in `intraday/` | `ts`, `open`, `high`, `low`, `close`, `volume`, `vwap`, `trades` | bars within days; the name says the symbol and the length of a bar (`min`, `h`) |
/// | `actions/AAPL.csv` | `date`, `dividend`, `split_ratio`, `pay_date`, `renamed_to`, `delisting_return_bps` | what a company does to its shares |
///
/// `ts` is the first moment of a bar in RFC 3339 with its offset; prices are as printed. The last
/// three columns may be missing or empty. Of actions only `date` is needed: a dividend is in dollars
/// a share, a split ratio is new shares for one old one, zero or nothing is none. Crypto is told by its
/// name: `BTCUSD` or `BTC-USD`. Files may be packed (`.csv.gz`).
///
/// # Examples
/// ```
/// let folder = tempfile::tempdir()?;
/// let rows = "ts,open,high,low,close,volume\n2024-02-20T09:30:00-05:00,497.7,498.1,497.6,498,9\n";
/// std::fs::write(folder.path().join("SPY_1min.csv"), rows)?;
/// let files = atlas_data::VenueFiles::find(folder.path())?;
/// assert_eq!(files.intraday()?[0].symbol().as_str(), "SPY");
/// assert!(files.actions()?.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct VenueFiles {
    /// Finest bars first.
    intraday: Vec<(TimeDelta, Symbol, PathBuf)>,
    actions: BTreeMap<Symbol, PathBuf>,
}

impl VenueFiles {
    /// Looks into a folder; nothing is parsed yet. Anything else than a folder has no such files.
    ///
    /// # Errors
    /// [`Error::Read`] when a folder cannot be read, [`Error::TwoFiles`] when a series is there
    /// twice.
    pub fn find(path: &Path) -> Result<Self, Error> {
        let mut found = Self::default();
        if !path.is_dir() {
            return Ok(found);
        }
        let mut known: BTreeMap<(TimeDelta, Symbol), PathBuf> = BTreeMap::new();
        for folder in [path.to_path_buf(), path.join("intraday")] {
            if !folder.is_dir() {
                continue;
            }
            for (stem, path) in csv_files(&folder)? {
                let Some((symbol, length)) = named_intraday(&stem) else { continue };
                if let Some(first) = known.insert((length, symbol), path.clone()) {
                    return Err(Error::TwoFiles { first, second: path });
                }
            }
        }
        let each = known.into_iter().map(|((length, symbol), path)| (length, symbol, path));
        found.intraday = each.collect();
        let folder = path.join("actions");
        if folder.is_dir() {
            let symbol = |(stem, path): (String, PathBuf)| Some((Symbol::new(&stem).ok()?, path));
            found.actions = csv_files(&folder)?.into_iter().filter_map(symbol).collect();
        }
        Ok(found)
    }

    /// All bars within days, the finest first.
    ///
    /// # Errors
    /// An [`Error`] naming the file, the line and what is wrong there.
    pub fn intraday(&self) -> Result<Vec<IntradayBars>, Error> {
        let read = |(length, symbol, path): &(TimeDelta, Symbol, PathBuf)| {
            let bytes = file::read(path, &mut Digester::default())?;
            parse_intraday(&path.display().to_string(), symbol, *length, &bytes)
        };
        self.intraday.iter().map(read).collect()
    }

    /// What companies do to their shares, by symbol, each in the order of dates.
    ///
    /// # Errors
    /// An [`Error`] naming the file, the line and what is wrong there.
    pub fn actions(&self) -> Result<BTreeMap<Symbol, Vec<CompanyAction>>, Error> {
        let read = |(symbol, path): (&Symbol, &PathBuf)| {
            let bytes = file::read(path, &mut Digester::default())?;
            Ok((symbol.clone(), parse_actions(&path.display().to_string(), &bytes)?))
        };
        self.actions.iter().map(read).collect()
    }

    /// Symbols with bars within days.
    #[must_use]
    pub fn symbols(&self) -> Vec<Symbol> {
        let mut all: Vec<Symbol> =
            self.intraday.iter().map(|(_, symbol, _)| symbol.clone()).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
