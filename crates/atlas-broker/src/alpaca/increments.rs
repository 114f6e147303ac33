//! The steps and the least size a crypto pair is traded in.

use std::sync::PoisonError;

use atlas_core::{OrderRequest, Price, Symbol};
use rust_decimal::Decimal;

use super::pace::Lane;
use super::reference::Asset;
use super::wire::stop_price;
use super::{Mode, Session};
use crate::{Error, Terms};

impl<M: Mode> Session<M> {
    /// Why a crypto order does not fit the pair it is for, if it does not. What a pair asks for is
    /// read once in the life of a session.
    ///
    /// # Errors
    /// Any [`Error`] of reading it.
    pub(super) async fn misfit(
        &self,
        request: &OrderRequest,
        terms: Terms,
    ) -> Result<Option<String>, Error> {
        if !request.symbol.is_crypto() {
            return Ok(None);
        }
        Ok(match self.pair(&request.symbol).await? {
            None => Some(format!("the broker has no asset {}", request.symbol)),
            Some(asset) if !asset.tradable => {
                Some(format!("{} cannot be traded at present", request.symbol))
            }
            Some(asset) => asset.misfit(request, terms),
        })
    }

    async fn pair(&self, symbol: &Symbol) -> Result<Option<Asset>, Error> {
        let known = self.pairs.lock().unwrap_or_else(PoisonError::into_inner).get(symbol).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let asset = self.asset_in(symbol, Lane::Order).await?;
        // One that cannot be traded now may be tomorrow.
        if let Some(asset) = asset.as_ref().filter(|asset| asset.tradable) {
            let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
            pairs.insert(symbol.clone(), asset.clone());
        }
        Ok(asset)
    }
}

impl Asset {
    /// Why an order is too small for the asset, or between its steps, as far as they are told.
    fn misfit(&self, request: &OrderRequest, terms: Terms) -> Option<String> {
        let symbol = &self.symbol;
        let qty = request.qty.value();
        // Of an order for an amount of money the broker finds the quantity.
        if terms.notional().is_none() {
            if let Some(least) = self.min_order_size.filter(|least| qty < *least) {
                return Some(format!("{qty} {symbol} is less than the smallest order, {least}"));
            }
            if let Some(step) = between(qty, self.min_trade_increment) {
                return Some(format!("a quantity of {symbol} goes in steps of {step}, not {qty}"));
            }
        }
        let stop = stop_price(&request.order_type);
        let price = |price: Price| {
            let step = between(price.value(), self.price_increment)?;
            Some(format!("a price of {symbol} goes in steps of {step}, not {price}"))
        };
        request.limit_price().into_iter().chain(stop).find_map(price)
    }
}

/// The step a number lies between two multiples of, if it does.
fn between(number: Decimal, step: Option<Decimal>) -> Option<Decimal> {
    let step = step.filter(|step| *step > Decimal::ZERO)?;
    let rest = number.checked_rem(step)?;
    (!rest.is_zero()).then_some(step.normalize())
}

#[cfg(test)]
mod tests {
    use atlas_core::{OrderType, Side, TimeInForce};

    use super::*;

    fn number(text: &str) -> Option<Decimal> {
        text.parse().ok()
    }

    fn check(qty: &str, order_type: OrderType, terms: Terms) -> Option<String> {
        let asset = Asset {
            symbol: "BTC/USD".parse().expect("a symbol"),
            class: "crypto".to_owned(),
            exchange: "CRYPTO".to_owned(),
            name: String::new(),
            tradable: true,
            fractionable: true,
            marginable: false,
            shortable: false,
            min_order_size: number("0.0001"),
            min_trade_increment: number("0.00005"),
            price_increment: number("0.5"),
        };
        let request = OrderRequest {
            client_order_id: "atlas-demo-1-buy-BTC-0".parse().expect("an id"),
            symbol: asset.symbol.clone(),
            side: Side::Buy,
            qty: qty.parse().expect("a quantity"),
            order_type,
            time_in_force: TimeInForce::Gtc,
        };
        asset.misfit(&request, terms)
    }

    #[test]
    fn orders_keep_to_the_least_size_and_the_steps() {
        let price = |text: &str| text.parse::<Price>().expect("a price");
        let limit = |text: &str| OrderType::Limit { limit_price: price(text) };
        let stop = OrderType::StopLimit { stop_price: price("9.3"), limit_price: price("10") };
        let money = Terms::Notional("20".parse().expect("dollars"));
        for (qty, order_type, terms, words) in [
            ("0.0001", OrderType::Market, Terms::Simple, None),
            ("0.00015", limit("100000.50"), Terms::Simple, None),
            ("0.00005", OrderType::Market, Terms::Simple, Some("smallest order, 0.0001")),
            ("0.00012", OrderType::Market, Terms::Simple, Some("steps of 0.00005")),
            ("1", limit("100000.25"), Terms::Simple, Some("steps of 0.5, not 100000.25")),
            ("1", stop, Terms::Simple, Some("steps of 0.5, not 9.3")),
            ("0.00001", limit("100"), money, None),
            ("0.00001", limit("100.1"), money, Some("steps of 0.5")),
        ] {
            let found = check(qty, order_type, terms);
            let fits = match (&found, words) {
                (None, None) => true,
                (Some(found), Some(words)) => found.contains(words),
                (Some(_), None) | (None, Some(_)) => false,
            };
            assert!(fits, "{qty} {order_type:?} {terms:?}: {found:?}");
        }
    }

    #[test]
    fn what_is_not_told_bounds_nothing() {
        assert_eq!(between(Decimal::ONE, None), None);
        assert_eq!(between(Decimal::ONE, number("0")), None);
        assert_eq!(between(Decimal::ONE, number("0.30")), number("0.3"));
    }
}
