//! The bundled sample: real prices inside of the program.
//!
//! What it holds and where each file came from is told in `sample/README.md`.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use chrono::NaiveDate;

use crate::Error;
use crate::csv_source::{parse_closes, parse_index, parse_rate, parse_series, parse_vix};
use crate::file::{self, Digester};
use crate::market::{MarketData, SourceInfo};
use crate::series::Series;
use crate::source::BarSource;
use crate::universe::{self, Universe};

/// The bundled sample as a source of bars.
///
/// | universe | symbols | prices | sessions |
/// | --- | --- | --- | --- |
/// | `sample` | 20 US large caps | adjusted closes | 1990-01-02 to 2022-12-28 |
/// | `sample-ohlc` | AAPL, GOOG, IBM, MSFT | raw bars with volume and adjusted closes | 2000-03-01 (GOOG 2004-08-19) to 2013-03-01 |
///
/// With both come the S&P 500 (closes, 1990-01-02 to 2022-12-28), the VIX (closes, 2014-01-03 to
/// 2019-01-03) and the 3-month Treasury rate (1990-01-02 to 2017-03-29).
///
/// # Examples
///
/// ```
/// use atlas_data::{BarSource, SampleSource, Universe};
///
/// let source = SampleSource;
/// let market = source.load(&Universe::resolve(Some("sample-ohlc"), &source)?)?;
/// let aapl = market.series.values().next().unwrap();
/// // One share became two on 2005-02-28: the raw close halves, the adjusted one does not.
/// assert_eq!((aapl.symbol().as_str(), aapl.view().basis()), ("AAPL", "raw"));
/// # Ok::<(), atlas_data::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SampleSource;

/// The date a run on the sample takes when none is given: 2019-01-02, the last session on which
/// equities, index and VIX all exist and so they do on the next session, in which a plan is
/// carried out.
#[must_use]
pub const fn default_as_of() -> NaiveDate {
    const { NaiveDate::from_ymd_opt(2019, 1, 2).expect("a date") }
}

impl BarSource for SampleSource {
    fn name(&self) -> String {
        "sample".to_owned()
    }

    fn universes(&self) -> Result<Vec<Universe>, Error> {
        Ok(vec![
            Universe::named("sample", symbols(&LARGE_CAPS)?),
            Universe::named(OHLC, symbols(&OHLC_FILES.map(|(symbol, _, _)| symbol))?),
        ])
    }

    fn load(&self, universe: &Universe) -> Result<MarketData, Error> {
        let mut digester = Digester::default();
        let (series, note) = if universe.dataset() == OHLC {
            (ohlc(universe.symbols(), &mut digester)?, OHLC_NOTE)
        } else {
            (large_caps(universe.symbols(), &mut digester)?, LARGE_CAPS_NOTE)
        };
        for symbol in universe.symbols() {
            if !series.contains_key(symbol) {
                let known: Vec<Symbol> = series.keys().cloned().collect();
                let place = format!("universe {}", universe.dataset());
                return Err(universe::unknown_symbol(symbol.clone(), place, &known));
            }
        }
        let (name, bytes) = INDEX;
        let bytes = file::unpack(name, bytes, &mut digester)?;
        let index = parse_index(name, &bytes)?.value;
        let (name, bytes) = VIX;
        let bytes = file::unpack(name, bytes, &mut digester)?;
        let vix = Some(parse_vix(name, &bytes)?.value);
        let (name, bytes) = RATE;
        let bytes = file::unpack(name, bytes, &mut digester)?;
        let rate = Some(parse_rate(name, &bytes)?.value);
        let source = SourceInfo {
            name: universe.dataset().to_owned(),
            sha256: digester.finish(),
            notes: vec![note.to_owned()],
        };
        Ok(MarketData { series, index, vix, rate, source })
    }
}

fn symbols(names: &[&str]) -> Result<Vec<Symbol>, Error> {
    Ok(names.iter().map(|name| Symbol::new(name)).collect::<Result<_, _>>()?)
}

fn large_caps(
    wanted: &[Symbol],
    digester: &mut Digester,
) -> Result<BTreeMap<Symbol, Series>, Error> {
    let (name, bytes) = LARGE_CAPS_FILE;
    let bytes = file::unpack(name, bytes, digester)?;
    let closes = parse_closes(name, &bytes, wanted)?.value;
    Ok(closes.into_iter().map(|(symbol, bars)| (symbol, Series::Adjusted(bars))).collect())
}

fn ohlc(wanted: &[Symbol], digester: &mut Digester) -> Result<BTreeMap<Symbol, Series>, Error> {
    let mut series = BTreeMap::new();
    for (symbol, name, bytes) in OHLC_FILES {
        let symbol = Symbol::new(symbol)?;
        if wanted.contains(&symbol) {
            let bytes = file::unpack(name, bytes, digester)?;
            let bars = parse_series(name, &symbol, &bytes)?.value;
            series.insert(symbol, bars);
        }
    }
    Ok(series)
}

/// The universe of unadjusted bars.
const OHLC: &str = "sample-ohlc";

const LARGE_CAPS_NOTE: &str = "Prices are closes adjusted for splits and dividends, taken as \
                               total-return units; no dividend is credited on top of them.";

const OHLC_NOTE: &str = "Prices are as printed on the day; returns come from the adjusted closes.";

/// The columns of the file of large caps.
const LARGE_CAPS: [&str; 20] = [
    "AAPL", "AMD", "BAC", "BBY", "CVX", "GE", "HD", "JNJ", "JPM", "KO", "LLY", "MRK", "MSFT",
    "PEP", "PFE", "PG", "RRC", "UNH", "WMT", "XOM",
];

const LARGE_CAPS_FILE: (&str, &[u8]) =
    ("sample/large_caps.csv.gz", include_bytes!("../sample/large_caps.csv.gz"));

const INDEX: (&str, &[u8]) = ("sample/index.csv.gz", include_bytes!("../sample/index.csv.gz"));

const VIX: (&str, &[u8]) = ("sample/vix.csv.gz", include_bytes!("../sample/vix.csv.gz"));

const RATE: (&str, &[u8]) = ("sample/rate.csv.gz", include_bytes!("../sample/rate.csv.gz"));

const OHLC_FILES: [(&str, &str, &[u8]); 4] = [
    ("AAPL", "sample/ohlc_AAPL.csv.gz", include_bytes!("../sample/ohlc_AAPL.csv.gz")),
    ("GOOG", "sample/ohlc_GOOG.csv.gz", include_bytes!("../sample/ohlc_GOOG.csv.gz")),
    ("IBM", "sample/ohlc_IBM.csv.gz", include_bytes!("../sample/ohlc_IBM.csv.gz")),
    ("MSFT", "sample/ohlc_MSFT.csv.gz", include_bytes!("../sample/ohlc_MSFT.csv.gz")),
];

#[cfg(test)]
mod tests;
