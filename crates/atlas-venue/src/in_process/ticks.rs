//! The venue's trades and quotes of the past, asked directly.

use atlas_broker::market_data::{TicksRequest, Trade};
use atlas_core::Quote;

use super::market_data::{quote_of, trade_of};
use crate::Error;
use crate::core::{Listing, View, date_of};
use crate::tape::{Day, Tick, parts};

/// The trades of one symbol; `None` if there are none.
pub(super) fn trades(
    view: &View,
    listing: &Listing,
    request: &TicksRequest,
) -> Result<Option<Vec<Trade>>, Error> {
    let of = |day: &Day, from, to| day.trades(from, to).collect();
    walk(view, listing, request, of, trade_of)
}

/// The quotes of one symbol; `None` if there are none.
pub(super) fn quotes(
    view: &View,
    listing: &Listing,
    request: &TicksRequest,
) -> Result<Option<Vec<Quote>>, Error> {
    let of = |day: &Day, from, to| day.quotes(from, to).collect();
    walk(view, listing, request, of, |tick| quote_of(tick, listing))
}

/// What each day holds of a stretch of time, oldest first.
fn walk<T>(
    view: &View,
    listing: &Listing,
    request: &TicksRequest,
    of: impl Fn(&Day, i64, i64) -> Vec<Tick>,
    make: impl Fn(&Tick) -> Result<T, Error>,
) -> Result<Option<Vec<T>>, Error> {
    let (start, end) = (request.start, request.end);
    let mut all = Vec::new();
    // A company is followed through its names, as the server does.
    for part in parts(view, listing, Some(date_of(view.now())))? {
        for row in part.rows(start, end) {
            let Some(day) = part.days.day(row)? else { continue };
            let ticks = of(&day, day.place(start), day.place(end));
            for tick in ticks.iter().filter(|tick| tick.at >= start && tick.at <= end) {
                all.push(make(tick)?);
            }
        }
    }
    Ok((!all.is_empty()).then_some(all))
}
