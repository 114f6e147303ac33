//! Whether the data are enough to decide on: fresh, complete, long enough.

mod audit;

use std::collections::BTreeMap;
use std::fmt;

use atlas_core::Symbol;
use atlas_core::calendar::{Calendar, Session};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::levels::{Levels, LevelsView};
use crate::market::{MarketData, MarketView};
use crate::rows;
use crate::series::SeriesView;

pub use audit::Audit;

/// What a decision needs of its data. Only what is named here counts.
///
/// # Examples
///
/// ```
/// use atlas_data::{Needs, ShortHistory};
///
/// let needs = Needs {
///     vix: Some(21),
///     short_history: ShortHistory::LeaveOut,
///     ..Needs::new(252, 1_000)
/// };
/// assert_eq!(needs.window, 252);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Needs {
    /// Sessions each symbol must have up to the as-of date.
    pub history: usize,
    /// Sessions the index must have up to the as-of date.
    pub index_history: usize,
    /// Sessions of VIX closes that are needed; `None` when the VIX is not used.
    pub vix: Option<usize>,
    /// What to do when the VIX is used and is not there, not fresh or not whole at the date.
    pub missing_vix: MissingVix,
    /// Whether a rate is used where one covers the date; where none does, that is a warning.
    pub rate: bool,
    /// Sessions up to the as-of date among which none may be missing; older holes are warnings.
    pub window: usize,
    /// What to do with a symbol that has too short a history.
    pub short_history: ShortHistory,
    /// Simple return from close to close, as a fraction in size, above which a warning is given.
    pub jump: f64,
}

impl Needs {
    /// Needs of a decision that uses neither VIX nor rate, refuses what is too short, lets no
    /// session be missing among the last 252, and questions returns beyond 50 % in a session.
    #[must_use]
    pub const fn new(history: usize, index_history: usize) -> Self {
        Self {
            history,
            index_history,
            vix: None,
            missing_vix: MissingVix::Refuse,
            rate: false,
            window: 252,
            short_history: ShortHistory::Refuse,
            jump: 0.5,
        }
    }
}

/// What to do when the VIX is used but not fit to be; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum MissingVix {
    /// Refuse to decide.
    Refuse,
    /// Decide without it, and say so in a warning.
    Warn,
}

/// What to do with a symbol that has fewer sessions than are needed; complete on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ShortHistory {
    /// Refuse to decide.
    Refuse,
    /// Decide without it, and say so in a warning. Never leaves a universe empty.
    LeaveOut,
}

/// Something odd about the data that does not forbid using them; printed, it is one clause.
///
/// # Examples
///
/// ```
/// use atlas_data::Warning;
///
/// let warning = Warning::NoRate { last: "2017-03-29".parse().ok() };
/// assert_eq!(
///     warning.to_string(),
///     "no rate covers the date (the last is of 2017-03-29): returns are not in excess of it"
/// );
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Warning {
    /// Sessions are missing before the window that must be complete.
    OldGap {
        /// The series.
        series: String,
        /// Number of sessions missing.
        missing: usize,
        /// The first of them.
        first: NaiveDate,
    },
    /// A close far from the one before: a split that was not adjusted for, or a real event.
    Jump {
        /// The series.
        series: String,
        /// The session.
        date: NaiveDate,
        /// Simple return, as a fraction.
        simple_return: f64,
    },
    /// Sessions in the window on which nothing was traded.
    NoVolume {
        /// The series.
        series: String,
        /// Number of such sessions.
        sessions: usize,
        /// The last of them.
        last: NaiveDate,
    },
    /// A symbol was left out because its history is too short.
    LeftOut {
        /// The symbol.
        symbol: Symbol,
        /// Sessions there are.
        found: usize,
        /// Sessions there must be.
        needed: usize,
    },
    /// The VIX is not fit to be used and the decision is made without it.
    NoVix {
        /// What is wrong with it, in words.
        reason: String,
    },
    /// No rate covers the as-of date; returns are used as they are.
    NoRate {
        /// The last date that has a rate, if there is any.
        last: Option<NaiveDate>,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OldGap { series, missing, first } => {
                write!(f, "{series} lacks {missing} older sessions, first {first}")
            }
            Self::Jump { series, date, simple_return } => {
                let percent = simple_return * 100.0;
                write!(f, "{series} moved {percent:+.1} % on {date}: check for a missed split")
            }
            Self::NoVolume { series, sessions, last } => {
                write!(f, "{series} was not traded on {sessions} sessions, last {last}")
            }
            Self::LeftOut { symbol, found, needed } => {
                write!(f, "{symbol} was left out: {found} sessions where {needed} are needed")
            }
            Self::NoVix { reason } => write!(f, "no VIX is used: {reason}"),
            Self::NoRate { last: Some(last) } => write!(
                f,
                "no rate covers the date (the last is of {last}): returns are not in excess of it"
            ),
            Self::NoRate { last: None } => {
                write!(f, "there is no rate series: returns are not in excess of it")
            }
        }
    }
}

