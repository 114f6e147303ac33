//! The `Broker` contract over Alpaca's trading API.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_core::{Account, ClientOrderId, Position, Quote, Symbol, VenueOrderId};
use atlas_risk::ApprovedOrder;
use reqwest::Method;

use super::http::{Call, path};
use super::pace::Lane;
use super::place::{Attempt, by_client_id};
use super::wire::{WireAccount, WireClock, WireOrder, WirePosition};
use super::{Mode, Session};
use crate::market_data::MarketData;
use crate::{Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Submission};

/// The most orders one page can hold.
const PAGE: usize = 500;

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
        let mut orders: BTreeMap<VenueOrderId, BrokerOrder> = BTreeMap::new();
        let mut last: Option<String> = None;
        loop {
            let mut call = Call::get("/v2/orders")
                .with("status", "open")
                .with("limit", PAGE.to_string())
                .with("direction", "asc")
                .with("nested", "false");
            if let Some(id) = last.take() {
                call = call.with("after_order_id", id);
            }
            let page: Vec<WireOrder> = self.trading.ask(&call).await?;
            let full = page.len() >= PAGE;
            let before = orders.len();
            last = page.last().map(|order| order.id.clone());
            for wire in page {
                let order = wire.order().map_err(|fault| self.trading.fault(&call, fault))?;
                self.remember(&order);
                orders.insert(order.venue_order_id.clone(), order);
            }
            if !full {
                break;
            }
            if orders.len() == before {
                let problem = "a full page without a new order: the list does not end".to_owned();
                return Err(self.trading.bad_answer(&call, problem));
            }
        }
        let mut orders: Vec<BrokerOrder> = orders.into_values().collect();
        orders.sort_by_key(|order| order.submitted_at);
        Ok(orders)
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        let Some(wire) = self.find(id, Lane::Read).await? else { return Ok(None) };
        let order = wire.order().map_err(|fault| self.trading.fault(&by_client_id(), fault))?;
        self.remember(&order);
        Ok(Some(order))
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        let placement = self.place(order.get(), Attempt::First).await;
        placement.submission(order)
    }

    async fn resend(&self, unknown: crate::UnknownOutcome) -> Submission {
        let order = unknown.into_order();
        let placement = self.place(order.get(), Attempt::Again).await;
        placement.submission(order)
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        let call = Call {
            lane: Lane::Cancel,
            method: Method::DELETE,
            ..Call::get(path(&["v2", "orders", id.as_str()]))
        };
        let answer = self.trading.send(&call).await?;
        match answer.status.as_u16() {
            // 422 is "already final": what was to be ended has ended.
            200..300 | 422 => Ok(()),
            _ => Err(self.trading.error(&call, &answer)),
        }
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        self.ledger(after).await
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        self.trading.ask::<WireClock>(&Call::get("/v2/clock")).await.map(MarketClock::from)
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.latest_quotes(symbols).await
    }
}

impl<M: Mode> Session<M> {
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
    fn absent(&self, call: &Call, answer: &super::http::Answer) -> Result<(), Error> {
        let refusal = super::reply::Refusal::read(answer);
        if refusal.code == Some(NOT_FOUND) {
            return Ok(());
        }
        Err(self
            .trading
            .no_answer(call, format!("404 without code {NOT_FOUND}: {}", refusal.reason)))
    }
}

/// Alpaca's code for what does not exist.
const NOT_FOUND: i64 = 40_410_000;
