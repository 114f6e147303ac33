//! The market-data streams: `/v2/{feed}` for stocks, `/v1beta3/crypto/us` for crypto.
//!
//! Every feed of stocks carries the same: the venue's one market. What is sent is what the clock
//! has passed since the last message, made by [one rule](crate::tape): trades and quotes, a bar at
//! the end of each minute, with it the running bar of the day, and a status when trading starts or
//! ends. Bars are never corrected, as no trade comes late. On `/v2/test` the symbol `FAKEPACA`
//! moves as the first of the venue's stocks.

mod news;
mod subscription;

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use atlas_core::Symbol;
use atlas_core::time::Timestamp;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, HeaderValue, Uri};
use axum::response::Response;
use chrono::TimeDelta;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::super::account::{Server, Shared};
use super::super::data::{HEADER, Market, words};
use super::super::faulty::skew;
use super::super::lens::{SIGHT, Sight};
use super::outbox::{Encoding, Outbox, in_time, read, silence};
use super::seats::Seat;
use super::{Closed, Welcome, knock, stopped};
use crate::Error;
use crate::core::{Exchange, View};
use crate::faults::{Fault, Target};
use subscription::Subscription;

/// The feeds of stocks.
pub(super) const STOCK_FEEDS: [&str; 7] =
    ["iex", "sip", "delayed_sip", "boats", "overnight", "otc", "test"];

/// Takes a connection to a feed of stocks.
pub(super) async fn open_stocks(
    State(server): State<Arc<Server>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let stand_in = uri.path().ends_with("/test");
    let most = server.stream_limits.symbols;
    let subscription = Subscription::new(Market::Stocks, stand_in, most);
    open(server, uri.path(), &headers, upgrade, subscription).await
}

/// Takes a connection to the crypto feed.
pub(super) async fn open_crypto(
    State(server): State<Arc<Server>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let subscription = Subscription::new(Market::Crypto, false, server.stream_limits.symbols);
    open(server, uri.path(), &headers, upgrade, subscription).await
}

async fn open(
    server: Arc<Server>,
    path: &str,
    headers: &HeaderMap,
    upgrade: WebSocketUpgrade,
    subscription: Subscription,
) -> Response {
    let welcome = match knock(&server).await {
        Ok(welcome) => welcome,
        Err(answer) => return answer,
    };
    let encoding = Encoding::asked(headers, true, Encoding::Text);
    let account = server.account_in(headers).map(Arc::clone);
    let path = path.to_owned();
    let origin = origin(&server, &subscription);
    let mut answer = upgrade.on_upgrade(async move |socket| {
        let moves = server.driver.moves();
        let last = server.driver.now();
        let outbox = Outbox::new(encoding, Target::Feed);
        let (held, seat) = (None, None);
        let session = Session {
            server,
            socket,
            outbox,
            path,
            account: held,
            seat,
            subscription,
            moves,
            last,
        };
        session.run(account, welcome).await;
    });
    if let Some(origin) = origin {
        answer.headers_mut().insert(HEADER, origin);
    }
    answer
}

/// What of the market's data is given and what is made.
fn origin(server: &Server, subscription: &Subscription) -> Option<HeaderValue> {
    let view = server.accounts.first()?.venue.inspect(Exchange::view);
    let crypto = subscription.market == Market::Crypto;
    let listings = view.listings().values().filter(|listing| listing.is_crypto() == crypto);
    HeaderValue::from_str(&words(listings, view.seed())).ok()
}

/// One connection.
struct Session {
    server: Arc<Server>,
    socket: WebSocket,
    outbox: Outbox,
    path: String,
    account: Option<Arc<Shared>>,
    /// The place it takes among the account's connections.
    seat: Option<Seat>,
    subscription: Subscription,
    moves: watch::Receiver<Timestamp>,
    /// Up to where the client has been told everything.
    last: Timestamp,
}

