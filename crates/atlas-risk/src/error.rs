//! What can be wrong with limits, sizing inputs and money arithmetic in this crate.

/// Why limits could not be used or a size could not be computed.
///
/// A denied order is not an error: see [`Denial`](crate::Denial).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A limit that contradicts itself or another one.
    #[error("limit {name} = {value} cannot be used: it must be {rule}")]
    Limit {
        /// Name of the limit as it stands in the configuration.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// A number handed to a sizing method that it cannot work with.
    #[error("sizing by {method}: {name} = {value} cannot be used: it must be {rule}")]
    Sizing {
        /// The method.
        method: &'static str,
        /// Name of the input.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it must be.
        rule: &'static str,
    },
    /// An unknown profile name.
    #[error("unknown risk profile {word:?}: use conservative, standard or racehorse")]
    UnknownProfile {
        /// The word as it was given.
        word: String,
    },
    /// Exact arithmetic on money failed.
    #[error(transparent)]
    Money(#[from] atlas_core::Error),
}
