//! What the account's owner has set.

use axum::Json;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::super::Ctx;
use super::super::answer::{Answer, Failure};
use super::super::wire::object;
use crate::core::{Exchange, Multiplier, Refusal};

/// `GET /v2/account/configurations`
pub(super) async fn settings(Ctx(shared): Ctx) -> Json<Value> {
    Json(shared.venue.inspect(body))
}

/// What of the account's settings changes anything here; null, and what is empty, mean: leave it
/// alone.
#[derive(Deserialize)]
struct Wish {
    suspend_trade: Option<bool>,
    no_shorting: Option<bool>,
    fractional_trading: Option<bool>,
    max_margin_multiplier: Option<Value>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// `PATCH /v2/account/configurations`: everything a request asks for, or nothing of it.
pub(super) async fn set(Ctx(shared): Ctx, body: String) -> Answer<Json<Value>> {
    let wish: Wish = object(&body)?;
    let (present, rules) = shared.venue.inspect(|ex| (self::body(ex), ex.rules()));
    let others = wish.others.iter().filter(|(_, value)| !is_left_alone(value));
    for (name, value) in others.clone() {
        if !is_free(name, value) && present.get(name) != Some(value) {
            return Err(refused(format!("{name} cannot be set to {value} at this venue")));
        }
    }
    if wish.no_shorting == Some(false) && !rules.shorting {
        let text = "no_shorting cannot be set to false: the account may not sell short";
        return Err(refused(text.to_owned()));
    }
    let most = wish.max_margin_multiplier.as_ref().filter(|value| !is_left_alone(value));
    let most = most.map(multiplier).transpose()?;
    if let Some(most) = most.filter(|most| *most > rules.multiplier) {
        let (most, least) = (most.as_str(), rules.multiplier.as_str());
        let text =
            format!("max_margin_multiplier cannot be {most}: the account has at most {least}");
        return Err(refused(text));
    }
    shared.venue.configure(|exchange| {
        if let Some(suspended) = wish.suspend_trade {
            exchange.suspend(suspended);
        }
        if let Some(forbidden) = wish.no_shorting {
            exchange.forbid_shorting(forbidden);
        }
        if let Some(permitted) = wish.fractional_trading {
            exchange.forbid_fractions(!permitted);
        }
        if let Some(most) = most {
            exchange.limit_multiplier(most);
        }
        for (name, value) in others.filter(|(name, value)| is_free(name, value)) {
            exchange.prefer(name, value.clone());
        }
    })?;
    Ok(Json(shared.venue.inspect(self::body)))
}

/// Whether a value stands for none; clients that cannot leave a member out send it empty.
fn is_left_alone(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

/// Whether a setting changes nothing at this venue and can be had as wished: no mail is sent, no
/// partnership is listed, nothing trades overnight, and the day-trading checks are gone.
fn is_free(name: &str, value: &Value) -> bool {
    match name {
        "trade_confirm_email" => [json!("all"), json!("none")].contains(value),
        "ptp_no_exception_entry" | "disable_overnight_trading" => value.is_boolean(),
        "pdt_check" | "dtbp_check" => {
            ["entry", "exit", "both"].contains(&value.as_str().unwrap_or_default())
        }
        _ => false,
    }
}

/// A multiplier, as a string or a number.
fn multiplier(value: &Value) -> Answer<Multiplier> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let known = [Multiplier::One, Multiplier::Two, Multiplier::Four];
    let found = known.into_iter().find(|known| known.as_str() == text);
    found.ok_or_else(|| refused(format!("max_margin_multiplier is {text}: use 1, 2 or 4")))
}

fn refused(text: String) -> Failure {
    Failure::Refused(Refusal::Rule(text))
}

fn body(exchange: &Exchange) -> Value {
    let (rules, state) = (exchange.rules(), exchange.state());
    let most = state.max_multiplier.unwrap_or(rules.multiplier).min(rules.multiplier);
    let mut body = json!({
        "suspend_trade": state.suspended,
        "no_shorting": !rules.shorting || state.no_shorting,
        "fractional_trading": !state.no_fractions,
        "max_margin_multiplier": most.as_str(),
        "max_options_trading_level": 0,
        "trade_confirm_email": "none",
        "ptp_no_exception_entry": false,
        "disable_overnight_trading": true,
        "pdt_check": "entry",
        "dtbp_check": "entry",
    });
    for (name, value) in &state.preferences {
        body[name] = value.clone();
    }
    body
}
