//! What a session lets its user choose.

use std::num::NonZeroU32;
use std::time::Duration;

/// Choices for a session.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::Options;
/// use std::time::Duration;
///
/// let options = Options { timeout: Duration::from_secs(3), ..Options::default() };
/// assert_eq!(options.feed, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Deadline of each request, from the wait for its turn to the last byte; above zero.
    /// Ten seconds by default.
    pub timeout: Duration,
    /// Whose quotes and bars to ask for; `None`, the default, is the best the subscription allows.
    pub feed: Option<Feed>,
    /// Requests a minute to each host at most, beside what the broker itself tells; `None`, the
    /// default, is as many as it tells, and 200 before it has told anything. The last tenth is for orders, the last twentieth for
    /// cancels, which are never held back.
    pub requests_per_minute: Option<NonZeroU32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(10), feed: None, requests_per_minute: None }
    }
}

/// A source of US stock data at Alpaca.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Feed {
    /// All exchanges; the last 15 minutes need a paid subscription.
    Sip,
    /// The IEX exchange alone, a few per cent of the volume.
    Iex,
    /// Over-the-counter names.
    Otc,
    /// The overnight venue Blue Ocean.
    Boats,
}

impl Feed {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::Iex => "iex",
            Self::Otc => "otc",
            Self::Boats => "boats",
        }
    }
}
