//! The controls explained and tested by themselves: for each gate an order that it alone denies, and
//! the neighbour just inside that passes.
//!
//! The test needs no market and no account. It runs on the limits in force, so that a limit that was
//! set without effect, or a gate that no longer speaks, shows on the day it happens.

mod desk_probes;
mod probes;
mod scene;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::desk::DeskRules;
use crate::gate::Gate;
use crate::gates;
use crate::limits::Limits;
use crate::validator::{Judgement, Validator};
use crate::verdict::{GateName, VerdictKind};

pub(crate) use scene::Scene;

/// One control in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Control {
    /// The gate.
    pub gate: GateName,
    /// What it holds orders to, with the limits in force.
    pub rule: String,
    /// The unit of its value and limit; empty where it looks at no number.
    pub unit: String,
    /// Whether it may deny an order that reduces.
    pub denies_reducing: bool,
}

/// How one gate did in its test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTest {
    /// The gate.
    pub gate: GateName,
    /// What was tried, such as `a limit a cent above the collar`.
    pub probe: String,
    /// Whether the gate, and it alone, denied the bad order, and no gate denied its neighbour.
    pub holds: bool,
    /// The gate's words on the bad order.
    pub denial: String,
    /// What went wrong, empty if it holds.
    pub problem: String,
}

/// Every control but those of the desk with its limits, in the order in which the gates speak.
#[must_use]
pub fn explain(limits: &Limits) -> Vec<Control> {
    gates::with_heat(limits).iter().map(|gate| control(gate.as_ref())).collect()
}

/// Every control with its limits, in the order in which the gates speak.
#[must_use]
pub fn explain_with_desk(limits: &Limits, rules: &DeskRules) -> Vec<Control> {
    gates::with_desk(limits, rules).iter().map(|gate| control(gate.as_ref())).collect()
}

fn control(gate: &dyn Gate) -> Control {
    Control {
        gate: gate.name(),
        rule: gate.explain(),
        unit: gate.unit().to_owned(),
        denies_reducing: gate.name().may_deny_reducing(),
    }
}

/// Tries every control but those of the desk on the limits in force.
///
/// # Errors
/// [`Error`] if the limits leave no order that could be tried, such as a smallest position above the
/// largest order.
pub fn test(limits: &Limits) -> Result<Vec<ControlTest>, Error> {
    let validator = Validator::with_heat(limits);
    let mut probes = probes::all(limits)?;
    for probe in &mut probes {
        desk_probes::at_stops(&mut probe.bad);
        desk_probes::at_stops(&mut probe.good);
    }
    probes.extend(desk_probes::heat(limits)?);
    Ok(probes.into_iter().map(|probe| run(&validator, &probe)).collect())
}

/// Tries every control on the limits in force.
///
/// # Errors
/// As [`test()`], and for rules that cannot be used.
pub fn test_with_desk(limits: &Limits, rules: &DeskRules) -> Result<Vec<ControlTest>, Error> {
    let validator = Validator::with_desk(limits, rules)?;
    let mut probes = probes::all(limits)?;
    for probe in &mut probes {
        desk_probes::equip(&mut probe.bad, rules);
        desk_probes::equip(&mut probe.good, rules);
    }
    probes.extend(desk_probes::all(limits, rules)?);
    Ok(probes.into_iter().map(|probe| run(&validator, &probe)).collect())
}

/// An order one gate must deny, and its neighbour that none may.
struct Probe {
    gate: GateName,
    name: &'static str,
    bad: Scene,
    good: Scene,
}

fn run(validator: &Validator, probe: &Probe) -> ControlTest {
    let bad = probe.bad.judge(validator);
    let good = probe.good.judge(validator);
    let denials: Vec<GateName> = denials(&bad);
    let mut problem = String::new();
    if denials != [probe.gate] {
        let words: Vec<&str> = denials.iter().map(|gate| gate.as_str()).collect();
        problem = format!("the bad order was denied by [{}]", words.join(", "));
    }
    if let Some(verdict) = good.denial() {
        problem = format!("{problem}the order just inside was denied by {verdict}");
    }
    let own = bad.verdicts.iter().find(|verdict| verdict.gate == probe.gate);
    ControlTest {
        gate: probe.gate,
        probe: probe.name.to_owned(),
        holds: problem.is_empty(),
        denial: own.map(|verdict| verdict.sentence.to_string()).unwrap_or_default(),
        problem,
    }
}

