//! The `atlas` program: configuration, command line and wiring. No trading logic lives here.

mod accounts;
mod cli;
mod cli_operate;
mod commands;
mod config;
mod config_alpaca;
mod config_data;
mod config_live;
mod config_risk;
mod config_trade;
mod dashboard;
mod day;
mod decision;
mod document;
mod execution;
mod exit;
mod job;
mod live;
mod live_data;
mod market;
mod mistakes;
mod model;
mod protection;
mod random;
mod render;
mod reporting;
mod seat;
mod self_test;
mod serve;
mod stopwatch;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::exit::{Exit, code_of};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            if error.use_stderr() {
                return fail(Exit::Usage, &usage(&error.render().to_string()));
            }
            // Help and version come this way too, and end well.
            drop(error.print());
            return Exit::Done.into();
        }
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("ATLAS_LOG"))
        .with_writer(std::io::stderr)
        .init();
    match commands::run(cli) {
        Ok(()) => Exit::Done.into(),
        Err(error) => fail(code_of(&error), &sentence_of(&error)),
    }
}

/// Says in one line what went wrong; a closed standard error is no reason to say it differently.
fn fail(exit: Exit, sentence: &str) -> ExitCode {
    drop(writeln!(std::io::stderr(), "atlas: {sentence}"));
    exit.into()
}

/// The first paragraph of the parser's message in one line, with where to read on.
fn usage(message: &str) -> String {
    let message = message.strip_prefix("error: ").unwrap_or(message);
    let first: Vec<&str> =
        message.lines().map(str::trim).take_while(|line| !line.is_empty()).collect();
    format!("{}; `atlas --help` tells more", first.join(" "))
}

/// The error and its causes as one sentence, without saying the same thing twice.
fn sentence_of(error: &anyhow::Error) -> String {
    let mut sentence = error.to_string();
    for cause in error.chain().skip(1) {
        let cause = cause.to_string();
        if !sentence.contains(&cause) {
            sentence.push_str(": ");
            sentence.push_str(&cause);
        }
    }
    sentence
}
