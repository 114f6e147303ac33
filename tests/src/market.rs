//! Made-up daily series whose prices are easy to reckon with.
//!
//! Every session of a series is like the one before:
//!
//! | symbol | open | high | low | close | what for |
//! | --- | --- | --- | --- | --- | --- |
//! | `UPP` | 100 | 105 | 98 | 104 | goes down first, to its low at 17:00Z, then to its high at 19:00Z |
//! | `DWN` | 50 | 51 | 45 | 46 | goes up first |
//! | `THN` | 20 | 21 | 19 | 20 | 10 000 shares a day, of which the venue gives 250 |
//! | `SHT` | | | | 200 | closes only: fills at the session's close |
//! | `UNT` | | | | 12.345678 | adjusted closes, traded as units |
//! | `LAT` | 30 | 30 | 30 | 30 | listed from 2019-01-14 on |

use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::Calendar;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{Basis, Symbol};
use atlas_venue::Listing;
use chrono::NaiveDate;

/// First session with prices.
pub const FIRST: &str = "2019-01-02";
/// Last session with prices.
pub const LAST: &str = "2019-04-30";

/// A moment, from its text.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn at(text: &str) -> Timestamp {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is not a moment"))
}

/// A symbol, from its text.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn symbol(text: &str) -> Symbol {
    text.parse().unwrap_or_else(|_| panic!("{text:?} is not a symbol"))
}

/// Everything the venue of a [`World`](crate::world::World) lists.
///
/// # Panics
/// Never: the series are good.
#[must_use]
pub fn listings() -> Vec<Listing> {
    let permit = Mode::Replay.replay_permit().expect("a replay");
    vec![
        Listing::raw(bars::<atlas_core::Raw>(
            "UPP",
            FIRST,
            Some([100.0, 105.0, 98.0]),
            104.0,
            None,
        )),
        Listing::raw(bars::<atlas_core::Raw>("DWN", FIRST, Some([50.0, 51.0, 45.0]), 46.0, None)),
        Listing::raw(bars::<atlas_core::Raw>(
            "THN",
            FIRST,
            Some([20.0, 21.0, 19.0]),
            20.0,
            Some(10_000.0),
        )),
        Listing::raw(bars::<atlas_core::Raw>("SHT", FIRST, None, 200.0, None)),
        Listing::adjusted_units(
            bars::<atlas_core::Adjusted>("UNT", FIRST, None, 12.345_678, None),
            permit,
        ),
        Listing::raw(bars::<atlas_core::Raw>(
            "LAT",
            "2019-01-14",
            Some([30.0, 30.0, 30.0]),
            30.0,
            None,
        )),
    ]
}

/// A listing that stands at one price in every session, without volume.
///
/// # Panics
/// If the name is no symbol.
#[must_use]
pub fn flat(name: &str, price: f64) -> Listing {
    Listing::raw(bars::<atlas_core::Raw>(name, FIRST, Some([price; 3]), price, None))
}

/// A series that is the same every session: open, high and low, close, volume.
fn bars<B: Basis>(
    name: &str,
    first: &str,
    way: Option<[f64; 3]>,
    close: f64,
    volume: Option<f64>,
) -> Bars<B> {
    let day = |text: &str| text.parse::<NaiveDate>().expect("a date");
    let sessions = Calendar::nyse().sessions(day(first), day(LAST)).expect("within the calendar");
    let dates: Vec<NaiveDate> = sessions.map(|session| session.date).collect();
    let column = |value: Option<f64>| value.map_or(Vec::new(), |value| vec![value; dates.len()]);
    let columns = Columns {
        open: column(way.map(|way| way[0])),
        high: column(way.map(|way| way[1])),
        low: column(way.map(|way| way[2])),
        close: column(Some(close)),
        volume: column(volume),
        adj_close: Vec::new(),
        dates: dates.clone(),
    };
    Bars::new(symbol(name), columns).expect("a good series")
}
