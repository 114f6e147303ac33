//! What can be wrong with a value handed to this crate.

use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Why a value could not be made, an operation not be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The text is not a plain decimal number.
    #[error("{what} {text:?} is not a decimal number: write it like 12.34")]
    NotADecimal {
        /// The kind of value that was asked for.
        what: &'static str,
        /// The text as it was given.
        text: String,
    },
    /// The number is outside of what the type can hold.
    #[error("{what} {value} is out of range: it must be {range}")]
    OutOfRange {
        /// The kind of value that was asked for.
        what: &'static str,
        /// The number as it was given.
        value: String,
        /// The permitted range, in words.
        range: &'static str,
    },
    /// Exact arithmetic left the range of the decimal type.
    #[error("{operation} of {left} and {right} overflows")]
    Overflow {
        /// The operation that was tried.
        operation: &'static str,
        /// Left operand.
        left: Decimal,
        /// Right operand.
        right: Decimal,
    },
    /// A word that is none of the known ones.
    #[error("unknown {what} {word:?}: use one of {known}")]
    UnknownWord {
        /// The kind of word that was asked for.
        what: &'static str,
        /// The word as it was given.
        word: String,
        /// The known words.
        known: &'static str,
    },
    /// An identifier or symbol with characters or a length it may not have.
    #[error("{what} {text:?} is not valid: {rule}")]
    Malformed {
        /// The kind of identifier.
        what: &'static str,
        /// The text as it was given.
        text: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// Columns of a bar series differ in length.
    #[error("bars of {symbol}: column {column} has {found} rows where {expected} are expected")]
    ColumnLength {
        /// The series.
        symbol: String,
        /// The column.
        column: &'static str,
        /// Rows found.
        found: usize,
        /// Rows expected.
        expected: usize,
    },
    /// A bar that cannot be true.
    #[error("bars of {symbol}: {date}: {problem}")]
    BadBar {
        /// The series.
        symbol: String,
        /// The session of the bar.
        date: NaiveDate,
        /// What is wrong with it.
        problem: String,
    },
    /// An event that the order's state does not allow.
    #[error("order {order}: {event} is not possible in state {status}")]
    OrderTransition {
        /// The client order id.
        order: String,
        /// The event.
        event: &'static str,
        /// The state it met.
        status: &'static str,
    },
    /// A fill that does not add up with the order.
    #[error("order {order}: {problem}")]
    OrderQuantity {
        /// The client order id.
        order: String,
        /// What does not add up.
        problem: String,
    },
    /// A date outside of the calendar's years.
    #[error("{date} is outside of the exchange calendar, which covers {first} to {last}")]
    CalendarRange {
        /// The date asked for.
        date: NaiveDate,
        /// First date covered.
        first: NaiveDate,
        /// Last date covered.
        last: NaiveDate,
    },
    /// A date on which the exchange is closed.
    #[error("{date} is not a trading session ({reason}): the session before it is {previous}")]
    NotASession {
        /// The date asked for.
        date: NaiveDate,
        /// Why the exchange is closed.
        reason: &'static str,
        /// The last session before it.
        previous: NaiveDate,
    },
    /// A journal record that does not continue the chain.
    #[error("journal record {seq}: {problem}")]
    Chain {
        /// Sequence number of the first broken record.
        seq: u64,
        /// What is wrong with it.
        problem: String,
    },
}
