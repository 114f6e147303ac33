//! A broker whose caller dies in the middle of a submit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, Error, MarketClock, Submission, UnknownOutcome,
};
use atlas_core::{Account, ClientOrderId, Position, Quote, Symbol, VenueOrderId};
use atlas_risk::ApprovedOrder;
use tokio::sync::Notify;

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// Before so many submits reach the broker.
    Before(u32),
    /// After so many have, and before the answer of the last is taken in.
    After(u32),
}

/// The broker, and where the process dies next.
pub(crate) struct Mortal<'a> {
    pub(crate) inner: &'a dyn Broker,
    pub(crate) death: Mutex<Option<Death>>,
    submits: Mutex<u32>,
    pub(crate) died: Notify,
    /// Whether the broker answers.
    answers: Arc<AtomicBool>,
}

impl<'a> Mortal<'a> {
    pub(crate) fn new(inner: &'a dyn Broker, answers: Arc<AtomicBool>) -> Self {
        let (death, submits) = (Mutex::new(None), Mutex::new(0));
        Self { inner, death, submits, died: Notify::new(), answers }
    }

    pub(crate) fn submits(&self) -> u32 {
        *self.submits.lock().unwrap()
    }

    fn ask(&self) -> Result<(), Error> {
        if self.answers.load(Ordering::Relaxed) {
            return Ok(());
        }
        let (venue, request) = ("the broker".to_owned(), "anything".to_owned());
        Err(Error::NoAnswer { venue, request, reason: "the line is dead".to_owned() })
    }

    async fn die(&self) {
        *self.death.lock().unwrap() = None;
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Broker for Mortal<'_> {
    async fn account(&self) -> Result<Account, Error> {
        self.ask()?;
        self.inner.account().await
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        self.ask()?;
        self.inner.positions().await
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        self.ask()?;
        self.inner.open_orders().await
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        self.ask()?;
        self.inner.order(id).await
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        let number = self.submits() + 1;
        let death = *self.death.lock().unwrap();
        if death == Some(Death::Before(number)) {
            self.die().await;
        }
        *self.submits.lock().unwrap() = number;
        let answer = self.inner.submit(order).await;
        if death == Some(Death::After(number)) {
            self.die().await;
        }
        answer
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        self.inner.resend(unknown).await
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        self.ask()?;
        self.inner.cancel(id).await
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        self.ask()?;
        self.inner.activities(after).await
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        self.ask()?;
        self.inner.clock().await
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.ask()?;
        self.inner.quotes(symbols).await
    }
}
