//! The venue as a [`Broker`], without a socket in between.

mod convert;
mod updates;

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Sent, Submission, Terms,
    UnknownOutcome, UpdateStream,
};
use atlas_core::{Account, ClientOrderId, Position, Quote, Symbol, VenueOrderId};
use atlas_risk::ApprovedOrder;
use uuid::Uuid;

use self::convert::{NAME, activity, broker_order, position, price, refused, unreadable};
use self::updates::Updates;
use crate::Venue;
use crate::core::{OrderRecord, Refusal};

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

    fn send(&self, order: ApprovedOrder, sent: Sent) -> Submission {
        let answer = match &sent {
            Sent::Submitted(terms) => {
                if let Some(reason) = terms.conflict(order.get()) {
                    return Submission::Refused { code: None, reason: reason.to_owned() };
                }
                match convert::new_order(order.get(), *terms) {
                    Ok(request) => self.venue.submit(request).map(|taken| taken.order),
                    Err(error) => return Submission::NotReached { order, error },
                }
            }
            Sent::Replacing(old) => {
                let wish = convert::replacement(order.get());
                match read_id(old).and_then(|old| Ok((old, wish?))) {
                    Ok((old, wish)) => self.venue.replace(old, &wish),
                    Err(error) => return Submission::NotReached { order, error },
                }
            }
        };
        match answer {
            Ok(record) => match broker_order(&record) {
                Ok(taken) => Submission::Accepted(taken),
                Err(error) => Submission::Unknown(UnknownOutcome::sent_as(order, error, sent)),
            },
            Err(Refusal::Internal(reason)) => {
                let request = "an order".to_owned();
                let error = Error::NoAnswer { venue: NAME.to_owned(), request, reason };
                Submission::Unknown(UnknownOutcome::sent_as(order, error, sent))
            }
            Err(refusal) => {
                let known =
                    matches!(refusal, Refusal::Duplicate).then(|| self.known(&order, &sent));
                known.flatten().unwrap_or_else(|| Submission::Refused {
                    code: Some(refusal.code()),
                    reason: refusal.message(),
                })
            }
        }
    }

    /// What exists under the order's name: the very same order counts as accepted, so that
    /// submitting twice makes one order, and another one is refused. `None` if nothing exists.
    fn known(&self, order: &ApprovedOrder, sent: &Sent) -> Option<Submission> {
        let request = order.get();
        let id = request.client_order_id.as_str();
        let record = self.venue.inspect(|exchange| exchange.order_by_client_id(id).cloned())?;
        if !convert::is_same(&record, request, sent) {
            let code = Some(Refusal::Duplicate.code());
            let reason = format!("another order exists under {id}: stop and compare the books");
            return Some(Submission::Refused { code, reason });
        }
        broker_order(&record).ok().map(Submission::Accepted)
    }
}

fn read_id(id: &VenueOrderId) -> Result<Uuid, Error> {
    Uuid::parse_str(id.as_str()).map_err(|error| unreadable("order id", &error))
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
        self.send(order, Sent::Submitted(Terms::Simple))
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        // The first one may have arrived and hold what this one would be refused for.
        let (sent, order) = (unknown.sent().clone(), unknown.into_order());
        self.known(&order, &sent).unwrap_or_else(|| self.send(order, sent))
    }

    async fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        self.send(order, Sent::Submitted(terms))
    }

    async fn replace(&self, old: &VenueOrderId, order: ApprovedOrder) -> Submission {
        self.send(order, Sent::Replacing(old.clone()))
    }

    async fn suspend(&self, suspended: bool) -> Result<(), Error> {
        self.venue.suspend(suspended).map_err(|refusal| refused("suspension", &refusal))
    }

    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        Ok(Box::new(Updates::new(self.venue.clone(), after)))
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        match self.venue.cancel(read_id(id)?) {
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
