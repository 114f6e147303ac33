//! Fitting buys to the money that is really there.

use atlas_core::{Error, Price, Qty, Rounding, Usd};
use rust_decimal::Decimal;

/// One buy to be fitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// Shares planned.
    pub qty: Qty,
    /// What a share is taken to cost.
    pub price: Price,
}

/// Fits buys to what can be spent, by this rule:
///
/// 1. If all of them together cost at most `spendable`, nothing changes.
/// 2. Else every buy gets `floor(qty × spendable / total)` whole shares: each keeps the same share
///    of its plan, rounded down.
/// 3. A buy whose rest is no share, or is worth less than `minimum`, is dropped. What it would
///    have cost stays cash: money is never moved from one wish to another.
///
/// The result costs at most `spendable`, and no buy grows. It has one entry a wish, in the same
/// order; zero says dropped.
///
/// # Errors
/// [`Error::Overflow`] if an exact product does not fit.
///
/// # Examples
/// ```
/// use atlas_core::Qty;
/// use atlas_exec::sequencer::{Wish, rescale};
///
/// let wish = |shares, price: &str| Wish {
///     qty: Qty::from_shares(shares),
///     price: price.parse().unwrap(),
/// };
/// let fitted = rescale(
///     &[wish(100, "50"), wish(10, "500"), wish(3, "200")],
///     "9000".parse()?,
///     "500".parse()?,
/// )?;
/// // 10 600 are wanted, 9 000 are there; two shares of the third would be below the minimum.
/// assert_eq!(fitted, [Qty::from_shares(84), Qty::from_shares(8), Qty::ZERO]);
/// # Ok::<(), atlas_core::Error>(())
/// ```
pub fn rescale(wishes: &[Wish], spendable: Usd, minimum: Usd) -> Result<Vec<Qty>, Error> {
    let costs =
        wishes.iter().map(|wish| wish.price.notional(wish.qty)).collect::<Result<Vec<_>, _>>()?;
    let total = Usd::sum(costs)?;
    if total <= spendable {
        return Ok(wishes.iter().map(|wish| wish.qty).collect());
    }
    wishes.iter().map(|wish| fit(*wish, spendable.max(Usd::ZERO), total, minimum)).collect()
}

fn fit(wish: Wish, spendable: Usd, total: Usd, minimum: Usd) -> Result<Qty, Error> {
    let (qty, spendable, total) = (wish.qty.value(), spendable.value(), total.value());
    let overflow = Error::Overflow { operation: "share of a buy", left: qty, right: spendable };
    let product = qty.checked_mul(spendable).ok_or_else(|| overflow.clone())?;
    let mut shares = Rounding::Down.apply(product.checked_div(total).ok_or(overflow)?, 0);
    // The quotient is itself rounded in its last digit, which could lift it onto a whole number.
    if shares.checked_mul(total).is_none_or(|back| back > product) {
        shares = (shares - Decimal::ONE).max(Decimal::ZERO);
    }
    let qty = Qty::new(shares)?;
    if qty.is_zero() || wish.price.notional(qty)? < minimum {
        return Ok(Qty::ZERO);
    }
    Ok(qty)
}

#[cfg(test)]
mod properties {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn never_exceeds_never_grows_and_is_all_or_fair(
            wishes in proptest::collection::vec((1_u32..5_000, 1_i64..1_000_000), 0..12),
            cents in 0_i64..2_000_000_000,
            minimum in 0_i64..100_000,
        ) {
            let wishes: Vec<Wish> = wishes
                .into_iter()
                .map(|(qty, price)| Wish {
                    qty: Qty::from_shares(qty),
                    price: Price::new(Decimal::new(price, 2)).unwrap(),
                })
                .collect();
            let spendable = Usd::new(Decimal::new(cents, 2)).unwrap();
            let minimum = Usd::new(Decimal::new(minimum, 2)).unwrap();
            let fitted = rescale(&wishes, spendable, minimum).unwrap();
            prop_assert_eq!(fitted.len(), wishes.len());
            let cost = |qtys: &[Qty]| {
                Usd::sum(wishes.iter().zip(qtys).map(|(w, q)| w.price.notional(*q).unwrap()))
                    .unwrap()
            };
            prop_assert!(cost(&fitted) <= spendable);
            let planned: Vec<Qty> = wishes.iter().map(|w| w.qty).collect();
            let short = cost(&planned) > spendable;
            for (wish, qty) in wishes.iter().zip(&fitted) {
                prop_assert!(*qty <= wish.qty && qty.is_whole());
                if !short {
                    prop_assert_eq!(*qty, wish.qty);
                } else if !qty.is_zero() {
                    prop_assert!(wish.price.notional(*qty).unwrap() >= minimum);
                }
            }
        }
    }
}
