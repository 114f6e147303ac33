//! Which symbols a run is about.

use std::path::Path;

use atlas_core::Symbol;

use crate::Error;
use crate::source::BarSource;

/// A named, sorted set of symbols that one source has prices of.
///
/// # Examples
///
/// ```
/// use atlas_data::{SampleSource, Universe};
///
/// let all = Universe::resolve(None, &SampleSource)?;
/// assert_eq!((all.name(), all.symbols().len()), ("sample", 20));
///
/// let two = Universe::resolve(Some("MSFT,AAPL"), &SampleSource)?;
/// assert_eq!(two.symbols()[0].as_str(), "AAPL");
///
/// let wrong = Universe::resolve(Some("APPL"), &SampleSource).unwrap_err();
/// assert!(wrong.to_string().contains("did you mean AAPL?"));
/// # Ok::<(), atlas_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Universe {
    name: String,
    dataset: String,
    symbols: Vec<Symbol>,
}

impl Universe {
    /// A universe that a source offers under a name; symbols are sorted, repeats dropped.
    #[must_use]
    pub fn named(name: &str, symbols: Vec<Symbol>) -> Self {
        Self { name: name.to_owned(), dataset: name.to_owned(), symbols: sorted(symbols) }
    }

    /// Finds the universe meant by `spec` among what `source` has.
    ///
    /// `spec` is, in this order: nothing (the source's first universe), the name of one of its
    /// universes, a file with one symbol a line (`#` starts a remark), or symbols separated by
    /// commas. Symbols are served from the first universe of the source that has them all.
    ///
    /// # Errors
    /// [`Error::UnknownUniverse`], [`Error::UnknownSymbol`], [`Error::EmptyUniverse`],
    /// [`Error::Malformed`] for a line of the file that is no symbol, [`Error::Read`] for a file
    /// that cannot be read, and whatever the source says when asked for its universes.
    pub fn resolve(spec: Option<&str>, source: &dyn BarSource) -> Result<Self, Error> {
        let known = source.universes()?;
        let Some(spec) = spec.map(str::trim) else {
            let first = known.into_iter().next();
            return first.ok_or_else(|| Error::EmptyUniverse { spec: source.name() });
        };
        if let Some(universe) = known.iter().find(|universe| universe.name == spec) {
            return Ok(universe.clone());
        }
        let path = Path::new(spec);
        let symbols = if path.is_file() {
            from_file(path)?
        } else {
            from_list(spec).ok_or_else(|| not_understood(spec, &known))?
        };
        if symbols.is_empty() {
            return Err(Error::EmptyUniverse { spec: spec.to_owned() });
        }
        Self::among(spec, sorted(symbols), &known)
    }

    /// The universe that `spec` spells out itself, without a source to look in: a file with one
    /// symbol a line, or symbols separated by commas. For sources that are told what to fetch.
    ///
    /// # Errors
    /// As [`Universe::resolve`]; [`Error::UnknownUniverse`] if it is neither.
    ///
    /// # Examples
    /// ```
    /// let two = atlas_data::Universe::spelled_out("MSFT,AAPL")?;
    /// assert_eq!(two.symbols().len(), 2);
    /// assert!(atlas_data::Universe::spelled_out("no such thing").is_err());
    /// # Ok::<(), atlas_data::Error>(())
    /// ```
    pub fn spelled_out(spec: &str) -> Result<Self, Error> {
        let path = Path::new(spec.trim());
        let symbols = if path.is_file() {
            from_file(path)?
        } else {
            from_list(spec).ok_or_else(|| not_understood(spec, &[]))?
        };
        if symbols.is_empty() {
            return Err(Error::EmptyUniverse { spec: spec.to_owned() });
        }
        Ok(Self::named(spec.trim(), symbols))
    }

    /// The name it was asked for by.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The source's own universe that holds the prices; equal to the name if it is one of those.
    #[must_use]
    pub fn dataset(&self) -> &str {
        &self.dataset
    }

    /// The symbols, sorted, each once.
    #[must_use]
    pub fn symbols(&self) -> &[Symbol] {
        &self.symbols
    }

    /// Serves `symbols` from the first known universe that has them all.
    fn among(spec: &str, symbols: Vec<Symbol>, known: &[Self]) -> Result<Self, Error> {
        let lacking = |universe: &Self| {
            symbols.iter().find(|symbol| universe.symbols.binary_search(symbol).is_err()).cloned()
        };
        if let Some(universe) = known.iter().find(|universe| lacking(universe).is_none()) {
            let dataset = universe.dataset.clone();
            return Ok(Self { name: spec.to_owned(), dataset, symbols });
        }
        let unknown = known.iter().find_map(|universe| Some((universe, lacking(universe)?)));
        Err(match unknown {
            Some((universe, symbol)) => {
                unknown_symbol(symbol, format!("universe {}", universe.name), &universe.symbols)
            }
            None => Error::EmptyUniverse { spec: spec.to_owned() },
        })
    }
}

/// The error for a symbol that `place` does not have, with the nearest ones it has.
#[must_use]
pub fn unknown_symbol(symbol: Symbol, place: String, known: &[Symbol]) -> Error {
    let mut near: Vec<(usize, &Symbol)> = known
        .iter()
        .map(|other| (distance(symbol.as_str(), other.as_str()), other))
        .filter(|(distance, other)| *distance <= 2 && *distance < other.as_str().len())
        .collect();
    near.sort_unstable();
    let nearest = near.into_iter().take(3).map(|(_, other)| other.clone()).collect();
    Error::UnknownSymbol { symbol, place, nearest, known: shortened(known) }
}

