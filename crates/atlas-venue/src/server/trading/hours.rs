//! Clock and calendar.

use atlas_core::calendar::{Calendar, Session, to_eastern};
use axum::Json;
use axum::extract::Query as Pairs;
use chrono::SecondsFormat;
use serde_json::{Value, json};

use super::super::Ctx;
use super::super::answer::Answer;
use super::super::lens::shown;
use super::super::query::Query;
use crate::Error;
use crate::core::extended;
use crate::settlement::settlement_date;

pub(super) async fn clock(Ctx(shared): Ctx) -> Answer<Json<Value>> {
    let hours = shared.venue.hours()?;
    let local = |moment| -> Result<String, Error> {
        Ok(to_eastern(shown(moment))?.to_rfc3339_opts(SecondsFormat::AutoSi, false))
    };
    Ok(Json(json!({
        "timestamp": local(hours.now)?,
        "is_open": hours.is_open,
        "next_open": local(hours.next_open)?,
        "next_close": local(hours.next_close)?,
    })))
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
    let days = Calendar::nyse().sessions(start, end)?;
    Ok(Json(days.map(|session| day(&session)).collect::<Result<_, Error>>()?))
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
