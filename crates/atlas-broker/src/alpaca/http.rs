//! One request, one answer: the transport, with a deadline and without second tries.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use atlas_core::time::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, StatusCode, Url, redirect, retry};
use tokio::time::{Instant, timeout_at};

use super::pace::{Lane, Pace};
use crate::{Error, Gate};

/// One host with its keys and its budget.
pub(crate) struct Http {
    client: Client,
    base: Url,
    venue: String,
    keys: HeaderMap,
    timeout: Duration,
    pace: Pace,
}

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) lane: Lane,
    pub(crate) method: Method,
    /// Path below the base, each part escaped.
    pub(crate) path: String,
    pub(crate) query: Vec<(&'static str, String)>,
    pub(crate) body: Option<Vec<u8>>,
}

impl Call {
    /// A read.
    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self {
            lane: Lane::Read,
            method: Method::GET,
            path: path.into(),
            query: Vec::new(),
            body: None,
        }
    }

    /// The same with one more parameter.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }
}

/// How a call is named in messages: without its parameters.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Vec<u8>,
    /// When the budget is full again, if told.
    pub(crate) reset: Option<Timestamp>,
}

/// The longest answer that is read.
const BODY_MAX: usize = 64 << 20;

/// How long a connection is kept for the next request; shorter than what servers keep it, so that
/// an order is not sent into a connection that is being closed.
const IDLE: Duration = Duration::from_secs(20);

/// The headers of the key pair.
pub(crate) const KEY_ID: &str = "apca-api-key-id";
pub(crate) const SECRET_KEY: &str = "apca-api-secret-key";

