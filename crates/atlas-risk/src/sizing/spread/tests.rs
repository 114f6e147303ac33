use atlas_core::{Bps, Price, Weight};
use proptest::prelude::*;

use super::*;
use crate::Profile;

fn price(cents: u32) -> Price {
    Price::new(Decimal::new(i64::from(cents), 2)).unwrap()
}

fn usd(dollars: u32) -> Usd {
    Usd::new(Decimal::from(dollars)).unwrap()
}

fn candidate(number: usize, cents: u32, held: u32, collar_bps: u32) -> Candidate {
    let price = price(cents);
    Candidate {
        symbol: format!("S{number}").parse().unwrap(),
        price,
        buy_price: price.moved(Decimal::new(i64::from(collar_bps), 4)).unwrap(),
        held: Qty::from_shares(held),
    }
}

fn room(equity: u32, budget: u32, funds: u32) -> Room {
    Room {
        equity: usd(equity),
        budget: usd(budget),
        funds: usd(funds),
        fee: Bps::ZERO,
        slots: 30,
        drift_band: Weight::ZERO,
    }
}

fn standard() -> Limits {
    Profile::Standard.limits().check().unwrap()
}

fn shares(sizing: &Sizing) -> Vec<String> {
    let text = |sized: &Sized| format!("{} {}", sized.symbol, sized.target);
    sizing.targets.iter().map(text).collect()
}

fn rules(sizing: &Sizing) -> Vec<(String, GateName, CutKind)> {
    let row = |cut: &Cut| (cut.symbol.to_string(), cut.rule, cut.kind);
    sizing.cuts.iter().map(row).collect()
}

#[test]
fn reference_case_of_three_and_five() {
    // Equity 10 109.39 in a bull market; prices from a cheap to a dear symbol.
    let cents = [25_000, 11_050, 9_975, 4_525, 38_000];
    let exact: Usd = "10109.39".parse().unwrap();
    let room = Room { equity: exact, budget: exact, funds: exact, ..room(0, 0, 0) };
    let sized = |count: usize| {
        let candidates: Vec<_> = (0..count).map(|n| candidate(n, cents[n], 0, 0)).collect();
        equal_weight(&candidates, &room, &standard()).unwrap()
    };
    // A third is 3369.79…: 13, 30, 33 whole shares; 252.64 are left, the largest remainder is
    // 0.783 of S2 (99.75), then 0.496 of S1 (110.50); nothing is left for S0 at 250.
    assert_eq!(shares(&sized(3)), ["S0 13", "S1 31", "S2 34"]);
    // A fifth is 2021.878; of the 234.39 left one share each goes to S3 and, as S4 is too dear, S1.
    assert_eq!(shares(&sized(5)), ["S0 8", "S1 19", "S2 20", "S3 45", "S4 5"]);
    assert!(sized(5).invested <= exact && sized(3).invested <= exact);
}

#[test]
fn cuts_name_rule_and_numbers() {
    // One candidate alone may have 35 % of equity, not all of the budget.
    let alone =
        equal_weight(&[candidate(0, 10_000, 0, 0)], &room(10_000, 10_000, 10_000), &standard());
    let alone = alone.unwrap();
    assert_eq!(shares(&alone), ["S0 35"]);
    assert_eq!(rules(&alone), [("S0".into(), GateName::PositionSize, CutKind::Reduced)]);
    let (value, limit) = (alone.cuts[0].value, alone.cuts[0].limit);
    assert_eq!((value, limit), (Decimal::from(10_000), Decimal::from(3_500)));
    // Slots of 400 are raised to the smallest position, and the last one no longer fits.
    let five: Vec<_> = (0..5).map(|n| candidate(n, 10_000, 0, 0)).collect();
    let raised = equal_weight(&five, &room(10_000, 2_000, 10_000), &standard()).unwrap();
    assert_eq!(shares(&raised), ["S0 5", "S1 5", "S2 5", "S3 5"]);
    assert_eq!(rules(&raised), [("S4".into(), GateName::TotalAllocation, CutKind::Skipped)]);
    // A share dearer than the largest position.
    let dear = [candidate(0, 10_000, 0, 0), candidate(1, 400_000, 0, 0)];
    let dear = equal_weight(&dear, &room(10_000, 6_000, 10_000), &standard()).unwrap();
    assert_eq!(shares(&dear), ["S0 35"]);
    assert_eq!(rules(&dear)[1], ("S1".into(), GateName::PositionSize, CutKind::Skipped));
    // No more slots than two.
    let two = Room { slots: 2, ..room(10_000, 6_000, 10_000) };
    let crowded = equal_weight(&five, &two, &standard()).unwrap();
    assert_eq!(shares(&crowded), ["S0 30", "S1 30"]);
    assert_eq!(rules(&crowded)[0], ("S2".into(), GateName::MaxPositions, CutKind::Skipped));
}

