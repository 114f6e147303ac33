//! Loading the market a run looks at.

use anyhow::Result;
use atlas_core::calendar::Calendar;
use atlas_data::{BarSource, MarketData, Needs, Universe};
use atlas_engine::MomentumParams;
use chrono::NaiveDate;

use crate::config::{Config, MissingVix};
use crate::exit::{Exit, Failure};

/// Sessions of VIX history asked for: what the shock rule looks back at, with some to spare.
const VIX_SESSIONS: usize = 21;

/// Everything loaded for one run; the future included, for the venue alone.
#[derive(Debug)]
pub(crate) struct Market {
    /// Where it came from.
    pub(crate) source: Box<dyn BarSource>,
    /// The symbols in question.
    pub(crate) universe: Universe,
    /// The series.
    pub(crate) data: MarketData,
}

impl Market {
    /// Loads the universe's series from the named source.
    ///
    /// # Errors
    /// [`Exit::Data`] with the sentence of `atlas-data`.
    pub(crate) fn load(data: &str, universe: Option<&str>) -> Result<Self> {
        let source = atlas_data::open(data)?;
        let universe = Universe::resolve(universe, source.as_ref())?;
        let data = source.load(&universe)?;
        Ok(Self { source, universe, data })
    }

    /// The session a replay decides on unless told otherwise: the sample's own date, or the last
    /// session of the data that is followed by another one.
    ///
    /// # Errors
    /// [`Exit::Data`] if the data have fewer than two sessions.
    pub(crate) fn default_as_of(&self) -> Result<NaiveDate> {
        if self.source.name() == "sample" && self.universe.dataset() == "sample" {
            return Ok(atlas_data::sample::default_as_of());
        }
        let last = self.data.last_date().and_then(|last| {
            Calendar::nyse().previous_session(last).ok().map(|session| session.date)
        });
        last.ok_or_else(|| {
            Failure::new(
                Exit::Data,
                format!("{} has no session to decide on: give data with more", self.source.name()),
            )
        })
    }
}

/// What the decision needs of the data.
pub(crate) fn needs(config: &Config, momentum: &MomentumParams, index_history: usize) -> Needs {
    let vix = match config.regime.missing_vix {
        MissingVix::Refuse => Some(VIX_SESSIONS),
        MissingVix::Flag => None,
    };
    Needs { vix, rate: true, ..Needs::new(momentum.window(), index_history) }
}
