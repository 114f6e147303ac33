//! Query parameters, read as liberally as Alpaca reads them.

use atlas_core::Symbol;
use atlas_core::calendar::from_eastern;
use atlas_core::time::Timestamp;
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use uuid::Uuid;

use super::answer::{Answer, Failure};
use super::lens::meant;

/// The parameters of a request, in order; a name may come more than once.
#[derive(Debug, Default)]
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    /// Takes what axum parsed.
    pub(super) const fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The last value of a name that is not empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let mut values =
            self.0.iter().rev().filter(|(key, value)| key == name && !value.is_empty());
        values.next().map(|(_, value)| value.as_str())
    }

    /// All values of a name, each of which may be a list with commas.
    pub(super) fn list(&self, name: &str) -> Vec<&str> {
        let bracketed = format!("{name}[]");
        let values = self.0.iter().filter(|(key, _)| key == name || *key == bracketed);
        let words = values.flat_map(|(_, value)| value.split(','));
        words.map(str::trim).filter(|word| !word.is_empty()).collect()
    }

    /// A boolean in any capitalisation.
    pub(super) fn flag(&self, name: &str) -> Answer<bool> {
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(other) => Err(bad(name, other)),
        }
    }

    /// A whole number within a range.
    pub(super) fn number(&self, name: &str, default: usize, most: usize) -> Answer<usize> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let number: usize = text.parse().map_err(|_| bad(name, text))?;
        if (1..=most).contains(&number) { Ok(number) } else { Err(bad(name, text)) }
    }

    /// One of some words.
    pub(super) fn word(
        &self,
        name: &str,
        default: &'static str,
        known: &[&'static str],
    ) -> Answer<&'static str> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let found = known.iter().find(|word| word.eq_ignore_ascii_case(text));
        found.copied().ok_or_else(|| bad(name, text))
    }

    /// A moment of the venue; see [`shown`](Self::shown).
    pub(super) fn moment(&self, name: &str) -> Answer<Option<Timestamp>> {
        Ok(self.shown(name)?.map(meant))
    }

    /// A moment as the client sees time: RFC 3339, or a date, which stands for its first moment in
    /// New York.
    pub(super) fn shown(&self, name: &str) -> Answer<Option<Timestamp>> {
        self.text(name).map(|text| moment(text).ok_or_else(|| bad(name, text))).transpose()
    }

    /// A date; of a moment, its date.
    pub(super) fn date(&self, name: &str) -> Answer<Option<NaiveDate>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let date = text.get(..10).and_then(|text| text.parse().ok());
        date.ok_or_else(|| bad(name, text)).map(Some)
    }

    /// An identifier, with dashes or without.
    pub(super) fn id(&self, name: &str) -> Answer<Option<Uuid>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        Uuid::parse_str(text).map(Some).map_err(|_| bad(name, text))
    }
}

/// Reads a moment.
fn moment(text: &str) -> Option<Timestamp> {
    // A plus sign that was not escaped arrives as a space.
    if let Ok(moment) = DateTime::parse_from_rfc3339(&text.replace(' ', "+")) {
        return Some(moment.with_timezone(&Utc));
    }
    let date: NaiveDate = text.parse().ok()?;
    Some(
        from_eastern(date, NaiveTime::MIN)
            .unwrap_or_else(|_| date.and_time(NaiveTime::MIN).and_utc()),
    )
}

/// A symbol, also in the forms `AAPL:NASDAQ` and `AAPL:NASDAQ:us_equity`.
pub(super) fn symbol(text: &str) -> Option<Symbol> {
    Symbol::new(text.split(':').next().unwrap_or(text)).ok()
}

fn bad(name: &str, value: &str) -> Failure {
    Failure::BadRequest(format!("invalid value {value:?} for parameter {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(pairs: &[(&str, &str)]) -> Query {
        Query(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect())
    }

    #[test]
    fn liberal_reading() {
        let query = query(&[
            ("nested", "True"),
            ("symbols", "AAPL,MSFT"),
            ("symbols", "IBM"),
            ("limit", "501"),
            ("after", "2019-01-03T14:35:00 00:00"),
            ("until", "2019-01-03"),
        ]);
        assert!(query.flag("nested").unwrap() && !query.flag("other").unwrap());
        assert_eq!(query.list("symbols"), ["AAPL", "MSFT", "IBM"]);
        assert!(query.number("limit", 50, 500).is_err());
        let moment = |name| query.moment(name).unwrap().unwrap().to_rfc3339();
        assert_eq!(moment("after"), "2019-01-03T14:35:00+00:00");
        assert_eq!(moment("until"), "2019-01-03T05:00:00+00:00");
        assert!(query.word("limit", "asc", &["asc", "desc"]).is_err());
    }

    #[test]
    fn symbols_with_their_exchange() {
        assert_eq!(symbol("AAPL:NASDAQ:us_equity").unwrap().as_str(), "AAPL");
        assert!(symbol("aapl").is_none());
    }
}
