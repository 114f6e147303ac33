//! What a served venue limits: requests in a minute, streams, symbols.

use atlas_venue::server::StreamLimits;
use clap::Args;
use serde::Serialize;

/// What is limited.
#[derive(Debug, Args)]
pub(super) struct Limits {
    /// Requests permitted in a minute, for each account, of trading and of data apart; 0 sets no
    /// limit. Unless told otherwise 200 with `--profile alpaca-paper`, as at Alpaca, and no limit
    /// with `realistic`.
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// Market-data connections of an account to one endpoint at a time; 1 on most of Alpaca's plans,
    /// no limit unless told otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stream_connections: Option<u32>,
    /// Symbols of trades and quotes on one market-data connection; 30 on Alpaca's free plan, no limit
    /// unless told otherwise.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    stream_symbols: Option<u32>,
}

/// What is told of it when the server is ready.
#[derive(Debug, Serialize)]
pub(super) struct ToldLimits {
    requests_per_minute: Option<u32>,
    stream_connections: Option<u32>,
    stream_symbols: Option<u32>,
}

impl Limits {
    /// Requests permitted in a minute, if there is a limit.
    pub(super) fn requests(&self, imitates_alpaca: bool) -> Option<u32> {
        let usual = if imitates_alpaca { ALPACA } else { 0 };
        Some(self.rate_limit.unwrap_or(usual)).filter(|limit| *limit > 0)
    }

    /// What market-data streams are limited to.
    pub(super) const fn streams(&self) -> StreamLimits {
        StreamLimits { connections: self.stream_connections, symbols: self.stream_symbols }
    }

    /// What is told of it when the server is ready.
    pub(super) const fn told(&self, requests_per_minute: Option<u32>) -> ToldLimits {
        ToldLimits {
            requests_per_minute,
            stream_connections: self.stream_connections,
            stream_symbols: self.stream_symbols,
        }
    }
}

/// Requests in a minute that Alpaca permits an account.
const ALPACA: u32 = 200;
