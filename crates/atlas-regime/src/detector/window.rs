//! The newest rows of features, by session number.

use std::collections::VecDeque;
use std::ops::Range;

use crate::{Error, Feature};

/// Number of features the detector uses, those of [`Feature::PAPER`].
pub(crate) const FEATURES: usize = Feature::PAPER.len();

/// Features and returns of consecutive sessions.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    /// Features, row after row.
    pub(crate) rows: &'a VecDeque<f64>,
    pub(crate) returns: &'a VecDeque<f64>,
    /// Session number of the first row.
    pub(crate) first: usize,
}

impl Window<'_> {
    /// Features of one session.
    #[inline]
    pub(crate) fn row(&self, session: usize) -> Result<[f64; FEATURES], Error> {
        let at = self.place(session)? * FEATURES;
        Ok(std::array::from_fn(|j| self.rows[at + j]))
    }

    /// Features of some sessions, row after row.
    pub(crate) fn rows(&self, sessions: Range<usize>) -> Result<Vec<f64>, Error> {
        let (start, end) = self.places(sessions)?;
        Ok(self.rows.range(start * FEATURES..end * FEATURES).copied().collect())
    }

    /// Returns of some sessions.
    pub(crate) fn returns(&self, sessions: Range<usize>) -> Result<Vec<f64>, Error> {
        let (start, end) = self.places(sessions)?;
        Ok(self.returns.range(start..end).copied().collect())
    }

    fn places(&self, sessions: Range<usize>) -> Result<(usize, usize), Error> {
        let first = self.place(sessions.start)?;
        let last = self.place(sessions.end.saturating_sub(1))?;
        Ok((first, last + 1))
    }

    fn place(&self, session: usize) -> Result<usize, Error> {
        let have = self.returns.len();
        let place = session.checked_sub(self.first).filter(|place| *place < have);
        place.ok_or(Error::TooFewRows {
            what: "the rows kept by the detector",
            have,
            need: session.abs_diff(self.first) + 1,
        })
    }
}
