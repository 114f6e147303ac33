//! Clock and calendar.

use atlas_core::calendar::{Calendar, Session, to_eastern};
use atlas_core::time::Timestamp;
use axum::Json;
use axum::extract::Query as Pairs;
use chrono::{SecondsFormat, TimeDelta};
use serde_json::{Value, json};

use super::super::Ctx;
use super::super::answer::Answer;
use super::super::data::apart;
use super::super::lens::{is_moved, shown};
use super::super::query::Query;
use crate::Error;
use crate::core::extended;
use crate::settlement::settlement_date;

pub(super) async fn clock(Ctx(shared): Ctx) -> Answer<Json<Value>> {
    let hours = shared.venue.hours()?;
    let local = |moment| -> Result<String, Error> {
        Ok(to_eastern(shown(moment))?.to_rfc3339_opts(SecondsFormat::AutoSi, false))
    };
    // A session that is shown as now lasts as long as the venue's does; what comes after it comes by
    // the calendar of the dates shown.
    let next_open = if is_moved() {
        to_eastern(opening_after(shown(hours.next_close))?)?
            .to_rfc3339_opts(SecondsFormat::AutoSi, false)
    } else {
        local(hours.next_open)?
    };
    Ok(Json(json!({
        "timestamp": local(hours.now)?,
        "is_open": hours.is_open,
        "next_open": next_open,
        "next_close": local(hours.next_close)?,
    })))
}

/// The first opening after a moment.
fn opening_after(moment: Timestamp) -> Result<Timestamp, Error> {
    let nyse = Calendar::nyse();
    let next = nyse.next_session(moment.date_naive() - TimeDelta::days(2))?;
    let sessions = std::iter::successors(Some(next), |last| nyse.next_session(last.date).ok());
    let found = sessions.map(|session| session.open).find(|open| *open > moment);
    Ok(found.unwrap_or(next.open))
}

pub(super) async fn calendar(
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<Value>>> {
    let query = Query::new(pairs);
    let start = query.date("start")?.unwrap_or(Calendar::FIRST).max(Calendar::FIRST);
    let end = query.date("end")?.unwrap_or(Calendar::LAST).min(Calendar::LAST);
    if start > end {
        return Ok(Json(Vec::new()));
    }
    // Dates are those of trading, or those its trades are settled on.
    let settles = query.word("date_type", "TRADING", &["TRADING", "SETTLEMENT"])? == "SETTLEMENT";
    let told = move || {
        let before = if settles { TimeDelta::days(15) } else { TimeDelta::zero() };
        let days = Calendar::nyse().sessions((start - before).max(Calendar::FIRST), end)?;
        let is_asked = |session: &Session| {
            let settled =
                || settlement_date(session.date).is_some_and(|at| at >= start && at <= end);
            !settles || settled()
        };
        Ok(days.filter(is_asked).map(|session| day(&session)).collect::<Result<_, Error>>()?)
    };
    // Every day there is takes a while.
    let is_long = end - start > TimeDelta::days(366);
    Ok(Json(if is_long { apart(told).await } else { told() }?))
}

fn day(session: &Session) -> Result<Value, Error> {
    let time =
        |moment| -> Result<String, Error> { Ok(to_eastern(moment)?.format("%H:%M").to_string()) };
    let (from, until) = extended(session);
    let mut day = json!({
        "date": session.date,
        "open": time(session.open)?,
        "close": time(session.close)?,
        "session_open": to_eastern(from)?.format("%H%M").to_string(),
        "session_close": to_eastern(until)?.format("%H%M").to_string(),
    });
    if let Some(date) = settlement_date(session.date) {
        day["settlement_date"] = json!(date);
    }
    Ok(day)
}
