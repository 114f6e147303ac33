//! `atlas controls`: every control in words, and each tried on an order that it alone denies.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_risk::controls::{self, Control, ControlTest};
use atlas_risk::{DeskRules, Limits, Profile};
use clap::{Args, Subcommand};
use serde::Serialize;

use crate::config_risk;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render;

/// What to do with the controls.
#[derive(Debug, Subcommand)]
pub(crate) enum Controls {
    /// Print every control with its limits, from the code that applies them.
    Explain(Of),
    /// Try each control: a bad order it alone must deny, and the neighbour just inside that passes.
    Test(Of),
    /// Print the limits, or with --desk the desk's rules, as a file to copy and change.
    Limits {
        /// The limits of this profile; without it, those of the configuration.
        #[arg(long, value_name = "conservative|standard|racehorse")]
        profile: Option<Profile>,
        /// The desk's rules instead.
        #[arg(long)]
        desk: bool,
    },
}

/// Which controls.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The limits of this profile; without it, of the one in the configuration.
    #[arg(long, value_name = "conservative|standard|racehorse")]
    profile: Option<Profile>,
    /// The desk's rules (TOML); without it, those of the configuration.
    #[arg(long, value_name = "FILE")]
    desk: Option<PathBuf>,
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Explained {
    /// The profile the limits are of, or their file.
    profile: String,
    controls: Vec<Control>,
}

/// What was tried.
#[derive(Debug, Serialize)]
struct Tried {
    /// The profile the limits are of, or their file.
    profile: String,
    /// Whether every control holds.
    hold: bool,
    tests: Vec<ControlTest>,
}

/// Explains or tests the controls in force.
pub(crate) fn controls(job: &Job, what: &Controls) -> Result<()> {
    let of = match what {
        Controls::Explain(of) | Controls::Test(of) => of,
        Controls::Limits { profile, desk } => return file(job, *profile, *desk),
    };
    let risk = &job.config.risk;
    let (name, limits) = match of.profile {
        Some(profile) => (profile.to_string(), profile.limits().check()?),
        None => (risk.name(), job.limits()?),
    };
    let named = of.desk.as_deref().map(|path| rules(path, &limits)).transpose()?;
    let desk = named.or_else(|| risk.files.desk.as_ref().map(|desk| desk.rules.clone()));
    match what {
        Controls::Test(_) => test(job, name, &limits, desk.as_ref()),
        Controls::Explain(_) | Controls::Limits { .. } => {
            explain(job, name, &limits, desk.as_ref())
        }
    }
}

/// A file of limits or of the desk's rules, commented as far as it is one of the program's own.
fn file(job: &Job, profile: Option<Profile>, desk: bool) -> Result<()> {
    let risk = &job.config.risk;
    if desk {
        let rules =
            risk.files.desk.as_ref().map(|desk| toml::to_string(&desk.rules)).transpose()?;
        return render::print(rules.as_deref().unwrap_or(atlas_risk::DESK_FILE));
    }
    let own = if profile.is_none() { risk.files.limits.as_ref() } else { None };
    match own {
        Some(limits) => render::print(&toml::to_string(limits)?),
        None => render::print(profile.unwrap_or(risk.profile).file()),
    }
}

/// The desk's rules from a file.
fn rules(path: &Path, limits: &Limits) -> Result<DeskRules> {
    let rules = config_risk::desk_rules(path)?;
    let place = path.display();
    rules.check(limits).map_err(|error| {
        Failure::error(Exit::Config, format!("desk rules {place}: {error}: correct the file"))
    })?;
    Ok(rules)
}

fn explain(job: &Job, name: String, limits: &Limits, desk: Option<&DeskRules>) -> Result<()> {
    let controls = match desk {
        Some(rules) => controls::explain_with_desk(limits, rules),
        None => controls::explain(limits),
    };
    let mut text = format!(
        "{} controls of {}; those marked * may deny an order that reduces, the \
         others only warn on one\n\n",
        controls.len(),
        words(&name)
    );
    for control in &controls {
        let mark = if control.denies_reducing { '*' } else { ' ' };
        let unit =
            if control.unit.is_empty() { String::new() } else { format!(" [{}]", control.unit) };
        writeln!(text, "{mark} {:<17} {}{unit}", control.gate, control.rule)?;
    }
    tell(job, &Explained { profile: name, controls }, &text)
}

fn test(job: &Job, name: String, limits: &Limits, desk: Option<&DeskRules>) -> Result<()> {
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
    let text = rows(&name, &tests)?;
    tell(job, &Tried { profile: name, hold: problem.is_none(), tests }, &text)?;
    problem.map_or(Ok(()), Err)
}

fn rows(name: &str, tests: &[ControlTest]) -> Result<String, std::fmt::Error> {
    let mut text = String::new();
    for test in tests {
        let (word, said) =
            if test.holds { ("holds", &test.denial) } else { ("FAILS", &test.problem) };
        writeln!(text, "{word}  {:<17} {}: {said}", test.gate, test.probe)?;
    }
    let held = tests.iter().filter(|test| test.holds).count();
    writeln!(text, "\n{held} of {} probes hold under {}", tests.len(), words(name))?;
    Ok(text)
}

/// A profile or a file of limits in words.
fn words(name: &str) -> String {
    match name.parse::<Profile>() {
        Ok(profile) => format!("the {profile} profile"),
        Err(_) => format!("the limits in {name}"),
    }
}
