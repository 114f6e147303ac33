//! Sizing methods: from a risk one is willing to take to shares or shares of equity.

use atlas_core::{Price, Qty, Rounding, Usd, Weight};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::Error;

/// Shares whose loss from `entry` to `stop` is `risk` of equity; rounded down at nine decimals.
///
/// shares = equity × risk / (entry − stop)
///
/// # Errors
/// [`Error::Sizing`] unless the stop is below the entry and equity above zero; [`Error::Money`] if
/// the number does not fit.
///
/// # Examples
/// ```
/// use atlas_core::Qty;
/// use atlas_risk::sizing::fixed_fractional;
///
/// // 1 % of 10 000 over 2.50 a share.
/// let risk = "0.01".parse()?;
/// let shares = fixed_fractional("10000".parse()?, risk, "50".parse()?, "47.5".parse()?)?;
/// assert_eq!(shares, Qty::from_shares(40));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fixed_fractional(
    equity: Usd,
    risk: Weight,
    entry: Price,
    stop: Price,
) -> Result<Qty, Error> {
    let method = "fixed fractional";
    if stop >= entry {
        let rule = "below the entry";
        return Err(Error::Sizing { method, name: "stop", value: stop.to_string(), rule });
    }
    if equity <= Usd::ZERO {
        let rule = "above 0";
        return Err(Error::Sizing { method, name: "equity", value: equity.to_string(), rule });
    }
    let distance = entry.value() - stop.value();
    let shares = equity.share(risk)?.value().checked_div(distance).unwrap_or(Decimal::MAX);
    Ok(Qty::new(Rounding::Down.apply(shares, 9))?)
}

/// The stop `multiple` average true ranges below the entry, rounded down at six decimals.
///
/// The field's choice is 2.5 times the ATR of 14 sessions.
///
/// # Errors
/// [`Error::Sizing`] unless both numbers are finite and above zero and the stop is above zero.
///
/// # Examples
/// ```
/// let stop = atlas_risk::sizing::atr_stop("50".parse()?, 2.0, 2.5)?;
/// assert_eq!(stop, "45".parse()?);
/// assert!(atlas_risk::sizing::atr_stop("50".parse()?, f64::NAN, 2.5).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn atr_stop(entry: Price, atr: f64, multiple: f64) -> Result<Price, Error> {
    let method = "ATR stop";
    let atr = positive(method, "atr", atr)?;
    let multiple = positive(method, "multiple", multiple)?;
    let distance = Usd::from_f64(atr * multiple, 6, Rounding::Up)?;
    Price::new(entry.value() - distance.value()).map_err(|_| Error::Sizing {
        method,
        name: "stop",
        value: (entry.value() - distance.value()).to_string(),
        rule: "above 0",
    })
}

/// The share of equity whose volatility is the target's: `target / realised`, at most `most`; both
/// volatilities over the same horizon, such as a year. Rounded down at nine decimals.
///
/// # Errors
/// [`Error::Sizing`] unless both volatilities are finite and above zero.
pub fn volatility_target(target: f64, realised: f64, most: Weight) -> Result<Weight, Error> {
    let method = "volatility target";
    let target = positive(method, "target", target)?;
    let realised = positive(method, "realised volatility", realised)?;
    weight((target / realised).min(most.to_f64())).map(|weight| weight.min(most))
}

/// Proportions inverse to volatility (or to the ATR as a share of the price), adding up to one or a
/// little less; each rounded down at nine decimals.
///
/// # Errors
/// [`Error::Sizing`] unless every volatility is finite and above zero.
///
/// # Examples
/// ```
/// let parts = atlas_risk::sizing::inverse_volatility(&[0.01, 0.03])?;
/// assert_eq!(parts, ["0.75".parse()?, "0.25".parse()?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn inverse_volatility(volatilities: &[f64]) -> Result<Vec<Decimal>, Error> {
    let inverse = volatilities
        .iter()
        .map(|volatility| Ok(1.0 / positive("inverse volatility", "volatility", *volatility)?))
        .collect::<Result<Vec<f64>, Error>>()?;
    proportions(&inverse)
}

/// What trades of a strategy have brought so far.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TradeRecord {
    /// Trades that gained.
    pub wins: u32,
    /// Trades that lost or came out even.
    pub losses: u32,
    /// Mean gain of those that gained, as a share of what was put in.
    pub mean_win: f64,
    /// Mean loss of the others, as a share of what was put in; positive.
    pub mean_loss: f64,
}

