//! Series followed through changes of their symbol.
//!
//! On each date a name stands for one company. Asked as of that date, the company's prices under
//! its earlier and later names belong to it too; asked as of a date on which nobody had the name,
//! or without a date, a name stands for its own series alone.

use std::ops::Range;

use atlas_core::time::Timestamp;
use chrono::NaiveDate;

use super::Days;
use crate::Error;
use crate::core::{ActionKind, Listing, View};

/// What a company's prices under one of its names are.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a> {
    pub(crate) days: Days<'a>,
    /// The rows under this name.
    named: Range<usize>,
}

impl Part<'_> {
    /// The rows under this name that may have something between two shown moments.
    pub(crate) fn rows(&self, start: Timestamp, end: Timestamp) -> Range<usize> {
        let rows = self.days.rows(start, end);
        let first = rows.start.max(self.named.start);
        first..rows.end.min(self.named.end).max(first)
    }
}

/// The prices of the company that had a listing's name on a date, under all its names, the oldest
/// first; those of the listing alone if nobody had it then, or without a date.
pub(crate) fn parts<'a>(
    view: &'a View,
    listing: &'a Listing,
    as_of: Option<NaiveDate>,
) -> Result<Vec<Part<'a>>, Error> {
    let (before, after) = (predecessor(view, listing), successor(view, listing));
    let had_it = |date: NaiveDate| {
        before.is_none_or(|(_, from)| from <= date) && after.is_none_or(|(_, until)| date < until)
    };
    if (before.is_none() && after.is_none()) || !as_of.is_some_and(had_it) {
        return Ok(vec![part(view, listing, (None, None))?]);
    }
    let (from, until) = (before.map(|(_, date)| date), after.map(|(_, date)| date));
    let mut parts = vec![part(view, listing, (from, until))?];
    let mut earlier = before;
    while let Some((listing, until)) = earlier {
        // A name that was changed back ends the walk: dates only fall.
        earlier = predecessor(view, listing).filter(|(_, date)| *date < until);
        let from = earlier.map(|(_, date)| date);
        parts.insert(0, part(view, listing, (from, Some(until)))?);
    }
    let mut later = after;
    while let Some((listing, from)) = later {
        later = successor(view, listing).filter(|(_, date)| *date > from);
        let until = later.map(|(_, date)| date);
        parts.push(part(view, listing, (Some(from), until))?);
    }
    Ok(parts)
}

/// The rows of a listing from one date on and before another.
fn part<'a>(
    view: &'a View,
    listing: &'a Listing,
    (from, until): (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<Part<'a>, Error> {
    let days = Days::new(view, listing)?;
    let dates = &listing.columns().dates[..days.len()];
    let row = |date: NaiveDate| dates.partition_point(|day| *day < date);
    let first = from.map_or(0, row);
    Ok(Part { named: first..until.map_or(dates.len(), row).max(first), days })
}

/// The listing whose name became this one's, and when.
fn predecessor<'a>(view: &'a View, listing: &Listing) -> Option<(&'a Listing, NaiveDate)> {
    view.listings().values().find_map(|other| {
        let (to, date) = renamed(other)?;
        (to == listing.symbol()).then_some((other, date))
    })
}

/// The listing this one's name became, and when.
fn successor<'a>(view: &'a View, listing: &Listing) -> Option<(&'a Listing, NaiveDate)> {
    let (to, date) = renamed(listing)?;
    Some((view.listings().get(to)?, date))
}

fn renamed(listing: &Listing) -> Option<(&atlas_core::Symbol, NaiveDate)> {
    listing.actions().iter().find_map(|action| match &action.kind {
        ActionKind::Rename { to } => Some((to, action.date)),
        ActionKind::Split { .. } | ActionKind::Dividend { .. } | ActionKind::Delisting { .. } => {
            None
        }
    })
}
