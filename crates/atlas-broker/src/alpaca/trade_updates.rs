//! The `trade_updates` stream, with everything that was missed asked for again.
//!
//! The stream has no numbers and no replay: what is sent while nobody listens is lost. So after each
//! connection the client listens first and then reads the ledger from its bookmark and the open
//! orders; what the stream repeats of that is recognised by the cumulative quantity of the order.
//! An execution that does not continue what was told sends the client back to the ledger.
//!
//! So that memory stays flat, the past is read in the same way whenever a thousand orders have ended:
//! what the ledger was read beyond, and is old, is then forgotten.
//!
//! There is no task behind it: a slow reader slows the socket, and a dropped stream is gone.

use std::collections::VecDeque;
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};

use super::books::{Books, Step};
use super::recovery::Recovery;
use super::socket::{Socket, back_off};
use super::wire::{ReadUpdate, StreamFrame};
use super::{Mode, Session};
use crate::{ActivityId, Error, OrderUpdate, Update, UpdateStream};

/// The stream and what it knows.
pub(crate) struct TradeUpdates<'a, M: Mode> {
    session: &'a Session<M>,
    /// The last entry of the ledger that was read.
    bookmark: Option<ActivityId>,
    books: Books,
    /// Decided and not yet told.
    ready: VecDeque<Update>,
    /// An update that waits for what is missing before it.
    pending: Option<Box<ReadUpdate>>,
    link: Link,
    /// Whether there was no connection since the past was last told.
    cut: bool,
    /// Connections that failed in a row.
    failures: u32,
}

enum Link {
    /// No connection before this instant.
    Down(Instant),
    /// Connected and listening; the past is read from this instant on, for the nth time.
    Behind(Socket, Instant, u32),
    /// Connected, and the past is told.
    Live(Socket),
}

/// How often the ledger is asked for what the stream or an order says it must hold.
const LAG_TRIES: u32 = 10;

/// How long the ledger is given each time.
const LAG: Duration = Duration::from_secs(1);

const PATH: &str = "/stream";

impl<'a, M: Mode> TradeUpdates<'a, M> {
    pub(crate) fn new(session: &'a Session<M>, bookmark: Option<ActivityId>) -> Self {
        Self {
            session,
            bookmark,
            books: Books::default(),
            ready: VecDeque::new(),
            pending: None,
            link: Link::Down(Instant::now()),
            cut: true,
            failures: 0,
        }
    }

    /// Takes one update in. Gives it back if something before it is missing.
    fn take(&mut self, update: Box<ReadUpdate>) -> Option<Box<ReadUpdate>> {
        let order = &update.order;
        if self.books.is_old(order) {
            return None;
        }
        if update.is_fill() {
            let told = self.books.filled(&order.venue_order_id);
            let step = match &update.fill {
                Some(fill) => self.books.fill(&order.venue_order_id, fill.qty, order.filled_qty),
                // An execution that is not told completely is known or has to be asked for.
                None if order.filled_qty <= told => Step::Known,
                None => Step::Gap,
            };
            match (step, &update.fill) {
                (Step::Next, Some(fill)) => self.ready.push_back(Update::Fill(fill.clone())),
                (Step::Gap, _) => return Some(update),
                (Step::Next | Step::Known, _) => {}
            }
        } else if order.filled_qty > self.books.filled(&order.venue_order_id) {
            return Some(update);
        }
        if self.books.order(order, &update.news) {
            self.session.remember(order);
            let ReadUpdate { news, order, ts_event, .. } = *update;
            self.ready.push_back(Update::Order(OrderUpdate { news, order, ts_event }));
        }
        None
    }

    /// Takes one message in.
    fn message(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let read = StreamFrame::read(bytes).and_then(|frame| match frame {
            StreamFrame::Update(wire) => wire.read().map(|update| Some(Box::new(update))),
            StreamFrame::Error(words) => Err(super::wire::Fault::Bad(words)),
            StreamFrame::Authorization(_) | StreamFrame::Listening(_) | StreamFrame::Other => {
                Ok(None)
            }
        });
        let call = super::http::Call::get(PATH);
        let update = read.map_err(|fault| self.session.trading.fault(&call, fault))?;
        if let Some(update) = update {
            self.pending = self.take(update);
            if self.pending.is_some() || self.books.is_full() {
                self.fall_behind();
            }
        }
        Ok(())
    }

    /// Keeps the connection and reads the past again.
    fn fall_behind(&mut self) {
        let link = std::mem::replace(&mut self.link, Link::Down(Instant::now()));
        self.link = match link {
            Link::Live(socket) => Link::Behind(socket, Instant::now(), 1),
            other @ (Link::Down(_) | Link::Behind(..)) => other,
        };
    }

    /// Gives the connection up.
    fn lose(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.pending = None;
        self.cut = true;
        let (salt, _) = self.session.trading.keys();
        self.link = Link::Down(Instant::now() + back_off(self.failures, salt));
    }

