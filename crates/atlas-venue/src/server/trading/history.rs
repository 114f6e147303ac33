//! What the account was worth, day by day.

use axum::Json;
use axum::extract::Query as Pairs;
use chrono::{Days, Months, NaiveDate};
use serde_json::{Value, json};

use super::super::Ctx;
use super::super::answer::{Answer, Failure};
use super::super::lens::shown_date;
use super::super::query::Query;
use super::super::wire::dollars;
use crate::core::{Market, Money, date_of};

/// `GET /v2/account/portfolio/history`, at the closes of days alone.
pub(super) async fn history(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    let timeframe = query.text("timeframe").unwrap_or("1D");
    if timeframe != "1D" {
        return Err(Failure::BadRequest(format!(
            "timeframe {timeframe:?} is not available here: use 1D"
        )));
    }
    let (start, end) = (query.date("start")?, query.date("end")?.or(query.date("date_end")?));
    let period = query.text("period").map(str::to_owned);
    shared.venue.inspect(|exchange| {
        let today = date_of(exchange.now());
        let end = end.unwrap_or(today);
        let from = match (start, period.as_deref()) {
            (Some(start), _) => start,
            (None, period) => before(end, period.unwrap_or("1M"))?,
        };
        let all = exchange.day_ends()?;
        let first = all.partition_point(|day| day.date < from);
        let days = &all[first..all.partition_point(|day| day.date <= end).max(first)];
        let base = first.checked_sub(1).map(|at| all[at].equity);
        let base = base
            .or_else(|| days.first().map(|day| day.paid_in))
            .unwrap_or(exchange.state().last_equity);
        let (mut stamps, mut equity) = (Vec::new(), Vec::new());
        let (mut gains, mut shares) = (Vec::new(), Vec::new());
        for day in days {
            let gain = day.equity.minus(base)?;
            stamps.push(Market::midnight(shown_date(day.date)).timestamp());
            equity.push(dollars(day.equity));
            gains.push(dollars(gain));
            shares.push(share(gain, base));
        }
        Ok(Json(json!({
            "timestamp": stamps,
            "equity": equity,
            "profit_loss": gains,
            "profit_loss_pct": shares,
            "base_value": dollars(base),
            "timeframe": "1D",
        })))
    })
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
