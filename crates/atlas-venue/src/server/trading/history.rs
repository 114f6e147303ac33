//! What the account was worth, day by day or within days.

use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use axum::Json;
use axum::extract::Query as Pairs;
use chrono::{Days, Months, NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::super::Ctx;
use super::super::answer::{Answer, Failure};
use super::super::data::apart;
use super::super::lens::{session_shift, shown_date};
use super::super::query::Query;
use super::super::wire::dollars;
use crate::core::{Exchange, Market, Money, Past, date_of, extended};

/// `GET /v2/account/portfolio/history`: at the closes of days, or every so many minutes of the hours
/// asked for.
pub(super) async fn history(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let past = shared.venue.inspect(Exchange::past);
    // Neither orders nor other requests wait for it.
    let told = apart(move || {
        let span = Span::read(&query, &past)?;
        let points = match span.step {
            None => days(&past, &span)?,
            Some(step) => minutes(&past, &span, step)?,
        };
        Ok(json!({
            "timestamp": points.stamps,
            "equity": points.equity,
            "profit_loss": points.gains,
            "profit_loss_pct": points.shares,
            "base_value": dollars(points.base),
            "timeframe": span.timeframe,
        }))
    });
    told.await.map(Json)
}

/// What is asked for.
struct Span {
    from: NaiveDate,
    end: NaiveDate,
    timeframe: String,
    /// Between points within days; `None` for one point a day.
    step: Option<TimeDelta>,
    hours: Hours,
    /// Whether gains count from the close before each day, not from the first one.
    per_day: bool,
}

/// Which hours of a day are told of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hours {
    Regular,
    Extended,
    All,
}

impl Span {
    fn read(query: &Query, past: &Past) -> Answer<Self> {
        let today = date_of(past.view().now());
        // Older clients have other names for both.
        let start = query.date("start")?.or(query.date("date_start")?);
        let end = query.date("end")?.or(query.date("date_end")?);
        let end = end.unwrap_or(today);
        let (period, is_whole) = match start {
            Some(start) => (start, true),
            None => (before(end, query.text("period").unwrap_or("1M"))?, false),
        };
        let length = (end - period).num_days();
        let timeframe = query.text("timeframe").map_or_else(|| usual(length), str::to_owned);
        let step = match timeframe.as_str() {
            "1Min" => Some(1),
            "5Min" => Some(5),
            "15Min" => Some(15),
            "1H" | "1Hour" => Some(60),
            "1D" | "1Day" => None,
            other => {
                let text = format!("invalid timeframe {other:?}: use 1Min, 5Min, 15Min, 1H or 1D");
                return Err(Failure::BadRequest(text));
            }
        };
        if step.is_some() && length > LONGEST {
            let text = "periods of more than 30 days accept the timeframe 1D alone".to_owned();
            return Err(Failure::BadRequest(text));
        }
        let all = ["market_hours", "extended_hours", "continuous"];
        let hours = match query.word("intraday_reporting", "market_hours", &all)? {
            "continuous" => Hours::All,
            "extended_hours" => Hours::Extended,
            _ if query.flag("extended_hours")? => Hours::Extended,
            _ => Hours::Regular,
        };
        let per_day = query.word("pnl_reset", "per_day", &["per_day", "no_reset"])? == "per_day";
        // A period of one day within days is the last one, not the one before as well.
        let first = if step.is_some() && !is_whole { period + Days::new(1) } else { period };
        Ok(Self { from: first, end, timeframe, step: step.map(TimeDelta::minutes), hours, per_day })
    }
}

#[derive(Default)]
struct Points {
    stamps: Vec<i64>,
    equity: Vec<Value>,
    gains: Vec<Value>,
    shares: Vec<Option<f64>>,
    base: Money,
}

impl Points {
    fn push(&mut self, stamp: i64, equity: Money, base: Money) -> Answer<()> {
        let gain = equity.minus(base)?;
        self.stamps.push(stamp);
        self.equity.push(json!(dollars(equity)));
        self.gains.push(json!(dollars(gain)));
        self.shares.push(share(gain, base));
        Ok(())
    }
}

