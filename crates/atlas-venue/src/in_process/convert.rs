//! The venue's records in the words of the broker contract, and back.

use atlas_broker::{
    Activity, ActivityId, BrokerOrder, CashEntry, CashKind, Entry, Error, Sent, SharesEntry,
    SharesKind, Terms, Trail,
};
use atlas_core::{
    ClientOrderId, ExecutionId, Fill, OrderRequest, OrderType, Position, Price, Qty, Symbol,
    TimeInForce, VenueOrderId,
};
use rust_decimal::Decimal;

use crate::core::{
    self, Class, Kind, NewOrder, OrderRecord, PostingKind, Px, Refusal, Replacement, Shares, Size,
    Tif,
};

/// An order in the venue's terms.
pub(super) fn new_order(request: &OrderRequest, terms: Terms) -> Result<NewOrder, Error> {
    let exits = terms.stop_loss().map(|exit| {
        let limit = exit.limit_price.map(px).transpose()?;
        Ok::<_, Error>((px(exit.stop_price)?, limit))
    });
    Ok(NewOrder {
        client_order_id: Some(request.client_order_id.to_string()),
        symbol: request.symbol.clone(),
        side: request.side,
        size: size(request, terms)?,
        kind: kind(request, terms)?,
        tif: tif(request.time_in_force),
        extended_hours: terms == Terms::ExtendedHours,
        class: match terms.order_class() {
            "bracket" => Class::Bracket,
            "oco" => Class::Oco,
            "oto" => Class::Oto,
            _ => Class::Simple,
        },
        take_profit: terms.take_profit().map(px).transpose()?,
        stop_loss: exits.transpose()?,
    })
}

/// What makes `request` of an order that is replaced by it.
pub(super) fn replacement(request: &OrderRequest) -> Result<Replacement, Error> {
    let kind = kind(request, Terms::Simple)?;
    Ok(Replacement {
        client_order_id: Some(request.client_order_id.to_string()),
        qty: Some(shares(request)?),
        tif: Some(tif(request.time_in_force)),
        limit: kind.limit(),
        stop: kind.stop(),
        trail: None,
    })
}

/// Whether a record is of the very order that is sent, as the Alpaca client compares them.
pub(super) fn is_same(record: &OrderRecord, request: &OrderRequest, sent: &Sent) -> bool {
    let (terms, class) = match sent {
        Sent::Submitted(terms) => (*terms, Some(terms.order_class())),
        // A replacement keeps the class of what it replaces.
        Sent::Replacing(_) => (Terms::Simple, None),
        Sent::ReplacingTrail(_, trail) => (Terms::Trailing(*trail), None),
    };
    record.symbol == request.symbol
        && record.side == request.side
        && size(request, terms).is_ok_and(|size| record.size == size)
        && kind(request, terms).is_ok_and(|kind| record.kind == kind)
        && class.is_none_or(|class| record.class.as_str() == class)
}

fn size(request: &OrderRequest, terms: Terms) -> Result<Size, Error> {
    match terms.notional() {
        Some(amount) => {
            let amount = core::Money::try_from(amount);
            Ok(Size::Notional(amount.map_err(|error| unreadable("amount", &error))?))
        }
        None => Ok(Size::Shares(shares(request)?)),
    }
}

fn shares(request: &OrderRequest) -> Result<Shares, Error> {
    Shares::try_from(request.qty).map_err(|error| unreadable("quantity", &error))
}

fn px(price: Price) -> Result<Px, Error> {
    Px::try_from(price).map_err(|error| unreadable("price", &error))
}

fn kind(request: &OrderRequest, terms: Terms) -> Result<Kind, Error> {
    if let Terms::Trailing(trail) = terms {
        return Ok(Kind::Trailing(match trail {
            Trail::Price(width) => core::Trail::Price(px(width)?),
            Trail::Percent(percent) => {
                let percent = Price::new(percent).map_err(|error| unreadable("trail", &error))?;
                core::Trail::Percent(px(percent)?)
            }
        }));
    }
    Ok(match request.order_type {
        OrderType::Market => Kind::Market,
        OrderType::Limit { limit_price } => Kind::Limit(px(limit_price)?),
        OrderType::Stop { stop_price } => Kind::Stop(px(stop_price)?),
        OrderType::StopLimit { stop_price, limit_price } => {
            Kind::StopLimit { stop: px(stop_price)?, limit: px(limit_price)? }
        }
        other => {
            return Err(Error::Unsupported {
                venue: NAME.to_owned(),
                what: format!("order type {other:?}"),
                remedy: "use a market, limit, stop or stop-limit order",
            });
        }
    })
}