#[test]
fn a_part_at_a_bound_is_no_cut() {
    let one = [candidate(0, 10_000, 0, 0)];
    let sized = |wish: u32, equity: u32, profile: Profile| {
        let limits = profile.limits().check().unwrap();
        let wishes = Wishes::Dollars(vec![usd(wish)]);
        spread(&one, &wishes, &room(equity, equity, equity), &limits).unwrap()
    };
    // The largest position to the dollar is not reduced.
    let largest = sized(3_500, 10_000, Profile::Standard);
    assert_eq!((shares(&largest), rules(&largest)), (vec!["S0 35".to_owned()], vec![]));
    // 450 buy four; the smallest position of 500, here the largest too, is five.
    let raised = sized(450, 5_000, Profile::Conservative);
    assert_eq!(shares(&raised), ["S0 5"]);
    let cut = &raised.cuts[0];
    assert_eq!((cut.rule, cut.kind), (GateName::MinPosition, CutKind::Raised));
    assert_eq!((cut.value, cut.limit), (Decimal::from(400), Decimal::from(500)));
    assert_eq!(cut.sentence, "its part buys 400 USD; raised to 500 USD");
    // A dollar of equity less, and it is above the largest.
    let too_dear = sized(450, 4_999, Profile::Conservative);
    assert_eq!(rules(&too_dear), [("S0".into(), GateName::PositionSize, CutKind::Skipped)]);
    assert_eq!(too_dear.cuts[0].value, Decimal::from(500));
}

#[test]
fn wishes_weigh_and_dollars_bound() {
    let pair = [candidate(0, 1_000, 0, 0), candidate(1, 1_000, 0, 0)];
    let room = room(10_000, 4_000, 10_000);
    let sized = |wishes: Wishes| spread(&pair, &wishes, &room, &standard()).unwrap();
    let weights = sized(Wishes::Weights(vec![Decimal::from(3), Decimal::ONE]));
    assert_eq!(shares(&weights), ["S0 300", "S1 100"]);
    let dollars = sized(Wishes::Dollars(vec![usd(1_009), usd(505)]));
    assert_eq!(shares(&dollars), ["S0 100", "S1 50"]);
    let too_many = sized(Wishes::Dollars(vec![usd(6_000), usd(2_000)]));
    assert_eq!(shares(&too_many), ["S0 300", "S1 100"]);
    let none = sized(Wishes::Weights(vec![Decimal::ZERO, Decimal::ONE]));
    assert_eq!(shares(&none), ["S1 350"]);
    for wishes in [Wishes::Weights(vec![Decimal::ONE]), Wishes::Weights(vec![-Decimal::ONE; 2])] {
        assert!(spread(&pair, &wishes, &room, &standard()).is_err());
    }
}