/// A point for each close, and one for the session that is open.
fn days(past: &Past, span: &Span) -> Answer<Points> {
    let all = past.day_ends()?;
    let first = all.partition_point(|day| day.date < span.from);
    let days = &all[first..all.partition_point(|day| day.date <= span.end).max(first)];
    let base = first.checked_sub(1).map(|at| all[at].equity);
    let base = base.or_else(|| days.first().map(|day| day.paid_in)).unwrap_or(past.last_equity);
    let mut points = Points { base, ..Points::default() };
    for day in days {
        let stamp = Market::midnight(shown_date(day.date)).timestamp();
        points.push(stamp, day.equity, base)?;
    }
    // The day that has not closed yet stands for as much as there is now.
    let (today, now) = (date_of(past.view().now()), past.view().clock());
    let has_opened = Calendar::nyse().session(today).is_ok_and(|day| day.open <= now);
    let is_asked = span.from <= today && today <= span.end;
    if has_opened && is_asked && all.last().is_none_or(|day| day.date < today) {
        let stamp = Market::midnight(shown_date(today)).timestamp();
        for equity in past.worth_at(std::iter::once(now))? {
            points.push(stamp, equity, base)?;
        }
    }
    Ok(points)
}

/// Points within days, from when the account was opened up to now.
fn minutes(past: &Past, span: &Span, step: TimeDelta) -> Answer<Points> {
    let sessions = sessions(span)?;
    let closes = past.day_ends()?;
    let (opened, now) = (past.opened, past.view().clock());
    let mut moments: Vec<(Timestamp, Session)> = Vec::new();
    for (number, session) in sessions.iter().enumerate() {
        let (from, until) = match span.hours {
            Hours::Regular => (session.open, session.close),
            Hours::Extended => extended(session),
            // Up to where the next day begins.
            Hours::All => {
                let next = sessions.get(number + 1).map(|next| next.open - step);
                (session.open, next.unwrap_or(session.open + TimeDelta::days(1)))
            }
        };
        let mut moment = from;
        while moment <= until.min(now) {
            if moment >= opened {
                moments.push((moment, *session));
            }
            moment += step;
        }
    }
    let worth = past.worth_at(moments.iter().map(|(moment, _)| *moment))?;
    let close_before = |date: NaiveDate| {
        let known = closes.partition_point(|day| day.date < date);
        let first = || closes.first().map_or(past.last_equity, |day| day.paid_in);
        known.checked_sub(1).map_or_else(first, |at| closes[at].equity)
    };
    let base = sessions.first().map_or(past.last_equity, |day| close_before(day.date));
    let mut points = Points { base, ..Points::default() };
    for ((moment, session), equity) in moments.into_iter().zip(worth) {
        let base = if span.per_day { close_before(session.date) } else { base };
        let shown = moment + session_shift(&session, false);
        points.push(shown.timestamp(), equity, base)?;
    }
    Ok(points)
}

/// The sessions asked for; the last one before where there is none.
fn sessions(span: &Span) -> Answer<Vec<Session>> {
    let nyse = Calendar::nyse();
    let (from, end) = (span.from.max(Calendar::FIRST), span.end.min(Calendar::LAST));
    if from > end {
        return Ok(Vec::new());
    }
    let all: Vec<Session> = nyse.sessions(from, end).map_err(crate::Error::from)?.collect();
    if all.is_empty() {
        let last = nyse.previous_session(end).map_err(crate::Error::from)?;
        return Ok(vec![last]);
    }
    Ok(all)
}

/// The timeframe that is meant where none is named, by the number of days.
fn usual(days: i64) -> String {
    let word = match days {
        ..7 => "1Min",
        7..30 => "15Min",
        _ => "1D",
    };
    word.to_owned()
}

/// The date so long before another: a number and `D`, `W`, `M` or `A`.
fn before(end: NaiveDate, period: &str) -> Answer<NaiveDate> {
    let bad = || Failure::BadRequest(format!("invalid value {period:?} for parameter period"));
    let split = period.len().checked_sub(1).filter(|at| period.is_char_boundary(*at));
    let (count, unit) = period.split_at(split.ok_or_else(bad)?);
    let count: u32 = count.parse().map_err(|_| bad())?;
    let date = match unit {
        "D" => end.checked_sub_days(Days::new(u64::from(count))),
        "W" => end.checked_sub_days(Days::new(u64::from(count) * 7)),
        "M" => end.checked_sub_months(Months::new(count)),
        "A" => end.checked_sub_months(Months::new(count.checked_mul(12).ok_or_else(bad)?)),
        _ => None,
    };
    date.ok_or_else(bad)
}

fn share(gain: Money, base: Money) -> Option<f64> {
    let of = |money: Money| money.rounded(9).to_usd().map(atlas_core::Usd::to_f64).ok();
    let (gain, base) = (of(gain)?, of(base)?);
    (base > 0.0).then(|| gain / base)
}

/// Most days that points within days are given of.
const LONGEST: i64 = 31;