fn denials(judgement: &Judgement) -> Vec<GateName> {
    let denying = judgement.verdicts.iter().filter(|v| v.kind == VerdictKind::Deny);
    denying.map(|verdict| verdict.gate).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Profile;

    #[test]
    fn every_gate_alone_denies_its_bad_order_and_lets_the_neighbour_pass() {
        for profile in Profile::ALL {
            let limits = profile.limits().check().unwrap();
            let tests = test(&limits).unwrap();
            for tried in &tests {
                assert!(tried.holds, "{profile}: {tried:?}");
            }
            for gate in GateName::ALL.iter().filter(|gate| !gate.is_of_desk()) {
                assert!(tests.iter().any(|tried| tried.gate == *gate), "{gate} is not tried");
            }
        }
    }

    #[test]
    fn the_gates_speak_in_the_order_of_their_names() {
        let limits = Profile::Standard.limits().check().unwrap();
        let all = explain_with_desk(&limits, &rules());
        let names: Vec<GateName> = all.iter().map(|control| control.gate).collect();
        assert_eq!(names, GateName::ALL);
        assert!(all.iter().all(|control| !control.rule.is_empty()));
        let core = explain(&limits);
        assert_eq!(core, all[..core.len()]);
        assert!(all[core.len()..].iter().all(|control| control.gate.is_of_desk()));
    }

    fn rules() -> DeskRules {
        DeskRules {
            pair_correlation: 0.8,
            mean_correlation: 0.6,
            sector: "0.6".parse().unwrap(),
            exposure: rust_decimal::Decimal::ONE,
            min_volume: 500_000.0,
            min_price: "5".parse().unwrap(),
            day_trades: Some(crate::DayTradeRule {
                count: 3,
                equity: "100000000".parse().unwrap(),
                last_day: chrono::NaiveDate::from_ymd_opt(2026, 6, 3).unwrap(),
            }),
            cooldown_seconds: 86_400,
        }
    }

    #[test]
    fn the_desks_gates_keep_the_same_promise() {
        for profile in Profile::ALL {
            let limits = profile.limits().check().unwrap();
            let tests = test_with_desk(&limits, &rules()).unwrap();
            for tried in &tests {
                assert!(tried.holds, "{profile}: {tried:?}");
            }
            for gate in GateName::ALL {
                assert!(tests.iter().any(|tried| tried.gate == *gate), "{gate} is not tried");
            }
        }
        let limits = Profile::Standard.limits().check().unwrap();
        let odd = DeskRules { pair_correlation: f64::NAN, ..rules() };
        assert!(test_with_desk(&limits, &odd).is_err());
    }

    /// The file a person copies can be used, under every profile, and leaves nothing out.
    #[test]
    fn the_desk_file_is_complete_and_holds() {
        let text = include_str!("../../profiles/desk.toml");
        let rules: DeskRules = toml::from_str(text).unwrap();
        for profile in Profile::ALL {
            let limits = profile.limits().check().unwrap();
            let tests = test_with_desk(&limits, &rules).unwrap();
            let broken: Vec<&ControlTest> = tests.iter().filter(|tried| !tried.holds).collect();
            assert!(broken.is_empty(), "{profile}: {broken:?}");
        }
        for line in text.lines().filter(|line| line.contains('=')) {
            assert!(toml::from_str::<DeskRules>(&text.replace(line, "")).is_err(), "{line}");
        }
    }

    #[test]
    fn a_limit_without_effect_shows() {
        let mut spec = Profile::Standard.limits();
        spec.max_order_notional = "400".parse().unwrap();
        // Every order is now too large before it reaches the smallest position.
        let tried = test(&spec.check().unwrap());
        assert!(tried.is_err() || tried.unwrap().iter().any(|tried| !tried.holds));
    }
}