/// Refuses dates that are no sessions of the exchange or do not strictly increase, for sources
/// that make their series themselves.
///
/// # Errors
/// [`Error::BadFile`] carrying `series` and naming the first such date.
///
/// # Examples
///
/// ```
/// use atlas_data::validate::check_sessions;
///
/// let friday_and_saturday = ["2019-01-04", "2019-01-05"].map(|text| text.parse().unwrap());
/// assert_eq!(
///     check_sessions("AAPL", &friday_and_saturday).unwrap_err().to_string(),
///     "AAPL: 2019-01-05 is not a trading session (Saturday)"
/// );
/// ```
pub fn check_sessions(series: &str, dates: &[NaiveDate]) -> Result<(), Error> {
    let mut before = None;
    for date in dates {
        rows::check_order(before.replace(*date), *date)
            .and_then(|()| rows::check_session(*date))
            .map_err(|problem| Error::BadFile { file: series.to_owned(), problem })?;
    }
    Ok(())
}

/// Cuts the data at `as_of` and checks what is left of the symbols `among` says yes to; see
/// [`MarketData::as_of`].
pub(crate) fn view<'a>(
    market: &'a MarketData,
    as_of: NaiveDate,
    needs: &Needs,
    among: &dyn Fn(&Symbol) -> bool,
    audit: Option<&Audit>,
) -> Result<MarketView<'a>, Error> {
    let session = Calendar::nyse().session(as_of).map_err(Error::AsOf)?;
    refuse_after_end(market, as_of)?;

    let mut warnings = Vec::new();
    let index = market.index.as_of(as_of);
    let check = Check { as_of, window: needs.window };
    check.dates("the index", index.dates(), needs.index_history, &mut warnings)?;

    let mut series = BTreeMap::new();
    for (symbol, prices) in market.series.iter().filter(|(symbol, _)| among(symbol)) {
        if let Some(view) =
            checked_prices(prices.as_of(as_of), needs, (&check, audit), &mut warnings)?
        {
            series.insert(symbol.clone(), view);
        }
    }
    if let Some(Warning::LeftOut { symbol, found, needed }) =
        warnings.iter().find(|warning| matches!(warning, Warning::LeftOut { .. }))
        && series.is_empty()
    {
        let (found, needed) = (*found, *needed);
        return Err(Error::TooShort {
            series: format!("{symbol}, like every symbol,"),
            as_of,
            found,
            needed,
        });
    }
    let vix = usable_vix(market, needs, &check, &mut warnings)?;
    let rate = covering_rate(market.rate.as_ref(), &session, needs, &mut warnings);
    Ok(MarketView { session, series, index, vix, rate, warnings })
}

/// The question asked of every series: is it fresh and whole at this date?
struct Check {
    as_of: NaiveDate,
    window: usize,
}

impl Check {
    /// Freshness, length and gaps of one series' dates, which end at the as-of date at the latest.
    fn dates(
        &self,
        series: &str,
        dates: &[NaiveDate],
        needed: usize,
        warnings: &mut Vec<Warning>,
    ) -> Result<(), Error> {
        let (as_of, found) = (self.as_of, dates.len());
        let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
            return Err(Error::TooShort { series: series.to_owned(), as_of, found, needed });
        };
        if *last != as_of {
            return Err(Error::Stale { series: series.to_owned(), last: *last, as_of });
        }
        if found < needed {
            return Err(Error::TooShort { series: series.to_owned(), as_of, found, needed });
        }
        let calendar = Calendar::nyse();
        let expected = calendar.sessions_between(*first, as_of)? + 1;
        if found == expected {
            return Ok(());
        }
        let mut rest = dates.iter().peekable();
        let mut missing = Vec::new();
        for session in calendar.sessions(*first, as_of)? {
            if rest.next_if(|date| **date == session.date).is_none() {
                missing.push(session.date);
            }
        }
        self.refuse_recent(series, &missing)?;
        if let Some(first) = missing.first() {
            let (series, missing) = (series.to_owned(), missing.len());
            warnings.push(Warning::OldGap { series, missing, first: *first });
        }
        Ok(())
    }

    /// Refuses sessions missing within the window.
    fn refuse_recent(&self, series: &str, missing: &[NaiveDate]) -> Result<(), Error> {
        let mut recent = Vec::new();
        for date in missing {
            if Calendar::nyse().sessions_between(*date, self.as_of)? < self.window {
                recent.push(*date);
            }
        }
        match recent.first() {
            None => Ok(()),
            Some(first) => Err(Error::Gaps {
                series: series.to_owned(),
                missing: recent.len(),
                first: *first,
                window: self.window,
                as_of: self.as_of,
            }),
        }
    }
}

