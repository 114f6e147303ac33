//! Quotes as an input: what somebody else bids and offers, instead of bars.
//!
//! A quote stands until the next one of its symbol, at most until the next opening (crypto: until
//! the next one). While it stands, the symbol trades against it alone, whatever its bar says:
//!
//! - buys at the ask, sales at the bid, without slippage on top: the spread is in the quote;
//! - stops are touched by, and trailing stops follow, the side the order would trade at;
//! - in the closing auction orders trade at the last quote;
//! - a position is worth the middle of bid and ask.
//!
//! A side without offers trades nothing.

use atlas_core::{Quote, Side};
use chrono::SubsecRound;
use serde::{Deserialize, Serialize};

use super::exchange::Exchange;
use super::listing::Listing;
use super::matching::better;
use super::order::OrderRecord;
use super::path::Path;
use super::terms::{Kind, Wake};
use super::{Market, Px};
use crate::Error;

/// What is bid and offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Book {
    pub(crate) bid: Option<Px>,
    pub(crate) ask: Option<Px>,
}

impl Book {
    /// The price an order of that side trades at.
    pub(super) const fn touch(&self, side: Side) -> Option<Px> {
        match side {
            Side::Buy => self.ask,
            Side::Sell => self.bid,
        }
    }

    /// Bid and offer, if both are there.
    pub(super) fn both(&self) -> Option<(Px, Px)> {
        self.bid.zip(self.ask)
    }

    /// The middle of bid and ask, or the one there is.
    pub(crate) fn middle(&self) -> Option<Px> {
        let Some((bid, ask)) = self.both() else { return self.bid.or(self.ask) };
        Px::from_nanos(bid.nanos() + (ask.nanos() - bid.nanos()) / 2)
    }
}

impl Exchange {
    /// Takes a quote in: the clock moves to its moment, and open orders of the symbol meet it.
    ///
    /// # Errors
    /// [`Error::NotListed`], and [`Error::Setting`] for a bid above the ask, with nothing changed;
    /// otherwise as [`advance_to`](Self::advance_to).
    pub fn take_quote(&mut self, quote: &Quote) -> Result<(), Error> {
        if self.market.listing(&quote.symbol).is_none() {
            return Err(Error::NotListed { symbol: quote.symbol.to_string() });
        }
        if quote.is_crossed() {
            return Err(Error::Setting {
                setting: "quote",
                value: format!("{:?} bid for {:?} asked", quote.bid, quote.ask),
                range: "a bid at or below the ask",
            });
        }
        let book = Book {
            bid: quote.bid.map(Px::try_from).transpose()?,
            ask: quote.ask.map(Px::try_from).transpose()?,
        };
        self.advance_to(quote.ts_event.trunc_subsecs(3))?;
        self.state.quotes.insert(quote.symbol.clone(), book);
        for seq in self.open.get(&quote.symbol).cloned().unwrap_or_default() {
            if self.trades_now(seq)? && self.order(seq).is_some_and(|o| o.status.is_working()) {
                self.follow_quote(seq, book)?;
                self.meet(seq)?;
            }
        }
        Ok(())
    }

