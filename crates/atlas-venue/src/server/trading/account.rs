//! The account and its ledger.

use axum::Json;
use axum::extract::{Path, Query as Pairs};
use serde_json::{Value, json};
use uuid::Uuid;

use super::super::answer::{Answer, Failure};
use super::super::lens::shown;
use super::super::query::Query;
use super::super::wire::{self, moment};
use super::super::{Ctx, Shared};
use crate::core::{Activity, Entry, Money, date_of};

pub(super) async fn account(Ctx(shared): Ctx) -> Answer<Json<Value>> {
    let venue = &shared.venue;
    let (id, number) = (venue.account_id(), venue.account_number());
    let body = venue.inspect(|exchange| -> Result<Value, crate::Error> {
        let state = exchange.state();
        let now = exchange.standing()?;
        let (fees, zero) = (state.ledger.fees_owed()?, Money::ZERO);
        let (day_trades, is_pattern) = exchange.pattern();
        Ok(json!({
            "id": id,
            "account_number": number,
            "status": "ACTIVE",
            "crypto_status": "ACTIVE",
            "currency": "USD",
            "created_at": moment(state.opened),
            "balance_asof": date_of(shown(exchange.now())),
            "cash": state.ledger.cash,
            "equity": now.equity,
            "portfolio_value": now.equity,
            "last_equity": state.last_equity,
            "buying_power": now.buying_power,
            "regt_buying_power": now.regt_buying_power,
            "non_marginable_buying_power": now.non_marginable_buying_power,
            "options_buying_power": zero,
            "daytrading_buying_power": zero,
            "effective_buying_power": now.buying_power,
            "long_market_value": now.long,
            "position_market_value": now.long.plus(now.short.negated())?,
            "short_market_value": now.short,
            "initial_margin": now.initial_margin,
            "maintenance_margin": now.maintenance_margin,
            "last_maintenance_margin": state.margin.last_maintenance,
            "sma": zero,
            "accrued_fees": now.owed,
            "pending_reg_taf_fees": fees,
            "multiplier": now.multiplier.as_str(),
            "daytrade_count": day_trades,
            "pattern_day_trader": is_pattern,
            "trading_blocked": false,
            "transfers_blocked": false,
            "account_blocked": false,
            "trade_suspended_by_user": state.suspended,
            "shorting_enabled": exchange.can_short()?,
            "options_approved_level": 0,
            "options_trading_level": 0,
        }))
    });
    Ok(Json(body?))
}

pub(super) async fn activities(
    Ctx(shared): Ctx,
    Pairs(pairs): Pairs<Vec<(String, String)>>,
) -> Answer<Json<Vec<Value>>> {
    let query = Query::new(pairs);
    let kinds: Vec<String> = query.list("activity_types").into_iter().map(Into::into).collect();
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
    /// Executions alone, or everything else.
    trades: Option<bool>,
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
            Entry::Posting(posting) => (&[posting.kind.code()], None),
        };
        let kind = |kind: &String| words.iter().any(|word| word.eq_ignore_ascii_case(kind));
        (self.kinds.is_empty() || self.kinds.iter().any(kind))
            && self.trades.is_none_or(|trades| trades == matches!(entry.entry, Entry::Fill(_)))
            && self.order.is_none_or(|id| order == Some(id))
            && self.date.is_none_or(|date| date_of(shown(entry.stamp)) == date)
            && self.after.is_none_or(|after| entry.stamp > after)
            && self.until.is_none_or(|until| entry.stamp < until)
    }
}

fn list(shared: &Shared, query: &Query, kinds: &[String]) -> Answer<Json<Vec<Value>>> {
    let filter = Filter {
        kinds,
        trades: match query.word("category", "", &["trade_activity", "non_trade_activity"])? {
            "trade_activity" => Some(true),
            "non_trade_activity" => Some(false),
            _ => None,
        },
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
            let before = |id: &str| all.partition_point(|entry| *wire::activity_id(entry) < *id);
            let end = token.map_or(all.len(), before);
            let page = all[..end].iter().rev().filter(|entry| filter.fits(entry));
            page.take(size).map(wire::activity).collect()
        } else {
            let until = |id: &str| all.partition_point(|entry| *wire::activity_id(entry) <= *id);
            let start = token.map_or(0, until);
            let page = all[start..].iter().filter(|entry| filter.fits(entry));
            page.take(size).map(wire::activity).collect()
        }
    })))
}
