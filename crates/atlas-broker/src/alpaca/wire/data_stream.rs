//! Messages of the market data stream: arrays, each element named by its `T`.

use atlas_core::{Raw, Symbol};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Fault, WireBar, WireQuote, WireTrade};
use crate::market_data::{BarKind, DataEvent};

/// One element of a message.
#[derive(Debug)]
pub(crate) enum DataFrame {
    /// `connected` or `authenticated`.
    Success(String),
    /// The complete list of what is subscribed to.
    Subscribed,
    /// The server complains.
    Error { code: i64, words: String },
    /// Data.
    Event(DataEvent),
    /// Anything else.
    Other,
}

#[derive(Debug, Deserialize)]
struct Head {
    #[serde(rename = "T")]
    kind: String,
    #[serde(rename = "S")]
    symbol: Option<String>,
    code: Option<i64>,
    msg: Option<String>,
}

impl DataFrame {
    /// Reads one message.
    pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Self>, Fault> {
        let bad = |error: serde_json::Error| Fault::Bad(error.to_string());
        let elements: Vec<&RawValue> = serde_json::from_slice(bytes).map_err(bad)?;
        elements.into_iter().map(Self::element).collect()
    }

    fn element(raw: &RawValue) -> Result<Self, Fault> {
        fn inner<'a, T: Deserialize<'a>>(raw: &'a RawValue) -> Result<T, Fault> {
            serde_json::from_str(raw.get()).map_err(|error| Fault::Bad(error.to_string()))
        }
        let head: Head = inner(raw)?;
        let symbol = || {
            let text = head.symbol.as_deref().ok_or_else(|| Fault::missing("S"))?;
            Symbol::new(text).map_err(|error| Fault::field("S", &error))
        };
        let bar = |kind: BarKind| {
            let bar = inner::<WireBar>(raw)?.bar::<Raw>()?;
            Ok(Self::Event(DataEvent::Bar { symbol: symbol()?, kind, bar }))
        };
        match head.kind.as_str() {
            "success" => Ok(Self::Success(head.msg.unwrap_or_default())),
            "subscription" => Ok(Self::Subscribed),
            "error" => Ok(Self::Error {
                code: head.code.unwrap_or_default(),
                words: head.msg.unwrap_or_else(|| "no reason given".to_owned()),
            }),
            "t" => {
                let trade = inner::<WireTrade>(raw)?.trade()?;
                Ok(Self::Event(DataEvent::Trade { symbol: symbol()?, trade }))
            }
            "q" => Ok(Self::Event(DataEvent::Quote(inner::<WireQuote>(raw)?.quote(symbol()?)?))),
            "b" => bar(BarKind::Minute),
            "u" => bar(BarKind::Updated),
            "d" => bar(BarKind::Daily),
            _ => Ok(Self::Other),
        }
    }
}
