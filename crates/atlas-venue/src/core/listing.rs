//! What is traded: a series of prices, with what is known of the security.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use atlas_core::bars::{Bars, Columns, IntradayBars};
use atlas_core::time::ReplayPermit;
use atlas_core::{Adjusted, Raw, Symbol};
use chrono::NaiveDate;
use uuid::Uuid;

use super::actions::CorporateAction;
use super::fine::{self, FineDay};
use super::{Px, Shares, ids};
use crate::Error;
use crate::costs::{RAW_TICK, UNIT_TICK};

/// One series the venue lets people trade, with what is known of the security.
///
/// # Examples
/// ```
/// use atlas_core::bars::{Bars, Columns};
/// use atlas_venue::Listing;
/// use atlas_venue::core::{ActionKind, CorporateAction};
///
/// let bars = Bars::new("AAPL".parse()?, Columns {
///     dates: vec!["2020-08-28".parse().unwrap(), "2020-08-31".parse().unwrap()],
///     close: vec![499.23, 129.04],
///     ..Columns::default()
/// })?;
/// let split = CorporateAction {
///     date: "2020-08-31".parse().unwrap(),
///     kind: ActionKind::Split { new: 4, old: 1 },
/// };
/// let listing = Listing::raw(bars).with_actions([split])?;
/// assert!(listing.is_shortable());
/// assert!(!listing.not_shortable().is_shortable());
/// # Ok::<(), atlas_venue::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Listing {
    source: Source,
    actions: Arc<[CorporateAction]>,
    is_shortable: bool,
    margin: Option<(u32, u32)>,
    /// The grid trades are rounded to, if it is coarser than the series' own.
    tick: Option<i64>,
    /// Days of which more is known than their daily bar.
    fine: Arc<BTreeMap<NaiveDate, FineDay>>,
    near: Near,
    origin: Origin,
    /// The exchange named to clients, if it was told.
    exchange: Option<Arc<str>>,
}

/// Where the daily bars of a listing come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Origin {
    /// The data have them.
    #[default]
    Given,
    /// The data have closes; opens, highs and lows are made.
    Completed,
    /// They are made altogether.
    Made,
}

/// Where the last row that was asked for is: a place to begin to look, never an answer.
#[derive(Debug, Default)]
struct Near(AtomicUsize);

impl Clone for Near {
    fn clone(&self) -> Self {
        Self(AtomicUsize::new(self.0.load(Ordering::Relaxed)))
    }
}

#[derive(Debug, Clone)]
enum Source {
    Raw(Arc<Bars<Raw>>),
    Units(Arc<Bars<Adjusted>>),
    Crypto(Arc<Bars<Raw>>, CryptoRules),
}

/// Sizes and prices a crypto pair trades in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CryptoRules {
    /// Quantities are multiples of it; 10⁻⁹ by default.
    pub min_trade_increment: Shares,
    /// Prices are multiples of it; 10⁻⁹ dollars by default.
    pub price_increment: Px,
}

impl CryptoRules {
    /// Nine decimals of both.
    pub const FINEST: Self =
        Self { min_trade_increment: Shares::SMALLEST, price_increment: Px::SMALLEST };
}

impl Listing {
    /// Prices as printed at the exchange; easy to borrow.
    pub fn raw(bars: impl Into<Arc<Bars<Raw>>>) -> Self {
        Self::of(Source::Raw(bars.into()), true)
    }

    /// Adjusted closes, declared total-return units: orderable in a replay only, traded to six
    /// decimals, without dividends or splits, which the prices already contain, and never short.
    pub fn adjusted_units(bars: impl Into<Arc<Bars<Adjusted>>>, _permit: ReplayPermit) -> Self {
        Self::of(Source::Units(bars.into()), false)
    }

    /// A crypto pair such as `BTC/USD`: trades around the clock, one bar for each UTC day, for cash
    /// alone, long only.
    ///
    /// # Errors
    /// [`Error::Setting`] if the symbol is no pair, or the increments are none.
    pub fn crypto(bars: impl Into<Arc<Bars<Raw>>>, rules: CryptoRules) -> Result<Self, Error> {
        let bars = bars.into();
        if !bars.symbol().is_crypto() || rules.min_trade_increment.is_zero() {
            return Err(Error::Setting {
                setting: "crypto listing",
                value: bars.symbol().to_string(),
                range: "a pair such as BTC/USD with increments above zero",
            });
        }
        Ok(Self::of(Source::Crypto(bars, rules), false))
    }

