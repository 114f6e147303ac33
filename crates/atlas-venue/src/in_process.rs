//! The venue as a [`Broker`], without a socket in between.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, CashEntry, CashKind, Entry, Error, MarketClock,
    Submission, UnknownOutcome,
};
use atlas_core::{
    Account, ClientOrderId, ExecutionId, Fill, OrderRequest, OrderType, Position, Price, Quote,
    Symbol, TimeInForce, VenueOrderId,
};
use atlas_risk::ApprovedOrder;
use uuid::Uuid;

use crate::Venue;
use crate::core::{self, Class, Kind, NewOrder, OrderRecord, Px, Refusal, Shares, Size, Tif};

/// A venue asked directly: for backtests and tests. Every answer is the one the server would give
/// to the Alpaca client.
#[derive(Debug, Clone)]
pub struct InProcess {
    venue: Venue,
}

impl InProcess {
    /// Asks `venue`.
    #[must_use]
    pub const fn new(venue: Venue) -> Self {
        Self { venue }
    }

    /// The venue that is asked.
    #[must_use]
    pub const fn venue(&self) -> &Venue {
        &self.venue
    }

    fn send(&self, order: ApprovedOrder) -> Submission {
        let request = match new_order(order.get()) {
            Ok(request) => request,
            Err(error) => return Submission::NotReached { order, error },
        };
        match self.venue.submit(request) {
            Ok(record) => match broker_order(&record) {
                Ok(taken) => Submission::Accepted(taken),
                Err(error) => Submission::Unknown(UnknownOutcome::new(order, error)),
            },
            Err(Refusal::Internal(reason)) => Submission::Unknown(UnknownOutcome::new(
                order,
                Error::NoAnswer { venue: NAME.to_owned(), request: "an order".to_owned(), reason },
            )),
            Err(refusal) => {
                Submission::Refused { code: Some(refusal.code()), reason: refusal.message() }
            }
        }
    }
}

#[async_trait]
impl Broker for InProcess {
    async fn account(&self) -> Result<Account, Error> {
        let account_number = self.venue.account_number();
        self.venue
            .inspect(|exchange| -> Result<Account, crate::Error> {
                Ok(Account {
                    account_number,
                    cash: exchange.state().ledger.cash.to_usd()?,
                    equity: exchange.equity()?.to_usd()?,
                    buying_power: exchange.buying_power()?.to_usd()?,
                    trading_blocked: false,
                })
            })
            .map_err(|error| unreadable("the account", &error))
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        self.venue.inspect(|exchange| {
            let mut positions = BTreeMap::new();
            for symbol in exchange.state().ledger.holdings.keys() {
                let position = position(exchange, symbol);
                let position = position.map_err(|error| unreadable("positions", &error))?;
                positions.insert(symbol.clone(), position);
            }
            Ok(positions)
        })
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        self.venue.inspect(|exchange| {
            let mut open: Vec<&OrderRecord> = exchange.open_orders().collect();
            open.sort_unstable_by_key(|order| order.seq);
            open.into_iter().map(broker_order).collect()
        })
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        self.venue.inspect(|exchange| {
            exchange.order_by_client_id(id.as_str()).map(broker_order).transpose()
        })
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        self.send(order)
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        self.send(unknown.into_order())
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        let uuid = Uuid::parse_str(id.as_str()).map_err(|error| unreadable("order id", &error))?;
        match self.venue.cancel(uuid) {
            Ok(()) | Err(Refusal::Ended { .. }) => Ok(()),
            Err(refusal) => Err(refused("cancel", &refusal)),
        }
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        self.venue.inspect(|exchange| {
            let all = exchange.activities();
            let from = after.map_or(0, |id| all.partition_point(|entry| entry.id <= id.0));
            all[from..].iter().map(activity).collect()
        })
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        let hours = self.venue.hours().map_err(|error| unreadable("the clock", &error))?;
        Ok(MarketClock {
            timestamp: hours.now,
            is_open: hours.is_open,
            next_open: hours.next_open,
            next_close: hours.next_close,
        })
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.venue.inspect(|exchange| {
            let mut quotes = BTreeMap::new();
            for symbol in symbols {
                let quote = exchange.quote(symbol).map_err(|error| unreadable("quotes", &error))?;
                let Some((bid, ask)) = quote else { continue };
                let quote = Quote {
                    symbol: symbol.clone(),
                    bid: Some(price(bid)?),
                    ask: Some(price(ask)?),
                    ts_event: exchange.now(),
                };
                quotes.insert(symbol.clone(), quote);
            }
            Ok(quotes)
        })
    }
}

