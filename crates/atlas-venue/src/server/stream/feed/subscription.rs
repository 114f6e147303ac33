//! What a client of a market-data stream wants to hear.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::Symbol;
use serde_json::{Value, json};

use super::super::super::data::{Market, listing};
use crate::core::Listing;

/// What a client wants to hear: symbols by channel.
#[derive(Debug, Clone)]
pub(super) struct Subscription {
    pub(super) market: Market,
    /// Whether `FAKEPACA` stands for the first stock, and nothing else is there.
    stand_in: bool,
    channels: Channels,
    /// Most symbols of trades and quotes, if there is a limit.
    most: Option<u32>,
}

/// Symbols by channel.
type Channels = BTreeMap<&'static str, BTreeSet<String>>;

impl Subscription {
    pub(super) fn new(market: Market, stand_in: bool, most: Option<u32>) -> Self {
        let names: &[&'static str] = match market {
            Market::Stocks => &STOCK_CHANNELS,
            Market::Crypto => &CRYPTO_CHANNELS,
        };
        let channels = names.iter().map(|name| (*name, BTreeSet::new())).collect();
        Self { market, stand_in, channels, most }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.channels.values().all(BTreeSet::is_empty)
    }

    /// Adds or removes what a command names; nothing is changed if any part of it is wrong.
    ///
    /// # Errors
    /// Code and text of Alpaca's for what is wrong.
    pub(super) fn change(&mut self, command: &Value, add: bool) -> Result<(), (i64, &'static str)> {
        let mut wanted = Vec::new();
        for (name, symbols) in command.as_object().ok_or(SYNTAX)? {
            // Clients name every channel there is at Alpaca, also those they want nothing of.
            let is_empty = symbols.is_null() || symbols.as_array().is_some_and(Vec::is_empty);
            if name == "action" || is_empty {
                continue;
            }
            let Some((channel, _)) = self.channels.get_key_value(name.as_str()) else {
                return Err(stranger(name));
            };
            for symbol in symbols.as_array().ok_or(SYNTAX)? {
                let symbol = symbol.as_str().filter(|name| self.can_name(name));
                wanted.push((*channel, symbol.ok_or(SYNTAX)?));
            }
        }
        let mut channels = self.channels.clone();
        for (channel, symbol) in wanted {
            put(&mut channels, channel, symbol, add);
            if channel == "trades" && self.market == Market::Stocks {
                // Corrections come with the trades.
                put(&mut channels, "corrections", symbol, add);
                put(&mut channels, "cancelErrors", symbol, add);
            }
        }
        if add && self.most.is_some_and(|most| exceeds(&channels, most)) {
            return Err((405, "symbol limit exceeded"));
        }
        self.channels = channels;
        Ok(())
    }

    /// Whether a word can be a symbol of the market, or all of them.
    fn can_name(&self, word: &str) -> bool {
        let symbol = || Symbol::new(word).is_ok_and(|symbol| self.fits(&symbol));
        word == "*" || symbol()
    }

    /// A pair may be written without its slash, a stock has none.
    fn fits(&self, symbol: &Symbol) -> bool {
        self.market == Market::Crypto || !symbol.is_crypto()
    }

    /// The whole of it, as a client is told after every change.
    pub(super) fn told(&self) -> Value {
        let mut told = json!({ "T": "subscription" });
        for (channel, symbols) in &self.channels {
            if *channel == SELDOM && symbols.is_empty() {
                continue;
            }
            told[channel] = json!(symbols);
        }
        told
    }

    /// Whether a symbol is wanted on a channel, by name or with all others.
    pub(super) fn wants(&self, channel: &str, symbol: &str) -> bool {
        let wanted = self.channels.get(channel);
        wanted.is_some_and(|symbols| symbols.contains(symbol) || symbols.contains("*"))
    }

    /// The listings any channel is about, under the names the client uses.
    pub(super) fn listings<'a>(
        &self,
        listings: &'a BTreeMap<Symbol, Listing>,
    ) -> BTreeMap<String, &'a Listing> {
        let all = || {
            let crypto = self.market == Market::Crypto;
            listings.values().filter(move |l| l.is_crypto() == crypto)
        };
        let named: BTreeSet<&String> = self.channels.values().flatten().collect();
        if self.stand_in {
            let stock = all().next().filter(|_| !named.is_empty());
            return stock.map(|stock| (STAND_IN.to_owned(), stock)).into_iter().collect();
        }
        if named.iter().any(|name| *name == "*") {
            return all().map(|listing| (listing.symbol().to_string(), listing)).collect();
        }
        let found = |name: &&String| Some(((*name).clone(), listing(listings, name, self.market)?));
        named.iter().filter_map(found).collect()
    }
}

/// What is wrong with a channel the market does not have.
fn stranger(name: &str) -> (i64, &'static str) {
    let ours = STOCK_CHANNELS.iter().chain(&CRYPTO_CHANNELS);
    if ours.chain(&ELSEWHERE).any(|known| *known == name) {
        (410, "invalid subscribe action for this feed")
    } else {
        SYNTAX
    }
}