/// Builds the client both hosts of a session share.
pub(crate) fn client(tls: rustls::ClientConfig, timeout: Duration) -> Result<Client, Error> {
    // `localhost` is this machine whatever a resolver says.
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
        .map(|ip| SocketAddr::new(ip, 0));
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .no_proxy()
        .referer(false)
        .tcp_nodelay(true)
        .pool_idle_timeout(IDLE)
        // Shorter than the whole, so that a connection that is not made is known as such.
        .connect_timeout(timeout / 2)
        .resolve_to_addrs("localhost", &loopback)
        .user_agent(concat!("atlas/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Error::Setup { problem: chain(&error) })
}

/// A client without keys, for whatever is asked for beside the broker.
pub(crate) fn plain_client(loopback_only: bool, timeout: Duration) -> Result<Client, Error> {
    client(super::tls::config(loopback_only)?, timeout)
}

impl Http {
    /// A host under a shared client.
    pub(crate) fn new(
        client: Client,
        base: Url,
        keys: HeaderMap,
        (timeout, pace): (Duration, Pace),
    ) -> Self {
        let host = base.host_str().unwrap_or_default();
        let venue = match base.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        Self { client, base, venue, keys, timeout, pace }
    }

    /// The host's name for messages.
    pub(crate) fn venue(&self) -> &str {
        &self.venue
    }

    /// Sends a request once and reads the answer to its end, all before the deadline.
    ///
    /// # Errors
    /// [`Error::RateLimited`] and [`Error::NotReached`] if nothing was sent, [`Error::NoAnswer`]
    /// and [`Error::BadAnswer`] if it may have arrived, [`Error::Setup`] if it is no request.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        self.send_past(call, None).await
    }

    /// The same, past a gate that is asked when everything that could take time is over.
    ///
    /// # Errors
    /// As [`Http::send`]; [`Error::HeldBack`] if the gate is shut: nothing was sent.
    pub(crate) async fn send_past(
        &self,
        call: &Call,
        gate: Option<&dyn Gate>,
    ) -> Result<Answer, Error> {
        let deadline = Instant::now() + self.timeout;
        let request = self.request(call)?;
        self.pace
            .turn(call.lane, deadline)
            .await
            .map_err(|reset| Error::RateLimited { venue: self.venue.clone(), reset })?;
        if let Some(Err(why)) = gate.map(Gate::check) {
            return Err(Error::HeldBack { request: call.to_string(), why });
        }
        timeout_at(deadline, self.exchange(call, request)).await.unwrap_or_else(|_| {
            Err(self.no_answer(call, format!("no answer within {:?}", self.timeout)))
        })
    }

    pub(crate) fn request(&self, call: &Call) -> Result<reqwest::Request, Error> {
        let setup = |problem: String| Error::Setup { problem: format!("{call}: {problem}") };
        let mut url = self.base.clone();
        url.set_path(&call.path);
        let mut request = self.client.request(call.method.clone(), url).headers(self.keys.clone());
        if !call.query.is_empty() {
            request = request.query(&call.query);
        }
        if let Some(body) = &call.body {
            let json = HeaderValue::from_static("application/json");
            request = request.header(CONTENT_TYPE, json).body(body.clone());
        }
        request.build().map_err(|error| setup(chain(&error)))
    }

    async fn exchange(&self, call: &Call, request: reqwest::Request) -> Result<Answer, Error> {
        let response = self.execute(call, request).await?;
        let status = response.status();
        let reset = self.pace.learn(response.headers(), status);
        let id = response.headers().get("x-request-id").and_then(|id| id.to_str().ok());
        tracing::debug!(venue = %self.venue, %call, status = status.as_u16(), request_id = id);
        let body = self.body(call, response).await?;
        Ok(Answer { status, body, reset })
    }

    /// Reads a body to its end, or to more than anybody has to say.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] if the connection is lost, [`Error::BadAnswer`] for a body too long.
    pub(crate) async fn body(
        &self,
        call: &Call,
        mut response: reqwest::Response,
    ) -> Result<Vec<u8>, Error> {
        let mut body = Vec::new();
        let lost = |error: reqwest::Error| self.no_answer(call, chain(&error));
        while let Some(chunk) = response.chunk().await.map_err(lost)? {
            if body.len() + chunk.len() > BODY_MAX {
                return Err(self.bad_answer(call, format!("more than {BODY_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// Sends a request and waits for the head of the answer.
    pub(crate) async fn execute(
        &self,
        call: &Call,
        request: reqwest::Request,
    ) -> Result<reqwest::Response, Error> {
        self.client.execute(request).await.map_err(|error| {
            if error.is_connect() {
                Error::NotReached {
                    venue: self.venue.clone(),
                    request: call.to_string(),
                    reason: chain(&error),
                }
            } else {
                self.no_answer(call, chain(&error))
            }
        })
    }

    /// The deadline of each request.
    pub(crate) const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// The key id and the secret key.
    pub(crate) fn keys(&self) -> (&str, &str) {
        let key = |name: &str| self.keys.get(name).and_then(|value| value.to_str().ok());
        (key(KEY_ID).unwrap_or_default(), key(SECRET_KEY).unwrap_or_default())
    }

    /// The error of a request whose answer nobody saw.
    pub(crate) fn no_answer(&self, call: &Call, reason: String) -> Error {
        Error::NoAnswer { venue: self.venue.clone(), request: call.to_string(), reason }
    }

    /// The error of an answer nobody understands.
    pub(crate) fn bad_answer(&self, call: &Call, problem: String) -> Error {
        Error::BadAnswer { venue: self.venue.clone(), request: call.to_string(), problem }
    }
}

/// Shows no keys.
impl fmt::Debug for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http")
            .field("base", &self.base.as_str())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// An error with everything behind it, in one line, without addresses' parameters.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// The digits of an escape.
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// A path made of parts, each escaped, so that a name cannot reach another endpoint.
pub(crate) fn path(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |mut path, part| {
        path.push('/');
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric()
                || b"-_~:".contains(&byte)
                || (byte == b'.' && part.len() > 2)
            {
                path.push(char::from(byte));
            } else {
                path.extend(
                    [b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]
                        .map(char::from),
                );
            }
        }
        path
    })
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_part_of_a_path_stays_one_part() {
        for (part, escaped) in [
            ("orders", "/orders"),
            ("orders:by_client_order_id", "/orders:by_client_order_id"),
            ("BTC/USD", "/BTC%2FUSD"),
            ("BRK.B", "/BRK.B"),
            ("..", "/%2E%2E"),
            ("a?b#c%d", "/a%3Fb%23c%25d"),
        ] {
            assert_eq!(path(&[part]), escaped);
        }
    }
}
