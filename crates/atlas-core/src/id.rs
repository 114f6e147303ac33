//! Identifiers: ours and the venue's are different types.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Error, Side, Symbol};

/// Declares an identifier over checked text.
macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $max:literal, $rule:literal, $fits:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// Checks and takes an identifier.
            ///
            /// # Errors
            #[doc = concat!("[`Error::Malformed`]: ", $rule, ".")]
            pub fn new(text: &str) -> Result<Self, Error> {
                let fits: fn(char) -> bool = $fits;
                if text.is_empty() || text.len() > $max || !text.chars().all(fits) {
                    return Err(Error::Malformed {
                        what: $what,
                        text: text.to_owned(),
                        rule: $rule,
                    });
                }
                Ok(Self(text.into()))
            }

            /// The identifier as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id! {
    /// Our name for an order, unique for ever within the account at the venue.
    ClientOrderId, "client order id", 128,
    "use 1 to 128 printable ASCII characters without spaces",
    |c| c.is_ascii_graphic()
}
text_id! {
    /// The venue's name for an order.
    VenueOrderId, "venue order id", 128,
    "use 1 to 128 printable ASCII characters without spaces",
    |c| c.is_ascii_graphic()
}
text_id! {
    /// The venue's name for one fill; a fill is counted once however often it is reported.
    ExecutionId, "execution id", 128,
    "use 1 to 128 printable ASCII characters without spaces",
    |c| c.is_ascii_graphic()
}
text_id! {
    /// The name of a configured account; also the name of its folder.
    AccountName, "account name", 32,
    "use 1 to 32 of a-z, 0-9 and '-'",
    |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'
}
text_id! {
    /// The name of one signal: decision, strategy and symbol.
    SignalId, "signal id", 96,
    "use 1 to 96 printable ASCII characters without spaces",
    |c| c.is_ascii_graphic()
}

/// The start of every order id of ours.
pub const ORDER_PREFIX: &str = "atlas-";

/// The number of a decision: a durable counter of the account, from 1.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct DecisionId(pub u64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ClientOrderId {
    /// The id of one leg of a decision: a function of account, decision, leg and attempt alone, so
    /// that a resumed plan names its orders as the first run did.
    ///
    /// # Errors
    /// [`Error::Malformed`] only if the parts together exceed 128 characters.
    pub fn for_leg(
        account: &AccountName,
        decision: DecisionId,
        side: Side,
        symbol: &Symbol,
        attempt: u32,
    ) -> Result<Self, Error> {
        Self::new(&format!("{ORDER_PREFIX}{account}-{decision}-{side}-{symbol}-{attempt}"))
    }

    /// Whether the id was made by Atlas.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.as_str().starts_with(ORDER_PREFIX)
    }
}
