//! Loading the market a run looks at.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use atlas_core::Symbol;
use atlas_core::bars::BarsView;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Mode;
use atlas_data::{BarSource, LevelsView, MarketData, Needs, Series, SeriesView, Universe, Warning};
use atlas_engine::PriceSeries;
use atlas_report::run::DataSource;
use atlas_venue::Listing;
use chrono::NaiveDate;

use crate::config;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::live_data::LiveData;

/// Everything loaded for one run; the future included, for the venue alone.
#[derive(Debug)]
pub(crate) struct Market {
    source: Box<dyn BarSource>,
    /// The symbols to choose from.
    pub(crate) universe: Universe,
    data: MarketData,
    /// Series of held symbols outside of the universe.
    others: BTreeMap<Symbol, Series>,
    /// Where the source is downloaded from, if it is.
    live: Option<LiveData>,
}

/// What `--data` calls live market data.
pub(crate) const ALPACA: &str = "alpaca";

impl Market {
    /// Loads the universe's series from the named source.
    ///
    /// # Errors
    /// [`Exit::Data`] with the sentence of `atlas-data`.
    pub(crate) fn load(data: &str, universe: Option<&str>) -> Result<Self> {
        if data == ALPACA {
            return Err(Failure::error(
                Exit::Usage,
                "this command takes recorded data alone: name a folder of daily CSV files with --data",
            ));
        }
        let source = atlas_data::open(data)?;
        let universe = Universe::resolve(universe, source.as_ref())?;
        let data = source.load(&universe)?;
        Ok(Self { source, universe, data, others: BTreeMap::new(), live: None })
    }

    /// Loads the universe's series from the named source; for `alpaca` after they were brought up
    /// to the last session that has closed.
    ///
    /// # Errors
    /// As [`Market::load`]; [`Exit::Broker`] if Alpaca does not answer.
    pub(crate) async fn open(job: &Job, data: &str, universe: Option<&str>) -> Result<Self> {
        if data != ALPACA {
            return Self::load(data, universe);
        }
        let (mut live, universe) = LiveData::open(job, universe)?;
        let source = live.download(&[]).await?;
        let data = source.load(&universe)?;
        let source = Box::new(source);
        Ok(Self { source, universe, data, others: BTreeMap::new(), live: Some(live) })
    }

    /// Loads what is held besides the universe, so that it can be valued and sold.
    ///
    /// # Errors
    /// [`Exit::Data`] if the source does not have a symbol.
    pub(crate) async fn include(&mut self, held: impl IntoIterator<Item = Symbol>) -> Result<()> {
        let missing: Vec<Symbol> =
            held.into_iter().filter(|symbol| !self.data.series.contains_key(symbol)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        if let Some(live) = &mut self.live {
            self.source = Box::new(live.download(&missing).await?);
        }
        let names: Vec<&str> = missing.iter().map(Symbol::as_str).collect();
        let universe = Universe::resolve(Some(&names.join(",")), self.source.as_ref())
            .with_context(|| format!("the account holds {}, and", names.join(", ")))?;
        self.others = self.source.load(&universe)?.series;
        Ok(())
    }

    /// The session a replay decides on unless told otherwise: the sample's own date, or the last
    /// session of the data that is followed by another one.
    ///
    /// # Errors
    /// [`Exit::Data`] if the data have no such session.
    pub(crate) fn default_as_of(&self) -> Result<NaiveDate> {
        if self.universe.dataset() == "sample" {
            return Ok(atlas_data::sample::default_as_of());
        }
        let last = self.data.last_date().and_then(|last| {
            Calendar::nyse().previous_session(last).ok().map(|session| session.date)
        });
        last.ok_or_else(|| {
            Failure::error(
                Exit::Data,
                format!("{} has no session to decide on: give data with more", self.source.name()),
            )
        })
    }

    /// What a decision may see: everything up to `as_of`, checked.
    ///
    /// # Errors
    /// [`Exit::Data`] with the sentence of `atlas-data`.
    pub(crate) fn view(&self, as_of: NaiveDate, needs: &Needs) -> Result<View<'_>> {
        let view = self.data.as_of(as_of, needs)?;
        let others = self.others.values().map(|series| prices(&series.as_of(as_of))).collect();
        Ok(View {
            session: view.session,
            universe: view.series.values().map(prices).collect(),
            others,
            index: view.index,
            vix: view.vix,
            rate: view.rate,
            warnings: view.warnings,
        })
    }