    /// Takes the past in, all at once. Whether it is complete.
    fn catch_up(&mut self, recovery: Recovery) -> Result<bool, Error> {
        let complete = recovery.apply(self.session, &mut self.books, &mut self.ready)?;
        if let Some(bookmark) = recovery.bookmark {
            self.bookmark = Some(bookmark);
        }
        let pending = self.pending.take();
        self.pending = pending.and_then(|update| self.take(update));
        Ok(complete && self.pending.is_none())
    }

    /// One step of a connection that stands, or of one that does not.
    async fn step(&mut self) -> Result<(), Error> {
        match &mut self.link {
            Link::Down(instant) => {
                sleep_until(*instant).await;
                let socket = connect(self.session).await?;
                self.link = Link::Behind(socket, Instant::now(), 1);
            }
            Link::Behind(_, instant, _) => {
                sleep_until(*instant).await;
                let waiting = self.pending.as_ref().map(|update| &update.order);
                let bookmark = self.bookmark.as_ref();
                let recovery =
                    self.session.recover(bookmark, &self.books, (waiting, self.cut)).await?;
                let complete = self.catch_up(recovery)?;
                self.settle(complete)?;
            }
            Link::Live(socket) => match socket.receive().await {
                Ok(bytes) => self.message(&bytes)?,
                Err(reason) => {
                    let call = super::http::Call::get(PATH);
                    return Err(self.session.trading.no_answer(&call, reason));
                }
            },
        }
        Ok(())
    }

    /// Goes live after the past was read, or gives the ledger more time.
    fn settle(&mut self, complete: bool) -> Result<(), Error> {
        let link = std::mem::replace(&mut self.link, Link::Down(Instant::now()));
        self.link = match link {
            Link::Behind(socket, _, _) if complete => {
                self.failures = 0;
                self.cut = false;
                self.books.forget();
                self.ready.push_back(Update::CaughtUp);
                Link::Live(socket)
            }
            Link::Behind(socket, _, tries) if tries < LAG_TRIES => {
                Link::Behind(socket, Instant::now() + LAG, tries + 1)
            }
            Link::Behind(..) => {
                let problem = "the executions in the ledger do not add up to what orders say";
                let call = super::http::Call::get("/v2/account/activities");
                return Err(self.session.trading.bad_answer(&call, problem.to_owned()));
            }
            other @ (Link::Down(_) | Link::Live(_)) => other,
        };
        Ok(())
    }
}

/// Connects, authenticates, listens.
async fn connect<M: Mode>(session: &Session<M>) -> Result<Socket, Error> {
    let trading = &session.trading;
    let lost = |reason: String| trading.no_answer(&super::http::Call::get(PATH), reason);
    let deadline = Instant::now() + trading.timeout();
    let mut socket = trading.socket(PATH).await?;
    socket.send(&trading.auth_message()).await.map_err(lost)?;
    let mut asked = false;
    loop {
        let bytes = tokio::time::timeout_at(deadline, socket.receive()).await;
        let bytes = bytes.map_err(|_| lost("no answer to the keys".to_owned()))?;
        match StreamFrame::read(&bytes.map_err(lost)?) {
            Ok(StreamFrame::Authorization(true)) if !asked => {
                asked = true;
                socket.send(LISTEN).await.map_err(lost)?;
            }
            Ok(StreamFrame::Authorization(false)) => {
                return Err(Error::Auth { venue: trading.venue().to_owned(), status: 401 });
            }
            Ok(StreamFrame::Listening(streams)) if asked => {
                if streams.iter().any(|stream| stream == "trade_updates") {
                    return Ok(socket);
                }
                return Err(lost("the stream trade_updates is not offered".to_owned()));
            }
            Ok(StreamFrame::Error(words)) => return Err(lost(words)),
            // Whatever happens before the past is read is found there.
            Ok(_) | Err(_) => {}
        }
    }
}

const LISTEN: &str = r#"{"action":"listen","data":{"streams":["trade_updates"]}}"#;

#[async_trait]
impl<M: Mode> UpdateStream for TradeUpdates<'_, M> {
    async fn next(&mut self) -> Result<Update, Error> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Ok(update);
            }
            let Err(error) = self.step().await else { continue };
            self.lose();
            return match error {
                Error::NotReached { .. } | Error::NoAnswer { .. } | Error::RateLimited { .. } => {
                    Ok(Update::Lost(error))
                }
                Error::Auth { .. }
                | Error::Refused { .. }
                | Error::HeldBack { .. }
                | Error::BadAnswer { .. }
                | Error::UnknownState { .. }
                | Error::Unsupported { .. }
                | Error::Address { .. }
                | Error::NoBars { .. }
                | Error::Published { .. }
                | Error::Cache { .. }
                | Error::Setup { .. } => Err(error),
            };
        }
    }
}
