//! Files that publishers put on the web: fetched once, whole, or not at all.

use std::time::Duration;

use reqwest::Url;
use tokio::time::timeout;

use crate::Error;
use crate::alpaca::{http, mode, tls};

/// Fetches publishers' files: without keys, redirects, proxies or second tries.
///
/// # Examples
/// ```
/// use atlas_broker::history::Publisher;
/// use std::time::Duration;
///
/// let publisher = Publisher::new(Duration::from_secs(30));
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// // Plain HTTP is for this machine alone.
/// assert!(runtime.block_on(publisher.fetch("vix", "http://example.com/VIX.csv")).is_err());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Publisher {
    timeout: Duration,
}

/// The longest file that is taken: many times any publisher's daily history.
const SIZE_MAX: usize = 64 << 20;

impl Publisher {
    /// Waits no longer than `timeout` for a file, from the first byte sent to the last received.
    #[must_use]
    pub const fn new(timeout: Duration) -> Self {
        Self { timeout }
    }

    /// Fetches a file.
    ///
    /// # Errors
    /// [`Error::Published`] naming the series `what`, the address and what went wrong.
    pub async fn fetch(&self, what: &str, address: &str) -> Result<Vec<u8>, Error> {
        let fail = |problem: String| Error::Published {
            what: what.to_owned(),
            address: address.to_owned(),
            problem,
        };
        let url = Url::parse(address).map_err(|error| fail(error.to_string()))?;
        let local = mode::is_loopback(&url);
        let allowed = url.scheme() == "https" || (url.scheme() == "http" && local);
        if !allowed || !url.username().is_empty() || url.password().is_some() {
            return Err(fail("use an https address without a user".to_owned()));
        }
        let client = http::client(tls::config(local)?, self.timeout)?;
        let whole = async {
            let mut response = client.get(url).send().await.map_err(|error| http::chain(&error))?;
            let status = response.status();
            if !status.is_success() {
                return Err(format!("it was answered with {status}"));
            }
            let mut bytes = Vec::new();
            while let Some(chunk) = response.chunk().await.map_err(|error| http::chain(&error))? {
                if bytes.len() + chunk.len() > SIZE_MAX {
                    return Err(format!("it is longer than {SIZE_MAX} bytes"));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes)
        };
        let answer = timeout(self.timeout, whole).await;
        let late = |_| format!("it did not come within {:?}", self.timeout);
        answer.map_err(late).and_then(|answer| answer).map_err(fail)
    }
}
