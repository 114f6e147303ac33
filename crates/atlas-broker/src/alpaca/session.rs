//! A session with Alpaca, or with a venue that speaks its language.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use atlas_core::{ClientOrderId, Symbol, VenueOrderId};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::http::{self, Call, Http};
use super::mode::{DATA_HOST, STREAM_HOST, is_loopback};
use super::pace::Pace;
use super::{Asset, Credentials, Endpoint, Mode, Options, Paper, tls};
use crate::{BrokerOrder, Error, Gate};

/// A client of one account.
///
/// Redirects, proxies and transport-level retries are off; each request has a deadline. A
/// `Session<Paper>` talks to Alpaca's paper host and to this machine, and to nothing else.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::{Credentials, Endpoint, Options, Paper, Session};
///
/// let keys = Credentials::new("key".to_owned(), "secret".to_owned())?;
/// let venue = Endpoint::loopback(([127, 0, 0, 1], 4711).into());
/// let session = Session::<Paper>::connect(&venue, &keys, &Options::default())?;
/// assert_eq!(session.venue(), "127.0.0.1:4711");
///
/// let elsewhere = Endpoint { trading: "https://api.alpaca.markets".into(), ..Endpoint::paper() };
/// assert!(Session::<Paper>::connect(&elsewhere, &keys, &Options::default()).is_err());
/// # Ok::<(), atlas_broker::Error>(())
/// ```
///
/// Nothing but an approved order can be submitted:
/// ```compile_fail
/// # use atlas_broker::{Broker, alpaca::{Paper, Session}};
/// # async fn demo(session: Session<Paper>, order: atlas_core::OrderRequest) {
/// let outcome = session.submit(order).await;
/// # }
/// ```
///
/// and one approval submits one order:
/// ```compile_fail
/// # use atlas_broker::{Broker, alpaca::{Paper, Session}};
/// # async fn demo(session: Session<Paper>, order: atlas_risk::ApprovedOrder) {
/// let first = session.submit(order).await;
/// let second = session.submit(order).await;
/// # }
/// ```
pub struct Session<M: Mode> {
    pub(crate) trading: Http,
    pub(crate) data: Http,
    /// The host of the market data stream: Alpaca has one of its own, a loopback venue none.
    pub(crate) stream: Http,
    pub(crate) options: Options,
    /// Client order ids by the broker's: executions in the ledger name only the latter.
    names: Mutex<BTreeMap<VenueOrderId, ClientOrderId>>,
    /// What is known of the crypto pairs that were ordered.
    pub(crate) pairs: Mutex<BTreeMap<Symbol, Asset>>,
    /// What is asked right before an order is sent, once somebody has put it there.
    gate: OnceLock<Arc<dyn Gate>>,
    authority: M::Authority,
}

/// Names kept at most; beyond that the oldest ids are asked for again when needed.
const NAMES_MAX: usize = 50_000;

impl Session<Paper> {
    /// Sets a client up; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Address`] unless trading is Alpaca's paper host or a loopback address and data is
    /// Alpaca's data host or a loopback address; [`Error::Setup`] if the options make no client.
    pub fn connect(
        endpoint: &Endpoint,
        credentials: &Credentials<Paper>,
        options: &Options,
    ) -> Result<Self, Error> {
        Self::open(endpoint, credentials.headers()?, options, ())
    }
}

impl<M: Mode> Session<M> {
    /// Sets a client up for any mode whose authority is at hand.
    pub(crate) fn open(
        endpoint: &Endpoint,
        (key_id, secret_key): (HeaderValue, HeaderValue),
        options: &Options,
        authority: M::Authority,
    ) -> Result<Self, Error> {
        let (trading, data) = endpoint.checked::<M>()?;
        if options.timeout.is_zero() {
            return Err(Error::Setup { problem: "the timeout must be above zero".to_owned() });
        }
        let local = is_loopback(&trading) && is_loopback(&data);
        let client = http::client(tls::config(local)?, options.timeout)?;
        let keys: HeaderMap = [
            (HeaderName::from_static(http::KEY_ID), key_id),
            (HeaderName::from_static(http::SECRET_KEY), secret_key),
        ]
        .into_iter()
        .collect();
        let mut stream = data.clone();
        if stream.host_str() == Some(DATA_HOST) {
            let unnamed = |_| Error::Setup { problem: format!("{STREAM_HOST} is no host") };
            stream.set_host(Some(STREAM_HOST)).map_err(unnamed)?;
        }
        let host = |base| {
            let pace = Pace::limited(options.requests_per_minute);
            Http::new(client.clone(), base, keys.clone(), (options.timeout, pace))
        };
        Ok(Self {
            trading: host(trading),
            data: host(data),
            stream: host(stream),
            options: options.clone(),
            names: Mutex::default(),
            pairs: Mutex::default(),
            gate: OnceLock::new(),
            authority,
        })
    }

    /// The same connection under another authority.
    #[cfg(feature = "live")]
    pub(crate) fn authorized<N: Mode>(self, authority: N::Authority) -> Session<N> {
        Session {
            trading: self.trading,
            data: self.data,
            stream: self.stream,
            options: self.options,
            names: self.names,
            pairs: self.pairs,
            gate: self.gate,
            authority,
        }
    }

    /// From now on every order passes this gate as the last thing before the wire; cancels and
    /// reads do not. The first gate stays.
    pub fn pass(&self, gate: Arc<dyn Gate>) {
        drop(self.gate.set(gate));
    }

    pub(crate) fn gate(&self) -> Option<&dyn Gate> {
        self.gate.get().map(AsRef::as_ref)
    }

    /// The trading host, with its port if it has one: what messages call the broker.
    #[must_use]
    pub fn venue(&self) -> &str {
        self.trading.venue()
    }

    /// What the session was given to be allowed to exist.
    pub const fn authority(&self) -> &M::Authority {
        &self.authority
    }

    /// Keeps the names of an order.
    pub(crate) fn remember(&self, order: &BrokerOrder) {
        self.remember_name(order.venue_order_id.clone(), order.client_order_id.clone());
    }

    /// Keeps the broker's and our name of one order.
    pub(crate) fn remember_name(&self, id: VenueOrderId, name: ClientOrderId) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() >= NAMES_MAX {
            names.clear();
        }
        names.insert(id, name);
    }

    /// Whether our name of an order is known.
    pub(crate) fn has_name(&self, id: &VenueOrderId) -> bool {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).contains_key(id)
    }

    /// Our name for an order of which only the broker's is known.
    pub(crate) async fn name_of(&self, id: &VenueOrderId) -> Result<ClientOrderId, Error> {
        let known = self.names.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned();
        if let Some(name) = known {
            return Ok(name);
        }
        let call = Call::get(http::path(&["v2", "orders", id.as_str()]));
        let wire: super::wire::WireOrder = self.trading.ask(&call).await?;
        let name = wire.client_order_id().map_err(|fault| self.trading.fault(&call, fault))?;
        self.remember_name(id.clone(), name.clone());
        Ok(name)
    }
}

/// Shows no keys.
impl<M: Mode> fmt::Debug for Session<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("mode", &M::NAME)
            .field("trading", &self.trading)
            .field("data", &self.data)
            .finish_non_exhaustive()
    }
}
