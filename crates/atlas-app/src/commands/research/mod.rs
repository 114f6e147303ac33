//! Research: backtests, searches, comparisons. Nothing here touches an account.

mod backtest;
mod choices;
mod compare;
mod cross;
mod ledger;
mod lookahead;
mod outcome;
mod parity;
mod place;
mod progress;
mod rehearse;
mod stage;
mod stress;
mod sweep;
mod trials;
mod walk_forward;

use anyhow::Result;
use clap::Subcommand;

use crate::cli::Common;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// What to try on history.
#[derive(Debug, Subcommand)]
pub(crate) enum Research {
    /// Run a strategy over history: the same engine, gates and venue as a rebalance, with costs.
    Backtest(backtest::Flags),
    /// Run a strategy with many parameters, and say how likely the best one is luck.
    Sweep(sweep::Flags),
    /// Choose parameters by the past and judge them by what came after, step by step.
    WalkForward(walk_forward::Flags),
    /// Run all strategies on one data set, with and without costs.
    Compare(compare::Flags),
    /// Choose parameters under every way to deal history into a past and a future: combinatorial
    /// purged cross-validation.
    CrossValidate(cross::Flags),
    /// Run a strategy at other costs and delays, and deal its history and its trades again.
    Stress(stress::Flags),
    /// The ledger of everything that was tried on the same history.
    #[command(subcommand)]
    Trials(trials::Trials),
    /// Change the future and see whether a strategy notices.
    LookaheadCheck(lookahead::Flags),
    /// Walk the whole live path over history at full speed, against the venue's own server in this
    /// process, and hold it against a backtest of the same dates.
    Rehearse(rehearse::Flags),
    /// Compare two of backtest, rehearsal and journal, and name the first event that differs.
    Parity(parity::Flags),
}

/// Runs one of them to its end.
pub(crate) async fn run(what: Research, common: Common) -> Result<()> {
    if common.as_of.is_some() {
        return Err(Failure::error(
            Exit::Usage,
            "--as-of is for decisions: a period of history is given by --from and --to",
        ));
    }
    match what {
        Research::Backtest(flags) => backtest::run(Job::new("backtest", common)?, flags).await,
        Research::Sweep(flags) => sweep::run(Job::new("sweep", common)?, flags).await,
        Research::WalkForward(flags) => {
            walk_forward::run(Job::new("walk-forward", common)?, flags).await
        }
        Research::Compare(flags) => compare::run(Job::new("compare", common)?, flags).await,
        Research::CrossValidate(flags) => {
            cross::run(Job::new("cross-validate", common)?, flags).await
        }
        Research::Stress(flags) => stress::run(Job::new("stress", common)?, flags).await,
        Research::Trials(what) => trials::run(&Job::new("trials", common)?, &what),
        Research::LookaheadCheck(flags) => {
            lookahead::run(&Job::new("lookahead-check", common)?, &flags)
        }
        Research::Rehearse(flags) => {
            Box::pin(rehearse::run(Job::new("rehearse", common)?, flags)).await
        }
        Research::Parity(flags) => parity::run(&Job::new("parity", common)?, &flags),
    }
}

/// An error of the backtester with its exit code.
#[expect(clippy::needless_pass_by_value, reason = "handed to map_err as it is")]
pub(super) fn told(error: atlas_backtest::Error) -> anyhow::Error {
    use atlas_backtest::Error as E;
    #[expect(clippy::wildcard_enum_match_arm, reason = "the rest has one meaning")]
    let exit = match &error {
        E::Backwards { .. }
        | E::NoCash { .. }
        | E::Parameter { .. }
        | E::NoStrategy { .. }
        | E::Strategy { .. }
        | E::Memory { .. } => Exit::Usage,
        E::Empty { .. }
        | E::AfterEnd { .. }
        | E::NoPrices { .. }
        | E::Data { .. }
        | E::Plan { .. }
        | E::Members { .. }
        | E::MembersLine { .. } => Exit::Data,
        _ => Exit::Internal,
    };
    Failure::error(exit, error.to_string())
}
