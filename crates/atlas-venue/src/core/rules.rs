//! What an order must look like, whatever the account holds.

use atlas_core::Side;
use atlas_core::calendar::{Calendar, Session, to_eastern};
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, NaiveTime, TimeDelta};

use super::listing::{CryptoRules, Listing};
use super::market::Phase;
use super::order::NewOrder;
use super::terms::{Class, Kind, Size, Tif, Trail};
use super::{Money, NANO, Refusal, hours};
use crate::Error;

/// Checks the request by itself.
pub(super) fn check(order: &NewOrder, listing: &Listing) -> Result<(), Refusal> {
    let malformed = |text: &str| Err(Refusal::Malformed(text.to_owned()));
    let broken = |text: &str| Err(Refusal::Rule(text.to_owned()));
    if order.client_order_id.as_ref().is_some_and(|id| id.chars().count() > 128) {
        return malformed("client_order_id must be no more than 128 characters");
    }
    let is_fractional = match order.size {
        Size::Shares(qty) if qty.is_zero() => return malformed("qty must be > 0"),
        Size::Notional(amount) if amount <= Money::ZERO => {
            return malformed("notional must be > 0");
        }
        Size::Shares(qty) => !qty.is_whole(),
        Size::Notional(_) => true,
    };
    check_prices(order.kind, listing)?;
    if let Some(rules) = listing.crypto_rules() {
        return check_crypto(order, rules);
    }
    if order.class != Class::Simple {
        check_class(order, is_fractional)?;
    }
    if is_fractional && order.tif != Tif::Day {
        return broken("fractional orders must be DAY orders");
    }
    if is_fractional && matches!(order.kind, Kind::Trailing(_)) {
        return broken("fractional orders must be market, limit, stop or stop_limit orders");
    }
    if order.extended_hours {
        let fits = matches!(order.kind, Kind::Limit(_)) && matches!(order.tif, Tif::Day | Tif::Gtc);
        if !fits {
            return broken("extended hours order must be DAY or GTC limit orders");
        }
    }
    let is_auction = matches!(order.tif, Tif::Opg | Tif::Cls);
    if is_auction && !matches!(order.kind, Kind::Market | Kind::Limit(_)) {
        return broken("opg and cls orders must be market or limit orders");
    }
    Ok(())
}

/// Checks an order for a crypto pair: gtc or ioc; market, limit or stop-limit; simple; a multiple of
/// the increment (contract §8).
fn check_crypto(order: &NewOrder, rules: CryptoRules) -> Result<(), Refusal> {
    let broken = |text: &str| Err(Refusal::Rule(text.to_owned()));
    if !matches!(order.tif, Tif::Gtc | Tif::Ioc) {
        return broken("crypto orders must be GTC or IOC orders");
    }
    if !matches!(order.kind, Kind::Market | Kind::Limit(_) | Kind::StopLimit { .. }) {
        return broken("crypto orders must be market, limit or stop_limit orders");
    }
    if order.class != Class::Simple || order.extended_hours {
        return broken("crypto orders must be simple orders");
    }
    match order.size {
        Size::Shares(qty) if qty.on_grid(rules.min_trade_increment) != qty => {
            Err(Refusal::Rule(format!(
                "qty must be a multiple of the minimum trade increment {}",
                rules.min_trade_increment
            )))
        }
        Size::Shares(_) | Size::Notional(_) => Ok(()),
    }
}

/// Refuses an order for something that is not listed any more.
pub(super) fn check_listed(listing: &Listing, today: NaiveDate) -> Result<(), Refusal> {
    if listing.ends().is_some_and(|ends| ends <= today) {
        return Err(Refusal::Rule(format!("asset \"{}\" is not active", listing.symbol())));
    }
    Ok(())
}