/// The share of equity by a fraction of Kelly's rule, zero where the record has no edge.
///
/// f = fraction × (p − (1 − p) / b), with p the share of wins and b mean win over mean loss.
/// Source: J. L. Kelly, "A New Interpretation of Information Rate" (1956), for two outcomes.
///
/// # Errors
/// [`Error::Sizing`] for fewer than `min_trades` trades (the estimate would be noise), a fraction
/// outside of 0 to 1, means that are not finite and above zero.
pub fn kelly(record: &TradeRecord, fraction: f64, min_trades: u32) -> Result<Weight, Error> {
    let method = "fractional Kelly";
    let trades = record.wins.saturating_add(record.losses);
    if trades < min_trades.max(1) {
        let rule = "at least the number the policy asks for";
        return Err(Error::Sizing { method, name: "trades", value: trades.to_string(), rule });
    }
    if !(fraction > 0.0 && fraction <= 1.0) {
        let rule = "above 0 and at most 1";
        return Err(Error::Sizing { method, name: "fraction", value: fraction.to_string(), rule });
    }
    let win = positive(method, "mean win", record.mean_win)?;
    let loss = positive(method, "mean loss", record.mean_loss)?;
    let wins = f64::from(record.wins) / f64::from(trades);
    weight(fraction * (wins - (1.0 - wins) * loss / win))
}

/// Proportions lowered where candidates move together: each is divided by one plus the sum of its
/// correlations above `threshold` with the others; rounded down at nine decimals.
///
/// `correlations` is the square matrix of correlations, row by row.
///
/// # Errors
/// [`Error::Sizing`] unless the matrix is square, of the weights' size, finite and within ±1, and
/// the threshold within 0 to 1.
pub fn correlation_cut(
    weights: &[Decimal],
    correlations: &[f64],
    threshold: f64,
) -> Result<Vec<Decimal>, Error> {
    let method = "correlation cut";
    let size = weights.len();
    let wrong = |name, value: String, rule| Err(Error::Sizing { method, name, value, rule });
    if correlations.len() != size * size {
        let rule = "the square of the number of candidates";
        return wrong("matrix size", correlations.len().to_string(), rule);
    }
    if !(0.0..=1.0).contains(&threshold) {
        return wrong("threshold", threshold.to_string(), "from 0 to 1");
    }
    if let Some(odd) = correlations.iter().find(|rho| !(-1.000_001..=1.000_001).contains(*rho)) {
        return wrong("correlation", odd.to_string(), "from -1 to 1");
    }
    let cut = |(at, weight): (usize, &Decimal)| {
        let row = &correlations[at * size..(at + 1) * size];
        let crowded: f64 = row
            .iter()
            .enumerate()
            .filter(|(other, rho)| *other != at && **rho > threshold)
            .map(|(_, rho)| *rho)
            .sum();
        let divisor = Usd::from_f64(1.0 + crowded, 9, Rounding::Up)?.value();
        Ok(Rounding::Down.apply(*weight / divisor, 9))
    };
    weights.iter().enumerate().map(cut).collect()
}

/// Numbers above zero as proportions that add up to one at most.
pub(super) fn proportions(numbers: &[f64]) -> Result<Vec<Decimal>, Error> {
    let sum: f64 = numbers.iter().sum();
    let share = |number: &f64| weight(number / sum).map(Weight::value);
    numbers.iter().map(share).collect()
}

/// A share of equity from statistics, rounded down at nine decimals, zero below zero, one above one.
fn weight(share: f64) -> Result<Weight, Error> {
    let exact = Usd::from_f64(share.clamp(0.0, 1.0), 9, Rounding::Down)?;
    Ok(Weight::new(exact.value())?)
}

