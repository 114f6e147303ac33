//! The inputs of a decision, owned and serializable, so that it can be recomputed byte for byte.

use std::collections::BTreeMap;

use atlas_core::bars::{BarsView, Columns};
use atlas_core::time::Timestamp;
use atlas_core::{Adjusted, Bars, Basis, Raw, Symbol};
use atlas_regime::Series;
use atlas_risk::Tradability;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::decide::plan;
use crate::plan::RebalancePlan;
use crate::policy::Policy;
use crate::snapshot::AccountSnapshot;
use crate::view::{MarketView, PriceSeries};

/// Everything a decision read: what [`DecisionInputs::decide`] turns into the same plan again.
///
/// Of each symbol the rows a decision reads are kept (the scanner's window, and the mean before it
/// that a volume rule asks for); index, VIX and rate are kept whole, as the detector counts its
/// refits from the index's first session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionInputs {
    /// The session after whose close is decided.
    pub as_of: NaiveDate,
    /// The session in which the plan is to be executed.
    pub execute_on: NaiveDate,
    /// The clock reading.
    pub now: Timestamp,
    /// The choices of a person.
    pub policy: Policy,
    /// The account.
    pub snapshot: AccountSnapshot,
    /// The symbols to choose from.
    pub universe: Vec<StoredPrices>,
    /// Held symbols outside of the universe.
    pub others: Vec<StoredPrices>,
    /// Symbols that are not simply tradable.
    pub tradability: BTreeMap<Symbol, Tradability>,
    /// The index.
    pub index: StoredSeries,
    /// The VIX.
    pub vix: Option<StoredSeries>,
    /// The Treasury rate.
    pub rate: Option<StoredSeries>,
}

/// Dated values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredSeries {
    /// Sessions.
    pub dates: Vec<NaiveDate>,
    /// One value a session.
    pub values: Vec<f64>,
}

/// Daily prices of one symbol; columns the source does not have are empty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredPrices {
    /// The symbol.
    pub symbol: Symbol,
    /// Raw or adjusted.
    pub basis: StoredBasis,
    /// Sessions.
    pub dates: Vec<NaiveDate>,
    /// Highest prices.
    pub high: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Shares traded.
    pub volume: Vec<f64>,
    /// Adjusted last prices beside raw ones.
    pub adj_close: Vec<f64>,
}

/// The basis of stored prices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredBasis {
    /// As printed at the exchange.
    Raw,
    /// Back-adjusted.
    Adjusted,
}

/// Prices made whole again, to be borrowed from.
enum Owned {
    Raw(Bars<Raw>),
    Adjusted(Bars<Adjusted>),
}

impl DecisionInputs {
    /// Copies what a decision reads.
    #[must_use]
    pub fn capture(
        view: &MarketView<'_>,
        snapshot: &AccountSnapshot,
        policy: &Policy,
        now: Timestamp,
    ) -> Self {
        let volume = policy.momentum.volume.map_or(0, |rule| rule.window.saturating_add(1));
        let desk = policy
            .desk
            .as_ref()
            .map_or(0, |desk| usize::from(desk.correlation_sessions.max(desk.volume_sessions)) + 1);
        let rows = policy.momentum.window.max(volume).max(desk);
        let store = |series: &[PriceSeries<'_>]| {
            series.iter().map(|series| StoredPrices::of(series, rows)).collect()
        };
        Self {
            as_of: view.as_of,
            execute_on: view.execute_on,
            now,
            policy: policy.clone(),
            snapshot: snapshot.clone(),
            universe: store(&view.universe),
            others: store(&view.others),
            tradability: view.tradability.clone(),
            index: StoredSeries::of(&view.index),
            vix: view.vix.as_ref().map(StoredSeries::of),
            rate: view.rate.as_ref().map(StoredSeries::of),
        }
    }

    /// Decides again: the plan equals the first one, byte for byte once serialized.
    ///
    /// # Errors
    /// As [`plan`]; [`Error::Core`] also for stored prices that are no possible bars.
    pub fn decide(&self) -> Result<RebalancePlan, Error> {
        let own = |stored: &[StoredPrices]| -> Result<Vec<Owned>, Error> {
            stored.iter().map(StoredPrices::owned).collect()
        };
        let (universe, others) = (own(&self.universe)?, own(&self.others)?);
        let view = MarketView {
            as_of: self.as_of,
            execute_on: self.execute_on,
            universe: universe.iter().map(Owned::view).collect(),
            others: others.iter().map(Owned::view).collect(),
            tradability: self.tradability.clone(),
            index: self.index.view(),
            vix: self.vix.as_ref().map(StoredSeries::view),
            rate: self.rate.as_ref().map(StoredSeries::view),
        };
        plan(&view, &self.snapshot, &self.policy, self.now)
    }
}

impl StoredSeries {
    fn of(series: &Series<'_>) -> Self {
        Self { dates: series.dates.to_vec(), values: series.values.to_vec() }
    }

    fn view(&self) -> Series<'_> {
        Series { dates: &self.dates, values: &self.values }
    }
}

impl StoredPrices {
    /// The last `rows` rows of a series.
    fn of(series: &PriceSeries<'_>, rows: usize) -> Self {
        match series {
            PriceSeries::Raw(view) => Self::tail(view, StoredBasis::Raw, rows),
            PriceSeries::Adjusted(view) => Self::tail(view, StoredBasis::Adjusted, rows),
        }
    }

    fn tail<B: Basis>(view: &BarsView<'_, B>, basis: StoredBasis, rows: usize) -> Self {
        let from = view.len().saturating_sub(rows);
        let column = |values: Option<&[f64]>| {
            values.and_then(|values| values.get(from..)).map(<[f64]>::to_vec).unwrap_or_default()
        };
        Self {
            symbol: view.symbol().clone(),
            basis,
            dates: view.dates()[from..].to_vec(),
            high: column(view.high()),
            close: column(Some(view.close())),
            volume: column(view.volume()),
            adj_close: column(view.adj_close()),
        }
    }

    fn owned(&self) -> Result<Owned, Error> {
        let columns = Columns {
            dates: self.dates.clone(),
            open: Vec::new(),
            high: self.high.clone(),
            low: Vec::new(),
            close: self.close.clone(),
            volume: self.volume.clone(),
            adj_close: self.adj_close.clone(),
        };
        let symbol = self.symbol.clone();
        Ok(match self.basis {
            StoredBasis::Raw => Owned::Raw(Bars::new(symbol, columns)?),
            StoredBasis::Adjusted => Owned::Adjusted(Bars::new(symbol, columns)?),
        })
    }
}

impl Owned {
    fn view(&self) -> PriceSeries<'_> {
        match self {
            Self::Raw(bars) => PriceSeries::Raw(bars.view()),
            Self::Adjusted(bars) => PriceSeries::Adjusted(bars.view()),
        }
    }
}