impl Session {
    async fn run(mut self, account: Option<Arc<Shared>>, welcome: Welcome) {
        // However it ended, the peer may be gone already, or read nothing.
        drop(self.talk(account, welcome).await);
        if self.outbox.is_slow() {
            let slow = error(407, "slow client");
            drop(tokio::time::timeout(Duration::from_secs(1), self.say(&slow)).await);
        }
        drop(in_time(self.socket.send(Message::Close(None))).await);
    }

    async fn talk(&mut self, account: Option<Arc<Shared>>, welcome: Welcome) -> Result<(), Closed> {
        match welcome {
            Welcome::Open => {}
            // The connection limit, for one: code 406.
            Welcome::Refused { code, message } => {
                self.say(&error(i64::from(code), &message)).await?;
                return Err(Closed);
            }
            Welcome::Cut => return Err(Closed),
            Welcome::Silent => return silence(&self.server).await,
        }
        self.say(&success("connected")).await?;
        if let Some(account) = account {
            let reply = self.admit(account);
            self.say(&reply).await?;
        }
        if self.is_one_too_many() {
            return Err(Closed);
        }
        let mut stopping = self.server.stopping.clone();
        let mut halts = self.server.halts.subscribe();
        let patience = tokio::time::sleep(PATIENCE);
        tokio::pin!(patience);
        loop {
            tokio::select! {
                message = self.socket.recv() => match message {
                    Some(Ok(message)) => self.answer(message).await?,
                    Some(Err(_)) | None => return Err(Closed),
                },
                moved = self.moves.changed() => match moved {
                    Ok(()) => self.tell().await?,
                    Err(_) => return Err(Closed),
                },
                halt = halts.recv() => if let Ok((symbol, halted)) = halt {
                    self.tell_halt(&symbol, halted).await?;
                },
                () = &mut patience, if self.account.is_none() => {
                    self.say(&error(404, "auth timeout")).await?;
                    return Err(Closed);
                }
                () = stopped(&mut stopping) => return Err(Closed),
            }
        }
    }

    async fn answer(&mut self, message: Message) -> Result<(), Closed> {
        if matches!(message, Message::Close(_)) {
            return Err(Closed);
        }
        // Pings are answered below this layer.
        let Some(command) = read(&message) else { return Ok(()) };
        let reply = match command {
            Ok(command) => self.obey(&command),
            Err(_) => error(400, "invalid syntax"),
        };
        self.say(&reply).await?;
        if self.is_one_too_many() { Err(Closed) } else { Ok(()) }
    }

    /// Takes the account's next connection, if it may have one more; answers what it is told.
    fn admit(&mut self, account: Arc<Shared>) -> Value {
        self.seat = account.seats.take(&self.path, self.server.stream_limits.connections);
        self.account = Some(account);
        if self.is_one_too_many() {
            error(406, "connection limit exceeded")
        } else {
            success("authenticated")
        }
    }

    /// Whether the account has no connection left for this one.
    const fn is_one_too_many(&self) -> bool {
        self.account.is_some() && self.seat.is_none()
    }

    fn obey(&mut self, command: &Value) -> Value {
        let text = |name: &str| command.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("action") {
            "auth" if self.account.is_some() => error(403, "already authenticated"),
            "auth" => match self.server.account(text("key"), text("secret")).map(Arc::clone) {
                Some(account) => self.admit(account),
                None => error(402, "auth failed"),
            },
            "subscribe" | "unsubscribe" if self.account.is_none() => {
                error(401, "not authenticated")
            }
            action @ ("subscribe" | "unsubscribe") => {
                if self.subscription.is_empty() {
                    // What happened before anybody asked is history.
                    self.last = self.server.driver.now();
                }
                match self.subscription.change(command, action == "subscribe") {
                    Ok(()) => self.subscription.told(),
                    Err((code, text)) => error(code, text),
                }
            }
            _ => error(400, "invalid syntax"),
        }
    }

