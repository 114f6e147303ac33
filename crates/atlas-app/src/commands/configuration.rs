//! `atlas init`, `atlas config`, `atlas completions` and `atlas man`: what is set up once.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{CommandFactory as _, Subcommand};
use clap_complete::Shell;
use serde::Serialize;
use toml::Value;

use crate::cli::{Cli, Common};
use crate::config::Config;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render;

/// What `atlas init` writes: every key with the value it has anyway, and what it means.
const TEMPLATE: &str = include_str!("../atlas.toml");

/// What to set up.
#[derive(Debug, Subcommand)]
pub(crate) enum Setup {
    /// Write a commented configuration file; nothing in it differs from the built-in settings.
    Init {
        /// The new file.
        #[arg(value_name = "FILE", default_value = "atlas.toml")]
        file: PathBuf,
    },
    /// The configuration: check it, or show what is in force and where it comes from.
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Print the completions of a shell.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write the manual pages, one for each command.
    Man {
        /// An existing folder.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Read it and say every mistake in it, with its line.
    Check,
    /// Show every value in force, and where it comes from.
    Show,
}

/// Carries the command out.
pub(crate) fn setup(what: &Setup, common: Common) -> Result<()> {
    match what {
        Setup::Init { file } => init(file, common.json),
        Setup::Config(ConfigCommand::Check) => {
            let job = Job::new("config check", common)?;
            tell(&job, &serde_json::json!({ "valid": true }), "The configuration is valid.")
        }
        Setup::Config(ConfigCommand::Show) => show(common),
        Setup::Completions { shell } => {
            // Into memory first: a reader that closes the pipe early is nothing to panic about.
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "atlas", &mut script);
            render::print(&String::from_utf8_lossy(&script))
        }
        Setup::Man { folder } => man(folder),
    }
}

fn init(file: &Path, json: bool) -> Result<()> {
    let place = file.display();
    let made = OpenOptions::new().create_new(true).write(true).open(file);
    made.and_then(|mut file| file.write_all(TEMPLATE.as_bytes())).map_err(|error| {
        let sentence = format!("{place} cannot be made ({error}): name a new file");
        Failure::error(Exit::Refused, sentence)
    })?;
    if json {
        return render::print(&format!("{}\n", serde_json::json!({ "file": file })));
    }
    render::print(&format!(
        "Wrote {place}. Every key has the value that holds without it; change what you mean to \
         change, then `atlas config check`.\n"
    ))
}

fn man(folder: &Path) -> Result<()> {
    clap_mangen::generate_to(Cli::command(), folder).map_err(|error| {
        let place = folder.display();
        let sentence = format!("no manual page can be written to {place} ({error}): name a folder");
        Failure::error(Exit::Refused, sentence)
    })?;
    render::print(&format!("Wrote the manual pages to {}.\n", folder.display()))
}

/// A value in force and where it comes from.
#[derive(Debug, Serialize)]
struct Setting {
    value: Value,
    origin: String,
}

fn show(common: Common) -> Result<()> {
    let flags = [
        ("state_dir", common.state_dir.as_ref().map(|dir| dir.display().to_string())),
        ("data", common.data.clone()),
        ("account", common.account.as_ref().map(ToString::to_string)),
    ];
    let file = Config::file(common.config.as_deref()).map(Path::to_owned);
    let job = Job::new("config show", common)?;
    let mut settings = BTreeMap::new();
    let mut note = |values: &Value, origin: &str| {
        flatten("", values, &mut |key, value| {
            let setting = Setting { value: value.clone(), origin: origin.to_owned() };
            settings.insert(key.to_owned(), setting);
        });
    };
    // What is in force, the defaults of accounts and tables in the file included.
    note(&Value::try_from(&job.config)?, "default");
    if let Some(file) = file {
        let text = std::fs::read_to_string(&file).context("the configuration went away")?;
        note(&Value::Table(text.parse()?), &file.display().to_string());
    }
    for (key, value) in flags {
        if let Some(value) = value {
            let origin = if key == "state_dir" { "--state-dir or ATLAS_STATE_DIR" } else { "flag" };
            note(
                &Value::Table([(key.to_owned(), Value::String(value))].into_iter().collect()),
                origin,
            );
        }
    }
    let line = |(key, setting): (&String, &Setting)| {
        format!("{key} = {}    # {}\n", setting.value, setting.origin)
    };
    let text: String = settings.iter().map(line).collect();
    tell(&job, &serde_json::json!({ "settings": settings }), &text)
}

/// Every value that is no table, by its whole name.
fn flatten(prefix: &str, value: &Value, each: &mut impl FnMut(&str, &Value)) {
    let Value::Table(table) = value else { return each(prefix, value) };
    for (key, value) in table {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        flatten(&name, value, each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same with every key and table in force that is commented out.
    fn all_keys(text: &str) -> String {
        let key = |line: &str| line.split_once(" = ").is_some_and(|(key, _)| !key.contains(' '));
        let lines = text.lines().map(|line| match line.strip_prefix("# ") {
            Some(rest) if key(rest) || rest.starts_with('[') => rest,
            _ => line,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn keys(value: &Value) -> Vec<String> {
        let mut keys = Vec::new();
        flatten("", value, &mut |key, _| keys.push(key.to_owned()));
        keys
    }

    #[test]
    fn the_template_says_what_holds_anyway() {
        let template = Value::try_from(toml::from_str::<Config>(TEMPLATE).unwrap()).unwrap();
        let built_in = Value::try_from(Config::default()).unwrap();
        let mut said = BTreeMap::new();
        flatten("", &template, &mut |key, value| drop(said.insert(key.to_owned(), value.clone())));
        let written = keys(&Value::Table(TEMPLATE.parse().unwrap()));
        flatten("", &built_in, &mut |key, value| {
            assert_eq!(said.get(key), Some(value), "{key}");
            assert!(written.iter().any(|k| k == key), "{key} is not in the template");
        });
    }

    #[test]
    fn every_key_of_the_template_and_of_the_manual_is_one() {
        toml::from_str::<Config>(&all_keys(TEMPLATE)).unwrap();
        let manual = include_str!("../../../../docs/OPERATING.md");
        let block = manual.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
        toml::from_str::<Config>(&all_keys(block)).unwrap();
    }
}
