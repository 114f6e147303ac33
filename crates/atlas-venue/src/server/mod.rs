//! Alpaca's own HTTP interface in front of a [`Venue`].
//!
//! Paths, shapes, codes and error bodies are Alpaca's, so that any Alpaca client can trade here:
//! point its trading and data addresses at the server and give it the key pair. What is not
//! implemented answers 404 with code 40410000.
//!
//! | path | methods |
//! | --- | --- |
//! | `/v2/account`, `/v2/account/configurations` | GET; GET, PATCH |
//! | `/v2/account/activities[/{type}]` | GET |
//! | `/v2/account/portfolio/history` | GET, at closes or every 1, 5, 15 or 60 minutes |
//! | `/v2/orders`, `/v2/orders/{id}` | GET, POST, DELETE; GET, PATCH, DELETE |
//! | `/v2/orders:by_client_order_id` | GET |
//! | `/v2/positions`, `/v2/positions/{symbol}` | GET, DELETE |
//! | `/v2/watchlists[/{id}[/{symbol}]]`, `/v2/watchlists:by_name` | GET, POST, PUT, DELETE |
//! | `/v2/assets[/{symbol}]`, `/v2/clock`, `/v2/calendar` | GET |
//! | `/v2/stocks/{bars,quotes,trades,auctions}`, `/v2/stocks/{symbol}/…` | GET, with paging |
//! | `/v2/stocks/{quotes,trades,bars}/latest`, `/v2/stocks/snapshots` | GET, also by symbol |
//! | `/v2/stocks/meta/…`, `/v1/corporate-actions`, `/v1beta1/corporate-actions` | GET |
//! | `/v2/corporate_actions/announcements[/{id}]`, `/v1beta1/news` (none) | GET |
//! | `/v1beta3/crypto/us/{bars,quotes,trades,latest/…,snapshots}` | GET, without keys too |
//! | `/stream` | websocket, `trade_updates` |
//! | `/v2/events/trades`, `/v2beta1/events/trades` | server-sent events |
//! | `/v2/{iex,sip,delayed_sip,boats,overnight,otc,test}`, `/v1beta3/crypto/us` | websocket, market data |
//! | `/atlas/v1/{clock,faults,halts}` | with the header `Atlas-Admin-Token` |
//!
//! The server keeps no state of its own; it asks the venue, and moves its clock as [`Pace`] says.

mod account;
mod admin;
mod answer;
mod data;
mod faulty;
mod guard;
pub(crate) mod lens;
mod listener;
mod msgpack;
mod pace;
mod query;
mod rate;
mod stream;
mod trading;
mod wire;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use atlas_core::Clock;
use tokio::net::TcpListener;
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use crate::credentials::{Credentials, Secret};
use crate::faults::Faults;
use crate::{Error, Venue};

pub(crate) use account::{Ctx, Server, Shared};
use pace::Driver;
pub use pace::Pace;
use rate::RateWindow;
pub use stream::StreamLimits;

/// How the server behaves.
#[derive(Clone, Default)]
pub struct ServeOptions {
    /// The key pair asked for; the one that belongs to the account's seed if there is none.
    pub credentials: Option<Credentials>,
    /// Whether other addresses than loopback may be listened on.
    pub allow_remote: bool,
    /// Requests permitted in a minute, and the clock that minute is told by; no limit if there is
    /// none.
    pub rate_limit: Option<(u32, Arc<dyn Clock>)>,
    /// The token of the administrative endpoints; one that belongs to the account if there is none.
    pub admin_token: Option<Secret>,
    /// What market-data streams are limited to; nothing unless told otherwise.
    pub stream_limits: StreamLimits,
    /// How the venue's clock moves; by the administrative endpoint alone unless told otherwise.
    pub pace: Pace,
}

impl std::fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeOptions")
            .field("credentials", &self.credentials)
            .field("allow_remote", &self.allow_remote)
            .field("rate_limit", &self.rate_limit.as_ref().map(|(limit, _)| limit))
            .field("admin_token", &self.admin_token)
            .field("stream_limits", &self.stream_limits)
            .field("pace", &self.pace)
            .finish()
    }
}

