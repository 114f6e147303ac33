//! The account's value over time.

use atlas_core::Usd;
use atlas_core::time::Timestamp;
use chrono::SecondsFormat;

use super::http::Call;
use super::wire::WireHistory;
use super::{Mode, Session};
use crate::Error;

/// Which stretch of the account's past is asked for, and how finely. The default is what Alpaca
/// gives unasked: the last month.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::{HistoryRequest, Period, Resolution};
///
/// let quarter = HistoryRequest { period: Some(Period::Months(3)), ..HistoryRequest::default() };
/// assert!(quarter.check().is_ok());
/// let fine = HistoryRequest { resolution: Some(Resolution::OneMinute), ..quarter };
/// assert!(fine.check().is_err(), "more than 30 days are told day by day only");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HistoryRequest {
    /// How long the stretch is; not together with both of its ends.
    pub period: Option<Period>,
    /// Where it begins.
    pub start: Option<Timestamp>,
    /// Where it ends; the present if nothing says so.
    pub end: Option<Timestamp>,
    /// How far its points are apart; by Alpaca's choice a minute for less than a week, a quarter of
    /// an hour for less than a month, and a day beyond.
    pub resolution: Option<Resolution>,
    /// Which hours points within a day are told of; regular ones unless told otherwise.
    pub hours: Option<ReportedHours>,
}

/// A length of time in calendar units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Period {
    /// Days.
    Days(u16),
    /// Weeks.
    Weeks(u16),
    /// Months.
    Months(u16),
    /// Years.
    Years(u16),
}

impl Period {
    fn word(self) -> String {
        match self {
            Self::Days(n) => format!("{n}D"),
            Self::Weeks(n) => format!("{n}W"),
            Self::Months(n) => format!("{n}M"),
            Self::Years(n) => format!("{n}A"),
        }
    }

    /// Days in it, at thirty a month.
    fn days(self) -> u32 {
        match self {
            Self::Days(n) => n.into(),
            Self::Weeks(n) => u32::from(n) * 7,
            Self::Months(n) => u32::from(n) * 30,
            Self::Years(n) => u32::from(n) * 365,
        }
    }
}

/// How far the points of a history are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Resolution {
    /// A minute.
    OneMinute,
    /// Five minutes.
    FiveMinutes,
    /// A quarter of an hour.
    FifteenMinutes,
    /// An hour.
    Hour,
    /// A day.
    Day,
}

impl Resolution {
    const fn word(self) -> &'static str {
        match self {
            Self::OneMinute => "1Min",
            Self::FiveMinutes => "5Min",
            Self::FifteenMinutes => "15Min",
            Self::Hour => "1H",
            Self::Day => "1D",
        }
    }
}

/// Which hours points within a day are told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReportedHours {
    /// Regular trading.
    Market,
    /// Before and after it too.
    Extended,
    /// All hours, for crypto.
    Continuous,
}

impl ReportedHours {
    const fn word(self) -> &'static str {
        match self {
            Self::Market => "market_hours",
            Self::Extended => "extended_hours",
            Self::Continuous => "continuous",
        }
    }
}

/// Days beyond which Alpaca tells whole days only.
const FINE_DAYS: u32 = 30;

impl HistoryRequest {
    /// The last so many days, day by day.
    #[must_use]
    pub const fn daily(days: u16) -> Self {
        Self {
            period: Some(Period::Days(days)),
            start: None,
            end: None,
            resolution: Some(Resolution::Day),
            hours: None,
        }
    }

    /// Checks what Alpaca is known to refuse.
    ///
    /// # Errors
    /// [`Error::Setup`] for a period of nothing or together with both ends, an end before its
    /// start, or points within days over more than 30 days.
    pub fn check(&self) -> Result<(), Error> {
        let ends = self.start.zip(self.end);
        let long = self.period.is_some_and(|period| period.days() > FINE_DAYS)
            || ends.is_some_and(|(start, end)| (end - start).num_days() > FINE_DAYS.into());
        let fine = self.resolution.is_some_and(|resolution| resolution != Resolution::Day);
        let wrong = [
            (
                self.period.is_some() && ends.is_some(),
                "a period beside both ends says too much: leave one of them out",
            ),
            (self.period.is_some_and(|period| period.days() == 0), "the period is empty"),
            (ends.is_some_and(|(start, end)| end < start), "it ends before it starts"),
            (long && fine, "more than 30 days are told day by day only"),
        ];
        match wrong.into_iter().find(|(wrong, _)| *wrong) {
            Some((_, problem)) => {
                Err(Error::Setup { problem: format!("the portfolio history: {problem}") })
            }
            None => Ok(()),
        }
    }

    fn call(&self) -> Call {
        let instant = |t: Timestamp| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        [
            ("period", self.period.map(Period::word)),
            ("start", self.start.map(instant)),
            ("end", self.end.map(instant)),
            ("timeframe", self.resolution.map(|resolution| resolution.word().to_owned())),
            ("intraday_reporting", self.hours.map(|hours| hours.word().to_owned())),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .fold(Call::get("/v2/account/portfolio/history"), |call, (name, value)| {
            call.with(name, value)
        })
    }
}

/// The account's value over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PortfolioHistory {
    /// One point a period, in order; periods without a value are left out.
    pub points: Vec<EquityPoint>,
    /// The value gains are counted from.
    pub base_value: Option<Usd>,
}

/// The account's value in one period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EquityPoint {
    /// Start of the period.
    pub at: Timestamp,
    /// Equity at its end.
    pub equity: Usd,
    /// Gain, if told.
    pub profit_loss: Option<Usd>,
}

impl<M: Mode> Session<M> {
    /// The account's value over a stretch of its past.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Setup`] for what [`HistoryRequest::check`] refuses.
    pub async fn portfolio_history(
        &self,
        request: &HistoryRequest,
    ) -> Result<PortfolioHistory, Error> {
        request.check()?;
        let call = request.call();
        let wire: WireHistory = self.trading.ask(&call).await?;
        wire.history().map_err(|fault| self.trading.fault(&call, fault))
    }
}
