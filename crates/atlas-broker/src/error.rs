//! What can go wrong with a broker, sorted by what one can do about it.

use std::path::PathBuf;

use atlas_core::time::Timestamp;
use chrono::NaiveDate;

/// Why a call to a broker failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The credentials are missing or wrong.
    #[error("{venue} refused the credentials ({status}): check the key id and the secret key")]
    Auth {
        /// Which broker.
        venue: String,
        /// HTTP status.
        status: u16,
    },
    /// The broker understood and said no; asking again cannot help.
    #[error("{venue} refused {request}: {reason} ({status}, code {code:?})")]
    Refused {
        /// Which broker.
        venue: String,
        /// What was asked.
        request: String,
        /// HTTP status.
        status: u16,
        /// The broker's own code.
        code: Option<i64>,
        /// The broker's words.
        reason: String,
    },
    /// Too many requests; nothing was done.
    #[error("{venue} asks to slow down until {reset:?}")]
    RateLimited {
        /// Which broker.
        venue: String,
        /// When requests are welcome again, if the broker says so.
        reset: Option<Timestamp>,
    },
    /// The connection could not be made: nothing reached the broker.
    #[error(
        "{venue} could not be reached for {request} ({reason}): check its address, and that it runs"
    )]
    NotReached {
        /// Which broker.
        venue: String,
        /// What was asked.
        request: String,
        /// What the transport said.
        reason: String,
    },
    /// The last look before the wire said no: nothing was sent.
    #[error("{request} was not sent: {why}")]
    HeldBack {
        /// What was to be sent.
        request: String,
        /// What said no, in a sentence.
        why: String,
    },
    /// The request went out, and no usable answer came back.
    #[error("{venue} gave no usable answer to {request} ({reason}): try again when it answers")]
    NoAnswer {
        /// Which broker.
        venue: String,
        /// What was asked.
        request: String,
        /// Timeout, lost connection, or the server's own failure.
        reason: String,
    },
    /// The answer came and could not be understood.
    #[error("{venue} answered {request} with something Atlas cannot read: {problem}")]
    BadAnswer {
        /// Which broker.
        venue: String,
        /// What was asked.
        request: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An order is in a state this version of Atlas does not know: trading on would be guessing.
    #[error("order {order} is in state {state:?} at {venue}, which Atlas does not know")]
    UnknownState {
        /// Which broker.
        venue: String,
        /// The broker's name for the order.
        order: String,
        /// The state's name.
        state: String,
    },
    /// Something this version of Atlas does not handle, such as a short position.
    #[error("{what} at {venue} is not supported: {remedy}")]
    Unsupported {
        /// Which broker.
        venue: String,
        /// What was found.
        what: String,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The address is none this mode may talk to.
    #[error("{address} is not an address for {mode}: {rule}")]
    Address {
        /// The address as it was given.
        address: String,
        /// The mode of the session.
        mode: &'static str,
        /// What is permitted.
        rule: &'static str,
    },
    /// Daily bars were asked for and there are none.
    #[error(
        "there are no daily bars of {symbols} from {first} to {last}: check the spelling, or leave \
         them out of the universe"
    )]
    NoBars {
        /// The symbols.
        symbols: String,
        /// The first session asked for.
        first: NaiveDate,
        /// The last session asked for.
        last: NaiveDate,
    },
    /// A publisher's file could not be had, or does not hold what it should.
    #[error("the {what} from {address} cannot be used: {problem}")]
    Published {
        /// The series.
        what: String,
        /// Where it was looked for.
        address: String,
        /// What is wrong.
        problem: String,
    },
    /// The folder downloads are kept in cannot be used.
    #[error("{} cannot be used for downloads ({problem}): remove or repair it", path.display())]
    Cache {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A client could not be built from its settings.
    #[error("the broker client cannot be set up: {problem}")]
    Setup {
        /// What is wrong.
        problem: String,
    },
}