/// Checks what an order with exits must be itself.
fn check_class(order: &NewOrder, is_fractional: bool) -> Result<(), Refusal> {
    let broken = |text: &str| Err(Refusal::Rule(text.to_owned()));
    if is_fractional {
        return broken("fractional orders must be simple orders");
    }
    if !matches!(order.tif, Tif::Day | Tif::Gtc) || order.extended_hours {
        return broken("complex orders must be DAY or GTC orders in regular hours");
    }
    match (order.class, order.kind) {
        (Class::Oco, Kind::Limit(_))
        | (Class::Bracket | Class::Oto, Kind::Market | Kind::Limit(_))
        | (Class::Simple, _) => Ok(()),
        (Class::Oco, _) => broken("oco orders must be limit orders"),
        (Class::Bracket | Class::Oto, _) => broken("entries must be market or limit orders"),
    }
}

/// Checks every price an order names.
pub(super) fn check_prices(kind: Kind, listing: &Listing) -> Result<(), Refusal> {
    let (stop, limit) = (kind.stop(), kind.limit());
    for (name, price) in [("stop_price", stop), ("limit_price", limit)] {
        let Some(price) = price else { continue };
        if !listing.accepts_price(price) {
            return Err(Refusal::Rule(format!(
                "invalid {name} {price}. sub-penny increment does not fulfill minimum pricing \
                 criteria"
            )));
        }
    }
    match kind {
        Kind::Trailing(Trail::Percent(percent)) if percent.nanos() >= 100 * NANO => {
            Err(Refusal::Malformed("trail_percent must be below 100".to_owned()))
        }
        Kind::Market
        | Kind::Limit(_)
        | Kind::Stop(_)
        | Kind::StopLimit { .. }
        | Kind::Trailing(_) => Ok(()),
    }
}

/// When auction orders are taken: `opg` until two minutes before the open and from 19:00, `cls`
/// until ten minutes before the close and from 19:00, New York time.
pub(super) fn check_window(tif: Tif, now: Timestamp) -> Result<(), Refusal> {
    if !matches!(tif, Tif::Opg | Tif::Cls) {
        return Ok(());
    }
    let local = to_eastern(now).map_err(Error::from)?;
    let Ok(session) = Calendar::nyse().session(local.date_naive()) else { return Ok(()) };
    let from = match tif {
        Tif::Opg => session.open - TimeDelta::minutes(2),
        Tif::Cls | Tif::Day | Tif::Gtc | Tif::Ioc | Tif::Fok => {
            session.close - TimeDelta::minutes(10)
        }
    };
    let evening = NaiveTime::from_hms_opt(19, 0, 0).unwrap_or_default();
    if now >= from && local.time() < evening {
        return Err(Refusal::Rule(format!(
            "{} orders are not accepted at this time",
            tif.as_str()
        )));
    }
    Ok(())
}

/// When an order taken at `now` runs out: a DAY order at the close of the session it works in, or,
/// if it is for extended hours and there are such, at the end of the hours after it. Beside whether
/// it is comes whether it works at once.
pub(super) fn expiry(
    tif: Tif,
    phase: Phase,
    now: Timestamp,
    (extended, at_once): (bool, bool),
) -> Result<Timestamp, Error> {
    let nyse = Calendar::nyse();
    if tif == Tif::Gtc {
        // On a day nobody trades nothing runs out.
        let date = to_eastern(now)?.date_naive() + TimeDelta::days(90);
        let session = nyse.session(date).or_else(|_| nyse.previous_session(date))?;
        return Ok(session.close + super::extended::QUARTER);
    }
    let session: Session = match phase {
        Phase::Open(session) => session,
        Phase::Closed { last } => match hours::outside(now).filter(|_| extended && at_once) {
            Some(session) => *session,
            None => nyse.next_session(last)?,
        },
    };
    Ok(if extended { hours::extended(&session).1 } else { session.close })
}

/// Whether two opposite orders of one account could trade with each other: not if both have limits
/// that keep the buy below the sell.
pub(super) fn could_cross(side: Side, ours: Kind, theirs: Kind) -> bool {
    match (ours.limit(), theirs.limit()) {
        (Some(ours), Some(theirs)) => match side {
            Side::Buy => ours >= theirs,
            Side::Sell => theirs >= ours,
        },
        (None, _) | (_, None) => true,
    }
}
