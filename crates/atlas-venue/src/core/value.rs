//! What the account and its positions are worth.

use atlas_core::Symbol;
use atlas_core::calendar::Session;

use super::exchange::Exchange;
use super::market::{Market, Phase};
use super::quotes::Book;
use super::{Money, Px, view};
use crate::{AccountRules, Error};

impl Exchange {
    /// What the account may do.
    #[must_use]
    pub const fn rules(&self) -> AccountRules {
        self.config.account
    }

    /// Value of all positions at the last known prices, those sold short below zero.
    pub(crate) fn market_value(&self) -> Result<Money, Error> {
        let mut sum = Money::ZERO;
        for (symbol, holding) in &self.state.ledger.holdings {
            sum = sum.plus(holding.signed().at(self.mark_of_holding(symbol)?))?;
        }
        Ok(sum)
    }

    /// The last known price of something held, which is what the latest trade is told at.
    pub(crate) fn mark_of_holding(&self, symbol: &Symbol) -> Result<Px, Error> {
        if let Some(middle) = self.state.quotes.get(symbol).and_then(Book::middle) {
            let listing = self.market.listing(symbol);
            return Ok(listing.map_or(middle, |listing| listing.on_grid(middle)));
        }
        self.mark_at(symbol, self.state.clock)
    }

    /// Cash and all positions, without fees owed.
    pub(crate) fn equity(&self) -> Result<Money, Error> {
        self.state.ledger.cash.plus(self.market_value()?)
    }

    /// Best bid and offer: the last known price, worse by the slippage on either side, so that an
    /// order trades at what was quoted; where quotes come in, the last of them. `None` before the first
    /// price.
    pub(crate) fn quote(&self, symbol: &Symbol) -> Result<Option<(Px, Px)>, Error> {
        if let Some(book) = self.state.quotes.get(symbol) {
            return Ok(book.both());
        }
        let Some(listing) = self.market.listing(symbol) else { return Ok(None) };
        view::quote_at(&self.market, self.slippage, listing, self.state.clock)
    }

    /// The session that is open now.
    pub(crate) fn session(&self) -> Result<Option<Session>, Error> {
        match Market::phase(self.state.clock)? {
            Phase::Open(session) => Ok(Some(session)),
            Phase::Closed { .. } => Ok(None),
        }
    }
}
