//! The `Broker` contract over Alpaca's trading API.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_core::{Account, ClientOrderId, Position, Quote, Symbol, VenueOrderId};
use atlas_risk::ApprovedOrder;
use reqwest::Method;

use super::http::{Call, path};
use super::pace::Lane;
use super::place::{Attempt, Placement, by_client_id};
use super::reply::{NOT_FOUND, Refusal};
use super::trade_updates::TradeUpdates;
use super::wire::{WireAccount, WireCanceled, WireConfiguration, WireOrder, WirePosition};
use super::{ActivityFilter, Mode, OrderFilter, Session};
use crate::market_data::MarketData;
use crate::{
    Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Sent, Submission, Terms, Trail,
    UnknownOutcome, UpdateStream,
};

/// Alpaca's code for an order that cannot be canceled any more.
const FINAL: i64 = 42_210_000;

#[async_trait]
impl<M: Mode> Broker for Session<M> {
    async fn account(&self) -> Result<Account, Error> {
        let call = Call::get("/v2/account");
        let wire: WireAccount = self.trading.ask(&call).await?;
        wire.account().map_err(|fault| self.trading.fault(&call, fault))
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        let call = Call::get("/v2/positions");
        let wire: Vec<WirePosition> = self.trading.ask(&call).await?;
        let mut positions = BTreeMap::new();
        for position in wire {
            let position = position.position().map_err(|fault| self.trading.fault(&call, fault))?;
            // A position on its way out can be told with nothing left in it.
            if position.qty.is_zero() {
                continue;
            }
            let symbol = position.symbol.clone();
            if positions.insert(symbol.clone(), position).is_some() {
                return Err(self.trading.bad_answer(&call, format!("{symbol} is told twice")));
            }
        }
        Ok(positions)
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        self.orders(&OrderFilter::default()).await
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        let Some(wire) = self.find(id, Lane::Read).await? else { return Ok(None) };
        let order = wire.order().map_err(|fault| self.trading.fault(&by_client_id(), fault))?;
        self.remember(&order);
        Ok(Some(order))
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        self.submit_with(order, Terms::Simple).await
    }

    async fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        if let Some(reason) = terms.excess(&order) {
            return Submission::Refused { code: None, reason: reason.to_owned() };
        }
        let sent = Sent::Submitted(terms);
        let placement = self.place(order.get(), &sent, Attempt::First).await;
        placement.submission(order, sent)
    }

    async fn replace(&self, old: &VenueOrderId, order: ApprovedOrder) -> Submission {
        let sent = Sent::Replacing(old.clone());
        let placement = self.place(order.get(), &sent, Attempt::First).await;
        placement.submission(order, sent)
    }

    async fn replace_trail(
        &self,
        old: &VenueOrderId,
        order: ApprovedOrder,
        trail: Trail,
    ) -> Submission {
        let sent = Sent::ReplacingTrail(old.clone(), trail);
        let placement = self.place(order.get(), &sent, Attempt::First).await;
        placement.submission(order, sent)
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        match self.place(unknown.request(), unknown.sent(), Attempt::Again).await {
            Placement::Accepted(order) => Submission::Accepted(order),
            Placement::Refused(Refusal { code, reason }) => Submission::Refused { code, reason },
            Placement::NotReached(error) | Placement::Unknown(error) => {
                Submission::Unknown(unknown.still_unknown(error))
            }
        }
    }

    async fn cancel_all(&self) -> Result<Vec<VenueOrderId>, Error> {
        let call = Call { lane: Lane::Cancel, method: Method::DELETE, ..Call::get("/v2/orders") };
        let wire: Vec<WireCanceled> = self.trading.ask(&call).await?;
        let mut asked = Vec::new();
        for order in wire {
            let id = order.id().map_err(|fault| self.trading.fault(&call, fault))?;
            // One that was not taken is asked for again by itself, which gives its own reason.
            if !order.taken() {
                self.cancel(&id).await?;
            }
            asked.push(id);
        }
        Ok(asked)
    }

    async fn suspend(&self, suspended: bool) -> Result<(), Error> {
        let call = Call {
            lane: Lane::Cancel,
            method: Method::PATCH,
            body: Some(format!(r#"{{"suspend_trade":{suspended}}}"#).into_bytes()),
            ..Call::get("/v2/account/configurations")
        };
        let wire: WireConfiguration = self.trading.ask(&call).await?;
        if wire.suspend_trade == Some(suspended) {
            return Ok(());
        }
        Err(self.trading.bad_answer(&call, "suspend_trade is not what was asked for".to_owned()))
    }

    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        Ok(Box::new(TradeUpdates::new(self, after)))
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        let call = Call {
            lane: Lane::Cancel,
            method: Method::DELETE,
            ..Call::get(path(&["v2", "orders", id.as_str()]))
        };
        let answer = self.trading.send(&call).await?;
        match answer.status.as_u16() {
            200..300 => Ok(()),
            // What was to be ended has ended.
            422 if Refusal::read(&answer).code == Some(FINAL) => Ok(()),
            // Something else is wrong with the request, or it has ended and is told otherwise.
            422 if self.has_ended(id).await => Ok(()),
            _ => Err(self.trading.error(&call, &answer)),
        }
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        self.activities_by(&ActivityFilter {
            bookmark: after.cloned(),
            ..ActivityFilter::default()
        })
        .await
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        MarketData::clock(self).await
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.latest_quotes(symbols).await
    }
}

impl<M: Mode> Session<M> {
    /// Whether an order is known to have ended.
    async fn has_ended(&self, id: &VenueOrderId) -> bool {
        let call = Call { lane: Lane::Order, ..Call::get(path(&["v2", "orders", id.as_str()])) };
        let wire = self.trading.ask::<WireOrder>(&call).await;
        wire.is_ok_and(|wire| wire.order().is_ok_and(|order| !order.status.is_open()))
    }

    /// An order by our name for it; `None` if the broker has never seen it.
    pub(crate) async fn find(
        &self,
        id: &ClientOrderId,
        lane: Lane,
    ) -> Result<Option<WireOrder>, Error> {
        let call = Call { lane, ..by_client_id().with("client_order_id", id.as_str()) };
        let answer = self.trading.send(&call).await?;
        if answer.status == reqwest::StatusCode::NOT_FOUND {
            return self.absent(&call, &answer).map(|()| None);
        }
        if !answer.status.is_success() {
            return Err(self.trading.error(&call, &answer));
        }
        let wire: WireOrder = self.trading.read(&call, &answer.body)?;
        let told = wire.client_order_id().map_err(|fault| self.trading.fault(&call, fault))?;
        if told != *id {
            return Err(self.trading.bad_answer(&call, format!("it is order {told}, not {id}")));
        }
        Ok(Some(wire))
    }

    /// A 404 says that the order does not exist only if the API itself says so: a gateway's page
    /// must not lead to a resend.
    pub(crate) fn absent(&self, call: &Call, answer: &super::http::Answer) -> Result<(), Error> {
        let refusal = Refusal::read(answer);
        if refusal.code == Some(NOT_FOUND) {
            return Ok(());
        }
        Err(self
            .trading
            .no_answer(call, format!("404 without code {NOT_FOUND}: {}", refusal.reason)))
    }
}
