//! The account and its ledger.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Ctx, Shared};
use super::super::answer::{Answer, Failure};
use super::super::lens::shown;
use super::super::query::Query;
use super::super::wire::{self, moment};
use crate::core::{Activity, Entry, Exchange, Money, Refusal, date_of};

pub(super) async fn account(Ctx(shared): Ctx) -> Answer<Json<Value>> {
    let venue = &shared.venue;
    let (id, number) = (venue.account_id(), venue.account_number());
    let body = venue.inspect(|exchange| -> Result<Value, crate::Error> {
        let state = exchange.state();
        let held = exchange.market_value()?;
        let (equity, free) = (state.ledger.cash.plus(held)?, exchange.buying_power()?);
        let owed = state.ledger.fees_owed()?;
        let zero = Money::ZERO;
        Ok(json!({
            "id": id,
            "account_number": number,
            "status": "ACTIVE",
            "crypto_status": "INACTIVE",
            "currency": "USD",
            "created_at": moment(state.opened),
            "balance_asof": date_of(shown(exchange.now())),
            "cash": state.ledger.cash,
            "equity": equity,
            "portfolio_value": equity,
            "last_equity": state.last_equity,
            "buying_power": free,
            "regt_buying_power": free,
            "non_marginable_buying_power": free,
            "options_buying_power": zero,
            "daytrading_buying_power": zero,
            "effective_buying_power": free,
            "long_market_value": held,
            "position_market_value": held,
            "short_market_value": zero,
            "initial_margin": zero,
            "maintenance_margin": zero,
            "last_maintenance_margin": zero,
            "sma": zero,
            "accrued_fees": owed,
            "pending_reg_taf_fees": owed,
            "multiplier": "1",
            "daytrade_count": 0,
            "pattern_day_trader": false,
            "trading_blocked": false,
            "transfers_blocked": false,
            "account_blocked": false,
            "trade_suspended_by_user": state.suspended,
            "shorting_enabled": false,
            "options_approved_level": 0,
            "options_trading_level": 0,
        }))
    });
    Ok(Json(body?))
}

pub(super) async fn settings(Ctx(shared): Ctx) -> Json<Value> {
    Json(shared.venue.inspect(settings_body))
}

/// What of the account's settings can be changed here; the rest is accepted if it says what is.
#[derive(serde::Deserialize)]
struct Settings {
    suspend_trade: Option<bool>,
    #[serde(flatten)]
    others: serde_json::Map<String, Value>,
}

pub(super) async fn set(Ctx(shared): Ctx, body: String) -> Answer<Json<Value>> {
    let wish: Settings =
        serde_json::from_str(&body).map_err(|error| Failure::BadRequest(error.to_string()))?;
    let present = shared.venue.inspect(settings_body);
    for (name, value) in &wish.others {
        // Null means: leave it alone.
        if !value.is_null() && present.get(name) != Some(value) {
            return Err(Failure::Refused(Refusal::Rule(format!(
                "{name} cannot be set to {value} at this venue"
            ))));
        }
    }
    if let Some(suspended) = wish.suspend_trade {
        shared.venue.suspend(suspended)?;
    }
    Ok(Json(shared.venue.inspect(settings_body)))
}

fn settings_body(exchange: &Exchange) -> Value {
    json!({
        "suspend_trade": exchange.state().suspended,
        "no_shorting": true,
        "fractional_trading": true,
        "max_margin_multiplier": "1",
        "max_options_trading_level": 0,
        "trade_confirm_email": "none",
        "ptp_no_exception_entry": false,
        "disable_overnight_trading": true,
        "pdt_check": "entry",
        "dtbp_check": "entry",
    })
}

pub(super) async fn activities(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<Value>>> {
    let query = Query::new(pairs);
    let mut kinds: Vec<String> = query.list("activity_types").into_iter().map(Into::into).collect();
    match query.word("category", "", &["trade_activity", "non_trade_activity"])? {
        "trade_activity" => kinds.push("FILL".to_owned()),
        "non_trade_activity" => kinds.extend(["CSD", "FEE"].map(Into::into)),
        _ => {}
    }
    list(&shared, &query, &kinds)
}

pub(super) async fn activities_of(
    Ctx(shared): Ctx,
    Path(kind): Path<String>,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<Value>>> {
    list(&shared, &Query::new(pairs), &[kind])
}

/// What a request for ledger entries asks for.
struct Filter<'a> {
    kinds: &'a [String],
    order: Option<Uuid>,
    date: Option<chrono::NaiveDate>,
    after: Option<atlas_core::time::Timestamp>,
    until: Option<atlas_core::time::Timestamp>,
}

impl Filter<'_> {
    fn fits(&self, entry: &Activity) -> bool {
        let (words, order): (&[&str], _) = match &entry.entry {
            Entry::Fill(fill) => (&["FILL"], Some(fill.order_id)),
            Entry::Deposit(_) => (&["CSD", "TRANS"], None),
            Entry::Fee { .. } => (&["FEE", "MISC"], None),
        };
        let kind = |kind: &String| words.iter().any(|word| word.eq_ignore_ascii_case(kind));
        (self.kinds.is_empty() || self.kinds.iter().any(kind))
            && self.order.is_none_or(|id| order == Some(id))
            && self.date.is_none_or(|date| date_of(shown(entry.stamp)) == date)
            && self.after.is_none_or(|after| entry.stamp > after)
            && self.until.is_none_or(|until| entry.stamp < until)
    }
}

fn list(shared: &Shared, query: &Query, kinds: &[String]) -> Answer<Json<Vec<Value>>> {
    let filter = Filter {
        kinds,
        order: query.id("order_id")?,
        date: query.date("date")?,
        after: query.moment("after")?,
        until: query.moment("until")?,
    };
    let newest_first = query.word("direction", "desc", &["asc", "desc"])? == "desc";
    let size = query.number("page_size", 100, 100)?;
    let token = query.text("page_token");
    if token.is_some_and(|token| !token.contains("::")) {
        return Err(Failure::BadRequest("invalid page_token".to_owned()));
    }
    Ok(Json(shared.venue.inspect(|exchange| {
        let all = exchange.activities();
        if newest_first {
            let end = token.map_or(all.len(), |id| all.partition_point(|e| e.id.as_str() < id));
            let page = all[..end].iter().rev().filter(|entry| filter.fits(entry));
            page.take(size).map(wire::activity).collect()
        } else {
            let start = token.map_or(0, |id| all.partition_point(|e| e.id.as_str() <= id));
            let page = all[start..].iter().filter(|entry| filter.fits(entry));
            page.take(size).map(wire::activity).collect()
        }
    })))
}