#[test]
fn what_is_near_its_target_stays() {
    let held = [candidate(0, 10_000, 19, 0), candidate(1, 10_000, 26, 0)];
    let band = |percent: u8| Room {
        drift_band: Weight::from_percent(percent).unwrap(),
        ..room(10_000, 5_000, 5_000)
    };
    let sized = |percent| shares(&equal_weight(&held, &band(percent), &standard()).unwrap());
    assert_eq!(sized(0), ["S0 25", "S1 25"]);
    assert_eq!(sized(5), ["S0 25", "S1 25"], "keeping 26 would exceed the budget");
    assert_eq!(sized(24), ["S0 19", "S1 26"]);
}

#[test]
fn money_is_scaled_by_costs_and_raised_by_sales() {
    let pair = [candidate(0, 10_000, 0, 0), candidate(1, 5_000, 60, 0)];
    let sized = |room: Room| equal_weight(&pair, &room, &standard()).unwrap();
    // S1 sells 20 of its 60 for 1000, which with 1000 of cash just pays for 20 of S0.
    let exact = sized(room(10_000, 4_000, 1_000));
    assert_eq!(shares(&exact), ["S0 20", "S1 40"]);
    assert!(exact.cuts.is_empty(), "{:?}", exact.cuts);
    // A fee of 1 % takes a share away.
    let fee = sized(Room { fee: Bps::from_int(100), ..room(10_000, 4_000, 1_000) });
    assert_eq!(shares(&fee), ["S0 19", "S1 40"]);
    assert_eq!(rules(&fee), [("S0".into(), GateName::BuyingPower, CutKind::Reduced)]);
    assert_eq!(
        (fee.cuts[0].value, fee.cuts[0].limit),
        (Decimal::from(2_020), Decimal::from(2_000))
    );
}

#[test]
fn scaled_purchases_give_their_remainder_to_the_largest() {
    let three = [candidate(0, 30_000, 0, 0), candidate(1, 10_000, 0, 0), candidate(2, 9_000, 0, 0)];
    // Parts of 3000: 10, 30, 33 shares cost 8970; 4700 pay for 5.24, 15.7 and 17.3, so for 5, 15
    // and 17, and what is left for one more of S1 and none of the others.
    let sizing = equal_weight(&three, &room(30_000, 9_000, 4_700), &standard()).unwrap();
    assert_eq!(shares(&sizing), ["S0 5", "S1 16", "S2 17"]);
}

#[test]
fn what_scaling_makes_too_small_is_skipped_or_left() {
    let new = [candidate(0, 10_000, 0, 0), candidate(1, 10_000, 0, 0)];
    let sized = |candidates: &[Candidate], funds| {
        equal_weight(candidates, &room(10_000, 4_000, funds), &standard()).unwrap()
    };
    // 900 would be 450 each, below the smallest position: one gets it all.
    assert_eq!(shares(&sized(&new, 900)), ["S0 9"]);
    assert_eq!(shares(&sized(&new, 1_000)), ["S0 5", "S1 5"]);
    assert_eq!(shares(&sized(&new, 499)), Vec::<String>::new());
    // What is held is not sold for want of money to add to it.
    let held = [candidate(0, 10_000, 3, 0)];
    assert_eq!(shares(&sized(&held, 100)), ["S0 3"]);
    assert_eq!(shares(&sized(&held, 200)), ["S0 5"]);
}

#[test]
fn drift_is_kept_up_to_its_very_bounds() {
    let band = |percent: u8, budget: u32| Room {
        drift_band: Weight::from_percent(percent).unwrap(),
        ..room(10_000, budget, 5_000)
    };
    let sized = |held: u32, room: Room| {
        let candidates = [candidate(0, 10_000, held, 0), candidate(1, 10_000, 20, 0)];
        shares(&equal_weight(&candidates, &room, &standard()).unwrap())
    };
    // Targets of 20; 18 are a tenth of the part away.
    assert_eq!(sized(18, band(10, 4_000)), ["S0 18", "S1 20"]);
    assert_eq!(sized(18, band(9, 4_000)), ["S0 20", "S1 20"]);
    // Keeping 21 fills a budget of 4100 to the dollar, and one of 4099 no more.
    assert_eq!(sized(21, band(10, 4_100)), ["S0 21", "S1 20"]);
    assert_eq!(sized(21, band(10, 4_099)), ["S0 20", "S1 20"]);
}