    fn of(source: Source, is_shortable: bool) -> Self {
        let (actions, near, fine) = (Arc::new([]), Near::default(), Arc::default());
        let (origin, exchange) = (Origin::Given, None);
        Self {
            source,
            actions,
            is_shortable,
            margin: None,
            tick: None,
            fine,
            near,
            origin,
            exchange,
        }
    }

    /// With bars within its days, raw prices as the series'. Where there are any, the price goes
    /// through the day as they say, the daily bar is made of those in regular hours, and what is
    /// traded before the opening and after the close is traded at the venue as well.
    ///
    /// A day that has such bars already keeps them: hand in the finest series first.
    ///
    /// # Errors
    /// [`Error::Setting`] for bars of another symbol, on a day without trading or outside of trading
    /// hours (04:00 to 20:00 New York time), a day without a bar in regular hours, a daily series that
    /// has no open, high and low, and on units of an adjusted series.
    ///
    /// # Examples
    /// ```
    /// use atlas_core::bars::{Bars, Columns, IntradayBars, IntradayColumns};
    /// use atlas_venue::Listing;
    /// use chrono::TimeDelta;
    ///
    /// let symbol: atlas_core::Symbol = "SPY".parse()?;
    /// let minutes = IntradayBars::new(symbol.clone(), TimeDelta::minutes(1), IntradayColumns {
    ///     starts: vec!["2024-02-20T14:30:00Z".parse().unwrap()],
    ///     open: vec![497.72],
    ///     high: vec![498.11],
    ///     low: vec![497.68],
    ///     close: vec![498.02],
    ///     ..IntradayColumns::default()
    /// })?;
    /// // Without a daily series of its own.
    /// let listing = Listing::raw(Bars::new(symbol, Columns::default())?).with_intraday(&minutes)?;
    /// assert_eq!(listing.last_date(), Some("2024-02-20".parse().unwrap()));
    /// # Ok::<(), atlas_venue::Error>(())
    /// ```
    pub fn with_intraday(self, bars: &IntradayBars) -> Result<Self, Error> {
        if bars.symbol() != self.symbol() || self.is_adjusted() {
            return Err(Error::Setting {
                setting: "bars within days",
                value: format!("bars of {} for {}", bars.symbol(), self.symbol()),
                range: "of the same symbol, on raw series alone",
            });
        }
        let mut days = fine::days(bars, self.is_crypto())?;
        days.retain(|date, _| !self.fine.contains_key(date));
        let columns = fine::merged(self.columns(), &days, self.symbol().as_str())?;
        days.extend(self.fine.iter().map(|(date, day)| (*date, day.clone())));
        let made = Arc::new(Bars::new(self.symbol().clone(), columns)?);
        let source = match self.source {
            Source::Crypto(_, rules) => Source::Crypto(made, rules),
            Source::Raw(_) | Source::Units(_) => Source::Raw(made),
        };
        Ok(Self { source, fine: Arc::new(days), ..self })
    }

    /// The last day of which there are prices.
    #[must_use]
    pub fn last_date(&self) -> Option<NaiveDate> {
        self.columns().dates.last().copied()
    }

    /// The first day of which there are prices.
    #[must_use]
    pub fn first_date(&self) -> Option<NaiveDate> {
        self.columns().dates.first().copied()
    }

    /// Whether the prices around a day show a split of so many new shares for so many old ones, as
    /// they do unless they are adjusted for it: whether the first price of the day is nearer to what
    /// the split makes of the close before than to that close. True where nothing is known.
    #[must_use]
    pub fn shows_split(&self, date: NaiveDate, new: u32, old: u32) -> bool {
        let row = self.columns().dates.partition_point(|day| *day < date);
        let columns = self.columns();
        let before = row.checked_sub(1).and_then(|row| columns.close.get(row));
        let first = columns.open.get(row).or_else(|| columns.close.get(row));
        let (Some(before), Some(first)) = (before, first) else { return true };
        let moved = (first / before).ln();
        let split = (f64::from(old) / f64::from(new)).ln();
        (moved - split).abs() < moved.abs()
    }

    /// Whether there are bars within any of its days.
    #[must_use]
    pub fn has_intraday(&self) -> bool {
        !self.fine.is_empty()
    }

    /// Whether there is a bar before an opening or after a close.
    pub(crate) fn has_extended(&self) -> bool {
        !self.is_crypto() && self.fine.values().any(FineDay::is_extended)
    }

    /// The bars within a day.
    pub(crate) fn fine_day(&self, date: NaiveDate) -> Option<&FineDay> {
        if self.fine.is_empty() { None } else { self.fine.get(&date) }
    }

