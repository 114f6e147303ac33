//! The bad orders of the desk's gates and their neighbours.

use atlas_core::{Price, Qty, Rounding, Symbol, Usd};
use chrono::TimeDelta;
use rust_decimal::Decimal;

use super::{Probe, Scene, probes};
use crate::Error;
use crate::correlations::Correlations;
use crate::desk::{Desk, DeskRules, SymbolDesk};
use crate::limits::Limits;
use crate::verdict::GateName;

/// Gives a scene stops at the price, so that nothing is at risk.
pub(super) fn at_stops(scene: &mut Scene) {
    let mut desk = Desk::default();
    for name in scene.market.keys().chain(scene.positions.keys()) {
        let price = scene.market.get(name).map(|market| market.decision_price);
        let held = scene.positions.get(name).map(|held| held.current_price);
        let known = SymbolDesk { stop: price.or(held), ..SymbolDesk::default() };
        desk.symbols.insert(name.clone(), known);
    }
    scene.desk = Some(desk);
}

/// The probes of heat alone.
pub(super) fn heat(limits: &Limits) -> Result<Vec<Probe>, Error> {
    let mut base = probes::base(limits)?;
    at_stops(&mut base);
    let mut made = Made { base, other: Symbol::new("OTHER")?, probes: Vec::new() };
    made.heat(limits)?;
    Ok(made.probes)
}

/// Gives a scene a desk on which nothing is wrong: stops at the price, no correlations, a sector of
/// its own for every symbol, plenty of volume.
pub(super) fn equip(scene: &mut Scene, rules: &DeskRules) {
    let names: Vec<Symbol> = scene.market.keys().chain(scene.positions.keys()).cloned().collect();
    let mut desk = Desk { day_trades: Some(0), ..Desk::default() };
    for name in &names {
        let price = scene.market.get(name).map(|market| market.decision_price);
        let held = scene.positions.get(name).map(|held| held.current_price);
        let known = SymbolDesk {
            stop: price.or(held),
            sector: Some(name.to_string()),
            mean_volume: Some(rules.min_volume),
            raw_price: Price::new(rules.min_price.value()).ok().or(price).or(held),
            last_loss: None,
        };
        desk.symbols.insert(name.clone(), known);
    }
    desk.correlations = Correlations::among(names.iter().cloned());
    for one in &names {
        for other in &names {
            desk.correlations.set(one, other, 0.0);
        }
    }
    scene.desk = Some(desk);
}

/// Every probe of the desk.
pub(super) fn all(limits: &Limits, rules: &DeskRules) -> Result<Vec<Probe>, Error> {
    let mut base = probes::base(limits)?;
    let other = Symbol::new("OTHER")?;
    let price = Price::new(Decimal::ONE)?;
    base.hold(&other, Qty::from_shares(1), price);
    base.price(&other, price)?;
    equip(&mut base, rules);
    let mut made = Made { base, other, probes: Vec::new() };
    made.money(limits, rules)?;
    made.numbers(rules);
    Ok(made.probes)
}

struct Made {
    base: Scene,
    other: Symbol,
    probes: Vec<Probe>,
}

impl Made {
    fn pair(
        &mut self,
        gate: GateName,
        name: &'static str,
        bad: &dyn Fn(&mut Scene),
        good: &dyn Fn(&mut Scene),
    ) {
        let (mut worse, mut better) = (self.base.clone(), self.base.clone());
        bad(&mut worse);
        good(&mut better);
        self.probes.push(Probe { gate, name, bad: worse, good: better });
    }

    /// A stop that puts exactly the limit at risk, and one a dime further away.
    fn heat(&mut self, limits: &Limits) -> Result<(), Error> {
        let Some(price) = self.base.request.limit_price() else { return Ok(()) };
        let (qty, limits) = (self.base.request.qty.value(), limits.get());
        let no_stop = |scene: &mut Scene| known(scene, |known| known.stop = None);
        self.pair(GateName::Heat, "a position without a stop", &no_stop, &|_| ());
        // So far a fall that the largest position reaches the limit, and a little: heat alone speaks.
        let least = limits.heat_deny.value() / limits.position_deny.value();
        let share = Rounding::Up.apply(least, 2) + Decimal::new(1, 2);
        let dime = Decimal::new(1, 1);
        let fall = Rounding::Up.apply(price.value() * share, 2);
        if fall + dime >= price.value() {
            return Ok(());
        }
        let stop = Price::new(price.value() - fall)?;
        let lower = Price::new(stop.value() - dime)?;
        let equity = Rounding::Up.apply(fall * qty / limits.heat_deny.value(), 2);
        let equity = Usd::new(equity)?;
        let stopped = |stop: Price| {
            move |scene: &mut Scene| {
                scene.equity = equity;
                known(scene, |known| known.stop = Some(stop));
            }
        };
        self.pair(GateName::Heat, "a stop a dime too far", &stopped(lower), &stopped(stop));
        Ok(())
    }

    /// Heat, sector and exposure: amounts a cent above and at their limits.
    fn money(&mut self, limits: &Limits, rules: &DeskRules) -> Result<(), Error> {
        self.heat(limits)?;
        let Some(price) = self.base.request.limit_price() else { return Ok(()) };
        let cost = price.notional(self.base.request.qty)?;
        let unknown = |scene: &mut Scene| known(scene, |known| known.sector = None);
        self.pair(GateName::Sector, "an unknown sector", &unknown, &|_| ());
        self.worth(rules, cost)
    }