const fn tif(word: TimeInForce) -> Tif {
    match word {
        TimeInForce::Day => Tif::Day,
        TimeInForce::Gtc => Tif::Gtc,
        TimeInForce::Opg => Tif::Opg,
        TimeInForce::Cls => Tif::Cls,
        TimeInForce::Ioc => Tif::Ioc,
        TimeInForce::Fok => Tif::Fok,
    }
}

/// An order as the broker contract tells it.
pub(super) fn broker_order(order: &OrderRecord) -> Result<BrokerOrder, Error> {
    let wrong = |error: atlas_core::Error| unreadable("an order", &error);
    let qty = order.qty().unwrap_or(order.filled);
    Ok(BrokerOrder {
        venue_order_id: VenueOrderId::new(&order.id.to_string()).map_err(wrong)?,
        client_order_id: ClientOrderId::new(&order.client_order_id).map_err(wrong)?,
        symbol: order.symbol.clone(),
        side: order.side,
        qty: qty.to_qty().map_err(|error| unreadable("an order", &error))?,
        notional: match order.size {
            Size::Shares(_) => None,
            Size::Notional(amount) => {
                Some(amount.to_usd().map_err(|error| unreadable("an order", &error))?)
            }
        },
        filled_qty: order.filled.to_qty().map_err(|error| unreadable("an order", &error))?,
        avg_fill_price: order.avg_price().map(price).transpose()?,
        status: order.core_status(),
        limit_price: order.kind.limit().map(price).transpose()?,
        submitted_at: order.times.submitted,
        replaces: order
            .replaces
            .map(|id| VenueOrderId::new(&id.to_string()))
            .transpose()
            .map_err(wrong)?,
    })
}

/// A position as the broker contract tells it.
pub(super) fn position(
    exchange: &core::Exchange,
    symbol: &Symbol,
) -> Result<Position, crate::Error> {
    let holding = exchange.state().ledger.holdings.get(symbol).copied().unwrap_or_default();
    if holding.is_short {
        // The broker contract knows long positions alone; one it cannot say is not left out.
        return Err(crate::Error::Overflow { what: "short position in a long-only account" });
    }
    let mark = exchange.mark_of_holding(symbol)?;
    let (held_for_orders, _) = exchange.held_for_sells(symbol)?;
    Ok(Position {
        symbol: symbol.clone(),
        qty: holding.qty.to_qty()?,
        qty_available: holding.qty.minus(held_for_orders).to_qty()?,
        avg_entry_price: holding.cost.mean_price(holding.qty).unwrap_or(mark).to_price()?,
        current_price: mark.to_price()?,
    })
}

/// A ledger entry as the broker contract tells it.
pub(super) fn activity(entry: &core::Activity) -> Result<Activity, Error> {
    let id = ActivityId(entry.id.clone());
    let cash = |kind, date, net_amount: core::Money, description: &str| {
        let net_amount = net_amount.to_usd().map_err(|error| unreadable("the ledger", &error))?;
        let description = description.to_owned();
        Ok(Entry::Cash(CashEntry {
            kind,
            date,
            net_amount,
            taken: Qty::ZERO,
            symbol: None,
            description,
        }))
    };
    let entry = match &entry.entry {
        core::Entry::Fill(fill) => Entry::Fill(broker_fill(fill, entry.stamp)?),
        core::Entry::Deposit(amount) => {
            let date = core::date_of(entry.stamp);
            cash(CashKind::Deposit, date, *amount, "deposit")?
        }
        core::Entry::Fee { kind, date, .. } => {
            cash(CashKind::Fee, *date, entry.entry.cash_effect(), kind.description())?
        }
        core::Entry::Posting(posting) if shares_kind(posting.kind).is_some() => moved(posting)?,
        core::Entry::Posting(posting) => Entry::Cash(CashEntry {
            kind: cash_kind(posting.kind),
            date: posting.date,
            net_amount: posting
                .amount
                .to_usd()
                .map_err(|error| unreadable("the ledger", &error))?,
            taken: if posting.kind == PostingKind::CryptoFee {
                let taken = posting.change.size().to_qty();
                taken.map_err(|error| unreadable("the ledger", &error))?
            } else {
                Qty::ZERO
            },
            symbol: posting.symbol.clone(),
            description: posting.kind.description().to_owned(),
        }),
    };
    Ok(Activity { id, entry })
}

