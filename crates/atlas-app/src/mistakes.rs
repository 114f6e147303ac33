//! Every mistake in a configuration file at once, each with its line.

use serde::de::DeserializeOwned;

/// More than anybody corrects in one go.
const MISTAKES_MAX: usize = 50;

/// A line of the file and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) line: usize,
    pub(crate) said: String,
}

/// Reads a document; the error is every mistake in it, never none.
///
/// A reader stops at the first mistake. So the line it stands on is blanked, a whole table if it is
/// a table's header, and what is left is read again. Syntax that cannot be parsed hides what
/// follows and is told alone.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, Vec<Mistake>> {
    let mut found = Vec::new();
    let read = gather(text.to_owned(), &mut found);
    found.sort_by_key(|mistake| mistake.line);
    read.filter(|_| found.is_empty()).ok_or(found)
}

/// Notes the mistakes in the order in which a reader meets them; what was read in the end.
fn gather<T: DeserializeOwned>(mut left: String, found: &mut Vec<Mistake>) -> Option<T> {
    loop {
        let error = match toml::from_str::<T>(&left) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let start = error.span().map_or(0, |span| span.start.min(left.len()));
        let line = left[..start].matches('\n').count();
        let mistake = Mistake { line: line + 1, said: error.message().replace('\n', " ") };
        let syntax = left.parse::<toml::Table>().is_err();
        if syntax && !found.is_empty() || found.contains(&mistake) {
            // What was blanked tore something apart, or did not help.
            return None;
        }
        found.push(mistake);
        if syntax || found.len() == MISTAKES_MAX {
            return None;
        }
        left = without(&left, line);
    }
}

/// The text with a line emptied, and where that is a table's header, with its table.
fn without(text: &str, line: usize) -> String {
    let header = |text: &str| text.trim_start().starts_with('[');
    let whole_table = text.lines().nth(line).is_some_and(header);
    let mut inside = false;
    let kept = text.lines().enumerate().map(|(at, text)| {
        inside = at == line || (inside && whole_table && !header(text));
        if inside { "" } else { text }
    });
    kept.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn lines(text: &str) -> Vec<usize> {
        read::<Config>(text).unwrap_err().iter().map(|mistake| mistake.line).collect()
    }

    #[test]
    fn every_mistake_is_told_with_its_line() {
        let text = "data = \"sample\"\ncolour = 1\n\n[rebalance]\ntop_n = \"five\"\nschedule = \
                    \"daily\"\n\n[nonsense]\na = 1\nb = 2\n\n[risk]\nprofile = \"bold\"\n";
        assert_eq!(lines(text), [2, 5, 6, 8, 13]);
        assert!(read::<Config>("data = \"sample\"\n").is_ok());
    }

    #[test]
    fn broken_syntax_is_told_alone() {
        assert_eq!(lines("data = \"sample\"\ncolour = = 1\nother = 2\n"), [2]);
    }
}
