//! All the series a run uses, and the part of them that a decision may see.

use std::collections::BTreeMap;

use atlas_core::bars::BarsView;
use atlas_core::calendar::Session;
use atlas_core::{Adjusted, Bar, Bars, Symbol};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::levels::{Levels, LevelsView};
use crate::series::{Series, SeriesView};
use crate::validate::{self, Audit, Needs, Warning};

/// Everything loaded for a run, past and future of any decision alike.
///
/// The embedded venue trades on this; a decision is given what [`as_of`](Self::as_of) leaves of it.
///
/// # Examples
///
/// ```
/// use atlas_data::{sample, BarSource, Needs, SampleSource, Universe};
///
/// let source = SampleSource;
/// let market = source.load(&Universe::resolve(None, &source)?)?;
/// let view = market.as_of(sample::default_as_of(), &Needs::new(252, 1_000))?;
/// assert_eq!(view.session.date, sample::default_as_of());
/// assert_eq!(view.series.len(), 20);
/// assert!(view.index.last_date() <= Some(view.session.date));
/// # Ok::<(), atlas_data::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MarketData {
    /// Prices of the universe.
    pub series: BTreeMap<Symbol, Series>,
    /// The index the regime is read from, in points.
    pub index: Bars<Adjusted>,
    /// The Cboe Volatility Index at the close, in points.
    pub vix: Option<Levels>,
    /// The short-term interest rate, in per cent per year.
    pub rate: Option<Levels>,
    /// Where all this came from.
    pub source: SourceInfo,
}

/// Where data came from, for the record of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceInfo {
    /// The source: a word such as `sample`, or a path.
    pub name: String,
    /// SHA-256 of the bytes read, file after file in the order of loading, in hexadecimal.
    pub sha256: String,
    /// What a reader ought to know of the data, each one sentence.
    pub notes: Vec<String>,
}

impl MarketData {
    /// What is known after the close of `as_of`, checked to be enough to decide on.
    ///
    /// Checked are, for each series that `needs` say is used: that `as_of` is its last session
    /// (freshness), that no session is missing in the window before, and that it is long enough.
    /// What is odd but usable is returned as [`MarketView::warnings`].
    ///
    /// # Errors
    /// [`Error::AsOf`] when `as_of` is not a session, [`Error::AfterEnd`], [`Error::Stale`],
    /// [`Error::TooShort`], [`Error::Gaps`], and [`Error::NoSeries`] when a VIX is asked for and
    /// the source has none.
    pub fn as_of(&self, as_of: NaiveDate, needs: &Needs) -> Result<MarketView<'_>, Error> {
        validate::view(self, as_of, needs, &|_| true, None)
    }

    /// As [`as_of`](Self::as_of), of the symbols alone that `among` says yes to: the members of an
    /// index on that date. The others are neither checked nor shown.
    ///
    /// # Errors
    /// As [`as_of`](Self::as_of).
    pub fn as_of_among(
        &self,
        as_of: NaiveDate,
        needs: &Needs,
        among: impl Fn(&Symbol) -> bool,
    ) -> Result<MarketView<'_>, Error> {
        validate::view(self, as_of, needs, &among, None)
    }

    /// Looks once for what every decision would look for again; for whoever decides often on the
    /// same market.
    #[must_use]
    pub fn audit(&self, needs: &Needs) -> Audit {
        Audit::of(self, needs)
    }

    /// As [`as_of_among`](Self::as_of_among), with an [`audit`](Self::audit) of this very market:
    /// the same answer sooner.
    ///
    /// # Errors
    /// As [`as_of`](Self::as_of).
    pub fn as_of_audited(
        &self,
        as_of: NaiveDate,
        needs: &Needs,
        among: impl Fn(&Symbol) -> bool,
        audit: &Audit,
    ) -> Result<MarketView<'_>, Error> {
        validate::view(self, as_of, needs, &among, Some(audit))
    }

    /// The bar of one session, in the series' own basis, whether before or after a decision.
    ///
    /// For the venue that fills orders, never for the decision.
    #[must_use]
    pub fn bar_on(&self, symbol: &Symbol, date: NaiveDate) -> Option<Bar> {
        self.series.get(symbol)?.view().bar_on(date)
    }

    /// The last session of any series of the universe.
    #[must_use]
    pub fn last_date(&self) -> Option<NaiveDate> {
        self.series.values().filter_map(|series| series.view().last_date()).max()
    }
}

/// What a decision of one date may see; made and checked by [`MarketData::as_of`].
#[derive(Debug, Clone)]
pub struct MarketView<'a> {
    /// The session after whose close the decision is made.
    pub session: Session,
    /// Prices of the universe up to that session, without symbols that were left out.
    pub series: BTreeMap<Symbol, SeriesView<'a>>,
    /// The index up to that session.
    pub index: BarsView<'a, Adjusted>,
    /// The VIX up to that session, when it is used.
    pub vix: Option<LevelsView<'a>>,
    /// The rate up to that session, when it is used and covers the date.
    pub rate: Option<LevelsView<'a>>,
    /// What is odd about the data but does not forbid using them.
    pub warnings: Vec<Warning>,
}