/// An order in the venue's terms.
fn new_order(request: &OrderRequest) -> Result<NewOrder, Error> {
    let px = |price: Price| Px::try_from(price).map_err(|error| unreadable("price", &error));
    let kind = match request.order_type {
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
    };
    let qty = Shares::try_from(request.qty).map_err(|error| unreadable("quantity", &error))?;
    Ok(NewOrder {
        client_order_id: Some(request.client_order_id.to_string()),
        symbol: request.symbol.clone(),
        side: request.side,
        size: Size::Shares(qty),
        kind,
        tif: match request.time_in_force {
            TimeInForce::Day => Tif::Day,
            TimeInForce::Gtc => Tif::Gtc,
            TimeInForce::Opg => Tif::Opg,
            TimeInForce::Cls => Tif::Cls,
            TimeInForce::Ioc => Tif::Ioc,
            TimeInForce::Fok => Tif::Fok,
        },
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    })
}

fn broker_order(order: &OrderRecord) -> Result<BrokerOrder, Error> {
    let wrong = |error: atlas_core::Error| unreadable("an order", &error);
    let qty = order.qty().unwrap_or(order.filled);
    Ok(BrokerOrder {
        venue_order_id: VenueOrderId::new(&order.id.to_string()).map_err(wrong)?,
        client_order_id: ClientOrderId::new(&order.client_order_id).map_err(wrong)?,
        symbol: order.symbol.clone(),
        side: order.side,
        qty: qty.to_qty().map_err(|error| unreadable("an order", &error))?,
        filled_qty: order.filled.to_qty().map_err(|error| unreadable("an order", &error))?,
        avg_fill_price: order.avg_price().map(price).transpose()?,
        status: order.status.to_core(),
        limit_price: order.kind.limit().map(price).transpose()?,
        submitted_at: order.times.submitted,
    })
}

fn position(exchange: &core::Exchange, symbol: &Symbol) -> Result<Position, crate::Error> {
    let holding = exchange.state().ledger.holdings.get(symbol).copied().unwrap_or_default();
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

fn activity(entry: &core::Activity) -> Result<Activity, Error> {
    let id = ActivityId(entry.id.clone());
    let cash = |kind, date, net_amount: core::Money, description: &str| {
        let net_amount = net_amount.to_usd().map_err(|error| unreadable("the ledger", &error))?;
        let description = description.to_owned();
        Ok(Entry::Cash(CashEntry { kind, date, net_amount, symbol: None, description }))
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
    };
    Ok(Activity { id, entry })
}

fn broker_fill(fill: &core::Execution, stamp: atlas_core::time::Timestamp) -> Result<Fill, Error> {
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

fn price(px: Px) -> Result<Price, Error> {
    px.to_price().map_err(|error| unreadable("a price", &error))
}

fn unreadable(what: &str, error: &dyn std::error::Error) -> Error {
    Error::BadAnswer {
        venue: NAME.to_owned(),
        request: what.to_owned(),
        problem: error.to_string(),
    }
}

fn refused(request: &str, refusal: &Refusal) -> Error {
    Error::Refused {
        venue: NAME.to_owned(),
        request: request.to_owned(),
        status: refusal.status(),
        code: Some(refusal.code()),
        reason: refusal.message(),
    }
}

/// What the venue calls itself in errors.
const NAME: &str = "the simulated venue";
