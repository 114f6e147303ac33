//! Alpaca's own HTTP interface in front of a [`Venue`].
//!
//! Paths, shapes, codes and error bodies are Alpaca's, so that any Alpaca client can trade here:
//! point its trading and data addresses at the server and give it the key pair. What is not
//! implemented answers 404 with code 40410000.
//!
//! | path | methods |
//! | --- | --- |
//! | `/v2/account`, `/v2/account/configurations` | GET; GET, PATCH (`suspend_trade`) |
//! | `/v2/account/activities[/{type}]` | GET |
//! | `/v2/account/portfolio/history` | GET (`1D`) |
//! | `/v2/orders`, `/v2/orders/{id}` | GET, POST, DELETE; GET, PATCH, DELETE |
//! | `/v2/orders:by_client_order_id` | GET |
//! | `/v2/positions`, `/v2/positions/{symbol}` | GET, DELETE |
//! | `/v2/watchlists[/{id}[/{symbol}]]`, `/v2/watchlists:by_name` | GET, POST, PUT, DELETE |
//! | `/v2/assets[/{symbol}]`, `/v2/clock`, `/v2/calendar` | GET |
//! | `/v2/stocks/bars`, `/v2/stocks/{symbol}/bars` | GET (`1Day`) |
//! | `/v2/stocks/{quotes,trades,bars}/latest`, `/v2/stocks/snapshots` | GET, also by symbol |
//! | `/stream` | websocket, `trade_updates` |
//! | `/atlas/v1/clock`, `/atlas/v1/faults` | with the header `Atlas-Admin-Token` |
//!
//! The server keeps no state of its own; it asks the venue, whose clock it does not move.

mod admin;
mod answer;
mod data;
mod guard;
mod listener;
mod query;
mod stream;
mod trading;
mod wire;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use atlas_core::Clock;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::credentials::{Credentials, Secret};
use crate::faults::Faults;
use crate::{Error, Venue};

pub(crate) use guard::RateWindow;

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
}

impl std::fmt::Debug for ServeOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServeOptions")
            .field("credentials", &self.credentials)
            .field("allow_remote", &self.allow_remote)
            .field("rate_limit", &self.rate_limit.as_ref().map(|(limit, _)| limit))
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

/// What every request can reach.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) venue: Venue,
    pub(crate) credentials: Credentials,
    pub(crate) admin_token: Secret,
    pub(crate) faults: Faults,
    pub(crate) rate: RateWindow,
    /// Becomes true when the server stops.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// The state handed to every handler.
pub(crate) type Ctx = axum::extract::State<Arc<Shared>>;

/// Serves a venue on `listen`; port 0 takes a free one.
///
/// # Errors
/// [`Error::NotLoopback`] for another address unless that is permitted, [`Error::Listen`] if the
/// system refuses it.
pub async fn serve(
    venue: Venue,
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
    let credentials = options.credentials.unwrap_or_else(|| venue.credentials());
    let admin_token = Credentials::from_seed(!venue.account_id().as_u64_pair().0).secret;
    let (stop, stopping) = watch::channel(false);
    let faults = Faults::default();
    let shared = Arc::new(Shared {
        venue,
        credentials: credentials.clone(),
        admin_token: admin_token.clone(),
        faults: faults.clone(),
        rate: RateWindow::new(options.rate_limit),
        stopping: stopping.clone(),
    });
    let app = guard::router(shared);
    let task = tokio::spawn(async move {
        let service = app.into_make_service_with_connect_info::<listener::Line>();
        let mut stopping = stopping;
        let until = async move { drop(stopping.wait_for(|stop| *stop).await) };
        let served = axum::serve(listener::Lines::new(socket), service);
        if let Err(error) = served.with_graceful_shutdown(until).await {
            tracing::error!(%error, "the venue's server ended");
        }
    });
    Ok(ServerHandle {
        addr,
        key_id: credentials.key_id,
        secret: credentials.secret,
        admin_token,
        faults,
        stop,
        task: Some(task),
    })
}

/// Longest wait for requests under way.
const GRACE: Duration = Duration::from_secs(2);