/// A posting that moves shares.
fn moved(posting: &core::Posting) -> Result<Entry, Error> {
    let wrong = |problem: &str| Error::BadAnswer {
        venue: NAME.to_owned(),
        request: "the ledger".to_owned(),
        problem: problem.to_owned(),
    };
    let kind = shares_kind(posting.kind).ok_or_else(|| wrong("it moves no shares"))?;
    let symbol = posting.symbol.clone().ok_or_else(|| wrong("shares of no symbol"))?;
    let net_amount = posting.amount.to_usd().map_err(|error| unreadable("the ledger", &error))?;
    Ok(Entry::Shares(SharesEntry {
        kind,
        date: posting.date,
        symbol,
        change: Decimal::new(posting.change.nanos(), 9).normalize(),
        net_amount,
        description: posting.kind.description().to_owned(),
    }))
}

const fn shares_kind(kind: PostingKind) -> Option<SharesKind> {
    match kind {
        PostingKind::Split => Some(SharesKind::Split),
        PostingKind::Rename => Some(SharesKind::SymbolChange),
        PostingKind::Delisting => Some(SharesKind::Reorganisation),
        PostingKind::MarginInterest
        | PostingKind::CashInterest
        | PostingKind::BorrowFee
        | PostingKind::Dividend
        | PostingKind::CryptoFee => None,
    }
}

/// A posting of money in the words of the broker contract.
fn cash_kind(kind: PostingKind) -> CashKind {
    match kind {
        PostingKind::MarginInterest | PostingKind::CashInterest => CashKind::Interest,
        PostingKind::BorrowFee | PostingKind::CryptoFee => CashKind::Fee,
        PostingKind::Dividend => CashKind::Dividend,
        PostingKind::Split | PostingKind::Rename | PostingKind::Delisting => {
            CashKind::Unknown(kind.code().to_owned())
        }
    }
}

pub(super) fn broker_fill(
    fill: &core::Execution,
    stamp: atlas_core::time::Timestamp,
) -> Result<Fill, Error> {
    let wrong = |error: atlas_core::Error| unreadable("an execution", &error);
    // Named by order and cumulative quantity, as the Alpaca client does.
    let execution = format!("{}:{}", fill.order_id, fill.cum_qty);
    Ok(Fill {
        execution_id: ExecutionId::new(&execution).map_err(wrong)?,
        client_order_id: ClientOrderId::new(&fill.client_order_id).map_err(wrong)?,
        venue_order_id: VenueOrderId::new(&fill.order_id.to_string()).map_err(wrong)?,
        symbol: fill.symbol.clone(),
        side: fill.side,
        qty: fill.qty.to_qty().map_err(|error| unreadable("an execution", &error))?,
        price: price(fill.price)?,
        ts_event: stamp,
    })
}

pub(super) fn price(px: Px) -> Result<Price, Error> {
    px.to_price().map_err(|error| unreadable("a price", &error))
}

pub(super) fn unreadable(what: &str, error: &dyn std::error::Error) -> Error {
    Error::BadAnswer {
        venue: NAME.to_owned(),
        request: what.to_owned(),
        problem: error.to_string(),
    }
}

pub(super) fn refused(request: &str, refusal: &Refusal) -> Error {
    Error::Refused {
        venue: NAME.to_owned(),
        request: request.to_owned(),
        status: refusal.status(),
        code: Some(refusal.code()),
        reason: refusal.message(),
    }
}

/// What the venue calls itself in errors.
pub(super) const NAME: &str = "the simulated venue";