/// A server at work; dropping it stops it at once, [`stop`](Self::stop) lets requests end.
#[derive(Debug)]
pub struct ServerHandle {
    /// Where it listens.
    pub addr: SocketAddr,
    /// The key id it asks for.
    pub key_id: String,
    /// The secret key it asks for.
    pub secret: Secret,
    /// The token of the administrative endpoints, for the header `Atlas-Admin-Token`.
    pub admin_token: Secret,
    faults: Faults,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl ServerHandle {
    /// The server's address as a URL, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The faults it is to commit; none unless they are scripted here.
    #[must_use]
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Stops listening and waits for the requests under way, at most two seconds.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        if let Some(mut task) = self.task.take()
            && tokio::time::timeout(GRACE, &mut task).await.is_err()
        {
            task.abort();
        }
    }
}

impl Drop for ServerHandle {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }
}

/// Serves a venue on `listen`; port 0 takes a free one.
///
/// # Errors
/// [`Error::NotLoopback`] for another address unless that is permitted, [`Error::Listen`] if the
/// system refuses it; [`Error::Store`] and [`Error::Damaged`] if the messages that were kept cannot
/// be read.
pub async fn serve(
    venue: Venue,
    listen: SocketAddr,
    options: ServeOptions,
) -> Result<ServerHandle, Error> {
    serve_all(venue, Vec::new(), listen, options).await
}

/// Serves several accounts at one address: which one a request is for is told by its keys. Their
/// clocks move together. The key pair of the first one is that of the options.
///
/// # Errors
/// As [`serve`].
pub async fn serve_all(
    first: Venue,
    others: Vec<(Venue, Credentials)>,
    listen: SocketAddr,
    options: ServeOptions,
) -> Result<ServerHandle, Error> {
    if !listen.ip().is_loopback() && !options.allow_remote {
        return Err(Error::NotLoopback { addr: listen });
    }
    let refused =
        |error: std::io::Error| Error::Listen { addr: listen, problem: error.to_string() };
    let socket = TcpListener::bind(listen).await.map_err(refused)?;
    let addr = socket.local_addr().map_err(refused)?;
    let admin_token = options
        .admin_token
        .unwrap_or_else(|| Credentials::from_seed(!first.account_id().as_u64_pair().0).secret);
    let credentials = options.credentials.unwrap_or_else(|| first.credentials());
    let mut all = vec![(first, credentials.clone())];
    all.extend(others);
    let venues = all.iter().map(|(venue, _)| venue.clone()).collect();
    let driver = Arc::new(Driver::new(venues, options.pace)?);
    let rate = || RateWindow::new(options.rate_limit.clone());
    let account = |(venue, credentials): (Venue, Credentials)| {
        venue.keep_history()?;
        let (venue, seats) = (venue.deferred(), stream::Seats::default());
        let (trading_rate, data_rate) = (rate(), rate());
        Ok(Arc::new(Shared { venue, credentials, trading_rate, data_rate, seats }))
    };
    let (stop, stopping) = watch::channel(false);
    let faults = Faults::default();
    let server = Arc::new(Server {
        accounts: all.into_iter().map(account).collect::<Result<_, Error>>()?,
        admin_token: admin_token.clone(),
        faults: faults.clone(),
        driver: Arc::clone(&driver),
        halts: broadcast::Sender::new(64),
        answers: AtomicU64::new(0),
        stream_limits: options.stream_limits,
        stopping: stopping.clone(),
    });
    let task = tokio::spawn(work(socket, server, driver, stopping));
    let Credentials { key_id, secret } = credentials;
    Ok(ServerHandle { addr, key_id, secret, admin_token, faults, stop, task: Some(task) })
}

/// Answers requests and moves the clocks until the word comes to stop.
async fn work(
    socket: TcpListener,
    server: Arc<Server>,
    driver: Arc<Driver>,
    stopping: watch::Receiver<bool>,
) {
    let ticks = tokio::spawn(pace::run(driver, stopping.clone()));
    let service = guard::router(server).into_make_service_with_connect_info::<listener::Line>();
    let mut stop = stopping;
    let until = async move { drop(stop.wait_for(|stop| *stop).await) };
    let served = axum::serve(listener::Lines::new(socket), service);
    if let Err(error) = served.with_graceful_shutdown(until).await {
        tracing::error!(%error, "the venue's server ended");
    }
    // It ends by the same word; what it was doing is written by then.
    drop(ticks.await);
}

/// Longest wait for requests under way.
const GRACE: Duration = Duration::from_secs(2);
