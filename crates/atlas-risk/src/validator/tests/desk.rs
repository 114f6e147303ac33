//! The desk's sums against a recount of every position for every order, and its limits against
//! whatever fills; numbers that are none among them.

use std::collections::BTreeMap;

use atlas_core::Weight;

use super::*;
use crate::desk::SymbolDesk;
use crate::{Correlations, Desk, DeskRules};

/// What is known of one symbol; `None` where nobody says.
#[derive(Debug, Clone)]
struct Facts {
    /// Per cent below the price.
    stop: Option<u32>,
    sector: Option<u8>,
    /// With every later symbol; beyond ±1 it is no number.
    alike: Vec<f64>,
    volume: Option<f64>,
}

fn facts() -> impl Strategy<Value = Vec<Facts>> {
    let known = |share: u32| prop::sample::select((0..share).map(|i| i > 0).collect::<Vec<_>>());
    let odd = prop::sample::select(vec![f64::NAN, f64::INFINITY, 7.0]);
    let volume = prop_oneof![19 => 0.0..2e6, 1 => odd.clone()];
    let alike = prop_oneof![39 => -1.0..1.0, 1 => odd];
    let one = (known(20), 0_u32..40, known(20), 0_u8..3, prop::collection::vec(alike, 10), volume)
        .prop_map(|(stops, stop, sorts, sector, alike, volume)| Facts {
            stop: stops.then_some(stop),
            sector: sorts.then_some(sector),
            alike,
            volume: Some(volume),
        });
    prop::collection::vec(one, 10)
}

fn rules(sector: u8, pair: f64, mean: f64) -> DeskRules {
    DeskRules {
        pair_correlation: pair,
        mean_correlation: mean,
        sector: Weight::from_percent(sector).unwrap(),
        exposure: Decimal::ONE,
        min_volume: 1e4,
        min_price: Usd::ZERO,
        day_trades: None,
        cooldown_seconds: 0,
    }
}

fn desk_of(facts: &[Facts], scene: &Scene) -> Desk {
    let mut desk = Desk::default();
    let names: Vec<Symbol> = (0..facts.len()).map(|n| format!("S{n}").parse().unwrap()).collect();
    desk.correlations = Correlations::among(names.iter().cloned());
    for (at, (name, facts)) in names.iter().zip(facts).enumerate() {
        let Some(market) = scene.market.get(name) else { continue };
        let below = |percent: u32| -Decimal::new(i64::from(percent), 2);
        let known = SymbolDesk {
            stop: facts.stop.map(|stop| market.decision_price.moved(below(stop)).unwrap()),
            sector: facts.sector.map(|sector| format!("sector {sector}")),
            mean_volume: facts.volume,
            ..SymbolDesk::default()
        };
        desk.symbols.insert(name.clone(), known);
        for (other, alike) in names[at + 1..].iter().zip(&facts.alike) {
            desk.correlations.set(name, other, *alike);
        }
    }
    desk
}

/// What the gates should have looked at, counted anew.
struct Recount {
    heat: Option<Decimal>,
    sector: Option<Decimal>,
    highest: Option<f64>,
    mean: Option<f64>,
}

fn recount(held: &BTreeMap<Symbol, Decimal>, own: &Symbol, desk: &Desk, scene: &Scene) -> Recount {
    let price = |symbol: &Symbol| scene.market[symbol].decision_price.value();
    let positions: Vec<(&Symbol, Decimal)> =
        held.iter().filter(|(_, qty)| !qty.is_zero()).map(|(s, q)| (s, *q)).collect();
    let heat = positions.iter().map(|(symbol, qty)| {
        Some((price(symbol) - desk.symbols[*symbol].stop?.value()).max(Decimal::ZERO) * qty)
    });
    let sector_of = |symbol: &Symbol| desk.symbols[symbol].sector.clone();
    let in_sector =
        |symbol: &Symbol| sector_of(symbol).is_none() || sector_of(symbol) == sector_of(own);
    let sector: Decimal =
        positions.iter().filter(|(s, _)| in_sector(s)).map(|(s, qty)| price(s) * qty).sum();
    let others = positions.iter().filter(|(symbol, _)| *symbol != own);
    let alike: Option<Vec<f64>> = others.map(|(other, _)| desk.correlation(own, other)).collect();
    let count = |all: &[f64]| f64::from(u32::try_from(all.len()).unwrap());
    Recount {
        heat: heat.sum(),
        sector: sector_of(own).map(|_| sector),
        highest: alike.as_ref().map(|a| a.iter().copied().reduce(f64::max).unwrap_or(0.0)),
        mean: alike.map(|a| if a.is_empty() { 0.0 } else { a.iter().sum::<f64>() / count(&a) }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The sums the ledger keeps are those of a recount, order by order; what is unknown or no number
    /// denies every opening order.
    #[test]
    fn sums_kept_are_sums_counted(
        legs in legs(),
        facts in facts(),
        cash in 0_u32..20_000,
        sector in 51_u8..100,
        pair in 0.0..0.99,
        mean in 0.0..0.99,
    ) {
        let mut model = Model::new(&legs, cash, 100, Profile::Racehorse);
        let rules = rules(sector, pair, mean);
        let validator = Validator::with_desk(&model.limits, &rules).unwrap();
        model.scene.desk = Some(desk_of(&facts, &model.scene));
        let desk = model.scene.desk.as_ref().unwrap();
        let context = model.scene.context(Phase::Plan);
        let judged = validator.judge_with(&model.batch, &context, Some(desk));
        let mut held: BTreeMap<Symbol, Decimal> =
            model.scene.positions.iter().map(|(s, p)| (s.clone(), p.qty.value())).collect();
        for side in [Side::Sell, Side::Buy] {
            for (order, said) in model.batch.iter().zip(&judged).filter(|(o, _)| o.side == side) {
                let before = held.get(&order.symbol).copied().unwrap_or_default();
                let sign = if side == Side::Buy { Decimal::ONE } else { -Decimal::ONE };
                let after = (before + sign * order.qty.value()).max(Decimal::ZERO);
                held.insert(order.symbol.clone(), after);
                let counted = recount(&held, &order.symbol, desk, &model.scene);
                let value = |gate| said.verdicts.iter().find(|v| v.gate == gate).unwrap().value;
                prop_assert_eq!(value(GateName::Heat), counted.heat);
                prop_assert_eq!(value(GateName::Sector), counted.sector);
                for (gate, counted) in [
                    (GateName::PairCorrelation, counted.highest),
                    (GateName::MeanCorrelation, counted.mean),
                ] {
                    prop_assert_eq!(value(gate).is_some(), counted.is_some());
                    let shown: f64 = value(gate).unwrap_or_default().try_into().unwrap();
                    prop_assert!((shown - counted.unwrap_or_default()).abs() <= 5.1e-7);
                }
                let missing = counted.heat.is_none()
                    || counted.sector.is_none()
                    || counted.highest.is_none()
                    || !desk.symbols[&order.symbol].mean_volume.is_some_and(f64::is_finite);
                if said.is_denied() {
                    held.insert(order.symbol.clone(), before);
                } else {
                    prop_assert!(!missing || said.effect == Effect::Reducing);
                }
            }
        }
    }
}
