//! A sign of life to an address outside, for whoever watches the watchdog.

use std::time::Duration;

use crate::Error;
use crate::alpaca::http::{chain, plain_client};

/// An address that is asked for at every sign of life, over http or https.
///
/// No redirect is followed, no proxy is used, and what the answer says beyond its status is not
/// read.
#[derive(Debug)]
pub struct Beacon {
    client: reqwest::Client,
    url: reqwest::Url,
    timeout: Duration,
}

impl Beacon {
    /// Sets one up; nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Setup`] if the address is none of http or https, or TLS cannot be set up.
    pub fn new(address: &str, timeout: Duration) -> Result<Self, Error> {
        let setup = |problem: String| Error::Setup { problem };
        let url: reqwest::Url =
            address.parse().map_err(|error| setup(format!("{address} is no address: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(setup(format!("{address} is neither an http:// nor an https:// address")));
        }
        let client = plain_client(url.scheme() == "http", timeout)?;
        Ok(Self { client, url, timeout })
    }

    /// Gives a sign of life.
    ///
    /// # Errors
    /// [`Error::NoAnswer`] without an answer in time, [`Error::BadAnswer`] for one that is no
    /// success.
    pub async fn ping(&self) -> Result<(), Error> {
        let venue = self.url.host_str().unwrap_or_default().to_owned();
        let request = format!("GET {}", self.url.path());
        let sent = self.client.get(self.url.clone()).timeout(self.timeout).send().await;
        let answer = sent.map_err(|error| Error::NoAnswer {
            venue: venue.clone(),
            request: request.clone(),
            reason: chain(&error),
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(());
        }
        Err(Error::BadAnswer { venue, request, problem: format!("the answer was {status}") })
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    /// What arrives first at a listener, which answers as told.
    fn listen(answer: &'static [u8]) -> (u16, std::thread::JoinHandle<Vec<u8>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut bytes = vec![0_u8; 512];
            let length = stream.read(&mut bytes).unwrap();
            bytes.truncate(length);
            stream.write_all(answer).unwrap();
            bytes
        });
        (port, heard)
    }

    #[tokio::test]
    async fn http_is_asked_plainly_and_only_success_counts() {
        for (answer, good) in [
            (&b"HTTP/1.1 204 No Content\r\n\r\n"[..], true),
            (&b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"[..], false),
        ] {
            let (port, heard) = listen(answer);
            let url = format!("http://127.0.0.1:{port}/alive");
            let beacon = Beacon::new(&url, Duration::from_secs(5)).unwrap();
            assert_eq!(beacon.ping().await.is_ok(), good);
            assert!(heard.join().unwrap().starts_with(b"GET /alive HTTP/1.1"));
        }
    }

    #[tokio::test]
    async fn https_begins_with_a_handshake_and_trusts_nobody_who_breaks_it_off() {
        let (port, heard) = listen(b"HTTP/1.1 200 OK\r\n\r\n");
        let url = format!("https://127.0.0.1:{port}/alive");
        let beacon = Beacon::new(&url, Duration::from_secs(5)).unwrap();
        assert!(matches!(beacon.ping().await, Err(Error::NoAnswer { .. })));
        // A TLS record of the handshake, and nothing in clear.
        assert_eq!(heard.join().unwrap()[..2], [0x16, 0x03]);
    }

    #[test]
    fn other_addresses_are_refused() {
        for address in ["ftp://x/", "x", "https://"] {
            assert!(Beacon::new(address, Duration::from_secs(1)).is_err(), "{address}");
        }
    }
}