/// One symbol's prices when they will do, `None` when they are to be left out.
fn checked_prices<'a>(
    view: SeriesView<'a>,
    needs: &Needs,
    (check, audit): (&Check, Option<&Audit>),
    warnings: &mut Vec<Warning>,
) -> Result<Option<SeriesView<'a>>, Error> {
    let symbol = view.symbol();
    let (found, needed) = (view.len(), needs.history);
    if found < needed && needs.short_history == ShortHistory::LeaveOut {
        warnings.push(Warning::LeftOut { symbol: symbol.clone(), found, needed });
        return Ok(None);
    }
    check.dates(symbol.as_str(), view.dates(), needed, warnings)?;
    if !audit.is_some_and(|audit| audit.is_calm(view, needs)) {
        warn_of_jumps(view, needs, warnings);
    }
    if !audit.is_some_and(|audit| audit.is_busy(view, needs)) {
        warn_of_no_volume(view, needs, warnings);
    }
    Ok(Some(view))
}

fn warn_of_jumps(view: SeriesView<'_>, needs: &Needs, warnings: &mut Vec<Warning>) {
    let start = view.len().saturating_sub(needs.window + 1);
    let (closes, dates) = (&view.return_closes()[start..], &view.dates()[start..]);
    // Most series never jump: those are told apart without a division and without a branch.
    let least = needs.jump * 0.999;
    let pairs = closes.iter().zip(closes.iter().skip(1));
    if !pairs.fold(false, |any, (before, now)| any | ((now - before).abs() > least * before)) {
        return;
    }
    for (pair, date) in closes.windows(2).zip(dates.iter().skip(1)) {
        let simple_return = pair[1] / pair[0] - 1.0;
        if simple_return.abs() > needs.jump {
            let series = view.symbol().to_string();
            warnings.push(Warning::Jump { series, date: *date, simple_return });
        }
    }
}

fn warn_of_no_volume(view: SeriesView<'_>, needs: &Needs, warnings: &mut Vec<Warning>) {
    let Some(volume) = view.volume() else { return };
    let start = view.len().saturating_sub(needs.window);
    let smaller = |least: f64, shares: &f64| if *shares < least { *shares } else { least };
    if volume[start..].iter().fold(f64::INFINITY, smaller) > 0.0 {
        return;
    }
    let rows = volume[start..].iter().zip(&view.dates()[start..]);
    let idle: Vec<NaiveDate> =
        rows.filter(|(shares, _)| **shares <= 0.0).map(|(_, date)| *date).collect();
    if let Some(last) = idle.last() {
        let series = view.symbol().to_string();
        warnings.push(Warning::NoVolume { series, sessions: idle.len(), last: *last });
    }
}

fn refuse_after_end(market: &MarketData, as_of: NaiveDate) -> Result<(), Error> {
    let last = market.last_date().max(market.index.view().last_date());
    match last {
        Some(last) if last < as_of => {
            Err(Error::AfterEnd { as_of, place: market.source.name.clone(), last })
        }
        Some(_) | None => Ok(()),
    }
}

/// The VIX up to the as-of date when it is used and fit to be.
fn usable_vix<'a>(
    market: &'a MarketData,
    needs: &Needs,
    check: &Check,
    warnings: &mut Vec<Warning>,
) -> Result<Option<LevelsView<'a>>, Error> {
    let Some(needed) = needs.vix else { return Ok(None) };
    match (checked_vix(market, needed, check, warnings), needs.missing_vix) {
        (Ok(view), _) => Ok(Some(view)),
        (Err(error), MissingVix::Refuse) => Err(Error::UnusableVix(Box::new(error))),
        (Err(error), MissingVix::Warn) => {
            warnings.push(Warning::NoVix { reason: error.to_string() });
            Ok(None)
        }
    }
}

fn checked_vix<'a>(
    market: &'a MarketData,
    needed: usize,
    check: &Check,
    warnings: &mut Vec<Warning>,
) -> Result<LevelsView<'a>, Error> {
    let Some(vix) = &market.vix else {
        return Err(Error::NoSeries {
            series: "VIX",
            place: market.source.name.clone(),
            remedy: "VIX.csv",
        });
    };
    let view = vix.as_of(check.as_of);
    let check = Check { window: check.window.min(needed), ..*check };
    check.dates("the VIX", view.dates(), needed, warnings)?;
    Ok(view)
}

/// The rate up to the session when its newest value is not too old.
fn covering_rate<'a>(
    rate: Option<&'a Levels>,
    session: &Session,
    needs: &Needs,
    warnings: &mut Vec<Warning>,
) -> Option<LevelsView<'a>> {
    if !needs.rate {
        return None;
    }
    let view = rate.map(|rate| rate.as_of(session.date));
    let covers = |view: &LevelsView<'_>| view.carried(session.date, RATE_AGE_DAYS_MAX).is_some();
    let covering = view.filter(covers);
    if covering.is_none() {
        let last = view.and_then(|view| view.last()).map(|(date, _)| date);
        warnings.push(Warning::NoRate { last });
    }
    covering
}

/// Calendar days for which a rate is carried forward: a week bridges every bond holiday.
pub const RATE_AGE_DAYS_MAX: u32 = 7;

#[cfg(test)]
mod tests;
