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

use crate::UnknownOutcome;
use crate::market_data::{Adjustment, BarsRequest, MarketBar, MarketData, Snapshot, Trade};
use crate::{Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Submission};

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
        pub fn cancel(&self, id: &VenueOrderId) -> Result<(), Error>;
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

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        Self::cancel(self, id)
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
