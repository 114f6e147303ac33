//! What a decision sees of the market.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::bars::BarsView;
use atlas_core::time::ReplayPermit;
use atlas_core::{Adjusted, Price, Raw, Symbol};
use atlas_regime::Series;
use atlas_risk::Tradability;
use atlas_strategy::History;
use chrono::NaiveDate;

/// Daily prices of one symbol, raw or adjusted, up to the decision; borrowed.
#[derive(Debug, Clone, Copy)]
pub enum PriceSeries<'a> {
    /// Prices as traded, possibly with adjusted closes beside them.
    Raw(BarsView<'a, Raw>),
    /// Adjusted prices: orderable in a replay alone.
    Adjusted(BarsView<'a, Adjusted>),
}

impl<'a> PriceSeries<'a> {
    /// What it is of.
    #[must_use]
    pub const fn symbol(&self) -> &'a Symbol {
        match self {
            Self::Raw(view) => view.symbol(),
            Self::Adjusted(view) => view.symbol(),
        }
    }

    /// The sessions, oldest first.
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
        match self {
            Self::Raw(view) => view.last_date(),
            Self::Adjusted(view) => view.last_date(),
        }
    }

    /// The last close as a price one can order on: of an adjusted series in a replay alone.
    #[must_use]
    pub fn last_price(&self, permit: Option<ReplayPermit>) -> Option<Price> {
        match self {
            Self::Raw(view) => view.last_price(),
            Self::Adjusted(view) => Some(view.last_price()?.as_replay_unit(permit?)),
        }
    }

    /// The past as a strategy reads it.
    #[must_use]
    pub fn history(&self) -> History<'a> {
        match self {
            Self::Raw(view) => History::raw(view),
            Self::Adjusted(view) => History::adjusted(view),
        }
    }
}

/// Everything a decision sees of the market: rows up to `as_of`, nothing later.
#[derive(Debug, Clone)]
pub struct MarketView<'a> {
    /// The session after whose close is decided.
    pub as_of: NaiveDate,
    /// The session in which the plan is to be executed: the one after `as_of`.
    pub execute_on: NaiveDate,
    /// The symbols to choose from, each once, in any order.
    pub universe: Vec<PriceSeries<'a>>,
    /// Held symbols outside of the universe, to be valued and sold at their closes. A held symbol
    /// that has no close of `as_of` is valued at the broker's last price, and nothing is opened.
    pub others: Vec<PriceSeries<'a>>,
    /// Symbols that are not simply tradable; all others with prices are.
    pub tradability: BTreeMap<Symbol, Tradability>,
    /// The index, from its first session: the detector counts its refits from there.
    pub index: Series<'a>,
    /// Closes of the VIX.
    pub vix: Option<Series<'a>>,
    /// The three-month Treasury rate, per cent per year.
    pub rate: Option<Series<'a>>,
}

impl<'a> MarketView<'a> {
    /// Symbols whose prices are adjusted.
    pub(crate) fn adjusted(&self) -> BTreeSet<&'a Symbol> {
        let all = self.universe.iter().chain(&self.others);
        all.filter(|series| matches!(series, PriceSeries::Adjusted(_)))
            .map(PriceSeries::symbol)
            .collect()
    }
}
