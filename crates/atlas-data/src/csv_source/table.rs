//! Lines, fields, dates and numbers of delimited text, with the line number at hand.

use chrono::NaiveDate;

use crate::Error;
use crate::rows::{iso_date, us_date};

/// Comma-separated text with a header, read row by row.
///
/// A field may be put in quotes but hold neither comma nor line end: dates, numbers and symbols
/// have none.
pub(crate) struct Table<'a> {
    file: &'a str,
    /// What has not been read yet.
    rest: &'a [u8],
    /// The number of the line read last, from one.
    line: u64,
    header: Vec<String>,
    fields: Vec<&'a [u8]>,
}

impl<'a> Table<'a> {
    /// Reads the header; its names are trimmed.
    pub(crate) fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        let rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let mut table = Self { file, rest, line: 0, header: Vec::new(), fields: Vec::new() };
        if !table.read_line() {
            return Err(Error::BadFile {
                file: file.to_owned(),
                problem: "is empty; a first line that names the columns is expected".to_owned(),
            });
        }
        let name = |field: &&[u8]| String::from_utf8_lossy(field).into_owned();
        table.header = table.fields.iter().map(name).collect();
        Ok(table)
    }

    /// The names of the columns as they are written.
    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The place of a column by any of its names, upper or lower case.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        let is_name = |title: &String| names.iter().any(|name| title.eq_ignore_ascii_case(name));
        self.header.iter().position(is_name)
    }

    /// As [`column`](Self::column), for one that must be there.
    pub(crate) fn required(&self, names: &[&str]) -> Result<usize, Error> {
        self.column(names).ok_or_else(|| Error::BadFile {
            file: self.file.to_owned(),
            problem: format!(
                "has no column {:?}; its columns are {:?}",
                names.first().copied().unwrap_or_default(),
                self.header.join(",")
            ),
        })
    }

    /// The next row; empty lines are passed over.
    pub(crate) fn next_row(&mut self) -> Result<Option<Row<'_>>, Error> {
        if !self.read_line() {
            return Ok(None);
        }
        let row = Row { file: self.file, line: self.line, fields: &self.fields };
        if row.fields.len() == self.header.len() {
            return Ok(Some(row));
        }
        let (found, expected) = (row.fields.len(), self.header.len());
        Err(row.malformed(format!("has {found} fields where the header has {expected}")))
    }

    /// Splits the next line that is not empty into fields; `false` at the end.
    fn read_line(&mut self) -> bool {
        while !self.rest.is_empty() {
            let mut parts = self.rest.splitn(2, |byte| *byte == b'\n');
            let line = parts.next().unwrap_or_default().trim_ascii();
            self.rest = parts.next().unwrap_or_default();
            self.line += 1;
            if !line.is_empty() {
                self.fields.clear();
                self.fields.extend(line.split(|byte| *byte == b',').map(unquoted));
                return true;
            }
        }
        false
    }
}

/// One row of a [`Table`].
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    file: &'a str,
    line: u64,
    fields: &'a [&'a [u8]],
}

impl Row<'_> {
    /// An error at this line.
    pub(crate) fn malformed(&self, problem: String) -> Error {
        Error::Malformed { file: self.file.to_owned(), line: self.line, problem }
    }

    /// The date in a column, written as 2019-01-02.
    pub(crate) fn date(&self, column: usize) -> Result<NaiveDate, Error> {
        let field = self.field(column);
        iso_date(field).ok_or_else(|| {
            self.malformed(format!("{:?} is not a date like 2019-01-02", lossy(field)))
        })
    }

    /// The same, or as American publishers write it: 01/02/2019.
    pub(crate) fn published_date(&self, column: usize) -> Result<NaiveDate, Error> {
        us_date(self.field(column)).map_or_else(|| self.date(column), Ok)
    }

    /// The number in a column; `None` when it is empty or a full stop, FRED's sign for no value.
    pub(crate) fn published_number(&self, column: usize) -> Result<Option<f64>, Error> {
        if self.field(column) == b"." { Ok(None) } else { self.number(column) }
    }

    /// The number in a column; `None` when it is empty.
    pub(crate) fn number(&self, column: usize) -> Result<Option<f64>, Error> {
        let field = self.field(column);
        if field.is_empty() {
            return Ok(None);
        }
        let number = std::str::from_utf8(field).ok().and_then(|text| text.parse::<f64>().ok());
        match number.filter(|number| number.is_finite()) {
            Some(number) => Ok(Some(number)),
            None => Err(self.malformed(format!("{:?} is not a number", lossy(field)))),
        }
    }

    /// The moment in a column, in RFC 3339.
    pub(crate) fn moment(&self, column: usize) -> Result<atlas_core::time::Timestamp, Error> {
        let field = self.field(column);
        super::intraday::moment(field).ok_or_else(|| {
            let field = lossy(field);
            self.malformed(format!("{field:?} is not a moment like 2024-02-20T09:30:00-05:00"))
        })
    }

    /// The text in a column, shortened.
    pub(crate) fn text(&self, column: usize) -> String {
        lossy(self.field(column))
    }

    fn field(&self, column: usize) -> &[u8] {
        self.fields.get(column).copied().unwrap_or_default()
    }
}

/// Text for a message, shortened.
fn lossy(field: &[u8]) -> String {
    String::from_utf8_lossy(field.get(..40).unwrap_or(field)).into_owned()
}

/// A field without the blanks and the quotes around it.
fn unquoted(field: &[u8]) -> &[u8] {
    let field = field.trim_ascii();
    match field {
        [b'"', inner @ .., b'"'] => inner.trim_ascii(),
        _ => field,
    }
}
