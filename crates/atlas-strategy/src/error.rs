//! What can be wrong with a strategy's parameters or inputs.

/// Why a strategy or an indicator could not be made, or its signals not be named.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter outside of its range.
    #[error("{owner}: {name} = {value} cannot be used: it must be {rule}")]
    Parameter {
        /// The indicator or strategy.
        owner: &'static str,
        /// The parameter.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// Columns of one history differ in length.
    #[error("history of {symbol}: column {column} has {found} rows where {expected} are expected")]
    Columns {
        /// The symbol.
        symbol: String,
        /// The column.
        column: &'static str,
        /// Rows found.
        found: usize,
        /// Rows expected.
        expected: usize,
    },
    /// A name that cannot be made, such as one that is too long.
    #[error(transparent)]
    Name(#[from] atlas_core::Error),
}
