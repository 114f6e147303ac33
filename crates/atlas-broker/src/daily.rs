//! From exact daily bars to the columns decisions are made on.

use atlas_core::bars::{Basis, Columns};
use atlas_core::calendar::to_eastern;
use atlas_core::{Bars, Price, Symbol};

use crate::market_data::MarketBar;

/// The daily series of a symbol: each bar under the New York date of its start, prices as the
/// nearest `f64`.
///
/// This is the border between exact market data and statistics; the way back does not exist.
///
/// # Errors
/// [`atlas_core::Error`] naming the first bar that cannot be one: out of order, twice on a date,
/// with a high below its low, or outside of the calendar.
///
/// # Examples
/// ```
/// use atlas_broker::market_data::MarketBar;
/// use atlas_core::{Price, Qty, Raw};
///
/// let price: Price<Raw> = "187.9".parse()?;
/// let bar = MarketBar {
///     start: "2026-01-05T05:00:00Z".parse().unwrap(),
///     open: price, high: price, low: price, close: price,
///     volume: Qty::from_shares(100), trades: None, vwap: None,
/// };
/// let series = atlas_broker::daily_bars(&"AAPL".parse()?, &[bar])?;
/// assert_eq!(series.view().last_date().unwrap().to_string(), "2026-01-05");
/// # Ok::<(), atlas_core::Error>(())
/// ```
pub fn daily_bars<B: Basis>(
    symbol: &Symbol,
    bars: &[MarketBar<B>],
) -> Result<Bars<B>, atlas_core::Error> {
    let column =
        |price: fn(&MarketBar<B>) -> Price<B>| bars.iter().map(|bar| price(bar).to_f64()).collect();
    let date = |bar: &MarketBar<B>| to_eastern(bar.start).map(|start| start.date_naive());
    Bars::new(
        symbol.clone(),
        Columns {
            dates: bars.iter().map(date).collect::<Result<_, _>>()?,
            open: column(|bar| bar.open),
            high: column(|bar| bar.high),
            low: column(|bar| bar.low),
            close: column(|bar| bar.close),
            volume: bars.iter().map(|bar| bar.volume.to_f64()).collect(),
            adj_close: Vec::new(),
        },
    )
}

#[cfg(test)]
mod tests {
    use atlas_core::{Adjusted, Qty};

    use super::*;

    fn bar(start: &str, close: &str) -> MarketBar<Adjusted> {
        let price = close.parse().expect("a price");
        MarketBar {
            start: start.parse().expect("an instant"),
            open: price,
            high: price,
            low: price,
            close: price,
            volume: Qty::ZERO,
            trades: None,
            vwap: None,
        }
    }

    #[test]
    fn dates_are_new_yorks_and_in_order() {
        let symbol: Symbol = "AAPL".parse().expect("a symbol");
        let (winter, summer) = (bar("2026-01-05T05:00:00Z", "1"), bar("2026-07-06T04:00:00Z", "2"));
        let series = daily_bars(&symbol, &[winter, summer]).expect("a series");
        let dates: Vec<String> = series.view().dates().iter().map(ToString::to_string).collect();
        assert_eq!(dates, ["2026-01-05", "2026-07-06"]);
        assert!(daily_bars(&symbol, &[summer, winter]).is_err());
        assert!(daily_bars(&symbol, &[winter, winter]).is_err());
    }
}
