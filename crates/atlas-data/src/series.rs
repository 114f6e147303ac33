//! One symbol's daily prices, raw or adjusted, as a source delivers them.

use atlas_core::bars::{BarsView, Columns};
use atlas_core::time::ReplayPermit;
use atlas_core::{Adjusted, Bar, Bars, Basis, Price, Raw, Symbol};
use chrono::NaiveDate;

use crate::Error;

/// The daily prices of one symbol: as printed, or back-adjusted.
///
/// # Examples
///
/// ```
/// use atlas_core::time::Mode;
/// use atlas_core::{bars::Columns, Bars, Symbol};
/// use atlas_data::Series;
///
/// let dates = ["2019-01-02", "2019-01-03"].map(|text| text.parse().unwrap()).to_vec();
/// let columns = Columns { dates, close: vec![46.93, 46.64], ..Columns::default() };
/// let adjusted = Series::Adjusted(Bars::new(Symbol::new("KO")?, columns)?);
///
/// let view = adjusted.as_of("2019-01-02".parse().unwrap());
/// assert_eq!(view.return_closes(), [46.93]);
/// // An adjusted price becomes one to order on in a replay only.
/// assert_eq!(view.last_price(Mode::Replay.replay_permit()), Some("46.93".parse()?));
/// assert_eq!(view.last_price(Mode::Paper.replay_permit()), None);
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Series {
    /// Prices as traded, possibly with adjusted closes beside them for returns.
    Raw(Bars<Raw>),
    /// Adjusted prices only: good for returns, orderable in a replay alone.
    Adjusted(Bars<Adjusted>),
}

impl Series {
    /// What the series is of.
    #[must_use]
    pub const fn symbol(&self) -> &Symbol {
        match self {
            Self::Raw(bars) => bars.symbol(),
            Self::Adjusted(bars) => bars.symbol(),
        }
    }

    /// All rows: what the embedded venue sees.
    #[must_use]
    pub fn view(&self) -> SeriesView<'_> {
        match self {
            Self::Raw(bars) => SeriesView::Raw(bars.view()),
            Self::Adjusted(bars) => SeriesView::Adjusted(bars.view()),
        }
    }

    /// The rows whose session is not after `as_of`: what a decision of that date sees.
    #[must_use]
    pub fn as_of(&self, as_of: NaiveDate) -> SeriesView<'_> {
        match self {
            Self::Raw(bars) => SeriesView::Raw(bars.as_of(as_of)),
            Self::Adjusted(bars) => SeriesView::Adjusted(bars.as_of(as_of)),
        }
    }

    /// The series in adjusted prices, with every column the source has.
    ///
    /// A raw series with adjusted closes has open, high and low scaled by `adj_close / close` of
    /// the day, and volume by the inverse, so that price times volume stays the money traded.
    /// A raw series without adjusted closes is returned as it is: the source knows no adjustment.
    ///
    /// # Errors
    /// [`Error::Core`] when a scaled bar is not a possible one, which exact data never are.
    pub fn adjusted(&self) -> Result<Bars<Adjusted>, Error> {
        let bars = match self {
            Self::Adjusted(bars) => return Ok(bars.clone()),
            Self::Raw(bars) => bars,
        };
        let raw = bars.columns();
        let columns = if raw.adj_close.is_empty() { raw.clone() } else { scaled(raw) };
        Ok(Bars::new(bars.symbol().clone(), columns)?)
    }
}