    /// Another position that fills a sector, or the multiple of equity, to the limit or a dollar
    /// above it.
    fn worth(&mut self, rules: &DeskRules, cost: Usd) -> Result<(), Error> {
        let equity = self.base.equity;
        let filled = |most: Usd| -> Result<(Price, Price), Error> {
            let rest = Rounding::Down.apply(most.checked_sub(cost)?.value(), 2);
            Ok((Price::new(rest + Decimal::ONE)?, Price::new(rest)?))
        };
        let other = self.other.clone();
        let holding = |price: Price, alike: bool| {
            let other = other.clone();
            move |scene: &mut Scene| {
                scene.hold(&other, Qty::from_shares(1), price);
                scene.market.remove(&other);
                scene.budget = Usd::new(price.value() * Decimal::TWO).unwrap_or(scene.budget);
                scene.budget = scene.budget.max(scene.equity);
                let own = scene.request.symbol.to_string();
                let Some(desk) = scene.desk.as_mut() else { return };
                if let Some(known) = desk.symbols.get_mut(&other) {
                    known.stop = Some(price);
                    if alike {
                        known.sector = Some(own);
                    }
                }
            }
        };
        let (outside, inside) = filled(equity.share(rules.sector)?)?;
        let (bad, good) = (holding(outside, true), holding(inside, true));
        if rules.sector.value() < rules.exposure {
            self.pair(GateName::Sector, "a dollar more in the sector", &bad, &good);
        }
        let (outside, inside) = filled(Usd::new(equity.value() * rules.exposure)?)?;
        let (bad, good) = (holding(outside, false), holding(inside, false));
        self.pair(GateName::Exposure, "a dollar more than the multiple of equity", &bad, &good);
        Ok(())
    }

    fn numbers(&mut self, rules: &DeskRules) {
        let other = self.other.clone();
        let correlation = |value: f64| {
            let other = other.clone();
            move |scene: &mut Scene| {
                let own = scene.request.symbol.clone();
                if let Some(desk) = scene.desk.as_mut() {
                    desk.correlations.set(&other, &own, value);
                }
            }
        };
        // With one position the mean is the pair: the lower limit speaks alone up to the higher.
        let (pair, mean) = (rules.pair_correlation, rules.mean_correlation);
        let between = f64::midpoint(pair, mean);
        if mean < pair {
            let (bad, good) = (correlation(between), correlation(mean));
            self.pair(GateName::MeanCorrelation, "a mean above its limit", &bad, &good);
            self.twin(&other, pair);
        }
        let missing = |scene: &mut Scene| known(scene, |known| known.mean_volume = Some(f64::NAN));
        self.pair(GateName::Liquidity, "a volume that is no number", &missing, &|_| ());
        let thin = rules.min_volume.next_down();
        let thinner = |scene: &mut Scene| known(scene, |known| known.mean_volume = Some(thin));
        if rules.min_volume > 0.0 {
            self.pair(GateName::Liquidity, "too little volume", &thinner, &|_| ());
        }
        let cheap = Price::new(rules.min_price.value() - Decimal::new(1, 2)).ok();
        let cheaper = |scene: &mut Scene| known(scene, |known| known.raw_price = cheap);
        self.pair(GateName::Liquidity, "a raw price a cent too low", &cheaper, &|_| ());
        if let Some(rule) = rules.day_trades {
            let trades = |count: u32| {
                move |scene: &mut Scene| {
                    // The rule is one for accounts below its equity.
                    let below = rule.equity.checked_sub(Usd::HALF_CENT).unwrap_or(rule.equity);
                    scene.equity = scene.equity.min(below);
                    if let Some(desk) = scene.desk.as_mut() {
                        desk.day_trades = Some(count);
                    }
                }
            };
            let (bad, good) = (trades(rule.count), trades(rule.count.saturating_sub(1)));
            self.pair(GateName::DayTrades, "a day trade too many", &bad, &good);
        }
        let wait = i64::from(rules.cooldown_seconds);
        let lost = |seconds: i64| {
            move |scene: &mut Scene| {
                let at = scene.now - TimeDelta::seconds(seconds);
                known(scene, |known| known.last_loss = Some(at));
            }
        };
        if wait > 0 {
            let name = "a second before the cooldown ends";
            self.pair(GateName::Cooldown, name, &lost(wait - 1), &lost(wait));
        }
    }

    /// Two positions, one of which is too much alike while their mean is not.
    fn twin(&mut self, other: &Symbol, pair: f64) {
        let alike = |value: f64| {
            let other = other.clone();
            move |scene: &mut Scene| {
                let own = scene.request.symbol.clone();
                let Ok(third) = Symbol::new("THIRD") else { return };
                if let Some(held) = scene.positions.get(&other) {
                    let price = held.current_price;
                    scene.hold(&third, Qty::from_shares(1), price);
                    let Some(desk) = scene.desk.as_mut() else { return };
                    if let Some(known) = desk.symbols.get(&other).cloned() {
                        desk.symbols.insert(third.clone(), known);
                    }
                    desk.correlations.set(&other, &own, value);
                    desk.correlations.set(&own, &third, 0.0);
                }
            }
        };
        let (bad, good) = (alike(pair.next_up()), alike(pair));
        self.pair(GateName::PairCorrelation, "a twin", &bad, &good);
    }
}

/// Changes what is known of the order's symbol.
fn known(scene: &mut Scene, change: impl Fn(&mut SymbolDesk)) {
    let symbol = scene.request.symbol.clone();
    if let Some(known) = scene.desk.as_mut().and_then(|desk| desk.symbols.get_mut(&symbol)) {
        change(known);
    }
}
