//! Somebody who only listens to the order updates.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use atlas_broker::alpaca::{Paper, Session};
use atlas_broker::{Broker, Update};
use atlas_core::Fill;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// How long the last executions may take to arrive.
const PATIENCE: Duration = Duration::from_mins(5);

#[derive(Default)]
struct Heard {
    fills: Mutex<BTreeMap<String, Fill>>,
    connections: AtomicUsize,
    more: Notify,
}

pub(crate) struct Listener {
    heard: Arc<Heard>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Listens from now on; gives back once it is connected.
    pub(crate) async fn start(session: Session<Paper>) -> Self {
        let heard = Arc::<Heard>::default();
        let task = tokio::spawn(listen(session, Arc::clone(&heard)));
        while heard.connections.load(Ordering::Relaxed) == 0 {
            heard.more.notified().await;
        }
        Self { heard, task }
    }

    /// Waits until it has heard of so many executions, which must be these.
    pub(crate) async fn hears_all(&self, fills: &[Fill]) {
        let count = || self.heard.fills.lock().unwrap_or_else(PoisonError::into_inner).len();
        let all = async {
            while count() < fills.len() {
                self.heard.more.notified().await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, all).await;
        assert!(waited.is_ok(), "{} of {} executions were heard of", count(), fills.len());
        self.task.abort();
        let heard = self.heard.fills.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!(heard.len(), fills.len(), "nothing was heard that did not happen");
        for fill in fills {
            let name = fill.execution_id.to_string();
            let told = heard.get(&name).unwrap_or_else(|| panic!("{name} was not heard of"));
            let same = (&told.symbol, told.side, told.qty, told.price, &told.client_order_id)
                == (&fill.symbol, fill.side, fill.qty, fill.price, &fill.client_order_id);
            assert!(same, "{told:?} was heard, {fill:?} is in the ledger");
        }
    }

    /// How often it connected.
    pub(crate) fn connections(&self) -> usize {
        self.heard.connections.load(Ordering::Relaxed)
    }
}

async fn listen(session: Session<Paper>, heard: Arc<Heard>) {
    let mut updates = session.updates(None).expect("a stream");
    loop {
        match updates.next().await {
            Ok(Update::Fill(fill)) => {
                let mut fills = heard.fills.lock().unwrap_or_else(PoisonError::into_inner);
                let twice = fills.insert(fill.execution_id.to_string(), fill);
                assert!(twice.is_none(), "{twice:?} was told twice");
                drop(fills);
                heard.more.notify_one();
            }
            Ok(Update::CaughtUp) => {
                heard.connections.fetch_add(1, Ordering::Relaxed);
                heard.more.notify_one();
            }
            // Asking again reconnects and makes up for it.
            Ok(_) | Err(_) => {}
        }
    }
}
