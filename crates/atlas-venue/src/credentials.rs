//! The key pair the server asks for.

use std::fmt;

use crate::core::ids::{self, Kind};

/// Text that is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<str>);

impl Secret {
    /// Wraps a secret.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The secret itself: for a header or a configuration, never for a log.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `other` is the same, in a time that depends on its length alone.
    #[must_use]
    pub fn matches(&self, other: &str) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), other.as_bytes());
        let differences = theirs.iter().enumerate().fold(0_u8, |sum, (at, byte)| {
            // Past the end of ours, any byte differs from its own complement.
            sum | (byte ^ ours.get(at).copied().unwrap_or(!byte))
        });
        std::hint::black_box(differences) == 0 && ours.len() == theirs.len()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A key pair of the venue's account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The public half, as in `APCA-API-KEY-ID`.
    pub key_id: String,
    /// The secret half, as in `APCA-API-SECRET-KEY`.
    pub secret: Secret,
}

impl Credentials {
    /// The pair that belongs to a seed: good for a simulated account on loopback, where whoever
    /// knows the seed may know the key.
    #[must_use]
    pub fn from_seed(seed: u64) -> Self {
        let half = |count| ids::uuid(seed, Kind::Key, count).simple().to_string();
        let key_id = format!("PK{}", half(1)[..18].to_ascii_uppercase());
        Self { key_id, secret: Secret::new(&(half(2) + &half(3)[..8])) }
    }

    /// Whether a key pair is this one, in a time that does not depend on how much of it fits.
    #[must_use]
    pub fn matches(&self, key_id: &str, secret: &str) -> bool {
        Secret::new(&self.key_id).matches(key_id) & self.secret.matches(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pair_itself_matches() {
        let pair = Credentials::from_seed(1);
        let (id, secret) = (pair.key_id.clone(), pair.secret.expose().to_owned());
        assert!(pair.matches(&id, &secret));
        assert!(!pair.matches(&id, ""));
        assert!(!pair.matches(&id, &secret[..39]));
        assert!(!pair.matches(&id, &format!("{secret}x")));
        assert!(!pair.matches("", &secret));
        assert!(!Credentials::from_seed(2).matches(&id, &secret));
    }

    #[test]
    fn a_secret_does_not_print() {
        let pair = Credentials::from_seed(1);
        assert!(!format!("{pair:?}").contains(pair.secret.expose()));
        assert_eq!((pair.key_id.len(), pair.secret.expose().len()), (20, 40));
    }
}
