//! The command line of operators' commands.

use std::path::PathBuf;

use atlas_core::{ClientOrderId, Price, Qty, Symbol, Usd};
use clap::{Args, Subcommand};

/// A person's word, for the journal.
#[derive(Debug, Args)]
pub(crate) struct Word {
    /// Why, for the journal.
    #[arg(long, value_name = "WORDS")]
    pub(crate) why: String,
    /// Who, for the journal.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator", hide_env = true)]
    pub(crate) by: String,
}

/// How to stop.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own on the command line")]
pub(crate) struct Kill {
    /// Cancel every order of Atlas, protective ones included; without it, entries alone.
    #[arg(long)]
    pub(crate) all: bool,
    /// Then sell at the market everything Atlas owns; cancels everything first.
    #[arg(long)]
    pub(crate) flatten: bool,
    /// Why, for the journal.
    #[arg(long, value_name = "WORDS", default_value = "kill switch")]
    pub(crate) why: String,
    /// Who, for the journal.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator", hide_env = true)]
    pub(crate) by: String,
}

/// What to sell, and why.
#[derive(Debug, Args)]
pub(crate) struct FlattenFlags {
    /// This symbol alone; without it, everything.
    pub(crate) symbol: Option<Symbol>,
    /// Who and why.
    #[command(flatten)]
    pub(crate) word: Word,
}

/// What to do beside comparing.
#[derive(Debug, Subcommand)]
pub(crate) enum Reconcile {
    /// Take something over into Atlas's books, by name and on the record.
    Adopt {
        /// What.
        #[command(subcommand)]
        what: Adopt,
    },
}

/// What can be taken over.
#[derive(Debug, Subcommand)]
pub(crate) enum Adopt {
    /// Shares on the account that were not Atlas's become Atlas's.
    Position {
        /// The symbol.
        symbol: Symbol,
        /// How many.
        qty: Qty,
        /// What they are taken to have cost, per share.
        price: Price,
        /// Who and why.
        #[command(flatten)]
        word: Word,
    },
    /// Shares in the books that are not there any more are written off.
    WriteOff {
        /// The symbol.
        symbol: Symbol,
        /// How many.
        qty: Qty,
        /// Who and why.
        #[command(flatten)]
        word: Word,
    },
    /// A difference in cash is accepted: what the broker has more than the books.
    Cash {
        /// The amount, negative if the broker has less.
        #[arg(allow_negative_numbers = true)]
        amount: Usd,
        /// Who and why.
        #[command(flatten)]
        word: Word,
    },
    /// Something odd in the journal is accepted as explained.
    Anomaly {
        /// The record it was found at.
        seq: u64,
        /// Who and why.
        #[command(flatten)]
        word: Word,
    },
    /// An order the broker knows under Atlas's prefix and the journal does not is accepted.
    Order {
        /// Its name.
        client_order_id: ClientOrderId,
        /// Who and why.
        #[command(flatten)]
        word: Word,
    },
}

/// What to watch, and how.
#[derive(Debug, Args)]
pub(crate) struct Monitor {
    /// An order's name, a plan's hash (its first eight digits will do), or a decision's number.
    #[arg(value_name = "ORDER|PLAN")]
    pub(crate) what: String,
    /// Seconds between two looks at the broker; its stream is listened to in between.
    #[arg(long, value_name = "S", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) poll: u32,
    /// Stop after so many seconds though not everything has ended.
    #[arg(long, value_name = "S")]
    pub(crate) timeout: Option<u32>,
    /// Where the audit goes, a new file; in the account's folder unless named.
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
}

/// How to watch over an account.
#[derive(Debug, Args)]
pub(crate) struct Watchdog {
    /// Seconds without a sign of life that are an alarm.
    #[arg(long, value_name = "S", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=3_600))]
    pub(crate) silence: u32,
    /// Seconds between two looks.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=600))]
    pub(crate) interval: u32,
    /// Look once and say what is seen.
    #[arg(long)]
    pub(crate) once: bool,
    /// At every look without an alarm, touch this file or ask for this http:// or https:// address,
    /// so that somebody else notices when the watchdog itself falls silent.
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) ping: Option<String>,
    /// At an alarm, run this program with the alarm's sentence as its argument.
    #[arg(long, value_name = "PROGRAM")]
    pub(crate) hook: Option<PathBuf>,
}

