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

/// What to do beside comparing.
#[derive(Debug, Subcommand)]
pub(crate) enum Reconcile {
    /// Take something over into Atlas's books, by name and on the record.
    Adopt {
        /// What.
        #[command(subcommand)]
        what: Adopt,
        /// Who and why.
        #[command(flatten)]
        word: Word,
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
    },
    /// Shares in the books that are not there any more are written off.
    WriteOff {
        /// The symbol.
        symbol: Symbol,
        /// How many.
        qty: Qty,
    },
    /// A difference in cash is accepted: what the broker has more than the books.
    Cash {
        /// The amount, negative if the broker has less.
        #[arg(allow_negative_numbers = true)]
        amount: Usd,
    },
    /// Something odd in the journal is accepted as explained.
    Anomaly {
        /// The record it was found at.
        seq: u64,
    },
    /// An order the broker knows under Atlas's prefix and the journal does not is accepted.
    Order {
        /// Its name.
        client_order_id: ClientOrderId,
    },
}

/// What to do with a journal.
#[derive(Debug, Subcommand)]
pub(crate) enum Journal {
    /// Prove it whole, offline: hash chain, artifacts, stored inputs. Names the first broken record.
    Verify,
    /// Write every record as a line of JSON.
    Export {
        /// To a new file rather than to standard output.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
}
