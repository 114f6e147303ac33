//! Listening to the broker's stream of order updates between two looks.
//!
//! The stream makes news come sooner and is never relied on: looking goes on beside it, and an
//! execution counts once, by its id, whichever of the two tells it first.

use std::time::Duration;

use atlas_broker::{ActivityId, Broker, Update, UpdateStream};

use super::News;
use crate::error::Error;
use crate::event::{Event, Filled};
use crate::journal::Draft;
use crate::session::Session;
use crate::timer::Timer;

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing that the journal did not know.
    Nothing,
    /// Something new about an order.
    News,
}

/// The broker's stream, if there is one and it is wanted.
pub(crate) struct Ear<'a>(Option<Box<dyn UpdateStream + 'a>>);

impl<'a> Ear<'a> {
    /// Opens the stream from a bookmark of the ledger on. A broker without one is only looked at.
    pub(crate) fn open(broker: &'a dyn Broker, news: News, after: Option<ActivityId>) -> Self {
        if news == News::Polled {
            return Self(None);
        }
        match broker.updates(after) {
            Ok(stream) => Self(Some(stream)),
            Err(error) => {
                tracing::info!(%error, "order updates are polled alone");
                Self(None)
            }
        }
    }

    /// The next update; `None` where there is no stream, or once it failed for good. Dropping the
    /// future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Update> {
        match self.0.as_mut()?.next().await {
            Ok(update) => Some(update),
            Err(failed) => {
                tracing::warn!(error = %failed, "the stream of order updates failed; orders are polled alone");
                self.0 = None;
                None
            }
        }
    }

    /// The next update, or `None` once the delay is over. A stream that fails for good is dropped:
    /// looking goes on.
    pub(crate) async fn listen(&mut self, timer: &dyn Timer, delay: Duration) -> Option<Update> {
        let Some(stream) = &mut self.0 else {
            timer.sleep(delay).await;
            return None;
        };
        let failed = tokio::select! {
            biased;
            update = stream.next() => match update {
                Ok(update) => return Some(update),
                Err(error) => error,
            },
            () = timer.sleep(delay) => return None,
        };
        tracing::warn!(error = %failed, "the stream of order updates failed; orders are polled alone");
        self.0 = None;
        timer.sleep(delay).await;
        None
    }
}

impl Session {
    /// Takes in what a stream tells. Executions that are known, orders that are not ours and the
    /// stream's own troubles change nothing.
    pub(crate) fn take_in(&mut self, update: Update) -> Result<Heard, Error> {
        let before = self.state().seq();
        match update {
            Update::Fill(fill) => {
                let tracked = self.state().orders().get(&fill.client_order_id);
                // Other clients' executions are the ledger's to tell, in its order.
                let Some(tracked) = tracked else { return Ok(Heard::Nothing) };
                if !self.state().has_execution(&fill.execution_id) {
                    let (ts_event, decision_id) = (fill.ts_event, tracked.decision_id);
                    let event = Event::Filled(Filled { activity: None, fill });
                    self.record_all(vec![Draft { ts_event, decision_id, event }])?;
                    self.judge_anomalies()?;
                }
            }
            Update::Order(update) => self.absorb(&update.order)?,
            Update::Lost(error) => tracing::warn!(%error, "the stream of order updates was lost"),
            Update::CaughtUp => {}
            other => tracing::debug!(?other, "an update nobody here knows"),
        }
        let news = self.state().seq() != before;
        Ok(if news { Heard::News } else { Heard::Nothing })
    }
}
