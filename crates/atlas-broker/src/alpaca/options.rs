//! What a session lets its user choose.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::Error;

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
    /// Of bars, trades and quotes of the past `delayed_sip` and `overnight` have none of their own:
    /// asking for them is refused here, with the feed that has them.
    pub feed: Option<Feed>,
    /// Requests a minute to each host at most, beside what the broker itself tells; `None`, the
    /// default, is as many as it tells, and 200 before it has told anything. The last tenth is for
    /// orders, the last twentieth for cancels, which are never held back.
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
    /// All exchanges, 15 minutes late. Its past is that of [`Feed::Sip`], which is asked for there.
    DelayedSip,
    /// The IEX exchange alone, a few per cent of the volume.
    Iex,
    /// Over-the-counter names.
    Otc,
    /// The overnight venue Blue Ocean.
    Boats,
    /// What Alpaca derives from the overnight venue. Its past is that of [`Feed::Boats`], which is
    /// asked for there.
    Overnight,
}

impl Feed {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sip => "sip",
            Self::DelayedSip => "delayed_sip",
            Self::Iex => "iex",
            Self::Otc => "otc",
            Self::Boats => "boats",
            Self::Overnight => "overnight",
        }
    }

    /// The word on the wire for what is past; the error says which feed has it.
    pub(crate) fn past(self) -> Result<&'static str, Error> {
        let elsewhere = match self {
            Self::Sip | Self::Iex | Self::Otc | Self::Boats => return Ok(self.as_str()),
            Self::DelayedSip => Self::Sip,
            Self::Overnight => Self::Boats,
        };
        let (here, there) = (self.as_str(), elsewhere.as_str());
        Err(Error::Setup {
            problem: format!("the feed {here} has no past: ask a session with the feed {there}"),
        })
    }

    /// The word on the wire for a stream.
    pub(crate) fn streamed(self) -> Result<&'static str, Error> {
        if self == Self::Otc {
            let problem = "the feed otc has no stream: ask for its latest quotes".to_owned();
            return Err(Error::Setup { problem });
        }
        Ok(self.as_str())
    }
}