    /// Tells that trading in a symbol was halted by hand, or goes on.
    async fn tell_halt(&mut self, symbol: &Symbol, halted: bool) -> Result<(), Closed> {
        if self.account.is_none() || !self.subscription.wants("statuses", symbol.as_str()) {
            return Ok(());
        }
        let now = self.server.driver.lens().show(self.server.driver.now());
        let (code, words) = if halted { news::HALTED } else { news::RESUMED };
        let message = news::status(symbol.as_str(), code, words, now);
        self.outbox.deliver(&mut self.socket, &self.server, json!([message])).await
    }

    /// Sends what has happened since the last time.
    async fn tell(&mut self) -> Result<(), Closed> {
        let now = *self.moves.borrow_and_update();
        let Some(account) = self.account.clone().filter(|_| !self.subscription.is_empty()) else {
            self.last = now;
            return Ok(());
        };
        if now <= self.last {
            return Ok(());
        }
        let mut from = self.last;
        self.last = now;
        // A long way is told in parts: nobody's memory holds all of it at once.
        while from < now {
            let to = now.min(from + PART);
            let part = Part {
                server: Arc::clone(&self.server),
                view: account.venue.inspect(Exchange::view),
                wishes: self.subscription.clone(),
                span: (from, to),
                now,
            };
            from = to;
            // It is made on a thread of its own: no order waits for it.
            let made = tokio::task::spawn_blocking(move || part.made()).await;
            let made = made.map_err(|error| Error::Stopped { problem: error.to_string() });
            let messages = match made.and_then(|made| made) {
                Ok(messages) => messages,
                Err(problem) => {
                    tracing::error!(%problem, "market data could not be made");
                    self.say(&error(500, "internal error")).await?;
                    return Err(Closed);
                }
            };
            for batch in messages.chunks(BATCH) {
                // Whoever does not read for too long is not left with a gap it cannot see.
                self.outbox.deliver(&mut self.socket, &self.server, json!(batch)).await?;
            }
        }
        Ok(())
    }

    async fn say(&mut self, message: &Value) -> Result<(), Closed> {
        self.outbox.answer(&mut self.socket, &json!([message])).await
    }
}

/// A part of what the clock has passed.
struct Part {
    server: Arc<Server>,
    view: View,
    wishes: Subscription,
    /// From when to when.
    span: (Timestamp, Timestamp),
    /// Where the clock stands.
    now: Timestamp,
}

impl Part {
    /// What there is to tell of it.
    fn made(&self) -> Result<Vec<Value>, Error> {
        let fresh = self.aged(TimeDelta::zero())?;
        Ok(if fresh.is_empty() { fresh } else { self.stale().unwrap_or(fresh) })
    }

    /// What happened so long before.
    fn aged(&self, age: TimeDelta) -> Result<Vec<Value>, Error> {
        let sight = Sight { lens: self.server.driver.lens(), ..Sight::default() };
        let (from, to) = self.span;
        let span = (from - age, to - age);
        let made = || news::between(&self.view, &self.wishes, span, self.now - age);
        SIGHT.sync_scope(sight, made)
    }

    /// What there was some time ago, as if it were now, if a fault says so and there was anything.
    fn stale(&self) -> Option<Vec<Value>> {
        let made = RefCell::new(None);
        let fits = |fault: &Fault| {
            let Fault::Stale(millis) = fault else { return false };
            let age = TimeDelta::milliseconds((*millis).into());
            let old = self.aged(age).ok().filter(|old| !old.is_empty());
            *made.borrow_mut() = old.map(|mut old| {
                for message in &mut old {
                    skew(message, age);
                }
                old
            });
            made.borrow().is_some()
        };
        self.server.faults.take_if(Target::Feed, fits)?;
        made.into_inner()
    }
}

fn success(text: &str) -> Value {
    json!({ "T": "success", "msg": text })
}

fn error(code: i64, text: &str) -> Value {
    json!({ "T": "error", "code": code, "msg": text })
}

/// How long a client may take to show its keys.
const PATIENCE: Duration = Duration::from_secs(10);
/// How much of what the clock has passed is made at once.
const PART: TimeDelta = TimeDelta::days(1);
/// Most messages in a frame.
const BATCH: usize = 100;
