//! The journal's record: one link of a hash chain.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::time::Timestamp;
use crate::{DecisionId, Error};

/// A SHA-256 digest, printed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hash([u8; 32]);

impl Hash {
    /// What the first record names as its predecessor.
    pub const ZERO: Self = Self([0; 32]);

    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The first twelve hexadecimal digits: enough for a person to name it.
    #[must_use]
    pub fn short(&self) -> String {
        self.to_string().chars().take(12).collect()
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let malformed = || Error::Malformed {
            what: "hash",
            text: text.to_owned(),
            rule: "use 64 lower-case hexadecimal digits",
        };
        let mut bytes = [0_u8; 32];
        if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(malformed());
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| malformed())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| malformed())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Hash {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// One journal record; never changed once written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Position in the journal, from 1, without gaps.
    pub seq: u64,
    /// When it happened, by the clock of where it happened.
    pub ts_event: Timestamp,
    /// When we learned it, by our clock.
    pub ts_init: Timestamp,
    /// The decision it belongs to; `None` for what belongs to none.
    pub decision_id: Option<DecisionId>,
    /// What kind of event the payload is, such as `order_submitted`.
    pub kind: String,
    /// Version of the payload's form.
    pub version: u16,
    /// The event as JSON text; the bytes are part of the hash.
    pub payload: String,
    /// [`Record::hash`] of the record before, [`Hash::ZERO`] for the first.
    pub prev_hash: Hash,
}

impl Record {
    /// The digest over every field, each preceded by its length so that no two records collide.
    #[must_use]
    pub fn hash(&self) -> Hash {
        let mut digest = Sha256::new();
        let decision = self.decision_id.map_or(0, |id| id.0);
        digest.update(self.seq.to_be_bytes());
        for part in [
            self.ts_event.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true).as_bytes(),
            self.ts_init.to_rfc3339_opts(chrono::SecondsFormat::Nanos, true).as_bytes(),
            &decision.to_be_bytes(),
            self.kind.as_bytes(),
            &self.version.to_be_bytes(),
            self.payload.as_bytes(),
            &self.prev_hash.0,
        ] {
            digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            digest.update(part);
        }
        Hash(digest.finalize().into())
    }

    /// Checks that this record continues a chain whose last sequence number and hash are given.
    ///
    /// # Errors
    /// [`Error::Chain`] naming this record if its number or its predecessor's hash is wrong.
    pub fn follows(&self, last_seq: u64, last_hash: Hash) -> Result<(), Error> {
        let problem = if self.seq != last_seq + 1 {
            format!("follows record {last_seq}, so its number must be {}", last_seq + 1)
        } else if self.prev_hash != last_hash {
            format!("names {} as its predecessor, which is {last_hash}", self.prev_hash)
        } else {
            return Ok(());
        };
        Err(Error::Chain { seq: self.seq, problem })
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn record(seq: u64, prev_hash: Hash) -> Record {
        Record {
            seq,
            ts_event: DateTime::UNIX_EPOCH,
            ts_init: DateTime::UNIX_EPOCH,
            decision_id: Some(DecisionId(7)),
            kind: "order_submitted".into(),
            version: 1,
            payload: "{}".into(),
            prev_hash,
        }
    }

    #[test]
    fn a_chain_holds_and_every_change_breaks_it() {
        let first = record(1, Hash::ZERO);
        let second = record(2, first.hash());
        assert_eq!(first.follows(0, Hash::ZERO), Ok(()));
        assert_eq!(second.follows(1, first.hash()), Ok(()));
        let changes: [fn(&mut Record); 6] = [
            |r| r.ts_event += chrono::TimeDelta::nanoseconds(1),
            |r| r.ts_init += chrono::TimeDelta::nanoseconds(1),
            |r| r.decision_id = None,
            |r| r.kind.push('x'),
            |r| r.version += 1,
            |r| r.payload.push(' '),
        ];
        for change in changes {
            let mut changed = first.clone();
            change(&mut changed);
            assert!(second.follows(1, changed.hash()).is_err(), "{changed:?}");
        }
        assert!(record(3, first.hash()).follows(1, first.hash()).is_err());
    }

    #[test]
    fn a_hash_prints_and_parses() {
        let hash = Hash::of(b"abc");
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), known);
        assert_eq!(known.parse::<Hash>().unwrap(), hash);
        for wrong in ["", "zz", &known[1..], &known.to_uppercase(), "+0a7"] {
            assert!(wrong.parse::<Hash>().is_err(), "{wrong}");
        }
    }
}
