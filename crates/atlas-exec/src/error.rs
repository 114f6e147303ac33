//! What can go wrong in execution, each with the thing, the place and the remedy.

use std::path::PathBuf;

use atlas_core::journal::Hash;
use atlas_core::{DecisionId, Symbol};
use chrono::NaiveDate;

use crate::states::TradingState;

/// Why a call of this crate failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written.
    #[error("cannot {doing} {path}: {source}; check that the folder exists and is writable")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// Where.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Another process works on the account.
    #[error(
        "account folder {folder} is in use by {holder}: wait until it ends, or leave it a command \
         in the inbox"
    )]
    Locked {
        /// The account's folder.
        folder: PathBuf,
        /// Who holds the lock, as that process wrote it.
        holder: String,
    },
    /// The database refused an operation for a reason other than damage.
    #[error("cannot {doing} the journal {path}: {}", remedy(cause))]
    Sqlite {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// What `SQLite` said.
        cause: rusqlite::Error,
    },
    /// The file is a database, yet none of ours, or no database at all.
    #[error("{path} is not an Atlas journal ({problem}): move it away to begin a new one")]
    NotAJournal {
        /// The file.
        path: PathBuf,
        /// What was found.
        problem: String,
    },
    /// The journal is gone while there are signs that it was there; nothing was made in its place.
    #[error(
        "journal {path} is missing or empty, and {traces}: restore it from a backup, or use \
         another --account"
    )]
    LostJournal {
        /// The file.
        path: PathBuf,
        /// What shows that there was one.
        traces: &'static str,
    },
    /// The journal was written by a newer Atlas.
    #[error(
        "journal {path} has schema version {found}, and this Atlas knows up to {known}: use the \
         newer Atlas that wrote it"
    )]
    NewerSchema {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this program reads.
        known: i64,
    },
    /// The journal is damaged; it was left as it is.
    #[error(
        "journal {path} is damaged at record {seq}: {problem}; it was left as it is, restore a \
         copy or move it away"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// Number of the first record that cannot be trusted.
        seq: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// A record of a kind or version this program does not know.
    #[error(
        "journal record {seq} is of kind {kind} version {version}, which this Atlas does not know"
    )]
    UnknownEvent {
        /// The record.
        seq: u64,
        /// Its kind.
        kind: String,
        /// Its version.
        version: u16,
    },
    /// A record whose payload cannot be read, or an event that cannot be written.
    #[error("payload of journal record {seq} ({kind}) is not readable: {source}")]
    Payload {
        /// The record.
        seq: u64,
        /// Its kind.
        kind: String,
        /// What the parser said.
        source: serde_json::Error,
    },
    /// An event that cannot have happened in the state before it.
    #[error("journal record {seq} ({kind}) does not fit what came before it: {problem}")]
    Fold {
        /// The record.
        seq: u64,
        /// Its kind.
        kind: &'static str,
        /// Why not.
        problem: String,
    },
    /// A write to the journal failed earlier; nothing may be done before a restart.
    #[error("the journal failed earlier in this session, so nothing more is done: restart Atlas")]
    JournalFault,
    /// A stored input is missing or not what its name says.
    #[error("stored input {hash} at {path} {problem}")]
    Input {
        /// The digest it is stored under.
        hash: Hash,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// A value that core refuses.
    #[error(transparent)]
    Core(#[from] atlas_core::Error),
    /// The broker could not be asked.
    #[error("cannot {doing}: {source}")]
    Broker {
        /// What was asked.
        doing: &'static str,
        /// What the broker client said.
        source: atlas_broker::Error,
    },
    /// Continuous trading cannot begin or go on.
    #[error("{what}: {problem}")]
    Trade {
        /// What cannot be done.
        what: &'static str,
        /// Why not, and what to do.
        problem: String,
    },
    /// The broker answers for another account than the journal's.
    #[error(
        "the broker answers for account {found}, and this journal belongs to {expected}: use the \
         credentials of {expected} or another --account"
    )]
    WrongAccount {
        /// Number in the journal.
        expected: String,
        /// Number the broker reports.
        found: String,
    },
    /// The account moves too fast for a baseline to be taken.
    #[error("account {account} is moving, so no baseline can be taken: try again when it is quiet")]
    Busy {
        /// The broker's number of the account.
        account: String,
    },
    /// The journal has no account yet: it must be reconciled first.
    #[error("the account is not opened yet: reconcile it with the broker first")]
    NotOpened,
    /// A plan is still to be executed or put aside.
    #[error(
        "decision {id} for {as_of} is not finished: execute it, or supersede it, before another \
         decision"
    )]
    PendingDecision {
        /// The decision.
        id: DecisionId,
        /// Its as-of session.
        as_of: NaiveDate,
    },
    /// No such decision in the journal.
    #[error("the journal knows no decision {id}")]
    NoSuchDecision {
        /// The decision.
        id: DecisionId,
    },
    /// A decision computed again from its stored inputs is not the journaled one.
    #[error(
        "decision {id} cannot be proven: {problem}; journal, inputs or program are not what they \
         were, so trust none of them before you know why"
    )]
    Differs {
        /// The decision.
        id: DecisionId,
        /// What came out differently.
        problem: String,
    },
    /// Nothing in the journal has to do with a question.
    #[error("the journal knows nothing of {question}")]
    Unexplained {
        /// What was asked.
        question: String,
    },
    /// No pending plan has this hash.
    #[error("no plan waits for approval under the hash {hash}: `atlas plan` shows the right one")]
    NoSuchPlan {
        /// The hash given.
        hash: String,
    },
    /// A plan that cannot be journaled or executed.
    #[error("the plan of decision {id} cannot be used: {problem}")]
    Plan {
        /// The decision.
        id: DecisionId,
        /// What is wrong with it.
        problem: String,
    },
    /// The approval does not hold any more, or never was given.
    #[error("decision {id} may not be executed: {problem}")]
    Approval {
        /// The decision.
        id: DecisionId,
        /// Which drift was found, or that nobody approved.
        problem: String,
    },
    /// The state does not permit it.
    #[error("the account is {state} ({cause}), which does not permit to {action}: {remedy}")]
    NotPermitted {
        /// The account's state.
        state: TradingState,
        /// Why it is in it.
        cause: String,
        /// What was tried.
        action: &'static str,
        /// What to do about it.
        remedy: String,
    },
    /// Rules of a plan's desk that do not go with the limits in force.
    #[error("the plan's desk cannot be held to: {0}: make a new plan")]
    Desk(#[source] atlas_risk::Error),
    /// A strategy that is there for tests, in live mode.
    #[error("a strategy that is there for tests only never trades real money: leave it out")]
    TestOnly,
    /// An adoption that names more than there is.
    #[error("cannot adopt {symbol}: {problem}")]
    Adopt {
        /// The symbol.
        symbol: Symbol,
        /// Why not.
        problem: String,
    },
    /// A command file in the inbox that cannot be read; it was set aside.
    #[error("inbox command {path} is not readable and was set aside: {problem}")]
    Command {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

impl Error {
    /// For `map_err`: an input or output error with what was tried and where.
    pub(crate) fn io(
        doing: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { doing, path, source }
    }

    /// For `map_err`: a broker error with what was asked.
    pub(crate) const fn broker(doing: &'static str) -> impl FnOnce(atlas_broker::Error) -> Self {
        move |source| Self::Broker { doing, source }
    }
}

/// What `SQLite` said, in words that say what to do.
fn remedy(cause: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode as Code;
    let again = "then run the command again";
    match cause.sqlite_error_code() {
        Some(Code::DiskFull) => format!("the disk is full: free space, {again}"),
        Some(Code::DatabaseBusy | Code::DatabaseLocked) => {
            format!("another program has it locked: close that program, {again}")
        }
        Some(Code::SystemIoFailure) => {
            format!("the disk failed ({cause}): see whether it is full or broken, {again}")
        }
        Some(Code::ReadOnly | Code::PermissionDenied) => {
            format!("it may not be written: give write permission, {again}")
        }
        Some(Code::CannotOpen) => {
            format!("it cannot be opened ({cause}): check that its folder exists, {again}")
        }
        _ => cause.to_string(),
    }
}
