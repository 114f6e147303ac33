//! The bars of a company under all its names.

use atlas_core::time::Timestamp;
use chrono::NaiveDate;

use super::{Adjustment, Candle, Part, Timeframe, in_order, parts};
use crate::Error;
use crate::core::{Listing, View};

/// The prices of a company under all its names, restated.
#[derive(Debug)]
pub(crate) struct Chain<'a> {
    parts: Vec<Part<'a>>,
    /// How each part is restated by itself.
    by: Vec<Adjustment<'a>>,
}

impl<'a> Chain<'a> {
    /// The company that had a listing's name on a date (see [`parts`]), restated for splits,
    /// dividends, both or neither; `None` where the data do not tell one from the other.
    pub(crate) fn new(
        view: &'a View,
        listing: &'a Listing,
        as_of: Option<NaiveDate>,
        restated: (bool, bool),
    ) -> Result<Option<Self>, Error> {
        let parts = parts(view, listing, as_of)?;
        let by = parts.iter().map(|part| Adjustment::new(&part.days, restated));
        Ok(by.collect::<Option<Vec<_>>>().map(|by| Self { parts, by }))
    }

    /// The bars that may begin between two shown moments, oldest or newest first: as many as are
    /// taken. False if one was not.
    pub(crate) fn bars(
        &self,
        frame: Timeframe,
        (start, end): (Timestamp, Timestamp),
        newest_first: bool,
        mut take: impl FnMut(&Candle) -> bool,
    ) -> Result<bool, Error> {
        let Timeframe::Minutes(minutes) = frame else {
            return self.long(frame, (start, end), newest_first, take);
        };
        for at in in_order(0..self.parts.len(), newest_first) {
            let part = &self.parts[at];
            for row in in_order(part.rows(start, end), newest_first) {
                let candles = part.days.within(row, minutes)?;
                for place in in_order(0..candles.len(), newest_first) {
                    if !take(&self.restated(at, row, candles[place])) {
                        return Ok(false);
                    }
                }
            }
        }
        Ok(true)
    }

    /// Bars of a day and more, each as far as it is known.
    fn long(
        &self,
        frame: Timeframe,
        (start, end): (Timestamp, Timestamp),
        newest_first: bool,
        mut take: impl FnMut(&Candle) -> bool,
    ) -> Result<bool, Error> {
        let behind = end.checked_add_signed(frame.longest()).unwrap_or(end);
        let mut open: Option<Candle> = None;
        for at in in_order(0..self.parts.len(), newest_first) {
            let part = &self.parts[at];
            let restate = |row, candle| self.restated(at, row, candle);
            let take = |candle: &Candle| match open.replace(*candle) {
                // A bar that goes on under the next name.
                Some(last) if last.start == candle.start => {
                    open = Some(if newest_first { candle.then(&last) } else { last.then(candle) });
                    true
                }
                Some(last) => take(&last),
                None => true,
            };
            let rows = part.rows(start, behind);
            if !part.days.long(rows, (frame, newest_first), restate, take)? {
                return Ok(false);
            }
        }
        Ok(open.is_none_or(|last| take(&last)))
    }

    /// A bar of a row of a part, restated for what happened under this name and the later ones.
    fn restated(&self, part: usize, row: usize, candle: Candle) -> Candle {
        let own = self.by[part].apply(row, candle);
        self.by[part + 1..].iter().fold(own, |candle, later| later.apply(0, candle))
    }
}
