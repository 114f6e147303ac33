//! Corporate actions in the older shape, which clients still ask for, and news, of which there are
//! none.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::super::Ctx;
use super::super::answer::{Answer, Failure, not_found};
use super::super::lens::shown;
use super::super::query::Query;
use super::actions::known;
use super::{Params, in_data};
use crate::core::{Exchange, date_of};

/// `GET /v2/corporate_actions/announcements`: splits and dividends with a date from `since` to
/// `until`, oldest first. When they were declared and recorded is not known.
pub(super) async fn announcements(
    Ctx(shared): Ctx,
    Pairs(pairs): Params,
) -> Answer<Json<Vec<Value>>> {
    let query = Query::new(pairs);
    let needed = |name: &str| Failure::BadRequest(format!("{name} is required"));
    let since = query.date("since")?.ok_or_else(|| needed("since"))?;
    let until = query.date("until")?.ok_or_else(|| needed("until"))?;
    if since > until || until - since > TimeDelta::days(90) {
        let text = "until has to be from 0 to 90 days after since".to_owned();
        return Err(Failure::BadRequest(text));
    }
    let types = query.list("ca_types");
    if types.is_empty() {
        return Err(needed("ca_types"));
    }
    let dates = ["ex_date", "payable_date", "declaration_date", "record_date"];
    let date = query.word("date_type", "ex_date", &dates)?;
    let symbol = query.text("symbol");
    let mut told = shared.venue.inspect(|exchange| all(exchange, since));
    told.retain(|action| {
        let day: Option<NaiveDate> = action[date].as_str().and_then(|day| day.parse().ok());
        let kind = action["ca_type"].as_str().unwrap_or_default();
        day.is_some_and(|day| since <= day && day <= until)
            && types.iter().any(|wanted| kind.eq_ignore_ascii_case(wanted))
            && symbol.is_none_or(|symbol| action["initiating_symbol"] == symbol)
            // Nothing here has a CUSIP that could be asked for.
            && query.text("cusip").is_none()
    });
    told.sort_by_key(|action| action[date].to_string());
    Ok(Json(told))
}

/// `GET /v2/corporate_actions/announcements/{id}`
pub(super) async fn announcement(Ctx(shared): Ctx, Path(id): Path<String>) -> Answer<Json<Value>> {
    let all = shared.venue.inspect(|exchange| all(exchange, NaiveDate::MIN));
    let found = all.into_iter().find(|action| action["id"] == *id);
    Ok(Json(found.ok_or_else(|| not_found(format!("announcement not found for {id}")))?))
}

/// `GET /v1beta1/news`: nobody writes any here.
pub(super) async fn news(Pairs(pairs): Params) -> Answer<Json<Value>> {
    let query = Query::new(pairs);
    in_data(query.shown("start"))?;
    in_data(query.shown("end"))?;
    in_data(query.number("limit", 10, 50))?;
    in_data(query.word("sort", "desc", &["asc", "desc"]))?;
    in_data(query.flag("include_content"))?;
    in_data(query.flag("exclude_contentless"))?;
    Ok(Json(json!({ "news": [], "next_page_token": null })))
}

/// The splits and dividends there have been, from a while before a date on: what was announced then
/// may be paid on it.
fn all(exchange: &Exchange, since: NaiveDate) -> Vec<Value> {
    let from = since.checked_sub_signed(TimeDelta::days(366)).unwrap_or(since);
    let known = known(exchange, (from, date_of(shown(exchange.now()))));
    known.iter().filter_map(|(_, kind, symbol, action)| body(kind, symbol, action)).collect()
}

fn body(kind: &str, symbol: &str, action: &Value) -> Option<Value> {
    let (ca_type, sub_type) = match kind {
        "forward_splits" => ("split", "stock_split"),
        "reverse_splits" => ("split", "reverse_split"),
        "cash_dividends" => ("dividend", "cash"),
        // There was no word for the others.
        _ => return None,
    };
    let amount = |name: &str, otherwise: &str| {
        let known = action.get(name).filter(|amount| !amount.is_null());
        known.map_or_else(|| otherwise.to_owned(), Value::to_string)
    };
    let mut body = json!({
        "id": action["id"], "corporate_action_id": action["id"],
        "ca_type": ca_type, "ca_sub_type": sub_type,
        "initiating_symbol": symbol, "initiating_original_cusip": "",
        "target_symbol": symbol, "target_original_cusip": "",
        "ex_date": action["ex_date"],
        "cash": amount("rate", "0"),
        "old_rate": amount("old_rate", "1"), "new_rate": amount("new_rate", "1"),
    });
    if action["payable_date"].is_string() {
        body["payable_date"] = action["payable_date"].clone();
    }
    Some(body)
}