/// What to do about the gates of live trading.
#[derive(Debug, Args)]
pub(crate) struct Gate {
    /// Put this gate's result aside, by name and on the record; never one that guards safety.
    #[arg(long = "override", value_name = "GATE", requires = "why")]
    pub(crate) put_aside: Option<String>,
    /// Why, for the journal.
    #[arg(long, value_name = "WORDS", requires = "put_aside")]
    pub(crate) why: Option<String>,
    /// Who, for the journal.
    #[arg(long, value_name = "NAME", env = "USER", default_value = "operator", hide_env = true)]
    pub(crate) by: String,
}

/// Watching over an account, and what makes it fit for real money.
#[derive(Debug, Subcommand)]
pub(crate) enum Practice {
    /// Reduce an account: exits go on, nothing new is bought until it is resumed.
    Reduce(Word),
    /// Sell what Atlas owns, or one symbol of it, at the market; for an account that is PAUSED, too.
    /// Its orders are canceled first, protective ones included.
    Flatten(FlattenFlags),
    /// Give every position the stop it is to have at the broker, where one is missing.
    Protect,
    /// Watch an order, or every order of a plan, until all have ended; keeps an audit as CSV.
    Monitor(Monitor),
    /// Stop an account whose process falls silent; runs beside it, with a connection of its own.
    Watchdog(Watchdog),
    /// Show what the account has shown for going live, gate by gate; or put a result aside.
    Gate(Gate),
    /// Show what fills cost against the market and the decision: by symbol, hour and size.
    Quality(QualityFlags),
    /// Do what is due when it is due: check before the opening, execute, compare after the close.
    Schedule(ScheduleFlags),
    /// Rehearse what has to work on the worst day, and put the result on record.
    #[command(subcommand)]
    Drill(Drill),
    /// Compute what a live account would have decided beside this one; sends nothing.
    Shadow,
}

/// Which fills to show.
#[derive(Debug, Args)]
pub(crate) struct QualityFlags {
    /// Only fills of this symbol.
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<Symbol>,
    /// Every fill as well: decision, send and fill with their quotes.
    #[arg(long)]
    pub(crate) fills: bool,
}

/// How to go through the day.
#[derive(Debug, Args)]
pub(crate) struct ScheduleFlags {
    /// Do what is due now, say what comes next, and end; for a timer of the system.
    #[arg(long)]
    pub(crate) once: bool,
}

/// What to rehearse.
#[derive(Debug, Subcommand)]
pub(crate) enum Drill {
    /// Coming back from nothing but the files, on a copy of them; then books against the broker.
    Recovery {
        /// Who, for the journal.
        #[arg(
            long,
            value_name = "NAME",
            env = "USER",
            default_value = "operator",
            hide_env = true
        )]
        by: String,
    },
    /// Going live: the live configuration through every gate, against this account.
    Switchover {
        /// What has to be typed to confirm live trading: `trade live on NUMBER`.
        #[arg(long, value_name = "PHRASE")]
        confirm: Option<String>,
        /// Who, for the journal.
        #[arg(
            long,
            value_name = "NAME",
            env = "USER",
            default_value = "operator",
            hide_env = true
        )]
        by: String,
    },
}

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Prove it whole, offline: hash chain, artifacts, stored inputs. Names the first broken record.
    Verify,
    /// Move a damaged journal to `set-aside/`, as it is, and put a backup in its place, or the
    /// records before the damage; the account is PAUSED until what is missing was looked into.
    SetAside {
        /// A copy of the journal's file that is whole.
        #[arg(long, value_name = "FILE")]
        restore: Option<PathBuf>,
        /// Who and why.
        #[command(flatten)]
        word: Word,
    },
    /// Write every record as a line of JSON.
    Export {
        /// To a new file rather than to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