    /// Refuses a session that no other follows in the data: a replay could never execute its plan.
    ///
    /// # Errors
    /// [`Exit::Data`] naming both sessions.
    pub(crate) fn check_next(&self, as_of: NaiveDate) -> Result<()> {
        let next = Calendar::nyse().next_session(as_of)?.date;
        let traded = self.data.series.keys().any(|symbol| self.data.bar_on(symbol, next).is_some());
        if traded {
            return Ok(());
        }
        Err(Failure::error(
            Exit::Data,
            format!(
                "a plan of {as_of} is executed on {next}, of which {} has no prices: choose an \
                 earlier date or bring newer data",
                self.source.name()
            ),
        ))
    }

    /// Everything that was loaded for the universe, the future included.
    pub(crate) const fn data(&self) -> &MarketData {
        &self.data
    }

    /// Digest of the bytes that were read.
    pub(crate) fn digest(&self) -> &str {
        &self.data.source.sha256
    }

    /// `sample`, or the path.
    pub(crate) fn source_name(&self) -> String {
        self.source.name()
    }

    /// Whether any series is adjusted.
    pub(crate) fn is_adjusted(&self) -> bool {
        let adjusted = |series: &Series| matches!(series, Series::Adjusted(_));
        self.data.series.values().any(adjusted)
    }

    /// The last session of the universe.
    ///
    /// # Errors
    /// [`Exit::Data`] if there is none.
    pub(crate) fn last_date(&self) -> Result<NaiveDate> {
        self.data.last_date().ok_or_else(|| {
            Failure::error(Exit::Data, format!("{} has no session at all", self.source.name()))
        })
    }

    /// Every series of the universe.
    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        self.data.series.values()
    }

    /// What the venue lists: every series, raw or as total-return units.
    ///
    /// # Errors
    /// [`Exit::Internal`] outside of a replay, where units cannot be traded.
    pub(crate) fn listings(&self) -> Result<Vec<Listing>> {
        let permit = Mode::Replay.replay_permit().ok_or_else(|| {
            Failure::error(Exit::Internal, "adjusted prices are listed in a replay only")
        })?;
        let all = self.data.series.values().chain(self.others.values());
        Ok(all
            .map(|series| match series {
                Series::Raw(bars) => Listing::raw(bars.clone()),
                Series::Adjusted(bars) => Listing::adjusted_units(bars.clone(), permit),
            })
            .collect())
    }

    /// Where the data came from, for the report; `warnings` are those of the view.
    pub(crate) fn describe(&self, warnings: &[Warning]) -> DataSource {
        let info = &self.data.source;
        let warnings = warnings.iter().map(ToString::to_string);
        DataSource {
            name: self.source.name(),
            universe: self.universe.name().to_owned(),
            symbols: self.universe.symbols().to_vec(),
            sha256: info.sha256.clone(),
            notes: info.notes.iter().cloned().chain(warnings).collect(),
        }
    }
}

/// What a decision may see of the market.
#[derive(Debug)]
pub(crate) struct View<'a> {
    /// The session after whose close is decided.
    pub(crate) session: Session,
    universe: Vec<PriceSeries<'a>>,
    others: Vec<PriceSeries<'a>>,
    index: BarsView<'a, atlas_core::Adjusted>,
    vix: Option<LevelsView<'a>>,
    rate: Option<LevelsView<'a>>,
    /// What is odd about the data, though usable.
    pub(crate) warnings: Vec<Warning>,
}

impl<'a> View<'a> {
    /// In the engine's terms.
    pub(crate) fn for_engine(&self, execute_on: NaiveDate) -> atlas_engine::MarketView<'a> {
        let index = atlas_regime::Series { dates: self.index.dates(), values: self.index.close() };
        atlas_engine::MarketView {
            as_of: self.session.date,
            execute_on,
            universe: self.universe.clone(),
            others: self.others.clone(),
            tradability: BTreeMap::new(),
            index,
            vix: self.vix.map(levels),
            rate: self.rate.map(levels),
        }
    }
}

fn levels(view: LevelsView<'_>) -> atlas_regime::Series<'_> {
    atlas_regime::Series { dates: view.dates(), values: view.values() }
}

const fn prices<'a>(series: &SeriesView<'a>) -> PriceSeries<'a> {
    match series {
        SeriesView::Raw(view) => PriceSeries::Raw(*view),
        SeriesView::Adjusted(view) => PriceSeries::Adjusted(*view),
    }
}

/// What the decision needs of the data.
pub(crate) fn needs(missing_vix: config::MissingVix, window: usize) -> Needs {
    let missing_vix = missing_vix.into();
    Needs { vix: Some(VIX_SESSIONS), missing_vix, rate: true, ..Needs::new(window, INDEX_SESSIONS) }
}

/// Sessions of VIX history asked for: what the shock rule looks back at, with some to spare.
const VIX_SESSIONS: usize = 21;

/// Sessions of index history asked for; the detector itself says what it needs beyond.
const INDEX_SESSIONS: usize = 2;
