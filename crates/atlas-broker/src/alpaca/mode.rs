//! Paper and live as types.

use atlas_core::OrderRequest;
use reqwest::Url;

/// Where a session may connect to; sealed, so that no third mode can be made up.
///
/// ```compile_fail
/// struct Anywhere;
/// impl atlas_broker::alpaca::Mode for Anywhere {
///     const NAME: &'static str = "anywhere";
///     type Authority = ();
/// }
/// ```
pub trait Mode: sealed::Sealed + Send + Sync + 'static {
    /// The lower-case word for it.
    const NAME: &'static str;
    /// What a session of this mode must hold: nothing for paper, a permit for live.
    type Authority: Send + Sync;

    /// Why an order may not be sent under an authority, if it may not; every send asks.
    #[doc(hidden)]
    #[must_use]
    fn forbids(_: &Self::Authority, _: &OrderRequest) -> Option<&'static str> {
        None
    }
}

/// Alpaca's simulated account, or a venue on this machine.
///
/// Without the cargo feature `live` it is the only mode there is:
#[cfg_attr(not(feature = "live"), doc = "```compile_fail")]
#[cfg_attr(feature = "live", doc = "```")]
/// use atlas_broker::alpaca::live::Live;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {}

impl Mode for Paper {
    const NAME: &'static str = "paper";
    type Authority = ();
}

impl sealed::Sealed for Paper {
    const TRADING_HOST: &'static str = "paper-api.alpaca.markets";
    const LOOPBACK: bool = true;
    const RULE: &'static str = "use https://paper-api.alpaca.markets with \
        https://data.alpaca.markets, or a loopback address";
}

pub(crate) mod sealed {
    /// The addresses of a mode; out of reach for other crates.
    pub trait Sealed {
        /// The one trading host of Alpaca's.
        const TRADING_HOST: &'static str;
        /// Whether this machine is permitted as well.
        const LOOPBACK: bool;
        /// The rule in words.
        const RULE: &'static str;
    }
}

/// The one host that serves market data to either mode.
pub(crate) const DATA_HOST: &str = "data.alpaca.markets";

/// The one host that streams market data to either mode.
pub(crate) const STREAM_HOST: &str = "stream.data.alpaca.markets";

/// Whether the host of an address is this machine, by its literal name.
pub(crate) fn is_loopback(url: &Url) -> bool {
    let Some(host) = url.host_str() else { return false };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
