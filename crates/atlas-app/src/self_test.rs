//! The controls' own test before anything is decided: what does not hold stops new risk.

use anyhow::Result;
use atlas_exec::preopen::Check;
use atlas_report::run::ControlsReport;
use atlas_risk::controls::{self, ControlTest};
use atlas_risk::{Limits, TradingState};

use crate::exit::{Exit, Failure};

/// Tries every control on the limits in force. Limits that leave no order to try them with are told
/// as broken.
pub(crate) fn tried(limits: &Limits) -> ControlsReport {
    let sentence = |test: &ControlTest| format!("{}, {}: {}", test.gate, test.probe, test.problem);
    match controls::test(limits) {
        Ok(tests) => ControlsReport {
            tried: tests.len(),
            broken: tests.iter().filter(|test| !test.holds).map(sentence).collect(),
        },
        Err(error) => ControlsReport { tried: 0, broken: vec![error.to_string()] },
    }
}

/// What is wrong with the controls, in one sentence; `None` if all hold.
pub(crate) fn problem(report: &ControlsReport) -> Option<String> {
    (!report.broken.is_empty()).then(|| {
        format!(
            "the controls' own test fails ({}), so nothing is opened or increased, and exits go on: \
             see `atlas controls test`",
            report.broken.join("; ")
        )
    })
}

/// The state to decide in: at most REDUCING while a control does not hold.
pub(crate) fn restrained(state: TradingState, report: &ControlsReport) -> TradingState {
    if report.broken.is_empty() { state } else { state.max(TradingState::Reducing) }
}

/// Ends a run whose controls do not hold, once what may go on has been done.
///
/// # Errors
/// [`Exit::Refused`] with what does not hold.
pub(crate) fn complain(report: Option<&ControlsReport>) -> Result<()> {
    match report.and_then(problem) {
        Some(problem) => Err(Failure::error(Exit::Refused, problem)),
        None => Ok(()),
    }
}

/// The same as a check before a plan is carried out; one that opens nothing may go.
pub(crate) fn check(limits: &Limits, opens: bool) -> Check {
    let report = tried(limits);
    let found = problem(&report);
    Check {
        name: "controls",
        passed: found.is_none() || !opens,
        sentence: found.unwrap_or_else(|| format!("{} probes of the controls hold", report.tried)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atlas_risk::Profile;

    fn broken() -> Limits {
        let mut spec = Profile::Standard.limits();
        // Every order is too large before it reaches the smallest position.
        spec.max_order_notional = "400".parse().unwrap();
        spec.check().unwrap()
    }

    #[test]
    fn a_control_that_does_not_hold_stops_new_risk_and_no_exit() {
        let report = tried(&broken());
        assert!(!report.broken.is_empty());
        assert_eq!(restrained(TradingState::Active, &report), TradingState::Reducing);
        assert_eq!(restrained(TradingState::Paused, &report), TradingState::Paused);
        let error = complain(Some(&report)).unwrap_err();
        assert_eq!(crate::exit::code_of(&error), Exit::Refused);
        assert!(error.to_string().starts_with("the controls' own test fails ("), "{error}");
        assert!(!check(&broken(), true).passed && check(&broken(), false).passed);
    }

    #[test]
    fn controls_that_hold_change_nothing() {
        for profile in Profile::ALL {
            let limits = profile.limits().check().unwrap();
            let report = tried(&limits);
            assert_eq!(restrained(TradingState::Active, &report), TradingState::Active);
            assert!(complain(Some(&report)).is_ok() && complain(None).is_ok());
            assert!(check(&limits, true).passed);
        }
    }
}