/// A name nobody knows, or a file that is not there.
fn not_understood(spec: &str, known: &[Universe]) -> Error {
    let path = Path::new(spec);
    let is_path = path.extension().is_some() || spec.contains(std::path::MAIN_SEPARATOR);
    match std::fs::metadata(path) {
        Err(source) if is_path => Error::Read { path: path.to_path_buf(), source },
        Ok(_) | Err(_) => {
            Error::UnknownUniverse { spec: spec.to_owned(), known: understood(known) }
        }
    }
}

fn sorted(mut symbols: Vec<Symbol>) -> Vec<Symbol> {
    symbols.sort_unstable();
    symbols.dedup();
    symbols
}

/// Symbols separated by commas; `None` when a part is not a symbol.
fn from_list(spec: &str) -> Option<Vec<Symbol>> {
    let parts = spec.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| Symbol::new(part).ok()).collect()
}

fn from_file(path: &Path) -> Result<Vec<Symbol>, Error> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Read { path: path.to_path_buf(), source })?;
    let mut symbols = Vec::new();
    for (line, text) in (1..).zip(text.lines()) {
        let word = text.split('#').next().unwrap_or_default().trim();
        if word.is_empty() {
            continue;
        }
        symbols.push(Symbol::new(word).map_err(|error| Error::Malformed {
            file: path.display().to_string(),
            line,
            problem: error.to_string(),
        })?);
    }
    Ok(symbols)
}

fn understood(known: &[Universe]) -> String {
    let names: Vec<&str> = known.iter().map(|universe| universe.name.as_str()).collect();
    let rest = "symbols separated by commas, or a file with one symbol a line";
    names.into_iter().chain([rest]).collect::<Vec<_>>().join(", ")
}

/// At most thirty symbols, and how many more there are.
fn shortened(known: &[Symbol]) -> String {
    let shown: Vec<&str> = known.iter().take(SHOWN_MAX).map(Symbol::as_str).collect();
    match known.len().saturating_sub(SHOWN_MAX) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Levenshtein distance: insertions, deletions and substitutions of one character.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.bytes().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (cell, to) in row.iter_mut().skip(1).zip(b.bytes()) {
            let substituted = diagonal + usize::from(from != to);
            diagonal = *cell;
            left = substituted.min(left + 1).min(diagonal + 1);
            *cell = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

/// Most symbols listed in a message.
const SHOWN_MAX: usize = 30;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SampleSource;

    fn resolve(spec: &str) -> Result<Universe, String> {
        Universe::resolve(Some(spec), &SampleSource).map_err(|error| error.to_string())
    }

    #[test]
    fn finds_what_is_meant() {
        assert_eq!(resolve("sample").unwrap().symbols().len(), 20);
        let ohlc = resolve("sample-ohlc").unwrap();
        assert_eq!(ohlc.symbols().len(), 4);
        assert_eq!(ohlc.dataset(), "sample-ohlc");
        let list = resolve(" MSFT, AAPL ,AAPL").unwrap();
        assert_eq!((list.symbols().len(), list.dataset()), (2, "sample"));
        // Only the unadjusted set has these.
        assert_eq!(resolve("GOOG,IBM").unwrap().dataset(), "sample-ohlc");
    }

    #[test]
    fn says_what_is_wrong() {
        for (spec, message) in [
            ("smaple", "unknown universe \"smaple\": use one of sample, sample-ohlc, symbols "),
            ("aapl,msft", "unknown universe \"aapl,msft\""),
            ("MFST", "symbol MFST is not in universe sample (did you mean MSFT?)"),
            ("ZZZZZZ", "symbol ZZZZZZ is not in universe sample: known are AAPL, AMD, BAC"),
            ("", "universe \"\" names no symbol"),
            (",", "universe \",\" names no symbol"),
            ("/no/such/list.txt", "cannot read /no/such/list.txt: No such file"),
            ("list.txt", "cannot read list.txt: No such file"),
            // Neither set has both.
            ("KO,GOOG", "symbol GOOG is not in universe sample"),
        ] {
            let error = resolve(spec).unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn reads_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.txt");
        std::fs::write(&path, "# mine\nKO\n\nAAPL # fruit\n").unwrap();
        let universe = resolve(path.to_str().unwrap()).unwrap();
        assert_eq!(universe.symbols().len(), 2);

        std::fs::write(&path, "KO\ncoca cola\n").unwrap();
        let error = resolve(path.to_str().unwrap()).unwrap_err();
        assert!(error.contains("mine.txt, line 2: symbol \"coca cola\" is not valid"), "{error}");

        std::fs::write(&path, "# nothing\n").unwrap();
        assert!(resolve(path.to_str().unwrap()).unwrap_err().contains("names no symbol"));
    }

    #[test]
    fn measures_how_words_differ() {
        for (a, b, steps) in [("", "", 0), ("AAPL", "APPL", 1), ("MFST", "MSFT", 2), ("", "KO", 2)]
        {
            assert_eq!(distance(a, b), steps, "{a} {b}");
            assert_eq!(distance(b, a), steps, "{b} {a}");
        }
    }
}
