//! Lines, fields, dates and numbers of delimited text, with the line number at hand.

use atlas_core::calendar::Calendar;
use chrono::NaiveDate;
use csv::{ByteRecord, Reader, ReaderBuilder};

use crate::Error;

/// Comma-separated text with a header, read row by row.
pub(crate) struct Table<'a> {
    file: &'a str,
    reader: Reader<&'a [u8]>,
    header: Vec<String>,
    record: ByteRecord,
}

impl<'a> Table<'a> {
    /// Reads the header; its names are trimmed.
    pub(crate) fn open(file: &'a str, bytes: &'a [u8]) -> Result<Self, Error> {
        let mut reader = ReaderBuilder::new().from_reader(bytes);
        let header = reader.byte_headers().map_err(|error| malformed_text(file, &error))?;
        let name = |field: &[u8]| String::from_utf8_lossy(field.trim_ascii()).into_owned();
        let header = header.iter().map(name).collect();
        Ok(Self { file, reader, header, record: ByteRecord::new() })
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
        let more = self.reader.read_byte_record(&mut self.record);
        if !more.map_err(|error| malformed_text(self.file, &error))? {
            return Ok(None);
        }
        Ok(Some(Row { file: self.file, record: &self.record }))
    }
}

/// One row of a [`Table`].
#[derive(Clone, Copy)]
pub(crate) struct Row<'a> {
    file: &'a str,
    record: &'a ByteRecord,
}

impl Row<'_> {
    /// An error at this line.
    pub(crate) fn malformed(&self, problem: String) -> Error {
        let line = self.record.position().map_or(0, csv::Position::line);
        Error::Malformed { file: self.file.to_owned(), line, problem }
    }

    /// The date in a column, written as 2019-01-02.
    pub(crate) fn date(&self, column: usize) -> Result<NaiveDate, Error> {
        let field = self.field(column);
        date(field).ok_or_else(|| {
            self.malformed(format!("{:?} is not a date like 2019-01-02", lossy(field)))
        })
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

    /// As [`number`](Self::number), refusing zero and less.
    pub(crate) fn price(&self, column: usize, name: &str) -> Result<Option<f64>, Error> {
        match self.number(column)? {
            Some(price) if price <= 0.0 => {
                Err(self.malformed(format!("{name} {price} is not above zero")))
            }
            price => Ok(price),
        }
    }

    /// Refuses a date that does not come after the one of the row before.
    pub(crate) fn after(&self, date: NaiveDate, before: Option<NaiveDate>) -> Result<(), Error> {
        match before {
            Some(before) if date == before => {
                Err(self.malformed(format!("{date} appears twice; keep one row a date")))
            }
            Some(before) if date < before => {
                Err(self.malformed(format!("{date} stands after {before}; sort rows by date")))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses a date without trading.
    pub(crate) fn session(&self, date: NaiveDate) -> Result<(), Error> {
        match Calendar::nyse().closure(date) {
            Ok(None) => Ok(()),
            Ok(Some(reason)) => Err(self.malformed(format!(
                "{date} is not a trading session ({reason}); remove the row"
            ))),
            Err(error) => Err(self.malformed(error.to_string())),
        }
    }

    fn field(&self, column: usize) -> &[u8] {
        self.record.get(column).unwrap_or_default().trim_ascii()
    }
}

/// A date written as 2019-01-02, and nothing else.
fn date(field: &[u8]) -> Option<NaiveDate> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = field else { return None };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(**digit - b'0'))
        })
    };
    let year = i32::try_from(number(&[y3, y2, y1, y0])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m0])?, number(&[d1, d0])?)
}

/// Text for a message, shortened.
fn lossy(field: &[u8]) -> String {
    String::from_utf8_lossy(field.get(..40).unwrap_or(field)).into_owned()
}

/// What the reader of delimited text objects to.
fn malformed_text(file: &str, error: &csv::Error) -> Error {
    let line = error.position().map_or(1, csv::Position::line);
    let problem = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("has {len} fields where the header has {expected_len}")
        }
        _ => format!("is not comma-separated text: {error}"),
    };
    Error::Malformed { file: file.to_owned(), line, problem }
}
