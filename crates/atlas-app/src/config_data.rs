//! The part of the configuration about live market data.

use std::path::PathBuf;

use atlas_broker::alpaca::Feed;
use atlas_broker::history::Publication;
use atlas_core::{AccountName, Symbol};
use atlas_regime::RateQuote;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// Where live market data come from (`--data alpaca`).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LiveDataConfig {
    /// The Alpaca account whose keys read the data; the account that trades unless named.
    pub(crate) account: Option<AccountName>,
    /// Whose bars.
    pub(crate) feed: FeedWord,
    /// First session that is downloaded.
    pub(crate) first: NaiveDate,
    /// The fund whose adjusted closes stand for the index.
    pub(crate) index: String,
    /// `cboe`, `fred`, `etf:SYMBOL` (a fund in its place), `none`, or a file.
    pub(crate) vix: String,
    /// `fred`, `none`, or a file.
    pub(crate) rate: String,
    /// Cboe's daily history of the VIX.
    pub(crate) cboe_url: String,
    /// FRED's download address, to which `?id=SERIES` is added.
    pub(crate) fred_url: String,
    /// Seconds a publisher's file may take.
    pub(crate) publisher_timeout_s: u16,
}

impl Default for LiveDataConfig {
    fn default() -> Self {
        Self {
            account: None,
            feed: FeedWord::Sip,
            first: NaiveDate::from_ymd_opt(2016, 1, 4).unwrap_or_default(),
            index: "SPY".into(),
            vix: "cboe".into(),
            rate: "fred".into(),
            cboe_url: "https://cdn.cboe.com/api/global/us_indices/daily_prices/VIX_History.csv"
                .into(),
            fred_url: "https://fred.stlouisfed.org/graph/fredgraph.csv".into(),
            publisher_timeout_s: 60,
        }
    }
}

/// A source of US stock data at Alpaca.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum FeedWord {
    /// All exchanges.
    Sip,
    /// The IEX exchange alone.
    Iex,
}

impl From<FeedWord> for Feed {
    fn from(word: FeedWord) -> Self {
        match word {
            FeedWord::Sip => Self::Sip,
            FeedWord::Iex => Self::Iex,
        }
    }
}

impl LiveDataConfig {
    /// Where the VIX comes from; the error says what is wrong with the setting.
    pub(crate) fn vix(&self) -> Result<Publication, String> {
        if let Some(name) = self.vix.strip_prefix("etf:") {
            let symbol = Symbol::new(name).map_err(|error| format!("live_data.vix: {error}"))?;
            return Ok(Publication::StandIn(symbol));
        }
        self.published("vix", &self.vix, "VIXCLS")
    }

    /// Where the short rate comes from; the error says what is wrong with the setting.
    pub(crate) fn rate(&self) -> Result<Publication, String> {
        if self.rate == "cboe" {
            return Err("live_data.rate is \"cboe\"; use fred, none or a file".to_owned());
        }
        self.published("rate", &self.rate, "DTB3")
    }

    /// How that rate is quoted: FRED's `DTB3` is a discount, by name or in a file named so.
    pub(crate) fn rate_quote(&self) -> RateQuote {
        let stem = |file: &str| file.rsplit(['/', '\\']).next().map(str::to_lowercase);
        match self.rate.as_str() {
            "fred" => RateQuote::Discount,
            file if stem(file).is_some_and(|name| name.starts_with("dtb3")) => RateQuote::Discount,
            _ => RateQuote::BondEquivalent,
        }
    }

    /// The fund that stands for the index.
    pub(crate) fn index(&self) -> Result<Symbol, String> {
        Symbol::new(&self.index).map_err(|error| format!("live_data.index: {error}"))
    }

    fn published(&self, key: &str, value: &str, id: &str) -> Result<Publication, String> {
        match value {
            "" => Err(format!("live_data.{key} is empty; name a source")),
            "none" => Ok(Publication::None),
            "cboe" => Ok(Publication::Address(self.cboe_url.clone())),
            "fred" => Ok(Publication::Address(format!("{}?id={id}", self.fred_url))),
            file => Ok(Publication::File(PathBuf::from(file))),
        }
    }

    /// Looks for values that make no sense.
    pub(crate) fn check(&self, require: &mut impl FnMut(bool, &str)) {
        for problem in [self.vix().err(), self.rate().err(), self.index().err()] {
            require(problem.is_none(), problem.as_deref().unwrap_or_default());
        }
        let seconds = self.publisher_timeout_s;
        require(
            (1..=600).contains(&seconds),
            &format!("live_data.publisher_timeout_s is {seconds}; use 1 to 600"),
        );
    }
}