#[test]
fn what_is_left_alone_is_not_filled_up_and_rounding_is_no_drift() {
    // Parts of 2050, 20.5 shares: both of 20 and of 21 are within 5 % (102.50); the share that
    // rounding leaves over is not sold from one to be bought for the other.
    let two = [candidate(0, 10_000, 20, 0), candidate(1, 10_000, 21, 0)];
    let drift_band = Weight::from_percent(5).unwrap();
    let sizing =
        equal_weight(&two, &Room { drift_band, ..room(10_000, 4_100, 5_000) }, &standard())
            .unwrap();
    assert_eq!(shares(&sizing), ["S0 20", "S1 21"]);
    assert!(sizing.targets.iter().all(|sized| sized.left_alone));
    let exact = equal_weight(&two, &room(10_000, 4_100, 5_000), &standard()).unwrap();
    assert_eq!(shares(&exact), ["S0 21", "S1 20"]);
    assert!(exact.targets.iter().all(|sized| !sized.left_alone));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the candidates, the wishes and the money: no limit breaks, no candidate is lost, the
    /// same input gives the same result, and scarce money is never overdrawn.
    #[test]
    fn limits_hold(
        legs in prop::collection::vec((50_u32..60_000, 0_u32..40, 0_u32..100), 1..9),
        equity in 1_u32..60_000,
        share in 0_u32..=100,
        funds in 0_u32..60_000,
        collar in 0_u32..500,
        band in 0_u8..30,
        weighted in any::<bool>(),
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let candidates: Vec<_> = legs
            .iter()
            .enumerate()
            .map(|(n, leg)| candidate(n, leg.0, leg.1.saturating_sub(20), collar))
            .collect();
        let weights = legs.iter().map(|leg| Decimal::from(leg.2)).collect();
        let wishes = if weighted { Wishes::Weights(weights) } else { Wishes::Equal };
        let limits = profile.limits().check().unwrap();
        let drift_band = Weight::from_percent(band).unwrap();
        let room = Room { drift_band, ..room(equity, equity * share / 100, funds) };
        let sizing = spread(&candidates, &wishes, &room, &limits).unwrap();
        prop_assert_eq!(&sizing, &spread(&candidates, &wishes, &room, &limits).unwrap());
        let cap = room.equity.share(limits.get().position_deny).unwrap();
        let (mut invested, mut spent) = (Usd::ZERO, Usd::ZERO);
        for candidate in &candidates {
            let sized = sizing.targets.iter().find(|sized| sized.symbol == candidate.symbol);
            let skipped = sizing
                .cuts
                .iter()
                .any(|cut| cut.symbol == candidate.symbol && cut.kind == CutKind::Skipped);
            prop_assert_eq!(sized.is_none(), skipped, "each is sized or skipped, with a reason");
            let target = sized.map_or(Qty::ZERO, |sized| sized.target);
            let worth = candidate.price.notional(target).unwrap();
            invested = invested.checked_add(worth).unwrap();
            prop_assert!(target.is_whole() && worth <= cap);
            let opened = candidate.held.is_zero() && !target.is_zero();
            prop_assert!(!opened || worth >= limits.get().min_position);
            let bought = target.saturating_sub(candidate.held);
            let sold = candidate.held.saturating_sub(target);
            spent = spent.checked_add(candidate.buy_price.notional(bought).unwrap()).unwrap();
            // The method counts on sales of candidates it keeps, not of those it skips.
            if sized.is_some() {
                spent = spent.checked_sub(candidate.price.notional(sold).unwrap()).unwrap();
            }
        }
        prop_assert_eq!(sizing.invested, invested);
        prop_assert!(invested <= room.budget);
        prop_assert!(spent <= room.funds || spent.is_negative());
    }
}
