//! `atlas controls`: every control in words, and each tried on an order that it alone denies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_risk::controls::{self, Control, ControlTest};
use atlas_risk::{DeskRules, Limits, Profile};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// What to do with the controls.
#[derive(Debug, Subcommand)]
pub(crate) enum Controls {
    /// Print every control with its limits, from the code that applies them.
    Explain(Of),
    /// Try each control: a bad order it alone must deny, and the neighbour just inside that passes.
    Test(Of),
}

/// Which controls.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The limits of this profile; without it, of the one in the configuration.
    #[arg(long, value_name = "conservative|standard|racehorse")]
    profile: Option<Profile>,
    /// The desk's rules (TOML), for the gates that need stops, correlations, sectors and volumes.
    #[arg(long, value_name = "FILE")]
    desk: Option<PathBuf>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Explained {
    /// The profile the limits are of.
    profile: Profile,
    controls: Vec<Control>,
}

/// What was tried.
#[derive(Debug, Serialize)]
struct Tried {
    /// The profile the limits are of.
    profile: Profile,
    /// Whether every control holds.
    hold: bool,
    tests: Vec<ControlTest>,
}

/// Explains or tests the controls in force.
pub(crate) fn controls(job: &Job, what: &Controls) -> Result<()> {
    let of = match what {
        Controls::Explain(of) | Controls::Test(of) => of,
    };
    let profile = of.profile.unwrap_or(job.config.risk.profile);
    let limits = profile.limits().check()?;
    let desk = of.desk.as_deref().map(|path| rules(path, &limits)).transpose()?;
    match what {
        Controls::Explain(_) => explain(job, profile, &limits, desk.as_ref()),
        Controls::Test(_) => test(job, profile, &limits, desk.as_ref()),
    }
}

/// The desk's rules from a file.
fn rules(path: &Path, limits: &Limits) -> Result<DeskRules> {
    let wrong = |problem: String| {
        let place = path.display();
        Failure::error(Exit::Config, format!("desk rules {place}: {problem}: correct the file"))
    };
    let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
    let rules: DeskRules =
        toml::from_str(&text).map_err(|error| wrong(error.message().replace('\n', " ")))?;
    rules.check(limits).map_err(|error| wrong(error.to_string()))?;
    Ok(rules)
}

fn explain(job: &Job, profile: Profile, limits: &Limits, desk: Option<&DeskRules>) -> Result<()> {
    let controls = match desk {
        Some(rules) => controls::explain_with_desk(limits, rules),
        None => controls::explain(limits),
    };
    let mut text = format!(
        "{} controls of the {profile} profile; those marked * may deny an order that reduces, the \
         others only warn on one\n\n",
        controls.len()
    );
    for control in &controls {
        let mark = if control.denies_reducing { '*' } else { ' ' };
        let unit =
            if control.unit.is_empty() { String::new() } else { format!(" [{}]", control.unit) };
        writeln!(text, "{mark} {:<17} {}{unit}", control.gate, control.rule)?;
    }
    tell(job, &Explained { profile, controls }, &text)
}

fn test(job: &Job, profile: Profile, limits: &Limits, desk: Option<&DeskRules>) -> Result<()> {
    let tried = match desk {
        Some(rules) => controls::test_with_desk(limits, rules),
        None => controls::test(limits),
    };
    let tests = tried.map_err(|error| Failure::error(Exit::Config, error.to_string()))?;
    let broken: Vec<&str> =
        tests.iter().filter(|test| !test.holds).map(|test| test.gate.as_str()).collect();
    let problem = (!broken.is_empty()).then(|| {
        let names = broken.join(", ");
        Failure::error(
            Exit::Refused,
            format!("these controls do not hold: {names}: trade nothing until they do"),
        )
    });
    let text = rows(profile, &tests)?;
    tell(job, &Tried { profile, hold: problem.is_none(), tests }, &text)?;
    problem.map_or(Ok(()), Err)
}

fn rows(profile: Profile, tests: &[ControlTest]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for test in tests {
        let (word, said) =
            if test.holds { ("holds", &test.denial) } else { ("FAILS", &test.problem) };
        writeln!(text, "{word}  {:<17} {}: {said}", test.gate, test.probe)?;
    }
    let held = tests.iter().filter(|test| test.holds).count();
    writeln!(text, "\n{held} of {} probes hold under the {profile} profile", tests.len())?;
    Ok(text)
}
