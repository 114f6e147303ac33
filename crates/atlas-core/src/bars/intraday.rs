//! Bars shorter than a day, in columns.

use chrono::TimeDelta;

use crate::time::Timestamp;
use crate::{Error, Symbol};

/// The columns a series of bars within days is made from, each with one row a bar.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IntradayColumns {
    /// First moments of the bars, strictly increasing.
    pub starts: Vec<Timestamp>,
    /// First prices.
    pub open: Vec<f64>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Lowest prices.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Shares or coins traded; empty if unknown.
    pub volume: Vec<f64>,
    /// Mean prices by volume; empty if unknown.
    pub vwap: Vec<f64>,
    /// Numbers of trades; empty if unknown.
    pub trades: Vec<u64>,
}

/// A checked series of bars of one length within days, with prices as printed at the exchange.
///
/// Prices are US dollars, finite and above zero; the low is at most, the high at least every other
/// price of the bar; volume is zero or more. Bars do not overlap; minutes without a bar are minutes
/// of which nothing is known.
///
/// # Examples
/// ```
/// use atlas_core::bars::{IntradayBars, IntradayColumns};
/// use chrono::TimeDelta;
///
/// let bars = IntradayBars::new("SPY".parse()?, TimeDelta::minutes(1), IntradayColumns {
///     starts: vec!["2024-02-20T14:30:00Z".parse().unwrap()],
///     open: vec![497.72],
///     high: vec![498.11],
///     low: vec![497.68],
///     close: vec![498.02],
///     ..IntradayColumns::default()
/// })?;
/// assert_eq!(bars.len(), 1);
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct IntradayBars {
    symbol: Symbol,
    length: TimeDelta,
    columns: IntradayColumns,
}

impl IntradayBars {
    /// Checks columns and makes them a series; `length` is that of every bar, whole minutes from
    /// one to a day.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] if a column is neither as long as the starts nor, where it may be,
    /// empty; [`Error::BadBar`] naming the first bar that breaks a rule above, or the length.
    pub fn new(symbol: Symbol, length: TimeDelta, columns: IntradayColumns) -> Result<Self, Error> {
        check_lengths(&symbol, &columns)?;
        let is_length = length.num_minutes() >= 1
            && length <= TimeDelta::days(1)
            && length == TimeDelta::minutes(length.num_minutes());
        for row in 0..columns.starts.len() {
            let problem = if is_length {
                problem_at(&columns, length, row)
            } else {
                let seconds = length.num_seconds();
                Some(format!("lasts {seconds} s; a bar lasts whole minutes, one to a day"))
            };
            if let Some(problem) = problem {
                let start = columns.starts[row];
                return Err(Error::BadBar {
                    symbol: symbol.to_string(),
                    date: start.date_naive(),
                    problem: format!("the bar of {start} {problem}"),
                });
            }
        }
        Ok(Self { symbol, length, columns })
    }

    /// The same without the bars whose first moment does not pass.
    #[must_use]
    pub fn filtered(mut self, keep: impl Fn(Timestamp) -> bool) -> Self {
        let kept: Vec<bool> = self.columns.starts.iter().map(|start| keep(*start)).collect();
        let columns = &mut self.columns;
        retain(&mut columns.starts, &kept);
        for column in [
            &mut columns.open,
            &mut columns.high,
            &mut columns.low,
            &mut columns.close,
            &mut columns.volume,
            &mut columns.vwap,
        ] {
            retain(column, &kept);
        }
        retain(&mut columns.trades, &kept);
        self
    }

    /// What the series is of.
    #[must_use]
    pub const fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// How long each bar lasts.
    #[must_use]
    pub const fn length(&self) -> TimeDelta {
        self.length
    }

    /// The columns.
    #[must_use]
    pub const fn columns(&self) -> &IntradayColumns {
        &self.columns
    }

    /// Number of bars.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.columns.starts.len()
    }

    /// Whether there is no bar.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.columns.starts.is_empty()
    }
}

/// Keeps the rows of a column that are to be kept; an empty one stays empty.
fn retain<T>(column: &mut Vec<T>, kept: &[bool]) {
    let mut rows = kept.iter();
    column.retain(|_| rows.next().copied().unwrap_or(false));
}

