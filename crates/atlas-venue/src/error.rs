//! What can go wrong with the venue itself; an order it refuses is a [`Refusal`](crate::Refusal).

use std::net::SocketAddr;
use std::path::PathBuf;

use atlas_core::time::Timestamp;

/// Why the venue could not be opened, moved or served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value or date of the vocabulary.
    #[error(transparent)]
    Core(#[from] atlas_core::Error),
    /// Checked arithmetic of the venue left its range.
    #[error("the {what} leaves the range of the venue's fixed-point numbers: use smaller amounts")]
    Overflow {
        /// What was computed.
        what: &'static str,
    },
    /// The clock was to be set back.
    #[error(
        "the venue's clock stands at {clock} and cannot go back to {asked}: use a later date, or \
         another state directory"
    )]
    ClockBackwards {
        /// Where the clock stands.
        clock: Timestamp,
        /// Where it was to be set.
        asked: Timestamp,
    },
    /// The same symbol was listed twice.
    #[error("{symbol} is listed twice at the venue: hand in one series for each symbol")]
    ListedTwice {
        /// The symbol.
        symbol: String,
    },
    /// A price series ends before what the account has already seen.
    #[error(
        "the account holds {symbol}, for which the venue was given no prices: hand in a series \
         for it, or use another state directory"
    )]
    NotListed {
        /// The symbol.
        symbol: String,
    },
    /// A position that had to be closed could not be.
    #[error(
        "the venue could not close the position in {symbol} of an account below its margin: {problem}"
    )]
    Liquidation {
        /// The symbol.
        symbol: String,
        /// What spoke against it.
        problem: String,
    },
    /// A rule of a day before anybody wrote it down.
    #[error(
        "nothing is known of the {rule} on {date}: use later data, or an account that does not \
         need it"
    )]
    UnknownRule {
        /// The rule.
        rule: &'static str,
        /// The day.
        date: chrono::NaiveDate,
    },
    /// A setting that makes no sense.
    #[error("venue setting {setting} is {value}: it must be {range}")]
    Setting {
        /// The setting.
        setting: &'static str,
        /// Its value.
        value: String,
        /// What is permitted.
        range: &'static str,
    },
    /// The state file could not be read or written.
    #[error("venue state {path}: {problem}: check the file, its permissions and the disk")]
    Store {
        /// The file.
        path: PathBuf,
        /// What the storage said.
        problem: String,
    },
    /// There is no account where there must be one; nothing was made in its place.
    #[error(
        "the venue's books at {path} are missing: restore them from a backup, or use another \
         account"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the state open.
    #[error("venue state {path} is in use by another process: stop it, or use another directory")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The state was written by a later version.
    #[error(
        "venue state {path} has format {found}, this version knows up to {supported}: use the \
         version of Atlas that wrote it"
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format found.
        found: i64,
        /// The newest format this version can read.
        supported: i64,
    },
    /// The state contradicts itself.
    #[error(
        "venue state {path} is damaged ({problem}): restore it from a copy, or use another \
         directory"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The first contradiction.
        problem: String,
    },
    /// An earlier failure left memory and disk apart, so nothing more is accepted.
    #[error("the venue stopped after a failure ({problem}): open it again to go on from disk")]
    Stopped {
        /// The failure.
        problem: String,
    },
    /// The address is beyond this machine.
    #[error(
        "{addr} is not a loopback address: listen on 127.0.0.1, or allow other addresses \
         explicitly"
    )]
    NotLoopback {
        /// The address asked for.
        addr: SocketAddr,
    },
    /// The address could not be listened on.
    #[error("the venue cannot listen on {addr}: {problem}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What the system said.
        problem: String,
    },
}
