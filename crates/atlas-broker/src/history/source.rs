//! The folder as a source of bars.

use atlas_core::Symbol;
use atlas_data::{BarSource, CsvSource, Error as DataError, MarketData, SourceInfo, Universe};

use super::{History, Publication, level_file};
use crate::Error;

/// What was downloaded, read and checked like any other files.
#[derive(Debug, Clone)]
pub struct Downloaded {
    files: CsvSource,
    symbols: Vec<Symbol>,
    notes: Vec<String>,
}

/// What messages and records call the source.
const NAME: &str = "alpaca";

impl Downloaded {
    pub(super) fn open(history: &History) -> Result<Self, Error> {
        let path = |name: &str| history.folder.join(level_file(name));
        let files = CsvSource::open(&history.folder.join("prices"));
        let mut files = files.map_err(|error| Error::Cache {
            path: history.folder.clone(),
            problem: error.to_string(),
        })?;
        files = files.with_index(&path("index"));
        let mut notes = vec![format!(
            "The index is the fund {}, adjusted for splits and dividends: Alpaca carries no indices.",
            history.index
        )];
        files = match &history.vix {
            Publication::Address(address) => {
                notes.push(format!("The VIX is from {address}."));
                files.with_vix(&path("vix"))
            }
            Publication::File(file) => files.with_vix(file),
            Publication::StandIn(symbol) => {
                notes.push(format!(
                    "{symbol} stands in for the VIX, as was asked for: it is a fund, not the VIX."
                ));
                files.with_vix(&path("vix"))
            }
            Publication::None => files,
        };
        files = match &history.rate {
            Publication::Address(address) => {
                notes.push(format!("The short rate is from {address}."));
                files.with_rate(&path("rate"))
            }
            Publication::StandIn(_) => files.with_rate(&path("rate")),
            Publication::File(file) => files.with_rate(file),
            Publication::None => files,
        };
        Ok(Self { files, symbols: history.symbols.clone(), notes })
    }
}

impl BarSource for Downloaded {
    fn name(&self) -> String {
        NAME.to_owned()
    }

    fn universes(&self) -> Result<Vec<Universe>, DataError> {
        Ok(vec![Universe::named(NAME, self.symbols.clone())])
    }

    fn load(&self, universe: &Universe) -> Result<MarketData, DataError> {
        let data = self.files.load(universe)?;
        let notes = self.notes.iter().cloned().chain(data.source.notes).collect();
        let source = SourceInfo { name: NAME.to_owned(), notes, ..data.source };
        Ok(MarketData { source, ..data })
    }
}
