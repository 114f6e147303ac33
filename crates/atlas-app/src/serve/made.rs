//! Stocks the data do not have, made as crypto pairs are.

use std::collections::BTreeMap;
use std::str::FromStr;

use anyhow::Result;
use atlas_core::Symbol;
use atlas_venue::core::Origin;
use atlas_venue::{Listing, synth};
use chrono::NaiveDate;

use crate::exit::{Exit, Failure};

/// A stock to make, and where its prices begin.
#[derive(Debug, Clone, PartialEq)]
struct Wish {
    symbol: Symbol,
    price: f64,
}

/// The stocks to make.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Made {
    wishes: Vec<Wish>,
    /// Whether they were asked for by name.
    is_told: bool,
}

impl Made {
    /// What is made unless told: nothing beside data of one's own.
    pub(super) fn usual(is_sample: bool) -> Self {
        let wishes = USUAL.iter().filter(|_| is_sample).filter_map(|word| word.parse().ok());
        Self { wishes: wishes.collect(), is_told: false }
    }

    /// Lists them, with prices from one date to another.
    ///
    /// # Errors
    /// [`Exit::Usage`] for one that was asked for and that the data have.
    pub(super) fn list(
        &self,
        all: &mut BTreeMap<Symbol, Listing>,
        (first, last): (NaiveDate, NaiveDate),
        seed: u64,
    ) -> Result<()> {
        for Wish { symbol, price } in &self.wishes {
            if all.contains_key(symbol) {
                if self.is_told {
                    let text = format!("--made names {symbol}, which the data have: leave it out");
                    return Err(Failure::error(Exit::Usage, text));
                }
                continue;
            }
            let made = synth::stock(symbol, *price, first, last, seed)?;
            let listing = Listing::raw(made).in_cents().with_origin(Origin::Made);
            all.insert(symbol.clone(), listing);
        }
        Ok(())
    }

    /// The flag that asks for them.
    pub(super) fn told(&self) -> String {
        let words = self.wishes.iter().map(|Wish { symbol, price }| format!("{symbol}:{price}"));
        let words: Vec<String> = words.collect();
        if words.is_empty() { "off".to_owned() } else { words.join(",") }
    }
}

impl FromStr for Made {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wishes = match text {
            "off" => Vec::new(),
            text => text.split(',').map(str::parse).collect::<Result<_, _>>()?,
        };
        Ok(Self { wishes, is_told: true })
    }
}

impl FromStr for Wish {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not SYMBOL:PRICE, as SPY:250, or off");
        let (symbol, price) = text.trim().split_once(':').ok_or_else(wrong)?;
        let symbol: Symbol = symbol.parse().map_err(|_| wrong())?;
        let price: f64 = price.parse().map_err(|_| wrong())?;
        if symbol.is_crypto() || !(1.0..=100_000.0).contains(&price) {
            return Err(format!("{text:?} has to be a stock, at a price from 1 to 100000"));
        }
        Ok(Self { symbol, price })
    }
}

/// What is made beside the bundled sample: the stocks that test suites and examples of clients trade.
const USUAL: [&str; 4] = ["AMZN:1500", "QQQ:150", "SPY:250", "TSLA:60"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stocks_to_make_are_named_with_their_prices() {
        let made: Made = "SPY:200.5, IBM:3".parse().unwrap();
        assert_eq!(made.told(), "SPY:200.5,IBM:3");
        assert_eq!("off".parse::<Made>().unwrap().told(), "off");
        for bad in ["", "SPY", "SPY:", "SPY:0", "SPY:-1", "SPY:NaN", "BTC/USD:5", "spy:5", ":5"] {
            assert!(bad.parse::<Made>().is_err(), "{bad}");
        }
        assert_eq!(Made::usual(true).told(), "AMZN:1500,QQQ:150,SPY:250,TSLA:60");
        assert_eq!(Made::usual(false).told(), "off");
    }

    #[test]
    fn what_the_data_have_is_not_made() {
        let day = |text: &str| text.parse().unwrap();
        let span = (day("2019-01-02"), day("2019-01-31"));
        let (mut all, made) = (BTreeMap::new(), "SPY:200".parse::<Made>().unwrap());
        made.list(&mut all, span, 0).unwrap();
        let spy = all.values().next().unwrap();
        assert_eq!((spy.origin(), spy.last_date()), (Origin::Made, Some(span.1)));
        assert!(made.list(&mut all, span, 0).unwrap_err().to_string().contains("leave it out"));
        Made::usual(true).list(&mut all, span, 0).unwrap();
        assert_eq!(all.len(), 4);
    }
}
