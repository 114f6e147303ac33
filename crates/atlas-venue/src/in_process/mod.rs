//! The venue as a [`Broker`] and as [`MarketData`](atlas_broker::MarketData), without a socket in
//! between.

mod convert;
mod market_data;
mod ticks;
mod updates;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Sent, Submission, Terms,
    UnknownOutcome, UpdateStream,
};
use atlas_core::{
    Account, ClientOrderId, OrderRequest, Position, Quote, Symbol, Usd, VenueOrderId,
};
use atlas_risk::ApprovedOrder;
use uuid::Uuid;

use self::convert::{NAME, activity, broker_order, position, price, refused, unreadable};
use self::updates::Updates;
use crate::Venue;
use crate::core::{OrderRecord, Refusal};

/// A venue asked directly, for money and orders and for market data: for backtests and tests. Every answer is the one the server would give
/// to the Alpaca client.
#[derive(Debug, Clone)]
pub struct InProcess {
    venue: Venue,
    /// Whether replacements are accepted and not carried out.
    is_late: Arc<AtomicBool>,
}

/// What became of an order, before the approval is put back.
enum Attempt {
    Accepted(BrokerOrder),
    Refused { code: Option<i64>, reason: String },
    NotReached(Error),
    Unknown(Error),
}

impl InProcess {
    /// Asks `venue`.
    #[must_use]
    pub fn new(venue: Venue) -> Self {
        Self { venue, is_late: Arc::default() }
    }

    /// From now on replacements are accepted, and left to [`Venue::end_replace`]; or no longer so. A
    /// fault for tests of others.
    pub fn delay_replacements(&self, is_late: bool) {
        self.is_late.store(is_late, Ordering::Relaxed);
    }

    /// The venue that is asked.
    #[must_use]
    pub const fn venue(&self) -> &Venue {
        &self.venue
    }

    /// Cash, and equity at the known prices, in USD: what a curve is drawn from, without the rest of
    /// an account.
    ///
    /// # Errors
    /// [`crate::Error`] if the books cannot be valued.
    pub fn money(&self) -> Result<(Usd, Usd), crate::Error> {
        self.venue.inspect(|exchange| {
            Ok((exchange.state().ledger.cash.to_usd()?, exchange.equity()?.to_usd()?))
        })
    }

    fn send(&self, order: ApprovedOrder, sent: Sent) -> Submission {
        match self.attempt(order.get(), &sent) {
            Attempt::Accepted(taken) => Submission::Accepted(taken),
            Attempt::Refused { code, reason } => Submission::Refused { code, reason },
            Attempt::NotReached(error) => Submission::NotReached { order, error },
            Attempt::Unknown(error) => {
                Submission::Unknown(UnknownOutcome::sent_as(order, error, sent))
            }
        }
    }

    /// Sends an order, or the same one again.
    fn attempt(&self, request: &OrderRequest, sent: &Sent) -> Attempt {
        let answer = match sent {
            Sent::Submitted(terms) => {
                if let Some(reason) = terms.conflict(request) {
                    return Attempt::Refused { code: None, reason: reason.to_owned() };
                }
                match convert::new_order(request, *terms) {
                    Ok(order) => self.venue.submit(order).map(|taken| taken.order),
                    Err(error) => return Attempt::NotReached(error),
                }
            }
            // Nothing here sends one: the contract's default keeps it back.
            Sent::ReplacingTrail(..) => {
                let reason = "this venue replaces no trailing stop in process".to_owned();
                return Attempt::Refused { code: None, reason };
            }
            Sent::Replacing(old) => {
                let wish = match convert::replacement(request) {
                    Ok(wish) => wish,
                    Err(error) => return Attempt::NotReached(error),
                };
                match Uuid::parse_str(old.as_str()) {
                    Ok(old) if self.is_late.load(Ordering::Relaxed) => {
                        self.venue.begin_replace(old, &wish)
                    }
                    Ok(old) => self.venue.replace(old, &wish),
                    // A name that is none of the venue's names no order of its.
                    Err(_) => Err(Refusal::NotFound(format!("order not found for {old}"))),
                }
            }
        };
        match answer {
            Ok(record) => match broker_order(&record) {
                Ok(taken) => Attempt::Accepted(taken),
                Err(error) => Attempt::Unknown(error),
            },
            Err(Refusal::Internal(reason)) => {
                let request = "an order".to_owned();
                Attempt::Unknown(Error::NoAnswer { venue: NAME.to_owned(), request, reason })
            }
            Err(refusal) => {
                let known =
                    matches!(refusal, Refusal::Duplicate).then(|| self.known(request, sent));
                known.flatten().unwrap_or_else(|| Attempt::Refused {
                    code: Some(refusal.code()),
                    reason: refusal.message(),
                })
            }
        }
    }

    /// What exists under the order's name: the very same order counts as accepted, so that
    /// submitting twice makes one order, and another one is refused. `None` if nothing exists.
    fn known(&self, request: &OrderRequest, sent: &Sent) -> Option<Attempt> {
        let id = request.client_order_id.as_str();
        let record = self.venue.inspect(|exchange| exchange.order_by_client_id(id).cloned())?;
        if !convert::is_same(&record, request, sent) {
            let code = Some(Refusal::Duplicate.code());
            let reason = format!("another order exists under {id}: stop and compare the books");
            return Some(Attempt::Refused { code, reason });
        }
        broker_order(&record).ok().map(Attempt::Accepted)
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
        let (request, sent) = (unknown.request(), unknown.sent());
        match self.known(request, sent).unwrap_or_else(|| self.attempt(request, sent)) {
            Attempt::Accepted(taken) => Submission::Accepted(taken),
            Attempt::Refused { code, reason } => Submission::Refused { code, reason },
            Attempt::NotReached(error) | Attempt::Unknown(error) => {
                Submission::Unknown(unknown.still_unknown(error))
            }
        }
    }

    async fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        if let Some(reason) = terms.excess(&order) {
            return Submission::Refused { code: None, reason: reason.to_owned() };
        }
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
