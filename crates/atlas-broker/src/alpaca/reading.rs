//! Reading payloads apart from any connection: recordings, measurements, fuzzing.

use super::wire::{Fault, WireOrder};
use crate::{BrokerOrder, Error};

/// Reads an order as Alpaca writes it, by the rules every answer is read by.
///
/// # Errors
/// [`Error::BadAnswer`] for what is no order, [`Error::UnknownState`] for one in a state nobody
/// here knows, [`Error::Unsupported`] for one Atlas does not deal in.
///
/// # Examples
/// ```
/// let order = atlas_broker::alpaca::read_order(
///     br#"{"id":"61e69015","client_order_id":"atlas-demo-1-buy-AAPL-0","symbol":"AAPL",
///     "side":"buy","qty":"10","filled_qty":"4","status":"partially_filled",
///     "submitted_at":"2026-01-05T14:30:00Z","something_new":1}"#,
/// )?;
/// assert_eq!(order.filled_qty.to_string(), "4");
/// # Ok::<(), atlas_broker::Error>(())
/// ```
pub fn read_order(bytes: &[u8]) -> Result<BrokerOrder, Error> {
    let venue = || "a recording".to_owned();
    let bad =
        |problem: String| Error::BadAnswer { venue: venue(), request: "an order".into(), problem };
    let wire: WireOrder = serde_json::from_slice(bytes).map_err(|error| bad(error.to_string()))?;
    wire.order().map_err(|fault| match fault {
        Fault::Bad(problem) => bad(problem),
        Fault::UnknownState { order, state } => {
            Error::UnknownState { venue: venue(), order, state }
        }
        Fault::Unsupported { what, remedy } => Error::Unsupported { venue: venue(), what, remedy },
    })
}

/// Reads bytes as everything the client ever reads, and forgets what came of it: for fuzzing, which
/// looks for panics.
#[cfg(any(test, feature = "fuzzing"))]
pub fn read_everything(bytes: &[u8]) {
    use super::reply::Refusal;
    use super::wire::{
        BarsPage, CryptoSnapshots, DataFrame, LatestQuotes, LatestTrades, Page, QuotesPage,
        StreamFrame, TradesPage, WireAccount, WireActivity, WireAsset, WireCalendarDay,
        WireCanceled, WireClock, WireConfiguration, WireEntry, WireHistory, WirePosition,
        WireTrade,
    };
    use std::hint::black_box;

    use serde::de::DeserializeOwned;
    use serde_json::value::RawValue;

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
        serde_json::from_slice(bytes).ok()
    }
    drop(read_order(bytes));
    if let Some(wire) = read::<WireOrder>(bytes) {
        drop((wire.legs(), wire.client_order_id(), wire.venue_order_id()));
    }
    drop(read::<WireAccount>(bytes).map(WireAccount::account));
    drop(read::<WirePosition>(bytes).map(WirePosition::position));
    drop(read::<WireAsset>(bytes).map(WireAsset::asset));
    drop(read::<WireHistory>(bytes).map(WireHistory::history));
    black_box(read::<WireClock>(bytes));
    drop(read::<WireCalendarDay>(bytes).map(|day| day.session()));
    drop(read::<WireCanceled>(bytes).map(|order| order.id()));
    black_box(read::<WireConfiguration>(bytes));
    let activity = read::<Box<RawValue>>(bytes).and_then(|raw| WireActivity::read(&raw).ok());
    if let Some(activity) = activity {
        match &activity.entry {
            WireEntry::Fill(fill) => drop((fill.venue_order_id(), fill.cumulative())),
            WireEntry::Cash(cash) => drop(cash.entry(&activity.id)),
        }
    }
    for bars in read::<BarsPage>(bytes).and_then(|page| page.bars).into_iter().flatten() {
        for bar in bars.1.into_iter().flatten() {
            drop(bar.bar::<atlas_core::Raw>());
        }
    }
    let aapl = atlas_core::Symbol::new("AAPL").ok();
    for trade in read::<TradesPage>(bytes).into_iter().flat_map(|page| page.parts().0) {
        drop(trade.1.iter().flatten().map(WireTrade::valid).collect::<Vec<_>>());
    }
    for quotes in read::<QuotesPage>(bytes).into_iter().flat_map(|page| page.parts().0) {
        for quote in quotes.1.iter().flatten() {
            drop(aapl.clone().map(|symbol| quote.quote(symbol)));
        }
    }
    for quote in read::<LatestQuotes>(bytes).and_then(|page| page.quotes).into_iter().flatten() {
        drop(quote.1.zip(aapl.clone()).map(|(quote, symbol)| quote.quote(symbol)));
    }
    for trade in read::<LatestTrades>(bytes).and_then(|page| page.trades).into_iter().flatten() {
        drop(trade.1.map(|trade| trade.trade()));
    }
    let pairs = read::<CryptoSnapshots>(bytes).and_then(|page| page.snapshots);
    for snapshot in pairs.into_iter().flatten() {
        drop(snapshot.1.zip(aapl.clone()).map(|(snapshot, symbol)| snapshot.snapshot(&symbol)));
    }
    drop(DataFrame::read(bytes));
    if let Ok(StreamFrame::Update(update)) = StreamFrame::read(bytes) {
        drop(update.read());
    }
    let status = reqwest::StatusCode::FORBIDDEN;
    drop(Refusal::read(&super::http::Answer { status, body: bytes.to_vec(), reset: None }));
}