fn check_lengths(symbol: &Symbol, columns: &IntradayColumns) -> Result<(), Error> {
    let expected = columns.starts.len();
    let all = [
        ("open", columns.open.len(), true),
        ("high", columns.high.len(), true),
        ("low", columns.low.len(), true),
        ("close", columns.close.len(), true),
        ("volume", columns.volume.len(), false),
        ("vwap", columns.vwap.len(), false),
        ("trades", columns.trades.len(), false),
    ];
    for (column, found, needed) in all {
        if found != expected && (needed || found != 0) {
            let symbol = symbol.to_string();
            return Err(Error::ColumnLength { symbol, column, found, expected });
        }
    }
    Ok(())
}

/// What is wrong with one row, in words.
fn problem_at(columns: &IntradayColumns, length: TimeDelta, row: usize) -> Option<String> {
    if row > 0 && columns.starts[row] < columns.starts[row - 1] + length {
        let before = columns.starts[row - 1];
        return Some(format!("overlaps with that of {before}"));
    }
    let (high, low) = (columns.high[row], columns.low[row]);
    let prices = [
        ("open", Some(columns.open[row])),
        ("high", Some(high)),
        ("low", Some(low)),
        ("close", Some(columns.close[row])),
        ("vwap", columns.vwap.get(row).copied()),
    ];
    for (name, price) in prices {
        let Some(price) = price else { continue };
        // Written so that NaN fails as well. The limit is the one of `Price`.
        if !(price > 0.0 && price <= 1e9) {
            return Some(format!("has the {name} {price}, which is not a price"));
        }
        // A mean may be rounded beyond the range.
        if name != "vwap" && (price > high || price < low) {
            return Some(format!("has the {name} {price} outside of {low} to {high}"));
        }
    }
    let volume = columns.volume.get(row).copied();
    volume
        .filter(|volume| !(*volume >= 0.0 && volume.is_finite()))
        .map(|volume| format!("has the volume {volume}, which is not a number of shares"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(starts: &[&str]) -> IntradayColumns {
        let all = |price: f64| vec![price; starts.len()];
        IntradayColumns {
            starts: starts.iter().map(|start| start.parse().unwrap()).collect(),
            open: all(10.0),
            high: all(12.0),
            low: all(9.0),
            close: all(11.0),
            ..IntradayColumns::default()
        }
    }

    fn made(columns: IntradayColumns, minutes: i64) -> Result<IntradayBars, Error> {
        IntradayBars::new("SPY".parse().unwrap(), TimeDelta::minutes(minutes), columns)
    }

    #[test]
    fn bars_may_have_holes_between_them_and_not_overlap() {
        let starts = ["2024-02-20T14:30:00Z", "2024-02-20T14:31:00Z", "2024-02-20T14:40:00Z"];
        assert_eq!(made(columns(&starts), 1).unwrap().len(), 3);
        let error = made(columns(&starts), 5).unwrap_err().to_string();
        assert!(error.contains("overlaps"), "{error}");
        assert!(made(columns(&starts), 0).is_err());
        assert!(made(columns(&starts), 1441).is_err());
        let late = made(columns(&starts), 1).unwrap();
        let first: Timestamp = "2024-02-20T14:30:00Z".parse().unwrap();
        let late = late.filtered(|start| start > first);
        assert_eq!((late.len(), late.columns().low.len(), late.columns().volume.len()), (2, 2, 0));
    }

    #[test]
    fn what_cannot_be_true_is_refused() {
        let start = ["2024-02-20T14:30:00Z"];
        for (change, word) in [
            ((|c| c.open[0] = 13.0) as fn(&mut IntradayColumns), "open 13"),
            (|c| c.close[0] = f64::NAN, "not a price"),
            (|c| c.low[0] = 0.0, "not a price"),
            (|c| c.volume = vec![-1.0], "volume -1"),
            (|c| c.vwap = vec![0.0], "not a price"),
            (|c| c.trades = vec![1, 2], "trades"),
            (|c| c.high.clear(), "high"),
        ] {
            let mut bad = columns(&start);
            change(&mut bad);
            let error = made(bad, 1).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