fn positive(method: &'static str, name: &'static str, value: f64) -> Result<f64, Error> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Error::Sizing { method, name, value: value.to_string(), rule: "finite and above 0" })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(dollars: u32) -> Usd {
        Usd::new(Decimal::from(dollars)).unwrap()
    }

    fn price(cents: u32) -> Price {
        Price::new(Decimal::new(i64::from(cents), 2)).unwrap()
    }

    proptest! {
        /// More risk buys no fewer shares, a wider stop no more; the loss at the stop keeps to the
        /// risk.
        #[test]
        fn shares_grow_with_risk_and_shrink_with_distance(
            equity in 1_u32..1_000_000,
            risk in 1_u8..50,
            entry in 200_u32..100_000,
            near in 1_u32..100,
            wider in 1_u32..100,
        ) {
            let size = |risk: u8, stop: u32| {
                let risk = Weight::from_percent(risk).unwrap();
                fixed_fractional(usd(equity), risk, price(entry), price(stop)).unwrap()
            };
            let stop = entry - near;
            let shares = size(risk, stop);
            prop_assert!(size(risk + 1, stop) >= shares);
            prop_assert!(size(risk, (stop - wider.min(stop - 1)).max(1)) <= shares);
            let loss = shares.value() * Decimal::new(i64::from(near), 2);
            let allowed = usd(equity).share(Weight::from_percent(risk).unwrap()).unwrap();
            prop_assert!(loss <= allowed.value());
        }

        #[test]
        fn inverse_proportions_order_and_add_up(vols in prop::collection::vec(1e-4_f64..2.0, 1..9)) {
            let parts = inverse_volatility(&vols).unwrap();
            let sum: Decimal = parts.iter().sum();
            prop_assert!(sum <= Decimal::ONE && sum > Decimal::new(999_999, 6));
            for (a, b) in (0..vols.len()).flat_map(|a| (0..vols.len()).map(move |b| (a, b))) {
                prop_assert!(vols[a] < vols[b] || parts[a] <= parts[b]);
            }
        }
    }

    #[test]
    fn kelly_knows_when_it_does_not_know() {
        let record = TradeRecord { wins: 60, losses: 40, mean_win: 0.1, mean_loss: 0.1 };
        assert_eq!(kelly(&record, 0.5, 100).unwrap(), "0.1".parse().unwrap());
        assert!(kelly(&record, 0.5, 101).is_err());
        assert!(kelly(&TradeRecord { mean_loss: f64::NAN, ..record }, 0.5, 1).is_err());
        let losing = TradeRecord { wins: 40, losses: 60, ..record };
        assert_eq!(kelly(&losing, 1.0, 1).unwrap(), Weight::ZERO);
        assert!(kelly(&TradeRecord { wins: 0, losses: 0, ..record }, 0.5, 0).is_err());
    }

    #[test]
    fn bounds_are_refused_by_name() {
        let named = |error: Error| {
            let Error::Sizing { name, .. } = error else { panic!("{error:?}") };
            name
        };
        let risk = Weight::from_percent(1).unwrap();
        let size = |equity, stop| fixed_fractional(usd(equity), risk, price(500), price(stop));
        assert_eq!(named(size(100, 500).unwrap_err()), "stop");
        assert_eq!(named(size(0, 400).unwrap_err()), "equity");
        let stop = atr_stop(price(500), 2.0, 2.5).unwrap_err();
        assert!(
            matches!(&stop, Error::Sizing { name: "stop", value, .. } if value == "0"),
            "{stop}"
        );
        let record = TradeRecord { wins: 3, losses: 1, mean_win: 0.1, mean_loss: 0.1 };
        assert_eq!(kelly(&record, 1.0, 4).unwrap(), "0.5".parse().unwrap());
        for fraction in [0.0, -0.5, 1.01, f64::NAN] {
            assert_eq!(named(kelly(&record, fraction, 1).unwrap_err()), "fraction");
        }
        let weights = [Decimal::ONE, Decimal::ONE];
        let at = correlation_cut(&weights, &[1.0, 0.5, 0.5, 1.0], 0.5).unwrap();
        assert_eq!(at, weights, "a correlation at the threshold cuts nothing");
    }

    #[test]
    fn volatility_targets_are_capped_and_refuse_nonsense() {
        let most = Weight::from_percent(80).unwrap();
        assert_eq!(volatility_target(0.1, 0.4, most).unwrap(), "0.25".parse().unwrap());
        assert_eq!(volatility_target(0.4, 0.1, most).unwrap(), most);
        assert!(volatility_target(0.1, 0.0, most).is_err());
        assert!(inverse_volatility(&[0.1, f64::INFINITY]).is_err());
    }

    #[test]
    fn what_moves_together_gets_less() {
        let weights = ["0.5".parse().unwrap(), "0.5".parse().unwrap()];
        let cut = correlation_cut(&weights, &[1.0, 0.6, 0.6, 1.0], 0.5).unwrap();
        assert_eq!(cut, ["0.3125".parse().unwrap(), "0.3125".parse().unwrap()]);
        assert_eq!(correlation_cut(&weights, &[1.0, 0.4, 0.4, 1.0], 0.5).unwrap(), weights);
        // Three candidates: each row of the matrix is its own.
        let three = [Decimal::ONE; 3];
        let matrix = [1.0, 0.6, 0.0, 0.6, 1.0, 1.0, 0.0, 1.0, 1.0];
        let cut = correlation_cut(&three, &matrix, 0.5).unwrap();
        assert_eq!(cut, ["0.625", "0.384615384", "0.5"].map(|part| part.parse().unwrap()));
        // Equal risk at a distance: 1 % of 10 000 over 5 of 50.
        let risk = Weight::from_percent(1).unwrap();
        let size = |stop| fixed_fractional(usd(10_000), risk, price(5_000), price(stop)).unwrap();
        assert_eq!((size(4_500), size(2_500)), (Qty::from_shares(20), Qty::from_shares(4)));
        assert!(correlation_cut(&weights, &[1.0, f64::NAN, 0.0, 1.0], 0.5).is_err());
        assert!(correlation_cut(&weights, &[1.0], 0.5).is_err());
    }
}
