//! The command line.

use std::path::PathBuf;

use atlas_core::{AccountName, Regime};
use atlas_exec::why::Question;
use chrono::NaiveDate;
use clap::{Args, Parser, Subcommand};

pub(crate) use crate::cli_operate::{
    Adopt, Drill, FlattenFlags, Gate, Journal, Kill, Monitor, Practice, QualityFlags, Reconcile,
    ScheduleFlags, Watchdog, Word,
};
use crate::commands::audit::{Artifacts, AuditFlags};
use crate::commands::configuration::Setup;
use crate::commands::controls::Controls;
use crate::commands::research::Research;
use crate::commands::trade::Trade;
use crate::dashboard::ServeFlags;
use crate::exit::TABLE;
use crate::serve::VenueCommand;

/// Systematic equity trading: regime, selection, sizing, checked orders, sells before buys.
#[derive(Debug, Parser)]
#[command(name = "atlas", version, after_help = TABLE, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) common: Common,
}

/// What means the same for every command.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Where accounts, journals and artifacts are kept.
    #[arg(long, global = true, value_name = "DIR", env = "ATLAS_STATE_DIR")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Market data: `sample` (bundled), `alpaca` (downloaded and kept in the state directory), or
    /// the path of a folder or file of CSV.
    #[arg(long, global = true, value_name = "sample|alpaca|PATH")]
    pub(crate) data: Option<String>,
    /// Configuration file (TOML); without it, built-in settings or `atlas.toml` where it exists.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The account, as named in the configuration.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) account: Option<AccountName>,
    /// Decide with what was known after the close of this session.
    #[arg(long, global = true, value_name = "YYYY-MM-DD")]
    pub(crate) as_of: Option<NaiveDate>,
    /// Confirm that a live account is to trade, in the words `trade live on NUMBER`; only in a
    /// program built with the feature `live`, and only once every other gate is open.
    #[arg(long, global = true, value_name = "PHRASE")]
    pub(crate) live: Option<String>,
    /// Print one machine-readable run report instead of text.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Decide and execute one rebalance, from market data to reconciled fills.
    Rebalance(Decide),
    /// Decide and journal a plan, and show it; nothing is sent.
    Plan(Decide),
    /// Approve the journaled plan with this hash (its first twelve digits will do).
    Approve {
        /// The hash that `atlas plan` printed.
        hash: String,
    },
    /// Look whether everything is right for the pending plan: data, account, program and
    /// configuration as approved, clock, disk, books. Sends nothing.
    Check,
    /// Execute the approved plan.
    Execute,
    /// Let a paused account trade again, if its books and the broker agree.
    Resume(Word),
    /// Hold an account back: nothing new is sent until it is resumed.
    Pause(Word),
    /// Stop an account at once, past a process that may hang: fence, cancels, the broker's own
    /// suspension.
    Kill(Kill),
    /// Compare books and broker, and say what differs; or take over what does.
    Reconcile {
        /// What is to be taken over, if anything.
        #[command(subcommand)]
        adopt: Option<Reconcile>,
    },
    /// Show what holds an account, what it holds, and what is to be done; asks nobody.
    Status,
    /// Show why: a decision computed again from its stored inputs, from bars to fills.
    Why {
        /// An order's name, a symbol, a date, or the number of a decision.
        #[arg(value_name = "ORDER|SYMBOL|DATE|DECISION")]
        about: Question,
    },
    /// Trade strategies on streaming bars, until a signal says to stop; goes on where it was.
    Trade(Trade),
    /// Audit a stretch of days: ran every day, books agreed, limits held, nothing changed.
    Audit(AuditFlags),
    /// Prove the artifacts, or make figures of them.
    #[command(subcommand)]
    Artifacts(Artifacts),
    #[command(flatten)]
    Practice(Practice),
    /// Prove the journal, or write it out.
    #[command(subcommand)]
    Journal(Journal),
    /// The controls: what each holds orders to, and whether each still does.
    #[command(subcommand)]
    Controls(Controls),
    #[command(flatten)]
    Setup(Setup),
    #[command(flatten)]
    Research(Research),
    /// Serve the dashboard: the account at a glance in a browser, live.
    Serve(ServeFlags),
    /// The venue: a simulated exchange that speaks Alpaca's API.
    #[command(subcommand)]
    Venue(VenueCommand),
}

/// How to decide.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Decide {
    /// Show what would be decided, on a copy of the state; send nothing and change nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Rebalance although none is scheduled for this session. Skips no check, resends nothing.
    #[arg(long)]
    pub(crate) force: bool,
    /// A named universe, symbols separated by commas, or a file with one symbol a line.
    #[arg(long, value_name = "NAME|SYMBOLS|FILE")]
    pub(crate) universe: Option<String>,
    /// Hold at most the best N symbols.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) top_n: Option<u16>,
    /// Use this regime instead of the detected one; recorded as an override, refused in live mode.
    #[arg(long, value_name = "bull|neutral|bear|crash")]
    pub(crate) regime: Option<Regime>,
}
