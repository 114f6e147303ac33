//! The market data stream: trades, quotes and bars as they happen.

use async_trait::async_trait;
use atlas_core::Symbol;
use serde_json::json;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::http::{Call, Http};
use super::quote_queue::QuoteQueue;
use super::socket::{Socket, back_off};
use super::wire::DataFrame;
use super::{Mode, Session};
use crate::Error;
use crate::market_data::{DataEvent, DataStream, Subscription};

/// The stream. There is no task behind it: a slow reader slows the socket until the server cuts
/// it off, which is told; of quotes that wait only the latest of each symbol is kept, trades and
/// bars are never dropped.
pub(crate) struct MarketStream<'a> {
    http: &'a Http,
    path: String,
    subscription: Subscription,
    ready: QuoteQueue,
    link: Link,
    failures: u32,
}

enum Link {
    Down(Instant),
    Live(Box<Socket>),
}

/// Failures a second connection of the same account counts as: the first may live on at the
/// server for a minute and a half.
const TAKEN: u32 = 6;

impl<M: Mode> Session<M> {
    /// Opens a stream of market data. Stocks come from the feed of the options, IEX if none was
    /// chosen; nothing is connected before the first event is asked for.
    ///
    /// # Errors
    /// [`Error::Setup`] if nothing is subscribed to, stocks and crypto pairs are mixed, or the feed
    /// has no stream.
    pub fn data_stream(
        &self,
        subscription: Subscription,
    ) -> Result<Box<dyn DataStream + '_>, Error> {
        let all: Vec<&Symbol> = [&subscription.trades, &subscription.quotes, &subscription.bars]
            .into_iter()
            .flatten()
            .collect();
        let crypto = all.iter().filter(|symbol| symbol.is_crypto()).count();
        let path = match (all.len(), crypto) {
            (0, _) => return Err(setup("a stream needs at least one symbol")),
            (_, 0) => format!("/v2/{}", self.options.feed.unwrap_or(super::Feed::Iex).streamed()?),
            (total, crypto) if total == crypto => "/v1beta3/crypto/us".to_owned(),
            _ => return Err(setup("stocks and crypto pairs come over different streams")),
        };
        Ok(Box::new(MarketStream {
            http: &self.stream,
            path,
            subscription,
            ready: QuoteQueue::default(),
            link: Link::Down(Instant::now()),
            failures: 0,
        }))
    }
}

fn setup(problem: &str) -> Error {
    Error::Setup { problem: problem.to_owned() }
}

/// Connects, authenticates, subscribes; what came with the answer is kept.
async fn connect(
    http: &Http,
    path: &str,
    subscription: &Subscription,
) -> Result<(Socket, Vec<DataEvent>), Error> {
    let call = Call::get(path);
    let lost = |reason: String| http.no_answer(&call, reason);
    let deadline = Instant::now() + http.timeout();
    let mut socket = http.socket(path).await?;
    socket.send(&http.auth_message()).await.map_err(lost)?;
    let mut events = Vec::new();
    loop {
        let bytes = timeout_at(deadline, socket.receive()).await;
        let bytes = bytes.map_err(|_| lost("no answer to the subscription".to_owned()))?;
        let frames = DataFrame::read(&bytes.map_err(lost)?);
        for frame in frames.map_err(|fault| http.fault(&call, fault))? {
            match frame {
                DataFrame::Success(words) if words == "authenticated" => {
                    let ask = json!({
                        "action": "subscribe",
                        "trades": names(&subscription.trades),
                        "quotes": names(&subscription.quotes),
                        "bars": names(&subscription.bars),
                    });
                    socket.send(&ask.to_string()).await.map_err(lost)?;
                }
                DataFrame::Subscribed => return Ok((socket, events)),
                DataFrame::Error { code, words } => {
                    return Err(complaint(http, &call, code, words));
                }
                DataFrame::Event(event) => events.push(event),
                DataFrame::Success(_) | DataFrame::Other => {}
            }
        }
    }
}

fn names(symbols: &[Symbol]) -> Vec<&str> {
    symbols.iter().map(Symbol::as_str).collect()
}

/// What the server's error codes mean here.
fn complaint(http: &Http, call: &Call, code: i64, reason: String) -> Error {
    let venue = http.venue().to_owned();
    match code {
        401 | 402 | 404 => Error::Auth { venue, status: 401 },
        // Too many connections: another one of this account has to go first.
        406 => Error::RateLimited { venue, reset: None },
        400 | 403 | 405 | 408..=411 => Error::Refused {
            venue,
            request: call.to_string(),
            status: u16::try_from(code).unwrap_or_default(),
            code: Some(code),
            reason,
        },
        _ => http.no_answer(call, format!("{code}: {reason}")),
    }
}

impl MarketStream<'_> {
    async fn step(&mut self) -> Result<(), Error> {
        match &mut self.link {
            Link::Down(instant) => {
                sleep_until(*instant).await;
                let connected = connect(self.http, &self.path, &self.subscription).await;
                let (socket, events) = connected?;
                self.failures = 0;
                self.link = Link::Live(Box::new(socket));
                self.ready.push(DataEvent::Connected);
                for event in events {
                    self.ready.push(event);
                }
            }
            Link::Live(socket) => {
                let call = Call::get(self.path.as_str());
                let lost = |reason: String| self.http.no_answer(&call, reason);
                let bytes = socket.receive().await.map_err(lost)?;
                let frames = DataFrame::read(&bytes);
                for frame in frames.map_err(|fault| self.http.fault(&call, fault))? {
                    match frame {
                        DataFrame::Event(event) => self.ready.push(event),
                        DataFrame::Error { code, words } => {
                            return Err(complaint(self.http, &call, code, words));
                        }
                        DataFrame::Success(_) | DataFrame::Subscribed | DataFrame::Other => {}
                    }
                }
            }
        }
        Ok(())
    }
}

#[async_trait]
impl DataStream for MarketStream<'_> {
    async fn next(&mut self) -> Result<DataEvent, Error> {
        loop {
            if let Some(event) = self.ready.pop() {
                return Ok(event);
            }
            let Err(error) = self.step().await else { continue };
            self.failures = self.failures.saturating_add(1);
            if matches!(error, Error::RateLimited { .. }) {
                self.failures = self.failures.max(TAKEN);
            }
            let (salt, _) = self.http.keys();
            self.link = Link::Down(Instant::now() + back_off(self.failures, salt));
            return if matches!(
                error,
                Error::NotReached { .. } | Error::NoAnswer { .. } | Error::RateLimited { .. }
            ) {
                Ok(DataEvent::Lost(error))
            } else {
                Err(error)
            };
        }
    }
}
