//! How far positions may fall before they are left: what the heat limit counts with.

use std::collections::BTreeMap;

use atlas_core::{Price, Rounding, Symbol, Weight};
use atlas_risk::{Desk, SymbolDesk};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;

/// The smallest price there is, for a fall of everything.
const LEAST: Decimal = Decimal::from_parts(1, 0, 0, false, 9);

/// Falls from the price to the level a position is left at, as shares of the price; part of a plan,
/// so that every send counts with those the decision counted with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Falls {
    /// To the level the strategy leaves at, by symbol.
    pub levels: BTreeMap<Symbol, Weight>,
    /// Assumed for a position without such a level.
    pub otherwise: Weight,
}

impl Falls {
    /// The price at which a position is left, rounded down at nine decimals, so that what is at risk
    /// is rounded up.
    ///
    /// # Errors
    /// [`Error::Core`] if the price overflows.
    pub fn stop(&self, symbol: &Symbol, price: Price) -> Result<Price, Error> {
        let fall = self.levels.get(symbol).copied().unwrap_or(self.otherwise);
        let left = price.value() * (Decimal::ONE - fall.value());
        Ok(Price::new(Rounding::Down.apply(left, 9).max(LEAST))?)
    }

    /// The stops of symbols at their prices, as the gate of heat looks at them.
    ///
    /// # Errors
    /// As [`stop`](Self::stop).
    pub fn desk<'a>(
        &self,
        prices: impl IntoIterator<Item = (&'a Symbol, Price)>,
    ) -> Result<Desk, Error> {
        let mut desk = Desk::default();
        for (symbol, price) in prices {
            let stop = Some(self.stop(symbol, price)?);
            desk.symbols.insert(symbol.clone(), SymbolDesk { stop, ..SymbolDesk::default() });
        }
        Ok(desk)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_rounded_down_and_never_zero() {
        let (known, other): (Symbol, Symbol) = ("A".parse().unwrap(), "B".parse().unwrap());
        let falls = Falls {
            levels: BTreeMap::from([(known.clone(), "0.111112".parse().unwrap())]),
            otherwise: Weight::ONE,
        };
        let price: Price = "99.01".parse().unwrap();
        assert_eq!(falls.stop(&known, price).unwrap(), "88.00880088".parse().unwrap());
        assert_eq!(falls.stop(&other, price).unwrap(), "0.000000001".parse().unwrap());
        let desk = falls.desk([(&known, price)]).unwrap();
        assert_eq!(desk.symbols[&known].stop, Some("88.00880088".parse().unwrap()));
        assert!(!desk.symbols.contains_key(&other));
    }
}
