//! The market as it is seen at one moment, without the account.
//!
//! Everything listed never changes, so that long answers about the past can be made while orders go
//! on to be taken.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol};

use super::Px;
use super::exchange::Exchange;
use super::listing::Listing;
use super::market::Market;
use super::quotes::Book;
use crate::Error;
use crate::costs::SlippageRate;

/// The market at one moment; cheap to take.
#[derive(Debug, Clone)]
pub(crate) struct View {
    market: Arc<Market>,
    seed: u64,
    slippage: SlippageRate,
    clock: Timestamp,
    now: Timestamp,
    quotes: BTreeMap<Symbol, Book>,
}

impl Exchange {
    /// The market at present.
    pub(crate) fn view(&self) -> View {
        View {
            market: Arc::clone(&self.market),
            seed: self.state.seed,
            slippage: self.slippage,
            clock: self.state.clock,
            now: self.now(),
            quotes: self.state.quotes.clone(),
        }
    }
}

impl View {
    /// Everything listed, and the ways of its prices.
    pub(crate) fn market(&self) -> &Market {
        &self.market
    }

    /// Everything listed.
    pub(crate) fn listings(&self) -> &BTreeMap<Symbol, Listing> {
        self.market.listings()
    }

    /// The seed of what is drawn.
    pub(crate) const fn seed(&self) -> u64 {
        self.seed
    }

    /// How far the quote is from the price, for an order of no size.
    pub(crate) const fn slippage(&self) -> SlippageRate {
        self.slippage
    }

    /// Where the clock was set.
    pub(crate) const fn clock(&self) -> Timestamp {
        self.clock
    }

    /// The venue's present; see [`Exchange::now`].
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// What stands of a quote that came in, if one does.
    pub(crate) fn book(&self, symbol: &Symbol) -> Option<Book> {
        self.quotes.get(symbol).copied()
    }

    /// Bid and offer at a moment by the bars alone.
    pub(crate) fn quote_at(
        &self,
        listing: &Listing,
        at: Timestamp,
    ) -> Result<Option<(Px, Px)>, Error> {
        quote_at(&self.market, self.slippage, listing, at)
    }
}

/// Bid and ask around the price on the way at a moment, within its bar; the price as the way has it:
/// rounded before, it would be rounded twice.
pub(super) fn quote_at(
    market: &Market,
    slippage: SlippageRate,
    listing: &Listing,
    at: Timestamp,
) -> Result<Option<(Px, Px)>, Error> {
    let Some(mark) = market.mark(listing, at)? else { return Ok(None) };
    let bar = market.bar(listing, at)?;
    let side = |side| slippage.within(mark, side, listing.trade_tick(), bar);
    Ok(Some((side(Side::Sell), side(Side::Buy))))
}