/// The first rows of a [`Series`]; whatever comes later does not exist here.
#[derive(Debug, Clone, Copy)]
pub enum SeriesView<'a> {
    /// Prices as traded.
    Raw(BarsView<'a, Raw>),
    /// Adjusted prices.
    Adjusted(BarsView<'a, Adjusted>),
}

impl<'a> SeriesView<'a> {
    /// What the series is of.
    #[must_use]
    pub const fn symbol(&self) -> &'a Symbol {
        match self {
            Self::Raw(view) => view.symbol(),
            Self::Adjusted(view) => view.symbol(),
        }
    }

    /// `"raw"` or `"adjusted"`.
    #[must_use]
    pub const fn basis(&self) -> &'static str {
        match self {
            Self::Raw(_) => Raw::NAME,
            Self::Adjusted(_) => Adjusted::NAME,
        }
    }

    /// Number of sessions.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::Raw(view) => view.len(),
            Self::Adjusted(view) => view.len(),
        }
    }

    /// Whether there is no session.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sessions, strictly increasing.
    #[must_use]
    pub fn dates(&self) -> &'a [NaiveDate] {
        match self {
            Self::Raw(view) => view.dates(),
            Self::Adjusted(view) => view.dates(),
        }
    }

    /// The last session, if there is one.
    #[must_use]
    pub fn last_date(&self) -> Option<NaiveDate> {
        self.dates().last().copied()
    }

    /// Closes in the series' own basis, USD per share.
    #[must_use]
    pub fn close(&self) -> &'a [f64] {
        match self {
            Self::Raw(view) => view.close(),
            Self::Adjusted(view) => view.close(),
        }
    }

    /// Closes to compute returns and highs from: adjusted wherever the source has them.
    #[must_use]
    pub fn return_closes(&self) -> &'a [f64] {
        match self {
            Self::Raw(view) => view.return_closes(),
            Self::Adjusted(view) => view.close(),
        }
    }

    /// Shares traded, if the source has them.
    #[must_use]
    pub fn volume(&self) -> Option<&'a [f64]> {
        let volume = match self {
            Self::Raw(view) => view.volume(),
            Self::Adjusted(view) => view.volume(),
        };
        volume.filter(|column| column.len() == self.len())
    }

    /// One bar in the series' own basis, counted from the first session.
    #[must_use]
    pub fn bar(&self, row: usize) -> Option<Bar> {
        match self {
            Self::Raw(view) => view.bar(row),
            Self::Adjusted(view) => view.bar(row),
        }
    }

    /// The bar of exactly `date`.
    #[must_use]
    pub fn bar_on(&self, date: NaiveDate) -> Option<Bar> {
        self.bar(self.dates().binary_search(&date).ok()?)
    }

    /// The last close as a price one can order on, exact to six decimals: of a raw series always,
    /// of an adjusted one only with the permit of a replay. `None` otherwise, and for no rows.
    #[must_use]
    pub fn last_price(&self, permit: Option<ReplayPermit>) -> Option<Price> {
        match self {
            Self::Raw(view) => view.last_price(),
            Self::Adjusted(view) => Some(view.last_price()?.as_replay_unit(permit?)),
        }
    }
}

/// Columns brought to the basis of their adjusted closes.
fn scaled(raw: &Columns) -> Columns {
    let factors: Vec<f64> =
        raw.adj_close.iter().zip(&raw.close).map(|(adjusted, close)| adjusted / close).collect();
    let scale = |column: &[f64]| -> Vec<f64> {
        column.iter().zip(&factors).map(|(value, factor)| value * factor).collect()
    };
    // Rounding of the product may cross the close by a last digit; the bar contains its prices.
    let bounded = |column: &[f64], bound: fn(f64, f64) -> f64, open: &[f64]| -> Vec<f64> {
        let mut bounded = scale(column);
        for (value, close) in bounded.iter_mut().zip(&raw.adj_close) {
            *value = bound(*value, *close);
        }
        for (value, open) in bounded.iter_mut().zip(open) {
            *value = bound(*value, *open);
        }
        bounded
    };
    let open = scale(&raw.open);
    let high = bounded(&raw.high, f64::max, &open);
    let low = bounded(&raw.low, f64::min, &open);
    let volume = raw.volume.iter().zip(&factors).map(|(shares, factor)| shares / factor).collect();
    Columns {
        dates: raw.dates.clone(),
        open,
        high,
        low,
        close: raw.adj_close.clone(),
        volume,
        adj_close: Vec::new(),
    }
}
