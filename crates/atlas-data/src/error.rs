//! What can be wrong with market data.

use std::io;
use std::path::PathBuf;

use atlas_core::Symbol;
use chrono::NaiveDate;

/// Why market data could not be had, or may not be used.
///
/// Each message is one sentence that names the thing, the place and the way out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder cannot be read, or is not the gzip file its name says.
    #[error("cannot read {}: {source}; check that the path exists and is readable", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file is larger, unpacked, than anything this program would load.
    #[error("{file} is larger than {limit_mb} MB unpacked; split it or bring daily bars")]
    TooLarge {
        /// The file.
        file: String,
        /// The limit in megabytes.
        limit_mb: u64,
    },
    /// A line of a file does not say what it should.
    #[error("{file}, line {line}: {problem}; correct or remove that line")]
    Malformed {
        /// The file.
        file: String,
        /// The line, counted from one.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A file as a whole does not hold what it should.
    #[error("{file}: {problem}")]
    BadFile {
        /// The file.
        file: String,
        /// What is wrong with it, and what is expected.
        problem: String,
    },
    /// Bars that cannot be true.
    #[error("{file}: {source}; correct or remove that row")]
    BadBars {
        /// The file.
        file: String,
        /// Which session, and why.
        source: atlas_core::Error,
    },
    /// A series that every run needs is not there.
    #[error("{place} has no {series}: add {remedy}")]
    NoSeries {
        /// The series, in words.
        series: &'static str,
        /// Where it was looked for.
        place: String,
        /// The file or setting that would help.
        remedy: &'static str,
    },
    /// Two files hold the same series.
    #[error("{} and {} hold the same series: remove one of them", first.display(), second.display())]
    TwoFiles {
        /// One of them.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
    /// A universe that is neither known by name, nor a file, nor a list of symbols.
    #[error("unknown universe {spec:?}: use one of {known}")]
    UnknownUniverse {
        /// The universe as it was asked for.
        spec: String,
        /// What would have been understood.
        known: String,
    },
    /// A symbol the source has no prices of.
    #[error("symbol {symbol} is not in {place}{}: known are {known}", nearest_words(nearest))]
    UnknownSymbol {
        /// The symbol.
        symbol: Symbol,
        /// The source.
        place: String,
        /// Known symbols that look alike, nearest first.
        nearest: Vec<Symbol>,
        /// The known symbols, shortened if there are many.
        known: String,
    },
    /// A universe without a symbol.
    #[error("universe {spec:?} names no symbol: give at least one")]
    EmptyUniverse {
        /// The universe as it was asked for.
        spec: String,
    },
    /// A date the calendar does not cover, or on which there is no trading.
    #[error("as-of date: {0}")]
    AsOf(#[source] atlas_core::Error),
    /// The as-of date lies after all data.
    #[error(
        "as-of date {as_of} is after the end of {place}, whose last session is {last}: choose a \
         date up to then or bring newer data"
    )]
    AfterEnd {
        /// The date asked for.
        as_of: NaiveDate,
        /// The source.
        place: String,
        /// The last session any series of the run has.
        last: NaiveDate,
    },
    /// A series ends before the as-of date while others go on.
    #[error(
        "{series} is stale: its last session is {last}, the as-of date is {as_of}; bring newer \
         data or choose a date up to {last}"
    )]
    Stale {
        /// The series.
        series: String,
        /// Its last session up to the as-of date.
        last: NaiveDate,
        /// The date asked for.
        as_of: NaiveDate,
    },
    /// The VIX is to be used and is not fit to be.
    #[error(
        "{0}; or decide without the VIX on purpose (`missing_vix = \"flag\"` under `[regime]`)"
    )]
    UnusableVix(Box<Self>),
    /// A series does not reach back far enough.
    #[error(
        "{series} has {found} sessions up to {as_of} and {needed} are needed: choose a later \
         as-of date or bring older data"
    )]
    TooShort {
        /// The series.
        series: String,
        /// The date asked for.
        as_of: NaiveDate,
        /// Sessions there are.
        found: usize,
        /// Sessions there must be.
        needed: usize,
    },
    /// Sessions are missing where the run looks.
    #[error(
        "{series} lacks {missing} of the {window} sessions up to {as_of}, first {first}: complete \
         the data or choose another as-of date"
    )]
    Gaps {
        /// The series.
        series: String,
        /// Number of sessions missing.
        missing: usize,
        /// The first of them.
        first: NaiveDate,
        /// Number of sessions looked at.
        window: usize,
        /// The date asked for.
        as_of: NaiveDate,
    },
    /// A setting that makes no sense.
    #[error("{what} {value} is not possible: {range}")]
    Setting {
        /// The setting.
        what: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        range: &'static str,
    },
    /// A value that the core types refuse.
    #[error(transparent)]
    Core(#[from] atlas_core::Error),
}

fn nearest_words(nearest: &[Symbol]) -> String {
    if nearest.is_empty() {
        return String::new();
    }
    let names: Vec<&str> = nearest.iter().map(Symbol::as_str).collect();
    format!(" (did you mean {}?)", names.join(" or "))
}
