use atlas_core::{Bps, Price};
use proptest::prelude::*;

use super::*;
use crate::Profile;

fn price(cents: u32) -> Price {
    Price::new(Decimal::new(i64::from(cents), 2)).unwrap()
}

fn usd(dollars: u32) -> Usd {
    Usd::new(Decimal::from(dollars)).unwrap()
}

fn candidate(name: &str, cents: u32, held: u32, collar_bps: u32) -> Candidate {
    let price = price(cents);
    Candidate {
        symbol: name.parse().unwrap(),
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

fn field() -> Deployment {
    Deployment { target: Weight::from_percent(90).unwrap(), reserve: Usd::ZERO }
}

const ANYONE: Admission<'static> = &|_, _| None;

fn sized(further: &[Candidate], room: &Room, deployment: &Deployment) -> Sizing {
    // One candidate alone gets the largest position, 35 % of equity.
    let one = [candidate("A", 10_000, 0, 0)];
    let limits = Profile::Standard.limits().check().unwrap();
    deploy(&one, &Wishes::Equal, further, room, &limits, deployment, ANYONE).unwrap()
}

fn shares(sizing: &Sizing) -> Vec<String> {
    sizing.targets.iter().map(|sized| format!("{} {}", sized.symbol, sized.target)).collect()
}

fn rules(sizing: &Sizing) -> Vec<(String, GateName)> {
    let skipped = sizing.cuts.iter().filter(|cut| cut.kind == CutKind::Skipped);
    skipped.map(|cut| (cut.symbol.to_string(), cut.rule)).collect()
}

#[test]
fn further_candidates_fill_the_gap_and_no_more() {
    let further = ["B", "C", "D", "E"].map(|name| candidate(name, 10_000, 0, 0));
    // 3500 each up to the goal of 9000; E is not needed.
    let full = sized(&further, &room(10_000, 10_000, 10_000), &field());
    assert_eq!(shares(&full), ["A 35", "B 35", "C 20"]);
    assert_eq!(full.invested, usd(9_000));
    assert!(rules(&full).is_empty());
    // A target that is reached adds nobody.
    let third = Deployment { target: Weight::from_percent(35).unwrap(), ..field() };
    assert_eq!(shares(&sized(&further, &room(10_000, 10_000, 10_000), &third)), ["A 35"]);
    // The goal is rounded up to a share, and to the smallest position.
    let odd = [candidate("B", 2_999, 0, 0)];
    assert_eq!(shares(&sized(&odd, &room(10_000, 4_010, 9_000), &field())), ["A 35", "B 17"]);
    let fine = sized(&odd, &room(10_000, 6_000, 9_000), &field());
    assert_eq!(shares(&fine), ["A 35", "B 64"]);
}

#[test]
fn every_constraint_is_asked_before_and_named() {
    let named = |further: &[Candidate], room: &Room| rules(&sized(further, room, &field()));
    let b = [candidate("B", 10_000, 0, 0)];
    let one = Room { slots: 1, ..room(10_000, 10_000, 10_000) };
    assert_eq!(named(&b, &one), [("B".to_owned(), GateName::MaxPositions)]);
    let dear = [candidate("B", 400_000, 0, 0), candidate("C", 10_000, 0, 0)];
    let sizing = sized(&dear, &room(10_000, 10_000, 10_000), &field());
    assert_eq!(rules(&sizing), [("B".to_owned(), GateName::PositionSize)]);
    assert_eq!(shares(&sizing), ["A 35", "C 35"], "the next one is tried");
    assert_eq!(
        named(&b, &room(10_000, 3_999, 10_000)),
        [("B".to_owned(), GateName::TotalAllocation)]
    );
    let poor = sized(&b, &room(10_000, 10_000, 3_999), &field());
    assert_eq!(rules(&poor), [("B".to_owned(), GateName::BuyingPower)]);
    assert_eq!((poor.cuts[1].value, poor.cuts[1].limit), (Decimal::from(500), Decimal::from(499)));
    assert_eq!(shares(&sized(&b, &room(10_000, 10_000, 4_000), &field())), ["A 35", "B 5"]);
    // A fee and a collar are paid too.
    let fee = Room { fee: Bps::from_int(100), ..room(10_000, 10_000, 4_035) };
    assert_eq!(named(&b, &fee), [("B".to_owned(), GateName::BuyingPower)]);
    let fee = Room { fee: Bps::from_int(100), ..room(10_000, 10_000, 4_040) };
    assert_eq!(shares(&sized(&b, &fee, &field())), ["A 35", "B 5"]);
    let collar = [candidate("B", 10_000, 0, 100)];
    assert_eq!(
        named(&collar, &room(10_000, 10_000, 4_004)),
        [("B".to_owned(), GateName::BuyingPower)]
    );
}

#[test]
fn bounds_are_met_exactly() {
    let limits = |change: fn(&mut LimitsSpec)| {
        let mut spec = Profile::Standard.limits();
        change(&mut spec);
        spec.check().unwrap()
    };
    let size = |further: &[Candidate], room: &Room, limits: &Limits| {
        let one = [candidate("A", 10_000, 0, 0)];
        deploy(&one, &Wishes::Equal, further, room, limits, &field(), ANYONE).unwrap()
    };
    let plain = limits(|_| ());
    // A share that costs the largest position to the cent, and one slot that is the last.
    let dear = [candidate("B", 350_000, 0, 0)];
    assert_eq!(shares(&size(&dear, &room(10_000, 10_000, 10_000), &plain)), ["A 35", "B 1"]);
    let two = Room { slots: 2, ..room(10_000, 10_000, 10_000) };
    let further = [candidate("B", 10_000, 0, 0), candidate("C", 10_000, 0, 0)];
    let crowded = size(&further, &two, &plain);
    assert_eq!(shares(&crowded), ["A 35", "B 35"]);
    let cut = crowded.cuts.last().unwrap();
    assert_eq!((cut.value, cut.limit), (Decimal::from(3), Decimal::from(2)));
    // The smallest position takes what is left of the budget to the dollar.
    let b = [candidate("B", 10_000, 0, 0)];
    let last = size(&b, &room(10_000, 4_000, 10_000), &plain);
    assert_eq!(shares(&last), ["A 35", "B 5"]);
    // Fractions are bought to six decimals, and nothing is too small where no minimum is set.
    let fine = limits(|l| (l.shares, l.min_position) = (Shares::Fractional, Usd::ZERO));
    let third = [candidate("B", 30_000, 0, 0)];
    let sizing = size(&third, &room(10_000, 4_000, 10_000), &fine);
    // The goal is 3600; a hundred over 300 is a third of a share, rounded up.
    assert_eq!(shares(&sizing), ["A 35", "B 0.333334"]);
    let free = limits(|l| l.min_position = Usd::ZERO);
    let whole = size(&third, &room(10_000, 4_000, 10_000), &free);
    assert_eq!(shares(&whole), ["A 35", "B 1"]);
    // What one candidate took is gone for the next: 1400 are left of 4900 after A.
    let pair = [candidate("B", 10_000, 0, 0), candidate("C", 10_000, 0, 0)];
    let short = size(&pair, &room(10_000, 10_000, 4_900), &plain);
    assert_eq!(shares(&short), ["A 35", "B 14"]);
    assert_eq!(rules(&short), [("C".to_owned(), GateName::BuyingPower)]);
    // And its fee with it: 3535 and 3535 of 7574 leave 504, a dollar less than five shares cost.
    let fee = |funds: u32| Room { fee: Bps::from_int(100), ..room(10_000, 10_000, funds) };
    assert_eq!(shares(&size(&pair, &fee(7_574), &plain)), ["A 35", "B 35"]);
    assert_eq!(shares(&size(&pair, &fee(7_575), &plain)), ["A 35", "B 35", "C 5"]);
    // Where nothing is too small, a share is the least, and no money buys none.
    let broke = size(&b, &room(10_000, 10_000, 3_500), &free);
    assert_eq!(shares(&broke), ["A 35"]);
    assert_eq!(rules(&broke), [("B".to_owned(), GateName::BuyingPower)]);
}

#[test]
fn the_caller_has_a_say_and_nonsense_is_refused() {
    let limits = Profile::Standard.limits().check().unwrap();
    let one = [candidate("A", 10_000, 0, 0)];
    let further = [candidate("B", 10_000, 0, 0), candidate("A", 10_000, 0, 0)];
    let room = room(10_000, 10_000, 10_000);
    let no: Admission<'_> = &|candidate, qty| {
        Some(Cut {
            symbol: candidate.symbol.clone(),
            rule: GateName::PairCorrelation,
            kind: CutKind::Skipped,
            value: qty.value(),
            limit: Decimal::ZERO,
            sentence: "too much alike".to_owned(),
        })
    };
    let sizing = deploy(&one, &Wishes::Equal, &further, &room, &limits, &field(), no).unwrap();
    // B is refused with its 35 shares, and A is not asked twice.
    assert_eq!(rules(&sizing), [("B".to_owned(), GateName::PairCorrelation)]);
    assert_eq!(sizing.cuts[1].value, Decimal::from(35));
    let held = [candidate("B", 10_000, 1, 0)];
    let refused = |further: &[Candidate], deployment: Deployment| {
        deploy(&one, &Wishes::Equal, further, &room, &limits, &deployment, ANYONE).unwrap_err()
    };
    assert!(matches!(refused(&held, field()), Error::Sizing { name: "held", .. }));
    let debt = Deployment { reserve: -Usd::HALF_CENT, ..field() };
    assert!(matches!(refused(&[], debt), Error::Sizing { name: "reserve", .. }));
}

#[test]
fn the_reserve_is_never_spent() {
    let further = ["B", "C", "D"].map(|name| candidate(name, 10_000, 0, 0));
    let all = Weight::from_percent(100).unwrap();
    let keep = |reserve: u32| Deployment { target: all, reserve: usd(reserve) };
    let room = room(10_000, 10_000, 10_000);
    assert_eq!(shares(&sized(&further, &room, &keep(0))), ["A 35", "B 35", "C 30"]);
    assert_eq!(shares(&sized(&further, &room, &keep(2_000))), ["A 35", "B 35", "C 10"]);
    // From a budget that leaves more than the reserve in cash nothing is taken.
    let neutral = Room { budget: usd(7_000), ..room };
    assert_eq!(shares(&sized(&further, &neutral, &keep(2_000))), ["A 35", "B 35"]);
    assert_eq!(shares(&sized(&further, &room, &keep(20_000))), Vec::<String>::new());
    // Money that sales will bring does not make the reserve one to invest.
    let rich = Room { funds: usd(50_000), ..room };
    assert_eq!(shares(&sized(&further, &rich, &keep(2_000))), ["A 35", "B 35", "C 10"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever is asked for: no limit breaks, the reserve stays, nobody sized before is touched,
    /// whoever is added has passed everything, and the same input gives the same result.
    #[test]
    fn limits_hold_with_further_candidates(
        legs in prop::collection::vec((50_u32..60_000, 0_u32..40, 0_u32..2_000), 0..6),
        more in prop::collection::vec(50_u32..60_000, 0..6),
        equity in 1_u32..60_000,
        share in 0_u32..=100,
        funds in 0_u32..60_000,
        collar in 0_u32..500,
        slots in 0_usize..8,
        reserve in 0_u32..10_000,
        percent in 0_u8..=100,
        kind in 0_u8..3,
        fractional in any::<bool>(),
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let name = |kind: &str, n: usize| format!("{kind}{n}");
        let candidates: Vec<_> = legs
            .iter()
            .enumerate()
            .map(|(n, leg)| candidate(&name("S", n), leg.0, leg.1.saturating_sub(20), collar))
            .collect();
        let further: Vec<_> = more
            .iter()
            .enumerate()
            .map(|(n, cents)| candidate(&name("F", n), *cents, 0, collar))
            .collect();
        let wishes = match kind {
            0 => Wishes::Equal,
            1 => Wishes::Weights(legs.iter().map(|leg| Decimal::from(leg.2)).collect()),
            _ => Wishes::Dollars(legs.iter().map(|leg| usd(leg.2)).collect()),
        };
        let mut spec = profile.limits();
        if fractional {
            spec.shares = Shares::Fractional;
        }
        let limits = spec.check().unwrap();
        let target = Weight::from_percent(percent).unwrap();
        let deployment = Deployment { target, reserve: usd(reserve) };
        let room = Room { slots, ..room(equity, equity * share / 100, funds) };
        let size = |further: &[Candidate]| {
            deploy(&candidates, &wishes, further, &room, &limits, &deployment, ANYONE).unwrap()
        };
        let (alone, sizing) = (size(&[]), size(&further));
        prop_assert_eq!(&sizing, &size(&further));
        prop_assert_eq!(&alone.targets[..], &sizing.targets[..alone.targets.len()]);
        let cap = room.equity.share(limits.get().position_deny).unwrap();
        let (mut invested, mut left) = (Decimal::ZERO, room.funds.value());
        for sized in &sizing.targets {
            let mut all = candidates.iter().chain(&further);
            let candidate = all.find(|candidate| candidate.symbol == sized.symbol).unwrap();
            let worth = candidate.price.notional(sized.target).unwrap();
            invested += worth.value();
            left -= (sized.target.value() - candidate.held.value()).max(Decimal::ZERO)
                * candidate.buy_price.value();
            left += (candidate.held.value() - sized.target.value()).max(Decimal::ZERO)
                * candidate.price.value();
            prop_assert!(worth <= cap);
            prop_assert!(fractional || sized.target.is_whole());
            let opened = candidate.held.is_zero() && !sized.target.is_zero();
            prop_assert!(!opened || worth >= limits.get().min_position);
        }
        prop_assert_eq!(sizing.invested.value(), invested);
        prop_assert!(sizing.targets.len() <= slots);
        prop_assert!(invested <= room.budget.value());
        let bought = left < room.funds.value();
        prop_assert!(!bought || left >= Decimal::from(reserve), "{left} of a reserve of {reserve}");
        // Each further one is either added, or cut, or not needed.
        let free = Decimal::from(equity).max(Decimal::from(reserve)) - Decimal::from(reserve);
        let goal = Decimal::new(i64::from(percent), 2) * room.budget.value().min(free);
        let reached = invested >= goal;
        for candidate in &further {
            let added = sizing.targets.iter().any(|sized| sized.symbol == candidate.symbol);
            let cut = sizing.cuts.iter().any(|cut| cut.symbol == candidate.symbol);
            prop_assert!(added != cut || reached);
        }
    }
}
