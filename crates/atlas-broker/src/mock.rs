//! Stand-ins for both contracts, for the tests of crates that use them.
//!
//! Expectations are plain results, not futures:
//!
//! ```
//! use atlas_broker::{Broker, MockBroker};
//!
//! let mut broker = MockBroker::new();
//! broker.expect_activities().returning(|_after| Ok(Vec::new()));
//! let broker: Box<dyn Broker> = Box::new(broker);
//! ```
#![expect(missing_docs, reason = "mockall writes the items, one pair per method of the contract")]

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_core::calendar::Session;
use atlas_core::{Account, Adjusted, ClientOrderId, Position, Quote, Raw, Symbol, VenueOrderId};
use atlas_risk::ApprovedOrder;
use chrono::NaiveDate;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::UnknownOutcome;
use crate::market_data::{
    Adjustment, BarsRequest, MarketBar, MarketData, Snapshot, TicksRequest, Trade,
};
use crate::{
    Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Submission, Terms, Trail,
    Update, UpdateStream,
};

mockall::mock! {
    /// A broker that answers what its expectations say.
    #[derive(Debug)]
    pub Broker {
        pub fn account(&self) -> Result<Account, Error>;
        pub fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error>;
        pub fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error>;
        pub fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error>;
        pub fn submit(&self, order: ApprovedOrder) -> Submission;
        pub fn resend(&self, unknown: UnknownOutcome) -> Submission;
        pub fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission;
        pub fn replace(&self, old: &VenueOrderId, order: ApprovedOrder) -> Submission;
        pub fn replace_trail(
            &self,
            old: &VenueOrderId,
            order: ApprovedOrder,
            trail: Trail,
        ) -> Submission;
        pub fn cancel(&self, id: &VenueOrderId) -> Result<(), Error>;
        pub fn cancel_all(&self) -> Result<Vec<VenueOrderId>, Error>;
        pub fn suspend(&self, suspended: bool) -> Result<(), Error>;
        pub fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream>, Error>;
        pub fn activities(&self, after: Option<ActivityId>) -> Result<Vec<Activity>, Error>;
        pub fn clock(&self) -> Result<MarketClock, Error>;
        pub fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error>;
    }
}

#[async_trait]
impl Broker for MockBroker {
    async fn account(&self) -> Result<Account, Error> {
        Self::account(self)
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        Self::positions(self)
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        Self::open_orders(self)
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        Self::order(self, id)
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        Self::submit(self, order)
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        Self::resend(self, unknown)
    }

    async fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        Self::submit_with(self, order, terms)
    }

    async fn replace(&self, old: &VenueOrderId, order: ApprovedOrder) -> Submission {
        Self::replace(self, old, order)
    }

    async fn replace_trail(
        &self,
        old: &VenueOrderId,
        order: ApprovedOrder,
        trail: Trail,
    ) -> Submission {
        Self::replace_trail(self, old, order, trail)
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        Self::cancel(self, id)
    }

    async fn cancel_all(&self) -> Result<Vec<VenueOrderId>, Error> {
        Self::cancel_all(self)
    }

    async fn suspend(&self, suspended: bool) -> Result<(), Error> {
        Self::suspend(self, suspended)
    }

    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        let stream: Box<dyn UpdateStream> = Self::updates(self, after)?;
        Ok(stream)
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        Self::activities(self, after.cloned())
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        Self::clock(self)
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        Self::quotes(self, symbols)
    }
}

/// Where a test writes what a [`FakeUpdates`] tells; once it is dropped the stream stays silent.
///
/// The queue behind it is the one in this crate without a bound: what is in it a test wrote, and a
/// bound would make a test wait for a reader that it runs itself.
pub type UpdateFeed = UnboundedSender<Result<Update, Error>>;

/// A stream of order updates that tells what a test feeds it, and waits for more.
#[derive(Debug)]
pub struct FakeUpdates(UnboundedReceiver<Result<Update, Error>>);

impl FakeUpdates {
    /// A stream and what feeds it.
    #[must_use]
    pub fn new() -> (UpdateFeed, Self) {
        let (feed, told) = unbounded_channel();
        (feed, Self(told))
    }
}

#[async_trait]
impl UpdateStream for FakeUpdates {
    async fn next(&mut self) -> Result<Update, Error> {
        match self.0.recv().await {
            Some(update) => update,
            None => std::future::pending().await,
        }
    }
}

mockall::mock! {
    /// A source of market data that answers what its expectations say.
    #[derive(Debug)]
    pub MarketData {
        pub fn bars(
            &self,
            request: &BarsRequest,
        ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Raw>>>, Error>;
        pub fn adjusted_bars(
            &self,
            request: &BarsRequest,
            adjustment: Adjustment,
        ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error>;
        pub fn past_trades(
            &self,
            request: &TicksRequest,
        ) -> Result<BTreeMap<Symbol, Vec<Trade>>, Error>;
        pub fn past_quotes(
            &self,
            request: &TicksRequest,
        ) -> Result<BTreeMap<Symbol, Vec<Quote>>, Error>;
        pub fn clock(&self) -> Result<MarketClock, Error>;
        pub fn latest_quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error>;
        pub fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error>;
        pub fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error>;
        pub fn calendar(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Session>, Error>;
    }
}

#[async_trait]
impl MarketData for MockMarketData {
    async fn bars(
        &self,
        request: &BarsRequest,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Raw>>>, Error> {
        Self::bars(self, request)
    }

    async fn adjusted_bars(
        &self,
        request: &BarsRequest,
        adjustment: Adjustment,
    ) -> Result<BTreeMap<Symbol, Vec<MarketBar<Adjusted>>>, Error> {
        Self::adjusted_bars(self, request, adjustment)
    }

    async fn past_trades(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Trade>>, Error> {
        Self::past_trades(self, request)
    }

    async fn past_quotes(
        &self,
        request: &TicksRequest,
    ) -> Result<BTreeMap<Symbol, Vec<Quote>>, Error> {
        Self::past_quotes(self, request)
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        Self::clock(self)
    }

    async fn latest_quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        Self::latest_quotes(self, symbols)
    }

    async fn latest_trades(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Trade>, Error> {
        Self::latest_trades(self, symbols)
    }

    async fn snapshots(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Snapshot>, Error> {
        Self::snapshots(self, symbols)
    }

    async fn calendar(&self, from: NaiveDate, to: NaiveDate) -> Result<Vec<Session>, Error> {
        Self::calendar(self, from, to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_optional_part_of_the_contract_can_be_expected() {
        let mut broker = MockBroker::new();
        let id: VenueOrderId = "order".parse().expect("an id");
        let asked = vec![id.clone()];
        broker.expect_cancel_all().times(1).return_once(move || Ok(asked));
        broker.expect_suspend().withf(|suspended| *suspended).times(1).returning(|_| Ok(()));
        let (feed, stream) = FakeUpdates::new();
        broker.expect_updates().times(1).return_once(|_| Ok(Box::new(stream)));
        let broker: Box<dyn Broker> = Box::new(broker);
        assert_eq!(broker.cancel_all().await.expect("asked"), [id]);
        broker.suspend(true).await.expect("suspended");
        let mut updates = broker.updates(None).expect("a stream");
        feed.send(Ok(Update::CaughtUp)).expect("a stream");
        assert!(matches!(updates.next().await, Ok(Update::CaughtUp)));
        drop(feed);
        let wait = std::time::Duration::from_millis(1);
        assert!(tokio::time::timeout(wait, updates.next()).await.is_err(), "it waits for more");
    }
}
