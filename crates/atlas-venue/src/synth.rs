//! Daily bars where there are none, made by a stated rule.
//!
//! A venue that is served to clients which know nothing of Atlas should show them a market: bars
//! with a range, and something that trades at night. What the data do not have is made here, from
//! a seed, and is the same whenever it is made.
//!
//! - [`complete`] gives a series of closes the rest of its bars. The **close** is kept, rounded to
//!   cents (below $1 to hundredths of a cent). The **open** lies on the way from the close before,
//!   up to half of it. **High** and **low** lie beyond open and close by up to 0.6 % of the close.
//! - [`coin`] makes a crypto pair: each day closes within about 3 % (one standard deviation) of the
//!   day before, and is drawn back by 1 % of its distance to where the series began.
//! - [`stock`] makes a stock in the same way, of the days the stock exchange is open, with about 1.2 %.

use atlas_core::bars::{Bars, Basis, Columns};
use atlas_core::calendar::Calendar;
use atlas_core::{Raw, Symbol};
use chrono::NaiveDate;

use crate::Error;
use crate::core::ids;

/// Gives a series of closes open, high and low prices, and makes it one of plain prices.
///
/// A series that has an open is only rounded; volume and adjusted closes are kept as they are.
///
/// # Errors
/// [`Error::Core`] if rounding leaves nothing of a price: below a hundredth of a cent.
///
/// # Examples
/// ```
/// use atlas_core::Raw;
/// use atlas_core::bars::{Bars, Columns};
///
/// let closes = Bars::<Raw>::new("AAPL".parse()?, Columns {
///     dates: vec!["2019-01-02".parse().unwrap(), "2019-01-03".parse().unwrap()],
///     close: vec![37.951, 34.172],
///     ..Columns::default()
/// })?;
/// let bars = atlas_venue::synth::complete(&closes, 0)?;
/// let bar = bars.view().bar(1).unwrap();
/// assert_eq!(bar.close, 34.17);
/// assert!(bar.open.unwrap() <= 37.95 && bar.low.unwrap() <= 34.17);
/// # Ok::<(), atlas_venue::Error>(())
/// ```
pub fn complete<B: Basis>(series: &Bars<B>, seed: u64) -> Result<Bars<Raw>, Error> {
    let given = series.columns();
    let close: Vec<f64> = given.close.iter().map(|price| to_grid(*price)).collect();
    let mut made = Columns {
        dates: given.dates.clone(),
        close,
        volume: given.volume.clone(),
        adj_close: given.adj_close.clone(),
        ..Columns::default()
    };
    let mut before = made.close.first().copied().unwrap_or_default();
    for row in 0..made.dates.len() {
        let close = made.close[row];
        let mut draws = draws(seed, series.symbol(), made.dates[row]);
        let open = given.open.get(row).map_or_else(
            || to_grid(before + (close - before) * 0.5 * draws()),
            |open| to_grid(*open),
        );
        let (top, bottom) = (open.max(close), open.min(close));
        let high = given.high.get(row).copied().unwrap_or(top + close * 0.006 * draws());
        let low = given.low.get(row).copied().unwrap_or(bottom - close * 0.006 * draws());
        made.open.push(open);
        made.high.push(to_grid(high).max(top));
        made.low.push(to_grid(low).min(bottom));
        before = close;
    }
    Ok(Bars::new(series.symbol().clone(), made)?)
}

/// Makes a crypto pair with a bar for each day from one date to another, both included.
///
/// # Errors
/// [`Error::Core`] unless the first price is one.
pub fn coin(
    symbol: &Symbol,
    first_price: f64,
    from: NaiveDate,
    to: NaiveDate,
    seed: u64,
) -> Result<Bars<Raw>, Error> {
    let dates = from.iter_days().take_while(|date| *date <= to);
    walk(symbol, first_price, dates, (0.03, 0.01), seed)
}

/// Makes a stock with a bar for each session from one date to another, both included.
///
/// # Errors
/// [`Error::Core`] unless the first price is one and the dates lie within the calendar.
pub fn stock(
    symbol: &Symbol,
    first_price: f64,
    from: NaiveDate,
    to: NaiveDate,
    seed: u64,
) -> Result<Bars<Raw>, Error> {
    let dates = Calendar::nyse().sessions(from, to)?.map(|session| session.date);
    walk(symbol, first_price, dates, (0.012, 0.004), seed)
}

