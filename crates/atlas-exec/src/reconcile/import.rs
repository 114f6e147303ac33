//! Taking in what the broker tells: its ledger, and the state of our orders.

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::{Activity, Broker, BrokerOrder, Entry};
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Order, OrderEvent, OrderStatus};

use super::{Report, differs};
use crate::error::Error;
use crate::event::{Event, Filled, OrderRestated, OrderUpdate};
use crate::journal::Draft;
use crate::session::Session;
use crate::states::Cause;

impl Session {
    /// Asks for our open orders, then for the ledger, and journals the news of both; says how
    /// many ledger entries there were.
    ///
    /// The order matters: an order is taken for ended only once all its fills are known, and the
    /// ledger asked for afterwards has at least those.
    pub(crate) async fn import_news(&mut self, broker: &dyn Broker) -> Result<usize, Error> {
        let report = self.ask_for_orders(broker).await?;
        let after = self.state().bookmark().cloned();
        let ledger =
            broker.activities(after.as_ref()).await.map_err(Error::broker("ask for activities"))?;
        // A broker may tell an entry twice; ours are told apart by their names.
        let mut told = BTreeSet::new();
        let news = ledger.into_iter().filter(|activity| {
            !self.state().has_imported(&activity.id) && told.insert(activity.id.clone())
        });
        let drafts: Vec<Draft> = news.map(|activity| self.draft_of(activity)).collect();
        let count = drafts.len();
        self.record_all(drafts)?;
        for order in &report {
            self.absorb(order)?;
        }
        self.judge_anomalies()?;
        Ok(count)
    }

    /// More filled than asked for, or an execution of an order of ours that was never intended,
    /// HALTS; other oddities PAUSE.
    pub(crate) fn judge_anomalies(&mut self) -> Result<(), Error> {
        let Some((seq, anomaly)) = self.state().anomalies().iter().next() else { return Ok(()) };
        let detail = format!("journal record {seq}: {}", anomaly.problem);
        let ours = anomaly.client_order_id.as_ref().is_some_and(ClientOrderId::is_ours);
        self.enter(if ours { Cause::ConservationBreach } else { Cause::Mismatch }, detail)
    }

    /// Every order of ours that the journal takes for open, as the broker has it.
    async fn ask_for_orders(&mut self, broker: &dyn Broker) -> Result<Vec<BrokerOrder>, Error> {
        let mut ids: Vec<ClientOrderId> = self.open_ids();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut orders =
            broker.open_orders().await.map_err(Error::broker("ask for the open orders"))?;
        orders.retain(|order| ids.contains(&order.client_order_id));
        ids.retain(|id| !orders.iter().any(|order| order.client_order_id == *id));
        for id in ids {
            self.beat();
            let order = broker.order(&id).await.map_err(Error::broker("ask for an order"))?;
            orders.extend(order);
        }
        Ok(orders)
    }

    fn open_ids(&self) -> Vec<ClientOrderId> {
        self.state().open_orders().map(|t| t.order.request().client_order_id.clone()).collect()
    }

    /// Everything a comparison needs.
    pub(super) async fn ask_for_report(&mut self, broker: &dyn Broker) -> Result<Report, Error> {
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        let positions = broker.positions().await.map_err(Error::broker("ask for the positions"))?;
        let open_orders =
            broker.open_orders().await.map_err(Error::broker("ask for the open orders"))?;
        let mut others = BTreeMap::new();
        for id in self.open_ids() {
            self.beat();
            if !open_orders.iter().any(|order| order.client_order_id == id) {
                let order = broker.order(&id).await.map_err(Error::broker("ask for an order"))?;
                others.insert(id, order);
            }
        }
        Ok(Report { account, positions, open_orders, others })
    }

    fn draft_of(&self, activity: Activity) -> Draft {
        if let Entry::Fill(fill) = activity.entry {
            let decision_id =
                self.state().orders().get(&fill.client_order_id).and_then(|t| t.decision_id);
            let ts_event = fill.ts_event;
            let event = Event::Filled(Filled { activity: Some(activity.id), fill });
            return Draft { ts_event, decision_id, event };
        }
        Draft { ts_event: self.now(), decision_id: None, event: Event::ActivityImported(activity) }
    }

    /// Takes in the state of one of our orders as the broker reports it. Fills are the ledger's
    /// business; an end is believed once all the fills it speaks of are known.
    ///
    /// An order that is not what was intended, or an end that cannot be, makes the account PAUSED.
    pub(crate) fn absorb(&mut self, broker: &BrokerOrder) -> Result<(), Error> {
        let id = broker.client_order_id.clone();
        self.heed_restatement(broker)?;
        let Some(tracked) = self.state().orders().get(&id) else { return Ok(()) };
        if let Some(difference) = differs(tracked.order.request(), broker) {
            return self.enter(Cause::Mismatch, difference.to_string());
        }
        let decision_id = tracked.decision_id;
        let news = news_of(&tracked.order, broker);
        if let Some(impossible) = impossible(&tracked.order, &news) {
            return self.enter(Cause::UnknownOrder, impossible);
        }
        let ts_event = self.now();
        let drafts = news.into_iter().map(|update| Draft {
            ts_event,
            decision_id,
            event: Event::OrderUpdate(OrderUpdate { client_order_id: id.clone(), update }),
        });
        self.record_all(drafts.collect())
    }

    /// Journals that the broker has rounded an order of ours otherwise when it fitted it to a split
    /// of which the ledger has told.
    fn heed_restatement(&mut self, broker: &BrokerOrder) -> Result<(), Error> {
        let Some(tracked) = self.state().orders().get(&broker.client_order_id) else {
            return Ok(());
        };
        if differs(tracked.order.request(), broker).is_none() {
            return Ok(());
        }
        let Some(request) = tracked.restated(broker.qty) else { return Ok(()) };
        if differs(&request, broker).is_some() {
            return Ok(());
        }
        let why = "the broker rounded it otherwise after a split".to_owned();
        self.record(tracked.decision_id, Event::OrderRestated(OrderRestated { request, why }))
    }

    /// The present by the session's clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock().now()
    }
}

/// Says which news cannot be true of an order, if one cannot.
fn impossible(ours: &Order, news: &[OrderEvent]) -> Option<String> {
    let mut probe = ours.clone();
    news.iter().find_map(|event| probe.apply(event).err()).map(|error| error.to_string())
}

/// What a broker's report adds to what we know of an order.
fn news_of(ours: &Order, broker: &BrokerOrder) -> Vec<OrderEvent> {
    let mut news = Vec::new();
    if ours.status() == OrderStatus::Submitted {
        let venue_order_id = broker.venue_order_id.clone();
        news.push(OrderEvent::Accepted { venue_order_id });
    }
    if ours.status().is_terminal() || ours.filled_qty() != broker.filled_qty {
        return news;
    }
    let end = match broker.status {
        OrderStatus::Canceled => Some(OrderEvent::Canceled),
        OrderStatus::Expired => Some(OrderEvent::Expired),
        OrderStatus::Replaced => Some(OrderEvent::Replaced),
        OrderStatus::Rejected => {
            Some(OrderEvent::Rejected { reason: "the broker rejected it".to_owned() })
        }
        OrderStatus::Initialized
        | OrderStatus::Denied
        | OrderStatus::Submitted
        | OrderStatus::Accepted
        | OrderStatus::PartiallyFilled
        | OrderStatus::PendingCancel
        | OrderStatus::PendingReplace
        | OrderStatus::Filled
        | OrderStatus::NotPlaced => None,
    };
    news.extend(end);
    news
}
