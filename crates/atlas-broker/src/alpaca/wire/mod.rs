//! What Alpaca's JSON looks like, apart from the types Atlas thinks in.
//!
//! Tolerant in: only what Atlas uses is asked for, unknown fields are passed over, words that only
//! describe are kept as they are. Strict out: a request is a fixed struct with amounts as strings.

mod account;
mod activity;
mod amount;
mod data_stream;
mod market;
mod order;
mod order_body;
mod reference;
mod update;

pub(crate) use account::{WireAccount, WireCalendarDay, WireClock, WirePosition};
pub(crate) use activity::{WireActivity, WireEntry};
pub(crate) use amount::Amount;
pub(crate) use data_stream::DataFrame;
pub(crate) use market::{
    BarsPage, CryptoSnapshots, LatestQuotes, LatestTrades, Page, QuotesPage, TradesPage, WireBar,
    WireQuote, WireSnapshot, WireTrade,
};
pub(crate) use order::WireOrder;
pub(crate) use order_body::{OrderBody, PatchBody, SMALL_CRYPTO, is_small_crypto, stop_price};
pub(crate) use reference::{WireAsset, WireCanceled, WireConfiguration, WireHistory};
pub(crate) use update::{ReadUpdate, StreamFrame};

use atlas_core::Symbol;

/// Why a well-formed piece of JSON is still no use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not what was expected.
    Bad(String),
    /// An order is in a state nobody here knows.
    UnknownState { order: String, state: String },
    /// It is understood, and Atlas does not deal in it.
    Unsupported { what: String, remedy: &'static str },
}

impl Fault {
    /// A field whose value does not fit.
    pub(crate) fn field(field: &str, problem: &dyn std::fmt::Display) -> Self {
        Self::Bad(format!("{field}: {problem}"))
    }

    /// A field that has to be there.
    pub(crate) fn missing(field: &str) -> Self {
        Self::Bad(format!("{field} is missing"))
    }
}

/// The currencies a pair may end in, longest first so that `BTCUSDT` is not taken for `BTCUSD` + T.
const QUOTE_CURRENCIES: [&str; 5] = ["USDT", "USDC", "USDG", "USD", "BTC"];

/// A symbol as Atlas spells it: crypto pairs with a slash, which some answers leave out.
pub(crate) fn symbol(text: &str, asset_class: Option<&str>) -> Result<Symbol, Fault> {
    let spelled = if asset_class == Some("crypto") && !text.contains('/') {
        QUOTE_CURRENCIES
            .iter()
            .find_map(|quote| {
                text.strip_suffix(quote).filter(|base| !base.is_empty()).zip(Some(quote))
            })
            .map(|(base, quote)| format!("{base}/{quote}"))
    } else {
        None
    };
    Symbol::new(spelled.as_deref().unwrap_or(text)).map_err(|error| Fault::Unsupported {
        what: format!("an asset whose symbol Atlas cannot hold ({error})"),
        remedy: "keep options and the like on another account",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crypto_pairs_get_their_slash_back() {
        for (given, class, kept) in [
            ("BTCUSD", Some("crypto"), "BTC/USD"),
            ("BTC/USD", Some("crypto"), "BTC/USD"),
            ("BTCUSDT", Some("crypto"), "BTC/USDT"),
            ("ETHBTC", Some("crypto"), "ETH/BTC"),
            ("USDTUSD", Some("crypto"), "USDT/USD"),
            ("USD", Some("crypto"), "USD"),
            ("BTCUSD", Some("us_equity"), "BTCUSD"),
            ("BRK.B", None, "BRK.B"),
        ] {
            assert_eq!(symbol(given, class).expect(given).as_str(), kept);
        }
        assert!(symbol("AAPL240119C00100000", None).is_err());
    }
}