/// A price that closes each day within about `width` of the day before, its extremes up to `reach`
/// beyond open and close.
fn walk(
    symbol: &Symbol,
    first_price: f64,
    dates: impl Iterator<Item = NaiveDate>,
    (width, reach): (f64, f64),
    seed: u64,
) -> Result<Bars<Raw>, Error> {
    let mut made = Columns::default();
    let mut before = to_grid(first_price);
    for date in dates {
        let mut draws = draws(seed, symbol, date);
        // The sum of three even draws is close to a normal one of standard deviation one half.
        let normal = (draws() + draws() + draws() - 1.5) * 2.0;
        let drawn_back = (first_price / before - 1.0) * 0.01;
        let close = to_grid((before * (1.0 + width * normal + drawn_back)).max(first_price / 50.0));
        let (top, bottom) = (before.max(close), before.min(close));
        made.dates.push(date);
        made.open.push(before);
        made.high.push(to_grid(top + close * reach * draws()).max(top));
        made.low.push(to_grid(bottom - close * reach * draws()).min(bottom));
        made.close.push(close);
        before = close;
    }
    Ok(Bars::new(symbol.clone(), made)?)
}

/// Cents from $1 on, hundredths of a cent below, at least one of them.
fn to_grid(price: f64) -> f64 {
    let steps = if price >= 1.0 { 100.0 } else { 10_000.0 };
    (price * steps).round().max(1.0) / steps
}

/// Even draws from 0 to 1 that belong to a symbol's day.
fn draws(seed: u64, symbol: &Symbol, date: NaiveDate) -> impl FnMut() -> f64 {
    let bytes = symbol.as_str().bytes().chain(date.to_string().into_bytes());
    let hash = bytes.fold(seed, |hash, byte| {
        let (high, low) = ids::draw(hash, u64::from(byte));
        u64::from(high) << 32 | u64::from(low)
    });
    let mut count = 0;
    move || {
        count += 1;
        f64::from(ids::draw(hash, count).0) / 4_294_967_296.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_coin_is_the_same_whenever_it_is_made_and_stays_in_sight() {
        let symbol: Symbol = "BTC/USD".parse().unwrap();
        let make = |to, seed| coin(&symbol, 40_000.0, day("2015-01-01"), day(to), seed).unwrap();
        let (short, long) = (make("2016-01-01", 1), make("2022-12-31", 1));
        assert_eq!(short.columns().close, long.columns().close[..366]);
        assert_ne!(make("2016-01-01", 2), short);
        let closes = &long.columns().close;
        assert!(closes.iter().all(|close| (4_000.0..400_000.0).contains(close)));
    }

    #[test]
    fn a_stock_has_a_bar_for_each_session() {
        let symbol: Symbol = "SPY".parse().unwrap();
        let made = stock(&symbol, 250.0, day("2018-12-28"), day("2019-01-03"), 0).unwrap();
        let dates = ["2018-12-28", "2018-12-31", "2019-01-02", "2019-01-03"].map(day);
        assert_eq!((&made.columns().dates[..], made.columns().open[0]), (&dates[..], 250.0));
        let long = stock(&symbol, 250.0, day("2003-01-02"), day("2022-12-30"), 0).unwrap();
        let closes = &long.columns().close;
        assert!(closes.iter().all(|close| (60.0..1_000.0).contains(close)));
    }

    proptest! {
        #[test]
        fn every_completed_bar_is_one(closes in prop::collection::vec(0.001_f64..5_000.0, 1..20)) {
            let mut dates = vec![day("2019-01-02")];
            while dates.len() < closes.len() {
                dates.push(dates[dates.len() - 1].succ_opt().unwrap());
            }
            let columns = Columns { dates, close: closes, ..Columns::default() };
            let series = Bars::<Raw>::new("AAPL".parse().unwrap(), columns).unwrap();
            // The type checks that highs and lows contain the bar.
            let made = complete(&series, 7).unwrap();
            prop_assert_eq!(complete(&series, 7).unwrap(), made);
        }
    }
}
