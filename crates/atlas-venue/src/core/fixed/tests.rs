//! The fixed-point numbers against the decimals of `atlas-core`.

use proptest::prelude::*;

use super::*;

#[test]
fn text_forms_are_plain_decimals() {
    assert_eq!("100.05".parse::<Px>().unwrap().to_string(), "100.05");
    assert_eq!("0.000000001".parse::<Px>().unwrap().nanos(), 1);
    assert_eq!("3.000".parse::<Shares>().unwrap().to_string(), "3");
    assert_eq!("-12.5".parse::<Money>().unwrap().to_string(), "-12.5");
    for bad in ["", ".5", "1e3", "1.2.3", "+1", "-", "1.0000000001"] {
        assert!(bad.parse::<Px>().is_err(), "{bad}");
    }
    assert!("0".parse::<Px>().is_err());
    assert!("-1".parse::<Shares>().is_err());
}

#[test]
fn cents_are_rounded_up() {
    let up = |text: &str| text.parse::<Money>().unwrap().up_to_cent().unwrap().to_string();
    assert_eq!(up("0.010000000000000001"), "0.02");
    assert_eq!(up("0.01"), "0.01");
    assert_eq!(up("0"), "0");
}

#[test]
fn a_portion_of_cost_never_overflows() {
    let cost = Money::from_attos(i128::MAX / 4);
    let whole = Shares(i64::MAX);
    let half = cost.portion(Shares(i64::MAX / 2), whole);
    assert!(half.attos() > cost.attos() / 2 - i128::from(i64::MAX) * 2);
    assert_eq!(cost.portion(whole, whole), cost);
}

proptest! {
    /// Zeros are taken away as one by one, in whatever steps.
    #[test]
    fn zeros_at_the_end_are_taken_away(part in proptest::num::i64::ANY, zeros in 0_u32..20) {
        let attos = i128::from(part) * 10_i128.pow(zeros);
        let (mut units, mut scale) = (attos, 18);
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        proptest::prop_assert_eq!(trimmed(attos), (units, scale));
    }

    /// The fixed-point core and the decimals of `atlas-core` agree on every fill.
    #[test]
    fn equal_to_decimals(price in 1_i64..1_000_000_000_000_000, qty in 0_i64..1_000_000_000_000_000) {
        let (px, shares) = (Px(price), Shares(qty));
        let (p, q) = (px.to_price().unwrap(), shares.to_qty().unwrap());
        prop_assert_eq!(Px::try_from(p).unwrap(), px);
        prop_assert_eq!(Shares::try_from(q).unwrap(), shares);
        prop_assert_eq!(px.to_string(), p.to_string());
        if let (Ok(exact), Ok(ours)) = (p.notional(q), px.times(shares).to_usd()) {
            prop_assert_eq!(exact, ours);
            prop_assert_eq!(Money::try_from(exact).unwrap(), px.times(shares));
        }
    }

    /// The fast way from a series agrees with the way through decimals.
    #[test]
    fn bars_are_read_alike(
        whole in 0_u32..1_200_000, part in 0_u32..1_000_000, digits in 0_u32..4,
    ) {
        let divisor = f64::from(10_u32.pow(digits));
        for value in [
            f64::from(whole) + f64::from(part) / 1e6,
            f64::from(whole) + f64::from(part) / 1e6 / divisor,
            f64::from(part) / 1e6 / divisor,
        ] {
            let slow = Price::<atlas_core::Raw>::from_f64(value, 6, Rounding::HalfEven).ok();
            let slow = slow.and_then(|price| Px::try_from(price).ok());
            prop_assert_eq!(Px::from_bar(value).ok(), slow, "{}", value);
        }
    }

    #[test]
    fn text_round_trips(units in any::<i64>()) {
        let money = Money(i128::from(units) * 1_000_003);
        prop_assert_eq!(money.to_string().parse::<Money>().unwrap(), money);
    }

    #[test]
    fn cents_round_up_by_less_than_one(units in -1_000_000_000_000_000_000_000_i128..1_000_000_000_000_000_000_000) {
        let up = Money(units).up_to_cent().unwrap();
        prop_assert_eq!(up.0 % CENT, 0);
        prop_assert!(up.0 >= units && up.0 - units < CENT);
    }
}