    /// With what the company does to its shares; any order of dates.
    ///
    /// # Errors
    /// [`Error::Setting`] for an action that makes no sense, or for any on something that has none:
    /// units of an adjusted series and crypto.
    pub fn with_actions(
        self,
        actions: impl IntoIterator<Item = CorporateAction>,
    ) -> Result<Self, Error> {
        let mut all: Vec<CorporateAction> = actions.into_iter().collect();
        all.iter().try_for_each(CorporateAction::check)?;
        if !all.is_empty() && !matches!(self.source, Source::Raw(_)) {
            return Err(Error::Setting {
                setting: "corporate actions",
                value: format!("{} of {}", all.len(), self.symbol()),
                range: "on raw series alone",
            });
        }
        all.sort_by_key(|action| action.date);
        Ok(Self { actions: all.into(), ..self })
    }

    /// Never to be sold short: nobody lends it (contract §17: easy-to-borrow names only).
    #[must_use]
    pub fn not_shortable(self) -> Self {
        Self { is_shortable: false, ..self }
    }

    /// With maintenance requirements of its own, in per cent of what a position is worth, long and
    /// short; leveraged funds need 100.
    #[must_use]
    pub fn with_margin(self, long: u32, short: u32) -> Self {
        Self { margin: Some((long, short)), ..self }
    }

    /// Quoted and traded in whole cents, as an exchange shows it, if its last price is at least $1.
    #[must_use]
    pub fn in_cents(self) -> Self {
        let is_cheap = self.columns().close.last().is_none_or(|close| *close < 1.0);
        let cent = super::NANO / 100;
        Self { tick: (!is_cheap && !self.is_crypto()).then_some(cent), ..self }
    }

    /// With bars that are not, or not altogether, those of the data, so that answers can say so.
    #[must_use]
    pub fn with_origin(self, origin: Origin) -> Self {
        Self { origin, ..self }
    }

    /// Where its daily bars come from.
    #[must_use]
    pub const fn origin(&self) -> Origin {
        self.origin
    }

    /// Listed at an exchange: `NYSE`, `NASDAQ`, `ARCA`, `AMEX`, `BATS`, `NYSEARCA` or `OTC`. What was
    /// not told is taken from a small table, and is `NYSE` otherwise.
    #[must_use]
    pub fn listed_at(self, exchange: &str) -> Self {
        Self { exchange: Some(exchange.into()), ..self }
    }

    /// The exchange named to clients.
    #[must_use]
    pub fn exchange(&self) -> &str {
        if self.is_crypto() {
            return "CRYPTO";
        }
        let known = || EXCHANGES.iter().find(|(_, names)| names.contains(&self.symbol().as_str()));
        let named = self.exchange.as_deref();
        named.or_else(|| known().map(|(exchange, _)| *exchange)).unwrap_or("NYSE")
    }

    /// What is listed.
    #[must_use]
    pub fn symbol(&self) -> &Symbol {
        match &self.source {
            Source::Raw(bars) | Source::Crypto(bars, _) => bars.symbol(),
            Source::Units(bars) => bars.symbol(),
        }
    }

    /// Whether this is a crypto pair.
    #[must_use]
    pub const fn is_crypto(&self) -> bool {
        matches!(self.source, Source::Crypto(..))
    }

    /// Sizes and prices of a crypto pair.
    #[must_use]
    pub const fn crypto_rules(&self) -> Option<CryptoRules> {
        match &self.source {
            Source::Crypto(_, rules) => Some(*rules),
            Source::Raw(_) | Source::Units(_) => None,
        }
    }

    /// Whether it can be borrowed and sold short.
    #[must_use]
    pub const fn is_shortable(&self) -> bool {
        self.is_shortable
    }

    /// Whether it can be held on credit.
    #[must_use]
    pub const fn is_marginable(&self) -> bool {
        matches!(self.source, Source::Raw(_))
    }

    /// Maintenance requirement of its own, in per cent; all of it for what is not marginable.
    #[must_use]
    pub fn margin(&self, is_short: bool) -> Option<u32> {
        let own = self.margin.map(|(long, short)| if is_short { short } else { long });
        own.or((!self.is_marginable()).then_some(100))
    }

    /// What the company does to its shares, by date.
    #[must_use]
    pub fn actions(&self) -> &[CorporateAction] {
        &self.actions
    }

    /// Whether prices are units of an adjusted series.
    #[must_use]
    pub const fn is_adjusted(&self) -> bool {
        matches!(self.source, Source::Units(_))
    }

    /// The columns of the series.
    pub(crate) fn columns(&self) -> &Columns {
        match &self.source {
            Source::Raw(bars) | Source::Crypto(bars, _) => bars.columns(),
            Source::Units(bars) => bars.columns(),
        }
    }