fn put(channels: &mut Channels, channel: &str, symbol: &str, add: bool) {
    let Some(symbols) = channels.get_mut(channel) else { return };
    if add {
        symbols.insert(symbol.to_owned());
    } else {
        symbols.remove(symbol);
    }
}

/// Whether trades and quotes are wanted of more symbols than so many, or of all.
fn exceeds(channels: &Channels, most: u32) -> bool {
    let limited = ["trades", "quotes"].iter().filter_map(|name| channels.get(name));
    let symbols: BTreeSet<&String> = limited.flatten().collect();
    symbols.iter().any(|symbol| *symbol == "*")
        || u32::try_from(symbols.len()).map_or(true, |count| count > most)
}

const SYNTAX: (i64, &str) = (400, "invalid syntax");
const STOCK_CHANNELS: [&str; 10] = [
    "trades",
    "quotes",
    "bars",
    "updatedBars",
    "dailyBars",
    "statuses",
    "lulds",
    "corrections",
    "cancelErrors",
    SELDOM,
];
const CRYPTO_CHANNELS: [&str; 6] =
    ["trades", "quotes", "orderbooks", "bars", "updatedBars", "dailyBars"];
/// A channel on which nothing is ever sent, told only to those that ask for it: few clients know it.
const SELDOM: &str = "imbalances";
/// Channels of Alpaca's other streams.
const ELSEWHERE: [&str; 2] = ["news", "pricing"];
/// The symbol of the test feed.
const STAND_IN: &str = "FAKEPACA";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_told_in_full() {
        let mut wishes = Subscription::new(Market::Stocks, false, None);
        let command = json!({ "action": "subscribe", "trades": ["AAPL"], "bars": ["*"] });
        wishes.change(&command, true).unwrap();
        let told = wishes.told();
        assert_eq!((&told["trades"], &told["corrections"]), (&json!(["AAPL"]), &json!(["AAPL"])));
        assert_eq!((&told["bars"], &told["quotes"]), (&json!(["*"]), &json!([])));
        assert!(wishes.wants("bars", "MSFT") && !wishes.wants("trades", "MSFT"));
        let command = json!({ "action": "unsubscribe", "trades": ["AAPL"], "bars": ["*"] });
        wishes.change(&command, false).unwrap();
        assert!(wishes.is_empty());
    }

    #[test]
    fn what_is_wrong_changes_nothing() {
        let mut wishes = Subscription::new(Market::Stocks, false, None);
        for (command, code) in [
            (json!({ "trades": ["AAPL"], "orderbooks": ["AAPL"] }), 410),
            (json!({ "trades": "AAPL" }), 400),
            (json!({ "trades": [1] }), 400),
            (json!({ "trades": ["aapl"] }), 400),
            (json!({ "trades": ["AAPL:NASDAQ"] }), 400),
            (json!({ "trades": ["BTC/USD"] }), 400),
            (json!({ "news": ["*"] }), 410),
            (json!({ "nonsense": ["AAPL"] }), 400),
            (json!([]), 400),
        ] {
            assert_eq!(wishes.change(&command, true).unwrap_err().0, code, "{command}");
        }
        assert!(wishes.is_empty());
    }

    #[test]
    fn channels_of_which_nothing_is_wanted_are_passed_over() {
        let mut wishes = Subscription::new(Market::Crypto, false, None);
        let command = json!({ "trades": ["BTC/USD", "ETHUSD"], "imbalances": [], "news": null,
                              "statuses": [], "lulds": null, "whatever": [] });
        wishes.change(&command, true).unwrap();
        assert_eq!(wishes.told()["trades"], json!(["BTC/USD", "ETHUSD"]));
        let mut wishes = Subscription::new(Market::Stocks, false, None);
        assert_eq!(wishes.told().get("imbalances"), None);
        wishes.change(&json!({ "imbalances": ["AAPL"] }), true).unwrap();
        assert_eq!(wishes.told()["imbalances"], json!(["AAPL"]));
    }

    #[test]
    fn symbols_of_trades_and_quotes_can_be_limited() {
        let mut wishes = Subscription::new(Market::Stocks, false, Some(2));
        let two = json!({ "trades": ["AAPL"], "quotes": ["AAPL", "MSFT"], "bars": ["*"] });
        wishes.change(&two, true).unwrap();
        for more in [json!({ "quotes": ["IBM"] }), json!({ "trades": ["*"] })] {
            assert_eq!(wishes.change(&more, true).unwrap_err().0, 405, "{more}");
        }
        wishes.change(&json!({ "quotes": ["MSFT"] }), false).unwrap();
        wishes.change(&json!({ "quotes": ["IBM"] }), true).unwrap();
        assert_eq!(wishes.told()["quotes"], json!(["AAPL", "IBM"]));
    }
}
