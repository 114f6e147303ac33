//! What each decision sees.

use std::collections::BTreeMap;

use atlas_core::Symbol;
use atlas_data::{Audit, LevelsView, MarketData, SeriesView, Warning};
use atlas_engine::{MarketView, PriceSeries};
use atlas_regime::{Inputs, Series};
use chrono::NaiveDate;

use crate::Error;
use crate::config::Config;
use crate::schedule::Slot;

/// What one decision sees: everything up to its session, checked, and nothing later.
#[derive(Debug)]
pub(crate) struct Sight<'a> {
    pub(crate) view: MarketView<'a>,
    pub(crate) warnings: Vec<Warning>,
}

/// What the regime alone is read from, cut at a decision's session.
///
/// # Errors
/// As [`look`].
pub(crate) fn look_at_index<'a>(
    market: &'a MarketData,
    config: &Config,
    slot: &Slot,
) -> Result<Inputs<'a>, Error> {
    let as_of = slot.as_of.date;
    let cut = market
        .as_of_among(as_of, &config.needs(), |_| false)
        .map_err(|source| Error::Data { as_of, source: Box::new(source) })?;
    Ok(Inputs {
        index: Series { dates: cut.index.dates(), values: cut.index.close() },
        vix: cut.vix.map(levels),
        rate: cut.rate.map(levels),
        as_of,
    })
}

/// Cuts the market at a decision's session.
///
/// # Errors
/// [`Error::Data`] with the sentence of `atlas-data`.
pub(crate) fn look<'a>(
    market: &'a MarketData,
    config: &Config,
    slot: &Slot,
    audit: &Audit,
) -> Result<Sight<'a>, Error> {
    let as_of = slot.as_of.date;
    let belongs = |symbol: &Symbol| config.members.as_ref().is_none_or(|m| m.has(symbol, as_of));
    let cut = market
        .as_of_audited(as_of, &config.needs(), belongs, audit)
        .map_err(|source| Error::Data { as_of, source: Box::new(source) })?;
    let others = market.series.iter().filter(|(symbol, _)| !belongs(symbol));
    let others = others.map(|(_, series)| prices(&series.as_of(as_of)));
    let view = MarketView {
        as_of,
        execute_on: slot.execute_on.date,
        universe: cut.series.values().map(prices).collect(),
        others: others.filter(|series| series.last_date().is_some()).collect(),
        tradability: BTreeMap::new(),
        index: Series { dates: cut.index.dates(), values: cut.index.close() },
        vix: cut.vix.map(levels),
        rate: cut.rate.map(levels),
    };
    Ok(Sight { view, warnings: cut.warnings })
}

/// The last session any series has.
pub(crate) fn last_session(market: &MarketData) -> Result<NaiveDate, Error> {
    let place = || market.source.name.clone();
    market.last_date().ok_or_else(|| Error::NoPrices { place: place() })
}

fn levels(view: LevelsView<'_>) -> Series<'_> {
    Series { dates: view.dates(), values: view.values() }
}

const fn prices<'a>(series: &SeriesView<'a>) -> PriceSeries<'a> {
    match series {
        SeriesView::Raw(view) => PriceSeries::Raw(*view),
        SeriesView::Adjusted(view) => PriceSeries::Adjusted(*view),
    }
}