    /// Lets a trailing stop that was not touched yet follow a quote that is better for it.
    fn follow_quote(&mut self, seq: u64, book: Book) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let (Kind::Trailing(_), Wake::Asleep, Some(price)) =
            (order.kind, order.wake, book.touch(order.side))
        else {
            return Ok(());
        };
        let best = better(order.side, order.best, price);
        if order.best == Some(best) { Ok(()) } else { self.change(seq, |o| o.best = Some(best)) }
    }

    /// The way an order's symbol takes today: straight on at the quote where there is one.
    pub(super) fn path_of(
        &self,
        order: &OrderRecord,
        listing: &Listing,
        day: &atlas_core::calendar::Session,
    ) -> Result<Option<Path>, Error> {
        match self.state.quotes.get(&order.symbol) {
            Some(book) => Ok(book.touch(order.side).map(Path::still)),
            None => Market::path(&self.market, listing, day),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::VenueConfig;
    use crate::core::tests::{at, listings, order};
    use crate::core::{NewOrder, Status, Tif, Trail};

    fn quote(bid: &str, ask: &str, now: &str) -> Quote {
        let price = |text: &str| (!text.is_empty()).then(|| text.parse().unwrap());
        let symbol = "AAPL".parse().unwrap();
        Quote { symbol, bid: price(bid), ask: price(ask), ts_event: at(now) }
    }

    fn exchange() -> Exchange {
        let config = VenueConfig::realistic(at("2019-01-03T14:35:00Z"));
        Exchange::new(config, listings()).unwrap()
    }

    fn told(exchange: &Exchange, seq: u64) -> String {
        let order = exchange.order(seq).unwrap();
        let price = order.avg_price().map_or_else(String::new, |price| price.to_string());
        format!("{} {price}", order.status.as_str())
    }

    #[test]
    fn orders_meet_quotes_and_not_the_bar() {
        let mut exchange = exchange();
        exchange.take_quote(&quote("140", "140.1", "2019-01-03T14:36:00Z")).unwrap();
        exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
        assert_eq!(told(&exchange, 1), "filled 140.1");
        let limit = Kind::Limit("141".parse().unwrap());
        exchange.submit(order("AAPL", Side::Sell, "4", limit)).unwrap();
        let trail = Kind::Trailing(Trail::Price("1".parse().unwrap()));
        exchange.submit(order("AAPL", Side::Sell, "6", trail)).unwrap();
        // The bar reaches 145; the quotes do not.
        exchange.take_quote(&quote("140.5", "140.6", "2019-01-03T15:36:00Z")).unwrap();
        assert_eq!((told(&exchange, 2).as_str(), told(&exchange, 3).as_str()), ("new ", "new "));
        assert_eq!(
            exchange.mark_of_holding(&"AAPL".parse().unwrap()).unwrap(),
            "140.55".parse().unwrap()
        );
        exchange.take_quote(&quote("141.2", "", "2019-01-03T15:37:00Z")).unwrap();
        assert_eq!(told(&exchange, 2), "filled 141.2");
        exchange.take_quote(&quote("140.1", "140.3", "2019-01-03T15:38:00Z")).unwrap();
        assert_eq!(told(&exchange, 3), "filled 140.1");
    }

    #[test]
    fn a_side_without_offers_trades_nothing_and_a_quote_ends_with_its_day() {
        let mut exchange = exchange();
        exchange.take_quote(&quote("140", "", "2019-01-03T14:36:00Z")).unwrap();
        let ioc = NewOrder { tif: Tif::Ioc, ..order("AAPL", Side::Buy, "1", Kind::Market) };
        assert!(exchange.submit(ioc).is_err(), "there is no price");
        exchange.take_quote(&quote("140", "140.1", "2019-01-03T14:37:00Z")).unwrap();
        let gtc = NewOrder {
            tif: Tif::Gtc,
            ..order("AAPL", Side::Buy, "1", Kind::Limit("139".parse().unwrap()))
        };
        exchange.submit(gtc).unwrap();
        exchange.advance_to(at("2019-01-04T14:35:00Z")).unwrap();
        assert!(exchange.state().quotes.is_empty());
        exchange.submit(order("AAPL", Side::Buy, "1", Kind::Market)).unwrap();
        assert_eq!(exchange.order(2).unwrap().status, Status::Filled);
    }

    #[test]
    fn quotes_that_make_no_sense_change_nothing() {
        let mut exchange = exchange();
        assert!(exchange.take_quote(&quote("141", "140", "2019-01-03T14:36:00Z")).is_err());
        assert!(exchange.take_quote(&quote("140", "141", "2019-01-03T14:30:00Z")).is_err());
        assert!(exchange.state().quotes.is_empty());
    }
}
