//! The two addresses of a session, and the rule they must keep.

use std::net::SocketAddr;

use reqwest::Url;

use super::mode::{DATA_HOST, is_loopback};
use super::{Mode, Paper};
use crate::Error;

/// Where trading and market data are found; checked when a session is made, not before.
///
/// An address may end in a slash or in `/v2`; both are cut off.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::Endpoint;
///
/// let endpoint = Endpoint::loopback("127.0.0.1:4711".parse()?);
/// assert_eq!(endpoint.trading, "http://127.0.0.1:4711");
/// # Ok::<(), std::net::AddrParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Base of the trading API, such as `https://paper-api.alpaca.markets`.
    pub trading: String,
    /// Base of the market data API, such as `https://data.alpaca.markets`.
    pub data: String,
}

impl Endpoint {
    /// Alpaca's paper service.
    #[must_use]
    pub fn paper() -> Self {
        let trading = <Paper as super::mode::sealed::Sealed>::TRADING_HOST;
        Self { trading: format!("https://{trading}"), data: format!("https://{DATA_HOST}") }
    }

    /// A venue on this machine that serves trading and data on one port. Whether the address is
    /// a loopback address is checked when a session is made.
    #[must_use]
    pub fn loopback(address: SocketAddr) -> Self {
        let base = format!("http://{address}");
        Self { trading: base.clone(), data: base }
    }

    /// The addresses, if the mode permits both.
    pub(crate) fn checked<M: Mode>(&self) -> Result<(Url, Url), Error> {
        Ok((checked::<M>(&self.trading, M::TRADING_HOST)?, checked::<M>(&self.data, DATA_HOST)?))
    }
}

/// Parses one address and holds it to the rule of the mode.
fn checked<M: Mode>(text: &str, host: &str) -> Result<Url, Error> {
    let refuse = || Error::Address { address: shown(text), mode: M::NAME, rule: M::RULE };
    let mut url = Url::parse(text.trim()).map_err(|_| refuse())?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && matches!(url.path(), "" | "/" | "/v2" | "/v2/");
    let alpaca = url.scheme() == "https" && url.host_str() == Some(host) && url.port().is_none();
    let local = M::LOOPBACK && matches!(url.scheme(), "http" | "https") && is_loopback(&url);
    if !plain || !(alpaca || local) {
        return Err(refuse());
    }
    url.set_path("");
    Ok(url)
}

/// The address without what might be a password in it.
fn shown(text: &str) -> String {
    match text.rsplit_once('@') {
        Some((_, host)) => format!("[redacted]@{host}"),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<M: Mode>(trading: &str) -> Result<String, Error> {
        let data = format!("https://{DATA_HOST}");
        let endpoint = Endpoint { trading: trading.to_owned(), data };
        endpoint.checked::<M>().map(|(url, _)| url.to_string())
    }

    #[test]
    fn paper_takes_the_paper_host_and_this_machine() {
        for (given, kept) in [
            ("https://paper-api.alpaca.markets", "https://paper-api.alpaca.markets/"),
            ("https://paper-api.alpaca.markets/v2/", "https://paper-api.alpaca.markets/"),
            ("HTTPS://PAPER-API.ALPACA.MARKETS:443/v2", "https://paper-api.alpaca.markets/"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/"),
            ("http://127.9.9.9:1", "http://127.9.9.9:1/"),
            ("http://[::1]:8080/v2", "http://[::1]:8080/"),
            ("http://localhost:8080", "http://localhost:8080/"),
        ] {
            assert_eq!(check::<Paper>(given).expect(given), kept);
        }
    }

    #[test]
    fn paper_takes_nothing_else() {
        for given in [
            "",
            "paper-api.alpaca.markets",
            "https://api.alpaca.markets",
            "http://paper-api.alpaca.markets",
            "https://paper-api.alpaca.markets:8443",
            "https://paper-api.alpaca.markets.evil.example",
            "https://paper-api.alpaca.markets@evil.example",
            "https://evil.example/paper-api.alpaca.markets",
            "https://user:word@paper-api.alpaca.markets",
            "https://paper-api.alpaca.markets/?x=1",
            "https://paper-api.alpaca.markets/v1",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "http://10.0.0.1:80",
            "http://0.0.0.0:80",
            "http://[::ffff:127.0.0.1]:80",
            "file:///etc/passwd",
            "ws://127.0.0.1:80",
        ] {
            assert!(matches!(check::<Paper>(given), Err(Error::Address { .. })), "{given}");
        }
    }

    #[test]
    fn a_password_in_an_address_is_not_repeated() {
        let message = check::<Paper>("https://me:hunter2@evil.example").unwrap_err().to_string();
        assert!(!message.contains("hunter2"), "{message}");
    }

    #[test]
    fn the_data_address_keeps_the_rule_too() {
        let endpoint = Endpoint { data: "https://evil.example".to_owned(), ..Endpoint::paper() };
        assert!(endpoint.checked::<Paper>().is_err());
    }
}