    /// The grid trades are rounded to, in billionths of a dollar.
    pub(crate) const fn trade_tick(&self) -> i64 {
        if let Some(tick) = self.tick {
            return tick;
        }
        match &self.source {
            Source::Raw(_) => RAW_TICK,
            Source::Units(_) => UNIT_TICK,
            Source::Crypto(_, rules) => rules.price_increment.nanos(),
        }
    }

    /// A price as a trade would have it, on the grid of the trades that are shown: of series that are
    /// shown in cents, and of crypto. Others are not rounded.
    pub(crate) fn on_grid(&self, price: Px) -> Px {
        if self.tick.is_none() && !self.is_crypto() {
            return price;
        }
        price.down_to(self.trade_tick())
    }

    /// Whether an order may name `price`: cents from $1 up, hundredths of a cent below (Rule 612);
    /// units of an adjusted series to six decimals, crypto in its increments.
    pub(crate) const fn accepts_price(&self, price: Px) -> bool {
        price.is_on(match &self.source {
            Source::Raw(_) if price.nanos() >= super::NANO => super::NANO / 100,
            Source::Raw(_) | Source::Units(_) | Source::Crypto(..) => self.trade_tick(),
        })
    }

    /// The venue's identifier of the symbol: the same in every venue.
    pub(crate) fn asset_id(&self) -> Uuid {
        ids::asset_id(self.symbol())
    }

    /// The row of a session, if the series has it.
    pub(crate) fn row_of(&self, date: NaiveDate) -> Option<usize> {
        let row = self.rows_until(date).checked_sub(1)?;
        (self.columns().dates.get(row) == Some(&date)).then_some(row)
    }

    /// The number of rows up to and including `date`.
    pub(crate) fn rows_until(&self, date: NaiveDate) -> usize {
        let dates = &self.columns().dates;
        // Nearly always the answer is that of the last question, or the one after it.
        let last = self.near.0.load(Ordering::Relaxed);
        for count in last..=last.saturating_add(1) {
            let known =
                count.checked_sub(1).map_or(Some(true), |row| Some(*dates.get(row)? <= date));
            if known == Some(true) && dates.get(count).is_none_or(|day| *day > date) {
                self.near.0.store(count, Ordering::Relaxed);
                return count;
            }
        }
        let count = dates.partition_point(|day| *day <= date);
        self.near.0.store(count, Ordering::Relaxed);
        count
    }

    /// The close of the last session up to and including `date`.
    pub(crate) fn close_until(&self, date: NaiveDate) -> Result<Option<Px>, Error> {
        let row = self.rows_until(date).checked_sub(1);
        row.map(|row| Px::from_bar(self.columns().close[row])).transpose()
    }

    /// Shares traded in a session; `None` for data without volume.
    pub(crate) fn volume(&self, row: usize) -> Option<f64> {
        self.columns().volume.get(row).copied()
    }
}

/// Where some well-known names were listed in 2022, the last year of the bundled sample, unless at
/// the New York Stock Exchange.
const EXCHANGES: [(&str, &[&str]); 2] = [
    ("NASDAQ", &["AAPL", "AMD", "AMZN", "GOOG", "MSFT", "PEP", "QQQ", "TSLA"]),
    ("ARCA", &["SPY"]),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn exchanges_of_symbols() {
        let of = |symbol: &str| {
            Listing::raw(Bars::new(symbol.parse().unwrap(), Columns::default()).unwrap())
        };
        assert_eq!(
            ["SPY", "AAPL", "KO"].map(|name| of(name).exchange().to_owned()),
            ["ARCA", "NASDAQ", "NYSE"]
        );
        assert_eq!(of("AAPL").listed_at("BATS").exchange(), "BATS");
    }

    proptest! {
        #[test]
        fn rows_are_found_wherever_was_looked_before(
            gaps in proptest::collection::vec(1_i64..4, 0..12),
            asked in proptest::collection::vec(-2_i64..40, 1..30),
        ) {
            let first: NaiveDate = "2019-01-02".parse().unwrap();
            let mut day = first;
            let dates: Vec<NaiveDate> = gaps
                .iter()
                .map(|gap| {
                    day += chrono::TimeDelta::days(*gap);
                    day
                })
                .collect();
            let close = vec![1.0; dates.len()];
            let columns = Columns { dates: dates.clone(), close, ..Columns::default() };
            let listing = Listing::raw(Bars::new("A".parse().unwrap(), columns).unwrap());
            for offset in asked {
                let date = first + chrono::TimeDelta::days(offset);
                prop_assert_eq!(listing.rows_until(date), dates.partition_point(|d| *d <= date));
                prop_assert_eq!(listing.row_of(date), dates.binary_search(&date).ok());
            }
        }
    }
}
