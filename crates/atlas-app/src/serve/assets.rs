//! What is known of the securities a served venue lists besides their prices.

use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_core::Symbol;
use atlas_venue::Listing;
use clap::Args;

use crate::exit::{Exit, Failure};

/// What is known of the securities.
#[derive(Debug, Args)]
pub(super) struct Assets {
    /// A CSV file of securities: `symbol` and any of `exchange` (NYSE, NASDAQ, ...), `shortable`
    /// (true, false), `margin_long` and `margin_short` (maintenance requirement in per cent).
    #[arg(long = "assets", value_name = "FILE")]
    file: Option<PathBuf>,
    /// Symbols nobody lends, separated by commas.
    #[arg(long, value_name = "SYMBOLS", value_delimiter = ',')]
    not_shortable: Vec<Symbol>,
    /// Symbols whose trading is halted at the start, separated by commas; `/atlas/v1/halts` lifts it.
    #[arg(long, value_name = "SYMBOLS", value_delimiter = ',')]
    halted: Vec<Symbol>,
}

/// What a line of the file says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    exchange: Option<String>,
    is_shortable: Option<bool>,
    margin_long: Option<u32>,
    margin_short: Option<u32>,
}

impl Assets {
    /// Tells the listings what is known of them; gives the symbols that are halted.
    ///
    /// # Errors
    /// [`Exit::Data`] for a file that cannot be read and for a symbol that is not listed.
    pub(super) fn tell(&self, listings: &mut [Listing]) -> Result<Vec<Symbol>> {
        if let Some(path) = &self.file {
            let text = std::fs::read_to_string(path).map_err(|error| wrong(path, &error))?;
            for (number, symbol, facts) in read(path, &text)? {
                let place = format!("{}, line {number}", path.display());
                let listing = listed(listings, &symbol, &place)?;
                *listing = facts.told_of(listing.clone());
            }
        }
        for symbol in &self.not_shortable {
            let listing = listed(listings, symbol, "--not-shortable")?;
            *listing = listing.clone().not_shortable();
        }
        for symbol in &self.halted {
            listed(listings, symbol, "--halted")?;
        }
        Ok(self.halted.clone())
    }
}

impl Facts {
    fn told_of(self, mut listing: Listing) -> Listing {
        if let Some(exchange) = &self.exchange {
            listing = listing.listed_at(exchange);
        }
        if self.is_shortable == Some(false) {
            listing = listing.not_shortable();
        }
        match (self.margin_long, self.margin_short) {
            (Some(long), Some(short)) => listing.with_margin(long, short),
            (_, _) => listing,
        }
    }

    /// Takes one column in.
    fn take(&mut self, column: &str, value: &str) -> Result<(), String> {
        let percent = || match value.parse() {
            Ok(percent @ 1..=1000) => Ok(Some(percent)),
            Ok(_) | Err(_) => Err(format!("{column} is {value:?}: give per cent from 1 to 1000")),
        };
        match column {
            "exchange" if EXCHANGES.contains(&value) => self.exchange = Some(value.to_owned()),
            "exchange" => {
                return Err(format!("exchange is {value:?}: use one of {}", EXCHANGES.join(", ")));
            }
            "shortable" => {
                let known = value.to_ascii_lowercase().parse();
                let known = known.map_err(|_| format!("shortable is {value:?}: true or false"))?;
                self.is_shortable = Some(known);
            }
            "margin_long" => self.margin_long = percent()?,
            "margin_short" => self.margin_short = percent()?,
            _ => {
                return Err(format!(
                    "unknown column {column:?}: use one of {}",
                    COLUMNS.join(", ")
                ));
            }
        }
        Ok(())
    }
}

/// The lines of a file, by number.
fn read(path: &Path, text: &str) -> Result<Vec<(usize, Symbol, Facts)>> {
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let head: Vec<&str> =
        lines.next().map_or("", |(_, line)| line).split(',').map(str::trim).collect();
    let mut all = Vec::new();
    for (at, line) in lines {
        let row = row(&head, line);
        let (symbol, facts) =
            row.map_err(|problem| wrong(path, &format!("line {}: {problem}", at + 1)))?;
        all.push((at + 1, symbol, facts));
    }
    Ok(all)
}

fn row(head: &[&str], line: &str) -> Result<(Symbol, Facts), String> {
    let values: Vec<&str> = line.split(',').map(str::trim).collect();
    if values.len() != head.len() {
        return Err(format!("{} columns where the first line has {}", values.len(), head.len()));
    }
    let (mut symbol, mut facts) = (None, Facts::default());
    for (column, value) in head.iter().zip(values) {
        match (*column, value) {
            ("symbol", text) => {
                symbol = Some(text.parse().map_err(|error: atlas_core::Error| error.to_string())?);
            }
            (_, "") => {}
            (column, value) => facts.take(column, value)?,
        }
    }
    if facts.margin_long.is_some() != facts.margin_short.is_some() {
        return Err("give margin_long and margin_short together".to_owned());
    }
    Ok((symbol.ok_or("there is no column symbol")?, facts))
}

fn listed<'a>(
    listings: &'a mut [Listing],
    symbol: &Symbol,
    place: &str,
) -> Result<&'a mut Listing> {
    let found = listings.iter_mut().find(|listing| listing.symbol() == symbol);
    found.ok_or_else(|| {
        Failure::error(Exit::Data, format!("{symbol} in {place} is not listed: check the data"))
    })
}

fn wrong(path: &Path, problem: &dyn std::fmt::Display) -> anyhow::Error {
    Failure::error(Exit::Data, format!("{} cannot be used: {problem}", path.display()))
}

/// The words Alpaca has for exchanges of stocks.
const EXCHANGES: [&str; 7] = ["NYSE", "NASDAQ", "ARCA", "AMEX", "BATS", "NYSEARCA", "OTC"];
/// The columns a file may have.
const COLUMNS: [&str; 5] = ["symbol", "exchange", "shortable", "margin_long", "margin_short"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_says_and_what_is_wrong_with_it() {
        let read = |text: &str| read(Path::new("assets.csv"), text);
        let all = read(
            "symbol,exchange,shortable,margin_long,margin_short\n\nKO,NYSE,False,,\nTQQQ,,,75,90\n",
        );
        let all = all.unwrap();
        assert_eq!((all[0].0, all[0].1.as_str(), all[0].2.is_shortable), (3, "KO", Some(false)));
        assert_eq!((all[1].2.margin_long, all[1].2.margin_short), (Some(75), Some(90)));
        assert_eq!(all[1].2.exchange, None);
        for (text, word) in [
            ("symbol,exchange\nKO,LSE\n", "LSE"),
            ("symbol,shortable\nKO,maybe\n", "maybe"),
            ("symbol,margin_long\nKO,0\n", "line 2: margin_long"),
            ("symbol,margin_long\nKO,50\n", "together"),
            ("symbol,colour\nKO,red\n", "colour"),
            ("exchange\nNYSE\n", "no column symbol"),
            ("symbol,exchange\nKO\n", "1 columns"),
            ("symbol\nko ko\n", "ko ko"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}
